#include "pkcs11/private_mechanism.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "pkcs11/derived_secret.hpp"

namespace nae::pkcs11 {
namespace {

CK_RSA_PKCS_OAEP_PARAMS oaep(CK_MECHANISM_TYPE hash, CK_RSA_PKCS_MGF_TYPE mgf,
                             ByteView label = {}) {
  return {hash, mgf, CKZ_DATA_SPECIFIED, const_cast<Byte*>(label.data()), label.size()};
}
CK_RV read_oaep(CK_RSA_PKCS_OAEP_PARAMS parameters, Decryption& out,
                CK_ULONG bytes = sizeof(CK_RSA_PKCS_OAEP_PARAMS)) {
  return decryption_of({CKM_RSA_PKCS_OAEP, &parameters, bytes}, out);
}

Object object_of(KeyType type) {
  Object object;
  object.type = type;
  return object;
}

TEST(PrivateMechanism, EachIsListedOnceAndHasItsFlags) {
  const auto every = every_mechanism();
  EXPECT_EQ(std::set(every.begin(), every.end()).size(), every.size());
  CK_MECHANISM_INFO info{};
  ASSERT_EQ(mechanism_info(CKM_RSA_PKCS, info), CKR_OK);
  EXPECT_EQ(info.flags, CKF_SIGN | CKF_VERIFY | CKF_DECRYPT);
  ASSERT_EQ(mechanism_info(CKM_RSA_PKCS_OAEP, info), CKR_OK);
  EXPECT_EQ(info.flags, CKF_DECRYPT);
  ASSERT_EQ(mechanism_info(CKM_ECDH1_DERIVE, info), CKR_OK);
  EXPECT_EQ(info.flags, CKF_DERIVE | CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS);
  EXPECT_EQ(info.ulMaxKeySize, 521u);
  EXPECT_EQ(mechanism_info(CKM_RSA_X_509, info), CKR_MECHANISM_INVALID);
  for (const CK_MECHANISM_TYPE type : every) EXPECT_EQ(mechanism_info(type, info), CKR_OK) << type;
}

TEST(PrivateMechanism, OfAnObjectAreThoseOfItsPurpose) {
  using Types = std::vector<CK_MECHANISM_TYPE>;
  Object decrypts = object_of(KeyType::rsa_decrypt_3072);
  EXPECT_EQ(mechanisms_of(decrypts), Types{}) << "by no scheme";
  decrypts.decryptions = {DecryptionScheme::rsa_oaep_sha256};
  EXPECT_EQ(mechanisms_of(decrypts), Types{CKM_RSA_PKCS_OAEP});
  decrypts.decryptions = {DecryptionScheme::rsa_pkcs1};
  EXPECT_EQ(mechanisms_of(decrypts), Types{CKM_RSA_PKCS});
  decrypts.decryptions.push_back(DecryptionScheme::rsa_oaep_sha1);
  EXPECT_EQ(mechanisms_of(decrypts), (Types{CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS}));
  EXPECT_EQ(mechanisms_of(object_of(KeyType::ecdh_p521)), Types{CKM_ECDH1_DERIVE});
  EXPECT_EQ(mechanisms_of(object_of(KeyType::x25519)), Types{CKM_ECDH1_DERIVE});
  for (const CK_MECHANISM_TYPE type : mechanisms_of(object_of(KeyType::ecdsa_p256)))
    EXPECT_NE(type, CKM_ECDH1_DERIVE);
}

TEST(PrivateMechanism, AParameterMayStandAnywhere) {
  const auto parameters = oaep(CKM_SHA256, CKG_MGF1_SHA256, as_bytes("label"));
  Bytes memory(1 + sizeof parameters);
  std::memcpy(memory.data() + 1, &parameters, sizeof parameters);
  Decryption out;
  ASSERT_EQ(decryption_of({CKM_RSA_PKCS_OAEP, memory.data() + 1, sizeof parameters}, out), CKR_OK);
  EXPECT_EQ(as_text(out.label), "label");
}

TEST(PrivateMechanism, OaepIsOfOneHash) {
  Decryption out;
  ASSERT_EQ(read_oaep(oaep(CKM_SHA256, CKG_MGF1_SHA256, as_bytes("label")), out), CKR_OK);
  EXPECT_EQ(out.scheme, DecryptionScheme::rsa_oaep_sha256);
  EXPECT_EQ(as_text(out.label), "label");
  ASSERT_EQ(read_oaep(oaep(CKM_SHA_1, CKG_MGF1_SHA1), out), CKR_OK);
  EXPECT_EQ(out.scheme, DecryptionScheme::rsa_oaep_sha1);
  EXPECT_TRUE(out.label.empty());
  EXPECT_EQ(read_oaep(oaep(CKM_SHA256, CKG_MGF1_SHA1), out), CKR_MECHANISM_PARAM_INVALID);
  EXPECT_EQ(read_oaep(oaep(CKM_MD5, CKG_MGF1_SHA1), out), CKR_MECHANISM_PARAM_INVALID);
  EXPECT_EQ(read_oaep(oaep(CKM_SHA256, CKG_MGF1_SHA256), out, 8), CKR_MECHANISM_PARAM_INVALID);
  EXPECT_EQ(decryption_of({CKM_RSA_PKCS_OAEP, nullptr, 0}, out), CKR_MECHANISM_PARAM_INVALID);
  auto lost = oaep(CKM_SHA256, CKG_MGF1_SHA256);
  lost.ulSourceDataLen = 4;  // of nothing
  EXPECT_EQ(read_oaep(lost, out), CKR_MECHANISM_PARAM_INVALID);
  const Bytes longest(65'536, 'x'), longer(65'537, 'x');
  EXPECT_EQ(read_oaep(oaep(CKM_SHA256, CKG_MGF1_SHA256, longest), out), CKR_OK);
  EXPECT_EQ(read_oaep(oaep(CKM_SHA256, CKG_MGF1_SHA256, longer), out), CKR_MECHANISM_PARAM_INVALID);
  auto no_source = oaep(CKM_SHA256, CKG_MGF1_SHA256);
  no_source.source = 0;
  EXPECT_EQ(read_oaep(no_source, out), CKR_OK);
}

TEST(PrivateMechanism, Pkcs1HasNoParameter) {
  Decryption out;
  Byte some = 0;
  ASSERT_EQ(decryption_of({CKM_RSA_PKCS, nullptr, 0}, out), CKR_OK);
  EXPECT_EQ(out.scheme, DecryptionScheme::rsa_pkcs1);
  EXPECT_EQ(decryption_of({CKM_RSA_PKCS, &some, 1}, out), CKR_MECHANISM_PARAM_INVALID);
}

TEST(PrivateMechanism, APointIsRawOrAnOctetStringOfTheLengthOfTheCurve) {
  for (const KeyType type :
       {KeyType::ecdh_p256, KeyType::ecdh_p384, KeyType::ecdh_p521, KeyType::x25519}) {
    const Object object = object_of(type);
    const bool is_montgomery = type == KeyType::x25519;
    Bytes raw(is_montgomery ? 32 : 1 + 2 * row(type).coordinate_bytes(), Byte{7});
    raw[0] = 4;
    const auto read = [&](Bytes data, Bytes& point, CK_ULONG kdf = CKD_NULL) {
      CK_ECDH1_DERIVE_PARAMS parameters{kdf, 0, nullptr, data.size(), data.data()};
      return point_of({CKM_ECDH1_DERIVE, &parameters, sizeof parameters}, object, point);
    };
    Bytes point, other = raw;
    ASSERT_EQ(read(raw, point), CKR_OK);
    EXPECT_EQ(point, raw);
    ASSERT_EQ(read(octet_string(raw), point), CKR_OK);
    EXPECT_EQ(point, raw);
    EXPECT_EQ(read(raw, point, CKD_SHA1_KDF), CKR_MECHANISM_PARAM_INVALID);
    other[0] = 2;
    EXPECT_EQ(read(other, point), is_montgomery ? CKR_OK : CKR_MECHANISM_PARAM_INVALID);
    for (std::size_t bytes = 0; bytes < raw.size() + 5; ++bytes) {
      if (bytes == raw.size()) continue;
      EXPECT_EQ(read(Bytes(bytes, Byte{4}), point), CKR_MECHANISM_PARAM_INVALID) << bytes;
    }
  }
}

TEST(DerivedSecret, IsWhatTheTemplateWants) {
  const Bytes agreed{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
  CK_ULONG aes = CKK_AES, length = 16, one = 1;
  CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
  const auto take = [&](std::vector<CK_ATTRIBUTE> wanted, DerivedTemplate& out) {
    return out.want(wanted.data(), wanted.size(), agreed.size());
  };
  DerivedTemplate plain;
  ASSERT_EQ(take({}, plain), CKR_OK);
  EXPECT_EQ(plain.made_of(agreed).value, agreed);
  DerivedTemplate short_one;
  ASSERT_EQ(
      take({{CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_VALUE_LEN, &length, sizeof length}}, short_one),
      CKR_OK);
  const DerivedSecret secret = short_one.made_of(agreed);
  EXPECT_EQ(secret.value, Bytes(agreed.begin() + 4, agreed.end())) << "the front is cut";
  EXPECT_EQ(std::get<Bytes>(attribute_of(secret, CKA_SENSITIVE)), Bytes{0});
  EXPECT_EQ(std::get<Bytes>(attribute_of(secret, CKA_ENCRYPT)), Bytes{0});
  EXPECT_TRUE(std::holds_alternative<NoValue>(attribute_of(secret, CKA_MODULUS)));
  const std::pair<CK_ATTRIBUTE, CK_RV> refused[] = {
      {{CKA_SENSITIVE, &yes, 1}, CKR_TEMPLATE_INCONSISTENT},
      {{CKA_EXTRACTABLE, &no, 1}, CKR_TEMPLATE_INCONSISTENT},
      {{CKA_TOKEN, &yes, 1}, CKR_TEMPLATE_INCONSISTENT},
      {{CKA_CLASS, &one, sizeof one}, CKR_TEMPLATE_INCONSISTENT},
      {{CKA_KEY_TYPE, &one, sizeof one}, CKR_TEMPLATE_INCONSISTENT},
      {{CKA_KEY_TYPE, &aes, sizeof aes}, CKR_TEMPLATE_INCOMPLETE},
      {{CKA_VALUE, &one, 1}, CKR_ATTRIBUTE_TYPE_INVALID},
      {{CKA_SENSITIVE, &one, sizeof one}, CKR_ATTRIBUTE_VALUE_INVALID},
      {{CKA_VALUE_LEN, nullptr, 0}, CKR_ATTRIBUTE_VALUE_INVALID},
      {{CKA_ENCRYPT, nullptr, 1}, CKR_ATTRIBUTE_VALUE_INVALID},
      {{CKA_LABEL, nullptr, 5}, CKR_ATTRIBUTE_VALUE_INVALID},
  };
  for (const auto& [attribute, rv] : refused) {
    DerivedTemplate out;
    EXPECT_EQ(take({attribute}, out), rv) << attribute.type;
  }
  for (const CK_ULONG bad : {CK_ULONG{0}, CK_ULONG{21}, ~CK_ULONG{0}}) {
    CK_ULONG bytes = bad;
    DerivedTemplate out;
    EXPECT_EQ(take({{CKA_VALUE_LEN, &bytes, sizeof bytes}}, out), CKR_KEY_SIZE_RANGE) << bad;
  }
}

}  // namespace
}  // namespace nae::pkcs11
