#include "keyserver/policy/pattern.hpp"

#include <gtest/gtest.h>

namespace nae::policy {
namespace {

std::string pattern(std::string_view written, PatternSyntax syntax = PatternSyntax::version_2) {
  auto read = read_pattern(written, syntax);
  return read ? *read : "refused";
}

TEST(Pattern, IsANameToTheLetterUnlessItSaysOtherwise) {
  for (const char* name : {"shop_app", "a.b", "glob", "a\\b", "Ä", "globe:x"}) {
    EXPECT_EQ(pattern(name), name);
    EXPECT_TRUE(pattern_matches(pattern(name), name));
    EXPECT_FALSE(is_glob(pattern(name)));
  }
  EXPECT_FALSE(pattern_matches("shop_app", "shop_app2"));
  EXPECT_FALSE(pattern_matches("shop_app", "Shop_app"));
}

// A role of this name is one that PostgreSQL lets be made.
TEST(Pattern, ANameWithAnAsteriskGrantsNoOther) {
  const std::string exact = pattern("exact:a*b");
  EXPECT_TRUE(pattern_matches(exact, "a*b"));
  EXPECT_FALSE(pattern_matches(exact, "axxb"));
  const std::string escaped = pattern("glob:a\\*b*");
  EXPECT_TRUE(pattern_matches(escaped, "a*b"));
  EXPECT_TRUE(pattern_matches(escaped, "a*bc"));
  EXPECT_FALSE(pattern_matches(escaped, "axxb"));
}

TEST(Pattern, IsNotGuessed) {
  for (const char* refused :
       {"a*b", "*", "?", "glob:", "exact:", "glob:a\\", "glob:\\a", "glob:a\\\\\\"})
    EXPECT_EQ(pattern(refused), "refused") << refused;
  const auto error = read_pattern("a*b", PatternSyntax::version_2).error();
  EXPECT_EQ(error.code, Code::policy_invalid);
  EXPECT_NE(error.message.find("\"glob:a*b\""), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("\"exact:a*b\""), std::string::npos) << error.message;
}

TEST(Pattern, OfVersion1MeansWhatItMeant) {
  auto old = [](std::string_view written) { return pattern(written, PatternSyntax::version_1); };
  EXPECT_EQ(old("bi_*"), "glob:bi_*");
  EXPECT_EQ(old("*"), "glob:*");
  EXPECT_EQ(old("shop"), "shop");
  EXPECT_TRUE(pattern_matches(old("a*b"), "axxb"));
  EXPECT_TRUE(pattern_matches(old("a\\*"), "a\\xyz")) << "a backslash was one";
  EXPECT_FALSE(pattern_matches(old("a\\*"), "a*"));
  EXPECT_EQ(old("glob:x"), "exact:glob:x") << "marks were none";
  EXPECT_TRUE(pattern_matches(old("glob:x"), "glob:x"));
  EXPECT_FALSE(pattern_matches(old("glob:x"), "x"));
  EXPECT_TRUE(pattern_matches(old("glob:*"), "glob:y"));
  EXPECT_TRUE(pattern_matches(old("exact:x"), "exact:x"));
}

TEST(Pattern, WhatMatchesTheSameHasOneForm) {
  EXPECT_EQ(pattern("exact:shop"), "shop");
  EXPECT_EQ(pattern("exact:a*b"), "exact:a*b");
  EXPECT_EQ(pattern("exact:glob:x"), "exact:glob:x");
  EXPECT_EQ(pattern("exact:exact:x"), "exact:exact:x");
  EXPECT_EQ(body_of("exact:exact:x"), "exact:x");
}

TEST(Pattern, GlobsMatchAsAWhole) {
  struct Case {
    const char* glob;
    const char* text;
    bool matches;
  };
  for (const Case& c :
       {Case{"glob:*", "", true}, Case{"glob:*", "anything", true}, Case{"glob:?", "", false},
        Case{"glob:?", "x", true}, Case{"glob:?", "xy", false}, Case{"glob:a*c", "abc", true},
        Case{"glob:a*c", "abcd", false}, Case{"glob:*ab", "aab", true},
        Case{"glob:*a*b*", "xxaxxbxx", true}, Case{"glob:**", "x", true},
        Case{"glob:a\\?", "a?", true}, Case{"glob:a\\?", "ab", false},
        Case{"glob:a\\\\*", "a\\b", true}, Case{"glob:*\\*", "ab*", true},
        Case{"glob:*\\*", "ab", false}, Case{"glob:abc", "abc", true},
        Case{"glob:abc", "abcd", false}})
    EXPECT_EQ(pattern_matches(pattern(c.glob), c.text), c.matches) << c.glob << " " << c.text;
}

TEST(Pattern, ItsExampleIsOneOfItsTexts) {
  for (const char* written : {"shop", "exact:a*b", "glob:*", "glob:a?c", "glob:a\\*b*", "glob:x"})
    EXPECT_TRUE(pattern_matches(pattern(written), example_of(pattern(written)))) << written;
  EXPECT_FALSE(pattern_matches(pattern("glob:a*"), example_of("glob:*")));
  EXPECT_EQ(example_of("exact:a*b"), "a*b");
}

}  // namespace
}  // namespace nae::policy
