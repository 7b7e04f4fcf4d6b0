#include "keyserver/policy/network.hpp"

#include <gtest/gtest.h>

namespace nae::policy {
namespace {

bool lies_in(std::string_view address, std::string_view network) {
  auto parsed = parse_address(address);
  EXPECT_TRUE(parsed) << address;
  return parsed && parse_network(network)->contains(*parsed);
}

TEST(Network, ContainsItsEdgesAndNoneBeyond) {
  EXPECT_TRUE(lies_in("10.0.0.0", "10.0.0.0/8"));
  EXPECT_TRUE(lies_in("10.255.255.255", "10.0.0.0/8"));
  EXPECT_FALSE(lies_in("11.0.0.0", "10.0.0.0/8"));
  EXPECT_FALSE(lies_in("9.255.255.255", "10.0.0.0/8"));
  EXPECT_TRUE(lies_in("192.0.2.130", "192.0.2.128/25"));
  EXPECT_FALSE(lies_in("192.0.2.127", "192.0.2.128/25"));
  EXPECT_TRUE(lies_in("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(lies_in("192.0.2.8", "192.0.2.7"));
  EXPECT_TRUE(lies_in("255.0.0.1", "0.0.0.0/0"));
  EXPECT_TRUE(lies_in("2001:db8:ffff::1", "2001:db8::/32"));
  EXPECT_FALSE(lies_in("2001:db9::1", "2001:db8::/32"));
  EXPECT_TRUE(lies_in("::1", "::1/128"));
  EXPECT_FALSE(lies_in("::1", "0.0.0.0/0")) << "of the other version";
  EXPECT_FALSE(lies_in("10.0.0.1", "::/0"));
}

TEST(Network, ReadsAddressesAsConnectionsShowThem) {
  EXPECT_TRUE(lies_in("10.1.2.3:50312", "10.0.0.0/8"));
  EXPECT_TRUE(lies_in("[2001:db8::1]:50312", "2001:db8::/32"));
  EXPECT_TRUE(lies_in("[2001:db8::1]", "2001:db8::/32"));
  EXPECT_TRUE(lies_in("fe80::1%eth0", "fe80::/10"));
  EXPECT_TRUE(lies_in("[fe80::1%eth0]:7", "fe80::/10"));
  EXPECT_TRUE(lies_in("::ffff:10.1.2.3", "10.0.0.0/8")) << "as a socket for both versions sees it";
  EXPECT_TRUE(lies_in("[::ffff:10.1.2.3]:50312", "10.0.0.0/8"));
  for (std::string_view text : {"", "unix", "10.1.2", "10.1.2.3.4", "10.1.2.3:", "10.1.2.3:x",
                                "[::1", "[10.1.2.3]", "[::1]x", "host", "10.1.2.300", "::1::2"})
    EXPECT_FALSE(parse_address(text)) << text;
  EXPECT_FALSE(parse_address(std::string_view("10.1.2.3\0x", 10)));
}

TEST(Network, RefusesWhatIsNone) {
  for (std::string_view text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8 ", "10.0.0.0/8/8",
        "10.1.2.3/8", "10.0.0/8", "2001:db8::/129", "2001:db8::1/32", "::ffff:10.0.0.0/104",
        "localhost", "10.0.0.0/255.0.0.0", "fe80::1%eth0"}) {
    auto network = parse_network(text);
    ASSERT_FALSE(network) << text;
    EXPECT_EQ(network.error().code, Code::policy_invalid);
  }
  for (std::string_view text : {"10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::1/128"})
    EXPECT_EQ(to_text(*parse_network(text)), text);
}

}  // namespace
}  // namespace nae::policy
