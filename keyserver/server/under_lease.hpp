// What a server does differently that serves under the lease of a store, and how it waits for what
// it has decided before a change.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "keyserver/admin/admin_parts.hpp"
#include "keyserver/group/store_watch.hpp"
#include "keyserver/group/tenure.hpp"
#include "net/listener.hpp"

namespace nae::server {

// Called where answers leave: what was decided while the lease held must not be said after it. Ends
// the process without destructors when it is over. Safe from any thread.
std::function<void()> answers_by(std::shared_ptr<const group::Tenure> tenure);

// How long the lease holds, and what is known of the store, for administrators and metrics.
void tell_of_lease(admin::AdminParts& parts, std::shared_ptr<const group::Tenure> tenure,
                   std::shared_ptr<group::StoreWatch> watch);

// Returns when no answer is still to leave that was decided before this call. Code::timeout when
// one is after `time`.
Result<void> settle_answers(net::Listener& listener, std::chrono::milliseconds time);

}  // namespace nae::server
