#include "keyserver/admin/api/problem.hpp"

#include "keyserver/admin/api/json.hpp"

namespace nae::admin::api {
namespace {

constexpr std::uint16_t kLastCode = static_cast<std::uint16_t>(Code::internal);

std::string title_of(Code code) {
  std::string title(name(code));
  for (char& c : title)
    if (c == '_') c = ' ';
  return title;
}

std::optional<Code> code_from_name(std::string_view wanted) {
  for (std::uint16_t number = 0; number <= kLastCode; ++number)
    if (auto code = code_from_wire(number); code && name(*code) == wanted) return code;
  return std::nullopt;
}

json::object problem_of(const Error& error, unsigned http_status) {
  return {
      {"type", "urn:nae:problem:" + std::string(name(error.code))},
      {"title", title_of(error.code)},
      {"status", http_status ? http_status : row(error.code).http_status},
      {"detail", error.message},
      {"code", name(error.code)},
      {"hint", error.hint_or_default()},
  };
}

}  // namespace

std::string problem_to_json(const Error& error, unsigned http_status) {
  return json::serialize(problem_of(error, http_status));
}

std::string problem_with_answer(const Error& error, unsigned http_status, json::object answer) {
  json::object problem = problem_of(error, http_status);
  problem["answer"] = std::move(answer);
  return json::serialize(problem);
}

std::optional<json::object> answer_of_problem(std::string_view body) {
  auto problem = parse_object(body);
  const json::value* answer = problem ? problem->if_contains("answer") : nullptr;
  if (!answer || !answer->is_object()) return std::nullopt;
  return answer->get_object();
}

Error problem_from_json(unsigned http_status, std::string_view body) {
  Error unknown(Code::internal,
                "the server answered with HTTP status " + std::to_string(http_status),
                "Check that the server is a key server and its release matches.");
  auto object = parse_object(body);
  if (!object) return unknown;
  json::value problem(*std::move(object));
  std::string detail = shown(problem, "detail");
  if (detail.empty()) detail = shown(problem, "title");
  if (detail.empty()) return unknown;
  return Error(code_from_name(shown(problem, "code")).value_or(Code::internal), std::move(detail),
               shown(problem, "hint"));
}

}  // namespace nae::admin::api
