#include "keyserver/server/approvals_at_start.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "keyserver/admin/admin_role.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::server {

Result<void> interrupt_approvals(store::Approvals& store, const RecordEvent& record) {
  const auto ids = store.interrupt_approvals();
  if (!ids && ids.error().code == Code::store_unavailable) {
    spdlog::error("event=approvals-not-interrupted message={} hint={}",
                  quoted_text(ids.error().message), quoted_text(ids.error().hint));
    return {};
  }
  NAE_TRY(ids);
  for (const std::string& id : *ids) {
    spdlog::warn("event=approval-interrupted id={}", id);
    NAE_TRY(record("approval-interrupted", id));
  }
  return {};
}

Result<void> warn_of_missing_approvers(store::Admins& store, const admin::ApprovalRules& rules) {
  if (!rules.any()) return {};
  NAE_ASSIGN(std::vector<store::Admin> admins, store.list_admins());
  for (admin::AdminRole role : admin::admin_roles()) {
    auto holds = [&](const store::Admin& who) {
      return std::find(who.roles.begin(), who.roles.end(), name(role)) != who.roles.end();
    };
    if (std::count_if(admins.begin(), admins.end(), holds) < 2)
      spdlog::warn(
          "event=approvers-missing role={} message=\"fewer than two hold it: what it "
          "requests cannot be approved\"",
          name(role));
  }
  return {};
}

}  // namespace nae::server
