// Administration where several key servers answer: of one in charge, and of one that follows.
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>

#include "keyserver/admin/admin_service_test_server.hpp"
#include "libnae/base/test_eventually.hpp"

namespace nae::admin {
namespace {

using testing::HasSubstr;

// What a server knows of its group, as each test wants it.
class KnownGroup final : public Group {
 public:
  double lease_seconds_left() const override { return 20; }
  bool store_is_whole() const override { return true; }
  bool store_is_synchronous() const override { return true; }
  const std::vector<std::string>& not_on_token() const override { return not_on_token_; }
  bool follows() const override { return !other.empty(); }
  std::string in_charge() const override { return other; }
  std::function<Result<void>()> in_force() override {
    if (asked) asked();
    return wait;
  }

  std::string other;
  std::function<Result<void>()> wait;
  std::function<void()> asked;

 private:
  std::vector<std::string> not_on_token_;
};

class GroupServiceTest : public AdminServiceTest {
 protected:
  void SetUp() override {
    AdminServiceTest::SetUp();
    parts_->group = &group_;
    group_.wait = [this]() -> Result<void> {
      ++waited_;
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !asleep_; });
      if (!in_force_) return fail(Code::timeout, "ks2 has not said so");
      return {};
    };
    service_ = std::make_unique<AdminService>(*parts_);
  }
  // Also of a test that gave up: the service ends when those that wait have waited.
  void TearDown() override {
    sleep(false);
    AdminServiceTest::TearDown();
  }
  void follow() {
    group_.wait = {};
    group_.other = "ks1 at 10.0.0.1:7443";
    service_ = std::make_unique<AdminService>(*parts_);
  }
  http::HttpResponse create_key(const std::string& name) {
    return call("key-admin", "POST", "/v1/keys", {{"name", name}, {"type", "aes-256-gcm"}});
  }
  // As who connects: over the threads of administration.
  std::future<http::HttpResponse> dispatch(std::string_view who, std::string method,
                                           std::string target, const json::object& body = {}) {
    auto answered = std::make_shared<std::promise<http::HttpResponse>>();
    service_->dispatch(request(std::move(method), std::move(target), body), peer(std::string(who)),
                       [answered](http::HttpResponse response) { answered->set_value(response); });
    return answered->get_future();
  }
  void sleep(bool asleep) {
    {
      std::lock_guard lock(mutex_);
      asleep_ = asleep;
    }
    changed_.notify_all();
  }
  KnownGroup group_;
  std::atomic<int> waited_ = 0;
  bool in_force_ = true;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool asleep_ = false;
};

TEST_F(GroupServiceTest, AChangeIsAnsweredWhenItIsInForceEverywhere) {
  EXPECT_EQ(create_key("pii").status, 201u);
  EXPECT_EQ(waited_, 1);
  EXPECT_EQ(call("key-admin", "GET", "/v1/keys").status, 200u);
  EXPECT_EQ(waited_, 1) << "what changes nothing waits for nobody";
  EXPECT_EQ(create_key("pii").status, 409u);
  EXPECT_EQ(waited_, 2) << "what is refused may have been made by a call that was cut off";
  in_force_ = false;
  const auto refused = create_key("pii");
  EXPECT_EQ(refused.status, 409u);
  EXPECT_THAT(refused.body, HasSubstr("ks2 has not said so"));
  const auto record = records("key-create").back();
  EXPECT_EQ(record.reason, "key_exists");
  EXPECT_THAT(record.detail, testing::EndsWith("; ks2 has not said so"));
  EXPECT_GT(record.detail.size(), std::string("; ks2 has not said so").size()) << "and why at all";
}

TEST_F(GroupServiceTest, OneThatIsNotInForceEverywhereIsNoSuccess) {
  in_force_ = false;
  const auto answer = create_key("pii");
  EXPECT_EQ(code(answer), "timeout");
  EXPECT_THAT(answer.body, HasSubstr("ks2 has not said so"));
  EXPECT_TRUE(ring_->find("pii")) << "it was made all the same";
  EXPECT_EQ(shown(parsed(answer).at("answer"), "name"), "pii") << "and what was issued is told";
}

TEST_F(GroupServiceTest, WhatIsSoAlreadyIsWaitedForAsWell) {
  const std::string text = "version = 1\n";
  const json::object policy{{"document", text}};
  EXPECT_EQ(call("policy-admin", "PUT", "/v1/policy", policy).status, 200u);
  in_force_ = false;
  EXPECT_EQ(code(call("policy-admin", "PUT", "/v1/policy", policy)), "timeout");
}

TEST_F(GroupServiceTest, WhatWasApprovedIsWaitedForOnceAndDoneAllTheSame) {
  for (const char* name : {"alice", "bob"}) ASSERT_TRUE(add_admin(name, {"policy-admin"}));
  parts_->approval.rules =
      approval_rules({"admin-change", "policy-apply"}, std::chrono::hours(24)).value();
  service_ = std::make_unique<AdminService>(*parts_);
  const auto asked = call("alice", "PUT", "/v1/policy", {{"document", "version = 1\n"}});
  ASSERT_EQ(asked.status, 202u) << asked.body;
  EXPECT_EQ(waited_, 0) << "nothing is in force yet";
  const std::string path =
      "/v1/approvals/" + std::string(shown(parsed(asked).at("approval"), "id"));
  const std::string digest = shown(parsed(call("bob", "GET", path)), "digest");
  in_force_ = false;
  const auto approved = call("bob", "POST", path + "/approve", {{"digest", digest}});
  EXPECT_EQ(waited_, 1);
  EXPECT_EQ(code(approved), "timeout");
  EXPECT_EQ(shown(parsed(approved).at("answer"), "state"), "done");
  EXPECT_EQ(shown(parsed(call("alice", "GET", path)), "state"), "done");
}

TEST_F(GroupServiceTest, WhoeverWaitsHoldsUpNobody) {
  sleep(true);
  std::vector<std::future<http::HttpResponse>> changes;
  for (int i = 0; i < 5; ++i)
    changes.push_back(dispatch("key-admin", "POST", "/v1/keys",
                               {{"name", "key" + std::to_string(i)}, {"type", "aes-256-gcm"}}));
  EXPECT_TRUE(eventually([&] { return ring_->find("key4") != nullptr; })) << "all are made at once";
  auto read = dispatch("key-admin", "GET", "/v1/keys");
  ASSERT_EQ(read.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(read.get().status, 200u);
  for (auto& change : changes)
    EXPECT_EQ(change.wait_for(std::chrono::seconds(0)), std::future_status::timeout)
        << "and none is acknowledged";
  sleep(false);
  for (auto& change : changes) EXPECT_EQ(change.get().status, 201u);
}

TEST_F(GroupServiceTest, MoreThanMayWaitAreMadeAndNotAcknowledged) {
  sleep(true);
  std::vector<std::future<http::HttpResponse>> changes;
  const json::object policy{{"document", "version = 1\n"}};
  // One is waited for, and 64 wait.
  for (int i = 0; i < 66; ++i) {
    changes.push_back(dispatch("policy-admin", "PUT", "/v1/policy", policy));
    if (i == 0) {
      ASSERT_TRUE(eventually([&] { return waited_ == 1; }));
    } else if (i % 32 == 0) {  // what waits for a thread is bounded, too
      ASSERT_EQ(dispatch("policy-admin", "GET", "/v1/policy").wait_for(std::chrono::seconds(20)),
                std::future_status::ready);
    }
  }
  auto answered = changes.end();  // two threads: it need not be the last
  ASSERT_TRUE(eventually([&] {
    answered = std::find_if(changes.begin(), changes.end(), [](const auto& change) {
      return change.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    });
    return answered != changes.end();
  }));
  const auto one = answered->get();
  EXPECT_EQ(code(one), "timeout");
  EXPECT_THAT(one.body, HasSubstr("too many calls wait"));
  EXPECT_TRUE(parsed(one).as_object().contains("answer"));
  sleep(false);
  changes.erase(answered);
  for (auto& change : changes) EXPECT_EQ(change.get().status, 200u);
}

// An answer that finds no memory to be copied from the moment on that a change is made.
struct Uncopied {
  explicit Uncopied(const std::atomic<bool>& memory_is_out) : memory_is_out_(&memory_is_out) {}
  Uncopied(const Uncopied& other)
      : answered_(other.answered_), memory_is_out_(other.memory_is_out_) {
    if (*memory_is_out_) throw std::bad_alloc();
  }
  void operator()(http::HttpResponse response) const { answered_->set_value(std::move(response)); }
  std::shared_ptr<std::promise<http::HttpResponse>> answered_ =
      std::make_shared<std::promise<http::HttpResponse>>();
  const std::atomic<bool>* memory_is_out_;
};

TEST_F(GroupServiceTest, WithoutTheMemoryToWaitAChangeIsMadeAndNotAcknowledged) {
  std::atomic<bool> memory_is_out = false;
  const Uncopied answered(memory_is_out);
  group_.wait = [] { return Result<void>{}; };
  group_.asked = [&] { memory_is_out = true; };
  service_->dispatch(
      request("POST", "/v1/keys", json::object{{"name", "pii"}, {"type", "aes-256-gcm"}}),
      peer("key-admin"), answered);
  const auto answer = answered.answered_->get_future().get();
  EXPECT_EQ(code(answer), "timeout");
  EXPECT_EQ(shown(parsed(answer).at("answer"), "name"), "pii");
  EXPECT_EQ(records("key-create").back().reason, "timeout") << "and it is recorded";
}

TEST_F(GroupServiceTest, OneThatFollowsLeavesAllButItsOwnToTheOneInCharge) {
  follow();
  for (const Route& route : routes()) {
    if (route.of_device) continue;
    std::string path(route.path);
    for (std::size_t at; (at = path.find("{}")) != std::string::npos;) path.replace(at, 2, "1");
    const std::string who = route.any_of.intersects({AdminRole::auditor})     ? "auditor"
                            : route.any_of.intersects({AdminRole::key_admin}) ? "key-admin"
                            : route.any_of.intersects({AdminRole::operator_}) ? "operator"
                                                                              : "policy-admin";
    const auto answer = call(who, std::string(route.method), path);
    const bool own = route.action == "status" || route.action == "node-list" ||
                     (route.action.starts_with("audit-") && !route.effect.changes);
    if (own) {
      EXPECT_THAT(answer.body, testing::Not(HasSubstr("10.0.0.1"))) << path;
      continue;
    }
    EXPECT_EQ(code(answer), "server_unavailable") << route.action;
    EXPECT_THAT(answer.body, HasSubstr("Ask the one in charge: ks1 at 10.0.0.1:7443"))
        << route.action;
  }
}

TEST_F(GroupServiceTest, WhoHasNoRoleIsNotToldWhoIsInCharge) {
  follow();
  EXPECT_EQ(code(call("operator", "POST", "/v1/keys", {{"name", "pii"}})), "admin_role_missing");
}

}  // namespace
}  // namespace nae::admin
