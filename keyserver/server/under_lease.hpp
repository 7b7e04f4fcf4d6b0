// What a server does differently that serves under the lease of a store, and how it waits for what
// it has decided before a change.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "keyserver/admin/group.hpp"
#include "keyserver/group/acknowledgement.hpp"
#include "keyserver/group/store_watch.hpp"
#include "keyserver/group/tenure.hpp"
#include "keyserver/server/follower.hpp"
#include "keyserver/store/store.hpp"
#include "net/listener.hpp"

namespace nae::server {

// Called where answers leave: what was decided while the lease held must not be said after it. Ends
// the process without destructors when it is over. Safe from any thread.
std::function<void()> answers_by(std::shared_ptr<const group::Tenure> tenure);

// How long the lease holds, what is known of the store, and who is in charge, for administrators
// and metrics.
class UnderLease final : public admin::Group {
 public:
  struct Parts {
    const group::Tenure& tenure;
    group::StoreWatch& watch;
    store::Store& store;
    const std::vector<std::string>& not_on_token;
    Follower* follower;                       // nullptr: this server is in charge
    group::Acknowledgement* acknowledgement;  // of one in charge
  };
  // The parts outlive this.
  explicit UnderLease(Parts parts) : parts_(parts) {}

  double lease_seconds_left() const override;
  bool store_is_whole() const override;
  bool store_is_synchronous() const override;
  const std::vector<std::string>& not_on_token() const override { return parts_.not_on_token; }
  bool follows() const override { return parts_.follower != nullptr; }
  std::string in_charge() const override;
  std::function<Result<void>()> in_force() override;

 private:
  Parts parts_;
};

// Returns when no answer is still to leave that was decided before this call. Code::timeout when
// one is after `time`.
Result<void> settle_answers(net::Listener& listener, std::chrono::milliseconds time);

}  // namespace nae::server
