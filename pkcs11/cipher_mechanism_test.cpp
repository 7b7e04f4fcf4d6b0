#include "pkcs11/cipher_mechanism.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "pkcs11/private_mechanism.hpp"

namespace nae::pkcs11 {
namespace {

CK_RV read(CK_MECHANISM_TYPE type, void* parameter, CK_ULONG bytes, CipherUse& use) {
  return cipher_use_of(*find_cipher_mechanism(type), {type, parameter, bytes}, use);
}

struct Gcm {
  Bytes iv = Bytes(12, Byte{1}), aad{2, 3};
  CK_GCM_PARAMS parameters() {
    return {iv.data(), iv.size(), iv.size() * 8, aad.data(), aad.size(), 128};
  }
};

TEST(CipherMechanism, ListsEncryptingAndDecrypting) {
  CK_MECHANISM_INFO info{};
  for (const CipherMechanism& mechanism : cipher_mechanisms()) {
    ASSERT_EQ(mechanism_info(mechanism.type, info), CKR_OK);
    EXPECT_EQ(info.flags, CKF_ENCRYPT | CKF_DECRYPT);
    EXPECT_EQ(info.ulMaxKeySize, 32u) << "bytes";
  }
  Object object;
  object.type = KeyType::aes_256_raw;
  EXPECT_TRUE(mechanisms_of(object).empty()) << "by no mode";
  object.modes = {CipherMode::aes_ctr, CipherMode::aes_gcm};
  EXPECT_EQ(mechanisms_of(object), (std::vector<CK_MECHANISM_TYPE>{CKM_AES_GCM, CKM_AES_CTR}));
}

TEST(CipherMechanism, GcmHasATagOfSixteenBytesAndBothFormsOfItsParameter) {
  Gcm gcm;
  auto parameters = gcm.parameters();
  CipherUse use;
  ASSERT_EQ(read(CKM_AES_GCM, &parameters, sizeof parameters, use), CKR_OK);
  EXPECT_EQ(use.iv, gcm.iv);
  EXPECT_EQ(use.aad, gcm.aad);
  struct {
    CK_BYTE* iv;
    CK_ULONG iv_bytes;
    CK_BYTE* aad;
    CK_ULONG aad_bytes, tag_bits;
  } without_bits{gcm.iv.data(), 12, nullptr, 0, 128};
  use = {};
  ASSERT_EQ(read(CKM_AES_GCM, &without_bits, sizeof without_bits, use), CKR_OK);
  EXPECT_EQ(use.iv, gcm.iv);
  EXPECT_TRUE(use.aad.empty());
  for (const CK_ULONG bits : {0, 96, 120, 127, 136}) {
    parameters = gcm.parameters();
    parameters.ulTagBits = bits;
    EXPECT_EQ(read(CKM_AES_GCM, &parameters, sizeof parameters, use), CKR_MECHANISM_PARAM_INVALID);
  }
  for (const std::size_t bytes : {0, 1, 128, 129}) {
    gcm.iv.assign(bytes + 1, Byte{1});  // something to point at
    parameters = gcm.parameters();
    parameters.ulIvLen = bytes;
    EXPECT_EQ(read(CKM_AES_GCM, &parameters, sizeof parameters, use),
              bytes == 0 || bytes == 129 ? CKR_MECHANISM_PARAM_INVALID : CKR_OK)
        << bytes;
  }
  parameters = gcm.parameters();
  parameters.pIv = nullptr;
  EXPECT_EQ(read(CKM_AES_GCM, &parameters, sizeof parameters, use), CKR_MECHANISM_PARAM_INVALID);
  gcm.iv.resize(12);
  parameters = gcm.parameters();
  parameters.pAAD = nullptr;
  EXPECT_EQ(read(CKM_AES_GCM, &parameters, sizeof parameters, use), CKR_MECHANISM_PARAM_INVALID);
  for (const std::size_t bytes : {65'536, 65'537}) {
    gcm.aad.assign(bytes, Byte{1});
    parameters = gcm.parameters();
    EXPECT_EQ(read(CKM_AES_GCM, &parameters, sizeof parameters, use),
              bytes == 65'536 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID);
  }
  EXPECT_EQ(read(CKM_AES_GCM, nullptr, 0, use), CKR_MECHANISM_PARAM_INVALID);
  EXPECT_EQ(read(CKM_AES_GCM, &parameters, 8, use), CKR_MECHANISM_PARAM_INVALID);
}

TEST(CipherMechanism, BlocksAndCountersAreOfSixteenBytes) {
  CipherUse use;
  Bytes iv(17, Byte{5});
  for (const CK_MECHANISM_TYPE type : {CKM_AES_CBC, CKM_AES_CBC_PAD}) {
    ASSERT_EQ(read(type, iv.data(), 16, use), CKR_OK);
    EXPECT_EQ(use.iv, Bytes(16, Byte{5}));
    for (const CK_ULONG bytes : {0, 8, 15, 17})
      EXPECT_EQ(read(type, iv.data(), bytes, use), CKR_MECHANISM_PARAM_INVALID) << bytes;
    EXPECT_EQ(read(type, nullptr, 16, use), CKR_MECHANISM_PARAM_INVALID);
  }
  CK_AES_CTR_PARAMS counter{128, {}};
  ASSERT_EQ(read(CKM_AES_CTR, &counter, sizeof counter, use), CKR_OK);
  EXPECT_EQ(use.iv, Bytes(16, Byte{0}));
  for (const CK_ULONG bits : {0, 32, 64, 127, 129}) {
    counter.ulCounterBits = bits;
    EXPECT_EQ(read(CKM_AES_CTR, &counter, sizeof counter, use), CKR_MECHANISM_PARAM_INVALID);
  }
  use = {};
  ASSERT_EQ(read(CKM_AES_KEY_WRAP, nullptr, 0, use), CKR_OK);
  EXPECT_TRUE(use.iv.empty());
  EXPECT_EQ(read(CKM_AES_KEY_WRAP, iv.data(), 8, use), CKR_MECHANISM_PARAM_INVALID)
      << "an initial value of one's own";
}

TEST(CipherMechanism, LengthsAreKnownBefore) {
  using enum CipherMode;
  const auto of = [](CipherMode mode, bool encrypts, std::size_t bytes) {
    return result_bytes({mode, encrypts, {}, {}}, bytes);
  };
  EXPECT_EQ(of(aes_gcm, true, 0), 16u);
  EXPECT_EQ(of(aes_gcm, false, 16), 0u);
  EXPECT_FALSE(of(aes_gcm, false, 15));
  EXPECT_EQ(of(aes_cbc, true, 32), 32u);
  EXPECT_FALSE(of(aes_cbc, true, 31));
  EXPECT_EQ(of(aes_cbc_pad, true, 15), 16u);
  EXPECT_EQ(of(aes_cbc_pad, true, 16), 32u);
  EXPECT_FALSE(of(aes_cbc_pad, false, 0));
  EXPECT_FALSE(of(aes_cbc_pad, false, 17));
  EXPECT_EQ(of(aes_ctr, false, 17), 17u);
  EXPECT_EQ(of(aes_kw, true, 16), 24u);
  EXPECT_EQ(of(aes_kw, false, 24), 16u);
  for (const std::size_t bytes : {0, 8, 17}) EXPECT_FALSE(of(aes_kw, true, bytes)) << bytes;
  for (const std::size_t bytes : {0, 16, 25}) EXPECT_FALSE(of(aes_kw, false, bytes)) << bytes;
}

}  // namespace
}  // namespace nae::pkcs11
