// The actions that policy speaks of. None implies another.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nae {

// Values travel on the wire.
enum class Action : std::uint8_t {
  encrypt = 1,
  decrypt = 2,
  sign = 3,
  verify = 4,
  mac = 5,
  mac_verify = 6,
  hash = 7,
  random = 8,
  wrap = 9,
  unwrap = 10,
  rewrap = 11,
  derive = 12,
  export_key = 13,
  manage = 14,
};

std::string_view name(Action action);                      // "mac-verify"
std::optional<Action> action_from_name(std::string_view);  // exact, lower case
std::optional<Action> action_from_wire(std::uint8_t number);

}  // namespace nae
