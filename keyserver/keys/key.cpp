#include "keyserver/keys/key.hpp"

#include <algorithm>
#include <iterator>

namespace nae::keys {

const Version* Key::primary() const {
  const Version* newest = nullptr;
  for (const Version& v : versions)  // they ascend
    if (v.state == State::active) newest = &v;
  return newest;
}

namespace {

struct OriginRow {
  Origin origin;
  std::string_view name;
};
constexpr OriginRow kOrigins[] = {
    {Origin::unknown, "unknown"}, {Origin::generated, "generated"}, {Origin::imported, "imported"}};

const OriginRow* find_origin(auto matches) {
  const auto* found = std::ranges::find_if(kOrigins, matches);
  return found == std::end(kOrigins) ? nullptr : found;
}

}  // namespace

std::string_view name(Origin origin) {
  const OriginRow* row = find_origin([&](const OriginRow& r) { return r.origin == origin; });
  return row ? row->name : "unknown";
}

std::optional<Origin> origin_from_name(std::string_view text) {
  const OriginRow* row = find_origin([&](const OriginRow& r) { return r.name == text; });
  return row ? std::optional(row->origin) : std::nullopt;
}

std::optional<Origin> origin_from_number(std::int64_t number) {
  const OriginRow* row = find_origin(
      [&](const OriginRow& r) { return static_cast<std::int64_t>(r.origin) == number; });
  return row ? std::optional(row->origin) : std::nullopt;
}

Origin Key::origin() const {
  // The worst of what is there; where nothing is there nothing can be used.
  Origin worst = Origin::generated;
  for (const Version& v : versions) {
    if (v.state == State::destroyed || v.binding.origin == Origin::generated) continue;
    if (v.binding.origin == Origin::imported) return Origin::imported;
    worst = Origin::unknown;
  }
  return worst;
}

const Version* Key::version(std::uint16_t number) const {
  const auto found = std::ranges::lower_bound(versions, number, {}, &Version::number);
  return found != versions.end() && found->number == number ? &*found : nullptr;
}

}  // namespace nae::keys
