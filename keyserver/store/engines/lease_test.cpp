// Who is in charge of a store in PostgreSQL, and that nobody else writes.
#include <condition_variable>
#include <mutex>

#include "keyserver/group/charge.hpp"
#include "keyserver/store/engines/test_engine.hpp"

namespace nae::store {
namespace {

using group::BootClock;
using group::Candidate;
using group::Charge;
using std::chrono::milliseconds;

constexpr milliseconds kLease{1'500};

class LeaseTest : public ::testing::Test {
 protected:
  LeaseTest() { EXPECT_TRUE(engine_.create()); }
  std::unique_ptr<postgresql::LeaseRow> row() {
    return std::move(postgresql::LeaseRow::open(engine_.target(), kLease).value());
  }
  Result<std::unique_ptr<Charge>> take(const std::string& node, Candidate& candidate) {
    return Charge::take(row(), candidate,
                        {node, kLease,
                         [this](const Error& why) {
                           std::lock_guard lock(mutex_);
                           lost_ = why;
                           changed_.notify_all();
                         },
                         watch_});
  }
  Result<std::unique_ptr<Charge>> take(const std::string& node) {
    Candidate candidate;
    return take(node, candidate);
  }
  std::optional<Error> lost_within(milliseconds time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [&] { return lost_.has_value(); });
    return lost_;
  }
  static bool becomes(const std::function<bool()>& true_at_last) {
    const auto until = BootClock::now() + 4 * kLease;
    while (BootClock::now() < until)
      if (true_at_last()) return true;
    return false;
  }
  // Asks as a node does that waits, until it has the lease.
  std::unique_ptr<Charge> wait_for_lease(const std::string& node) {
    Candidate candidate;
    const auto until = BootClock::now() + 10 * kLease;
    while (BootClock::now() < until)
      if (auto charge = take(node, candidate)) return std::move(*charge);
    return nullptr;
  }
  std::unique_ptr<postgresql::Store> store_of(const Charge& charge) {
    auto store = std::move(postgresql::Store::open(engine_.target()).value());
    store->hold(charge.holding(), nullptr, [] {}, {});
    return store;
  }

  PostgresqlEngine engine_;
  std::shared_ptr<group::StoreWatch> watch_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Error> lost_;
};

TEST_F(LeaseTest, OneIsInCharge) {
  auto first = take("ks1");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ((*first)->holding().generation, 1);
  EXPECT_TRUE((*first)->tenure().holds());
  EXPECT_LE((*first)->tenure().left(), kLease * 9 / 10);
  auto second = take("ks2");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::server_unavailable);
  EXPECT_THAT(second.error().message, ::testing::HasSubstr("ks1 is in charge"));
}

TEST_F(LeaseTest, ALeaseThatIsRenewedIsNotTaken) {
  auto first = take("ks1");
  ASSERT_TRUE(first);
  Candidate candidate;
  const auto until = BootClock::now() + 2 * kLease;
  while (BootClock::now() < until) {
    ASSERT_FALSE(take("ks2", candidate));
    ASSERT_TRUE((*first)->tenure().holds());
  }
  EXPECT_EQ(row()->read()->generation, 1);
  EXPECT_GT(row()->read()->beat, 2);
}

TEST_F(LeaseTest, OneThatIsGivenBackIsTakenAtOnce) {
  take("ks1").value().reset();
  auto second = take("ks2");
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ((*second)->holding().generation, 2);
  EXPECT_EQ((*second)->holding().node_number, 2);
  second->reset();
  EXPECT_EQ((*take("ks1"))->holding().node_number, 1) << "a node keeps its number";
}

// It says nothing more, like one that was killed.
TEST_F(LeaseTest, OneThatIsSilentIsTakenWhenItHasStoodForItsDuration) {
  const LeaseState never = row()->read().value();
  const auto sent = BootClock::now();
  ASSERT_TRUE(*row()->take(never, "ks1", "run", kLease));
  const auto second = wait_for_lease("ks2");
  ASSERT_NE(second, nullptr);
  EXPECT_GE(BootClock::now() - sent, kLease) << "not before it is over for the first";
}

TEST_F(LeaseTest, WhoHasLostItWritesNothingAndIsTold) {
  auto first = take("ks1");
  ASSERT_TRUE(first);
  auto old = store_of(**first);
  ASSERT_TRUE(old->set_meta("before", "x"));
  // What a renewal would have kept from happening: the lease is another one's.
  const LeaseState seen = row()->read().value();
  ASSERT_TRUE(*row()->take(seen, "ks2", "run", kLease));
  for (const auto& refused :
       {old->set_meta("after", "x"), old->keep_time({1, 2, 3, "boot", false}),
        old->keep_head({1, {}}), old->forget_head(), old->save_usage({}, true), old->check()}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::server_unavailable);
  }
  const auto why = lost_within(2 * kLease);
  ASSERT_TRUE(why);
  EXPECT_THAT(why->message, ::testing::HasSubstr("taken the store over"));
  EXPECT_FALSE((*first)->tenure().holds());
  first->reset();
  EXPECT_EQ(row()->read()->generation, 2) << "nor does it give back what is not its own";
  EXPECT_FALSE(row()->read()->released);
}

// A failover may forget the taking of one node, and another one then counts the same generation.
TEST_F(LeaseTest, TheSameGenerationOfAnotherHolderIsAnotherLease) {
  auto first = take("ks1");
  ASSERT_TRUE(first);
  const auto old = store_of(**first);
  ASSERT_TRUE(old->set_meta("before", "x"));
  const LeaseState mine = row()->read().value();
  EXPECT_EQ(mine.holder, (*first)->holding().holder);
  engine_.tamper("UPDATE lease SET node = 'ks2', holder = 'another'");
  const auto renewed = row()->renew((*first)->holding(), {});
  ASSERT_TRUE(renewed) << renewed.error().message;
  EXPECT_EQ(renewed->outcome, Renewal::taken);
  const auto written = old->set_meta("after", "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::server_unavailable);
  EXPECT_TRUE(row()->release((*first)->holding()));
  EXPECT_FALSE(row()->read()->released);
  EXPECT_FALSE(*row()->take(mine, "ks3", "run", kLease)) << "it is not as it was seen";
  EXPECT_TRUE(lost_within(2 * kLease));
}

TEST_F(LeaseTest, WithoutTheRowThatIsLockedNothingIsWritten) {
  auto first = take("ks1");
  ASSERT_TRUE(first);
  const auto store = store_of(**first);
  engine_.tamper("DELETE FROM writer");
  const auto written = store->set_meta("x", "y");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::store_corrupt);
  const auto taken = row()->take(row()->read().value(), "ks2", "run", kLease);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::store_corrupt);
}

TEST_F(LeaseTest, WhoHasNoLeaseOnlyReads) {
  auto reader = std::move(postgresql::Store::open(engine_.target()).value());
  EXPECT_TRUE(reader->load_keys());
  auto written = reader->set_meta("x", "y");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::server_unavailable);
  EXPECT_EQ(*reader->meta("x"), std::nullopt);
}

// A start goes on where the store takes no changes: values are served from memory.
TEST_F(LeaseTest, AStartWithNothingToInterruptChangesNothing) {
  auto first = take("ks1");
  ASSERT_TRUE(first);
  auto store = std::move(postgresql::Store::open(engine_.target()).value());
  bool takes_changes = true;
  store->hold((*first)->holding(), nullptr, [] {}, {},
              [&](bool) -> Result<void> {
                if (takes_changes) return {};
                return fail(Code::store_unavailable, "it takes no changes");
              });
  ASSERT_TRUE(store->begin_ledger(settings()));
  takes_changes = false;
  const auto nothing = store->interrupt_approvals();
  ASSERT_TRUE(nothing) << nothing.error().message;
  EXPECT_TRUE(nothing->empty());

  takes_changes = true;
  Approval approval;
  approval.id = std::string(16, '1');
  approval.operation = "key-destroy";
  approval.action = "key-state";
  approval.method = "PATCH";
  approval.target = "/v1/keys/a/versions/1";
  approval.body = R"({"state":"destroyed"})";
  approval.digest = std::string(64, '1');
  approval.fingerprint = std::string(64, 'd');
  approval.requested_by = "alice";
  approval.requested_at_us = 10;
  approval.expires_at_us = 100;
  ASSERT_TRUE(store->insert_approval(approval, 100));
  Decision decision;
  decision.by = "bob";
  decision.verdict = Verdict::approved;
  decision.digest = approval.digest;
  decision.at_us = 20;
  ASSERT_EQ(store->decide_approval(approval.id, decision, 1), ApprovalState::running);
  takes_changes = false;
  EXPECT_EQ(store->interrupt_approvals().error().code, Code::store_unavailable);
  EXPECT_EQ((*store->find_approval(approval.id))->state, ApprovalState::running);
  takes_changes = true;
  EXPECT_EQ(*store->interrupt_approvals(), std::vector<std::string>{approval.id});
}

// The store as a failover leaves it that forgot something, while one is in charge.
TEST_F(LeaseTest, TheStoreIsComparedAtEachRenewal) {
  watch_ = std::make_shared<group::StoreWatch>(true);
  ASSERT_TRUE(watch_->remember("/nonexistent/store-seen", settings().key));
  auto first = take("ks1");
  ASSERT_TRUE(first);
  auto store = std::move(postgresql::Store::open(engine_.target()).value());
  store->hold((*first)->holding(), nullptr, [] {}, {},
              [this](bool synchronous) { return watch_->may_change(synchronous); });
  ASSERT_TRUE(store->begin_ledger(settings()));
  ASSERT_TRUE(becomes([&] { return watch_->known().epoch == 1; }));
  EXPECT_EQ(watch_->known(), store->ledger_head());
  EXPECT_FALSE(watch_->is_synchronous()) << "of a server without synchronous_standby_names";
  const auto asynchronous = store->set_meta("x", "y");
  ASSERT_FALSE(asynchronous);
  EXPECT_EQ(asynchronous.error().code, Code::store_unavailable);
  EXPECT_THAT(asynchronous.error().message, ::testing::HasSubstr("synchronous_standby_names"));
  EXPECT_EQ(store->check().error().code, Code::store_unavailable) << "readiness says so";
  EXPECT_TRUE(store->save_usage({}, true)) << "counts are kept all the same";
  engine_.tamper("DELETE FROM ledger_snapshots; DELETE FROM ledger");
  ASSERT_TRUE(becomes([&] { return !watch_->is_whole(); }));
  EXPECT_EQ(store->set_meta("x", "y").error().code, Code::store_rolled_back);
  EXPECT_TRUE((*first)->tenure().holds()) << "what is known is served";
}

TEST_F(LeaseTest, OneThatIsForfeitedIsNotGivenBack) {
  auto first = take("ks1");
  ASSERT_TRUE(first);
  (*first)->forfeit();
  EXPECT_FALSE((*first)->tenure().holds());
  EXPECT_TRUE(lost_within(2 * kLease));
  first->reset();
  EXPECT_FALSE(row()->read()->released) << "others wait: it may have answered a moment ago";
}

TEST_F(LeaseTest, OfTwoThatSawTheSameOneTakesIt) {
  const LeaseState seen = row()->read().value();
  ASSERT_TRUE(*row()->take(seen, "ks1", "run", kLease));
  EXPECT_FALSE(*row()->take(seen, "ks2", "run", kLease));
  EXPECT_EQ(row()->read()->node, "ks1");
}

}  // namespace
}  // namespace nae::store
