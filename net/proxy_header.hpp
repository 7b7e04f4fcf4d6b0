// The header of the PROXY protocol, version 2, that a balancer writes before the bytes of its
// client (HAProxy's proxy-protocol.txt, section 2.2): from where the client comes.
#pragma once

#include <optional>
#include <string>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::net {

// Of the whole header: its 16 fixed bytes, addresses and whatever the balancer adds, of which
// nothing is used. Balancers add some tens of bytes.
inline constexpr std::size_t kMaxProxyHeaderBytes = 1'024;
inline constexpr std::size_t kProxyFixedBytes = 16;

struct ProxyHeader {
  std::size_t bytes = 0;  // of the whole header
  // "192.0.2.1:50312", "[2001:db8::1]:50312"; empty when the balancer speaks for itself (LOCAL), as
  // in its health checks.
  std::string source;
};

// How many bytes the header has, once kProxyFixedBytes are there. Code::protocol_violation for
// whatever is no header of version 2, has a length over the limit, or is of another family than TCP
// over IPv4 or IPv6.
Result<std::size_t> proxy_header_bytes(ByteView fixed);

// A header of exactly so many bytes. Code::protocol_violation as above.
Result<ProxyHeader> parse_proxy_header(ByteView header);

}  // namespace nae::net
