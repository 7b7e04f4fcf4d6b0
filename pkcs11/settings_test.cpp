#include "pkcs11/settings.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace nae::pkcs11 {
namespace {

class SettingsTest : public ::testing::Test {
 protected:
  SettingsTest() { ::unsetenv("NAE_PKCS11"); }
  ~SettingsTest() override { ::unsetenv("NAE_PKCS11"); }
};

TEST_F(SettingsTest, HaveDefaults) {
  const Settings settings = load_settings(nullptr).value();
  EXPECT_EQ(settings.socket, "/run/nae/agent.sock");
  EXPECT_EQ(settings.token_label, "NAE");
  EXPECT_EQ(settings.patience.count(), 10'000);
  EXPECT_FALSE(settings.shows_ed25519);
}

TEST_F(SettingsTest, AreReadFromTheArgumentBeforeTheEnvironment) {
  ::setenv("NAE_PKCS11", "socket=/a token=one  wait_ms=0", 1);
  Settings settings = load_settings(nullptr).value();
  EXPECT_EQ(settings.socket, "/a");
  EXPECT_EQ(settings.token_label, "one");
  EXPECT_EQ(settings.patience.count(), 0);
  settings = load_settings("ed25519=yes token=two\twait_ms=600000").value();
  EXPECT_EQ(settings.socket, "/a");
  EXPECT_EQ(settings.token_label, "two");
  EXPECT_EQ(settings.patience.count(), 600'000);
  EXPECT_TRUE(settings.shows_ed25519);
}

TEST_F(SettingsTest, RefuseWhatTheyDoNotKnow) {
  const std::string long_path = "socket=/" + std::string(106, 's');
  EXPECT_TRUE(load_settings(long_path.c_str()));
  EXPECT_FALSE(load_settings((long_path + "s").c_str()));
  const std::string label = "token=" + std::string(32, 't');
  EXPECT_TRUE(load_settings(label.c_str()));
  EXPECT_FALSE(load_settings((label + "t").c_str()));
  for (const char* wrong : {"socket", "socket=", "socket=relative", "token=", "wait_ms=",
                            "wait_ms=-1", "wait_ms=600001", "wait_ms=1s", "wait_ms=1 1",
                            "ed25519=maybe", "pin=1234", "configdir='sql:/x'", "=", "x=y"}) {
    const auto refused = load_settings(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, Code::config_invalid) << wrong;
  }
}

}  // namespace
}  // namespace nae::pkcs11
