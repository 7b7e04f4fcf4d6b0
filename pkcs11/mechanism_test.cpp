#include "pkcs11/mechanism.hpp"

#include <gtest/gtest.h>

#include "libnae/base/text.hpp"
#include "pkcs11/der.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::pkcs11 {
namespace {

Object of_type(KeyType type) {
  Object object;
  object.type = type;
#define NAE_SIGNATURE_SCHEME(scheme, ...) \
  if (fits(SignatureScheme::scheme, type)) object.schemes.push_back(SignatureScheme::scheme);
#include "libnae/base/algorithms.def"
  return object;
}

CK_RV scheme_for(CK_MECHANISM_TYPE type, const Object& object, SignatureScheme& scheme,
                 void* parameter = nullptr, CK_ULONG bytes = 0) {
  const CK_MECHANISM asked{type, parameter, bytes};
  return scheme_of(*find_mechanism(type), asked, object, scheme);
}

// RFC 8017 section 9.2, note 1.
constexpr char kSha256Info[] = "3031300d060960864801650304020105000420";
constexpr char kSha1Info[] = "3021300906052b0e03021a05000414";

TEST(Mechanism, ADigestInfoNamesItsScheme) {
  const Object key = of_type(KeyType::rsa_2048);
  const Mechanism& raw = *find_mechanism(CKM_RSA_PKCS);
  const auto item = [&](const std::string& hex, SignedItem& out) {
    return item_of(raw, SignatureScheme::key_default, key, from_hex(hex).value(), out);
  };
  SignedItem out;
  const std::string digest(64, 'a');
  EXPECT_EQ(item(kSha256Info + digest, out), CK_RV{CKR_OK});
  EXPECT_EQ(out.form.scheme, SignatureScheme::rsa_pkcs1_sha256);
  EXPECT_TRUE(out.form.of_digest);
  EXPECT_EQ(to_hex(out.item), digest);
  EXPECT_EQ(wire_number(out.form), 0x84);
  EXPECT_EQ(item(kSha1Info + std::string(40, 'a'), out), CK_RV{CKR_DATA_INVALID});
  EXPECT_EQ(item(kSha256Info + digest + "00", out), CK_RV{CKR_DATA_INVALID});
  EXPECT_EQ(item(digest, out), CK_RV{CKR_DATA_INVALID}) << "no DigestInfo";
  EXPECT_EQ(item("", out), CK_RV{CKR_DATA_INVALID});
  Object few = key;
  few.schemes = {SignatureScheme::rsa_pss_sha256};
  EXPECT_EQ(item_of(raw, {}, few, from_hex(kSha256Info + digest).value(), out),
            CK_RV{CKR_KEY_FUNCTION_NOT_PERMITTED});
}

TEST(Mechanism, ADigestIsCutOrFilledToTheOrder) {
  const Mechanism& raw = *find_mechanism(CKM_ECDSA);
  SignedItem out;
  const auto item = [&](KeyType type, std::size_t bytes) {
    Bytes digest(bytes);
    for (std::size_t i = 0; i < bytes; ++i) digest[i] = static_cast<Byte>(i + 1);
    return item_of(raw, default_scheme(type), of_type(type), digest, out);
  };
  for (const auto& [type, bytes, first, size] :
       {std::tuple(KeyType::ecdsa_p256, 32, 1, 32), std::tuple(KeyType::ecdsa_p256, 64, 1, 32),
        std::tuple(KeyType::ecdsa_p384, 48, 1, 48), std::tuple(KeyType::ecdsa_p384, 32, 0, 48),
        std::tuple(KeyType::ecdsa_p256, 28, 0, 32)}) {
    EXPECT_EQ(item(type, static_cast<std::size_t>(bytes)), CK_RV{CKR_OK});
    EXPECT_EQ(out.item.size(), static_cast<std::size_t>(size));
    EXPECT_EQ(out.item[0], first);
  }
  for (const std::size_t bytes : {0u, 20u, 27u, 65u})
    EXPECT_EQ(item(KeyType::ecdsa_p256, bytes), CK_RV{CKR_DATA_LEN_RANGE}) << bytes;
}

TEST(Mechanism, PssHasTheSaltOfItsDigest) {
  const Object key = of_type(KeyType::rsa_2048);
  SignatureScheme scheme{};
  CK_RSA_PKCS_PSS_PARAMS good{CKM_SHA384, CKG_MGF1_SHA384, 48};
  EXPECT_EQ(scheme_for(CKM_RSA_PKCS_PSS, key, scheme, &good, sizeof good), CK_RV{CKR_OK});
  EXPECT_EQ(scheme, SignatureScheme::rsa_pss_sha384);
  EXPECT_EQ(scheme_for(CKM_SHA384_RSA_PKCS_PSS, key, scheme, &good, sizeof good), CK_RV{CKR_OK});
  const auto refused = [&](CK_MECHANISM_TYPE type, void* parameter, CK_ULONG bytes) {
    EXPECT_EQ(scheme_for(type, key, scheme, parameter, bytes), CK_RV{CKR_MECHANISM_PARAM_INVALID});
  };
  refused(CKM_SHA256_RSA_PKCS_PSS, &good, sizeof good);
  refused(CKM_RSA_PKCS_PSS, nullptr, 0);
  refused(CKM_RSA_PKCS_PSS, nullptr, sizeof good);
  refused(CKM_RSA_PKCS_PSS, &good, sizeof good - 1);
  for (CK_RSA_PKCS_PSS_PARAMS wrong :
       {CK_RSA_PKCS_PSS_PARAMS{CKM_SHA384, CKG_MGF1_SHA384, 47},
        CK_RSA_PKCS_PSS_PARAMS{CKM_SHA384, CKG_MGF1_SHA256, 48},
        CK_RSA_PKCS_PSS_PARAMS{CKM_SHA_1, CKG_MGF1_SHA1, 20}, CK_RSA_PKCS_PSS_PARAMS{7, 7, 7}})
    refused(CKM_RSA_PKCS_PSS, &wrong, sizeof wrong);
  refused(CKM_RSA_PKCS, &good, sizeof good);
}

TEST(Mechanism, FitsItsKeysAlone) {
  SignatureScheme scheme{};
  const Object p256 = of_type(KeyType::ecdsa_p256), p384 = of_type(KeyType::ecdsa_p384);
  EXPECT_EQ(scheme_for(CKM_ECDSA_SHA256, p256, scheme), CK_RV{CKR_OK});
  EXPECT_EQ(scheme_for(CKM_ECDSA_SHA384, p256, scheme), CK_RV{CKR_KEY_TYPE_INCONSISTENT});
  EXPECT_EQ(scheme_for(CKM_ECDSA_SHA384, p384, scheme), CK_RV{CKR_OK});
  EXPECT_EQ(scheme_for(CKM_RSA_PKCS, p256, scheme), CK_RV{CKR_KEY_TYPE_INCONSISTENT});
  EXPECT_EQ(scheme_for(CKM_SHA256_HMAC, of_type(KeyType::hmac_sha_256), scheme),
            CK_RV{CKR_KEY_TYPE_INCONSISTENT})
      << "its codes are no plain HMAC";
  EXPECT_EQ(scheme_for(CKM_SHA256_HMAC, of_type(KeyType::hmac_sha_256_raw), scheme), CK_RV{CKR_OK});
  EXPECT_FALSE(find_mechanism(CKM_ECDSA_SHA384)->fits(p256));
  EXPECT_TRUE(find_mechanism(CKM_ECDSA)->fits(p256));
  EXPECT_EQ(find_mechanism(CKM_AES_GCM), nullptr);
}

TEST(Mechanism, SignaturesOfAnotherImplementationGoThereAndBack) {
  int pairs = 0;
  for (const auto& v : vectors::read("signatures.txt", "signature")) {
    const auto scheme = scheme_from_name(as_text(v.bytes("scheme"))).value();
    for (const KeyType type : {KeyType::ecdsa_p256, KeyType::ecdsa_p384}) {
      if (!fits(scheme, type)) continue;
      const Object key = of_type(type);
      const Bytes der = v.bytes("signature");
      const auto raw = to_cryptoki(key, der);
      ASSERT_TRUE(raw) << "line " << v.line;
      EXPECT_EQ(raw->size(), key.signature_bytes());
      EXPECT_EQ(from_cryptoki(key, *raw), der);
      for (std::size_t cut = 0; cut < der.size(); ++cut)
        EXPECT_FALSE(to_cryptoki(key, ByteView(der).first(cut))) << cut;
      ++pairs;
    }
  }
  EXPECT_GE(pairs, 6);
  const Object p256 = of_type(KeyType::ecdsa_p256);
  Bytes long_number, der;
  append_natural(long_number, Bytes(33, 'x'));
  append_natural(long_number, Bytes(32, 'x'));
  append_element(der, kDerSequence, long_number);
  EXPECT_FALSE(to_cryptoki(p256, der)) << "longer than the order";
  const Bytes small = *to_cryptoki(p256, from_cryptoki(p256, Bytes(64, Byte{0})));
  EXPECT_EQ(small, Bytes(64, Byte{0}));
}

}  // namespace
}  // namespace nae::pkcs11
