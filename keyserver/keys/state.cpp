#include "keyserver/keys/state.hpp"

#include <iterator>

namespace nae::keys {
namespace {

constexpr State kStates[] = {State::pre_active, State::active, State::restricted, State::retired,
                             State::destroyed};
constexpr std::string_view kNames[] = {"pre-active", "active", "restricted", "retired",
                                       "destroyed"};
static_assert(std::size(kNames) == std::size(kStates));

struct PermissionRow {
  Action action;
  bool in[std::size(kStates)];
};

// Applying protection needs an active version; what reads or checks what was protected also works
// under a restricted one. What stands in no row is permitted in no state.
constexpr PermissionRow kPermissions[] = {
    //                     pre-active active restricted retired destroyed
    {Action::encrypt, {false, true, false, false, false}},
    {Action::decrypt, {false, true, true, false, false}},
    {Action::sign, {false, true, false, false, false}},
    {Action::verify, {false, true, true, false, false}},
    {Action::mac, {false, true, false, false, false}},
    {Action::mac_verify, {false, true, true, false, false}},
    {Action::hash, {false, false, false, false, false}},
    {Action::random, {false, false, false, false, false}},
    {Action::rewrap, {false, true, true, false, false}},
    // What somebody encrypted to the public half is still to be read.
    {Action::derive, {false, true, true, false, false}},
    {Action::search, {false, true, false, false, false}},
};

// From a row's state to a column's. A restricted version never becomes active again: rotation makes
// a better one, and what was restricted may have been restricted for a suspicion.
constexpr bool kSteps[std::size(kStates)][std::size(kStates)] = {
    // pre-active active restricted retired destroyed
    {false, true, false, true, true},    // pre-active
    {false, false, true, true, false},   // active
    {false, false, false, true, false},  // restricted
    {false, false, true, false, true},   // retired
    {false, false, false, false, false}  // destroyed
};

std::optional<std::size_t> column(State state) {
  for (std::size_t i = 0; i < std::size(kStates); ++i)
    if (kStates[i] == state) return i;
  return std::nullopt;
}

}  // namespace

std::span<const State> states() {
  return kStates;
}

std::string_view name(State state) {
  const auto at = column(state);
  return at ? kNames[*at] : std::string_view("unknown");
}

std::optional<State> state_from_name(std::string_view text) {
  for (State state : kStates)
    if (name(state) == text) return state;
  return std::nullopt;
}

std::optional<State> state_from_number(std::uint8_t number) {
  for (State state : kStates)
    if (static_cast<std::uint8_t>(state) == number) return state;
  return std::nullopt;
}

bool permits(State state, Action action) {
  const auto at = column(state);
  if (!at) return false;
  for (const PermissionRow& row : kPermissions)
    if (row.action == action) return row.in[*at];
  return false;
}

bool may_become(State from, State to) {
  const auto row = column(from), at = column(to);
  return row && at && kSteps[*row][*at];
}

}  // namespace nae::keys
