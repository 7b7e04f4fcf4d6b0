#include "libnae/base/text.hpp"

#include <gtest/gtest.h>

namespace nae {
namespace {

TEST(Hex, GoesBothWays) {
  EXPECT_EQ(to_hex(*from_hex("00ffA5")), "00ffa5");
  EXPECT_EQ(to_hex({}), "");
  EXPECT_TRUE(from_hex("")->empty());
}

TEST(Hex, RefusesOddLengthsAndOtherCharacters) {
  for (const char* text : {"a", "abc", "0g", "g0", " 0", "0x", "--", "0\n"})
    EXPECT_EQ(from_hex(text).error().code, Code::invalid_argument) << text;
}

TEST(Utf8, AcceptsTheSmallestAndLargestOfEachLength) {
  for (std::string_view text :
       {std::string_view("\0", 1), std::string_view("\x7f"), std::string_view("\xc2\x80"),
        std::string_view("\xdf\xbf"), std::string_view("\xe0\xa0\x80"),
        std::string_view("\xed\x9f\xbf"), std::string_view("\xee\x80\x80"),
        std::string_view("\xef\xbf\xbf"), std::string_view("\xf0\x90\x80\x80"),
        std::string_view("\xf4\x8f\xbf\xbf"), std::string_view()})
    EXPECT_TRUE(is_utf8(text)) << to_hex(as_bytes(text));
}

TEST(Utf8, RefusesMalformedText) {
  for (const char* text : {
           "\x80",
           "\xbf",
           "\xfe",
           "\xff",
           "\xf8\x88\x80\x80\x80",  // no lead byte
           "\xc2",
           "\xe0\xa0",
           "\xf0\x90\x80",
           "a\xe2\x82",  // cut
           "\xc2\x41",
           "\xe0\xa0\x41",
           "\xf0\x90\x80\x41",  // no continuation
           "\xc0\x80",
           "\xc1\xbf",
           "\xe0\x9f\xbf",
           "\xf0\x8f\xbf\xbf",  // overlong
           "\xed\xa0\x80",
           "\xed\xbf\xbf",  // surrogates
           "\xf4\x90\x80\x80",
           "\xf5\x80\x80\x80",  // past U+10FFFF
       })
    EXPECT_FALSE(is_utf8(text)) << to_hex(as_bytes(text));
}

TEST(Glob, MatchesTheWholeText) {
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("*", "anything"));
  EXPECT_TRUE(glob_match("customer-*", "customer-pii"));
  EXPECT_TRUE(glob_match("*-pii", "customer-pii"));
  EXPECT_TRUE(glob_match("c*m*r-p?i", "customer-pii"));
  EXPECT_TRUE(glob_match("a*b*c", "aXbbXbc"));
  EXPECT_TRUE(glob_match("**", "x"));
}

TEST(Glob, RefusesWhatIsLongerShorterOrOther) {
  EXPECT_FALSE(glob_match("", "x"));
  EXPECT_FALSE(glob_match("?", ""));
  EXPECT_FALSE(glob_match("customer", "customer-pii"));
  EXPECT_FALSE(glob_match("pii", "customer-pii"));
  EXPECT_FALSE(glob_match("customer-*", "Customer-pii"));
  EXPECT_FALSE(glob_match("a*b", "abc"));
  EXPECT_FALSE(glob_match("[a]", "a"));
}

TEST(Glob, EndsOnHostilePatterns) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(2000, 'a')));
}

TEST(Name, AcceptsTheNarrowAlphabet) {
  EXPECT_TRUE(is_name("a"));
  EXPECT_TRUE(is_name("customer-pii.v2_EU"));
  EXPECT_TRUE(is_name(std::string(128, 'a')));
}

TEST(Name, RefusesTheRest) {
  for (const char* text : {"", "-a", ".a", "_a", "a b", "a/b", "a\n", "ä", "a*", "../a"})
    EXPECT_FALSE(is_name(text)) << text;
  EXPECT_FALSE(is_name(std::string(129, 'a')));
  EXPECT_FALSE(is_name(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace nae
