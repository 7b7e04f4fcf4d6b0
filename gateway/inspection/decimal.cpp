#include "gateway/inspection/decimal.hpp"

#include <algorithm>

namespace nae::gateway {
namespace {

constexpr std::size_t kMaxTextBytes = 500;
constexpr std::size_t kGroup = 4;  // decimal digits in one of numeric
constexpr std::uint16_t kNegative = 0x4000;
constexpr std::size_t kMaxGroups = 1024, kMaxScale = 2000;

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<Bytes> numeric_of_decimal(std::string_view text, bool trimmed) {
  if (text.size() > kMaxTextBytes) return std::nullopt;
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  std::string_view fraction = text.substr(std::min(point + 1, text.size()));
  if (!all_digits(whole) || (point != text.size() && !all_digits(fraction))) return std::nullopt;
  while (trimmed && fraction.ends_with('0')) fraction.remove_suffix(1);

  // Whole groups on both sides of the point.
  std::string digits((kGroup - whole.size() % kGroup) % kGroup, '0');
  digits += whole;
  auto weight = static_cast<int>(digits.size() / kGroup) - 1;
  digits += fraction;
  digits.append((kGroup - digits.size() % kGroup) % kGroup, '0');
  std::vector<std::uint16_t> groups;
  for (std::size_t at = 0; at < digits.size(); at += kGroup)
    groups.push_back(static_cast<std::uint16_t>(std::stoi(digits.substr(at, kGroup))));
  while (!groups.empty() && groups.back() == 0) groups.pop_back();
  std::size_t leading = 0;
  while (leading < groups.size() && groups[leading] == 0) ++leading;
  groups.erase(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(leading));
  weight = groups.empty() ? 0 : weight - static_cast<int>(leading);

  Bytes out;
  ByteWriter writer(out);
  writer.u16(static_cast<std::uint16_t>(groups.size()));
  writer.u16(static_cast<std::uint16_t>(weight));
  writer.u16(is_negative && !groups.empty() ? kNegative : 0);
  writer.u16(static_cast<std::uint16_t>(fraction.size()));
  for (const std::uint16_t group : groups) writer.u16(group);
  return out;
}

std::optional<std::string> decimal_of_numeric(ByteView bytes) {
  ByteReader in(bytes);
  const std::size_t count = in.u16();
  const auto weight = static_cast<std::int16_t>(in.u16());
  const std::uint16_t sign = in.u16();
  const std::size_t scale = in.u16();
  if (!in.ok() || (sign != 0 && sign != kNegative) || count > kMaxGroups || scale > kMaxScale ||
      weight > static_cast<int>(kMaxGroups) || weight < -static_cast<int>(kMaxGroups))
    return std::nullopt;
  std::vector<std::string> groups;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint16_t group = in.u16();
    if (group > 9999) return std::nullopt;
    std::string text = std::to_string(group);
    groups.push_back(std::string(kGroup - text.size(), '0') + text);
  }
  if (!in.complete()) return std::nullopt;
  // `place`: the power of 10000.
  const auto group_at = [&](int place) {
    const int at = weight - place;
    return at >= 0 && at < static_cast<int>(count) ? groups[static_cast<std::size_t>(at)]
                                                   : std::string(kGroup, '0');
  };
  std::string whole, fraction;
  for (int place = std::max<int>(weight, 0); place >= 0; --place) whole += group_at(place);
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size() - 1));
  for (int place = -1; fraction.size() < scale; --place) fraction += group_at(place);
  fraction.resize(scale);
  return (sign ? "-" : "") + whole + (scale ? "." + fraction : "");
}

}  // namespace nae::gateway
