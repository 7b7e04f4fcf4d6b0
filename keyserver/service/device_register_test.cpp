#include "keyserver/service/device_register.hpp"

#include <gtest/gtest.h>

namespace nae::service {
namespace {

net::PeerIdentity device(std::string name, std::string fingerprint) {
  return {net::PeerKind::device, std::move(name), "01", std::move(fingerprint)};
}

TEST(DeviceRegister, AKnownNameNeedsAKnownCertificate) {
  DeviceRegister devices([]() -> Result<std::vector<DeviceStanding>> {
    return std::vector<DeviceStanding>{
        {"db1", "aa", false}, {"db1", "bb", true}, {"db2", "cc", true}};
  });
  ASSERT_TRUE(devices.reload());
  EXPECT_TRUE(devices.admits(device("db1", "aa")));
  EXPECT_FALSE(devices.admits(device("db1", "bb"))) << "removed";
  EXPECT_FALSE(devices.admits(device("db1", "dd"))) << "somebody else issued it";
  EXPECT_FALSE(devices.admits(device("db1", "cc"))) << "another device's";
  EXPECT_FALSE(devices.admits(device("db2", "cc"))) << "all were removed";
  EXPECT_FALSE(devices.admits(device("db2", "dd"))) << "a removed name stays known";
  EXPECT_TRUE(devices.admits(device("db3", "dd"))) << "policy decides about names unknown here";
}

TEST(DeviceRegister, AFailedReloadForgetsNothing) {
  bool fails = false;
  DeviceRegister devices([&]() -> Result<std::vector<DeviceStanding>> {
    if (fails) return fail(Code::store_unavailable, "gone");
    return std::vector<DeviceStanding>{{"db1", "aa", true}};
  });
  const std::uint64_t empty = devices.generation();
  ASSERT_TRUE(devices.reload());
  EXPECT_NE(devices.generation(), empty);
  fails = true;
  EXPECT_EQ(devices.reload().error().code, Code::store_unavailable);
  EXPECT_FALSE(devices.admits(device("db1", "aa")));
}

}  // namespace
}  // namespace nae::service
