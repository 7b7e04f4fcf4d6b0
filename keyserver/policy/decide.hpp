// May this subject do this, at this moment? Pure: no I/O, no state.
#pragma once

#include <cstdint>
#include <string_view>

#include "keyserver/policy/document.hpp"
#include "keyserver/policy/subject.hpp"
#include "keyserver/policy/verdict.hpp"

namespace nae::policy {

// Default deny; an explicit deny wins over every allowing rule; of several allowing rules the most
// restrictive result wins and all their limits count. `key` is the key's name and is ignored for
// hash and random. `now_us` is Unix time: the answer holds until Decision::valid_until_us.
Decision decide(const Document& document, const Subject& subject, Action action,
                const AskedKey& key, std::int64_t now_us);

}  // namespace nae::policy
