// SharedWork: one derivation for all who wait for its working key. Thousands of requests may come
// at once for a version that nobody has used yet, and each would ask the HSM for the same key.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "keyserver/operations/request.hpp"

namespace nae::operations {

// Thread-safe.
class SharedWork {
 public:
  using Waiter = std::function<void(const Result<Prepared>&)>;

  // True when the work of this name is under way: `waiter` is called when it is finished, on the
  // thread that finishes it. False: it is the caller's, who calls finish() in any case.
  bool join(const std::string& name, Waiter waiter);
  void finish(const std::string& name, const Result<Prepared>& result);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::vector<Waiter>> under_way_;
};

// What of another's result serves a request as well: working keys, but never a lease, whose
// counters belong to one. Empty when the other failed for a reason of its own, its deadline or its
// place in the queue, and the request has not `waited` long itself: it is then served anew.
Result<Prepared> share_of(const Result<Prepared>& result, bool waited);

}  // namespace nae::operations
