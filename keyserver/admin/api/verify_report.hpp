// The answer to "is the audit log intact?" as JSON.
#pragma once

#include "keyserver/admin/api/json.hpp"
#include "keyserver/audit/verify.hpp"

namespace nae::admin::api {

json::object to_json(const audit::VerifyReport& report);

// The scope between two bounds, each empty, a sequence number or a time (time.hpp). Numbers are
// inclusive, the second time is not. Code::invalid_argument otherwise.
Result<audit::VerifyScope> parse_scope(std::string_view from, std::string_view to);

}  // namespace nae::admin::api
