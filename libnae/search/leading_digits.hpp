// LeadingDigits: how large a number is, as far as its bucket asks: its sign, the place of its first
// decimal digit, and the seven digits from there on, the rest cut off. In one way for all types of
// numbers, so that the order of two of them is that of their digits.
#pragma once

#include <optional>

#include "libnae/base/bytes.hpp"
#include "libnae/envelope/plain_type.hpp"

namespace nae::search {

inline constexpr std::uint32_t kLeastLeading = 1'000'000, kLeadingEnd = 10'000'000;

struct LeadingDigits {
  enum class Size : std::uint8_t { zero, finite, endless };
  Size size = Size::zero;
  bool is_negative = false;
  std::int32_t exponent = 0;  // of ten: 0 for what is at least 1 and below 10
  std::uint32_t digits = 0;   // kLeastLeading and more, below kLeadingEnd
};

// Of a canonical form (docs/spec/column.md) of int2, int4, int8, numeric, float4 or float8. NaN is
// endless and not negative: PostgreSQL sorts it behind all numbers. Nothing where it is none.
std::optional<LeadingDigits> read_leading_digits(PlainType type, ByteView canonical);

}  // namespace nae::search
