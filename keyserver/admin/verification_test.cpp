#include "keyserver/admin/verification.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "libnae/base/test_eventually.hpp"

namespace nae::admin {
namespace {

using namespace std::chrono_literals;

const Verification::Question kQuestion{"auditor", "", "7"};
constexpr auto kLong = 60s;

// A proof that goes on until it is let go, and reports so many records.
class HeldProof {
 public:
  explicit HeldProof(std::uint64_t records) : records_(records) {}

  Result<audit::VerifyReport> prove(const audit::VerifyProgress& progress) {
    const bool ended = eventually([&] {
      given_up_ = !let_go_ && !progress(3, 9);
      told_ = true;
      return let_go_ || given_up_;
    });
    if (!ended || given_up_) {
      ended_ = true;
      return fail(Code::shutting_down, "given up");
    }
    audit::VerifyReport report;
    report.records = records_;
    ended_ = true;
    return report;
  }
  std::function<Result<Verification::Proof>()> begin() {
    return [this]() -> Result<Verification::Proof> {
      ++begun_;
      return [this](const audit::VerifyProgress& progress) { return prove(progress); };
    };
  }

  std::uint64_t records_;
  std::atomic<int> begun_ = 0;
  std::atomic<bool> let_go_ = false, told_ = false, given_up_ = false, ended_ = false;
};

TEST(VerificationTest, GoesOnBetweenQuestions) {
  HeldProof proof(5);
  Verification verification;
  auto first = verification.ask(kQuestion, proof.begin(), 1ms);
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->report);
  ASSERT_TRUE(eventually([&] { return proof.told_.load(); }));
  auto second = verification.ask(kQuestion, proof.begin(), 1ms);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->report);
  EXPECT_EQ(second->bytes_read, 3u);
  EXPECT_EQ(second->bytes, 9u);
  proof.let_go_ = true;
  auto third = verification.ask(kQuestion, proof.begin(), kLong);
  ASSERT_TRUE(third && third->report);
  EXPECT_EQ(third->report->records, 5u);
  EXPECT_EQ(proof.begun_, 1);
}

TEST(VerificationTest, AReportIsGivenOnce) {
  HeldProof proof(5);
  proof.let_go_ = true;
  Verification verification;
  ASSERT_TRUE(verification.ask(kQuestion, proof.begin(), kLong)->report);
  proof.records_ = 6;
  auto again = verification.ask(kQuestion, proof.begin(), kLong);
  ASSERT_TRUE(again && again->report);
  EXPECT_EQ(again->report->records, 6u);
  EXPECT_EQ(proof.begun_, 2);
}

TEST(VerificationTest, AnotherQuestionWaitsForItsTurn) {
  HeldProof proof(5), other(6);
  Verification verification;
  ASSERT_TRUE(verification.ask(kQuestion, proof.begin(), 1ms));
  for (const Verification::Question& question :
       {Verification::Question{"other", "", "7"}, Verification::Question{"auditor", "1", "7"},
        Verification::Question{"auditor", "", "8"}}) {
    auto refused = verification.ask(question, other.begin(), 1ms);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::overloaded);
  }
  EXPECT_EQ(other.begun_, 0);
  proof.let_go_ = true;
  ASSERT_TRUE(verification.ask(kQuestion, proof.begin(), kLong)->report);
  other.let_go_ = true;
  auto answer = verification.ask({"other", "", "7"}, other.begin(), kLong);
  ASSERT_TRUE(answer && answer->report);
  EXPECT_EQ(answer->report->records, 6u);
}

TEST(VerificationTest, WhatCannotBeginOrBreaksOffSaysSo) {
  Verification verification;
  auto none = verification.ask(
      kQuestion,
      []() -> Result<Verification::Proof> { return fail(Code::hsm_unavailable, "no HSM"); }, kLong);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::hsm_unavailable);
  auto refused = verification.ask(
      kQuestion,
      []() -> Result<Verification::Proof> {
        return [](const audit::VerifyProgress&) -> Result<audit::VerifyReport> {
          return fail(Code::file_failed, "unreadable");
        };
      },
      kLong);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::file_failed);
  auto thrown = verification.ask(
      kQuestion,
      []() -> Result<Verification::Proof> {
        return [](const audit::VerifyProgress&) -> Result<audit::VerifyReport> {
          throw std::bad_alloc();
        };
      },
      kLong);
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().code, Code::internal);
}

// Whoever asked was killed: neither does his proof keep others waiting, nor is its report an answer
// to a question of another day.
TEST(VerificationTest, AForgottenProofEnds) {
  HeldProof proof(5), other(6);
  Verification verification(20ms);
  ASSERT_TRUE(verification.ask(kQuestion, proof.begin(), 1ms));
  ASSERT_TRUE(eventually([&] { return proof.given_up_.load(); }));
  other.let_go_ = true;
  Result<Verification::Answer> answer = fail(Code::overloaded, "not asked");
  EXPECT_TRUE(eventually([&] {  // its thread has to end yet
    answer = verification.ask({"other", "", ""}, other.begin(), kLong);
    return answer || answer.error().code != Code::overloaded;
  }));
  ASSERT_TRUE(answer && answer->report);
  EXPECT_EQ(answer->report->records, 6u);
}

TEST(VerificationTest, AReportThatNobodyFetchedIsNoAnswerLater) {
  HeldProof proof(5);
  Verification verification(300ms);
  auto begun = verification.ask(kQuestion, proof.begin(), 0ms);
  ASSERT_TRUE(begun);
  ASSERT_FALSE(begun->report);
  proof.let_go_ = true;
  ASSERT_TRUE(eventually([&] { return proof.ended_.load(); }));
  const auto forgotten = std::chrono::steady_clock::now() + 301ms;
  ASSERT_TRUE(eventually([&] { return std::chrono::steady_clock::now() >= forgotten; }));
  proof.records_ = 6;
  auto answer = verification.ask(kQuestion, proof.begin(), kLong);
  ASSERT_TRUE(answer && answer->report);
  EXPECT_EQ(answer->report->records, 6u);
  EXPECT_EQ(proof.begun_, 2);
}

TEST(VerificationTest, EndsWithItsServer) {
  HeldProof proof(5);
  {
    Verification verification;
    ASSERT_TRUE(verification.ask(kQuestion, proof.begin(), 1ms));
  }
  EXPECT_TRUE(proof.given_up_);
}

}  // namespace
}  // namespace nae::admin
