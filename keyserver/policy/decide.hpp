// May this subject do this? Pure: no I/O, no time, no state.
#pragma once

#include <string_view>

#include "keyserver/policy/document.hpp"
#include "keyserver/policy/subject.hpp"
#include "keyserver/policy/verdict.hpp"

namespace nae::policy {

// Default deny; an explicit deny wins over every allowing rule. `key` is the key's name and is
// ignored for hash and random.
Decision decide(const Document& document, const Subject& subject, Action action,
                std::string_view key);

}  // namespace nae::policy
