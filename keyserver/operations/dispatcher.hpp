// Dispatcher: serves one crypto request: calls its action, records what happened, answers.
#pragma once

#include <optional>

#include "keyserver/audit/request_records.hpp"
#include "keyserver/operations/request.hpp"

namespace nae::operations {

// Answers the request in `request.answer` and adds its records to `records`; the answer may leave
// only after their batch was written. Or answers the work that the HSM has to do first; nothing is
// recorded then, and the request is to be served again with what the work prepared.
std::optional<HsmWork> serve(Request& request, audit::RequestRecords& records);

// Records and answers a request that failed before or beside its action.
void refuse(Request& request, const Refused& refused, audit::RequestRecords& records);

}  // namespace nae::operations
