// Check values, and how a token of an older server comes to bind; on SoftHSM.
#include "keyserver/hsm/binding.hpp"

#include <gtest/gtest.h>

#include "keyserver/hsm/test_token.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/pkcs11/pin_file.hpp"

namespace nae::hsm {
namespace {

constexpr KeyVersionId kId{KeyId{{1, 2, 3, 4, 5, 6}}, 1};
using Mac = std::array<Byte, keys::kHmacBytes>;

class Binding : public ::testing::Test {
 protected:
  std::unique_ptr<Pkcs11Hsm> open() { return std::move(*Pkcs11Hsm::open(token.options())); }
  // Takes from the token what a server before this one did not make.
  void forget_binding() {
    const auto module = std::move(*token.module());
    const auto session = std::move(*open_session(*module, token.options().token_label,
                                                 read_pin(token.options().pin_file)->value));
    ASSERT_TRUE(session->destroy(**session->find(CKO_SECRET_KEY, "nae-group-check")));
    for (CK_OBJECT_CLASS half : {CKO_PUBLIC_KEY, CKO_PRIVATE_KEY})
      ASSERT_TRUE(session->destroy(**session->find(half, "nae-group-binding")));
  }
  void forget_ledger() {
    const auto module = std::move(*token.module());
    const auto session = std::move(*open_session(*module, token.options().token_label,
                                                 read_pin(token.options().pin_file)->value));
    ASSERT_TRUE(session->destroy(**session->find(CKO_SECRET_KEY, "nae-group-ledger")));
  }
  TestToken token;
};

TEST_F(Binding, ASecretHasOneCheckValueWhateverItIsFor) {
  const auto hsm = open();
  const keys::Material material = *hsm->generate(kId, KeyType::aes_256_gcm);
  const Bytes value = *hsm->check_value(KeyType::aes_256_gcm, material);
  EXPECT_EQ(value.size(), 32u);
  for (KeyType type : {KeyType::aes_256_siv, KeyType::hmac_sha_256, KeyType::hmac_sha_256_raw})
    EXPECT_EQ(*hsm->check_value(type, material), value) << nae::name(type);
  const keys::Material other = *hsm->generate({kId.key, 2}, KeyType::aes_256_gcm);
  EXPECT_NE(*hsm->check_value(KeyType::aes_256_gcm, other), value);
  const keys::Material cipher =
      *hsm->generate({kId.key, 3}, KeyType::aes_256_gcm, keys::Protection::hsm_only);
  EXPECT_NE(*hsm->check_value(KeyType::aes_256_gcm, cipher), value);
  EXPECT_EQ(*open()->check_value(KeyType::aes_256_gcm, material), value) << "after a restart";
}

TEST_F(Binding, NoCodeIsACheckValueNorAByteOfIt) {
  const auto hsm = open();
  const keys::Material material = *hsm->generate(kId, KeyType::hmac_sha_256_raw);
  const Bytes value = *hsm->check_value(KeyType::hmac_sha_256_raw, material);
  Bytes with_mark{1};
  Mac out{};
  ASSERT_TRUE(hsm->mac({kId, KeyType::hmac_sha_256_raw, material}, crypto::kMacPurpose,
                       as_bytes("nae/1 check value"), out));
  with_mark.insert(with_mark.end(), out.begin(), out.end());
  EXPECT_FALSE(std::ranges::equal(out, value)) << "the inner HMAC";
  ASSERT_TRUE(
      hsm->mac({kId, KeyType::hmac_sha_256_raw, material}, crypto::kMacPurpose, with_mark, out));
  EXPECT_FALSE(std::ranges::equal(out, value)) << "the outer one is under a key of the token";
}

TEST_F(Binding, AKeyPairIsKnownByItsPublicKey) {
  const auto hsm = open();
  const keys::Material pair = *hsm->generate(kId, KeyType::ecdsa_p256);
  const keys::Material other = *hsm->generate({kId.key, 2}, KeyType::ed25519);
  EXPECT_EQ(*hsm->check_value(KeyType::ecdsa_p256, pair),
            *hsm->check_value(KeyType::ecdsa_p256, {{}, "", pair.public_key}));
  EXPECT_NE(*hsm->check_value(KeyType::ecdsa_p256, pair),
            *hsm->check_value(KeyType::ed25519, other));
}

TEST_F(Binding, ANewTokenBindsAndAnOldOneOnceAllIsBound) {
  EXPECT_TRUE(*open()->binds());
  forget_binding();
  auto hsm = open();
  EXPECT_FALSE(*hsm->binds());
  EXPECT_FALSE(hsm->public_key_of(keys::ServerKey::binding));
  ASSERT_TRUE(hsm->begin_binding());
  const Bytes public_key = *hsm->public_key_of(keys::ServerKey::binding);
  const keys::Material material = *hsm->generate(kId, KeyType::aes_256_gcm);
  const Bytes value = *hsm->check_value(KeyType::aes_256_gcm, material);
  hsm = open();
  EXPECT_FALSE(*hsm->binds()) << "the server died before it had finished";
  ASSERT_TRUE(hsm->begin_binding());
  EXPECT_EQ(*hsm->public_key_of(keys::ServerKey::binding), public_key);
  EXPECT_EQ(*hsm->check_value(KeyType::aes_256_gcm, material), value);
  ASSERT_TRUE(hsm->finish_binding());
  ASSERT_TRUE(hsm->finish_binding());
  EXPECT_TRUE(*hsm->binds());
  EXPECT_TRUE(*open()->binds());
  EXPECT_EQ(*open()->check_value(KeyType::aes_256_gcm, material), value);
}

TEST_F(Binding, TheLedgersKeyIsTheTokensAndTheStores) {
  auto hsm = open();
  EXPECT_TRUE(*hsm->has_ledger()) << "of a new token, from the beginning";
  const auto bytes = [](const crypto::SecretBytes& key) {
    return Bytes(key.expose().begin(), key.expose().end());
  };
  const Bytes key = bytes(*hsm->ledger_key("one"));
  EXPECT_EQ(key.size(), 32u);
  EXPECT_EQ(bytes(*hsm->ledger_key("one")), key);
  EXPECT_NE(bytes(*hsm->ledger_key("two")), key);
  EXPECT_EQ(bytes(*open()->ledger_key("one")), key);
  hsm.reset();
  forget_ledger();
  hsm = open();
  EXPECT_FALSE(*hsm->has_ledger());
  EXPECT_EQ(hsm->ledger_key("one").error().code, Code::not_found);
  ASSERT_TRUE(hsm->begin_ledger());
  const Bytes other = bytes(*hsm->ledger_key("one"));
  EXPECT_NE(other, key);
  hsm = open();
  EXPECT_FALSE(*hsm->has_ledger()) << "the server died before it had finished";
  ASSERT_TRUE(hsm->begin_ledger());
  EXPECT_EQ(bytes(*hsm->ledger_key("one")), other) << "and goes on with the same key";
  ASSERT_TRUE(hsm->finish_ledger());
  ASSERT_TRUE(hsm->finish_ledger());
  EXPECT_TRUE(*open()->has_ledger());
  EXPECT_EQ(bytes(*open()->ledger_key("one")), other);
}

}  // namespace
}  // namespace nae::hsm
