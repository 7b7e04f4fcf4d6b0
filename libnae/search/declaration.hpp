// Declaration: what the codes of a searched column are made of, as the database keeps it:
//   word(letters=4, bits=16, unicode=15.0.0)      whole(bits=16, unicode=15.0.0)
//   bucket(unit=month, bits=16)                   bucket(ratio=1.02, bits=16)
// It goes into every code, so that codes of two declarations never meet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nae::search {

enum class Kind : std::uint8_t {
  word,    // the first letters of each word; shorter words whole
  whole,   // all of the value
  domain,  // of an e-mail address: what follows the last @
  last4,   // the last four digits; fewer where there are fewer
  bucket,  // of a date or a number: where in their order it stands (buckets.hpp)
};

// Of dates and times; none: numbers.
enum class Unit : std::uint8_t { none, day, week, month, quarter, year };

inline constexpr unsigned kMinLetters = 3, kMaxLetters = 8;
inline constexpr unsigned kMinBits = 12, kMaxBits = 32;
// 1.001 to 1.049. Wider buckets of numbers that people have tell nearly all of them by how many
// there are of each (docs/search.md).
inline constexpr unsigned kMinThousandths = 1001, kMaxThousandths = 1049;

struct Declaration {
  Kind kind{};
  unsigned letters = 0;  // of word alone
  unsigned bits = 0;
  // Of bucket alone, one of the two.
  Unit unit = Unit::none;
  unsigned thousandths = 0;  // how many times the last bucket the next one is, of 1000
};

std::optional<Kind> kind_from_name(std::string_view name);
std::optional<Unit> unit_from_name(std::string_view name);

// The one way in which a declaration is written, with the Unicode version of this library.
std::string to_text(const Declaration& declaration);

enum class Unread : std::uint8_t { malformed, other_unicode };
// Nothing, and why, where this library makes no codes of it: it is none, or of another Unicode
// version, whose folding may be another one.
std::optional<Declaration> parse_declaration(std::string_view text, Unread& why);

}  // namespace nae::search
