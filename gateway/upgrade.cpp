#include "gateway/upgrade.hpp"

#include <algorithm>
#include <boost/beast/http/rfc7230.hpp>
#include <iterator>

namespace nae::gateway {

Understood<bool> asks_for_upgrade(const http::request_header<>& header, bool has_body,
                                  const Route* route) {
  const auto asked = header.equal_range(http::field::upgrade);
  if (!route || route->upgrade.empty() || asked.first == asked.second) return false;
  if (!equal_ignoring_case(text_of(asked.first->value()), route->upgrade)) return false;
  const auto connection = header.equal_range(http::field::connection);
  const bool is_named = std::any_of(connection.first, connection.second, [](const auto& each) {
    return http::token_list(each.value()).exists("upgrade");
  });
  if (!is_named || std::next(asked.first) != asked.second || has_body ||
      header.method() != http::verb::get || header.version() != 11)
    return refuse(400, "upgrade_malformed",
                  "a protocol is changed by a GET of HTTP/1.1 without a body, once, and its "
                  "Connection says so");
  return true;
}

}  // namespace nae::gateway
