// libFuzzer: what a gateway looks into: JSON, forms, queries, targets, selectors and ciphertexts.
// The first line is the target, the rest the body. What is taken is rewritten at the values alone,
// and what was rewritten has ciphertexts wherever a field selects.
#include "gateway/inspection/canonical_value.hpp"
#include "gateway/inspection/form_scanner.hpp"
#include "gateway/inspection/gzip.hpp"
#include "gateway/inspection/inspection.hpp"
#include "gateway/inspection/multipart_scanner.hpp"
#include "libnae/base/text.hpp"
#include "tests/fuzz/property.hpp"

using namespace nae;
using namespace nae::fuzz;
using namespace nae::gateway;

namespace {

constexpr std::string_view kCiphertext =
    "nae1:4QHEi5L1oV8Os+FOFwABGo4JHS+nYDQKR/HfAAAEBcGkpCGOqVBuru6vlWc0Abq1Td0wX38=";

Route route_of(Content content) {
  Route route;
  route.name = "fuzz";
  route.content = content;
  const auto field = [&](Place place, std::string_view name, PlainType type) {
    Field made;
    made.place = place;
    made.name = name;
    if (place == Place::json) made.selector = *JsonSelector::parse(name);
    made.handling.column.key = "key";
    made.handling.column.type = type;
    route.fields.push_back(std::move(made));
  };
  if (content == Content::json) {
    field(Place::json, "$.a", PlainType::text);
    field(Place::json, "/b/0", PlainType::numeric);
    field(Place::json, "$.c[*].d", PlainType::jsonb);
    field(Place::json, "$.e", PlainType::date);
  } else {
    const Place place = content == Content::form ? Place::form : Place::part;
    field(place, "a", PlainType::text);
    field(place, "b", PlainType::int8);
  }
  field(Place::query, "a", PlainType::text);
  return route;
}

void require_named(const Refusal& refusal) {
  require(refusal.status >= 400 && refusal.status < 500);
  require(!refusal.name.empty() && !refusal.message.empty());
}

void check_route(const Route& route, const RequestTarget& target, const RequestView& request) {
  const auto findings = inspect(route, target, request);
  if (!findings) return require_named(findings.error());
  const std::vector<std::string> texts(findings->size(), std::string(kCiphertext));
  const RewrittenRequest made = rewrite(request, *findings, texts);
  if (findings->empty()) {
    require(made.target == request.target && as_text(made.body) == request.body);
    return;
  }
  // Nothing but ciphertexts is left where a field selects.
  const auto again = parse_target(made.target);
  require(again.has_value() && again->path == target.path);
  const auto second = inspect(route, *again, {made.target, request.headers, as_text(made.body)});
  require(!second && second.error().name == std::string_view("value_is_ciphertext"));
}

void check_json(std::string_view text) {
  const auto scanned = scan_json(text, [&](const JsonPath& path, const JsonValue& value) {
    require(path.size() <= kMaxJsonDepth && value.begin < value.end && value.end <= text.size());
    if (value.kind != JsonKind::string) return Understood<void>();
    std::string read;
    const auto quoted =
        scan_json(json_quoted(value.text), [&](const JsonPath&, const JsonValue& v) {
          read = v.text;
          return Understood<void>();
        });
    require(quoted && read == value.text);
    return Understood<void>();
  });
  if (!scanned) require_named(scanned.error());
}

void check_form(std::string_view text) {
  const auto scanned = scan_form(text, [&](const FormField& field) {
    require(field.begin <= field.end && field.end <= text.size());
    require(is_utf8(field.name) && is_utf8(field.value));
    std::string read;
    const std::string written = "x=" + form_encoded(field.value);
    require(scan_form(written, [&](const FormField& f) {
              read = f.value;
              return Understood<void>();
            }).has_value());
    require(read == field.value);
    return Understood<void>();
  });
  if (!scanned) require_named(scanned.error());
}

void check_multipart(std::string_view text) {
  std::size_t at = 0;
  const auto scanned = scan_multipart(text, "x", [&](const FormPart& part) {
    require(at < part.begin && part.begin <= part.end && part.end <= text.size());
    require(is_utf8(part.name));
    const std::string_view content = text.substr(part.begin, part.end - part.begin);
    require(content.find("--x") == content.npos);
    at = part.end;
    return Understood<void>();
  });
  if (!scanned) require_named(scanned.error());
}

void check_gzip(std::string_view text) {
  constexpr std::size_t kMost = 1 << 20;
  const auto read = gunzip(as_bytes(text), kMost);
  if (!read) return require_named(read.error());
  require(read->size() <= kMost && read->size() <= kFreeBytes + kMaxRatio * text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Route kJson = route_of(Content::json), kForm = route_of(Content::form),
                     kMultipart = route_of(Content::multipart);
  const std::string_view text = text_of(data, size);
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view first = text.substr(0, line);
  const std::string_view body = text.substr(std::min(line + 1, text.size()));
  check_json(body);
  check_form(body);
  check_multipart(body);
  check_gzip(text);
  if (const auto selector = JsonSelector::parse(first); !selector)
    require_refusal(selector.error(), Code::invalid_argument);
  Bytes bytes;
  if (const auto value = parse_column_text(first, bytes); !value)
    require_refusal(value.error(), Code::envelope_malformed);
  for (const std::string_view kind : sensitive_names())
    static_cast<void>(has(*sensitive_of_name(kind), body));
  for (const PlainType type :
       {PlainType::numeric, PlainType::date, PlainType::uuid, PlainType::json}) {
    const auto canonical = canonical_value(type, false, JsonKind::string, first);
    if (canonical) require(json_of_canonical(type, *canonical).has_value());
    static_cast<void>(json_of_canonical(type, as_bytes(body)));
  }
  const auto target = parse_target(first);
  if (!target) {
    require_named(target.error());
    return 0;
  }
  check_route(kJson, *target, {first, {}, body});
  check_route(kForm, *target, {first, {}, body});
  check_route(kMultipart, *target,
              {first, {{"content-type", "multipart/form-data; boundary=x"}}, body});
  return 0;
}
