#include "net/proxy_header.hpp"

#include <gmock/gmock.h>

namespace nae::net {
namespace {

using ::testing::HasSubstr;

// As the specification has it, written out by hand.
Bytes header(Byte command, Byte family, std::size_t length, std::initializer_list<int> addresses) {
  Bytes bytes{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
  bytes.push_back(command);
  bytes.push_back(family);
  bytes.push_back(static_cast<Byte>(length >> 8));
  bytes.push_back(static_cast<Byte>(length));
  for (int byte : addresses) bytes.push_back(static_cast<Byte>(byte));
  bytes.resize(kProxyFixedBytes + length);
  return bytes;
}

Bytes over_ipv4(std::size_t length = 12) {
  return header(0x21, 0x11, length, {192, 0, 2, 1, 10, 0, 0, 1, 0xc4, 0x88, 0x1d, 0x13});
}
Bytes over_ipv6(std::size_t length = 36) {
  return header(0x21, 0x21, length,
                {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    1,    0,    0,
                 0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc4, 0x88, 0x1d, 0x13});
}
std::string source(const Bytes& bytes) {
  auto found = parse_proxy_header(bytes);
  return found ? found->source : "refused: " + found.error().message;
}
Code refusal(const Bytes& bytes) {
  auto found = parse_proxy_header(bytes);
  return found ? Code{} : found.error().code;
}

TEST(ProxyHeader, NamesItsClient) {
  EXPECT_EQ(source(over_ipv4()), "192.0.2.1:50312");
  EXPECT_EQ(source(over_ipv6()), "[2001:db8::1]:50312");
  EXPECT_EQ(parse_proxy_header(over_ipv6())->bytes, 52u);
}

// What a balancer adds, such as the name that its client asked for.
TEST(ProxyHeader, MayHaveMoreThanAddresses) {
  EXPECT_EQ(source(over_ipv4(12 + 40)), "192.0.2.1:50312");
  EXPECT_EQ(source(over_ipv6(36 + 40)), "[2001:db8::1]:50312");
}

TEST(ProxyHeader, OfTheBalancerItselfNamesNobody) {
  for (const Bytes& bytes : {header(0x20, 0x00, 0, {}), header(0x20, 0x11, 12, {1, 2, 3, 4})}) {
    EXPECT_EQ(refusal(bytes), Code{});
    EXPECT_EQ(source(bytes), "");
  }
}

TEST(ProxyHeader, HoldsItsLimitExactly) {
  const std::size_t most = kMaxProxyHeaderBytes - kProxyFixedBytes;
  EXPECT_EQ(source(over_ipv4(most)), "192.0.2.1:50312");
  EXPECT_THAT(source(over_ipv4(most + 1)), HasSubstr("more than 1024 bytes"));
  EXPECT_EQ(refusal(over_ipv4(65'535)), Code::protocol_violation);
}

TEST(ProxyHeader, EveryCutIsRefused) {
  for (const Bytes& whole : {over_ipv4(), over_ipv6(), over_ipv4(40)})
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_EQ(refusal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
                Code::protocol_violation)
          << size;
  Bytes longer = over_ipv4();
  longer.push_back(0);
  EXPECT_EQ(refusal(longer), Code::protocol_violation);
  // Addresses that its own length cuts.
  for (std::size_t length = 0; length < 12; ++length)
    EXPECT_EQ(refusal(over_ipv4(length)), Code::protocol_violation) << length;
  for (std::size_t length = 0; length < 36; ++length)
    EXPECT_EQ(refusal(over_ipv6(length)), Code::protocol_violation) << length;
}

// Every value of each of the sixteen fixed bytes.
TEST(ProxyHeader, EveryOtherFixedByteIsRefusedOrMeansWhatItSays) {
  const Bytes whole = over_ipv4();
  for (std::size_t at = 0; at < kProxyFixedBytes; ++at)
    for (int value = 0; value < 256; ++value) {
      Bytes changed = whole;
      changed[at] = static_cast<Byte>(value);
      if (changed == whole) continue;
      if (at == 12 && value == 0x20)
        EXPECT_EQ(source(changed), "") << "LOCAL";
      else
        EXPECT_EQ(refusal(changed), Code::protocol_violation) << at << " = " << value;
    }
}

TEST(ProxyHeader, OfVersion1IsRefused) {
  const std::string text = "PROXY TCP4 192.0.2.1 10.0.0.1 50312 7443\r\n";
  auto refused = proxy_header_bytes(as_bytes(text).first(kProxyFixedBytes));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("version 2"));
  EXPECT_THAT(refused.error().hint, HasSubstr("send-proxy-v2"));
}

}  // namespace
}  // namespace nae::net
