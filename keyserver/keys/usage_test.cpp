#include "keyserver/keys/usage.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace nae::keys {
namespace {

VersionUsagePointer usage_of(Byte id, std::int64_t uses = 0,
                             std::int64_t reserved_uses = kLeastReservedUses) {
  return std::make_shared<VersionUsage>(
      UsageCount{.id = {{{id}}, 1}, .uses = uses, .reserved_uses = reserved_uses});
}

TEST(Usage, AnswersEachChangedVersionOnce) {
  UsageBook book;
  const auto a = usage_of(1), b = usage_of(2);
  book.add_uses(a, 3, 10);
  book.add_reads(a, 4, 20);
  book.add_reads(b, 0, 30);
  const auto counts = book.take_changed();
  ASSERT_EQ(counts.size(), 1u) << "nothing was read with the other";
  EXPECT_EQ(counts[0].id.key.bytes[0], 1);
  EXPECT_EQ(counts[0].uses, 3);
  EXPECT_EQ(counts[0].reads, 4);
  EXPECT_EQ(counts[0].last_use_at_us, 10);
  EXPECT_EQ(counts[0].last_read_at_us, 20);
  book.written(counts, true);
  EXPECT_TRUE(book.take_changed().empty());
}

TEST(Usage, WhatCouldNotBeWrittenIsAnsweredAgain) {
  UsageBook book;
  book.add_reads(usage_of(1), 1, 10);
  book.written(book.take_changed(), false);
  EXPECT_EQ(book.take_changed().size(), 1u);
}

TEST(Usage, ReservesAheadOfWhatIsUsed) {
  UsageBook book;
  int warned = 0;
  book.running_low = [&] { ++warned; };
  const auto usage = usage_of(1);
  std::int64_t reserved = kLeastReservedUses;
  // As fast as uses can come: each look finds half of what was set aside used up.
  for (int look = 0; look < 20; ++look) {
    const std::int64_t used = usage->now().uses;
    book.add_uses(usage, static_cast<std::uint64_t>((reserved - used + 1) / 2), 1);
    EXPECT_EQ(warned, look + 1) << "at half of it, once";
    EXPECT_LE(usage->now().uses, reserved);
    const auto counts = book.take_changed();
    ASSERT_EQ(counts.size(), 1u);
    EXPECT_GE(counts[0].reserved_uses - counts[0].uses, kLeastReservedUses);
    reserved = counts[0].reserved_uses;
    book.written(counts, true);
  }
}

TEST(Usage, AnIdleVersionKeepsItsReservation) {
  UsageBook book;
  const auto usage = usage_of(1, 100, 100 + kLeastReservedUses);
  book.add_uses(usage, 1, 1);
  EXPECT_EQ(book.take_changed().at(0).reserved_uses, 100 + kLeastReservedUses);
}

TEST(Usage, NothingIsLostBetweenThreads) {
  UsageBook book;
  const auto usage = usage_of(1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n) book.add_uses(usage, 2, 1);
    });
  std::int64_t seen = 0;
  for (int i = 0; i < 100; ++i) {
    const auto counts = book.take_changed();
    if (!counts.empty()) seen = counts[0].uses;
    book.written(counts, true);
  }
  for (auto& thread : threads) thread.join();
  const auto last = book.take_changed();
  EXPECT_EQ(last.empty() ? seen : last[0].uses, 80'000);
}

}  // namespace
}  // namespace nae::keys
