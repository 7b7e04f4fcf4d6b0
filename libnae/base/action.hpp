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
  search = 15,
};

// What executing a request a second time leaves behind, beside its own record.
enum class Repeated : std::uint8_t {
  nothing,  // the answer is the same, or says the same
  result,   // one more ciphertext or random number, as good as the first; harmless while nobody has
            // seen that
  act,      // one more act: signatures are counted, keys handed out
};
constexpr Repeated when_repeated(Action action) {
  switch (action) {
    case Action::decrypt:
    case Action::verify:
    case Action::mac:
    case Action::mac_verify:
    case Action::hash:
    case Action::search:
    case Action::derive:
      return Repeated::nothing;
    case Action::encrypt:
    case Action::rewrap:
    case Action::random:
      return Repeated::result;
    case Action::sign:
    case Action::wrap:
    case Action::unwrap:
    case Action::export_key:
    case Action::manage:
      return Repeated::act;
  }
  return Repeated::act;
}

// Whether key servers count it, in some of its forms at least, as a use of a key version: what a
// follower leaves to the one in charge (docs/spec/group.md, F7).
constexpr bool counts_as_use(Action action) {
  switch (action) {
    case Action::encrypt:
    case Action::rewrap:
    case Action::sign:
    case Action::mac:
      return true;
    case Action::decrypt:
    case Action::verify:
    case Action::mac_verify:
    case Action::hash:
    case Action::random:
    case Action::wrap:
    case Action::unwrap:
    case Action::derive:
    case Action::export_key:
    case Action::manage:
    case Action::search:
      return false;
  }
  return true;
}

std::string_view name(Action action);                      // "mac-verify"
std::optional<Action> action_from_name(std::string_view);  // exact, lower case
std::optional<Action> action_from_wire(std::uint8_t number);

}  // namespace nae
