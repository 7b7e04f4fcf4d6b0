// Problem details (RFC 9457): how the administration interface says that something failed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "keyserver/admin/api/json.hpp"
#include "libnae/base/result.hpp"

namespace nae::admin::api {

inline constexpr std::string_view kProblemType = "application/problem+json";

// {"type","title","status","detail","code","hint"}. `http_status` 0: the code's own; HTTP itself
// has failures that the codes do not tell apart.
std::string problem_to_json(const Error& error, unsigned http_status = 0);

// The same of what was done and is not a success yet: its member "answer" is what the answer would
// have been.
std::string problem_with_answer(const Error& error, unsigned http_status, json::object answer);

std::optional<json::object> answer_of_problem(std::string_view body);

// The Error that a body of `kProblemType` carries. A code that this build does not know, or a body
// that is no problem at all, becomes Code::internal with the status in its message.
Error problem_from_json(unsigned http_status, std::string_view body);

}  // namespace nae::admin::api
