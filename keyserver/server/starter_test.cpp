// What the key server waits for, what ends its start, and that a signal ends the wait.
#include "keyserver/server/starter.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include <future>

#include "keyserver/audit/chain.hpp"
#include "keyserver/server/opened.hpp"
#include "keyserver/server/startable.hpp"
#include "keyserver/server/test_installation.hpp"
#include "keyserver/server/waiting_room.hpp"
#include "libnae/base/test_eventually.hpp"
#include "net/signals.hpp"

namespace nae::server {
namespace {

using testing::HasSubstr;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

class StarterTest : public InstallationTest {
 protected:
  using Started = Result<std::unique_ptr<Server>>;

  StarterTest() { net::hold_signals(); }

  std::future<Started> start() {
    return std::async(std::launch::async, [this] { return start_or_wait(config_); });
  }
  bool says(const std::string& path, const std::string& text) {
    return eventually(
        [&] { return ask("GET", path).value_or("").find(text) != std::string::npos; });
  }
  void take_pin_away() { std::filesystem::rename(config_.hsm.pin_file, away()); }
  void bring_pin_back() { std::filesystem::rename(away(), config_.hsm.pin_file); }
  std::filesystem::path away() const { return directory_ / "pin-away"; }
};

TEST_F(StarterTest, StartsWhenEverythingIsThere) {
  Started started = start_or_wait(config_);
  ASSERT_TRUE(started) << started.error().message;
  ASSERT_TRUE(*started);
  EXPECT_EQ((*started)->address(), "127.0.0.1:" + std::to_string(config_.server.port));
}

TEST_F(StarterTest, ANodeThatWaitsIsHeardOfBeforeItsWordIsOver) {
  using std::chrono::milliseconds;
  EXPECT_EQ(pause_after(config_, milliseconds(1)), milliseconds(500));
  EXPECT_EQ(pause_after(config_, milliseconds(4'000)), milliseconds(4'000));
  EXPECT_EQ(pause_after(config_, milliseconds(60'000)), milliseconds(10'000));
  config::Config node = config_;
  node.store.url = "postgresql:///x";
  node.store.lease = std::chrono::seconds(6);
  EXPECT_EQ(pause_after(node, milliseconds(1)), milliseconds(500));
  EXPECT_EQ(pause_after(node, milliseconds(4'000)), milliseconds(2'000));
  node.store.lease = std::chrono::seconds(60);
  EXPECT_EQ(pause_after(node, milliseconds(60'000)), milliseconds(10'000));
}

TEST(StartBudget, CountsWhatMayHangAndNotWhoIsWaitedFor) {
  using admin::StartPart;
  for (StartPart part : {StartPart::store, StartPart::hsm, StartPart::audit}) {
    EXPECT_FALSE(is_over_budget(part, std::chrono::minutes(5))) << name(part);
    EXPECT_TRUE(is_over_budget(part, std::chrono::minutes(5) + std::chrono::seconds(1)));
  }
  EXPECT_FALSE(is_over_budget(StartPart::group, std::chrono::hours(2))) << "of long leases";
}

TEST_F(StarterTest, WaitsForWhatMayComeBack) {
  take_pin_away();
  auto started = start();
  EXPECT_TRUE(says("/readyz", R"("hsm":{"ok":false)"));
  EXPECT_TRUE(says("/healthz", "ok"));
  bring_pin_back();
  Started server = started.get();
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_TRUE(*server) << "and nobody asked it to stop";
}

TEST_F(StarterTest, ASignalEndsTheWait) {
  take_pin_away();
  auto started = start();
  // Its signals are taken before the first attempt, whose outcome this is.
  ASSERT_TRUE(says("/readyz", R"("hsm":{"ok":false)"));
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  Started server = started.get();
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_FALSE(*server);
  EXPECT_FALSE(ask("GET", "/healthz")) << "the port is free";
}

// Between what starts it and what runs it nobody waits for signals.
TEST_F(StarterTest, ASignalAfterTheStartEndsTheRun) {
  Started started = start_or_wait(config_);
  ASSERT_TRUE(started) << started.error().message;
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  EXPECT_TRUE((*started)->run());
  EXPECT_FALSE(ask("GET", "/healthz")) << "the port is free";
}

// Of one that followed, and whose HSM went away as it took the lease.
TEST_F(StarterTest, WhoCannotServeGivesTheLeaseBack) {
  struct Row final : store::Lease {
    explicit Row(std::promise<void>& given_back) : released(given_back) {}
    Result<store::LeaseState> read() override {
      store::LeaseState free;
      free.released = true;
      return free;
    }
    Result<std::optional<store::Holding>> take(const store::LeaseState&, const std::string& node,
                                               const std::string& holder,
                                               std::chrono::milliseconds) override {
      return store::Holding{1, 1, node, holder};
    }
    Result<store::StoreSight> look(const store::LedgerPoint&) override {
      return store::StoreSight{};
    }
    Result<store::Renewed> renew(const store::Holding&, const store::LedgerPoint&) override {
      return store::Renewed{store::Renewal::mine, {}};
    }
    Result<void> release(const store::Holding&) override {
      released.set_value();
      return {};
    }
    std::promise<void>& released;
  };
  std::promise<void> released;
  group::Candidate candidate;
  auto succession = std::make_shared<Succession>();
  succession->charge = *group::Charge::take(std::make_unique<Row>(released), candidate,
                                            {"ks1", std::chrono::seconds(30), {}});
  config_.store.url = "postgresql:///nowhere";
  take_pin_away();
  auto started = std::async(std::launch::async, [this, given = std::move(succession)]() mutable {
    return start_or_wait(config_, std::move(given));
  });
  EXPECT_EQ(released.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  ASSERT_TRUE(says("/readyz", R"("hsm":{"ok":false)"));
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  EXPECT_TRUE(started.get());
}

// What is ready and cannot serve goes without a stop(), and leaves port, log and store to the next.
TEST_F(StarterTest, WhoFindsThePortTakenLeavesNothingBehind) {
  Opening opening;
  auto ready = prepare(config_, opening);
  ASSERT_TRUE(ready) << ready.error().message;
  {
    const auto other =
        WaitingRoom::open(config_, {admin::StartPart::hsm, Error(Code::hsm_unavailable, "away")});
    ASSERT_TRUE(other) << other.error().message;
    const auto refused = (*ready)->listen();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr(std::to_string(config_.server.port)));
    ready->reset();
    EXPECT_TRUE(ask("GET", "/healthz")) << "who has the port keeps it";
  }
  Started next = start_or_wait(config_);
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_TRUE(ask("GET", "/healthz"));
}

TEST_F(StarterTest, WhoCannotRecordItsStartServesNobody) {
  Opening opening;
  auto ready = prepare(config_, opening);
  ASSERT_TRUE(ready) << ready.error().message;
  const auto log = config_.audit.directory / audit::segment_name(1);
  std::filesystem::rename(log, away());
  const auto refused = (*ready)->listen();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::audit_unavailable) << refused.error().message;
  ready->reset();
  EXPECT_FALSE(ask("GET", "/healthz")) << "the port is free";
  std::filesystem::rename(away(), log);
  Started next = start_or_wait(config_);
  ASSERT_TRUE(next) << next.error().message;
}

TEST_F(StarterTest, WhoListensAndNeverRunsEndsAsWell) {
  Opening opening;
  auto ready = prepare(config_, opening);
  ASSERT_TRUE(ready) << ready.error().message;
  ASSERT_TRUE((*ready)->listen());
  EXPECT_TRUE(ask("GET", "/healthz"));
  ready->reset();
  EXPECT_FALSE(ask("GET", "/healthz"));
}

TEST_F(StarterTest, IsOneOfAnAuditLog) {
  Started first = start_or_wait(config_);
  ASSERT_TRUE(first) << first.error().message;
  Started second = start_or_wait(config_);
  ASSERT_FALSE(second) << "two servers of one audit log";
  EXPECT_EQ(second.error().code, Code::conflict) << second.error().message;
}

TEST_F(StarterTest, EndsForWhatAPersonMustLookAt) {
  const config::Config good = config_;
  write(config_.store.path, "no database at all, and longer than the header of one is");
  Started damaged = start_or_wait(config_);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Code::store_corrupt) << damaged.error().message;

  config_ = good;
  config_.approval.required = {"no-such-class"};
  EXPECT_EQ(start_or_wait(config_).error().code, Code::config_invalid);
  config_ = good;
  config_.tls.client_authority = directory_ / "nothing.pem";
  EXPECT_EQ(start_or_wait(config_).error().code, Code::file_failed);
}

TEST(MayPass, IsWhatAnotherAttemptCouldFindMended) {
  using admin::StartPart;
  for (Code code : {Code::hsm_unavailable, Code::hsm_token_missing, Code::hsm_pin_rejected,
                    Code::store_unavailable, Code::audit_unavailable, Code::overloaded})
    for (StartPart part : {StartPart::store, StartPart::hsm, StartPart::audit, StartPart::group})
      EXPECT_TRUE(may_pass(part, code)) << name(code);
  for (Code code :
       {Code::store_corrupt, Code::store_rolled_back, Code::store_version, Code::audit_broken,
        Code::config_invalid, Code::conflict, Code::internal, Code::tls_failed})
    EXPECT_FALSE(may_pass(StartPart::hsm, code)) << name(code);
  EXPECT_TRUE(may_pass(StartPart::store, Code::store_rolled_back)) << "of what it saw itself";
  EXPECT_TRUE(may_pass(StartPart::hsm, Code::file_failed)) << "the PIN";
  EXPECT_FALSE(may_pass(StartPart::store, Code::file_failed));
  EXPECT_FALSE(may_pass(StartPart::audit, Code::file_failed));
}

}  // namespace
}  // namespace nae::server
