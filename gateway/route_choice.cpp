#include "gateway/route_choice.hpp"

#include <algorithm>

#include "gateway/inspection/form_scanner.hpp"
#include "libnae/base/text.hpp"

namespace nae::gateway {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t') || text.starts_with('"'))
    text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t') || text.ends_with('"')) text.remove_suffix(1);
  return text;
}

// Each piece of `text` between characters of `separators`.
template <class Take>
void each_piece(std::string_view text, std::string_view separators, const Take& take) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    take(trimmed(text.substr(at, end - at)));
    at = end + 1;
  }
}

// That of the request, and those for which a trusted proxy says it was: an application takes one of
// them.
std::vector<std::string_view> hosts_of(const http::request_header<>& header, const Client& client) {
  std::vector<std::string_view> hosts = {text_of(header[http::field::host])};
  if (!client.is_trusted) return hosts;
  const auto add = [&](std::string_view host) {
    if (!host.empty() && std::ranges::find(hosts, host) == hosts.end()) hosts.push_back(host);
  };
  const auto said = header.equal_range("X-Forwarded-Host");
  for (auto each = said.first; each != said.second; ++each)
    each_piece(text_of(each->value()), ",", add);
  const auto forwarded = header.equal_range("Forwarded");
  for (auto each = forwarded.first; each != forwarded.second; ++each)
    each_piece(text_of(each->value()), ",;", [&](std::string_view pair) {
      const std::size_t equals = std::min(pair.find('='), pair.size());
      if (equal_ignoring_case(trimmed(pair.substr(0, equals)), "host"))
        add(trimmed(pair.substr(std::min(equals + 1, pair.size()))));
    });
  return hosts;
}

// Rails and others take a suffix for the format of an answer, and serve the path before it.
std::string_view without_format(std::string_view path) {
  constexpr std::string_view kSuffix = ".json";
  if (path.ends_with(kSuffix)) path.remove_suffix(kSuffix.size());
  return path;
}

// Whatever the host: an application may not look at it.
Understood<void> check_overrides(const RouteTable& routes, const std::vector<HeaderView>& headers,
                                 const RequestTarget& target) {
  const bool is_claimed = routes.claims_path(target.path) || routes.claims_path(target.literal) ||
                          routes.claims_path(without_format(target.path));
  if (!is_claimed) return {};
  for (const HeaderView& header : headers)
    for (const std::string_view name :
         {"x-http-method-override", "x-method-override", "x-http-method"})
      if (is_header(header.first, name))
        return refuse(400, "method_override", "this path takes no other method than its own");
  if (may_have_field(target.query, "_method"))
    return refuse(400, "method_override", "the query names another method");
  return {};
}

}  // namespace

Understood<const Route*> choose_route(const RouteTable& routes,
                                      const http::request_header<>& header,
                                      const std::vector<HeaderView>& headers,
                                      const RequestTarget& target, const Client& client) {
  const std::vector<std::string_view> hosts = hosts_of(header, client);
  NAE_UNDERSTAND(check_overrides(routes, headers, target));
  const std::string_view method = text_of(header.method_string());
  const Route* chosen = nullptr;
  for (const std::string_view host : hosts) {
    const Route* found = routes.find(host, method, target.path);
    const Route* literal = routes.find(host, method, target.literal);
    if (found && literal && found != literal)
      return refuse(400, "path_ambiguous", "readers of the path find different routes");
    if (!found) found = literal;
    if (chosen && found && found != chosen)
      return refuse(421, "host_ambiguous", "the hosts of the request have different routes");
    if (found) chosen = found;
  }
  if (chosen) return chosen;
  const auto is_claimed = [&](std::string_view path) {
    return routes.claims_elsewhere(method, path);
  };
  if (is_claimed(target.path) || is_claimed(target.literal))
    return refuse(421, "host_unclaimed", "this path is claimed for other hosts alone");
  if (is_claimed(without_format(target.path)))
    return refuse(400, "path_ambiguous", "without its suffix the path is claimed");
  return chosen;
}

}  // namespace nae::gateway
