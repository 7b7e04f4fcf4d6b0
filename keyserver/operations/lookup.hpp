// Lookups: what a caller may know about itself and the keys it may use.
#pragma once

#include "keyserver/operations/caller.hpp"
#include "keyserver/operations/parts.hpp"
#include "libnae/base/table.hpp"

namespace nae::operations {

Table whoami(Caller& caller, const Parts& parts, std::int64_t now_us);
// Keys on which policy allows at least one action that the key's type has.
Table usable_keys(Caller& caller, const Parts& parts, std::int64_t now_us);
// The ids of the same keys, which their envelopes show to anybody.
Table usable_key_ids(Caller& caller, const Parts& parts, std::int64_t now_us);
// Each version of the same keys that serves something: what a program needs to show them as the
// objects of a token.
Table usable_objects(Caller& caller, const Parts& parts, std::int64_t now_us);

}  // namespace nae::operations
