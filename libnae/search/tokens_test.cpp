#include "libnae/search/tokens.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "libnae/envelope/search_input.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::search {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using vectors::Vector;

constexpr Declaration kWord{Kind::word, 4, 16}, kWhole{Kind::whole, 0, 16},
    kDomain{Kind::domain, 0, 16}, kLast4{Kind::last4, 0, 16};

Tokens like(const Declaration& declaration, std::string_view pattern) {
  return tokens_of_condition(declaration, Condition::like, pattern);
}

TEST(Tokens, OfValuesMatchVectors) {
  for (const Vector& v : vectors::read("search.txt", "search")) {
    const Bytes kind = v.bytes("kind"), value = v.bytes("value"), input = v.bytes("input");
    const Declaration declaration{*kind_from_name(as_text(kind)),
                                  static_cast<unsigned>(v.number("letters")),
                                  static_cast<unsigned>(v.number("bits"))};
    const Bytes declared = v.bytes("declaration");
    EXPECT_EQ(to_text(declaration), as_text(declared)) << "line " << v.line;
    SearchInputView view;
    ASSERT_TRUE(parse_search_input(input, view));
    Tokens expected;
    for (ByteView rest = view.tokens; !rest.empty();)
      expected.emplace_back(as_text(take_search_token(rest)));
    EXPECT_EQ(tokens_of_value(declaration, as_text(value)), expected) << "line " << v.line;
  }
}

TEST(Tokens, OfPatternsAreThoseThatAreKnown) {
  EXPECT_THAT(like(kWord, "Gonza%"), ElementsAre("gonz"));
  EXPECT_THAT(like(kWord, "Gonz%"), ElementsAre("gonz"));
  EXPECT_THAT(like(kWord, "Gon%"), IsEmpty()) << "a shorter word may go on";
  EXPECT_THAT(like(kWord, "Gon %"), ElementsAre("gon")) << "a whole word";
  EXPECT_THAT(like(kWord, "Gon"), ElementsAre("gon"));
  EXPECT_THAT(like(kWord, "%onza%"), IsEmpty()) << "a word may have begun before";
  EXPECT_THAT(like(kWord, "% Gonza%"), ElementsAre("gonz"));
  EXPECT_THAT(like(kWord, "Paul%gon ruiz"), ElementsAre("paul", "ruiz"));
  EXPECT_THAT(like(kWord, "_Paul Gonz_"), ElementsAre("gonz"));
  EXPECT_THAT(like(kWord, "Pa_ul"), IsEmpty());
  EXPECT_THAT(like(kWord, "\\%Paul\\_x%"), ElementsAre("paul")) << "escaped";
  EXPECT_THAT(like(kWord, "Pa\\ul"), ElementsAre("paul")) << "any letter may be";
  EXPECT_THAT(like(kWord, "Paul\\"), IsEmpty()) << "an error of PostgreSQL's";
  EXPECT_THAT(like(kWord, ""), IsEmpty());
  EXPECT_THAT(like(kWord, "%"), IsEmpty());
  EXPECT_THAT(tokens_of_condition(kWord, Condition::prefix, "100% Paul_"),
              ElementsAre("100", "paul"));
}

TEST(Tokens, OfOtherKindsNeedTheEnd) {
  EXPECT_THAT(like(kWhole, "Paul Gonz"), ElementsAre("paul gonz"));
  EXPECT_THAT(like(kWhole, "Paul%"), IsEmpty());
  EXPECT_THAT(like(kWhole, ""), ElementsAre(""));
  EXPECT_THAT(like(kDomain, "%@Example.org"), ElementsAre("example.org"));
  EXPECT_THAT(like(kDomain, "%Example.org"), IsEmpty());
  EXPECT_THAT(like(kDomain, "a@b.c%"), IsEmpty());
  EXPECT_THAT(like(kLast4, "%9876"), ElementsAre("9876"));
  EXPECT_THAT(like(kLast4, "%010-9876 x"), ElementsAre("9876"));
  EXPECT_THAT(like(kLast4, "%876"), IsEmpty());
  EXPECT_THAT(like(kLast4, "876"), ElementsAre("876"));
  EXPECT_THAT(like({Kind::bucket, 0, 16, Unit::month, 0}, "2026"), IsEmpty()) << "of no text";
}

TEST(Tokens, OfIlikeTakeNoLetterWhoseOtherCaseMayBeUnknown) {
  EXPECT_THAT(tokens_of_condition(kWord, Condition::ilike, "GONZ\u00c9%"), ElementsAre("gonz"));
  EXPECT_THAT(tokens_of_condition(kWord, Condition::ilike, "gon\u0264 paul"), ElementsAre("paul"));
  EXPECT_THAT(like(kWord, "gon\u0264 paul"), ElementsAre("gon\u0264", "paul"));
}

TEST(Tokens, OfQueriesAreThoseOfTheirWords) {
  const auto query = [](std::string_view text) {
    return tokens_of_condition(kWord, Condition::words, text);
  };
  EXPECT_THAT(query("paul gonz*"), ElementsAre("gonz", "paul"));
  EXPECT_THAT(query("paul go*"), ElementsAre("paul"));
  EXPECT_THAT(query("*gonzalez"), ElementsAre("gonz")) << "a star stands behind a word";
  EXPECT_THAT(query(" , * "), IsEmpty());
  EXPECT_THAT(tokens_of_condition(kWhole, Condition::words, "paul"), IsEmpty());
}

TEST(MatchesWords, WhatHasAllOfThem) {
  EXPECT_TRUE(matches_words("Paul Gonz\u00e1lez", "gonzalez PAUL"));
  EXPECT_TRUE(matches_words("Paul Gonzalez", "gonz* p*"));
  EXPECT_FALSE(matches_words("Paul Gonzalez", "gonz"));
  EXPECT_FALSE(matches_words("Paul Gonzalez", "paul anna"));
  EXPECT_FALSE(matches_words("Paul Gonzalez", "")) << "a query without a word finds nothing";
  EXPECT_FALSE(matches_words("", "paul"));
}

// A LIKE of our own, over code points, as PostgreSQL's is over characters.
bool is_like(std::u32string_view value, std::u32string_view pattern) {
  if (pattern.empty()) return value.empty();
  if (pattern[0] == U'%') {
    for (std::size_t skipped = 0; skipped <= value.size(); ++skipped)
      if (is_like(value.substr(skipped), pattern.substr(1))) return true;
    return false;
  }
  if (value.empty()) return false;
  if (pattern[0] != U'_' && pattern[0] != value[0]) return false;
  return is_like(value.substr(1), pattern.substr(1));
}

std::string utf8(std::u32string_view text) {
  std::string bytes;
  for (const char32_t point : text) {
    char32_t rest = point;
    if (rest < 0x80) {
      bytes += static_cast<char>(rest);
    } else if (rest < 0x800) {
      bytes += static_cast<char>(0xc0 | (rest >> 6));
      bytes += static_cast<char>(0x80 | (rest & 0x3f));
    } else {
      bytes += static_cast<char>(0xe0 | (rest >> 12));
      bytes += static_cast<char>(0x80 | ((rest >> 6) & 0x3f));
      bytes += static_cast<char>(0x80 | (rest & 0x3f));
    }
  }
  return bytes;
}

// The property that all rests on: what a pattern needs is in every value that it matches.
TEST(Tokens, OfAPatternAreInEachValueThatItMatches) {
  constexpr std::u32string_view kLetters =
      U"abcdab 12@. \u00e9\u0301\u0323\u00df\u0130\u0131\ufb01\u00bd\u00ad\uae40\u5c71\uff20";
  std::mt19937 random(20261130);
  const auto below = [&](std::size_t most) { return random() % most; };
  std::size_t matched = 0, served = 0;
  for (int round = 0; round < 200000; ++round) {
    std::u32string value;
    for (std::size_t left = below(14); left > 0; --left) value += kLetters[below(kLetters.size())];
    std::u32string pattern = value;
    for (std::size_t changes = below(4); changes > 0 && !pattern.empty(); --changes) {
      const std::size_t at = below(pattern.size());
      const std::size_t length = 1 + below(pattern.size() - at);
      if (below(2) == 0)
        pattern = pattern.substr(0, at) + U'%' + pattern.substr(at + length);
      else
        pattern[at] = U'_';
    }
    if (!is_like(value, pattern)) continue;
    ++matched;
    for (const Declaration& declaration : {kWord, kWhole, kDomain, kLast4}) {
      const Tokens has = tokens_of_value(declaration, utf8(value));
      const Tokens needs = like(declaration, utf8(pattern));
      served += needs.empty() ? 0 : 1;
      for (const std::string& token : needs)
        ASSERT_THAT(has, testing::Contains(token)) << utf8(value) << " LIKE " << utf8(pattern);
    }
  }
  EXPECT_GT(matched, 100000u);
  EXPECT_GT(served, 20000u);
}

}  // namespace
}  // namespace nae::search
