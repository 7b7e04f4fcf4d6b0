#include "pg_nae/connection/role_contexts.hpp"

#include <gtest/gtest.h>

#include <set>

namespace nae::backend {
namespace {

RoleKey role(std::uint32_t effective, std::string_view application = "psql") {
  RoleKey key;
  key.effective = effective;
  key.session = key.login = 10;
  key.catalog_generation = 1;
  key.application_name = application;
  return key;
}

std::uint32_t added(RoleContexts& contexts, const RoleKey& key) {
  std::uint32_t closed = 0;
  const std::uint32_t number = contexts.add(key, closed);
  EXPECT_EQ(closed, 0u);
  return number;
}

TEST(RoleContexts, FindsWhatWasAddedAndNothingElse) {
  RoleContexts contexts;
  EXPECT_EQ(contexts.find(role(1)), 0u);
  const std::uint32_t number = added(contexts, role(1));
  EXPECT_NE(number, 0u);
  EXPECT_EQ(contexts.find(role(1)), number);
  EXPECT_EQ(contexts.find(role(2)), 0u);
}

// Each part of an identity alone: a context that serves another one would decide for the wrong
// role.
TEST(RoleContexts, TellsIdentitiesApartByEachPart) {
  RoleContexts contexts;
  added(contexts, role(1));
  RoleKey other = role(1);
  other.session = 11;
  EXPECT_EQ(contexts.find(other), 0u);
  other = role(1);
  other.login = 11;
  EXPECT_EQ(contexts.find(other), 0u);
  other = role(1);
  other.catalog_generation = 2;
  EXPECT_EQ(contexts.find(other), 0u);
  other = role(1);
  other.user[31] = 1;
  EXPECT_EQ(contexts.find(other), 0u);
  EXPECT_EQ(contexts.find(role(1, "other")), 0u);
  EXPECT_EQ(contexts.find(role(1, "")), 0u);
}

// The name may be gone when the context is asked for again.
TEST(RoleContexts, KeepsTheApplicationNameItself) {
  RoleContexts contexts;
  std::string name = "application";
  const std::uint32_t number = added(contexts, role(1, name));
  name.assign(name.size(), 'x');
  EXPECT_EQ(contexts.find(role(1, "application")), number);
  EXPECT_EQ(contexts.find(role(1, name)), 0u);
}

TEST(RoleContexts, ClosesWhatTheSameRoleWasBefore) {
  RoleContexts contexts;
  const std::uint32_t first = added(contexts, role(1));
  RoleKey later = role(1);
  later.catalog_generation = 2;
  std::uint32_t closed = 0;
  const std::uint32_t second = contexts.add(later, closed);
  EXPECT_EQ(closed, first);
  EXPECT_NE(second, first);
  EXPECT_EQ(contexts.find(role(1)), 0u);
  EXPECT_EQ(contexts.find(later), second);
}

TEST(RoleContexts, ForgetsTheOldestPastTheLimit) {
  RoleContexts contexts;
  std::set<std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < kMaxRoleContexts; ++i) numbers.insert(added(contexts, role(i)));
  EXPECT_EQ(numbers.size(), kMaxRoleContexts);
  EXPECT_NE(contexts.find(role(0)), 0u);
  const std::uint32_t oldest = contexts.find(role(0));
  std::uint32_t closed = 0;
  const std::uint32_t number = contexts.add(role(kMaxRoleContexts), closed);
  EXPECT_EQ(closed, oldest);
  EXPECT_FALSE(numbers.contains(number));
  EXPECT_EQ(contexts.find(role(0)), 0u);
  EXPECT_NE(contexts.find(role(1)), 0u);
}

TEST(RoleContexts, NeverGivesANumberTwice) {
  RoleContexts contexts;
  std::set<std::uint32_t> numbers;
  for (int i = 0; i < 200; ++i) {
    std::uint32_t closed = 0;
    EXPECT_TRUE(numbers.insert(contexts.add(role(1), closed)).second);
    contexts.forget(*numbers.rbegin());
    EXPECT_EQ(contexts.find(role(1)), 0u);
  }
}

TEST(RoleContexts, ForgetsNothingByAnUnknownNumber) {
  RoleContexts contexts;
  const std::uint32_t number = added(contexts, role(1));
  contexts.forget(0);
  contexts.forget(number + 1);
  EXPECT_EQ(contexts.find(role(1)), number);
}

}  // namespace
}  // namespace nae::backend
