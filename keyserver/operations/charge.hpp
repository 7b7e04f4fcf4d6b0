// Charge: counts the items of a request against the limits of policy.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "keyserver/operations/request.hpp"

namespace nae::operations {

// What one that follows leaves to the one in charge; agents go there by themselves.
Error left_to_the_one_in_charge(std::string_view what);

// Takes charged_items() from every limit of `decision`, or refuses with Code::limit_exceeded and
// takes none. Before anything is done for the items, so that those that fail count as well: who
// guesses pays for each guess. A request that is served again is counted once.
std::optional<Refused> charge(Request& request, const policy::Decision& decision,
                              std::string_view key);

// The same for a request whose items name their keys: all of its items or none.
std::optional<Refused> charge(Request& request, std::span<const std::unique_ptr<KeyUse>> uses);

}  // namespace nae::operations
