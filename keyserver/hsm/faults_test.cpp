// Faults of a module keep their names: what failed, with which value, and a hint that fits.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <p11-kit/pkcs11.h>

#include "keyserver/hsm/softhsm_test_token.hpp"

namespace nae::hsm {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr KeyVersionId kId{KeyId{{1, 2, 3, 4, 5, 6}}, 1};

class OnFaultyModule : public ::testing::Test {
 protected:
  OnFaultyModule() {
    void* module = ::dlopen(NAE_FAULTY_MODULE, RTLD_NOW | RTLD_LOCAL);
    fail_ = reinterpret_cast<bool (*)(const char*, CK_RV, int)>(::dlsym(module, "nae_fail_pkcs11"));
    Options options = token_.options();
    options.module = NAE_FAULTY_MODULE;
    hsm_ = Pkcs11Hsm::prepare(options);
  }
  ~OnFaultyModule() override {
    for (const char* name : {"C_GetTokenInfo", "C_OpenSession", "C_Sign", "C_UnwrapKey"})
      fail_(name, CKR_OK, 0);
  }
  void connect() {
    auto connected = hsm_->check();
    ASSERT_TRUE(connected) << connected.error().message;
  }
  void fail_next(const char* function, CK_RV value, int times = 1) {
    ASSERT_TRUE(fail_(function, value, times));
  }
  Error sign_error() {
    auto made = hsm_->sign_as(keys::ServerKey::audit, as_bytes("message"));
    return made ? Error() : made.error();
  }

  SoftHsmTestToken token_;
  bool (*fail_)(const char*, CK_RV, int) = nullptr;
  std::unique_ptr<Pkcs11Hsm> hsm_;
};

TEST_F(OnFaultyModule, MemoryOfTheDeviceAtSigningIsNoFullToken) {
  connect();
  fail_next("C_Sign", CKR_DEVICE_MEMORY);
  const Error error = sign_error();
  EXPECT_EQ(error.code, Code::hsm_failed);
  EXPECT_EQ(error.message, "C_Sign: CKR_DEVICE_MEMORY");
  EXPECT_EQ(sign_error().message, "");
}

TEST_F(OnFaultyModule, MemoryOfTheDeviceForASessionObjectIsNoFullToken) {
  connect();
  fail_next("C_UnwrapKey", CKR_DEVICE_MEMORY);
  auto made = hsm_->generate(kId, KeyType::hmac_sha_256);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::hsm_failed);
  EXPECT_EQ(made.error().message, "C_UnwrapKey: CKR_DEVICE_MEMORY");
}

TEST_F(OnFaultyModule, MemoryOfTheDeviceForATokenObjectIsAFullToken) {
  connect();
  fail_next("C_GenerateKeyPair", CKR_DEVICE_MEMORY);
  auto made = hsm_->generate(kId, KeyType::ed25519);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::hsm_token_full);
  EXPECT_THAT(made.error().message, HasSubstr("C_GenerateKeyPair: CKR_DEVICE_MEMORY"));
}

TEST_F(OnFaultyModule, ASessionThatCannotBeOpenedIsNoMissingToken) {
  for (CK_RV value : {CKR_SESSION_COUNT, CKR_DEVICE_ERROR, CKR_DEVICE_MEMORY, CKR_HOST_MEMORY,
                      CKR_GENERAL_ERROR}) {
    fail_next("C_OpenSession", value, 10);
    auto connected = hsm_->check();
    ASSERT_FALSE(connected);
    EXPECT_THAT(connected.error().message, HasSubstr("C_OpenSession: CKR_"));
    EXPECT_NE(connected.error().code, Code::hsm_token_missing);
    EXPECT_NE(connected.error().code, Code::hsm_token_full);
    EXPECT_THAT(std::string(connected.error().hint_or_default()), Not(HasSubstr("token_label")));
    fail_next("C_OpenSession", CKR_OK, 0);
    connect();
    hsm_ = Pkcs11Hsm::prepare([&] {
      Options options = token_.options();
      options.module = NAE_FAULTY_MODULE;
      return options;
    }());
  }
}

TEST_F(OnFaultyModule, ATokenThatDoesNotTellItsLabelIsAwayNotMissing) {
  fail_next("C_GetTokenInfo", CKR_DEVICE_ERROR, 100);
  auto connected = hsm_->check();
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().code, Code::hsm_unavailable);
  EXPECT_THAT(connected.error().message,
              AllOf(HasSubstr("C_GetTokenInfo: CKR_DEVICE_ERROR"), HasSubstr("nae-test")));
}

TEST_F(OnFaultyModule, ASessionLostWhileTheModuleReloadsKeepsItsFirstFault) {
  connect();
  // The session is lost; the next one cannot be opened, and the module that is loaded anew for it
  // shows no token at all.
  fail_next("C_Sign", CKR_SESSION_HANDLE_INVALID);
  fail_next("C_OpenSession", CKR_SESSION_COUNT);
  token_.write("softhsm2.conf", "directories.tokendir = " + token_.directory().string() +
                                    "\nobjectstore.backend = file\nlog.level = ERROR\n");
  const Error error = sign_error();
  EXPECT_EQ(error.code, Code::hsm_unavailable);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("C_OpenSession: CKR_SESSION_COUNT"), HasSubstr("nae-test")));
}

}  // namespace
}  // namespace nae::hsm
