// Private keys that decrypt and agree, on a real token: each padding, each refusal, and no other
// use.
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <set>

#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/key_agreement.hpp"
#include "libnae/crypto/key_transport.hpp"
#include "libnae/crypto/private_key.hpp"
#include "libnae/crypto/rsa_padding.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::hsm {
namespace {

using crypto::secret_of;

constexpr KeyVersionId kId{KeyId{{1, 2, 3, 4, 5, 6}}, 1};

class PrivateUse : public ::testing::Test {
 protected:
  keys::HsmKey made(KeyType type) {
    auto material = hsm->generate(kId, type);
    EXPECT_TRUE(material) << material.error().message;
    return {kId, type, kept.emplace_back(*std::move(material))};
  }
  std::list<keys::Material> kept;  // keys refer to it
  TestToken token;
  std::unique_ptr<Pkcs11Hsm> hsm = std::move(*Pkcs11Hsm::open(token.options()));
};

// A key of the vectors, in the HSM: what another implementation encrypted to it.
class VectorKey : public PrivateUse {
 protected:
  VectorKey() {
    const auto read = crypto::read_private_key(
        secret_of(vectors::read("rsa_decryption.txt", "key").at(0).bytes("private_key")),
        KeyType::rsa_decrypt_2048);
    EXPECT_TRUE(read) << read.error().message;
    const keys::ImportKey import_key = *hsm->import_key();
    auto material = hsm->import(
        kId, KeyType::rsa_decrypt_2048, keys::Protection::wrapped,
        {*crypto::wrap_for_transport(import_key.public_key, import_key.hash, read->pkcs8),
         read->public_key});
    EXPECT_TRUE(material) << material.error().message;
    kept.push_back(*std::move(material));
  }
  static std::vector<vectors::Vector> of(std::string_view section) {
    std::vector<vectors::Vector> chosen;
    for (auto& v : vectors::read("rsa_decryption.txt", section))
      if (v.bytes("key").at(0) == 0) chosen.push_back(std::move(v));
    return chosen;
  }
  keys::HsmKey key() const { return {kId, KeyType::rsa_decrypt_2048, kept.front()}; }
};

TEST_F(VectorKey, OaepOfEveryHashOpensWithAndWithoutALabel) {
  std::set<std::string> messages, hashes;
  for (const auto& v : of("oaep")) {
    const std::string hash(as_text(v.bytes("hash")));
    DecryptionScheme scheme{};
    for (int number = 0; number < 256; ++number)
      if (const DecryptionRow* row = find_row(static_cast<DecryptionScheme>(number));
          row && row->hash && name(*row->hash) == hash)
        scheme = row->scheme;
    hashes.insert(hash);
    const Bytes ciphertext = v.bytes("ciphertext"), label = v.bytes("label");
    const auto opened = hsm->decrypt(key(), scheme, ciphertext, label);
    ASSERT_TRUE(opened) << v.line << opened.error().message;
    EXPECT_EQ(*opened, v.bytes("message")) << v.line;

    // Whoever sends variants learns nothing from the answers (Manger 2001).
    Bytes changed = ciphertext;
    changed[200] ^= 1;
    const auto other = scheme == DecryptionScheme::rsa_oaep_sha1 ? DecryptionScheme::rsa_oaep_sha512
                                                                 : DecryptionScheme::rsa_oaep_sha1;
    for (const auto& refused : {hsm->decrypt(key(), scheme, changed, label),
                                hsm->decrypt(key(), scheme, ciphertext, as_bytes("another")),
                                hsm->decrypt(key(), other, ciphertext, label)}) {
      ASSERT_FALSE(refused) << v.line;
      EXPECT_EQ(refused.error().code, Code::authentication_failed) << v.line;
      messages.insert(refused.error().message);
    }
  }
  EXPECT_EQ(hashes.size(), 5u);
  EXPECT_EQ(messages.size(), 1u);
}

TEST_F(VectorKey, Pkcs1OpensAndNeverFails) {
  std::set<std::size_t> lengths;
  std::vector<Bytes> answers;
  auto sent = of("pkcs1");
  // The power of 0 is none that the HSM is asked for.
  const auto powers_of_zero = [](const vectors::Vector& v) {
    return std::ranges::all_of(v.bytes("ciphertext"), [](Byte byte) { return byte == 0; });
  };
  EXPECT_EQ(std::erase_if(sent, powers_of_zero), 1u);
  for (const auto& v : sent) {
    const auto opened = hsm->decrypt(key(), DecryptionScheme::rsa_pkcs1, v.bytes("ciphertext"), {});
    ASSERT_TRUE(opened) << v.line << opened.error().message;
    answers.push_back(*opened);
    if (v.values.contains("forged"))
      lengths.insert(opened->size());
    else
      EXPECT_EQ(*opened, v.bytes("message")) << v.line;
  }
  EXPECT_GE(lengths.size(), 16u);
  // Servers of a group share keys, and each of them must answer alike: the next session, too.
  hsm.reset();
  hsm = std::move(*Pkcs11Hsm::open(token.options()));
  std::size_t at = 0;
  for (const auto& v : sent)
    EXPECT_EQ(*hsm->decrypt(key(), DecryptionScheme::rsa_pkcs1, v.bytes("ciphertext"), {}),
              answers.at(at++));
}

// One pair, two purposes: the check value is that of the public key, whatever the type.
TEST_F(VectorKey, IsTheSameSecretUnderAnotherType) {
  EXPECT_EQ(*hsm->check_value(KeyType::rsa_decrypt_2048, key().material),
            *hsm->check_value(KeyType::rsa_2048, key().material));
}

TEST_F(PrivateUse, APairIsImportedForOnePurposeWhenItIsOne) {
  const auto pair = *crypto::generate_p256();
  const auto other = *crypto::generate_p256();
  const auto import_key = *hsm->import_key();
  const auto import = [&](KeyType type, const Bytes& public_key) {
    const auto read = crypto::read_private_key(secret_of(pair.private_key_pem), KeyType::ecdh_p256);
    return hsm->import(
        kId, type, keys::Protection::wrapped,
        {*crypto::wrap_for_transport(import_key.public_key, import_key.hash, read->pkcs8),
         public_key});
  };
  const auto material = import(KeyType::ecdh_p256, pair.spki);
  ASSERT_TRUE(material) << material.error().message;
  const keys::HsmKey key{kId, KeyType::ecdh_p256, *material};
  const auto agreed = *crypto::agree_with(KeyType::ecdh_p256, pair.spki);
  EXPECT_EQ(*hsm->agree(key, agreed.point), agreed.secret);
  const auto refused = import(KeyType::ecdh_p256, other.spki);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::invalid_argument);
  EXPECT_FALSE(import(KeyType::ecdh_p384, pair.spki));
}

TEST_F(PrivateUse, ACiphertextIsAsLongAsTheModulusAndBelowIt) {
  const keys::HsmKey key = made(KeyType::rsa_decrypt_3072);
  const Bytes modulus = *crypto::modulus_of(key.material.public_key);
  const Bytes above(modulus.size(), Byte{0xff});
  // Each is its own power, by any key (SP 800-56B section 7.1.2.1).
  const Bytes zero(modulus.size(), Byte{0});
  Bytes one = zero, last = modulus;
  one.back() = 1;
  last.back() -= 1;
  for (const auto scheme : {DecryptionScheme::rsa_oaep_sha1, DecryptionScheme::rsa_oaep_sha512,
                            DecryptionScheme::rsa_pkcs1})
    for (const Bytes& wrong :
         {Bytes(), Bytes(383, Byte{1}), Bytes(385, Byte{1}), modulus, above, zero, one, last}) {
      const auto refused = hsm->decrypt(key, scheme, wrong, {});
      ASSERT_FALSE(refused) << wrong.size();
      EXPECT_EQ(refused.error().code, Code::invalid_argument) << wrong.size();
    }
  Bytes sent = zero;
  sent.back() = 2;
  EXPECT_TRUE(hsm->decrypt(key, DecryptionScheme::rsa_pkcs1, sent, {}));
  EXPECT_EQ(hsm->decrypt(key, DecryptionScheme::rsa_pkcs1, sent, as_bytes("l")).error().code,
            Code::invalid_argument);
  EXPECT_EQ(hsm->decrypt(key, static_cast<DecryptionScheme>(0), sent, {}).error().code,
            Code::unsupported);
}

TEST_F(PrivateUse, CurvesAgreeWithOpenssl) {
  int curves = 0;
  for (const KeyTypeRow& row : key_types()) {
    if (!allows(row.type, Action::derive)) continue;
    ++curves;
    const keys::HsmKey key = made(row.type);
    const auto other = crypto::agree_with(row.type, key.material.public_key);
    ASSERT_TRUE(other) << row.name;
    const auto agreed = hsm->agree(key, other->point);
    ASSERT_TRUE(agreed) << row.name << agreed.error().message;
    EXPECT_EQ(*agreed, other->secret) << row.name;
    Bytes off = other->point;
    off.at(off.size() - 1) ^= 1;
    for (const Bytes& wrong :
         {off, Bytes(), Bytes(off.size(), Byte{0}), Bytes(off.begin(), off.end() - 1)}) {
      const auto refused = hsm->agree(key, wrong);
      ASSERT_FALSE(refused) << row.name;
      EXPECT_EQ(refused.error().code, Code::invalid_argument);
    }
  }
  EXPECT_EQ(curves, 3);
}

TEST_F(PrivateUse, AKeyOfOneUseHasNoOther) {
  const Bytes ciphertext(256, Byte{1});
  for (const KeyTypeRow& row : key_types()) {
    if (row.type == KeyType::rsa_4096 || row.type == KeyType::rsa_decrypt_4096) continue;
    if (row.type == KeyType::ed25519 && tests_run_on_nss()) continue;  // which has no such keys
    const keys::HsmKey key = made(row.type);
    if (!allows(row.type, Action::decrypt) || row.family != KeyFamily::rsa_decrypt) {
      const auto refused = hsm->decrypt(key, DecryptionScheme::rsa_oaep_sha1, ciphertext, {});
      ASSERT_FALSE(refused) << row.name;
      EXPECT_EQ(refused.error().code, Code::key_type) << row.name;
    }
    if (!allows(row.type, Action::derive)) {
      const auto refused = hsm->agree(key, Bytes(65, Byte{4}));
      ASSERT_FALSE(refused) << row.name;
      EXPECT_EQ(refused.error().code, Code::key_type) << row.name;
    }
    if (!allows(row.type, Action::sign)) {
      for (const auto scheme : {SignatureScheme::rsa_pkcs1_sha256, SignatureScheme::key_default,
                                SignatureScheme::ecdsa_p256_sha256}) {
        const auto refused = hsm->sign(key, scheme, as_bytes("m"));
        ASSERT_FALSE(refused) << row.name;
        EXPECT_EQ(refused.error().code, Code::key_type) << row.name;
      }
    }
  }
}

// The module keeps it, too, from a key server that confounds its types: an object is made for one
// use.
TEST_F(PrivateUse, TheObjectInTheHsmServesItsOwnUseAlone) {
  const keys::HsmKey decrypts = made(KeyType::rsa_decrypt_2048);
  EXPECT_FALSE(hsm->sign({kId, KeyType::rsa_2048, decrypts.material},
                         SignatureScheme::rsa_pkcs1_sha256, as_bytes("m")))
      << "the cached object of a key that decrypts";
  const keys::HsmKey signs = made(KeyType::rsa_2048);
  const keys::HsmKey confounded{kId, KeyType::rsa_decrypt_2048, signs.material};
  const Bytes sent =
      *crypto::encrypt_oaep(signs.material.public_key, HashAlgorithm::sha1, as_bytes("m"));
  for (const auto scheme : {DecryptionScheme::rsa_oaep_sha1, DecryptionScheme::rsa_oaep_sha256,
                            DecryptionScheme::rsa_pkcs1})
    EXPECT_FALSE(hsm->decrypt(confounded, scheme, sent, {}));
}

}  // namespace
}  // namespace nae::hsm
