#include "keyserver/policy/warnings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nae::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> warned(const std::string& roles, const std::string& rest) {
  auto document = parse("version = 2\n[[rule]]\nname = \"r\"\nroles = [" + roles + "]\n" + rest);
  EXPECT_TRUE(document) << document.error().message;
  return document ? warnings(*document) : std::vector<std::string>{};
}

constexpr char kReads[] = "keys = [\"k\"]\nactions = [\"decrypt\"]\nresult = \"value\"\n";

TEST(Warnings, TellOfPatternsOverRoles) {
  EXPECT_THAT(
      warned(R"("glob:app_*", "clerk", "exact:a*", "glob:b?", "glob:*")", kReads),
      ElementsAre("line 2: rule \"r\" allows every role that matches \"glob:app_*\": who may "
                  "create or rename roles in a database makes one",
                  "line 2: rule \"r\" allows every role that matches \"glob:b?\": who may "
                  "create or rename roles in a database makes one",
                  "line 2: rule \"r\" allows every role, also those that are created later"));
}

TEST(Warnings, MasksAreWarnedOfToo) {
  EXPECT_EQ(
      warned("\"glob:*\"", "keys = [\"k\"]\nactions = [\"decrypt\"]\nresult = \"mask(last=2)\"\n")
          .size(),
      1u);
}

TEST(Warnings, NotOfNamesNorOfWhatGivesNothing) {
  EXPECT_THAT(warned(R"("analyst", "clerk")", kReads), IsEmpty());
  EXPECT_THAT(
      warned("\"glob:*\"", "keys = [\"glob:k*\"]\nactions = [\"decrypt\"]\nresult = \"deny\"\n"),
      IsEmpty());
  EXPECT_THAT(warned("\"glob:*\"", "actions = [\"hash\", \"random\"]\nresult = \"value\"\n"),
              IsEmpty());
}

}  // namespace
}  // namespace nae::policy
