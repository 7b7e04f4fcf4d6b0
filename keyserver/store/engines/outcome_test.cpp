// What became of a commit whose answer was lost: it is read back, by number and hash.
#include "keyserver/store/engines/test_cutting_proxy.hpp"
#include "keyserver/store/engines/test_engine.hpp"

namespace nae::store {
namespace {

class OutcomeTest : public ::testing::Test {
 protected:
  OutcomeTest() {
    EXPECT_TRUE(engine_.create());
    row_ = std::move(
        postgresql::LeaseRow::open(engine_.target(), std::chrono::milliseconds(60'000)).value());
    auto store =
        postgresql::Store::open(postgresql::read_target("postgresql:///" + engine_.database() +
                                                        "?user=postgres&host=" + proxy_.directory())
                                    .value());
    EXPECT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    postgresql::LeaseRow& row = *row_;
    const Holding holding = **row.take(*row.read(), "ks1", "run", std::chrono::seconds(60));
    store_->hold(
        holding, nullptr, [this] { forfeited_ = true; }, [this] { return left_; });
    EXPECT_TRUE(store_->begin_ledger(settings()));
  }

  PostgresqlEngine engine_;
  CuttingProxy proxy_{TestPostgresql::get().directory()};
  std::unique_ptr<postgresql::LeaseRow> row_;
  std::unique_ptr<postgresql::Store> store_;
  bool forfeited_ = false;
  std::chrono::milliseconds left_{60'000};
};

TEST_F(OutcomeTest, AConnectionThatWasLostIsMadeAgain) {
  TestPostgresql::get().run("postgres",
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE datname = '" +
                                engine_.database() + "'");
  EXPECT_TRUE(store_->load_keys());
  EXPECT_TRUE(store_->set_meta("x", "y"));
}

TEST_F(OutcomeTest, ACommitThatWasMadeIsAcknowledgedThoughItsAnswerWasLost) {
  proxy_.cut(CuttingProxy::Cut::after_commit);
  const auto done = store_->set_meta("x", "y");
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(store_->ledger_head().epoch, 2u);
  EXPECT_EQ(*store_->meta("x"), "y");
  EXPECT_TRUE(store_->set_meta("then", "z")) << "and it goes on from there";
  EXPECT_FALSE(forfeited_);
}

TEST_F(OutcomeTest, ACommitThatDidNotArriveIsNotAcknowledged) {
  proxy_.cut(CuttingProxy::Cut::before_commit);
  const auto done = store_->set_meta("x", "y");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::store_unavailable);
  EXPECT_THAT(done.error().message, ::testing::HasSubstr("was not made"));
  EXPECT_EQ(store_->ledger_head().epoch, 1u);
  EXPECT_EQ(*store_->meta("x"), std::nullopt);
  EXPECT_TRUE(store_->set_meta("x", "other")) << "nothing of it is left";
  EXPECT_FALSE(forfeited_);
}

TEST_F(OutcomeTest, AServerThatIsStartedAgainMeanwhileIsAskedUntilItAnswers) {
  proxy_.cut(CuttingProxy::Cut::after_commit);
  proxy_.refuse(8);
  const auto done = store_->set_meta("x", "y");
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_TRUE(proxy_.is_through());
  EXPECT_EQ(*store_->meta("x"), "y");
  EXPECT_FALSE(forfeited_);
}

TEST_F(OutcomeTest, AConnectionThatIsLostAgainWhileItIsReadBackEndsNothing) {
  int facts = 0;
  for (const char* statement : {"FOR UPDATE", "SELECT bytes FROM ledger", "COMMIT"}) {
    SCOPED_TRACE(statement);
    proxy_.cut(CuttingProxy::Cut::after_commit);
    proxy_.cut_at(statement, CuttingProxy::Cut::before_commit);
    const std::string name = "fact-" + std::to_string(++facts);
    const auto done = store_->set_meta(name, "y");
    EXPECT_TRUE(done) << done.error().message;
    EXPECT_TRUE(proxy_.is_through());
    EXPECT_EQ(*store_->meta(name), "y");
    EXPECT_FALSE(forfeited_);
  }
}

TEST_F(OutcomeTest, WhenItStaysUnknownTheLeaseIsGivenUp) {
  left_ = std::chrono::milliseconds(500);
  proxy_.cut(CuttingProxy::Cut::after_commit);
  proxy_.refuse(1'000);
  const auto done = store_->set_meta("x", "y");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::store_unavailable);
  EXPECT_THAT(done.error().message, ::testing::HasSubstr("is not known"));
  EXPECT_TRUE(forfeited_);
}

// A constraint that is looked at last: the server says so, and the connection goes on.
TEST_F(OutcomeTest, ACommitThatIsRefusedLeavesNothingBehind) {
  engine_.tamper(
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
      " $$BEGIN RAISE unique_violation; END$$;"
      "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON trusted_time DEFERRABLE INITIALLY DEFERRED"
      " FOR EACH ROW EXECUTE FUNCTION refuse()");
  const auto refused = store_->keep_time({1, 2, 3, "boot", false});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  // Outside of a transaction a connection that is lost is made again.
  TestPostgresql::get().run("postgres",
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE datname = '" +
                                engine_.database() + "'");
  EXPECT_TRUE(store_->load_keys());
}

}  // namespace
}  // namespace nae::store
