#include "libnae/search/fold.hpp"

#include <gtest/gtest.h>
#include <utf8proc.h>

namespace nae::search {
namespace {

constexpr char32_t kLastPoint = 0x10ffff;

std::u32string folded(char32_t point) {
  char32_t out[kMaxFolded];
  const int count = fold(point, out);
  return std::u32string(out, static_cast<std::size_t>(count));
}

std::u32string folded(std::string_view text) {
  std::u32string all;
  while (!text.empty()) all += folded(take_point(text));
  return all;
}

bool is_surrogate(char32_t point) {
  return point >= 0xd800 && point <= 0xdfff;
}

// What a declaration names: a release of the library with other tables fails here.
TEST(Fold, IsOfTheVersionOfUnicodeThatVectorsAreOf) {
  EXPECT_EQ(unicode_version(), "15.0.0");
}

// ILIKE compares lower cases, of whatever locale: both cases of a letter must fold alike, or rows
// would be lost.
TEST(Fold, IsCoarserThanCase) {
  for (char32_t point = 1; point <= kLastPoint; ++point) {
    if (is_surrogate(point)) continue;
    const auto number = static_cast<utf8proc_int32_t>(point);
    EXPECT_EQ(folded(static_cast<char32_t>(utf8proc_tolower(number))), folded(point)) << number;
    // The iota below is a mark. Its upper case is a letter, whose lower case is another letter.
    if (point == U'\u0345') continue;
    EXPECT_EQ(folded(static_cast<char32_t>(utf8proc_toupper(number))), folded(point)) << number;
  }
  // Turkish, Azeri: I and dotless i, dotted I and i.
  EXPECT_EQ(folded(U'I'), folded(U'\u0131'));
  EXPECT_EQ(folded(U'\u0130'), folded(U'i'));
}

TEST(Fold, FoldsWhatItFoldedToItself) {
  for (char32_t point = 1; point <= kLastPoint; ++point) {
    if (is_surrogate(point)) continue;
    const std::u32string once = folded(point);
    std::u32string twice;
    for (const char32_t part : once) twice += folded(part);
    EXPECT_EQ(twice, once) << static_cast<std::uint32_t>(point);
  }
}

// ASCII goes by no table.
TEST(Fold, TakesAsciiForWhatTheTablesSay) {
  for (char32_t point = 0; point < 0x100; ++point) {
    char32_t folded[kMaxFolded];
    utf8proc_int32_t wanted[kMaxFolded];
    int boundary = UTF8PROC_BOUNDCLASS_START;
    const auto options =
        static_cast<utf8proc_option_t>(UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD |
                                       UTF8PROC_STRIPMARK | UTF8PROC_IGNORE);
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(point), wanted,
                                               kMaxFolded, options, &boundary);
    ASSERT_EQ(fold(point, folded), count) << static_cast<unsigned>(point);
    for (int i = 0; i < count; ++i) EXPECT_EQ(folded[i], static_cast<char32_t>(wanted[i]));
    const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(point));
    const bool is_word = (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
                         (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
    EXPECT_EQ(is_letter(point), is_word) << static_cast<unsigned>(point);
  }
}

TEST(Fold, DropsMarksAndWhatIsInvisible) {
  EXPECT_EQ(folded("Jos\u00e9"), U"jose");
  EXPECT_EQ(folded("Jose\u0301"), U"jose");
  EXPECT_EQ(folded("soft\u00adhyphen"), U"softhyphen");
  EXPECT_EQ(folded("zero\u200dwidth"), U"zerowidth");
  EXPECT_EQ(folded("Stra\u00dfe \u1e9e"), U"strasse ss");
  EXPECT_EQ(folded("\ufb01"), U"fi");
}

TEST(Fold, TakesWhatIsNoUtf8ByteByByte) {
  std::string_view text = "a\xff\xc3";
  EXPECT_EQ(take_point(text), U'a');
  EXPECT_EQ(take_point(text), U'\ufffd');
  EXPECT_EQ(take_point(text), U'\ufffd');
  EXPECT_TRUE(text.empty());
}

TEST(Fold, KnowsWhichLettersHaveTheirOtherCase) {
  for (const char32_t point : {U'a', U'Z', U'5', U'\u00e9', U'\u0416', U'\u03c3'})
    EXPECT_TRUE(has_settled_case(point));
  // Unicode 16 gave U+0264 an upper case.
  for (const char32_t point : {U'\u0264', U'\u5c71', U'\u0138'})
    EXPECT_FALSE(has_settled_case(point));
}

}  // namespace
}  // namespace nae::search
