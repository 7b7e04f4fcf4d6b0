#include "libnae/base/host.hpp"

#include <gtest/gtest.h>

namespace nae {
namespace {

TEST(Host, EveryInterfaceIsNoneToCall) {
  for (const char* host : {"0.0.0.0", "0", "0.0", "0x0", "00.0.0.0", "::", "::0", "0::0",
                           "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0", "::%eth0"})
    EXPECT_TRUE(is_every_interface(host)) << host;
}

TEST(Host, NamesAndOtherAddressesAreOthers) {
  for (const char* host : {"", "127.0.0.1", "0.0.0.1", "::1", "::ffff:10.0.0.1",
                           "2001:db8::", "ks1.example", "0.example", "zero", "[::]", "%eth0"})
    EXPECT_FALSE(is_every_interface(host)) << host;
}

TEST(Host, AnAddressOfVersion6StandsInBrackets) {
  EXPECT_EQ(address_text("::1", 7443), "[::1]:7443");
  EXPECT_EQ(address_text("ks1.example", 1), "ks1.example:1");
}

}  // namespace
}  // namespace nae
