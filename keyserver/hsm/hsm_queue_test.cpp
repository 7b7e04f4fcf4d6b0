#include "keyserver/hsm/hsm_queue.hpp"
#include "libnae/base/test_eventually.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

namespace nae::hsm {
namespace {

using namespace std::chrono_literals;

// An HSM whose check() answers what the test says; jobs bring their own behaviour.
class ScriptedHsm : public keys::Hsm {
 public:
  explicit ScriptedHsm(std::function<Result<void>()> check) : check_(std::move(check)) {}
  Result<keys::Material> generate(const KeyVersionId&, KeyType, keys::Protection) override {
    return unscripted();
  }
  Result<keys::ImportKey> import_key() override { return unscripted(); }
  Result<keys::Material> import(const KeyVersionId&, KeyType, keys::Protection,
                                const keys::Import&) override {
    return unscripted();
  }
  Result<void> seal(const keys::HsmKey&, ByteView, ByteView, ByteSpan) override {
    return unscripted();
  }
  Result<void> open(const keys::HsmKey&, const EnvelopeView&, ByteView, ByteSpan) override {
    return unscripted();
  }
  Result<crypto::SecretBytes> derive(const keys::HsmKey&, const crypto::KeyPurpose&,
                                     const Salt&) override {
    return unscripted();
  }
  Result<void> mac(const keys::HsmKey&, const crypto::KeyPurpose&, ByteView,
                   std::span<Byte, keys::kHmacBytes>) override {
    return unscripted();
  }
  Result<Bytes> sign(const keys::HsmKey&, SignatureScheme, ByteView) override {
    return unscripted();
  }
  Result<Bytes> sign_digest(const keys::HsmKey&, SignatureScheme, ByteView) override {
    return unscripted();
  }
  Result<Bytes> decrypt(const keys::HsmKey&, DecryptionScheme, ByteView, ByteView) override {
    return unscripted();
  }
  Result<Bytes> agree(const keys::HsmKey&, ByteView) override { return unscripted(); }
  Result<Bytes> cipher(const keys::HsmKey&, const keys::CipherCall&) override {
    return unscripted();
  }
  Result<void> random(ByteSpan) override { return unscripted(); }
  Result<Bytes> check_value(KeyType, const keys::Material&) override { return unscripted(); }
  Result<bool> binds() override { return unscripted(); }
  Result<void> begin_binding() override { return unscripted(); }
  Result<void> finish_binding() override { return unscripted(); }
  Result<bool> has_ledger() override { return unscripted(); }
  Result<void> begin_ledger() override { return unscripted(); }
  Result<void> finish_ledger() override { return unscripted(); }
  Result<crypto::SecretBytes> ledger_key(std::string_view) override { return unscripted(); }
  Result<bool> holds(const keys::HsmKey&) override { return unscripted(); }
  Result<void> forget(const keys::HsmKey&, bool) override { return unscripted(); }
  Result<Bytes> sign_as(keys::ServerKey, ByteView) override { return unscripted(); }
  Result<Bytes> public_key_of(keys::ServerKey) override { return unscripted(); }
  Result<void> check() override { return check_(); }

 private:
  static tl::unexpected<Error> unscripted() { return fail(Code::internal, "not in the script"); }
  std::function<Result<void>()> check_;
};

std::unique_ptr<keys::Hsm> healthy_hsm() {
  return std::make_unique<ScriptedHsm>([] { return Result<void>{}; });
}

// A module that hangs until the test lets go of it.
struct Hang {
  std::promise<void> begun, release;
  std::shared_future<void> released = release.get_future().share();
  std::function<Result<int>(keys::Hsm&)> job() {
    return [this, until = released](keys::Hsm&) -> Result<int> {
      begun.set_value();
      until.wait();
      return 1;
    };
  }
};

// The first health that satisfies the test's wish.
struct HealthLog {
  std::mutex lock;
  std::condition_variable changed;
  std::vector<Health> seen;
  std::function<void(const Health&)> recorder() {
    return [this](const Health& health) {
      {
        std::lock_guard held(lock);
        seen.push_back(health);
      }
      changed.notify_all();
    };
  }
  bool wait_for(std::size_t count) {
    std::unique_lock held(lock);
    return changed.wait_for(held, 10s, [&] { return seen.size() >= count; });
  }
};

TEST(HsmQueue, AnswersInOrderOnOneThread) {
  HsmQueue queue(healthy_hsm());
  std::vector<int> order;  // written by the one thread
  std::thread::id thread;
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(queue.submit([&, i](keys::Hsm&) {
      order.push_back(i);
      thread = std::this_thread::get_id();
    }));
  const auto last = queue.call(
      [](keys::Hsm&) -> Result<std::thread::id> { return std::this_thread::get_id(); }, 10s);
  ASSERT_TRUE(last);
  EXPECT_EQ(*last, thread);
  EXPECT_NE(*last, std::this_thread::get_id());
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(HsmQueue, RefusesWhatItHasNoRoomFor) {
  Hang hang;
  HsmQueue::Options options;
  options.capacity = 2;
  HsmQueue queue(healthy_hsm(), options);
  queue.ask<int>(
      hang.job(), [](Result<int>) {}, 60s);
  hang.begun.get_future().wait();
  EXPECT_TRUE(queue.submit([](keys::Hsm&) {}));
  EXPECT_TRUE(queue.submit([](keys::Hsm&) {}));
  EXPECT_EQ(queue.health().depth, 2u);
  EXPECT_FALSE(queue.submit([](keys::Hsm&) {}));
  const auto refused = queue.call([](keys::Hsm&) -> Result<int> { return 2; }, 60s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::overloaded);
  hang.release.set_value();
  EXPECT_TRUE(queue.stop());
}

TEST(HsmQueue, LetsCallersGoWhenTheModuleHangs) {
  Hang hang;
  std::atomic<int> late_runs = 0;
  HsmQueue queue(healthy_hsm());
  auto begun = hang.begun.get_future();
  std::thread first([&] {
    const auto answer = queue.call(hang.job(), 50ms);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::hsm_unavailable);
  });
  begun.wait();
  const auto waiting = queue.call(
      [&](keys::Hsm&) -> Result<int> {
        ++late_runs;
        return 2;
      },
      50ms);
  ASSERT_FALSE(waiting);
  EXPECT_EQ(waiting.error().code, Code::timeout);
  first.join();
  EXPECT_GE(queue.health().busy_for, 50ms);

  hang.release.set_value();
  EXPECT_EQ(*queue.call([](keys::Hsm&) -> Result<int> { return 3; }, 10s), 3);
  EXPECT_EQ(late_runs, 0) << "a job nobody waits for any more was run";
}

TEST(HsmQueue, SaysThatTheModuleHangsAndRefusesAtOnce) {
  Hang hang;
  HealthLog log;
  HsmQueue::Options options;
  options.hang_after = 30ms;
  options.on_health_change = log.recorder();
  HsmQueue queue(healthy_hsm(), options);
  const auto answer = queue.call(hang.job(), 60s);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::hsm_unavailable);
  ASSERT_TRUE(log.wait_for(1));
  EXPECT_FALSE(log.seen[0].healthy);
  EXPECT_FALSE(queue.submit([](keys::Hsm&) {}));
  const auto next = queue.call([](keys::Hsm&) -> Result<int> { return 2; }, 60s);
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, Code::hsm_unavailable);

  hang.release.set_value();
  ASSERT_TRUE(log.wait_for(2)) << "it answers again, and the check that follows says so";
  EXPECT_TRUE(log.seen[1].healthy);
  EXPECT_TRUE(queue.call([](keys::Hsm&) -> Result<int> { return 3; }, 10s));
}

TEST(HsmQueue, NoticesACheckThatHangs) {
  std::promise<void> release;
  HealthLog log;
  HsmQueue::Options options;
  options.check_interval = 1ms;
  options.hang_after = 30ms;
  options.on_health_change = log.recorder();
  HsmQueue queue(std::make_unique<ScriptedHsm>([until = release.get_future().share()] {
                   until.wait();
                   return Result<void>{};
                 }),
                 options);
  ASSERT_TRUE(log.wait_for(1));
  EXPECT_FALSE(queue.health().healthy);
  release.set_value();
  ASSERT_TRUE(log.wait_for(2));
  EXPECT_TRUE(log.seen[1].healthy);
}

TEST(HsmQueue, ChecksAgainAndAgainUntilTheTokenIsBack) {
  std::atomic<int> checks = 0;
  HealthLog log;
  HsmQueue::Options options;
  options.first_retry = 1ms;
  options.longest_retry = 4ms;
  options.on_health_change = log.recorder();
  HsmQueue queue(std::make_unique<ScriptedHsm>([&]() -> Result<void> {
                   if (++checks < 5) return fail(Code::hsm_token_missing, "away");
                   return {};
                 }),
                 options);
  const auto answer = queue.call(
      [](keys::Hsm&) -> Result<int> { return fail(Code::hsm_unavailable, "C_Sign: gone"); }, 10s);
  ASSERT_FALSE(answer);
  ASSERT_TRUE(log.wait_for(2));
  EXPECT_FALSE(log.seen[0].healthy);
  EXPECT_EQ(log.seen[0].last_error->message, "C_Sign: gone");
  EXPECT_TRUE(log.seen[1].healthy);
  EXPECT_EQ(checks, 5);
  EXPECT_EQ(queue.health().last_error->code, Code::hsm_token_missing);
}

TEST(HsmQueue, AFailureOfTheRequestIsNoFailureOfTheHsm) {
  HsmQueue queue(healthy_hsm());
  const auto answer =
      queue.call([](keys::Hsm&) -> Result<int> { return fail(Code::key_type, "no pair"); }, 10s);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::key_type);
  EXPECT_TRUE(queue.health().healthy);
  EXPECT_FALSE(queue.health().last_error);
}

TEST(HsmQueue, SurvivesAJobThatThrows) {
  HsmQueue queue(healthy_hsm());
  const auto thrown = queue.call(
      [](keys::Hsm&) -> Result<int> { throw std::runtime_error("out of secure memory"); }, 10s);
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().code, Code::internal);
  EXPECT_TRUE(queue.call([](keys::Hsm&) -> Result<int> { return 1; }, 10s));
}

TEST(HsmQueue, StopFailsWhatHasNotBegunAndRefusesTheRest) {
  Hang hang;
  HsmQueue queue(healthy_hsm());
  std::atomic<int> answers = 0;
  queue.ask<int>(
      hang.job(), [&](Result<int> answer) { answers += answer ? 1 : 100; }, 60s);
  hang.begun.get_future().wait();
  queue.ask<int>([](keys::Hsm&) -> Result<int> { return 2; },
                 [&](Result<int> answer) {
                   ASSERT_FALSE(answer);
                   EXPECT_EQ(answer.error().code, Code::shutting_down);
                   answers += 10;
                   hang.release.set_value();
                 },
                 60s);
  EXPECT_TRUE(queue.stop());
  EXPECT_EQ(answers, 11);
  EXPECT_FALSE(queue.submit([](keys::Hsm&) {}));
  const auto after = queue.call([](keys::Hsm&) -> Result<int> { return 3; }, 60s);
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, Code::shutting_down);
}

TEST(HsmQueue, StopLeavesAHangingModuleBehind) {
  auto hang = std::make_shared<Hang>();
  auto begun = hang->begun.get_future();
  std::promise<void> destroyed;
  struct Told : ScriptedHsm {
    explicit Told(std::promise<void>& when)
        : ScriptedHsm([] { return Result<void>{}; }), destroyed(when) {}
    ~Told() override { destroyed.set_value(); }
    std::promise<void>& destroyed;
  };
  std::atomic<int> answers = 0;
  {
    HsmQueue::Options options;
    options.stop_grace = 20ms;
    HsmQueue queue(std::make_unique<Told>(destroyed), options);
    queue.ask<int>(
        hang->job(),
        [&](Result<int> answer) {
          ASSERT_FALSE(answer);
          EXPECT_EQ(answer.error().code, Code::hsm_unavailable);
          ++answers;
        },
        60s);
    begun.wait();
    EXPECT_FALSE(queue.stop());
    EXPECT_FALSE(queue.stop());
    EXPECT_EQ(answers, 1);
  }
  hang->release.set_value();
  EXPECT_EQ(destroyed.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(answers, 1) << "answered twice";
}

// Ends the process in a server, so it comes after the answers and once.
TEST(HsmQueue, GivesUpAModuleThatHangsAfterItsCallersKnow) {
  auto hang = std::make_shared<Hang>();
  std::promise<void> given_up;
  std::atomic<int> answers = 0, calls = 0, answers_at_the_end = 0;
  HsmQueue::Options options;
  options.hang_after = 20ms;
  options.give_up = 100ms;
  options.stop_grace = 20ms;
  options.on_give_up = [&] {
    answers_at_the_end = answers.load();
    if (++calls == 1) given_up.set_value();
  };
  HsmQueue queue(healthy_hsm(), options);
  queue.ask<int>(
      hang->job(),
      [&](Result<int> answer) {
        EXPECT_EQ(answer.error().code, Code::hsm_unavailable);
        ++answers;
      },
      60s);
  ASSERT_EQ(given_up.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(answers_at_the_end, 1);
  EXPECT_FALSE(queue.health().healthy);
  EXPECT_GE(queue.health().busy_for, 100ms);
  EXPECT_FALSE(queue.stop());
  EXPECT_EQ(calls, 1);
  hang->release.set_value();
}

TEST(HsmQueue, DoesNotGiveUpWhatAnswersInTime) {
  std::atomic<int> calls = 0;
  HsmQueue::Options options;
  options.give_up = 60s;
  options.on_give_up = [&] { ++calls; };
  HsmQueue queue(healthy_hsm(), options);
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(queue.call([](keys::Hsm&) -> Result<int> { return 0; }, 60s));
  EXPECT_EQ(calls, 0);
}

// Keeps the HSM's thread until it is let go, and notes in which order the parties are served.
struct Order {
  explicit Order(HsmQueue& queue) : queue_(queue) {
    queue_.submit([this](keys::Hsm&) {
      begun_.set_value();
      release_.get_future().wait();
    });
    begun_.get_future().wait();
  }
  Code ask(const std::string& party) {
    auto answer = std::make_shared<std::atomic<Code>>(Code{});
    queue_.ask<int>(
        [this, party](keys::Hsm&) -> Result<int> {
          served_ += party.empty() ? "-" : party;
          return 0;
        },
        [answer](Result<int> done) {
          if (!done) *answer = done.error().code;
        },
        60s, party);
    return *answer;
  }
  std::string served() {
    release_.set_value();
    EXPECT_TRUE(eventually([&] { return queue_.waiting().empty(); }));
    EXPECT_TRUE(queue_.call([](keys::Hsm&) -> Result<int> { return 0; }, 60s)) << "behind the last";
    return served_;
  }

  HsmQueue& queue_;
  std::promise<void> begun_, release_;
  std::string served_;  // on the HSM's thread
};

TEST(HsmQueue, PartiesTakeTurns) {
  HsmQueue queue(healthy_hsm());
  Order order(queue);
  for (int i = 0; i < 6; ++i) order.ask("a");
  order.ask("b");
  order.ask("c");
  order.ask("");
  order.ask("b");
  EXPECT_EQ(order.served(), "abc-abaaaa");
}

TEST(HsmQueue, APartyFillsItsOwnLineAndNoOther) {
  HsmQueue::Options options;
  options.capacity = 5;
  options.capacity_per_party = 3;
  HsmQueue queue(healthy_hsm(), options);
  Order order(queue);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(order.ask("a"), Code{});
  EXPECT_EQ(order.ask("a"), Code::overloaded);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(order.ask("b"), Code{});
  EXPECT_EQ(order.ask("c"), Code::overloaded) << "the queue is full";
  auto waiting = queue.waiting();
  ASSERT_EQ(waiting.size(), 2u);
  EXPECT_EQ(waiting[0].party + std::to_string(waiting[0].jobs), "a3");
  EXPECT_EQ(waiting[1].party + std::to_string(waiting[1].jobs), "b2");
  EXPECT_EQ(queue.health().depth, 5u);
}

TEST(HsmQueue, WhatExpiresLeavesItsLine) {
  HsmQueue queue(healthy_hsm());
  Order order(queue);
  std::promise<Code> expired;
  queue.ask<int>([](keys::Hsm&) -> Result<int> { return 0; },
                 [&](Result<int> done) { expired.set_value(done ? Code{} : done.error().code); },
                 10ms, "late");
  order.ask("a");
  EXPECT_EQ(expired.get_future().get(), Code::timeout);
  EXPECT_EQ(queue.waiting().size(), 1u);
  EXPECT_EQ(order.served(), "a");
}

}  // namespace
}  // namespace nae::hsm
