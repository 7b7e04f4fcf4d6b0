// /v1/nodes of a server whose store is its own; those of a group stand in
// keyserver/store/engines/nodes_test.cpp and tests/end_to_end/group_nodes.t.
#include "keyserver/admin/admin_service_test_server.hpp"

namespace nae::admin {
namespace {

class NodesTest : public AdminServiceTest {};

TEST_F(NodesTest, WithoutAGroupThereAreNone) {
  const json::object reason{{"reason", "its disk fails"}};
  EXPECT_EQ(code(call("auditor", "GET", "/v1/nodes")), "unsupported");
  EXPECT_EQ(code(call("operator", "POST", "/v1/nodes/ks1/fence", reason)), "unsupported");
  EXPECT_EQ(code(call("operator", "POST", "/v1/nodes/ks1/allow", reason)), "unsupported");
  EXPECT_EQ(code(call("operator", "POST", "/v1/nodes/ks1/remove", reason)), "unsupported");
  EXPECT_EQ(records("node-remove").back().target, "ks1");
  EXPECT_EQ(records("node-remove").back().detail, "its disk fails");
  EXPECT_EQ(records("node-fence").back().target, "ks1");
  EXPECT_EQ(records("node-fence").back().detail, "its disk fails");
}

TEST_F(NodesTest, FencingTakesARoleAndAReason) {
  for (const std::string path :
       {"/v1/nodes/ks1/fence", "/v1/nodes/ks1/allow", "/v1/nodes/ks1/remove"}) {
    for (const std::string who : {"key-admin", "policy-admin", "auditor"})
      EXPECT_EQ(code(call(who, "POST", path, {{"reason", "x"}})), "admin_role_missing") << who;
    EXPECT_EQ(code(call("operator", "POST", path, {{"reason", ""}})), "invalid_argument");
    EXPECT_EQ(code(call("operator", "POST", path, {{"reason", std::string(1001, 'x')}})),
              "invalid_argument");
    EXPECT_EQ(code(call("operator", "POST", path, json::object{})), "invalid_argument");
  }
}

}  // namespace
}  // namespace nae::admin
