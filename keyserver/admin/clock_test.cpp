// A wall clock that jumps: what is shown, held and accepted.
#include "keyserver/admin/admin_service_test_server.hpp"
#include "keyserver/admin/key_scheduler.hpp"
#include "keyserver/keys/schedule.hpp"

namespace nae::admin {
namespace {

constexpr std::int64_t kDayUs = std::int64_t{86'400} * 1'000'000;

class ClockTest : public AdminServiceTest {
 protected:
  // As the server has it: by the trusted time.
  void SetUp() override {
    AdminServiceTest::SetUp();
    ring_ = std::make_unique<keys::KeyRing>(
        *store_, store_.get(), [](keys::HsmJob job) { return hsm_->call(std::move(job), 5s); },
        keys::RingOptions{.now = [this] { return clock_.now_us(); },
                          .steady = [this] { return clock_.steady_us(); },
                          .destroy_wait_us = 7 * kDayUs});
    ASSERT_TRUE(ring_->load());
    start_service({});
  }
  std::string clock_ok() {
    return shown(parsed(call("auditor", "GET", "/v1/status")).at("clock"), "ok");
  }
  void set_wall_ahead(std::int64_t us) {
    wall_set_us_ = us;
    static_cast<void>(clock_.look());
  }
};

TEST_F(ClockTest, AJumpIsShownAndServesAllTheSame) {
  EXPECT_EQ(clock_ok(), "true");
  set_wall_ahead(8 * kDayUs);
  EXPECT_EQ(clock_ok(), "false");
  EXPECT_EQ(service_->serve({"GET", "/readyz", "", ""}, peer("auditor")).status, 200u);
  const std::string metrics = service_->serve({"GET", "/metrics", "", ""}, peer("auditor")).body;
  EXPECT_NE(metrics.find("nae_clock_trusted 0"), std::string::npos);
  set_wall_ahead(0);
  EXPECT_EQ(clock_ok(), "true");
}

TEST_F(ClockTest, AcceptingTakesAJumpARoleAndAReason) {
  const json::object reason{{"reason", "it was wrong before"}};
  EXPECT_EQ(code(call("key-admin", "POST", "/v1/clock/accept", reason)), "conflict");
  set_wall_ahead(8 * kDayUs);
  EXPECT_EQ(code(call("operator", "POST", "/v1/clock/accept", reason)), "admin_role_missing");
  EXPECT_EQ(code(call("key-admin", "POST", "/v1/clock/accept", {{"reason", ""}})),
            "invalid_argument");
  EXPECT_EQ(
      code(call("key-admin", "POST", "/v1/clock/accept", {{"reason", std::string(1001, 'x')}})),
      "invalid_argument");
  EXPECT_EQ(clock_ok(), "false");
  EXPECT_EQ(call("key-admin", "POST", "/v1/clock/accept", reason).status, 200u);
  EXPECT_EQ(clock_ok(), "true");
  EXPECT_FALSE((*store_->kept_time())->doubted);
  EXPECT_GE((*store_->kept_time())->trusted_us, unix_time_us() + 7 * kDayUs);
  const auto recorded = records("clock-accept");
  EXPECT_NE(recorded.back().detail.find("ahead of the time that has passed: it was wrong before"),
            std::string::npos)
      << recorded.back().detail;
}

TEST_F(ClockTest, NothingPlannedIsDoneWhileTheClockIsDoubted) {
  ASSERT_TRUE(ring_->create("a", KeyType::aes_256_gcm));
  ASSERT_TRUE(ring_->create("b", KeyType::aes_256_gcm));
  ASSERT_TRUE(ring_->set_state("a", 1, keys::State::retired));
  ASSERT_TRUE(ring_->set_state("a", 1, keys::State::destroyed));
  ASSERT_TRUE(ring_->schedule("b", 1, {keys::State::restricted, clock_.now_us() + kDayUs}));
  KeyScheduler scheduler(scheduler_parts());
  wall_set_us_ = 8 * kDayUs;  // and nobody has looked
  scheduler.run_due();
  EXPECT_EQ(ring_->find("a")->version(1)->state, keys::State::retired);
  EXPECT_EQ(ring_->find("b")->version(1)->state, keys::State::active);
  EXPECT_TRUE(records("key-state").empty());
  clock_.accept();
  scheduler.run_due();
  EXPECT_EQ(ring_->find("b")->version(1)->state, keys::State::restricted);
  EXPECT_EQ(ring_->find("a")->version(1)->state, keys::State::retired)
      << "a secret that is gone is gone";
}

// A clock that runs ahead would show certificates as expired that are not, and their names as free.
TEST_F(ClockTest, NamesOfDevicesAreNotFreedByAClockThatRunsAhead) {
  const std::int64_t now_us = clock_.now_us();
  ASSERT_TRUE(store_->insert_device(
      {"db1", std::string(64, 'a'), "01", now_us, now_us + kDayUs, std::string(64, 'c'), 0}));
  set_wall_ahead(8 * kDayUs);
  const crypto::KeyPair pair = crypto::generate_p256().value();
  const std::string request = crypto::make_request(pair.private_key_pem, "db1").value();
  EXPECT_EQ(code(call("operator", "POST", "/v1/devices", {{"name", "db1"}, {"request", request}})),
            "conflict");
}

}  // namespace
}  // namespace nae::admin
