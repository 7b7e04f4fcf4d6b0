// Lease: the port by which one of several key servers on a store is in charge of it.
// docs/spec/group.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "libnae/base/result.hpp"

namespace nae::store {

// The lease as it stands in the store.
struct LeaseState {
  std::int64_t generation = 0;  // 0: nobody ever had it; one more with each holder
  std::int64_t beat = 0;        // one more with each renewal
  std::string node;             // who has it, or had it last
  std::string holder;           // which run of that node: a random text
  std::chrono::milliseconds duration{0};
  bool released = true;  // given back: nobody has it
  friend bool operator==(const LeaseState&, const LeaseState&) = default;
};

struct Holding {
  std::int64_t generation = 0;
  std::int64_t node_number = 1;  // of this node, for ever
  std::string node;
  std::string holder;  // which run of it: where a take was lost two may count the same generation
};

// Failures of every call: Code::store_unavailable, store_corrupt. Not thread-safe.
class Lease {
 public:
  virtual ~Lease() = default;

  virtual Result<LeaseState> read() = 0;
  // Nothing when the lease is not as `seen` any more: somebody else was faster.
  virtual Result<std::optional<Holding>> take(const LeaseState& seen, const std::string& node,
                                              const std::string& holder,
                                              std::chrono::milliseconds duration) = 0;
  // False when somebody else has taken it: this one is over. True only when every machine that the
  // store waits for has the renewal.
  virtual Result<bool> renew(const Holding& holding) = 0;
  // The next node need not wait.
  virtual Result<void> release(const Holding& holding) = 0;
};

}  // namespace nae::store
