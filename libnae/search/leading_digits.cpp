#include "libnae/search/leading_digits.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <string_view>

namespace nae::search {
namespace {

using Size = LeadingDigits::Size;

constexpr int kLeadingCount = 7;

std::uint32_t seven_of(std::string_view decimal) {
  std::uint32_t digits = 0;
  for (std::size_t i = 0; i < kLeadingCount; ++i)
    digits = digits * 10 + (i < decimal.size() ? static_cast<std::uint32_t>(decimal[i] - '0') : 0);
  return digits;
}

template <class Signed>
std::optional<LeadingDigits> of_integer(ByteView canonical) {
  using Unsigned = std::make_unsigned_t<Signed>;
  if (canonical.size() != sizeof(Signed)) return std::nullopt;
  const auto value = static_cast<Signed>(load_big_endian<Unsigned>(canonical.data()));
  LeadingDigits leading;
  if (value == 0) return leading;
  leading.size = Size::finite;
  leading.is_negative = value < 0;
  const auto wide = static_cast<std::int64_t>(value);
  // The negative of the least one is none.
  const std::uint64_t magnitude =
      wide < 0 ? ~static_cast<std::uint64_t>(wide) + 1 : static_cast<std::uint64_t>(wide);
  char decimal[20];
  const auto [end, error] = std::to_chars(decimal, decimal + sizeof decimal, magnitude);
  if (error != std::errc{}) return std::nullopt;
  leading.exponent = static_cast<std::int32_t>(end - decimal) - 1;
  leading.digits = seven_of({decimal, static_cast<std::size_t>(end - decimal)});
  return leading;
}

// Of the shortest decimal that is read as this very number: for each of two numbers one of its own,
// in their order.
std::optional<LeadingDigits> of_float(double value) {
  LeadingDigits leading;
  if (value == 0) return leading;
  leading.is_negative = value < 0;
  leading.size = Size::endless;
  if (!std::isfinite(value)) return leading;
  leading.size = Size::finite;
  char written[32];  // 1.7976931348623157e+308
  const auto [end, error] = std::to_chars(written, written + sizeof written, std::fabs(value),
                                          std::chars_format::scientific);
  if (error != std::errc{}) return std::nullopt;
  char* const exponent = std::find(written, end, 'e');
  // from_chars takes no plus sign.
  const char* first = exponent + 1 + (exponent[1] == '+' ? 1 : 0);
  if (std::from_chars(first, end, leading.exponent).ec != std::errc{}) return std::nullopt;
  char* const digits_end = std::remove(written, exponent, '.');
  leading.digits = seven_of({written, static_cast<std::size_t>(digits_end - written)});
  return leading;
}

template <class Float, class Bits>
std::optional<LeadingDigits> of_float_form(ByteView canonical) {
  if (canonical.size() != sizeof(Float)) return std::nullopt;
  return of_float(std::bit_cast<Float>(load_big_endian<Bits>(canonical.data())));
}

// PostgreSQL's: count, weight, sign and scale, then digits of the base 10,000.
constexpr std::size_t kNumericHeadBytes = 8, kNumericDigitBytes = 2;
constexpr std::uint16_t kPositive = 0x0000, kNegative = 0x4000, kNaN = 0xc000, kInfinity = 0xd000,
                        kNegativeInfinity = 0xf000;
constexpr int kDecimalsOfDigit = 4;
constexpr std::uint16_t kBase = 10'000;

std::optional<LeadingDigits> of_numeric(ByteView canonical) {
  if (canonical.size() < kNumericHeadBytes) return std::nullopt;
  const auto at = [&](std::size_t place) {
    return load_big_endian<std::uint16_t>(canonical.data() + place * 2);
  };
  const std::uint16_t count = at(0), sign = at(2);
  const auto weight = static_cast<std::int16_t>(at(1));
  LeadingDigits leading;
  if (sign == kNaN || sign == kInfinity || sign == kNegativeInfinity) {
    leading.size = Size::endless;
    leading.is_negative = sign == kNegativeInfinity;
    return leading;
  }
  if (sign != kPositive && sign != kNegative) return std::nullopt;
  if (canonical.size() != kNumericHeadBytes + count * kNumericDigitBytes) return std::nullopt;
  std::string_view decimal;
  char written[kDecimalsOfDigit * 3];  // seven digits are in three of the base
  std::size_t first = 0;
  while (first < count && at(4 + first) == 0) ++first;
  if (first == count) return leading;
  for (std::size_t i = 0; i < 3; ++i) {
    unsigned digit = first + i < count ? at(4 + first + i) : 0;
    if (digit >= kBase) return std::nullopt;
    for (std::size_t place = kDecimalsOfDigit; place-- > 0; digit /= 10)
      written[i * kDecimalsOfDigit + place] = static_cast<char>('0' + digit % 10);
  }
  decimal = {written, sizeof written};
  const std::size_t zeros = decimal.find_first_not_of('0');
  leading.size = Size::finite;
  leading.is_negative = sign == kNegative;
  leading.exponent = (weight - static_cast<std::int32_t>(first)) * kDecimalsOfDigit +
                     kDecimalsOfDigit - 1 - static_cast<std::int32_t>(zeros);
  leading.digits = seven_of(decimal.substr(zeros));
  return leading;
}

}  // namespace

std::optional<LeadingDigits> read_leading_digits(PlainType type, ByteView canonical) {
  switch (type) {
    case PlainType::int2:
      return of_integer<std::int16_t>(canonical);
    case PlainType::int4:
      return of_integer<std::int32_t>(canonical);
    case PlainType::int8:
      return of_integer<std::int64_t>(canonical);
    case PlainType::numeric:
      return of_numeric(canonical);
    case PlainType::float4:
      return of_float_form<float, std::uint32_t>(canonical);
    case PlainType::float8:
      return of_float_form<double, std::uint64_t>(canonical);
    default:
      return std::nullopt;
  }
}

}  // namespace nae::search
