#include "keyserver/policy/mask.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "libnae/base/text.hpp"

namespace nae::policy {
namespace {

std::string masked(std::span<const Mask> masks, std::string_view value) {
  Bytes out(max_masked_bytes(value.size()));
  auto size = mask(masks, as_bytes(value), out);
  return size ? std::string(as_text(ByteView(out).first(*size)))
              : std::string(name(size.error().code));
}
std::string masked(std::string_view form, std::string_view value) {
  auto parsed = parse_mask(form);
  EXPECT_TRUE(parsed) << form;
  return parsed ? masked({&*parsed, 1}, value) : std::string();
}

struct Row {
  std::string_view form, value, shown;
};

const Row kRows[] = {
    {"mask(first=2, last=4)", "4111222233334444", "41**********4444"},
    {"mask(first=2, last=4)", "1234567", "12*4567"},
    {"mask(first=2, last=4)", "123456", "******"},  // as long as what is kept: nothing is shown
    {"mask(first=2, last=4)", "12345", "*****"},
    {"mask(first=2, last=4)", "", ""},
    {"mask(last=1)", "ab", "*b"},
    {"mask(last=1)", "a", "*"},
    {"mask(first=1)", "Müller", "M*****"},
    {"mask(last=2)", "日本語", "*本語"},
    {"mask(first=1, last=1)", "😀é😀", "😀*😀"},
    {"mask(first=1, last=1)", "😀é", "**"},
    {"mask(first=0)", "secret", "******"},
    {"mask(first=64, last=64)", "short", "*****"},
    {"mask(text=\"hidden\")", "whatever", "hidden"},
    {"mask(text=\"hidden\")", "", "hidden"},
    {"mask(text=\"verdeckt: ü)\")", "x", "verdeckt: ü)"},
    {"mask(email)", "jane.doe@example.org", "j***@example.org"},
    {"mask(email)", "öztürk@example.org", "ö***@example.org"},
    {"mask(email)", "jo@bücher.example", "j***@bücher.example"},
    {"mask(email)", "j@example.org", "***@example.org"},
    {"mask(email)", "@example.org", "***"},
    {"mask(email)", "jane@", "***"},
    {"mask(email)", "jane", "***"},
    {"mask(email)", "", "***"},
    {"mask(email)", "jane@home@example.org", "j***@example.org"},
    {"mask(email)", "call jane @ +49 151 2345", "***"},
    {"mask(email)", "jane@[10.0.0.1]", "***"},
    {"mask(digits, last=4)", "123-45-6789", "***-**-6789"},
    {"mask(digits, first=2, last=4)", "DE89 3704 0044 05", "DE89 **** **44 05"},
    {"mask(digits, last=4)", "67-89", "**-**"},
    {"mask(digits, last=4)", "٤١١١٢", "*١١١٢"},  // Arabic-Indic digits count as well
    {"mask(digits, last=2)", "n/a", "n/a"},
    {"mask(digits)", "12:34", "**:**"},
};

TEST(Mask, Table) {
  for (const Row& row : kRows)
    EXPECT_EQ(masked(row.form, row.value), row.shown) << row.form << " of " << row.value;
}

TEST(Mask, RefusesWhatIsNoUtf8) {
  for (std::string_view value : {"\xff", "M\xfcller", "\xc0\x80", "\xed\xa0\x80", "abc\xe6\x97"})
    for (std::string_view form :
         {"mask(first=1)", "mask(email)", "mask(digits)", "mask(text=\"x\")"})
      EXPECT_EQ(masked(form, value), "value_not_text") << form;
}

TEST(Mask, RefusesTooLittleRoom) {
  Bytes out(max_masked_bytes(100) - 1);
  EXPECT_EQ(mask(*parse_mask("mask(first=1)"), Bytes(100, 'x'), out).error().code, Code::internal);
  EXPECT_EQ(mask(std::span<const Mask>(), Bytes(10, 'x'), out).error().code, Code::internal);
}

TEST(Mask, WrittenFormsComeBack) {
  for (const Row& row : kRows) EXPECT_EQ(to_text(*parse_mask(row.form)), row.form);
  EXPECT_EQ(to_text(*parse_mask(" mask ( last = 4 , first = 2 ) ")), "mask(first=2, last=4)");
  EXPECT_EQ(to_text(*parse_mask("mask(digits,last=0)")), "mask(digits)");
  EXPECT_TRUE(parse_mask("mask(first=64)"));
  EXPECT_TRUE(parse_mask("mask(text=\"" + std::string(kMaxMaskTextBytes, 'x') + "\")"));
}

TEST(Mask, RefusesEveryOtherForm) {
  for (const std::string& form :
       {std::string(),
        std::string("mask"),
        std::string("mask()"),
        std::string("mask(first)"),
        std::string("mask(first=)"),
        std::string("mask(first=-1)"),
        std::string("mask(first=65)"),
        std::string("mask(first=99999999999)"),
        std::string("mask(first=1, first=2)"),
        std::string("mask(first=1, last=2, first=3)"),
        std::string("mask(first=1,)"),
        std::string("mask(first=1 last=2)"),
        std::string("mask(first=1) "
                    "x"),
        std::string("mask(first=1))"),
        std::string("mask(email, last=1)"),
        std::string("mask(digits last=1)"),
        std::string("mask(digits,)"),
        std::string("mask(text=\"\")"),
        std::string("mask(text=hidden)"),
        std::string("mask(text=\"a)"),
        std::string("mask(text=\"a\nb\")"),
        std::string("mask(text=\"\xff\")"),
        std::string("MASK(email)"),
        std::string("mask(phone)"),
        "mask(text=\"" + std::string(kMaxMaskTextBytes + 1, 'x') + "\")"}) {
    auto parsed = parse_mask(form);
    ASSERT_FALSE(parsed) << form;
    EXPECT_EQ(parsed.error().code, Code::policy_invalid) << form;
  }
}

TEST(Mask, OfSeveralTheOneThatShowsLeastOfThisValueWins) {
  const std::vector<Mask> masks{*parse_mask("mask(first=4)"), *parse_mask("mask(digits, last=2)")};
  EXPECT_EQ(masked(masks, "12345678"), "******78");
  EXPECT_EQ(masked(masks, "12ab cd 345"), "12ab*******");
  const std::vector<Mask> with_text{*parse_mask("mask(first=0)"), *parse_mask("mask(text=\"-\")")};
  EXPECT_EQ(masked(with_text, "12345678"), "-")
      << "of two that show nothing, not the length either";
}

TEST(Mask, TheOrderOfMasksNeverMatters) {
  std::vector<Mask> masks;
  for (std::string_view form : {"mask(first=3)", "mask(last=3)", "mask(email)", "mask(digits)",
                                "mask(first=1, last=2)", "mask(digits, last=3)"})
    masks.push_back(*parse_mask(form));
  std::mt19937 random(1);
  for (std::string_view value : {"jane.doe@example.org", "4111-2222", "ab", "", "日本語テキスト"}) {
    std::string first = masked(masks, value);
    for (int round = 0; round < 50; ++round) {
      std::shuffle(masks.begin(), masks.end(), random);
      ASSERT_EQ(masked(masks, value), first) << value;
    }
  }
}

// A form never shows more than it says, whatever the value, and always writes well-formed text.
TEST(Mask, RandomValuesKeepWithinTheForm) {
  std::mt19937 random(2);
  const std::string_view alphabet[] = {"a", "7", "@", ".", " ", "é", "語", "😀", "*"};
  for (int round = 0; round < 20'000; ++round) {
    std::string value;
    std::size_t characters = random() % 12;
    for (std::size_t i = 0; i < characters; ++i) value += alphabet[random() % std::size(alphabet)];
    Mask ends{Mask::Kind::ends, static_cast<std::uint32_t>(random() % 4),
              static_cast<std::uint32_t>(random() % 4)};
    std::string out = masked({&ends, 1}, value);
    ASSERT_TRUE(is_utf8(out));
    std::size_t stars = static_cast<std::size_t>(std::ranges::count(out, '*'));
    std::size_t hidden =
        characters > ends.first + ends.last ? characters - ends.first - ends.last : characters;
    ASSERT_GE(stars, hidden) << value;
    for (std::string_view form : {"mask(email)", "mask(digits, last=1)", "mask(text=\"ü\")"})
      ASSERT_TRUE(is_utf8(masked(form, value))) << value;
    ASSERT_EQ(masked("mask(digits)", value).find('7'), std::string::npos);
  }
}

}  // namespace
}  // namespace nae::policy
