// Buckets: where in the order of a column's values one of them stands, in rough. The number of a
// bucket never falls while values rise, whatever they are: BC, infinity and NaN are no special
// cases. So the values of a range are in the buckets from that of its lower bound to that of its
// upper one.
//
// Values far off share two buckets, so that a range without one bound has few enough:
//   dates before 1900-01-01, and from 2100-01-01 on
//   numbers below 10^-6, of either sign, and from 10^15 on
#pragma once

#include <optional>
#include <vector>

#include "libnae/envelope/plain_type.hpp"
#include "libnae/search/declaration.hpp"
#include "libnae/search/tokens.hpp"

namespace nae::search {

// A search for more is one for all rows.
inline constexpr std::int32_t kMostBuckets = 4096;

// Whether values of the type have buckets of that declaration.
bool has_buckets(const Declaration& declaration, PlainType type);

class Buckets {
 public:
  explicit Buckets(const Declaration& declaration);

  // Of the canonical form of a value (docs/spec/column.md). Nothing where it is none, or of a type
  // without buckets.
  std::optional<std::int32_t> of(PlainType type, ByteView canonical) const;
  // No value has a lower or a higher one.
  std::int32_t lowest() const;
  std::int32_t highest() const;

 private:
  std::int32_t of_day(std::int64_t day) const;

  Declaration declaration_;
  std::vector<std::uint32_t> steps_;  // where the buckets of one decade begin, as leading digits
};

// Of buckets as tokens_of_value() has those of texts. At most kMostBuckets.
Tokens tokens_of_buckets(std::int32_t first, std::int32_t last);

}  // namespace nae::search
