#include "keyserver/keys/key.hpp"

#include <algorithm>
#include <ranges>

namespace nae::keys {

const Version* Key::primary() const {
  for (const Version& v : versions | std::views::reverse)
    if (v.state == State::active) return &v;
  return nullptr;
}

const Version* Key::version(std::uint16_t number) const {
  const auto found = std::ranges::lower_bound(versions, number, {}, &Version::number);
  return found != versions.end() && found->number == number ? &*found : nullptr;
}

}  // namespace nae::keys
