// Sums and reports over the audit log as JSON.
#pragma once

#include "keyserver/admin/api/json.hpp"
#include "keyserver/audit/report.hpp"
#include "keyserver/audit/segment_checks.hpp"
#include "keyserver/audit/summary.hpp"

namespace nae::admin::api {

json::object to_json(const audit::Summary& summary);
json::object to_json(const audit::Report& report);
json::object to_json(const audit::DamagedSegment& damaged);

// {"lines", "next"}: the records of a page as they stand in the log, for who keeps them.
json::object to_json(const audit::Page& page);

}  // namespace nae::admin::api
