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
    store_->hold(holding, nullptr, [this] { forfeited_ = true; });
    EXPECT_TRUE(store_->begin_ledger(settings()));
  }

  PostgresqlEngine engine_;
  CuttingProxy proxy_{TestPostgresql::get().directory()};
  std::unique_ptr<postgresql::LeaseRow> row_;
  std::unique_ptr<postgresql::Store> store_;
  bool forfeited_ = false;
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

}  // namespace
}  // namespace nae::store
