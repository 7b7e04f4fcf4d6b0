// Charge: being the one key server that is in charge of a store: the lease taken, and renewed by a
// thread until it goes.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "keyserver/group/candidate.hpp"
#include "keyserver/group/store_watch.hpp"
#include "keyserver/group/tenure.hpp"

namespace nae::group {

struct ChargeOptions {
  std::string node;  // this key server's name
  std::chrono::milliseconds lease{30'000};
  // Called once, from the thread that renews, when the tenure has ended: somebody else has the
  // lease, or the store was away for too long. Nobody may be answered any more.
  std::function<void(const Error&)> lost;
  // Is told what each renewal sees of the store; nullptr: nobody is.
  std::shared_ptr<StoreWatch> watch = {};
  std::string holder = {};  // which run of the node; empty: one that is drawn
};

class Charge {
 public:
  // Code::server_unavailable when somebody else has the lease, for as long as `candidate` says so.
  // It is asked again later with the same candidate.
  static Result<std::unique_ptr<Charge>> take(std::unique_ptr<store::Lease> lease,
                                              Candidate& candidate, ChargeOptions options);
  // Gives the lease back: what was written before is all.
  ~Charge();
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;

  const store::Holding& holding() const { return holding_; }
  const Tenure& tenure() const { return *tenure_; }
  std::shared_ptr<const Tenure> shared_tenure() const { return tenure_; }
  // At once, and not given back: what this process knows may not be what the store has.
  void forfeit();

 private:
  Charge(std::unique_ptr<store::Lease> lease, ChargeOptions options);
  void keep_renewing();
  Result<store::Renewal> renew();

  const ChargeOptions options_;
  std::unique_ptr<store::Lease> lease_;
  store::Holding holding_;
  const std::shared_ptr<Tenure> tenure_ = std::make_shared<Tenure>();
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // under mutex_
  bool forfeited_ = false;
  std::thread thread_;
};

}  // namespace nae::group
