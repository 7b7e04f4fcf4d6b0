#include "net/memory_budget.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace nae::net {
namespace {

constexpr std::size_t kMiB = 1u << 20;

TEST(MemoryBudget, OneNameTakesItsShareAlone) {
  auto budget = std::make_shared<MemoryBudget>(10 * kMiB, 4 * kMiB);
  auto first = budget->share("db1"), second = budget->share("db1"), other = budget->share("db2");
  EXPECT_TRUE(first.hold(3 * kMiB));
  EXPECT_TRUE(second.hold(1 * kMiB));
  EXPECT_FALSE(second.hold(1 * kMiB + 1)) << "one byte past what the name may have";
  EXPECT_EQ(budget->held(), 4 * kMiB) << "what is refused changes nothing";
  EXPECT_TRUE(other.hold(4 * kMiB));
  EXPECT_TRUE(first.hold(2 * kMiB)) << "less is always granted";
  EXPECT_TRUE(second.hold(2 * kMiB));
}

TEST(MemoryBudget, AllTogetherAreBounded) {
  auto budget = std::make_shared<MemoryBudget>(10 * kMiB, 4 * kMiB);
  std::vector<MemoryBudget::Share> shares;
  for (const char* name : {"a", "b", "c"}) shares.push_back(budget->share(name));
  EXPECT_TRUE(shares[0].hold(4 * kMiB));
  EXPECT_TRUE(shares[1].hold(4 * kMiB));
  EXPECT_FALSE(shares[2].hold(2 * kMiB + 1));
  EXPECT_TRUE(shares[2].hold(2 * kMiB));
  EXPECT_FALSE(shares[2].hold(SIZE_MAX)) << "no sum runs over";
  shares.pop_back();
  EXPECT_EQ(budget->held(), 8 * kMiB) << "what goes gives back";
  shares.clear();
  EXPECT_EQ(budget->held(), 0u);
}

TEST(MemoryBudget, WhatEveryConnectionHasIsNotCounted) {
  auto budget = std::make_shared<MemoryBudget>(0, 0);
  auto share = budget->share("db1");
  EXPECT_TRUE(share.hold(MemoryBudget::kFreeBytes));
  EXPECT_FALSE(share.hold(MemoryBudget::kFreeBytes + 1));
  EXPECT_TRUE(MemoryBudget::Share().hold(SIZE_MAX)) << "without a budget nothing is bounded";
}

TEST(MemoryBudget, LivesAsLongAsItsHolders) {
  auto budget = std::make_shared<MemoryBudget>(kMiB, kMiB);
  auto share = budget->share("db1");
  EXPECT_TRUE(share.hold(kMiB));
  budget.reset();
  EXPECT_FALSE(share.hold(2 * kMiB));
}

}  // namespace
}  // namespace nae::net
