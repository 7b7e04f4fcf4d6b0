// What a start finds of approvals: requests that the last run left, roles that nobody can approve.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "keyserver/admin/approval_rules.hpp"
#include "keyserver/store/admins.hpp"
#include "keyserver/store/approvals.hpp"

namespace nae::server {

using RecordEvent = std::function<Result<void>(std::string_view event, const std::string& detail)>;

// Approved requests that the last run did not finish. Whether they were done is not known, so
// they are shown as interrupted and never done again. A store that takes no changes now keeps them
// as they are until the next start, and the log says so: values are served without it.
Result<void> interrupt_approvals(store::Approvals& store, const RecordEvent& record);

// A role whose only holder must be approved by another one is of no use: the log says so.
Result<void> warn_of_missing_approvers(store::Admins& store, const admin::ApprovalRules& rules);

}  // namespace nae::server
