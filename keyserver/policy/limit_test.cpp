#include "keyserver/policy/limit.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <thread>

namespace nae::policy {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNow = 1'767'225'600 * kSecond;  // a multiple of every window

LimitUse use(std::string_view limit, std::string_view rule = "r", std::string_view role = "a",
             std::string_view login = "l", std::string_view device = "d") {
  auto parsed = parse_limit(limit);
  EXPECT_TRUE(parsed) << limit;
  return use_of(parsed.value_or(Limit{}), rule, {device, role, login});
}

TEST(Limit, ReadsItsWrittenForms) {
  EXPECT_EQ(*parse_limit("1000 per hour"), (Limit{1000, 3600, LimitPer::role}));
  EXPECT_EQ(*parse_limit("1 per second per role"), (Limit{1, 1, LimitPer::role}));
  EXPECT_EQ(*parse_limit("7 per minute per rule"), (Limit{7, 60, LimitPer::rule}));
  EXPECT_EQ(*parse_limit("1000000000000 per day"), (Limit{kMaxLimitItems, 86400, LimitPer::role}));
  EXPECT_EQ(*parse_limit("3 per day per login"), (Limit{3, 86400, LimitPer::login}));
  for (std::string_view text :
       {"1000 per hour per rule", "1 per second per role", "3 per day per login"})
    EXPECT_EQ(to_text(*parse_limit(text)), text);
}

TEST(Limit, RefusesEveryOtherForm) {
  for (std::string_view text :
       {"", "per hour", "0 per hour", "-1 per hour", "+1 per hour", "1.5 per hour", "1per hour",
        "1  per hour", "1 per week", "1 per hours", "1 per hour per", "1 per hour per user",
        "1 per hour per role ", " 1 per hour", "1 per", "1000000000001 per day",
        "99999999999999999999999 per day"}) {
    auto parsed = parse_limit(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Code::policy_invalid);
  }
}

TEST(Limit, CountersKeepRolesRulesAndWindowsApart) {
  EXPECT_NE(use("1 per hour", "r", "a").counter, use("1 per hour", "r", "b").counter);
  EXPECT_NE(use("1 per hour", "r").counter, use("1 per hour", "s").counter);
  EXPECT_NE(use("1 per hour").counter, use("1 per day").counter);
  EXPECT_NE(use("1 per hour").counter, use("1 per hour per rule").counter);
  EXPECT_EQ(use("1 per hour per rule", "r", "a").counter,
            use("1 per hour per rule", "r", "b").counter);
  EXPECT_EQ(use("1 per hour").counter, use("2 per hour").counter) << "a changed limit counts on";

  EXPECT_NE(use("1 per hour", "r", "a", "l", "d").counter,
            use("1 per hour", "r", "a", "l", "e").counter);
  EXPECT_EQ(use("1 per hour", "r", "a", "l").counter, use("1 per hour", "r", "a", "m").counter)
      << "a login role is claimed";
  EXPECT_NE(use("1 per hour per login", "r", "a", "l").counter,
            use("1 per hour per login", "r", "a", "m").counter);
  EXPECT_NE(use("1 per hour per login", "r", "a", "b/c").counter,
            use("1 per hour per login", "r", "a/b", "c").counter);
}

TEST(LimitBook, AtTheLimitAndOnePast) {
  LimitBook book;
  const LimitUse limits[] = {use("10 per hour")};
  EXPECT_FALSE(book.take(limits, 4, kNow));
  EXPECT_FALSE(book.take(limits, 6, kNow));
  auto broken = book.take(limits, 1, kNow);
  ASSERT_TRUE(broken);
  EXPECT_EQ(broken->rule, "r");
  EXPECT_EQ(broken->limit, limits[0].limit);
  EXPECT_FALSE(book.take(limits, 0, kNow)) << "nothing breaks no limit";
}

TEST(LimitBook, WhatIsLargerThanTheLimitNeverPasses) {
  LimitBook book;
  const LimitUse limits[] = {use("10 per second")};
  auto broken = book.take(limits, 11, kNow);
  ASSERT_TRUE(broken);
  EXPECT_EQ(broken->retry_after_ms, 0u);
  EXPECT_FALSE(book.take(limits, 10, kNow)) << "the refused request took nothing";
  EXPECT_TRUE(book.take(limits, UINT64_MAX, kNow));
}

TEST(LimitBook, TakesFromAllOrFromNone) {
  LimitBook book;
  const LimitUse both[] = {use("100 per day per rule"), use("10 per hour")};
  const LimitUse day[] = {both[0]};
  EXPECT_FALSE(book.take(both, 10, kNow));
  auto broken = book.take(both, 5, kNow);
  ASSERT_TRUE(broken);
  EXPECT_EQ(broken->limit.window_seconds, 3600u);
  EXPECT_FALSE(book.take(day, 90, kNow)) << "the day lost nothing to the refused request";
  EXPECT_TRUE(book.take(day, 1, kNow));
  broken = book.take(both, 1, kNow);
  ASSERT_TRUE(broken);
  EXPECT_EQ(broken->limit.window_seconds, 86400u) << "the one that holds longest";
  EXPECT_EQ(book.take(both, 11, kNow)->limit.window_seconds, 3600u) << "never is longest";
}

TEST(LimitBook, RolesShareOnlyLimitsPerRule) {
  LimitBook book;
  const LimitUse a[] = {use("10 per hour", "r", "a")}, b[] = {use("10 per hour", "r", "b")};
  EXPECT_FALSE(book.take(a, 10, kNow));
  EXPECT_FALSE(book.take(b, 10, kNow));
  const LimitUse shared_a[] = {use("10 per hour per rule", "r", "a")};
  const LimitUse shared_b[] = {use("10 per hour per rule", "r", "b")};
  EXPECT_FALSE(book.take(shared_a, 10, kNow));
  EXPECT_TRUE(book.take(shared_b, 1, kNow));
}

TEST(LimitBook, RetryAfterIsWhenItPasses) {
  for (std::string_view text : {"10 per second", "10 per minute", "10 per hour", "10 per day"}) {
    LimitBook book;
    const LimitUse limits[] = {use(text)};
    std::int64_t window_us = limits[0].limit.window_seconds * kSecond;
    ASSERT_FALSE(book.take(limits, 3, kNow + 17));
    ASSERT_FALSE(book.take(limits, 7, kNow + window_us / 2));
    for (std::uint64_t items : {1, 3, 4, 10}) {
      std::int64_t now_us = kNow + window_us / 2 + 1;
      auto broken = book.take(limits, items, now_us);
      ASSERT_TRUE(broken);
      std::int64_t passes_us = now_us + std::int64_t{broken->retry_after_ms} * 1000;
      std::int64_t taken_us = items <= 3 ? kNow + 17 : kNow + window_us / 2;
      EXPECT_GE(passes_us, taken_us + window_us) << text;
      EXPECT_LE(passes_us, taken_us + window_us + window_us / 64 + 1000) << text;
      EXPECT_TRUE(book.take(limits, items, passes_us - 1000)) << text << " a little earlier";
    }
    // The questions above have moved that book's window on.
    LimitBook again;
    ASSERT_FALSE(again.take(limits, 3, kNow + 17));
    ASSERT_FALSE(again.take(limits, 7, kNow + window_us / 2));
    const std::int64_t now_us = kNow + window_us / 2 + 1;
    auto broken = again.take(limits, 3, now_us);
    ASSERT_TRUE(broken);
    EXPECT_FALSE(again.take(limits, 3, now_us + std::int64_t{broken->retry_after_ms} * 1000));
  }
}

TEST(LimitBook, AClockThatGoesBackExpiresNothing) {
  LimitBook book;
  const LimitUse limits[] = {use("10 per minute")};
  EXPECT_FALSE(book.take(limits, 10, kNow + 600 * kSecond));
  EXPECT_TRUE(book.take(limits, 1, kNow));
  EXPECT_TRUE(book.take(limits, 1, kNow + 659 * kSecond));
  EXPECT_FALSE(book.take(limits, 10, kNow + 661 * kSecond));
}

TEST(LimitBook, ALoweredLimitHoldsAgainstWhatWasTaken) {
  LimitBook book;
  const LimitUse before[] = {use("100 per hour")}, after[] = {use("10 per hour")};
  EXPECT_FALSE(book.take(before, 50, kNow));
  auto broken = book.take(after, 1, kNow);
  ASSERT_TRUE(broken);
  EXPECT_GT(broken->retry_after_ms, 3'599'000u);
}

TEST(LimitBook, ForgetsWhatNoWindowNeeds) {
  LimitBook book;
  for (int role = 0; role < 100; ++role) {
    const LimitUse limits[] = {use("10 per minute", "r", std::to_string(role))};
    EXPECT_FALSE(book.take(limits, 1, kNow + role * kSecond / 10));
  }
  EXPECT_EQ(book.size(), 100u);
  book.expire(kNow + 30 * kSecond);
  EXPECT_EQ(book.size(), 100u);
  book.expire(kNow + 65 * kSecond);
  EXPECT_LT(book.size(), 100u);
  EXPECT_GT(book.size(), 0u);
  book.expire(kNow + 80 * kSecond);
  EXPECT_EQ(book.size(), 0u);
}

// A full book forgets what is oldest and refuses nobody.
TEST(LimitBook, ManyClaimedLoginsNeitherFillTheMemoryNorKeepOthersOut) {
  LimitBook book;
  const auto invented = [](std::size_t number) {
    return use("10 per day per login", "r", "a", std::to_string(number), "hostile");
  };
  const LimitUse honest[] = {use("10 per day per login", "r", "a", "alice", "db1")};
  const LimitUse shared[] = {use("10 per day per rule", "r", "a", "l", "hostile")};
  const LimitUse role[] = {use("10 per day", "r", "a", "l", "hostile")};
  for (const auto* limits : {&honest, &shared, &role}) ASSERT_FALSE(book.take(*limits, 10, kNow));
  for (std::size_t number = 0; number < 2 * kMaxLimitCounters; ++number) {
    const LimitUse limits[] = {invented(number)};
    ASSERT_FALSE(book.take(limits, 10, kNow + static_cast<std::int64_t>(number))) << number;
    ASSERT_LE(book.size(), kMaxLimitCounters);
  }
  const std::int64_t later = kNow + kSecond;
  const LimitUse newest[] = {invented(2 * kMaxLimitCounters - 1)};
  EXPECT_TRUE(book.take(newest, 1, later)) << "counters that exist count on";
  EXPECT_TRUE(book.take(honest, 1, later)) << "another host's names are not forgotten for these";
  EXPECT_TRUE(book.take(shared, 1, later)) << "nor a count that all share";
  EXPECT_TRUE(book.take(role, 1, later)) << "nor one of the policy's own roles";
}

TEST(LimitBook, WhatIsBeingCountedIsNotForgotten) {
  LimitBook book;
  const LimitUse both[] = {use("9 per day per login", "r", "a", "first"),
                           use("10 per hour per login", "s", "a", "first")};
  ASSERT_FALSE(book.take(std::span(both).first(1), 5, kNow));
  for (std::size_t number = 1; number < kMaxLimitCounters; ++number) {
    const LimitUse limits[] = {use("9 per day per login", "r", "a", std::to_string(number))};
    ASSERT_FALSE(book.take(limits, 1, kNow + 1));
  }
  ASSERT_FALSE(book.take(both, 4, kNow + 1)) << "makes room for the second";
  EXPECT_LT(book.size(), kMaxLimitCounters);
  EXPECT_TRUE(book.take(std::span(both).first(1), 1, kNow + 1)) << "the first went on";
}

// Against a plain list of what was taken: never more than the limit within any window, and never
// refused when the last window and a 64th of it would have had room.
TEST(LimitBook, RandomTakesAgreeWithTheDefinition) {
  std::mt19937 random(1);
  for (int run = 0; run < 200; ++run) {
    LimitBook book;
    const LimitUse limits[] = {use("20 per second")};
    std::deque<std::pair<std::int64_t, std::uint64_t>> taken;
    std::int64_t now_us = kNow + random() % kSecond;
    for (int round = 0; round < 200; ++round) {
      now_us += random() % (kSecond / 4);
      std::uint64_t items = 1 + random() % 8, within = 0, at_most = 0;
      for (auto [at_us, count] : taken) {
        if (at_us > now_us - kSecond) within += count;
        if (at_us > now_us - kSecond - kSecond / 64 - 1) at_most += count;
      }
      bool passed = !book.take(limits, items, now_us);
      if (within + items > 20) {
        ASSERT_FALSE(passed);
      }
      if (at_most + items <= 20) {
        ASSERT_TRUE(passed);
      }
      if (passed) taken.emplace_back(now_us, items);
    }
  }
}

TEST(LimitBook, ThreadsTogetherTakeNoMoreThanTheLimit) {
  LimitBook book;
  std::atomic<std::uint64_t> passed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      const LimitUse limits[] = {use("1000 per day per rule"), use("900 per hour")};
      for (int i = 0; i < 1000; ++i)
        if (!book.take(limits, 1, kNow)) ++passed;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(passed, 900u);
}

}  // namespace
}  // namespace nae::policy
