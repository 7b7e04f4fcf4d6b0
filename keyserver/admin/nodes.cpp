// /v1/nodes: the key servers of a group.
#include "keyserver/admin/route.hpp"
#include "keyserver/setup/reason.hpp"
#include "libnae/base/text.hpp"

namespace nae::admin {
namespace {

constexpr std::int64_t kMillisecondsPerSecond = 1'000;

std::string_view state_of(const store::Node& node) {
  if (node.silent) return "silent";
  switch (node.state) {
    case store::NodeState::waiting:
      return "waiting";
    case store::NodeState::in_charge:
      return "in-charge";
    case store::NodeState::following:
      return "following";
    case store::NodeState::left:
      break;
  }
  return "left";
}

Result<std::string> reason_of(const AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::string reason, fields.text("reason"));
  NAE_TRY(fields.complete());
  NAE_TRY(setup::check_reason(reason));
  return reason;
}

}  // namespace

Result<Reply> list_nodes(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(const std::vector<store::Node> nodes, call.parts.store.store.list_nodes());
  json::array list;
  for (const store::Node& node : nodes)
    list.push_back(json::object{{"name", node.name},
                                {"state", state_of(node)},
                                {"fenced", node.fenced},
                                {"software", node.version},
                                {"address", node.address},
                                {"heard_seconds_ago", node.quiet_ms / kMillisecondsPerSecond},
                                {"newest_change", node.newest},
                                {"applied_change", node.applied},
                                {"audit_seq", node.head.seq},
                                {"audit_hash", node.head.seq ? to_hex(node.head.hash) : ""}});
  return Reply{{{"nodes", std::move(list)}}};
}

Result<Reply> fence_node(AdminCall& call) {
  NAE_ASSIGN(const std::string reason, reason_of(call));
  call.audit_detail = reason;
  NAE_TRY(call.parts.store.store.fence_node(call.names.front(), reason));
  return Reply{{{"name", call.names.front()}, {"fenced", reason}}};
}

Result<Reply> remove_node(AdminCall& call) {
  NAE_ASSIGN(const std::string reason, reason_of(call));
  call.audit_detail = reason;
  NAE_TRY(call.parts.store.store.remove_node(call.names.front(), reason));
  return Reply{{{"name", call.names.front()}, {"removed", reason}}};
}

Result<Reply> allow_node(AdminCall& call) {
  NAE_ASSIGN(const std::string reason, reason_of(call));
  call.audit_detail = reason;
  NAE_TRY(call.parts.store.store.allow_node(call.names.front()));
  return Reply{{{"name", call.names.front()}, {"fenced", ""}}};
}

}  // namespace nae::admin
