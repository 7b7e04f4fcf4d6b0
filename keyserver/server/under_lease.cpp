#include "keyserver/server/under_lease.hpp"

#include "keyserver/server/open_store.hpp"

namespace nae::server {

std::function<void()> answers_by(std::shared_ptr<const group::Tenure> tenure) {
  return [tenure = std::move(tenure)] {
    if (!tenure->holds())
      end_without_lease(Error(Code::server_unavailable, "the lease of the store has ended"));
  };
}

void tell_of_lease(admin::AdminParts& parts, std::shared_ptr<const group::Tenure> tenure,
                   std::shared_ptr<group::StoreWatch> watch) {
  parts.lease_seconds_left = [tenure = std::move(tenure)] {
    return std::chrono::duration<double>(tenure->left()).count();
  };
  parts.store_is_whole = [watch] { return watch->is_whole().has_value(); };
  parts.store_is_synchronous = [watch] { return watch->is_synchronous(); };
}

Result<void> settle_answers(net::Listener& listener, std::chrono::milliseconds time) {
  if (listener.settle(net::kAlpnNae, time)) return {};
  return fail(Code::timeout,
              "the change was made and holds for every new request, but answers that were decided "
              "before it may still leave",
              "See the key server's log; repeat the command to wait again.");
}

}  // namespace nae::server
