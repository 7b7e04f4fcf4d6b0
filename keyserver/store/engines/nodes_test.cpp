// The key servers of a group: who has a name, and who may not have the lease.
#include <future>

#include "keyserver/store/engines/test_engine.hpp"
#include "libnae/base/test_eventually.hpp"

namespace nae::store {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLease{60'000};

class NodesTest : public ::testing::Test {
 protected:
  NodesTest() {
    EXPECT_TRUE(engine_.create());
    store_ = std::move(engine_.open().value());  // whose node is node-1
    EXPECT_TRUE(store_->begin_ledger(settings()));
  }
  std::unique_ptr<postgresql::LeaseRow> row() {
    return std::move(postgresql::LeaseRow::open(engine_.target(), kLease).value());
  }
  static NodeBeat beat(const std::string& name, const std::string& run) {
    return {name, run, "nae-keyserver 1", name + ":7443", kLease, {7, {}}};
  }
  void announce(const std::string& name, const std::string& run = "run") {
    const auto here = row();
    EXPECT_TRUE(*here->announce(*here->run_of(name), beat(name, run)));
  }
  Node node(const std::string& name) {
    const auto nodes = store_->list_nodes().value();
    const auto found = std::ranges::find(nodes, name, &Node::name);
    EXPECT_NE(found, nodes.end());
    return found == nodes.end() ? Node{} : *found;
  }

  bool is_listed(const std::string& name) {
    const auto nodes = store_->list_nodes().value();
    return std::ranges::find(nodes, name, &Node::name) != nodes.end();
  }

  PostgresqlEngine engine_;
  std::unique_ptr<sql::Store> store_;
};

TEST_F(NodesTest, ARunSaysThatItWaitsAndThatItLeaves) {
  EXPECT_TRUE(row()->run_of("ks2")->left) << "nobody has the name";
  announce("ks2");
  const NodeRun run = row()->run_of("ks2").value();
  EXPECT_EQ(run.run, "run");
  EXPECT_EQ(run.duration, kLease);
  EXPECT_FALSE(run.left);
  EXPECT_EQ(run.address, "ks2:7443");
  EXPECT_EQ(node("ks2").state, NodeState::waiting);
  EXPECT_EQ(node("ks2").newest, 7u);
  EXPECT_EQ(node("ks2").version, "nae-keyserver 1");
  EXPECT_FALSE(node("ks2").silent);
  announce("ks2");
  EXPECT_EQ(row()->run_of("ks2")->beat, run.beat + 1);
  ASSERT_TRUE(row()->leave(beat("ks2", "run")));
  EXPECT_TRUE(row()->run_of("ks2")->left);
  EXPECT_EQ(node("ks2").state, NodeState::left);
}

TEST_F(NodesTest, TheHeadsOfTheirLogsAreToldWithTheirNames) {
  announce("ks2");
  EXPECT_EQ(node("node-1").head, audit::ChainPoint{});
  audit::ChainPoint head{41, {}};
  head.hash.fill(3);
  ASSERT_TRUE(store_->keep_head(head));
  EXPECT_EQ(node("node-1").head, head);
  EXPECT_EQ(node("ks2").head, audit::ChainPoint{});
  ASSERT_TRUE(store_->forget_head());
  EXPECT_EQ(node("node-1").head, audit::ChainPoint{});
}

// Of the whole server, as long as this lives: commits wait for a machine that is not there.
class LostStandby {
 public:
  LostStandby() { say("SET synchronous_standby_names = 'nowhere'"); }
  ~LostStandby() { say("RESET synchronous_standby_names"); }
  LostStandby(const LostStandby&) = delete;
  LostStandby& operator=(const LostStandby&) = delete;
  // Whether one waits; it waits no longer.
  static bool cancels_wait() {
    return TestPostgresql::get().refusal("postgres",
                                         "SELECT 1 / count(*) FROM (SELECT pg_cancel_backend(pid)"
                                         " FROM pg_stat_activity WHERE wait_event = 'SyncRep')"
                                         " AS cancelled") == "";
  }

 private:
  static void say(const std::string& setting) {
    TestPostgresql::get().run("postgres", "ALTER SYSTEM " + setting);
    TestPostgresql::get().run("postgres", "SELECT pg_reload_conf()");
  }
};

TEST_F(NodesTest, WhatAFailoverMayForgetIsNotSeen) {
  announce("ks2");
  std::optional<LostStandby> lost(std::in_place);
  const auto here = row();
  // Again and again: a moment passes until the whole server waits.
  auto announced = std::async(std::launch::async, [&] {
    auto done = here->announce(*here->run_of("ks2"), beat("ks2", "run"));
    for (int i = 0; done && i < 10'000; ++i)
      done = here->announce(*here->run_of("ks2"), beat("ks2", "run"));
    return done;
  });
  EXPECT_TRUE(eventually(&LostStandby::cancels_wait)) << "it waits until other machines have it";
  const auto doubtful = announced.get();
  ASSERT_FALSE(doubtful);
  EXPECT_EQ(doubtful.error().code, Code::store_unavailable);
  lost.reset();
  const auto now = row();
  const auto known = now->announce(now->run_of("ks2").value(), beat("ks2", "run"));
  ASSERT_TRUE(known && *known);
  EXPECT_EQ((*known)->newest, store_->ledger_head().epoch);
}

TEST_F(NodesTest, ARowThatIsAnothersIsTakenAsItWasSeenOrNotAtAll) {
  announce("ks2", "first");
  const NodeRun seen = row()->run_of("ks2").value();
  announce("ks2", "first");
  EXPECT_FALSE(*row()->announce(seen, beat("ks2", "second"))) << "it was heard of meanwhile";
  EXPECT_TRUE(*row()->announce(*row()->run_of("ks2"), beat("ks2", "second")));
  EXPECT_FALSE(*row()->announce(seen, beat("ks2", "first"))) << "and now it is the second's";
  ASSERT_TRUE(row()->leave(beat("ks2", "first")));
  EXPECT_FALSE(row()->run_of("ks2")->left) << "who has lost it takes nothing back";
}

TEST_F(NodesTest, WhoHasNotBeenHeardOfForItsTimeIsSilent) {
  announce("ks2");
  engine_.tamper("UPDATE nodes SET heard_at = now() - interval '61 s' WHERE name = 'ks2'");
  EXPECT_TRUE(node("ks2").silent);
  EXPECT_GE(node("ks2").quiet_ms, 61'000);
}

TEST_F(NodesTest, AFencedNodeNeitherTakesNorKeepsTheLease) {
  announce("ks2");
  announce("ks3");
  const auto holder = row();
  holder->speak_as(beat("ks2", "run"));
  const Holding holding =
      holder->take(holder->read().value(), "ks2", "run", kLease).value().value();
  EXPECT_EQ(holder->renew(holding, {})->outcome, Renewal::mine);
  EXPECT_EQ(node("ks2").state, NodeState::in_charge);
  auto store = std::move(postgresql::Store::open(engine_.target()).value());
  store->hold(holding, nullptr, [] {}, {});
  ASSERT_TRUE(store->open_ledger(settings()));
  ASSERT_TRUE(store->fence_node("ks2", "its disk fails"));
  EXPECT_EQ(holder->renew(holding, {})->outcome, Renewal::fenced);
  const auto again = holder->take(holder->read().value(), "ks2", "run", kLease);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::server_unavailable);
  EXPECT_THAT(again.error().message, ::testing::HasSubstr("fenced: its disk fails"));
  EXPECT_TRUE(*holder->take(holder->read().value(), "ks3", "run", kLease));
  EXPECT_EQ(holder->renew(holding, {})->outcome, Renewal::taken);
}

TEST_F(NodesTest, FencesAreChangesOfTheLedger) {
  announce("ks2");
  announce("ks3");
  const std::uint64_t before = store_->ledger_head().epoch;
  ASSERT_TRUE(store_->fence_node("ks2", "its disk fails"));
  EXPECT_EQ(node("ks2").fenced, "its disk fails");
  EXPECT_EQ(node("ks3").fenced, "");
  ASSERT_TRUE(store_->allow_node("ks2"));
  EXPECT_EQ(node("ks2").fenced, "");
  const auto changes = store_->changes_after(before, 10).value();
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].kind, ChangeKind::node_fenced);
  EXPECT_EQ(changes[1].kind, ChangeKind::node_allowed);
  EXPECT_EQ(text_of(changes[1].items[0].noun, changes[1].items[0].identity),
            "fact fenced-node/ks2");
  EXPECT_FALSE(changes[1].items[0].content) << "the row is gone";
  EXPECT_TRUE(store_->verify_ledger());
  ASSERT_TRUE(store_->fence_node("ks2", "its disk fails"));
  engine_.tamper("DELETE FROM meta WHERE name = 'fenced-node/ks2'");
  EXPECT_EQ(store_->verify_ledger().error().code, Code::store_corrupt) << "by no hand";
}

TEST_F(NodesTest, OneThatIsGoneForEverIsNotListed) {
  announce("ks2");
  announce("ks3");
  EXPECT_EQ(store_->remove_node("ks9", "x").error().code, Code::not_found);
  EXPECT_EQ(store_->remove_node("ks2", "x").error().code, Code::conflict) << "it waits";
  ASSERT_TRUE(row()->leave(beat("ks2", "run")));
  const std::uint64_t before = store_->ledger_head().epoch;
  ASSERT_TRUE(store_->remove_node("ks2", "its machine is gone"));
  EXPECT_FALSE(is_listed("ks2"));
  EXPECT_EQ(store_->remove_node("ks2", "x").error().code, Code::not_found);
  const auto changes = store_->changes_after(before, 10).value();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].kind, ChangeKind::node_removed);
  EXPECT_EQ(changes[0].items.size(), 2u) << "it is fenced as well";
  EXPECT_TRUE(store_->verify_ledger());
}

TEST_F(NodesTest, NoneIsRemovedWhileNodesOfDifferentReleasesAreThere) {
  announce("ks2");
  announce("ks3");
  announce("ks4");
  ASSERT_TRUE(row()->leave(beat("ks2", "run")));
  engine_.tamper("UPDATE nodes SET version = 'nae-keyserver 0' WHERE name = 'ks3'");
  const auto refused = store_->remove_node("ks2", "x");
  ASSERT_EQ(refused.error().code, Code::conflict);
  EXPECT_NE(refused.error().message.find("different releases"), std::string::npos);
  ASSERT_TRUE(row()->leave(beat("ks3", "run")));
  EXPECT_TRUE(store_->remove_node("ks2", "its machine is gone")) << "who has left does not follow";
}

TEST_F(NodesTest, OneThatWasRemovedAndComesBackIsSeenAndWaitsUntilItIsAllowed) {
  announce("ks2");
  const std::int64_t number = row()->number_of("ks2").value();
  ASSERT_TRUE(row()->leave(beat("ks2", "run")));
  ASSERT_TRUE(store_->remove_node("ks2", "its machine is gone"));
  announce("ks2", "later");
  EXPECT_EQ(node("ks2").fenced, "its machine is gone");
  EXPECT_EQ(row()->number_of("ks2").value(), number) << "its own for ever";
  EXPECT_EQ(row()->take(row()->read().value(), "ks2", "later", kLease).error().code,
            Code::server_unavailable);
  ASSERT_TRUE(store_->allow_node("ks2"));
  ASSERT_TRUE(row()->leave(beat("ks2", "later")));
  EXPECT_TRUE(is_listed("ks2")) << "it was taken in again";
  EXPECT_TRUE(store_->verify_ledger());
}

TEST_F(NodesTest, OneThatIsSilentIsRemovedWhenItIsFenced) {
  announce("ks2");
  announce("ks3");
  const auto fall_silent = [&] {
    engine_.tamper("UPDATE nodes SET heard_at = now() - interval '61 s' WHERE name = 'ks2'");
  };
  fall_silent();
  EXPECT_EQ(store_->remove_node("ks2", "x").error().code, Code::conflict) << "it may come back";
  ASSERT_TRUE(store_->fence_node("ks2", "it is down"));
  announce("ks2");
  EXPECT_EQ(store_->remove_node("ks2", "x").error().code, Code::conflict) << "it waits";
  fall_silent();
  EXPECT_TRUE(store_->remove_node("ks2", "its machine is gone"));
  EXPECT_FALSE(is_listed("ks2"));
  EXPECT_TRUE(store_->verify_ledger());
}

TEST_F(NodesTest, WhatCannotBeFencedOrAllowedIsRefused) {
  announce("ks2");
  EXPECT_EQ(store_->fence_node("ks9", "x").error().code, Code::not_found);
  EXPECT_EQ(store_->allow_node("ks2").error().code, Code::conflict);
  EXPECT_EQ(store_->fence_node("ks2", "x").error().code, Code::conflict)
      << "no other one is there: node-1 says nothing of itself";
  announce("ks3");
  EXPECT_TRUE(store_->fence_node("ks2", "x"));
  EXPECT_EQ(store_->fence_node("ks2", "y").error().code, Code::conflict);
  EXPECT_EQ(store_->fence_node("ks3", "x").error().code, Code::conflict) << "the last one";
  engine_.tamper("UPDATE nodes SET heard_at = now() - interval '1 h' WHERE name = 'ks3'");
  ASSERT_TRUE(store_->allow_node("ks2"));
  EXPECT_EQ(store_->fence_node("ks2", "x").error().code, Code::conflict) << "ks3 is silent";
}

TEST_F(NodesTest, AStoreOfOneKeyServerHasNoNodes) {
  SqliteEngine file;
  const auto store = std::move(file.create().value());
  EXPECT_EQ(store->list_nodes().error().code, Code::unsupported);
  EXPECT_EQ(store->fence_node("ks1", "x").error().code, Code::unsupported);
  EXPECT_EQ(store->allow_node("ks1").error().code, Code::unsupported);
  EXPECT_EQ(store->remove_node("ks1", "x").error().code, Code::unsupported);
}

}  // namespace
}  // namespace nae::store
