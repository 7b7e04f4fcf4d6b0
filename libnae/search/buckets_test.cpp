#include "libnae/search/buckets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "libnae/envelope/search_input.hpp"
#include "libnae/search/leading_digits.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::search {
namespace {

using testing::ElementsAre;
using vectors::Vector;

constexpr Declaration kMonth{Kind::bucket, 0, 16, Unit::month, 0},
    kRatio{Kind::bucket, 0, 16, Unit::none, 1020};

template <std::unsigned_integral T>
Bytes form_of(T value) {
  Bytes bytes(sizeof(T));
  store_big_endian(bytes.data(), value);
  return bytes;
}
Bytes int8_form(std::int64_t value) {
  return form_of(static_cast<std::uint64_t>(value));
}
Bytes float8_form(double value) {
  return form_of(std::bit_cast<std::uint64_t>(value));
}
// Of the digits to base 10,000.
Bytes numeric_form(std::int16_t weight, bool is_negative,
                   const std::vector<std::uint16_t>& digits) {
  Bytes form;
  const auto add = [&](std::uint16_t part) {
    for (const Byte byte : form_of(part)) form.push_back(byte);
  };
  add(static_cast<std::uint16_t>(digits.size()));
  add(static_cast<std::uint16_t>(weight));
  add(is_negative ? 0x4000 : 0);
  add(0);
  for (const std::uint16_t digit : digits) add(digit);
  return form;
}

PlainType type_named(std::string_view name) {
  for (const PlainTypeRow& row : kPlainTypes)
    if (row.name == name) return row.type;
  throw std::runtime_error("no such type");
}

TEST(Buckets, OfValuesMatchVectors) {
  for (const Vector& v : vectors::read("search.txt", "bucket")) {
    const Bytes type = v.bytes("type"), value = v.bytes("value"), input = v.bytes("input"),
                declared = v.bytes("declaration");
    Unread why{};
    const auto declaration = parse_declaration(as_text(declared), why);
    ASSERT_TRUE(declaration) << "line " << v.line;
    const Buckets buckets(*declaration);
    const auto bucket = buckets.of(type_named(as_text(type)), value);
    ASSERT_TRUE(bucket) << "line " << v.line;
    EXPECT_GE(*bucket, buckets.lowest());
    EXPECT_LE(*bucket, buckets.highest());
    SearchInputView view;
    ASSERT_TRUE(parse_search_input(input, view));
    EXPECT_EQ(tokens_of_buckets(*bucket, *bucket).at(0), as_text(take_search_token(view.tokens)))
        << "line " << v.line;
  }
}

// The property that all rests on: no value has a lower bucket than a lesser one.
TEST(Buckets, RiseWithNumbers) {
  std::mt19937_64 random(20261130);
  for (const unsigned thousandths : {1001u, 1020u, 1049u}) {
    const Buckets buckets({Kind::bucket, 0, 16, Unit::none, thousandths});
    for (int round = 0; round < 100000; ++round) {
      double one = std::bit_cast<double>(random()), other = std::bit_cast<double>(random());
      if (round % 2 == 0) {  // neighbours, of sizes that people have
        one = static_cast<double>(random() % 100'000'000) / 100;
        other = std::nextafter(one, 1e20);
      }
      if (std::isnan(one) || std::isnan(other)) continue;
      if (one > other) std::swap(one, other);
      ASSERT_LE(buckets.of(PlainType::float8, float8_form(one)),
                buckets.of(PlainType::float8, float8_form(other)))
          << one << " and " << other;
      auto less = static_cast<std::int64_t>(random()) >> (round % 64),
           more = static_cast<std::int64_t>(random()) >> (round % 64);
      if (less > more) std::swap(less, more);
      ASSERT_LE(buckets.of(PlainType::int8, int8_form(less)),
                buckets.of(PlainType::int8, int8_form(more)))
          << less << " and " << more;
    }
  }
}

TEST(Buckets, RiseWithDates) {
  std::mt19937_64 random(20261130);
  for (const Unit unit : {Unit::day, Unit::week, Unit::month, Unit::quarter, Unit::year}) {
    const Buckets buckets({Kind::bucket, 0, 16, unit, 0});
    for (std::int32_t day = -40000; day < 40000; ++day) {
      const auto bucket = buckets.of(PlainType::date, form_of(static_cast<std::uint32_t>(day)));
      const auto next = buckets.of(PlainType::date, form_of(static_cast<std::uint32_t>(day + 1)));
      ASSERT_LE(*bucket, *next) << day;
      ASSERT_LE(*next, *bucket + 1) << "no bucket is left out: " << day;
    }
    for (int round = 0; round < 100000; ++round) {
      auto less = static_cast<std::int64_t>(random()) >> (round % 64),
           more = static_cast<std::int64_t>(random()) >> (round % 64);
      if (less > more) std::swap(less, more);
      ASSERT_LE(buckets.of(PlainType::timestamp, int8_form(less)),
                buckets.of(PlainType::timestamp, int8_form(more)))
          << less << " and " << more;
    }
  }
}

// As PostgreSQL sorts: -infinity, numbers, infinity, NaN; and -0 is 0.
TEST(Buckets, HaveNoSpecialCases) {
  const Buckets buckets(kRatio);
  const auto of = [&](double value) { return *buckets.of(PlainType::float8, float8_form(value)); };
  EXPECT_EQ(of(-INFINITY), buckets.lowest());
  EXPECT_EQ(of(-1e15), buckets.lowest());
  EXPECT_GT(of(-9.99e14), buckets.lowest());
  EXPECT_EQ(of(-1e-7), -1);
  EXPECT_EQ(of(-0.0), 0);
  EXPECT_EQ(of(0.0), 0);
  EXPECT_EQ(of(5e-324), 1);
  EXPECT_EQ(of(INFINITY), buckets.highest());
  EXPECT_EQ(of(NAN), buckets.highest());
  EXPECT_EQ(of(-std::numeric_limits<double>::quiet_NaN()), buckets.highest());
}

TEST(Buckets, OfOneNumberAreThoseOfItsOtherForms) {
  const Buckets buckets(kRatio);
  const auto of = [&](const Bytes& form) { return buckets.of(PlainType::numeric, form); };
  const auto number = buckets.of(PlainType::int8, int8_form(-12345678));
  EXPECT_EQ(of(numeric_form(1, true, {1234, 5678})), number);
  EXPECT_EQ(of(numeric_form(2, true, {0, 1234, 5678})), number) << "zeros before it";
  EXPECT_EQ(of(numeric_form(1, true, {1234, 5678, 0})), number) << "and behind it";
  EXPECT_EQ(of(numeric_form(0, false, {0, 0})), 0);
  EXPECT_EQ(of(numeric_form(32767, false, {1})), buckets.highest());
  EXPECT_EQ(of(numeric_form(-32768, false, {1})), 1);
}

TEST(Buckets, AreOfWholeCanonicalForms) {
  const Buckets ratio(kRatio), month(kMonth);
  for (const std::size_t bytes : {0, 1, 3, 5, 7, 9}) {
    const Bytes form(bytes, 1);
    for (const PlainType type : {PlainType::int2, PlainType::int4, PlainType::int8,
                                 PlainType::float4, PlainType::float8, PlainType::numeric})
      EXPECT_FALSE(ratio.of(type, form)) << plain_name(type) << ' ' << bytes;
    for (const PlainType type : {PlainType::date, PlainType::timestamp, PlainType::timestamptz})
      EXPECT_FALSE(month.of(type, form)) << plain_name(type) << ' ' << bytes;
  }
  Bytes numeric = numeric_form(0, false, {1});
  numeric.push_back(0);
  EXPECT_FALSE(ratio.of(PlainType::numeric, numeric)) << "longer than it says";
  EXPECT_FALSE(ratio.of(PlainType::numeric, numeric_form(0, false, {10000}))) << "no such digit";
  numeric = numeric_form(0, false, {1});
  numeric[4] = 0x80;
  EXPECT_FALSE(ratio.of(PlainType::numeric, numeric)) << "no such sign";
}

TEST(Buckets, AreOfTheirOwnTypes) {
  EXPECT_FALSE(Buckets(kMonth).of(PlainType::int4, Bytes(4)));
  EXPECT_FALSE(Buckets(kRatio).of(PlainType::date, Bytes(4)));
  for (const PlainTypeRow& row : kPlainTypes) {
    EXPECT_FALSE(has_buckets(kMonth, row.type) && has_buckets(kRatio, row.type)) << row.name;
    EXPECT_FALSE(has_buckets({Kind::whole, 0, 16}, row.type)) << row.name;
  }
  EXPECT_FALSE(has_buckets(kRatio, PlainType::int4_array));
  EXPECT_FALSE(has_buckets(kMonth, PlainType::time));
  EXPECT_FALSE(has_buckets(kMonth, PlainType::interval));
}

TEST(Buckets, HaveTokensUpToTheirMost) {
  EXPECT_THAT(tokens_of_buckets(-2, 1), ElementsAre("-1", "-2", "0", "1"));
  EXPECT_TRUE(tokens_of_buckets(2, 1).empty());
  EXPECT_EQ(tokens_of_buckets(1, kMostBuckets).size(), static_cast<std::size_t>(kMostBuckets));
  EXPECT_EQ(tokens_of_buckets(0, kMostBuckets).size(), static_cast<std::size_t>(kMostBuckets));
  EXPECT_LE(Buckets(kMonth).highest() - Buckets(kMonth).lowest(), kMostBuckets)
      << "any range of months is served";
}

TEST(Declaration, OfBucketsIsWrittenAndReadInOneWay) {
  Unread why{};
  for (const char* text : {"bucket(unit=day, bits=16)", "bucket(unit=week, bits=12)",
                           "bucket(unit=month, bits=32)", "bucket(unit=quarter, bits=16)",
                           "bucket(unit=year, bits=16)", "bucket(ratio=1.02, bits=16)",
                           "bucket(ratio=1.001, bits=16)", "bucket(ratio=1.049, bits=16)"}) {
    const auto read = parse_declaration(text, why);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(to_text(*read), text);
  }
  for (const char* text : {"bucket",
                           "bucket(",
                           "bucket()",
                           "bucket(unit=month)",
                           "bucket(unit=hour, bits=16)",
                           "bucket(unit=, bits=16)",
                           "bucket(unit=month, bits=11)",
                           "bucket(unit=month, bits=33)",
                           "bucket(unit=month, bits=016)",
                           "bucket(unit=month, bits=16",
                           "bucket(unit=month, bits=16) ",
                           "bucket(unit=month, bits=16, unicode=15.0.0)",
                           "bucket(unit=month, ratio=1.02, bits=16)",
                           "bucket(ratio=1, bits=16)",
                           "bucket(ratio=1., bits=16)",
                           "bucket(ratio=1.020, bits=16)",
                           "bucket(ratio=1.0005, bits=16)",
                           "bucket(ratio=1.05, bits=16)",
                           "bucket(ratio=2.02, bits=16)",
                           "bucket(ratio=01.02, bits=16)",
                           "bucket(bits=16)"}) {
    EXPECT_FALSE(parse_declaration(text, why)) << text;
    EXPECT_EQ(why, Unread::malformed) << text;
  }
}

}  // namespace
}  // namespace nae::search
