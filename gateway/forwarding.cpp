#include "gateway/forwarding.hpp"

#include <algorithm>
#include <boost/beast/http/rfc7230.hpp>
#include <span>

namespace nae::gateway {
namespace {

constexpr std::string_view kOfConnection[] = {
    "connection", "keep-alive",        "proxy-connection", "proxy-authorization", "te",
    "trailer",    "transfer-encoding", "upgrade",          "content-length",      "expect"};
constexpr std::string_view kOfGateway[] = {"x-forwarded-for", "x-forwarded-proto",
                                           "x-forwarded-host", "forwarded", "x-request-id"};

bool is_one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::any_of(
      names, [&](std::string_view each) { return equal_ignoring_case(each, name); });
}

bool is_one_of_headers(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::any_of(names, [&](std::string_view each) { return is_header(name, each); });
}

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-';
}

// An application that goes by such a header serves another path than the one that is looked at.
constexpr std::string_view kPathOverrides[] = {"x-original-url", "x-rewrite-url"};

// Where an application takes another spelling for the header itself, body and request end elsewhere
// for it, or are something else.
Understood<void> check_name(std::string_view name) {
  if (is_one_of_headers(kPathOverrides, name))
    return refuse(400, "path_override", "a header names another path");
  if (std::ranges::all_of(name, is_plain)) return {};
  constexpr std::string_view kOthers[] = {"host", "authorization", "cookie"};
  if (is_one_of_headers(kOfConnection, name) || is_one_of_headers(kOthers, name) ||
      is_header(name.substr(0, 8), "content-"))
    return refuse(400, "header_ambiguous",
                  "a name is nearly that of a header of framing or content");
  return {};
}

bool is_good_host(std::string_view host) {
  return host.size() <= 255 && std::ranges::all_of(host, [](char c) {
           return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                  std::string_view("-._~:[]").find(c) != std::string_view::npos;
         });
}

}  // namespace

bool is_header(std::string_view name, std::string_view known) {
  return std::ranges::equal(name, known, [](char c, char wanted) {
    const bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    const bool is_digit = c >= '0' && c <= '9';
    return is_letter ? (c | 0x20) == wanted : is_digit ? c == wanted : wanted == '-';
  });
}

bool says_what_gateway_says(std::string_view name) {
  return is_one_of_headers(kOfGateway, name);
}

bool is_digest(std::string_view name) {
  return is_one_of_headers(kDigests, name);
}

Understood<void> check_header(const http::request_header<>& header) {
  const auto count = [&](http::field name) {
    const auto range = header.equal_range(name);
    return std::distance(range.first, range.second);
  };
  if (header.version() != 10 && header.version() != 11)
    return refuse(505, "version_unsupported", "another version of HTTP");
  if (header.method() == http::verb::connect || header.method() == http::verb::trace)
    return refuse(501, "method_unsupported", "this method is not forwarded");
  // Some applications fold the case of methods, and routes do not.
  if (header.method() == http::verb::unknown)
    return refuse(400, "method_unknown", "no method of HTTP in upper case");
  for (const auto& field : header) NAE_UNDERSTAND(check_name(text_of(field.name_string())));
  const auto hosts = count(http::field::host);
  if (hosts == 0 && header.version() == 11)
    return refuse(400, "host_missing", "the request has no Host");
  if (hosts > 1) return refuse(400, "host_twice", "the request has two Hosts");
  if (hosts == 1 && !is_good_host(text_of(header[http::field::host])))
    return refuse(400, "host_malformed", "the Host is no name or address");
  const auto encodings = count(http::field::transfer_encoding);
  const auto lengths = count(http::field::content_length);
  if (encodings > 0 && lengths > 0)
    return refuse(400, "framing_conflict", "both Transfer-Encoding and Content-Length");
  if (lengths > 1) return refuse(400, "content_length_malformed", "two Content-Lengths");
  if (lengths == 1) {
    const std::string_view length = text_of(header[http::field::content_length]);
    if (length.empty() || !std::ranges::all_of(length, [](char c) { return c >= '0' && c <= '9'; }))
      return refuse(400, "content_length_malformed", "the Content-Length is no number");
  }
  if (encodings > 0 && header.version() == 10)
    return refuse(400, "framing_conflict", "Transfer-Encoding in HTTP/1.0");
  if (encodings > 1 ||
      (encodings == 1 &&
       !equal_ignoring_case(text_of(header[http::field::transfer_encoding]), "chunked")))
    return refuse(501, "transfer_encoding_unsupported", "another Transfer-Encoding than chunked");
  return {};
}

std::vector<HeaderView> end_to_end(const http::fields& fields) {
  std::vector<std::string> named;
  const auto connections = fields.equal_range(http::field::connection);
  for (auto each = connections.first; each != connections.second; ++each)
    for (const auto name : http::token_list(each->value())) named.emplace_back(name);
  std::vector<HeaderView> kept;
  for (const auto& field : fields) {
    const std::string_view name = text_of(field.name_string());
    if (is_one_of(kOfConnection, name)) continue;
    if (std::ranges::any_of(named, [&](const std::string& each) {
          return equal_ignoring_case(each, name) && !equal_ignoring_case(name, "host");
        }))
      continue;
    kept.emplace_back(name, text_of(field.value()));
  }
  return kept;
}

std::string request_id(const http::fields& fields, bool is_trusted, RequestIds& ids) {
  const std::string_view given = text_of(fields["X-Request-Id"]);
  if (is_trusted && is_name(given)) return std::string(given);
  return ids.next();
}

void add_forwarded(HeaderText& out, const http::fields& from, const Client& client,
                   const std::string& id) {
  std::string chain = client.address, proto = client.has_tls ? "https" : "http";
  std::string forwarded = "for=";
  const bool is_version_6 = client.address.find(':') != std::string::npos;
  forwarded += is_version_6 ? "\"[" + client.address + "]\"" : client.address;
  const std::string own_host(from[http::field::host]);
  std::string host = own_host;
  if (client.is_trusted) {
    if (const auto said = from["X-Forwarded-For"]; !said.empty())
      chain = std::string(said) + ", " + chain;
    if (const auto said = from["X-Forwarded-Proto"]; !said.empty()) proto = said;
    if (const auto said = from["X-Forwarded-Host"]; !said.empty()) host = said;
  }
  forwarded += ";proto=" + std::string(client.has_tls ? "https" : "http");
  if (!own_host.empty()) forwarded += ";host=\"" + own_host + "\"";
  if (client.is_trusted)
    if (const auto said = from["Forwarded"]; !said.empty())
      forwarded = std::string(said) + ", " + forwarded;
  out.add("X-Forwarded-For", chain);
  out.add("X-Forwarded-Proto", proto);
  if (!host.empty()) out.add("X-Forwarded-Host", host);
  out.add("Forwarded", forwarded);
  out.add("X-Request-Id", id);
}

Bytes bearer_token(const http::fields& fields) {
  const auto range = fields.equal_range(http::field::authorization);
  if (range.first == range.second || std::next(range.first) != range.second) return {};
  std::string_view value = text_of(range.first->value());
  constexpr std::string_view kScheme = "bearer ";
  if (value.size() <= kScheme.size() ||
      !equal_ignoring_case(value.substr(0, kScheme.size()), kScheme))
    return {};
  value.remove_prefix(kScheme.size());
  while (value.starts_with(' ')) value.remove_prefix(1);
  const ByteView bytes = as_bytes(value);
  return Bytes(bytes.begin(), bytes.end());
}

}  // namespace nae::gateway
