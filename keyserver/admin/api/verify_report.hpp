// The answer to "is the audit log intact?" as JSON.
#pragma once

#include "keyserver/admin/api/json.hpp"
#include "keyserver/audit/verify.hpp"

namespace nae::admin::api {

json::object to_json(const audit::VerifyReport& report);

}  // namespace nae::admin::api
