// Addresses and networks (CIDR, RFC 4632 and RFC 4291) that conditions speak of.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::policy {

struct Address {
  std::array<Byte, 16> bytes{};  // an IPv4 address takes the first four
  bool is_v6 = false;
  friend bool operator==(const Address&, const Address&) = default;
};

// "192.0.2.1", "2001:db8::1", each also as TLS connections show it, with a port: "192.0.2.1:50312",
// "[2001:db8::1]:50312". An IPv4 address mapped into IPv6 is that IPv4 address; an interface
// ("%eth0") is left out. Nothing for any other text.
std::optional<Address> parse_address(std::string_view text);

struct Network {
  Address first;
  unsigned prefix_bits = 0;

  bool contains(const Address& address) const;
  friend bool operator==(const Network&, const Network&) = default;
};

// "10.0.0.0/8", "2001:db8::/32" or one address. Code::policy_invalid when it is none, or has bits
// behind its prefix: whether "10.1.2.3/8" means a network or a host must not be guessed.
Result<Network> parse_network(std::string_view text);
std::string to_text(const Network& network);

}  // namespace nae::policy
