// /v1/policy/prune: texts of old policy versions are taken away; that they were stays.
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/route.hpp"

namespace nae::admin {
namespace {

Result<std::int64_t> before_of(const AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::string text, fields.text("before"));
  NAE_TRY(fields.complete());
  NAE_ASSIGN(std::int64_t before_us, api::parse_time(text));
  if (before_us > call.now_us)
    return fail(Code::invalid_argument, "the time up to which is pruned is still to come");
  return before_us;
}

json::object to_json(const std::vector<policy::Revision>& revisions) {
  json::array versions;
  for (const policy::Revision& revision : revisions) versions.push_back(revision.number);
  return {{"versions", std::move(versions)}};
}

}  // namespace

Result<Reply> preview_prune_policies(AdminCall& call) {
  NAE_ASSIGN(const std::int64_t before_us, before_of(call));
  NAE_ASSIGN(const auto found, call.parts.store.store.prunable_policies(before_us));
  return Reply{to_json(found)};
}

Result<Reply> prune_policies(AdminCall& call) {
  NAE_ASSIGN(const std::int64_t before_us, before_of(call));
  NAE_ASSIGN(const auto pruned, call.parts.store.store.prune_policies(before_us, call.now_us));
  call.audit_detail =
      "before " + api::format_time(before_us) + ": " + std::to_string(pruned.size()) + " versions";
  if (!pruned.empty())
    call.audit_detail += ", " + std::to_string(pruned.front().number) + " to " +
                         std::to_string(pruned.back().number);
  return Reply{to_json(pruned)};
}

}  // namespace nae::admin
