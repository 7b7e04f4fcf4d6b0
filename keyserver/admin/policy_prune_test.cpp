// Texts of old policy versions are pruned; their history is not.
#include "keyserver/admin/admin_service_test_server.hpp"
#include "keyserver/admin/api/time.hpp"

namespace nae::admin {
namespace {

using testing::HasSubstr;

class PolicyPruneTest : public AdminServiceTest {
 protected:
  void apply(const std::string& comment) {
    http::HttpResponse applied =
        call("policy-admin", "PUT", "/v1/policy",
             {{"document", "version = 1\n# " + comment}, {"comment", comment}});
    ASSERT_EQ(applied.status, 200u) << applied.body;
    wall_set_us_ += 1'000'000;
    clock_.accept();
  }
  std::string now() { return api::format_time(clock_.now_us()); }
  http::HttpResponse prune(const std::string& before, std::string_view who = "policy-admin") {
    return call(who, "POST", "/v1/policy/prune", {{"before", before}});
  }
  json::array versions() {
    return items(parsed(call("auditor", "GET", "/v1/policy/history")), "versions");
  }
  static json::array items(const json::value& value, std::string_view name) {
    return value.at(name).as_array();
  }
};

TEST_F(PolicyPruneTest, TheTextGoesAndTheRestStays) {
  for (const char* comment : {"first", "second", "third"}) apply(comment);
  const json::array before = versions();
  http::HttpResponse pruned = prune(now());
  ASSERT_EQ(pruned.status, 200u) << pruned.body;
  EXPECT_EQ(items(parsed(pruned), "versions"), (json::array{1u, 2u}));
  const json::array after = versions();
  ASSERT_EQ(after.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i)
    for (const char* field : {"version", "applied_at", "applied_by", "comment", "sha256"})
      EXPECT_EQ(shown(after[i], field), shown(before[i], field)) << i << field;
  EXPECT_EQ(shown(after[0], "sha256"),
            to_hex(crypto::sha256(as_bytes(std::string_view("version = 1\n# first")))));
  EXPECT_EQ(shown(after[2], "pruned_at"), "");
  EXPECT_NE(shown(after[0], "pruned_at"), "");
  EXPECT_THAT(records("policy-prune").back().detail, HasSubstr("2 versions, 1 to 2"));
  EXPECT_EQ(records("policy-prune").back().admin, "policy-admin");

  http::HttpResponse gone = call("auditor", "GET", "/v1/policy?version=1");
  EXPECT_EQ(code(gone), "not_found");
  EXPECT_THAT(gone.body, HasSubstr("was pruned on"));
  EXPECT_THAT(gone.body, HasSubstr(shown(after[0], "sha256")));
  EXPECT_EQ(code(call("auditor", "POST", "/v1/policy/diff", {{"from", 1}, {"to", 3}})),
            "not_found");
  EXPECT_EQ(call("auditor", "GET", "/v1/policy").status, 200u);
  EXPECT_TRUE(items(parsed(prune(now())), "versions").empty()) << "once";
}

TEST_F(PolicyPruneTest, WhatIsAskedIsChecked) {
  apply("first");
  apply("second");
  EXPECT_EQ(code(prune("2999-01-01")), "invalid_argument") << "still to come";
  EXPECT_EQ(code(prune("yesterday")), "invalid_argument");
  EXPECT_EQ(code(call("policy-admin", "POST", "/v1/policy/prune", {{"version", 1}})),
            "invalid_argument");
  for (std::string_view who : {"key-admin", "auditor", "operator"})
    EXPECT_EQ(code(prune(now(), who)), "admin_role_missing") << who;
  EXPECT_EQ(shown(versions().front(), "pruned_at"), "");
}

// The two-person rule of applying holds for it: it takes away what a policy was compared with.
TEST_F(PolicyPruneTest, ItWaitsForASecondWherePoliciesDo) {
  for (const char* comment : {"first", "second", "third"}) apply(comment);
  ASSERT_TRUE(add_admin("other", {"policy-admin"}));
  start_service({.required = {"admin-change", "policy-apply"}});
  http::HttpResponse asked = prune(now());
  ASSERT_EQ(asked.status, 202u) << asked.body;
  EXPECT_EQ(shown(versions().front(), "pruned_at"), "");
  const json::value waiting = parsed(asked).at("approval");
  const std::string id = shown(waiting, "id");
  EXPECT_THAT(call("other", "GET", "/v1/approvals/" + id).body, HasSubstr("\"versions\":[1,2]"));
  http::HttpResponse approved = call("other", "POST", "/v1/approvals/" + id + "/approve",
                                     {{"digest", shown(waiting, "digest")}});
  EXPECT_EQ(approved.status, 200u) << approved.body;
  EXPECT_NE(shown(versions().front(), "pruned_at"), "");
  EXPECT_THAT(records("policy-prune").back().detail, HasSubstr("approved by other"));
}

}  // namespace
}  // namespace nae::admin
