// The written form of endpoints: parse_endpoint(), to_string().
#include <charconv>

#include "net/connector.hpp"

namespace nae::net {

Result<Endpoint> parse_endpoint(std::string_view text) {
  auto invalid = [&] {
    return fail(Code::config_invalid, "'" + std::string(text) + "' is not host:port",
                "Write it as host:port, 192.0.2.1:port or [2001:db8::1]:port.");
  };
  std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid();
  std::string_view host = text.substr(0, colon);
  std::string_view port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return invalid();
  Endpoint endpoint;
  endpoint.host = host;
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (host.empty() || error != std::errc{} || end != port.data() + port.size() ||
      endpoint.port == 0)
    return invalid();
  return endpoint;
}

std::string to_string(const Endpoint& endpoint) {
  bool bracket = endpoint.host.find(':') != std::string::npos;
  return (bracket ? "[" + endpoint.host + "]" : endpoint.host) + ":" +
         std::to_string(endpoint.port);
}

}  // namespace nae::net
