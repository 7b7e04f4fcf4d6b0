#include "libnae/base/host.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

namespace nae {

bool is_every_interface(const std::string& host) {
  in_addr four{};
  // inet_aton() knows the short forms that getaddrinfo() takes: "0", "0x0", "0.0".
  if (::inet_aton(host.c_str(), &four) == 1) return four.s_addr == 0;
  in6_addr six{};
  const std::string address = host.substr(0, host.find('%'));
  if (::inet_pton(AF_INET6, address.c_str(), &six) != 1) return false;
  if (!IN6_IS_ADDR_V4MAPPED(&six)) return IN6_IS_ADDR_UNSPECIFIED(&six);
  return std::all_of(six.s6_addr + 12, six.s6_addr + 16, [](auto byte) { return byte == 0; });
}

std::string address_text(const std::string& host, unsigned port) {
  const bool bracket = host.find(':') != std::string::npos;
  return (bracket ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace nae
