// libFuzzer: bodies of the administration interface, its times, and what nae(1) makes of an answer.
// What is accepted is written again as something that reads the same.
#include "keyserver/admin/api/json.hpp"
#include "keyserver/admin/api/problem.hpp"
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/api/verify_report.hpp"
#include "libnae/base/text.hpp"
#include "tests/fuzz/property.hpp"

using namespace nae;
using namespace nae::fuzz;
using namespace nae::admin::api;

namespace {

// Every kind of field that the routes read.
void read_fields(const json::object& object) {
  Fields fields(object);
  for (const char* name : {"name", "type", "state", "document", "request", "digest"})
    if (auto text = fields.text(name)) require(is_utf8(*text));
  (void)fields.optional_text("comment");
  (void)fields.optional_texts("member_of");
  (void)fields.optional_texts("roles");
  if (auto days = fields.optional_integer("valid_days", 1, 3650); days && *days)
    require(**days >= 1 && **days <= 3650);
  if (!fields.complete()) return;
  for (const auto& member : object) require(member.key() != "unknown");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto object = parse_object(text);
  if (!object) {
    require_refusal(object.error(), Code::invalid_argument);
  } else {
    read_fields(*object);
    auto again = parse_object(json::serialize(*object));
    require(again && again->size() == object->size());
    json::value value(*std::move(object));
    shown(value, "name");
    items(value, "keys");
  }
  Error error = problem_from_json(500, text);
  require(!error.message.empty());
  problem_to_json(error);
  auto time_us = parse_time(text);
  if (time_us) {
    auto again = parse_time(format_time(*time_us));
    require(again && *again == *time_us);
  } else {
    require_refusal(time_us.error(), Code::invalid_argument);
  }
  const std::size_t comma = text.find(',');
  const std::string_view from = text.substr(0, comma);
  const std::string_view to = comma == text.npos ? "" : text.substr(comma + 1);
  if (auto scope = parse_scope(from, to); !scope)
    require_refusal(scope.error(), Code::invalid_argument);
  else
    require(scope->whole() == (from.empty() && to.empty()));
  return 0;
}
