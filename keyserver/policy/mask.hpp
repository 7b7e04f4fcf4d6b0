// Masks: what a reader sees of a text who may not see all of it. Computed here, in the key server,
// so that the rest of the text never reaches the database host.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::policy {

inline constexpr std::size_t kMaxMaskTextBytes = 64;
inline constexpr std::uint32_t kMaxMaskKeptCharacters = 64;

// The written forms (docs/spec/policy.md, "Masks"):
//   mask(first=2, last=4)   keeps so many characters at the ends, '*' for each other one
//   mask(text="hidden")     the text, whatever the value is
//   mask(email)             first character of the local part and the domain: j***@example.org
//   mask(digits, last=4)    every digit but the last four becomes '*', other ASCII stays:
//                           ***-**-6789
// A character is a Unicode code point.
struct Mask {
  enum class Kind : std::uint8_t { fixed, email, ends, digits };
  Kind kind = Kind::fixed;
  std::uint32_t first = 0;  // characters kept; of ends and digits
  std::uint32_t last = 0;
  std::string text = {};  // of fixed; never empty there
  friend auto operator<=>(const Mask&, const Mask&) = default;
};

// Code::policy_invalid for what is none of the forms above or beyond the limits.
Result<Mask> parse_mask(std::string_view written);
std::string to_text(const Mask& mask);  // parse_mask() of it is the mask again

// Bytes that the masked form of a value of `value_bytes` takes at most, whatever the mask.
std::size_t max_masked_bytes(std::size_t value_bytes);

// Writes the masked form of `value` into `out`, which has max_masked_bytes(), and answers its
// length. A value too short for its mask shows nothing of itself. Code::value_not_text when the
// value is not well-formed UTF-8: garbage would be a guess at what to hide.
Result<std::size_t> mask(const Mask& mask, ByteView value, ByteSpan out);

// By the one of `masks` (at least one) that shows the fewest characters of this value; of equals,
// by the smallest Mask, so that the order of rules never matters.
Result<std::size_t> mask(std::span<const Mask> masks, ByteView value, ByteSpan out);

}  // namespace nae::policy
