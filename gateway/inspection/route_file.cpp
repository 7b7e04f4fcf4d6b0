// The [[route]] tables of a configuration.
#include <algorithm>

#include "gateway/inspection/ascii.hpp"
#include "gateway/inspection/canonical_value.hpp"
#include "gateway/inspection/route.hpp"
#include "libnae/base/text.hpp"

namespace nae::gateway {
namespace {

using toml_fields::Fields;

constexpr std::size_t kMaxContextBytes = 1024;

// A request with another one is refused, so that a route would never claim it.
bool is_method(std::string_view text) {
  return is_token(text) && std::ranges::none_of(text, [](char c) { return c >= 'a' && c <= 'z'; });
}

void read_type(Fields& f, ColumnTarget& column) {
  std::string type = "text";
  f.text("type", type);
  const auto row = std::ranges::find_if(
      kPlainTypes, [&](const PlainTypeRow& each) { return type == each.name; });
  if (row == std::end(kPlainTypes) || !is_written(row->type))
    return f.refuse("type", "a gateway writes no '" + type + "'");
  column.type = row->type;
  if (column.deterministic && !row->deterministic)
    f.refuse("type", "there is no deterministic column of " + type);
}

void read_column(Fields& f, ColumnTarget& column) {
  f.require("key");
  f.text("key", column.key);
  if (f.has("key") && !is_name(column.key)) f.refuse("key", "is not a valid name");
  f.text("context", column.context);
  if (column.context.size() > kMaxContextBytes || !is_utf8(column.context))
    f.refuse("context", "must be UTF-8 of at most 1024 bytes");
  f.boolean("deterministic", column.deterministic);
  f.integer("version", column.version, 1, 65535);
  if (f.has("version") && !column.deterministic)
    f.refuse("version", "belongs to deterministic columns");
  read_type(f, column);
}

void read_handling(Fields& f, Handling& handling) {
  static constexpr std::string_view kActions[] = {"encrypt", "refuse"};
  static constexpr std::string_view kNormalizations[] = {"none", "lower", "digits"};
  std::string action;
  f.require("action");
  f.word("action", action, kActions);
  handling.treatment = action == "refuse" ? Treatment::refuse : Treatment::encrypt;
  if (handling.treatment == Treatment::refuse) return;
  read_column(f, handling.column);
  std::string normalization = "none";
  f.word("normalization", normalization, kNormalizations);
  handling.normalization = normalization == "digits"  ? Normalization::digits
                           : normalization == "lower" ? Normalization::lower
                                                      : Normalization::none;
  if (handling.normalization != Normalization::none && !is_character(handling.column.type))
    f.refuse("normalization", "belongs to texts");
}

void read_selector(Fields& f, JsonSelector& selector) {
  std::string text;
  f.text("json", text);
  auto parsed = JsonSelector::parse(text);
  if (!parsed) return f.refuse("json", parsed.error().message);
  selector = *std::move(parsed);
}

Result<Field> read_field(Fields f) {
  struct Row {
    std::string_view name;
    Place place;
  };
  Field field;
  int places = 0;
  for (const Row& row : {Row{"json", Place::json}, Row{"form", Place::form},
                         Row{"query", Place::query}, Row{"header", Place::header}}) {
    if (!f.has(row.name)) continue;
    ++places;
    field.place = row.place;
    if (row.place == Place::json) {
      read_selector(f, field.selector);
      continue;
    }
    f.text(row.name, field.name);
    if (field.name.empty() || !is_utf8(field.name)) f.refuse(row.name, "must be a name");
    if (row.place != Place::header) continue;
    field.name = in_lower_case(field.name);
    if (!is_token(field.name)) f.refuse(row.name, "is no name of a header");
    for (const std::string_view framing :
         {"host", "content-length", "content-type", "content-encoding", "transfer-encoding",
          "connection", "authorization", "expect", "upgrade", "te", "trailer"})
      if (field.name == framing) f.refuse(row.name, "is not a header that can be encrypted");
  }
  if (places != 1) f.refuse("json", "one of json, form, query and header says where the value is");
  f.boolean("required", field.required);
  read_handling(f, field.handling);
  NAE_TRY(f.finish());
  return field;
}

void read_pattern(Fields& f, Detector& detector) {
  std::string expression;
  std::vector<std::string> near;
  f.text("pattern", expression);
  f.texts("near", near);
  if (detector.looks_for != Sensitive::pattern) {
    for (const std::string_view name : {"pattern", "near"})
      if (f.has(name)) f.refuse(name, "belongs to kind = \"pattern\"");
    return;
  }
  auto compiled = Pattern::compile(expression, std::move(near));
  if (!compiled) return f.refuse("pattern", compiled.error().message);
  detector.pattern = *std::move(compiled);
}

Result<Detector> read_detector(Fields f) {
  Detector detector;
  std::string kind;
  f.require("kind");
  f.word("kind", kind, sensitive_names());
  if (const auto found = sensitive_of_name(kind)) detector.looks_for = *found;
  read_pattern(f, detector);
  read_handling(f, detector.handling);
  if (!is_character(detector.handling.column.type)) f.refuse("type", "a detector encrypts texts");
  NAE_TRY(f.finish());
  return detector;
}

Result<AnswerField> read_answer(Fields f) {
  static constexpr std::string_view kActions[] = {"reveal", "mask"};
  static constexpr std::string_view kDenied[] = {"null", "ciphertext", "refuse"};
  AnswerField answer;
  f.require("json");
  read_selector(f, answer.selector);
  std::string action, denied = "null";
  f.require("action");
  f.word("action", action, kActions);
  answer.mask = action == "mask";
  f.integer("keep_last", answer.keep_last, 0, 64);
  f.word("denied", denied, kDenied);
  answer.denied = denied == "refuse"       ? Denied::refuse
                  : denied == "ciphertext" ? Denied::ciphertext
                                           : Denied::null;
  read_column(f, answer.column);
  if (answer.mask && !is_character(answer.column.type)) f.refuse("action", "only texts are masked");
  NAE_TRY(f.finish());
  return answer;
}

void read_hosts(Fields& f, Route& route) {
  f.texts("hosts", route.hosts);
  for (std::string& host : route.hosts) {
    host = in_lower_case(host);
    if (host.empty() || host.find_first_of(":/*? ") != host.npos)
      f.refuse("hosts", "'" + host + "' is no name of a host");
  }
}

void read_match(Fields& f, Route& route) {
  read_hosts(f, route);
  f.texts("methods", route.methods);
  for (const std::string& method : route.methods)
    if (!is_method(method))
      f.refuse("methods", "'" + method + "' is no method of HTTP in upper case");
  f.require("path");
  f.text("path", route.path);
  if (!route.path.starts_with('/') || route.path.find_first_of("%;#") != route.path.npos)
    f.refuse("path", "must begin with '/' and have no '%', ';' or '#'");
  route.path = in_lower_case(route.path);
  // As the paths that it is compared with.
  if (route.path.size() > 1 && route.path.ends_with('/')) route.path.pop_back();
}

// HTTP within an upgraded connection would be requests that nobody looks into.
void read_upgrade(Fields& f, Route& route) {
  f.text("upgrade", route.upgrade);
  if (!f.has("upgrade")) return;
  route.upgrade = in_lower_case(route.upgrade);
  const bool is_http = route.upgrade.starts_with("h2") || route.upgrade.starts_with("http");
  if (!is_token(route.upgrade) || is_http || route.upgrade == "tls")
    f.refuse("upgrade", "must be a protocol other than HTTP and TLS, as 'websocket' is");
}

// One body has one syntax.
Content read_content(Fields& f, Route& route) {
  const auto has = [&](Place place) {
    return std::ranges::any_of(route.fields,
                               [&](const Field& field) { return field.place == place; });
  };
  static constexpr std::string_view kContents[] = {"json", "form", "multipart"};
  std::string content = has(Place::form) ? "form" : has(Place::json) ? "json" : "";
  f.word("content", content, kContents);
  const bool is_form = content == "form" || content == "multipart";
  if ((has(Place::json) && content != "json") || (has(Place::form) && !is_form))
    f.refuse("content", "fields of a JSON body and of a form need routes of their own");
  if (content.empty() && !route.detectors.empty())
    f.refuse("content", "is required where there are detectors and no fields");
  if (content == "multipart")
    for (Field& field : route.fields)
      if (field.place == Place::form) field.place = Place::part;
  return content == "json"        ? Content::json
         : content == "form"      ? Content::form
         : content == "multipart" ? Content::multipart
                                  : Content::any;
}

}  // namespace

Result<Route> read_route(const toml::table& table, const std::string& source,
                         const std::string& where) {
  static constexpr std::string_view kTokens[] = {"none", "bearer"};
  Fields f(table, source, where, Code::config_invalid);
  Route route;
  f.require("name");
  f.text("name", route.name);
  if (f.has("name") && !is_name(route.name)) f.refuse("name", "is not a valid name");
  read_match(f, route);
  read_upgrade(f, route);
  f.text("role", route.role);
  if ((f.has("role") && route.role.empty()) || route.role.size() > 63 ||
      route.role.starts_with("unix:"))
    f.refuse("role", "must be a role of 1 to 63 bytes, and none of a Unix user");
  std::string token = "none";
  f.word("user_token", token, kTokens);
  route.user_token = token == "bearer";
  f.integer("max_body_bytes", route.max_body_bytes, 1, 16 << 20);
  const auto parts = [&](std::string_view name) { return f.tables(name); };
  const auto fields_of = [&](const toml::table* part, std::string_view name, std::size_t number) {
    return Fields(*part, source, where + "." + std::string(name) + " " + std::to_string(number + 1),
                  Code::config_invalid);
  };
  for (const toml::table* part : parts("field")) {
    NAE_ASSIGN(Field field, read_field(fields_of(part, "field", route.fields.size())));
    route.fields.push_back(std::move(field));
  }
  for (const toml::table* part : parts("detector")) {
    NAE_ASSIGN(Detector detector,
               read_detector(fields_of(part, "detector", route.detectors.size())));
    route.detectors.push_back(std::move(detector));
  }
  for (const toml::table* part : parts("answer")) {
    NAE_ASSIGN(AnswerField answer, read_answer(fields_of(part, "answer", route.answers.size())));
    route.answers.push_back(std::move(answer));
  }
  route.content = read_content(f, route);
  const bool asks = !route.fields.empty() || !route.detectors.empty() || !route.answers.empty();
  if (!asks && route.upgrade.empty())
    f.refuse("field", "a route has a field, a detector, an answer or an upgrade");
  if (asks)
    f.require("role");
  else if (route.methods.empty())
    route.methods = {"GET"};  // there is nothing to look for in other requests
  NAE_TRY(f.finish());
  return route;
}

Result<RouteTable> read_routes(Fields& fields, const std::string& source) {
  std::vector<Route> routes;
  for (const toml::table* table : fields.tables("route")) {
    NAE_ASSIGN(Route route,
               read_route(*table, source, "route " + std::to_string(routes.size() + 1)));
    routes.push_back(std::move(route));
  }
  return RouteTable::make(std::move(routes));
}

Result<RouteTable> load_routes(const std::filesystem::path& file) {
  NAE_ASSIGN(toml::table document, toml_fields::parse_file(file, Code::config_invalid));
  Fields fields(document, file.string(), "", Code::config_invalid);
  fields.require("route");
  NAE_ASSIGN(RouteTable table, read_routes(fields, file.string()));
  if (table.routes().empty()) return fail(Code::config_invalid, file.string() + ": has no route");
  return table;
}

}  // namespace nae::gateway
