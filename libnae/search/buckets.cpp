#include "libnae/search/buckets.hpp"

#include <algorithm>
#include <chrono>

#include "libnae/search/leading_digits.hpp"

namespace nae::search {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

// PostgreSQL counts from here.
constexpr sys_days kEpoch = std::chrono::year{2000} / 1 / 1;
constexpr std::int64_t kMicrosecondsOfDay = 86'400'000'000;
// Before the first and behind the last one that has a bucket by itself.
constexpr std::int64_t kBefore = (sys_days(std::chrono::year{1899} / 12 / 31) - kEpoch).count();
constexpr std::int64_t kBehind = (sys_days(std::chrono::year{2100} / 1 / 1) - kEpoch).count();
// Weeks begin on Mondays; the epoch was a Saturday.
constexpr std::int64_t kSinceMonday = 5;

constexpr std::int32_t kLeastExponent = -6, kExponentEnd = 15;
constexpr std::uint32_t kThousandths = 1000;

// Rounded down, below zero too.
constexpr std::int64_t divided(std::int64_t number, std::int64_t by) {
  return number / by - (number % by < 0 ? 1 : 0);
}

template <class Signed>
std::optional<std::int64_t> read_integer(ByteView canonical) {
  if (canonical.size() != sizeof(Signed)) return std::nullopt;
  return static_cast<Signed>(load_big_endian<std::make_unsigned_t<Signed>>(canonical.data()));
}

// Infinities are the least and the greatest number.
std::optional<std::int64_t> read_day(PlainType type, ByteView canonical) {
  if (type == PlainType::date) return read_integer<std::int32_t>(canonical);
  const auto microseconds = read_integer<std::int64_t>(canonical);
  if (!microseconds) return std::nullopt;
  return divided(*microseconds, kMicrosecondsOfDay);
}

std::vector<std::uint32_t> steps_of(const Declaration& declaration) {
  std::vector<std::uint32_t> steps;
  if (declaration.thousandths < kMinThousandths) return steps;
  for (std::uint32_t step = kLeastLeading; step < kLeadingEnd;
       step =
           static_cast<std::uint32_t>(std::uint64_t{step} * declaration.thousandths / kThousandths))
    steps.push_back(step);
  return steps;
}

}  // namespace

bool has_buckets(const Declaration& declaration, PlainType type) {
  if (declaration.kind != Kind::bucket) return false;
  switch (type) {
    case PlainType::date:
    case PlainType::timestamp:
    case PlainType::timestamptz:
      return declaration.unit != Unit::none;
    case PlainType::int2:
    case PlainType::int4:
    case PlainType::int8:
    case PlainType::numeric:
    case PlainType::float4:
    case PlainType::float8:
      return declaration.unit == Unit::none;
    default:
      return false;
  }
}

Buckets::Buckets(const Declaration& declaration)
    : declaration_(declaration), steps_(steps_of(declaration)) {}

std::int32_t Buckets::of_day(std::int64_t day) const {
  day = std::clamp(day, kBefore, kBehind);
  const std::chrono::year_month_day date{kEpoch + days{day}};
  const std::int32_t years = static_cast<int>(date.year()) - 2000;
  const auto months = years * 12 + static_cast<std::int32_t>(unsigned{date.month()}) - 1;
  switch (declaration_.unit) {
    case Unit::day:
      return static_cast<std::int32_t>(day);
    case Unit::week:
      return static_cast<std::int32_t>(divided(day + kSinceMonday, 7));
    case Unit::month:
      return months;
    case Unit::quarter:
      return static_cast<std::int32_t>(divided(months, 3));
    case Unit::year:
    case Unit::none:
      break;
  }
  return years;
}

std::optional<std::int32_t> Buckets::of(PlainType type, ByteView canonical) const {
  if (!has_buckets(declaration_, type)) return std::nullopt;
  if (declaration_.unit != Unit::none) {
    const auto day = read_day(type, canonical);
    if (!day) return std::nullopt;
    return of_day(*day);
  }
  const auto leading = read_leading_digits(type, canonical);
  if (!leading) return std::nullopt;
  if (leading->size == LeadingDigits::Size::zero) return 0;
  std::int32_t number = 1;
  if (leading->size == LeadingDigits::Size::endless || leading->exponent >= kExponentEnd) {
    number = highest();
  } else if (leading->exponent >= kLeastExponent) {
    const auto above = std::ranges::upper_bound(steps_, leading->digits);
    number = 1 + (leading->exponent - kLeastExponent) * static_cast<std::int32_t>(steps_.size()) +
             static_cast<std::int32_t>(above - steps_.begin());
  }
  return leading->is_negative ? -number : number;
}

std::int32_t Buckets::lowest() const {
  return declaration_.unit == Unit::none ? -highest() : of_day(kBefore);
}

std::int32_t Buckets::highest() const {
  if (declaration_.unit != Unit::none) return of_day(kBehind);
  return 2 + (kExponentEnd - kLeastExponent) * static_cast<std::int32_t>(steps_.size());
}

Tokens tokens_of_buckets(std::int32_t first, std::int32_t last) {
  Tokens tokens;
  for (std::int64_t number = first; number <= last && number < first + kMostBuckets; ++number)
    tokens.push_back(std::to_string(number));
  std::ranges::sort(tokens);
  return tokens;
}

}  // namespace nae::search
