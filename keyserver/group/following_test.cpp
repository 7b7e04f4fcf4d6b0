#include "keyserver/group/following.hpp"

#include <gmock/gmock.h>

#include <future>

namespace nae::group {
namespace {

using std::chrono::milliseconds;
using store::Followed;
using store::LedgerPoint;
using testing::HasSubstr;
using Outcome = Followed::Outcome;

constexpr milliseconds kLease{300};

// A store that answers what the test wants, the last answer again and again.
class ScriptedRow final : public store::FollowerRow {
 public:
  struct Script {
    std::mutex mutex;
    LedgerPoint newest{7, {}};
    std::optional<Outcome> outcome;  // nothing: as `newest` and what is applied say
    std::optional<Error> failure;
    milliseconds takes{0};  // of the next beat alone
    store::LeaseState lease{1, 1, "ks1", "holder", kLease * 100, false};
    int beats = 0;
  };
  explicit ScriptedRow(Script& script) : script_(script) {}
  Result<Followed> follow(const LedgerPoint& applied, const LedgerPoint&) override {
    milliseconds takes{0};
    {
      std::lock_guard lock(script_.mutex);
      std::swap(takes, script_.takes);
    }
    // What is on its way for so long has been sent before.
    std::this_thread::sleep_for(takes);
    std::lock_guard lock(script_.mutex);
    ++script_.beats;
    if (script_.failure) return fail(*script_.failure);
    Followed followed;
    followed.outcome = script_.outcome                        ? *script_.outcome
                       : applied.epoch < script_.newest.epoch ? Outcome::behind
                                                              : Outcome::mine;
    followed.lease = script_.lease;
    return followed;
  }

 private:
  Script& script_;
};

class FollowingTest : public ::testing::Test {
 protected:
  std::unique_ptr<Following> following(std::uint64_t applied = 7) {
    return std::make_unique<Following>(
        std::make_unique<ScriptedRow>(script_), LedgerPoint{applied, {}},
        FollowingOptions{kLease, tenure_, std::make_shared<StoreWatch>(false),
                         [this]() -> Result<LedgerPoint> {
                           std::lock_guard lock(script_.mutex);
                           ++applied_;
                           if (cannot_apply_) return fail(*cannot_apply_);
                           return script_.newest;
                         },
                         [this](const Error& why) { lost_.set_value(why); },
                         [this](Candidate&) {
                           taken_.set_value();
                           return true;
                         }});
  }
  template <class Change>
  void change(Change change) {
    std::lock_guard lock(script_.mutex);
    change(script_);
  }
  int beats() {
    std::lock_guard lock(script_.mutex);
    return script_.beats;
  }
  bool lost_soon() {
    ended_ = lost_.get_future();
    return ended_.wait_for(kLease * 20) == std::future_status::ready;
  }

  ScriptedRow::Script script_;
  std::shared_ptr<Tenure> tenure_ = std::make_shared<Tenure>();
  std::optional<Error> cannot_apply_;
  int applied_ = 0;
  std::promise<Error> lost_;
  std::promise<void> taken_;
  std::future<Error> ended_;
};

TEST_F(FollowingTest, NobodyIsAnsweredBeforeTheSecondBeat) {
  EXPECT_FALSE(tenure_->holds());
  const auto one = following();
  ASSERT_TRUE(one->join());
  EXPECT_EQ(beats(), 2);
  EXPECT_TRUE(tenure_->holds());
  EXPECT_EQ(one->in_charge(), "ks1");
}

TEST_F(FollowingTest, WhatIsNewerIsBroughtInForceFirst) {
  const auto one = following(5);
  ASSERT_TRUE(one->join());
  EXPECT_EQ(applied_, 1);
  EXPECT_EQ(beats(), 3) << "one that was refused, and two";
}

// The row stood for a whole lease: a change may have been made that did not wait.
TEST_F(FollowingTest, ASecondBeatThatComesTooLateIsTheFirstAgain) {
  struct Late final : store::FollowerRow {
    explicit Late(ScriptedRow::Script& script) : row(script) {}
    Result<Followed> follow(const LedgerPoint& applied, const LedgerPoint& known) override {
      if (++asked == 2) std::this_thread::sleep_for(kLease);
      return row.follow(applied, known);
    }
    ScriptedRow row;
    int asked = 0;
  };
  Following late(std::make_unique<Late>(script_), LedgerPoint{7, {}},
                 FollowingOptions{kLease, tenure_, std::make_shared<StoreWatch>(false),
                                  [] {
                                    return LedgerPoint{7, {}};
                                  },
                                  [](const Error&) {}, [](Candidate&) { return false; }});
  ASSERT_TRUE(late.join());
  EXPECT_EQ(beats(), 4) << "and so is the one after, for its time was over when it came";
}

TEST_F(FollowingTest, ATenureIsKeptForAsLongAsTheStoreAnswers) {
  const auto one = following();
  ASSERT_TRUE(one->join());
  one->start();
  const auto until = BootClock::now() + 3 * kLease;
  while (BootClock::now() < until) ASSERT_TRUE(tenure_->holds());
  change([](auto& script) { script.failure.emplace(Code::store_unavailable, "it is away"); });
  ASSERT_TRUE(lost_soon());
  EXPECT_FALSE(tenure_->holds());
  EXPECT_EQ(ended_.get().message, "it is away");
}

TEST_F(FollowingTest, ABeatThatComesBackAfterTheLeaseBeginsNothing) {
  const auto one = following();
  ASSERT_TRUE(one->join());
  change([](auto& script) { script.takes = kLease; });
  one->start();
  ASSERT_TRUE(lost_soon());
  EXPECT_FALSE(tenure_->holds());
}

TEST_F(FollowingTest, AChangeThatCannotBeAppliedEndsTheTenure) {
  const auto one = following();
  ASSERT_TRUE(one->join());
  cannot_apply_.emplace(Code::hsm_unavailable, "the module is away");
  change([](auto& script) { script.newest.epoch = 8; });
  one->start();
  ASSERT_TRUE(lost_soon());
  EXPECT_EQ(ended_.get().message, "the module is away");
  EXPECT_GT(applied_, 1) << "it was tried again meanwhile";
}

TEST_F(FollowingTest, WhatIsNotTheLedgersEndsItAtOnce) {
  const auto one = following();
  ASSERT_TRUE(one->join());
  cannot_apply_.emplace(Code::store_corrupt, "a row is another one");
  change([](auto& script) { script.newest.epoch = 8; });
  one->start();
  ASSERT_TRUE(lost_soon());
  EXPECT_EQ(applied_, 1);
}

TEST_F(FollowingTest, WhatCannotBeReadYetIsNotReadAllTheTime) {
  const auto one = following();
  ASSERT_TRUE(one->join());
  change([](auto& script) { script.outcome = Outcome::behind; });
  one->start();
  ASSERT_TRUE(lost_soon());
  EXPECT_LT(applied_, 5) << "in the time of a lease of " << kLease.count() << " ms";
}

class FollowingOutcomeTest : public FollowingTest, public ::testing::WithParamInterface<Outcome> {};

TEST_P(FollowingOutcomeTest, EndsIt) {
  {
    const auto one = following();
    ASSERT_TRUE(one->join());
    change([this](auto& script) { script.outcome = GetParam(); });
    one->start();
    ASSERT_TRUE(lost_soon());
    EXPECT_FALSE(tenure_->holds());
  }
  EXPECT_FALSE(following()->join()) << "and lets none begin";
}

INSTANTIATE_TEST_SUITE_P(Outcomes, FollowingOutcomeTest,
                         ::testing::Values(Outcome::lost, Outcome::taken, Outcome::fenced));

TEST_F(FollowingTest, ALeaseThatIsOverIsTaken) {
  const auto one = following();
  ASSERT_TRUE(one->join());
  change([](auto& script) { script.lease.released = true; });
  one->start();
  EXPECT_EQ(taken_.get_future().wait_for(kLease * 20), std::future_status::ready);
  one->stop();
  EXPECT_FALSE(lost_.get_future().wait_for(milliseconds(0)) == std::future_status::ready);
}

}  // namespace
}  // namespace nae::group
