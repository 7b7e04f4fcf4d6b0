#include <thread>

#include "keyserver/admin/admin_service_test_server.hpp"
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/key_scheduler.hpp"
#include "libnae/base/test_eventually.hpp"

namespace nae::admin {
namespace {

using testing::HasSubstr;

TEST_F(AdminServiceTest, KeysLive) {
  http::HttpResponse made =
      call("key-admin", "POST", "/v1/keys", {{"name", "customer-pii"}, {"type", "aes-256-gcm"}});
  ASSERT_EQ(made.status, 201u) << made.body;
  EXPECT_EQ(shown(parsed(made), "primary_version"), "1");
  http::HttpResponse rotated = call("key-admin", "POST", "/v1/keys/customer-pii/rotate");
  EXPECT_EQ(shown(parsed(rotated), "primary_version"), "2") << rotated.body;
  std::string first = "/v1/keys/customer-pii/versions/1";
  EXPECT_EQ(call("key-admin", "PATCH", first, {{"state", "restricted"}}).status, 200u);
  EXPECT_EQ(code(call("key-admin", "PATCH", first, {{"state", "destroyed"}})), "key_state");
  EXPECT_EQ(call("key-admin", "PATCH", first, {{"state", "retired"}}).status, 200u);
  http::HttpResponse destroyed = call("key-admin", "PATCH", first, {{"state", "destroyed"}});
  EXPECT_THAT(destroyed.body, HasSubstr(R"("kept":"nowhere")"));
  EXPECT_EQ(settled_, 5);  // every change that worked, before it was answered

  auto created = records("key-create");
  ASSERT_EQ(created.size(), 2u);
  EXPECT_EQ(created[0].reason, "begun");
  EXPECT_EQ(created[1].reason, "allowed");
  EXPECT_EQ(created[1].admin, "key-admin");
  EXPECT_EQ(created[1].target, "customer-pii");
}

TEST_F(AdminServiceTest, KeyRefusals) {
  auto create = [&](json::object body) {
    return code(call("key-admin", "POST", "/v1/keys", body));
  };
  EXPECT_EQ(create({{"name", "a"}}), "invalid_argument");
  EXPECT_EQ(create({{"name", "a"}, {"type", "rot13"}}), "invalid_argument");
  EXPECT_EQ(create({{"name", "a b"}, {"type", "aes-256-gcm"}}), "invalid_argument");
  EXPECT_EQ(create({{"name", 7}, {"type", "aes-256-gcm"}}), "invalid_argument");
  EXPECT_EQ(create({{"name", "a"}, {"type", "aes-256-gcm"}, {"x", 1}}), "invalid_argument");
  ASSERT_EQ(call("key-admin", "POST", "/v1/keys", {{"name", "a"}, {"type", "aes-256-gcm"}}).status,
            201u);
  EXPECT_EQ(create({{"name", "a"}, {"type", "aes-256-siv"}}), "key_exists");
  EXPECT_EQ(records("key-create").back().reason, "key_exists");

  EXPECT_EQ(code(call("auditor", "GET", "/v1/keys/none")), "key_unknown");
  EXPECT_EQ(code(call("key-admin", "POST", "/v1/keys/none/rotate")), "key_unknown");
  auto set = [&](std::string version, json::object body) {
    return code(call("key-admin", "PATCH", "/v1/keys/a/versions/" + version, body));
  };
  EXPECT_EQ(set("1", {{"state", "sleeping"}}), "invalid_argument");
  EXPECT_EQ(set("9", {{"state", "retired"}}), "not_found");
  for (const char* version : {"0", "-1", "1x", "65536", "99999999999999999999"})
    EXPECT_EQ(set(version, {{"state", "retired"}}), "invalid_argument") << version;
}

TEST_F(AdminServiceTest, ARotationMayBeRepeated) {
  ASSERT_EQ(call("key-admin", "POST", "/v1/keys", {{"name", "a"}, {"type", "aes-256-gcm"}}).status,
            201u);
  auto rotate = [&](json::object body) {
    return call("key-admin", "POST", "/v1/keys/a/rotate", body);
  };
  for (const json::value& bad : {json::value(0), json::value(-1), json::value(65536),
                                 json::value("1"), json::value(1.5), json::value(true)})
    EXPECT_EQ(code(rotate({{"if_newest_version", bad}})), "invalid_argument") << bad;
  EXPECT_EQ(code(rotate({{"if_newest_version", 65535}})), "conflict");
  EXPECT_EQ(code(call("key-admin", "POST", "/v1/keys/b/rotate", {{"if_newest_version", 1}})),
            "key_unknown");
  EXPECT_EQ(records("key-rotate").back().reason, "key_unknown");

  const int settled = settled_;
  EXPECT_EQ(shown(parsed(rotate({{"if_newest_version", 1}})), "unchanged"), "false");
  for (int time = 0; time < 2; ++time) {
    const http::HttpResponse again = rotate({{"if_newest_version", 1}});
    ASSERT_EQ(again.status, 200u) << again.body;
    EXPECT_EQ(shown(parsed(again), "unchanged"), "true");
    EXPECT_EQ(shown(parsed(again), "primary_version"), "2");
  }
  EXPECT_EQ(settled_, settled + 3) << "in force everywhere, whichever of them is answered";
  EXPECT_EQ(ring_->find("a")->versions.size(), 2u);
  EXPECT_EQ(records("key-rotate").back().detail, "version 2 already");
  EXPECT_EQ(shown(parsed(rotate({})), "unchanged"), "false") << "who names no version";
  EXPECT_EQ(code(rotate({{"if_newest_version", 1}})), "conflict");

  settles_ = false;
  EXPECT_EQ(code(rotate({{"if_newest_version", 3}})), "timeout");
  EXPECT_EQ(code(rotate({{"if_newest_version", 3}})), "timeout") << "made, and not in force yet";
  settles_ = true;
  EXPECT_EQ(shown(parsed(rotate({{"if_newest_version", 3}})), "unchanged"), "true");
  EXPECT_EQ(ring_->find("a")->versions.size(), 4u);
}

TEST_F(AdminServiceTest, KeysHaveAttributes) {
  ASSERT_EQ(call("key-admin", "POST", "/v1/keys",
                 {{"name", "a"},
                  {"type", "aes-256-gcm"},
                  {"owner", "crm"},
                  {"labels", {{"env", "test"}, {"tier", "1"}}},
                  {"allowed_actions", {"decrypt", "encrypt"}},
                  {"rotate_after_days", 90}})
                .status,
            201u);
  http::HttpResponse set = call("key-admin", "PATCH", "/v1/keys/a",
                                {{"labels", {{"tier", nullptr}, {"zone", "2"}}},
                                 {"allowed_actions", json::array{"decrypt"}},
                                 {"description", "archive"}});
  ASSERT_EQ(set.status, 200u) << set.body;
  EXPECT_THAT(set.body, HasSubstr(R"("labels":{"env":"test","zone":"2"})"));
  EXPECT_THAT(set.body, HasSubstr(R"("allowed_actions":["decrypt"])"));
  EXPECT_THAT(set.body, HasSubstr(R"("owner":"crm")"));
  EXPECT_EQ(shown(parsed(set), "rotate_after_days"), "90");
  EXPECT_EQ(records("key-set").back().detail, "labels allowed_actions description");
  EXPECT_EQ(settled_, 2);

  auto refused = [&](json::object body) {
    return code(call("key-admin", "PATCH", "/v1/keys/a", body));
  };
  EXPECT_EQ(refused({{"allowed_actions", json::array{"levitate"}}}), "invalid_argument");
  EXPECT_EQ(refused({{"allowed_actions", json::array{"sign"}}}), "invalid_argument");
  EXPECT_EQ(refused({{"labels", {{"env", 1}}}}), "invalid_argument");
  EXPECT_EQ(refused({{"labels", "env"}}), "invalid_argument");
  EXPECT_EQ(refused({{"rotate_after_days", 36501}}), "invalid_argument");
  EXPECT_EQ(refused({{"protection", "hsm-only"}}), "invalid_argument") << "fixed when made";
  EXPECT_EQ(code(call("auditor", "PATCH", "/v1/keys/a", {{"owner", "x"}})), "admin_role_missing");
}

TEST_F(AdminServiceTest, KeysAreListedByPages) {
  for (const char* name : {"c", "a", "b"})
    call("key-admin", "POST", "/v1/keys",
         {{"name", name}, {"type", "hmac-sha-256"}, {"labels", {{"n", name}}}});
  json::value page = parsed(call("auditor", "GET", "/v1/keys?limit=2"));
  EXPECT_EQ(api::items(page, "keys").size(), 2u);
  EXPECT_EQ(shown(page, "next_after"), "b");
  page = parsed(call("auditor", "GET", "/v1/keys?limit=2&after=b"));
  EXPECT_EQ(api::items(page, "keys").size(), 1u);
  EXPECT_EQ(shown(page, "next_after"), "");
  page = parsed(call("auditor", "GET", "/v1/keys?label=n%3Db"));
  EXPECT_EQ(api::items(page, "keys").size(), 1u);
  for (const char* query : {"limit=0", "limit=1001", "limit=x", "page=1"})
    EXPECT_EQ(call("auditor", "GET", std::string("/v1/keys?") + query).status, 400u) << query;
}

TEST_F(AdminServiceTest, StepsArePlannedCancelledAndPerformed) {
  call("key-admin", "POST", "/v1/keys", {{"name", "a"}, {"type", "aes-256-gcm"}});
  const std::string plan = "/v1/keys/a/versions/1/schedule";
  auto at = [](int seconds) {
    return api::format_time((::time(nullptr) + seconds) * std::int64_t{1'000'000});
  };
  EXPECT_EQ(code(call("key-admin", "POST", plan, {{"state", "retired"}})), "invalid_argument");
  EXPECT_EQ(code(call("key-admin", "POST", plan, {{"state", "retired"}, {"at", at(-5)}})),
            "invalid_argument");
  EXPECT_EQ(code(call("key-admin", "POST", plan, {{"state", "destroyed"}, {"at", at(9)}})),
            "key_state");
  EXPECT_EQ(code(call("auditor", "POST", plan, {{"state", "retired"}, {"at", at(9)}})),
            "admin_role_missing");
  EXPECT_EQ(call("key-admin", "POST", plan, {{"state", "retired"}, {"at", at(900)}}).status, 200u);
  EXPECT_EQ(call("key-admin", "DELETE", plan + "/retired").status, 200u);
  EXPECT_EQ(code(call("key-admin", "DELETE", plan + "/retired")), "not_found");
  EXPECT_EQ(code(call("key-admin", "DELETE", plan + "/asleep")), "invalid_argument");

  ASSERT_TRUE(ring_->schedule("a", 1, {keys::State::restricted, unix_time_us() + 1000}));
  KeyScheduler scheduler(scheduler_parts());
  ASSERT_TRUE(eventually([&] { return !ring_->due().empty(); }));
  scheduler.run_due();
  EXPECT_EQ(ring_->find("a")->version(1)->state, keys::State::restricted);
  auto done = records("key-state");
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[1].admin, "scheduler");
  EXPECT_EQ(done[1].target, "a");
  EXPECT_EQ(done[1].detail, "version 1 restricted");
  scheduler.run_due();
  EXPECT_EQ(records("key-state").size(), 2u) << "once";
}

TEST_F(AdminServiceTest, UsesAreShownAndRotate) {
  call("key-admin", "POST", "/v1/keys",
       {{"name", "a"}, {"type", "aes-256-gcm"}, {"rotate_after_uses", 5}});
  ring_->usage().add_uses(ring_->find("a")->primary()->usage, 5, 1'000'000);
  json::value usage = parsed(call("auditor", "GET", "/v1/keys/a/usage"));
  EXPECT_EQ(shown(api::items(usage, "versions").at(0), "uses"), "5");
  EXPECT_EQ(shown(api::items(usage, "versions").at(0), "last_read_at"), "");
  KeyScheduler(scheduler_parts()).save_usage();
  EXPECT_EQ(ring_->find("a")->versions.size(), 2u);
  EXPECT_EQ(records("key-rotate").back().detail, "uses");
  EXPECT_EQ(code(call("auditor", "GET", "/v1/keys/none/usage")), "key_unknown");
}

TEST_F(AdminServiceTest, PublicKeysAreShown) {
  http::HttpResponse made =
      call("key-admin", "POST", "/v1/keys", {{"name", "contracts"}, {"type", "ecdsa-p256"}});
  ASSERT_EQ(made.status, 201u) << made.body;
  EXPECT_THAT(made.body, HasSubstr("BEGIN PUBLIC KEY"));
}

}  // namespace
}  // namespace nae::admin
