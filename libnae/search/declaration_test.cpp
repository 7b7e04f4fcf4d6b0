#include "libnae/search/declaration.hpp"

#include <gtest/gtest.h>

#include "libnae/search/fold.hpp"

namespace nae::search {
namespace {

std::string with_unicode(std::string before, std::string_view version = unicode_version()) {
  return before + std::string(version) + ")";
}

bool is_read(std::string_view text, Unread* why = nullptr) {
  Unread told{};
  const bool read = parse_declaration(text, told).has_value();
  if (why) *why = told;
  return read;
}

TEST(Declaration, IsWrittenAndReadInOneWay) {
  for (const Declaration& made : {Declaration{Kind::word, 3, 12}, Declaration{Kind::word, 8, 32},
                                  Declaration{Kind::whole, 0, 16}, Declaration{Kind::domain, 0, 16},
                                  Declaration{Kind::last4, 0, 20}}) {
    Unread why{};
    const auto read = parse_declaration(to_text(made), why);
    ASSERT_TRUE(read) << to_text(made);
    EXPECT_EQ(read->kind, made.kind);
    EXPECT_EQ(read->letters, made.letters);
    EXPECT_EQ(read->bits, made.bits);
  }
  EXPECT_EQ(to_text({Kind::word, 4, 16}), with_unicode("word(letters=4, bits=16, unicode="));
}

TEST(Declaration, HasLettersAndBitsWithinTheirRanges) {
  EXPECT_FALSE(is_read(with_unicode("word(letters=2, bits=16, unicode=")));
  EXPECT_FALSE(is_read(with_unicode("word(letters=9, bits=16, unicode=")));
  EXPECT_FALSE(is_read(with_unicode("word(letters=4, bits=11, unicode=")));
  EXPECT_FALSE(is_read(with_unicode("word(letters=4, bits=33, unicode=")));
  EXPECT_TRUE(is_read(with_unicode("word(letters=4, bits=33, unicode=").replace(21, 2, "32")));
}

TEST(Declaration, IsNothingElse) {
  Unread why{};
  for (const char* text : {"", "word", "word(", "words(letters=4, bits=16, unicode=",
                           "word(bits=16, unicode=", "whole(letters=4, bits=16, unicode=",
                           "word(letters=04, bits=16, unicode=", "word(letters=4,bits=16, unicode=",
                           "word(letters=-4, bits=16, unicode=", "bucket(bits=16, unicode="}) {
    EXPECT_FALSE(is_read(with_unicode(text), &why)) << text;
    EXPECT_EQ(why, Unread::malformed) << text;
  }
}

TEST(Declaration, IsOfOneVersionOfUnicode) {
  Unread why{};
  for (const char* version : {"", "14.0.0", "15.0.0.0", "15.0.01"}) {
    EXPECT_FALSE(is_read(with_unicode("whole(bits=16, unicode=", version), &why)) << version;
    EXPECT_EQ(why, Unread::other_unicode) << version;
  }
}

}  // namespace
}  // namespace nae::search
