// What another policy document would change, as JSON.
#pragma once

#include "keyserver/admin/route.hpp"
#include "keyserver/policy/document.hpp"

namespace nae::admin {

// {"declarations", "changes", "complete"}
json::object difference_json(AdminParts& parts, const policy::Document& before,
                             const policy::Document& after);

}  // namespace nae::admin
