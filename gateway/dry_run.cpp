#include "gateway/dry_run.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/vector_body.hpp>
#include <map>
#include <optional>
#include <ostream>

#include "gateway/forwarding.hpp"
#include "gateway/inspection/ascii.hpp"
#include "gateway/inspection/content_type.hpp"
#include "gateway/inspection/form_scanner.hpp"
#include "gateway/inspection/multipart_scanner.hpp"
#include "gateway/route_choice.hpp"
#include "gateway/upgrade.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::gateway {
namespace {

constexpr std::size_t kMaxDryRunBody = 16 << 20;

struct ReadRequest {
  http::request_header<> header;
  std::vector<HeaderView> headers;
  Bytes body;

  std::string_view target() const { return {header.target().data(), header.target().size()}; }
  std::string_view method() const {
    return {header.method_string().data(), header.method_string().size()};
  }
  RequestView view() const { return {target(), headers, as_text(body)}; }
};

// Takes one request off the front of `text`.
Understood<std::unique_ptr<ReadRequest>> read_one(std::string_view& text) {
  http::request_parser<http::vector_body<Byte, WipingAllocator<Byte>>> parser;
  parser.eager(true);
  parser.body_limit(kMaxDryRunBody);
  auto request = std::make_unique<ReadRequest>();
  boost::system::error_code error;
  while (!parser.is_done()) {
    const std::size_t took = parser.put(boost::asio::const_buffer(text.data(), text.size()), error);
    text.remove_prefix(took);
    if (!error && took == 0 && !parser.is_done())
      return refuse(400, "request_truncated", "the request ends early");
    if (error == http::error::need_more && took > 0) continue;
    if (error) return refuse(400, "http_malformed", "no HTTP/1.1 request: " + error.message());
  }
  request->header = parser.get().base();
  request->body = std::move(parser.get().body());
  request->headers = end_to_end(request->header);
  NAE_UNDERSTAND(check_header(request->header));
  return request;
}

// As a gateway does, of a body that it looks into.
Understood<void> undo_coding_of(ReadRequest& request, std::size_t most) {
  return request.body.empty() ? Understood<void>()
                              : undo_coding(request.headers, request.body, most);
}

// A request that is tried out came from nobody who is trusted.
Understood<const Route*> route_of(const ReadRequest& request, const RouteTable& routes,
                                  const RequestTarget& target) {
  return choose_route(routes, request.header, request.headers, target, Client{});
}

Understood<void> print_one(std::string_view text, const RouteTable& routes, std::ostream& out) {
  auto read = read_one(text);
  if (!read) return tl::unexpected(read.error());
  ReadRequest& request = **read;
  auto target = parse_target(request.target());
  if (!target) return tl::unexpected(target.error());
  auto chosen = route_of(request, routes, *target);
  if (!chosen) return tl::unexpected(chosen.error());
  const Route* route = *chosen;
  const auto asked = asks_for_upgrade(request.header, !request.body.empty(), route);
  if (!asked) return tl::unexpected(asked.error());
  std::vector<Finding> findings;
  if (route) {
    if (!request.body.empty()) NAE_UNDERSTAND(check_content(*route, request.headers));
    NAE_UNDERSTAND(undo_coding_of(request, route->max_body_bytes));
    auto found = inspect(*route, *target, request.view());
    if (!found) return tl::unexpected(found.error());
    findings = *std::move(found);
  }
  std::vector<std::string> texts;
  for (const Finding& found : findings) texts.push_back("nae1:" + found.label);
  const RewrittenRequest made = rewrite(request.view(), findings, texts);
  out << "# route " << (route ? route->name : "none: it streams through") << ", " << findings.size()
      << " values encrypted\n";
  if (*asked) out << "# of an upgrade to " << route->upgrade << " nobody looks into what follows\n";
  out << request.method() << " " << made.target << " HTTP/1.1\n";
  for (std::size_t i = 0; i < request.headers.size(); ++i)
    if (!route || request.body.empty() || !is_digest(request.headers[i].first))
      out << request.headers[i].first << ": " << made.header_values[i] << "\n";
  out << "\n" << as_text(made.body) << "\n";
  return {};
}

// Names that people give to what is sensitive.
bool is_sensitive_name(std::string_view name) {
  static constexpr std::string_view kParts[] = {
      "card",     "pan",      "cvv",       "cvc",     "iban",   "ssn",
      "passport", "tax",      "birth",     "dob",     "salary", "diagnos",
      "account",  "national", "insurance", "licence", "license"};
  const std::string small = in_lower_case(name);
  return std::ranges::any_of(kParts, [&](std::string_view part) {
    return part == "pan" || part == "dob" ? small == part : small.find(part) != small.npos;
  });
}

using Report = std::map<std::pair<std::string, std::string>, std::size_t>;  // path and field, count

void note(Report& report, const std::string& path, const std::string& field, std::string_view name,
          std::string_view value) {
  std::string why;
  for (const std::string_view kind : sensitive_names())
    if (why.empty() && has(*sensitive_of_name(kind), value)) why = kind;
  if (why.empty() && is_sensitive_name(name)) why = "name";
  if (!why.empty()) ++report[{path, field + " looks like " + why}];
}

// Empty: the body has no parts.
std::string_view boundary_of(const std::vector<HeaderView>& headers) {
  std::string_view boundary;
  for (const auto& [name, value] : headers) {
    if (!equal_ignoring_case(name, "content-type")) continue;
    const ContentType type = split_content_type(value);
    if (!equal_ignoring_case(type.essence, "multipart/form-data") ||
        !check_parameters(type.parameters, Parameters::of_form, &boundary))
      return {};
  }
  return boundary;
}

bool covers(const Route* route, Place place, std::string_view name) {
  return route && std::ranges::any_of(route->fields, [&](const Field& field) {
           return field.place == place && field.name == name;
         });
}

// What would not be forwarded, or passes in a coding that nobody looks into, has no fields.
void scan_one(ReadRequest& request, const RouteTable& routes, Report& report) {
  const auto target = parse_target(request.target());
  if (!target) return;
  const auto chosen = route_of(request, routes, *target);
  if (!chosen || !undo_coding_of(request, kMaxDryRunBody)) return;
  const Route* route = *chosen;
  const auto scan_pairs = [&](Place place, std::string_view text) {
    return scan_form(text, [&](const FormField& field) {
      if (!covers(route, place, field.name))
        note(report, target->path, (place == Place::query ? "query " : "form ") + field.name,
             field.name, field.value);
      return Understood<void>();
    });
  };
  static_cast<void>(scan_pairs(Place::query, target->query));
  const auto visit = [&](const JsonPath& path, const JsonValue& value) -> Understood<void> {
    const bool is_covered = route && std::ranges::any_of(route->fields, [&](const Field& field) {
                              return field.place == Place::json && field.selector.matches(path);
                            });
    const bool is_scalar = value.kind == JsonKind::string || value.kind == JsonKind::number;
    if (is_covered || !is_scalar) return {};
    JsonPath general = path;  // one line for all elements of an array
    for (JsonStep& step : general) step.index = 0;
    const std::string_view name = path.empty() ? std::string_view() : path.back().key;
    note(report, target->path, "json " + to_string(general), name, value.text);
    return {};
  };
  if (scan_json(as_text(request.body), visit)) return;
  const std::string_view boundary = boundary_of(request.headers);
  if (boundary.empty()) {
    static_cast<void>(scan_pairs(Place::form, as_text(request.body)));
    return;
  }
  static_cast<void>(scan_multipart(as_text(request.body), boundary, [&](const FormPart& part) {
    const std::string_view value = as_text(request.body).substr(part.begin, part.end - part.begin);
    if (!part.is_file && !covers(route, Place::part, part.name))
      note(report, target->path, "form " + std::string(part.name), part.name, value);
    return Understood<void>();
  }));
}

}  // namespace

bool print_rewritten(std::string_view text, const RouteTable& routes, std::ostream& out) {
  const auto printed = print_one(text, routes, out);
  if (!printed)
    out << "refused: " << printed.error().status << " " << printed.error().name << ": "
        << printed.error().message << "\n";
  return printed.has_value();
}

bool print_uncovered(std::string_view text, const RouteTable& routes, std::ostream& out) {
  Report report;
  std::size_t requests = 0;
  bool is_readable = true;
  while (!text.empty()) {
    auto read = read_one(text);
    if (!read) {
      out << "request " << requests + 1 << " cannot be read: " << read.error().message << "\n";
      is_readable = false;
      break;
    }
    ++requests;
    scan_one(**read, routes, report);
  }
  for (const auto& [where, count] : report)
    out << without_controls(where.first) << " " << without_controls(where.second) << " " << count
        << "\n";
  out << requests << " requests, " << report.size()
      << " fields that look sensitive and are not covered\n";
  return is_readable && report.empty();
}

}  // namespace nae::gateway
