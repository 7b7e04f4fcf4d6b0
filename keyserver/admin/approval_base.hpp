// What a request for approval changes, as it was when the request was made: an approval is of a
// change, so it is refused when what it would change has become another.
#pragma once

#include <string>

#include "keyserver/admin/route.hpp"

namespace nae::admin {

// "policy:7" for the revision in force, key_digest() of the key, "admin:" and a digest of an
// administrator; "" for what makes something new. Code::key_unknown, not_found.
Result<std::string> base_of(const AdminCall& call, const Route& route);

}  // namespace nae::admin
