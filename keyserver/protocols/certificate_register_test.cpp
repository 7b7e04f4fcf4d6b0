#include "keyserver/protocols/certificate_register.hpp"

#include <gtest/gtest.h>

namespace nae::protocols {
namespace {

net::PeerIdentity device(std::string name, std::string fingerprint) {
  return {net::PeerKind::device, std::move(name), "01", std::move(fingerprint)};
}

TEST(CertificateRegister, AKnownNameNeedsAKnownCertificate) {
  CertificateRegister devices(
      []() -> Result<std::vector<CertificateStanding>> {
        return std::vector<CertificateStanding>{
            {"db1", "aa", false}, {"db1", "bb", true}, {"db2", "cc", true}};
      },
      UnknownNames::admitted);
  ASSERT_TRUE(devices.reload());
  EXPECT_TRUE(devices.admits(device("db1", "aa")));
  EXPECT_FALSE(devices.admits(device("db1", "bb"))) << "removed";
  EXPECT_FALSE(devices.admits(device("db1", "dd"))) << "somebody else issued it";
  EXPECT_FALSE(devices.admits(device("db1", "cc"))) << "another device's";
  EXPECT_FALSE(devices.admits(device("db2", "cc"))) << "all were removed";
  EXPECT_FALSE(devices.admits(device("db2", "dd"))) << "a removed name stays known";
  EXPECT_TRUE(devices.admits(device("db3", "dd"))) << "policy decides about names unknown here";
}

TEST(CertificateRegister, AFailedReloadForgetsNothing) {
  bool fails = false;
  CertificateRegister devices(
      [&]() -> Result<std::vector<CertificateStanding>> {
        if (fails) return fail(Code::store_unavailable, "gone");
        return std::vector<CertificateStanding>{{"db1", "aa", true}};
      },
      UnknownNames::admitted);
  const std::uint64_t empty = devices.generation();
  ASSERT_TRUE(devices.reload());
  EXPECT_NE(devices.generation(), empty);
  fails = true;
  EXPECT_EQ(devices.reload().error().code, Code::store_unavailable);
  EXPECT_FALSE(devices.admits(device("db1", "aa")));
}

TEST(CertificateRegister, MayRefuseNamesThatItDoesNotKnow) {
  CertificateRegister admins(
      []() -> Result<std::vector<CertificateStanding>> {
        return std::vector<CertificateStanding>{{"alice", "aa", false}};
      },
      UnknownNames::refused);
  EXPECT_FALSE(admins.admits(device("alice", "aa"))) << "nothing was read yet";
  ASSERT_TRUE(admins.reload());
  EXPECT_TRUE(admins.admits(device("alice", "aa")));
  EXPECT_FALSE(admins.admits(device("bob", "aa")));
}

TEST(CertificateRegister, TellsOfEveryChange) {
  int told = 0;
  CertificateRegister devices(
      []() -> Result<std::vector<CertificateStanding>> {
        return std::vector<CertificateStanding>{};
      },
      UnknownNames::admitted);
  devices.on_change([&] { ++told; });
  ASSERT_TRUE(devices.reload());
  ASSERT_TRUE(devices.reload());
  EXPECT_EQ(told, 2);
}

}  // namespace
}  // namespace nae::protocols
