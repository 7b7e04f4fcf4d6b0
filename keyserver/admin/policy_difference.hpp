// What another policy document would change, as JSON.
#pragma once

#include "keyserver/admin/route.hpp"
#include "keyserver/policy/document.hpp"

namespace nae::admin {

// {"declarations", "changes", "complete"}; what `ring` has is asked about as well.
json::object difference_json(const keys::KeyRing& ring, const policy::Document& before,
                             const policy::Document& after);

}  // namespace nae::admin
