#include "keyserver/policy/network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace nae::policy {
namespace {

constexpr std::array<Byte, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

unsigned bits_of(const Address& address) {
  return address.is_v6 ? 128 : 32;
}

std::optional<Address> parse_bare(const std::string& text) {
  Address address;
  if (::inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) return address;
  address.bytes.fill(0);
  if (::inet_pton(AF_INET6, text.c_str(), address.bytes.data()) != 1) return std::nullopt;
  address.is_v6 = true;
  return address;
}

// A server that listens on an IPv6 socket sees IPv4 peers so (RFC 4291 section 2.5.5.2).
Address unmapped(const Address& address) {
  if (!address.is_v6 ||
      !std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin()))
    return address;
  Address inner;
  std::copy_n(address.bytes.begin() + kMappedPrefix.size(), 4, inner.bytes.begin());
  return inner;
}

bool bit(const Address& address, unsigned number) {
  return (address.bytes[number / 8] >> (7 - number % 8) & 1) != 0;
}

std::string text_of(const Address& address) {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
  return text;
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  if (text.starts_with('[')) {
    std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && !(rest.front() == ':' && is_port(rest.substr(1)))) return std::nullopt;
    text = text.substr(1, end - 1);
    if (text.find(':') == std::string_view::npos) return std::nullopt;
  } else if (std::size_t colon = text.find(':');
             colon != std::string_view::npos &&
             text.find(':', colon + 1) == std::string_view::npos) {
    if (!is_port(text.substr(colon + 1))) return std::nullopt;
    text = text.substr(0, colon);
  }
  auto address = parse_bare(std::string(text.substr(0, text.find('%'))));
  if (!address) return std::nullopt;
  return unmapped(*address);
}

bool Network::contains(const Address& address) const {
  if (address.is_v6 != first.is_v6) return false;
  for (unsigned i = 0; i < prefix_bits; ++i)
    if (bit(address, i) != bit(first, i)) return false;
  return true;
}

Result<Network> parse_network(std::string_view text) {
  auto refuse = [&](std::string_view why) {
    return fail(Code::policy_invalid, "\"" + std::string(text) + "\" " + std::string(why));
  };
  std::size_t slash = text.find('/');
  std::string_view host = text.substr(0, slash);
  std::optional<Address> first;
  if (host.find('\0') == std::string_view::npos) first = parse_bare(std::string(host));
  if (!first) return refuse("is no network; write \"10.0.0.0/8\" or \"2001:db8::/32\"");
  if (unmapped(*first) != *first)
    return refuse("is an IPv4 network in IPv6 form; write it as IPv4");
  Network network{*first, bits_of(*first)};
  if (slash != std::string_view::npos) {
    std::string_view bits = text.substr(slash + 1);
    auto [end, error] =
        std::from_chars(bits.data(), bits.data() + bits.size(), network.prefix_bits);
    if (error != std::errc{} || end != bits.data() + bits.size() ||
        network.prefix_bits > bits_of(*first))
      return refuse("has no prefix length of 0 to " + std::to_string(bits_of(*first)) + " bits");
  }
  for (unsigned i = network.prefix_bits; i < bits_of(*first); ++i)
    if (bit(*first, i)) return refuse("has bits behind its prefix");
  return network;
}

std::string to_text(const Network& network) {
  return text_of(network.first) + "/" + std::to_string(network.prefix_bits);
}

}  // namespace nae::policy
