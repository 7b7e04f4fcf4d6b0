#include "keyserver/server/under_lease.hpp"

#include "keyserver/server/open_store.hpp"

namespace nae::server {

std::function<void()> answers_by(std::shared_ptr<const group::Tenure> tenure) {
  return [tenure = std::move(tenure)] {
    if (!tenure->holds())
      end_without_lease(Error(Code::server_unavailable, "the lease of the store has ended"));
  };
}

double UnderLease::lease_seconds_left() const {
  return std::chrono::duration<double>(parts_.tenure.left()).count();
}

bool UnderLease::store_is_whole() const {
  return parts_.watch.is_whole().has_value();
}

bool UnderLease::store_is_synchronous() const {
  return parts_.watch.is_synchronous();
}

std::string UnderLease::in_charge() const {
  return parts_.follower ? parts_.follower->in_charge() : std::string();
}

std::function<Result<void>()> UnderLease::in_force() {
  if (!parts_.acknowledgement) return {};
  return parts_.acknowledgement->begin(parts_.store.ledger_head());
}

Result<void> settle_answers(net::Listener& listener, std::chrono::milliseconds time) {
  if (listener.settle(net::kAlpnNae, time)) return {};
  return fail(Code::timeout,
              "the change was made and holds for every new request, but answers that were decided "
              "before it may still leave",
              "See the key server's log; repeat the command to wait again.");
}

}  // namespace nae::server
