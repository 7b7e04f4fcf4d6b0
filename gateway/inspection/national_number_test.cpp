#include "gateway/inspection/national_number.hpp"

#include <gtest/gtest.h>

#include "gateway/inspection/detector.hpp"
#include "gateway/inspection/pattern.hpp"

namespace nae::gateway {
namespace {

// Published examples (but those of Corsica and Britain), and the same with one figure changed.
TEST(NationalNumber, IsFoundByItsCheckDigits) {
  struct Row {
    Sensitive kind;
    std::string_view good, wrong;
  };
  for (const Row& row : {Row{Sensitive::de_tax_id, "86095742719", "86095742718"},
                         Row{Sensitive::de_tax_id, "65 929 970 489", "65 929 970 488"},
                         Row{Sensitive::fr_nir, "2 55 08 14 168 025 38", "2 55 08 14 168 025 39"},
                         Row{Sensitive::fr_nir, "180032A00123454", "180032A00123453"},
                         Row{Sensitive::es_dni, "12345678Z", "12345678A"},
                         Row{Sensitive::es_dni, "x1234567-l", "X1234567-M"},
                         Row{Sensitive::ch_ahv, "756.9217.0769.85", "756.9217.0769.86"},
                         Row{Sensitive::us_ssn, "078-05-1120", "078-05-0000"},
                         Row{Sensitive::us_ssn, "078 05 1120", "666 05 1120"},
                         Row{Sensitive::uk_nino, "ab123456d", "ab123456e"}}) {
    for (const auto& [before, after] : {std::pair("", ""), std::pair("no. ", ", of him"),
                                        std::pair("(", ")"), std::pair("ü", "ü")}) {
      EXPECT_TRUE(has(row.kind, before + std::string(row.good) + after))
          << sensitive_name(row.kind) << " " << row.good;
      EXPECT_FALSE(has(row.kind, before + std::string(row.wrong) + after))
          << sensitive_name(row.kind) << " " << row.wrong;
    }
    EXPECT_FALSE(has(row.kind, "1" + std::string(row.good))) << row.good;
    EXPECT_FALSE(has(row.kind, std::string(row.good) + "1")) << row.good;
    EXPECT_FALSE(has(row.kind, row.good.substr(1))) << row.good;
    EXPECT_FALSE(has(row.kind, "")) << row.good;
  }
  EXPECT_FALSE(has_uk_nino("QQ 12 34 56 C")) << "the example of HMRC, whose letters are of none";
  EXPECT_FALSE(has_us_ssn("078051120")) << "nine figures are anything";
  EXPECT_FALSE(has_us_ssn("078-05 1120"));
}

TEST(NationalNumber, HasANameForEachKind) {
  for (const std::string_view name : {"card-number", "iban", "us-ssn", "uk-nino", "de-tax-id",
                                      "fr-nir", "es-dni", "ch-ahv", "pattern"}) {
    const auto kind = sensitive_of_name(name);
    ASSERT_TRUE(kind.has_value()) << name;
    EXPECT_EQ(sensitive_name(*kind), name);
  }
  EXPECT_FALSE(sensitive_of_name("SSN").has_value());
}

TEST(Pattern, FindsWhatHasAWordNear) {
  const auto pattern = Pattern::compile(R"(\b[A-Z]{2}\d{7}\b)", {"Passport", "ausweis"});
  ASSERT_TRUE(pattern.has_value());
  EXPECT_TRUE(pattern->is_in("AB1234567", "passport_number"));
  EXPECT_TRUE(pattern->is_in("his PASSPORT is AB1234567.", "note"));
  EXPECT_TRUE(pattern->is_in("AB1234567 (Personalausweis)", "note"));
  EXPECT_FALSE(pattern->is_in("AB1234567", "order"));
  EXPECT_FALSE(pattern->is_in("passport AB123456", "note"));
  EXPECT_FALSE(pattern->is_in("", "passport"));
  const std::string far(Pattern::kNear, '.');
  EXPECT_TRUE(pattern->is_in("AB1234567" + far + "CD1234567 passport", "note"));
  EXPECT_FALSE(pattern->is_in("AB1234567" + far + "passport", "note"));
  EXPECT_FALSE(pattern->is_in("passport" + far + "AB1234567", "note"));
  const auto anywhere = Pattern::compile("canary-[0-9]+", {});
  ASSERT_TRUE(anywhere.has_value());
  EXPECT_TRUE(anywhere->is_in("a canary-1", "x"));
}

// Whoever writes the text chooses how often it matches, and how far each match goes.
TEST(Pattern, TakesTimeInProportionToTheText) {
  const auto pattern = Pattern::compile("x(?:.*y)?", {"never"});
  ASSERT_TRUE(pattern.has_value());
  EXPECT_FALSE(pattern->is_in(std::string(4 << 20, 'x'), "note"));  // hours, were each to be tried
}

TEST(Pattern, IsRefusedWhenItIsWrongOrMatchesAll) {
  for (const std::string& expression :
       std::vector<std::string>{"", "(", "a*", "x|", "\\b", "(?:^|x)\\B", "(?:a{1000}){1000}",
                                "(a)\\1", std::string(Pattern::kMaxBytes + 1, 'a')})
    EXPECT_FALSE(Pattern::compile(expression, {}).has_value()) << expression;
  for (const std::string& word : std::vector<std::string>{"", "a b", "ü", std::string(65, 'a')})
    EXPECT_FALSE(Pattern::compile("a", {word}).has_value()) << word;
}

}  // namespace
}  // namespace nae::gateway
