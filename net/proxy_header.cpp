#include "net/proxy_header.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>

namespace nae::net {
namespace {

constexpr Byte kSignature[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                               0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr Byte kLocal = 0x20, kProxy = 0x21;  // version 2 and the command
constexpr Byte kTcpOverIpv4 = 0x11, kTcpOverIpv6 = 0x21;
// Source and destination address, source and destination port.
constexpr std::size_t kIpv4Bytes = 12, kIpv6Bytes = 36;

tl::unexpected<Error> refuse(std::string why) {
  return fail(Code::protocol_violation, "PROXY header: " + std::move(why),
              "Let the balancer send version 2 of the PROXY protocol (HAProxy: send-proxy-v2), or "
              "take its address out of server.proxy_protocol_from.");
}

std::size_t length_of(ByteView fixed) {
  return static_cast<std::size_t>(fixed[14]) << 8 | fixed[15];
}

std::string address_of(int family, ByteView address, ByteView port) {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(family, address.data(), text, sizeof text);
  const std::string number = std::to_string(port[0] << 8 | port[1]);
  return family == AF_INET6 ? "[" + std::string(text) + "]:" + number : text + (":" + number);
}

}  // namespace

Result<std::size_t> proxy_header_bytes(ByteView fixed) {
  if (!std::ranges::equal(fixed.first(sizeof kSignature), kSignature))
    return refuse("the connection does not begin with one of version 2");
  const Byte command = fixed[12], family = fixed[13];
  if (command != kLocal && command != kProxy) return refuse("another version or command");
  const std::size_t length = length_of(fixed);
  if (length > kMaxProxyHeaderBytes - kProxyFixedBytes)
    return refuse("it has more than " + std::to_string(kMaxProxyHeaderBytes) + " bytes");
  if (command == kProxy) {
    if (family != kTcpOverIpv4 && family != kTcpOverIpv6)
      return refuse("it names no client over TCP");
    if (length < (family == kTcpOverIpv4 ? kIpv4Bytes : kIpv6Bytes))
      return refuse("its addresses are cut");
  }
  return kProxyFixedBytes + length;
}

Result<ProxyHeader> parse_proxy_header(ByteView header) {
  if (header.size() < kProxyFixedBytes) return refuse("it is cut");
  NAE_ASSIGN(const std::size_t bytes, proxy_header_bytes(header.first(kProxyFixedBytes)));
  if (bytes != header.size()) return refuse("it has another length than it says");
  ProxyHeader found{bytes, {}};
  if (header[12] == kLocal) return found;
  const ByteView addresses = header.subspan(kProxyFixedBytes);
  found.source = header[13] == kTcpOverIpv4
                     ? address_of(AF_INET, addresses.first(4), addresses.subspan(8, 2))
                     : address_of(AF_INET6, addresses.first(16), addresses.subspan(32, 2));
  return found;
}

}  // namespace nae::net
