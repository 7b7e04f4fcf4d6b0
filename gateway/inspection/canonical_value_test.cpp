#include "gateway/inspection/canonical_value.hpp"

#include <gtest/gtest.h>

#include "gateway/inspection/detector.hpp"
#include "libnae/base/text.hpp"

namespace nae::gateway {
namespace {

std::string hex_of(PlainType type, std::string_view text, bool deterministic = false,
                   JsonKind kind = JsonKind::string) {
  auto bytes = canonical_value(type, deterministic, kind, text);
  return bytes ? to_hex(*bytes) : std::string(bytes.error().name);
}

// As tests/vectors/columns.txt has them.
TEST(CanonicalValue, HasTheFormOfItsType) {
  EXPECT_EQ(hex_of(PlainType::text, "Gr\xc3\xbc"), "4772c3bc");
  EXPECT_EQ(hex_of(PlainType::int2, "-2"), "fffe");
  EXPECT_EQ(hex_of(PlainType::int4, "2147483647"), "7fffffff");
  EXPECT_EQ(hex_of(PlainType::int8, "-9223372036854775808"), "8000000000000000");
  EXPECT_EQ(hex_of(PlainType::boolean, "true"), "01");
  EXPECT_EQ(hex_of(PlainType::date, "2000-01-01"), "00000000");
  EXPECT_EQ(hex_of(PlainType::date, "1999-12-31"), "ffffffff");
  EXPECT_EQ(hex_of(PlainType::uuid, "A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            "a0eebc999c0b4ef8bb6d6bb9bd380a11");
  EXPECT_EQ(hex_of(PlainType::bpchar, "c  ", true), "63");
  EXPECT_EQ(hex_of(PlainType::bpchar, "c  ", false), "632020");
  EXPECT_EQ(hex_of(PlainType::json, "a\"", false, JsonKind::string), "22615c2222");
  EXPECT_EQ(hex_of(PlainType::json, "[1 ]", false, JsonKind::array), "5b31205d");
}

TEST(CanonicalValue, WritesNumericAsPostgreSqlSendsIt) {
  EXPECT_EQ(hex_of(PlainType::numeric, "1.50"),
            "0002000000000002"
            "00011388");
  EXPECT_EQ(hex_of(PlainType::numeric, "1.50", true),
            "0002000000000001"
            "00011388");
  EXPECT_EQ(hex_of(PlainType::numeric, "-12345678"),
            "0002000140000000"
            "04d2162e");
  EXPECT_EQ(hex_of(PlainType::numeric, "0.0001"),
            "0001ffff00000004"
            "0001");
  EXPECT_EQ(hex_of(PlainType::numeric, "-0.00"), "0000000000000002");
  EXPECT_EQ(hex_of(PlainType::numeric, "-0.00", true), "0000000000000000");
  EXPECT_EQ(hex_of(PlainType::numeric, "10000"),
            "0001000100000000"
            "0001");
}

TEST(CanonicalValue, RefusesWhatIsNoValueOfTheType) {
  for (const auto& [type, text] : std::initializer_list<std::pair<PlainType, std::string_view>>{
           {PlainType::int2, "32768"},
           {PlainType::int4, "1.0"},
           {PlainType::int4, "+1"},
           {PlainType::int4, ""},
           {PlainType::int4, " 1"},
           {PlainType::int8, "9223372036854775808"},
           {PlainType::boolean, "t"},
           {PlainType::date, "2001-02-29"},
           {PlainType::date, "infinity"},
           {PlainType::date, "0000-01-01"},
           {PlainType::uuid, "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
           {PlainType::numeric, "1e3"},
           {PlainType::numeric, "1."},
           {PlainType::numeric, ".5"},
           {PlainType::numeric, "NaN"},
           {PlainType::numeric, "--1"}})
    EXPECT_EQ(hex_of(type, text), "value_invalid") << plain_name(type) << " " << text;
  EXPECT_EQ(hex_of(PlainType::text, "{}", false, JsonKind::object), "value_invalid");
  EXPECT_EQ(hex_of(PlainType::text, "true", false, JsonKind::boolean), "value_invalid");
  EXPECT_EQ(hex_of(PlainType::text, "\xb2"), "value_invalid");
  EXPECT_EQ(hex_of(PlainType::json, "\xb2"), "value_invalid");
  EXPECT_EQ(hex_of(PlainType::text, "nae1:4QHE"), "value_is_ciphertext");
}

TEST(CanonicalValue, RefusesWhatNoTextOfTheDatabaseHas) {
  for (const PlainType type : {PlainType::text, PlainType::bpchar, PlainType::json,
                               PlainType::jsonb, PlainType::uuid, PlainType::numeric}) {
    EXPECT_FALSE(canonical_value(type, false, JsonKind::string, std::string_view("a\0b", 3)));
    EXPECT_FALSE(canonical_value(type, false, JsonKind::string, "\xff"));
  }
}

TEST(CanonicalValue, IsReadAsItWasWritten) {
  for (const auto& [type, text] : std::initializer_list<std::pair<PlainType, std::string_view>>{
           {PlainType::int2, "-2"},
           {PlainType::int4, "7"},
           {PlainType::int8, "8589934592"},
           {PlainType::numeric, "-1234567.0890"},
           {PlainType::numeric, "0.00001"},
           {PlainType::numeric, "0"},
           {PlainType::numeric, "100000000"}}) {
    const auto bytes = canonical_value(type, false, JsonKind::number, text);
    ASSERT_TRUE(bytes.has_value()) << text;
    EXPECT_EQ(json_of_canonical(type, *bytes).value(), text);
  }
  const auto day = canonical_value(PlainType::date, false, JsonKind::string, "1990-02-28");
  EXPECT_EQ(json_of_canonical(PlainType::date, *day).value(), "\"1990-02-28\"");
  EXPECT_FALSE(json_of_canonical(PlainType::int4, Bytes(3)).has_value());
  EXPECT_FALSE(json_of_canonical(PlainType::text, Bytes(1, 0xff)).has_value());
  EXPECT_FALSE(json_of_canonical(PlainType::numeric, Bytes(7)).has_value());
}

TEST(Detector, FindsCardNumbersOfIssuers) {
  for (const std::string_view card :
       {"4111111111111111", "4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005",
        "6011111111111117", "3530111333300000", "card: 4111111111111111, thanks"})
    EXPECT_TRUE(has_card_number(card)) << card;
  for (const std::string_view none :
       {"4111111111111112", "41111111111111111111", "1234567812345670", "4111  1111 1111 1111", "",
        "411111111111", "0000000000000000", "4111.1111.1111.1111"})
    EXPECT_FALSE(has_card_number(none)) << none;
}

TEST(Detector, FindsIbans) {
  for (const std::string_view iban : {"DE89370400440532013000", "gb82 west 1234 5698 7654 32",
                                      "to NL91ABNA0417164300.", "NO9386011117947"})
    EXPECT_TRUE(has_iban(iban)) << iban;
  for (const std::string_view none : {"DE89370400440532013001", "XX89370400440532013000",
                                      "ADE89370400440532013000", "DE8937040044053201300", ""})
    EXPECT_FALSE(has_iban(none)) << none;
}

}  // namespace
}  // namespace nae::gateway
