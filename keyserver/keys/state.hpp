// The life of a key version as two tables: what a version in a state may serve, and which state
// may follow which (NIST SP 800-57 part 1, section 7).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "keyserver/keys/key.hpp"
#include "libnae/base/action.hpp"

namespace nae::keys {

std::span<const State> states();
std::string_view name(State state);  // "pre-active"
std::optional<State> state_from_name(std::string_view name);
std::optional<State> state_from_number(std::uint8_t number);

// True when a version in `state` may serve `action`. Rewrap asks for its reading half; its writing
// half is an encrypt under the primary version and asks as that. Hash and random use no key.
bool permits(State state, Action action);

// True when an administrator may move a version from one state to the other. Destruction starts
// from a state that serves nothing, so that whatever still needs the version has shown itself.
bool may_become(State from, State to);

}  // namespace nae::keys
