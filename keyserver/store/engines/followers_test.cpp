// What a key server says of itself that answers beside the one in charge, and what a change finds.
#include "keyserver/store/engines/test_engine.hpp"

namespace nae::store {
namespace {

using std::chrono::milliseconds;
using Outcome = Followed::Outcome;

constexpr milliseconds kLease{60'000};

class FollowersTest : public ::testing::Test {
 protected:
  FollowersTest() {
    EXPECT_TRUE(engine_.create());
    store_ = std::move(engine_.open().value());  // whose node is node-1
    EXPECT_TRUE(store_->begin_ledger(settings()));
  }
  std::unique_ptr<postgresql::LeaseRow> row() {
    return std::move(postgresql::LeaseRow::open(engine_.target(), kLease).value());
  }
  static NodeBeat beat(const std::string& run) {
    return {"ks2", run, "nae-keyserver 1", "ks2:7443", kLease, {}};
  }
  std::unique_ptr<postgresql::LeaseRow> announced(const std::string& run) {
    auto here = row();
    EXPECT_TRUE(*here->announce(*here->run_of("ks2"), beat(run)));
    here->speak_as(beat(run));
    return here;
  }
  void change() { EXPECT_TRUE(store_->set_meta("fact-" + std::to_string(++facts_), "x")); }
  std::vector<Follower> followers() { return store_->list_followers().value(); }
  Outcome follow(postgresql::LeaseRow& row, const LedgerPoint& applied) {
    const auto followed = row.follow(applied, {});
    EXPECT_TRUE(followed) << followed.error().message;
    return followed->outcome;
  }

  PostgresqlEngine engine_;
  std::unique_ptr<sql::Store> store_;
  int facts_ = 0;
};

TEST_F(FollowersTest, WhoWaitsIsNotWaitedForAndWhoFollowsIs) {
  const auto here = announced("run");
  EXPECT_TRUE(followers().empty());
  const LedgerPoint head = store_->ledger_head();
  EXPECT_EQ(follow(*here, head), Outcome::mine);
  ASSERT_EQ(followers().size(), 1u);
  const Follower said = followers().front();
  EXPECT_EQ(said.name, "ks2");
  EXPECT_EQ(said.run, "run");
  EXPECT_EQ(said.duration, kLease);
  EXPECT_EQ(said.applied, head);
  EXPECT_EQ(follow(*here, head), Outcome::mine);
  EXPECT_EQ(followers().front().beat, said.beat + 1);
  const auto nodes = store_->list_nodes().value();
  const auto node = std::ranges::find(nodes, "ks2", &Node::name);
  EXPECT_EQ(node->state, NodeState::following);
  EXPECT_EQ(node->applied, head.epoch);
  ASSERT_TRUE(here->leave(beat("run")));
  EXPECT_TRUE(followers().empty());
}

TEST_F(FollowersTest, WhoIsBehindSaysNothing) {
  const auto here = announced("run");
  const LedgerPoint before = store_->ledger_head();
  EXPECT_EQ(follow(*here, before), Outcome::mine);
  const Follower said = followers().front();
  change();
  EXPECT_EQ(follow(*here, before), Outcome::behind);
  EXPECT_EQ(followers().front(), said);
  EXPECT_EQ(follow(*here, store_->ledger_head()), Outcome::mine);
}

TEST_F(FollowersTest, AChangeThatTheStoreHasNotIsNotInForce) {
  const auto here = announced("run");
  LedgerPoint another = store_->ledger_head();
  another.hash[0] ^= 1;
  EXPECT_EQ(follow(*here, another), Outcome::lost);
  EXPECT_EQ(follow(*here, {store_->ledger_head().epoch + 1, another.hash}), Outcome::lost);
  EXPECT_TRUE(followers().empty());
}

TEST_F(FollowersTest, WhoHasLostTheNameSaysNothing) {
  const auto first = announced("first");
  EXPECT_EQ(follow(*first, store_->ledger_head()), Outcome::mine);
  // As a release does that knows of no followers.
  const auto second = announced("second");
  EXPECT_TRUE(followers().empty());
  EXPECT_EQ(follow(*first, store_->ledger_head()), Outcome::taken);
  EXPECT_TRUE(followers().empty());
}

TEST_F(FollowersTest, WhoIsFencedSaysNothing) {
  const auto here = announced("run");
  EXPECT_EQ(follow(*here, store_->ledger_head()), Outcome::mine);
  const Follower said = followers().front();
  const auto another = row();
  NodeBeat other = beat("other");
  other.name = "ks3";
  ASSERT_TRUE(*another->announce(*another->run_of("ks3"), other));
  ASSERT_TRUE(store_->fence_node("ks2", "its disk fails"));
  EXPECT_EQ(follow(*here, store_->ledger_head()), Outcome::fenced);
  EXPECT_EQ(followers().front(), said);
}

TEST_F(FollowersTest, WhoTakesTheLeaseFollowsNoMore) {
  const auto here = announced("run");
  EXPECT_EQ(follow(*here, store_->ledger_head()), Outcome::mine);
  ASSERT_TRUE(*here->take(*here->read(), "ks2", "run", kLease));
  EXPECT_TRUE(followers().empty());
}

// One that was suspended for longer than its word was good.
TEST_F(FollowersTest, WhoHasLostTheNameTakesNoLease) {
  const auto first = announced("first");
  const auto second = announced("second");
  const LeaseState before = *first->read();
  const auto taken = first->take(before, "ks2", "first", kLease);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::server_unavailable);
  EXPECT_EQ(*second->read(), before);
  EXPECT_EQ(second->run_of("ks2")->run, "second");
  EXPECT_TRUE(*second->take(before, "ks2", "second", kLease));
}

TEST_F(FollowersTest, AFollowersStoreReadsOnAndChangesNothing) {
  const auto here = announced("run");
  auto followed = std::move(postgresql::Store::open(engine_.target()).value());
  followed->be_node("ks2", *here->number_of("ks2"));
  ASSERT_TRUE(followed->open_ledger(settings()));
  followed->follow("ks2", "run");
  change();
  EXPECT_EQ(*followed->catch_up(), store_->ledger_head());
  EXPECT_EQ(*followed->meta("fact-1"), "x");
  EXPECT_EQ(followed->set_meta("fact-2", "x").error().code, Code::server_unavailable);
  EXPECT_TRUE(followed->check());
  EXPECT_TRUE(followed->keep_head({5, {}})) << "of its own audit log";
  EXPECT_EQ(followed->kept_head().value()->seq, 5u);
  EXPECT_FALSE(store_->kept_head().value()) << "which is not that of the one in charge";
  const auto next = announced("next");
  EXPECT_EQ(followed->keep_head({6, {}}).error().code, Code::server_unavailable);
}

TEST_F(FollowersTest, AFollowerHoldsNobodyUp) {
  auto followed = std::move(postgresql::Store::open(engine_.target()).value());
  ASSERT_TRUE(followed->open_ledger(settings()));
  const auto here = announced("run");
  followed->follow("ks2", "run");
  auto database = std::move(postgresql::Database::open(engine_.target()).value());
  database->follow("ks2", "run");
  ASSERT_TRUE(database->begin_reading());
  change();
  ASSERT_TRUE(database->begin());
  change();
  database->roll_back();
}

// The table nodes as schema 1 has it.
constexpr const char* kSchema1 = R"(
ALTER TABLE audit_head DROP CONSTRAINT audit_head_one_fkey;
DROP TABLE nodes;
CREATE TABLE nodes (
  number BIGINT NOT NULL PRIMARY KEY CHECK (number BETWEEN 1 AND 65535),
  name TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(name) > 0),
  run TEXT COLLATE "C" NOT NULL DEFAULT '',
  beat BIGINT NOT NULL DEFAULT 0 CHECK (beat >= 0),
  duration_ms BIGINT NOT NULL DEFAULT 1 CHECK (duration_ms > 0),
  state BIGINT NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
  version TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL DEFAULT '',
  epoch BIGINT NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  heard_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
INSERT INTO nodes (number, name) VALUES (7, 'of-before');
ALTER TABLE audit_head ADD CONSTRAINT audit_head_one_fkey FOREIGN KEY (one) REFERENCES nodes (number);
DELETE FROM migrations;
INSERT INTO migrations (version) VALUES (1);
)";

TEST_F(FollowersTest, AStoreOfAnOlderReleaseIsMadeANewOneByWhoIsInCharge) {
  change();
  const LedgerPoint head = store_->ledger_head();
  store_.reset();
  engine_.tamper(kSchema1);
  const auto waiting = std::move(postgresql::Store::open(engine_.target()).value());
  EXPECT_FALSE(*waiting->is_newest());
  EXPECT_EQ(*waiting->meta("fact-1"), "x") << "who waits reads it";
  EXPECT_FALSE(waiting->upgrade()) << "and changes nothing";
  EXPECT_FALSE(*waiting->is_newest());

  auto opened = std::move(engine_.open().value());
  auto& store = static_cast<postgresql::Store&>(*opened);
  ASSERT_TRUE(store.upgrade());
  EXPECT_TRUE(*store.is_newest());
  EXPECT_TRUE(store.upgrade()) << "once";
  const auto report = store.open_ledger(settings());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->head, head);
  EXPECT_EQ(store.list_nodes().value().back().name, "of-before");
  EXPECT_TRUE(store.set_meta("fact-9", "x"));
}

TEST_F(FollowersTest, AStoreOfANewerReleaseIsRefused) {
  store_.reset();
  engine_.tamper("INSERT INTO migrations (version) VALUES (99)");
  EXPECT_EQ(postgresql::Store::open(engine_.target()).error().code, Code::store_version);
}

}  // namespace
}  // namespace nae::store
