// States of versions over HTTP: what is refused, what is planned, and what is told of uses.
#include <chrono>

#include "keyserver/admin/admin_service_test_server.hpp"
#include "keyserver/admin/api/time.hpp"

namespace nae::admin {
namespace {

using testing::HasSubstr;

class KeyStatesTest : public AdminServiceTest {
 protected:
  static constexpr std::int64_t kHour = 3'600'000'000;
  void SetUp() override {
    AdminServiceTest::SetUp();
    ASSERT_EQ(
        call("key-admin", "POST", "/v1/keys", {{"name", "a"}, {"type", "aes-256-gcm"}}).status,
        201u);
  }
  http::HttpResponse schedule(const json::object& body, const std::string& version = "1") {
    return call("key-admin", "POST", "/v1/keys/a/versions/" + version + "/schedule", body);
  }
  static std::string in_hours(int hours) {
    return api::format_time(unix_time_us() + hours * kHour);
  }
  static const json::array& steps(const json::value& key) {
    return api::items(api::items(key, "versions").at(0), "schedule");
  }
};

TEST_F(KeyStatesTest, AStateIsReadWhole) {
  auto set = [&](const json::object& body) {
    return call("key-admin", "PATCH", "/v1/keys/a/versions/1", body);
  };
  for (const json::object& bad :
       {json::object{}, json::object{{"state", nullptr}}, json::object{{"state", 2}},
        json::object{{"state", "Active"}}, json::object{{"state", "retired"}, {"at", "now"}}})
    EXPECT_EQ(code(set(bad)), "invalid_argument") << json::serialize(bad);
  EXPECT_EQ(ring_->find("a")->versions[0].state, keys::State::active);
  EXPECT_EQ(code(call("key-admin", "PATCH", "/v1/keys/b/versions/1", {{"state", "retired"}})),
            "key_unknown");
  EXPECT_EQ(code(call("auditor", "PATCH", "/v1/keys/a/versions/1", {{"state", "retired"}})),
            "admin_role_missing");
}

TEST_F(KeyStatesTest, TheSameStateAgainChangesNothing) {
  for (int time = 0; time < 2; ++time)
    EXPECT_EQ(call("key-admin", "PATCH", "/v1/keys/a/versions/1", {{"state", "restricted"}}).status,
              200u);
  EXPECT_EQ(records("key-state").back().detail, "version 1 restricted");
  EXPECT_EQ(records("key-state").back().target, "a");
  EXPECT_EQ(code(call("key-admin", "PATCH", "/v1/keys/a/versions/1", {{"state", "active"}})),
            "key_state")
      << "never again";
}

TEST_F(KeyStatesTest, APlanNeedsADateThatComes) {
  EXPECT_EQ(code(schedule({{"state", "restricted"}})), "invalid_argument");
  EXPECT_THAT(schedule({{"state", "restricted"}}).body, HasSubstr("\\\"at\\\" is missing"));
  EXPECT_EQ(code(schedule({{"at", in_hours(1)}})), "invalid_argument");
  for (const char* date : {"tomorrow", "", "2099-13-01T00:00:00Z", "2020-01-01T00:00:00Z"})
    EXPECT_EQ(code(schedule({{"state", "restricted"}, {"at", date}})), "invalid_argument") << date;
  EXPECT_EQ(code(schedule({{"state", "restricted"}, {"at", in_hours(1)}, {"x", 1}})),
            "invalid_argument");
  EXPECT_EQ(code(schedule({{"state", "asleep"}, {"at", in_hours(1)}})), "invalid_argument");
  EXPECT_EQ(code(schedule({{"state", "restricted"}, {"at", in_hours(1)}}, "2")), "not_found");
  for (const char* version : {"0", "65536", "one", "1%20"})
    EXPECT_EQ(code(schedule({{"state", "restricted"}, {"at", in_hours(1)}}, version)),
              "invalid_argument")
        << version;
  EXPECT_TRUE(ring_->find("a")->versions[0].schedule.empty());
}

TEST_F(KeyStatesTest, APlanIsShownReplacedAndCancelled) {
  const std::string first = in_hours(1), second = in_hours(2);
  ASSERT_EQ(schedule({{"state", "restricted"}, {"at", first}}).status, 200u);
  EXPECT_THAT(records("key-schedule").back().detail, HasSubstr("version 1 restricted planned for"));
  const http::HttpResponse moved = schedule({{"state", "restricted"}, {"at", second}});
  ASSERT_EQ(moved.status, 200u) << moved.body;
  const json::value key = parsed(moved);
  ASSERT_EQ(steps(key).size(), 1u) << moved.body;
  EXPECT_EQ(shown(steps(key)[0], "state"), "restricted");
  EXPECT_EQ(shown(steps(key)[0], "at"), second);

  const std::string plan = "/v1/keys/a/versions/1/schedule/";
  EXPECT_EQ(code(call("key-admin", "DELETE", plan + "asleep")), "invalid_argument");
  EXPECT_EQ(code(call("key-admin", "DELETE", plan + "retired")), "not_found");
  EXPECT_EQ(code(call("key-admin", "DELETE", "/v1/keys/a/versions/9/schedule/restricted")),
            "not_found");
  EXPECT_EQ(call("key-admin", "DELETE", plan + "restricted").status, 200u);
  EXPECT_EQ(records("key-unschedule").back().detail, "version 1 restricted cancelled");
  EXPECT_EQ(code(call("key-admin", "DELETE", plan + "restricted")), "not_found") << "once";
  EXPECT_TRUE(ring_->find("a")->versions[0].schedule.empty());
}

TEST_F(KeyStatesTest, WhatIsNotInForceEverywhereIsNotAnsweredAsDone) {
  settles_ = false;
  EXPECT_EQ(code(call("key-admin", "PATCH", "/v1/keys/a/versions/1", {{"state", "retired"}})),
            "timeout");
  EXPECT_EQ(records("key-state").back().reason, "timeout");
}

TEST_F(KeyStatesTest, UsesAreToldToAnyAdministrator) {
  EXPECT_EQ(code(call("auditor", "GET", "/v1/keys/b/usage")), "key_unknown");
  EXPECT_EQ(code(call("auditor", "GET", "/v1/keys/a/usage?version=1")), "invalid_argument");
  ASSERT_EQ(call("key-admin", "POST", "/v1/keys", {{"name", "s"}, {"type", "ecdsa-p256"}}).status,
            201u);
  const json::value used = parsed(call("auditor", "GET", "/v1/keys/a/usage")),
                    sealed = parsed(call("auditor", "GET", "/v1/keys/s/usage"));
  const json::value& version = api::items(used, "versions").at(0);
  EXPECT_EQ(shown(version, "version"), "1");
  EXPECT_EQ(shown(version, "uses"), "0");
  EXPECT_EQ(shown(version, "salts"), "0");
  EXPECT_TRUE(version.at("last_use_at").is_null()) << "never used";
  EXPECT_TRUE(version.at("last_read_at").is_null());
  EXPECT_TRUE(api::items(sealed, "versions").at(0).at("salts").is_null()) << "it draws none";
}

}  // namespace
}  // namespace nae::admin
