// Is the key server able to serve? For /readyz and /v1/status.
#pragma once

#include "keyserver/admin/admin_parts.hpp"
#include "keyserver/admin/api/json.hpp"

namespace nae::admin {

struct Readiness {
  bool ready = false;
  boost::json::object parts;  // "hsm", "store", ...: {"ok", "problem"}
};

// Asks the store (StoreParts::check); of the HSM and the audit log what they last knew, so
// that a hanging module cannot hang the question.
Readiness readiness(AdminParts& parts);

}  // namespace nae::admin
