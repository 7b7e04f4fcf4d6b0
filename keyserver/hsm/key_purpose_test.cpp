// What a key version may be used for is said by its id and type, not by who asks; on SoftHSM.
#include <gtest/gtest.h>

#include "keyserver/hsm/session.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "libnae/crypto/kdf.hpp"
#include "libnae/pkcs11/module.hpp"
#include "libnae/pkcs11/pin_file.hpp"

namespace nae::hsm {
namespace {

constexpr KeyVersionId kId{KeyId{{1, 2, 3, 4, 5, 6}}, 1};
using Mac = std::array<Byte, keys::kHmacBytes>;

class KeyPurposes : public ::testing::Test {
 protected:
  std::unique_ptr<Pkcs11Hsm> open() { return std::move(*Pkcs11Hsm::open(token.options())); }
  TestToken token;
};

// A hand in the store that names the server's own keys, or another version's, gets nothing signed
// and nothing destroyed.
TEST_F(KeyPurposes, AVersionHasTheTokenObjectOfItsIdAndNoOther) {
  const auto hsm = open();
  const KeyVersionId other{kId.key, 2};
  const std::string of_other = hsm->generate(other, KeyType::ed25519)->token_object;
  const std::string own = hsm->generate(kId, KeyType::ed25519)->token_object;
  for (const std::string& label :
       {std::string("nae-group-authority"), std::string("nae-group-audit"),
        std::string("nae-group-import"), of_other}) {
    const keys::Material planted{{}, label, {}};
    for (KeyType type : {KeyType::ed25519, KeyType::ecdsa_p256}) {
      ASSERT_TRUE(hsm->forget({kId, type, {}}, false));
      auto signature = hsm->sign({kId, type, planted}, SignatureScheme::key_default, as_bytes("m"));
      ASSERT_FALSE(signature) << label;
      EXPECT_EQ(signature.error().code, Code::store_corrupt);
      EXPECT_EQ(hsm->forget({kId, type, planted}, true).error().code, Code::store_corrupt);
    }
  }
  EXPECT_EQ(hsm->sign({kId, KeyType::ecdsa_p256, {{}, own, {}}}, SignatureScheme::key_default, {})
                .error()
                .code,
            Code::store_corrupt)
      << "its own, as a key of a type that does not live there";
  EXPECT_TRUE(hsm->sign_as(keys::ServerKey::authority, as_bytes("m")));
  EXPECT_TRUE(hsm->sign_as(keys::ServerKey::audit, as_bytes("m")));
  EXPECT_TRUE(
      hsm->sign({other, KeyType::ed25519, {{}, of_other, {}}}, SignatureScheme::key_default, {}));
}

// What the module itself keeps from whoever has the PIN, for as long as an object lives.
TEST_F(KeyPurposes, ObjectsServeTheirOwnMechanismsOnly) {
  const auto hsm = open();
  ASSERT_TRUE(hsm->import_key());
  const std::string ed25519 = hsm->generate(kId, KeyType::ed25519)->token_object;
  const auto module = std::move(*token.module());
  const auto session = std::move(*open_session(*module, token.options().token_label,
                                               read_pin(token.options().pin_file)->value));
  const auto mechanisms = [&](CK_OBJECT_CLASS kind, const std::string& label) {
    const Bytes value =
        *session->read_attribute(**session->find(kind, label), CKA_ALLOWED_MECHANISMS);
    std::vector<CK_MECHANISM_TYPE> list(value.size() / sizeof(CK_MECHANISM_TYPE));
    std::memcpy(list.data(), value.data(), value.size());
    return list;
  };
  using List = std::vector<CK_MECHANISM_TYPE>;
  EXPECT_EQ(mechanisms(CKO_SECRET_KEY, "nae-group"), List{CKM_AES_KEY_WRAP_PAD});
  EXPECT_EQ(mechanisms(CKO_SECRET_KEY, "nae-group-check"), List{CKM_SHA256_HMAC});
  EXPECT_EQ(mechanisms(CKO_PRIVATE_KEY, "nae-group-import"), List{CKM_RSA_PKCS_OAEP});
  EXPECT_EQ(mechanisms(CKO_PRIVATE_KEY, ed25519), List{CKM_EDDSA});
  for (keys::ServerKey key : keys::kServerKeys)
    EXPECT_EQ(mechanisms(CKO_PRIVATE_KEY, label_of(key, "nae-group")), List{CKM_ECDSA});
  CK_MECHANISM other{CKM_SHA512_HMAC, nullptr, 0};
  EXPECT_EQ(session->calls().C_SignInit(session->handle(), &other,
                                        **session->find(CKO_SECRET_KEY, "nae-group-check")),
            CKR_MECHANISM_INVALID);
}

// The KDF is an HMAC: who could have an HMAC of anything would have its working keys.
TEST_F(KeyPurposes, NoKeyThatDerivesComputesACode) {
  const auto hsm = open();
  std::uint16_t version = 0;
  const crypto::KeyPurpose purposes[] = {crypto::kGcmPurpose,        crypto::kLeaseGcmPurpose,
                                         crypto::kSivPurpose,        crypto::kMacPurpose,
                                         crypto::kBlindIndexPurpose, crypto::kBlindIndexCodePurpose,
                                         crypto::kSearchPurpose};
  for (KeyType type : {KeyType::aes_256_gcm, KeyType::aes_256_siv, KeyType::hmac_sha_256}) {
    const KeyVersionId id{kId.key, ++version};
    const keys::Material material = *hsm->generate(id, type);
    const keys::HsmKey key{id, type, material};
    std::size_t derived = 0;
    for (const crypto::KeyPurpose& purpose : purposes) {
      Mac out{};
      const Bytes input = crypto::kdf_input(purpose, id, crypto::kNoSalt, 1);
      EXPECT_EQ(hsm->mac(key, purpose, input, out).error().code, Code::key_type);
      auto working_key = hsm->derive(key, purpose, crypto::kNoSalt);
      derived += working_key ? 1 : 0;
      const keys::HsmKey inside{id, type, material, keys::Protection::hsm_only};
      EXPECT_FALSE(hsm->derive(inside, purpose, crypto::kNoSalt));
      if (type != KeyType::hmac_sha_256) continue;
      // The code of what the KDF asks for is not what the KDF answers.
      if (!hsm->mac(inside, purpose, input, out)) continue;
      EXPECT_FALSE(crypto::equal_in_constant_time(working_key->expose().first(out.size()), out));
    }
    EXPECT_EQ(derived, type == KeyType::hmac_sha_256 ? 3u : type == KeyType::aes_256_gcm ? 3u : 1u);
  }
  const KeyVersionId raw{kId.key, ++version};
  const keys::Material material = *hsm->generate(raw, KeyType::hmac_sha_256_raw);
  for (const crypto::KeyPurpose& purpose : purposes)
    EXPECT_FALSE(hsm->derive({raw, KeyType::hmac_sha_256_raw, material}, purpose, crypto::kNoSalt));
}

}  // namespace
}  // namespace nae::hsm
