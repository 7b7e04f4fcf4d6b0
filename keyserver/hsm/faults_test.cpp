// Faults of a module keep their names: what failed, with which value, and a hint that fits.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <p11-kit/pkcs11.h>

#include "keyserver/hsm/test_token.hpp"

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
    lack_ = reinterpret_cast<void (*)(CK_MECHANISM_TYPE)>(::dlsym(module, "nae_lack_mechanism"));
    hsm_ = Pkcs11Hsm::prepare(options());
  }
  Options options() const {
    Options options = token_.options();
    options.module = NAE_FAULTY_MODULE;
    return options;
  }
  ~OnFaultyModule() override {
    for (const char* name : {"C_GetTokenInfo", "C_OpenSession", "C_Sign", "C_UnwrapKey"})
      fail_(name, CKR_OK, 0);
    lack_(CK_UNAVAILABLE_INFORMATION);
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

  TestToken token_;
  bool (*fail_)(const char*, CK_RV, int) = nullptr;
  void (*lack_)(CK_MECHANISM_TYPE) = nullptr;
  std::unique_ptr<Pkcs11Hsm> hsm_;
};

// Init and start say what the module lacks, not that some call failed.
TEST_F(OnFaultyModule, ATokenWithoutANeededMechanismIsRefusedByItsName) {
  for (const auto& [type, name] :
       {std::pair{CKM_SHA256_HMAC, "CKM_SHA256_HMAC"}, std::pair{CKM_ECDSA, "CKM_ECDSA"},
        std::pair{CKM_AES_KEY_GEN, "CKM_AES_KEY_GEN"}}) {
    lack_(type);
    const auto refused = [named = name](const auto& done) {
      ASSERT_FALSE(done) << named;
      EXPECT_EQ(done.error().code, Code::unsupported);
      EXPECT_THAT(done.error().message, AllOf(HasSubstr("does not offer"), HasSubstr(named)));
      EXPECT_THAT(std::string(done.error().hint_or_default()), HasSubstr("Which HSM"));
    };
    refused(Pkcs11Hsm::open(options()));
    refused(initialise({options(), token_.provision().so_pin_file}));
  }
  lack_(CK_UNAVAILABLE_INFORMATION);
  connect();
}

TEST_F(OnFaultyModule, ATokenWithoutAKeyWrapIsRefusedByItsName) {
  lack_(CKM_AES_KEY_WRAP_PAD);
  // NSS has the other name as well, and goes by that.
  if (tests_run_on_nss()) return connect();
  EXPECT_THAT(Pkcs11Hsm::open(options()).error().message,
              HasSubstr("CKM_AES_KEY_WRAP_KWP (or CKM_AES_KEY_WRAP_PAD)"));
}

TEST_F(OnFaultyModule, AKeyWhoseMechanismIsLackingIsRefusedByItsName) {
  connect();
  const struct {
    CK_MECHANISM_TYPE lacks;
    const char* name;
    KeyType type;
    keys::Protection protection;
  } rows[] = {
      {CKM_RSA_PKCS_PSS, "CKM_RSA_PKCS_PSS", KeyType::rsa_2048, keys::Protection::wrapped},
      {CKM_EDDSA, "CKM_EDDSA", KeyType::ed25519, keys::Protection::wrapped},
      {CKM_AES_GCM, "CKM_AES_GCM", KeyType::aes_256_gcm, keys::Protection::hsm_only},
  };
  for (const auto& row : rows) {
    lack_(row.lacks);
    auto made = hsm_->generate(kId, row.type, row.protection);
    ASSERT_FALSE(made) << row.name;
    EXPECT_EQ(made.error().code, Code::unsupported);
    EXPECT_THAT(made.error().message, HasSubstr(row.name));
    ASSERT_TRUE(hsm_->generate(kId, KeyType::aes_256_gcm)) << "what needs it not goes on";
  }
  lack_(CKM_RSA_PKCS_OAEP);
  auto import_key = hsm_->import_key();
  ASSERT_FALSE(import_key);
  EXPECT_THAT(import_key.error().message, HasSubstr("CKM_RSA_PKCS_OAEP"));
}

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
    hsm_ = Pkcs11Hsm::prepare(options());
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
