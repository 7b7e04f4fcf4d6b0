// Private keys that decrypt and agree, on a real token: each padding, each refusal, and no other
// use.
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <set>

#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/session.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/key_agreement.hpp"
#include "libnae/crypto/key_transport.hpp"
#include "libnae/crypto/private_key.hpp"
#include "libnae/crypto/rsa_padding.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "libnae/pkcs11/module.hpp"
#include "libnae/pkcs11/pin_file.hpp"
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
    if (!is_wrappable(row.type) && tests_run_on_nss()) continue;  // which has no such keys
    ++curves;
    const keys::HsmKey key = made(row.type);
    const auto other = crypto::agree_with(row.type, key.material.public_key);
    ASSERT_TRUE(other) << row.name;
    const auto agreed = hsm->agree(key, other->point);
    ASSERT_TRUE(agreed) << row.name << agreed.error().message;
    EXPECT_EQ(*agreed, other->secret) << row.name;
    Bytes off = other->point;  // of X25519 all of this length are points: one that agrees on zero
    off.at(off.size() - 1) ^= 1;
    if (row.family == KeyFamily::xdh) off.assign(off.size(), Byte{0}), off[0] = 1;
    for (const Bytes& wrong :
         {off, Bytes(), Bytes(off.size(), Byte{0}), Bytes(off.begin(), off.end() - 1)}) {
      const auto refused = hsm->agree(key, wrong);
      ASSERT_FALSE(refused) << row.name;
      EXPECT_EQ(refused.error().code, Code::invalid_argument);
    }
  }
  EXPECT_EQ(curves, tests_run_on_nss() ? 3 : 4);
}

// RFC 7748 sections 5.2 and 6.1, by keys of published scalars: put on the token by hand, for no
// module unwraps one.
TEST_F(PrivateUse, X25519IsThatOfTheStandard) {
  const auto module = std::move(*token.module());
  const auto session = std::move(*open_session(*module, token.options().token_label,
                                               read_pin(token.options().pin_file)->value));
  const auto agreed = [&](std::uint16_t version, const char* scalar, const char* point) {
    constexpr CK_KEY_TYPE kEdwards = 0x40;  // CKK_EC_EDWARDS
    const Bytes curve{0x06, 0x03, 0x2b, 0x65, 0x6e}, value = from_hex(scalar).value();
    const std::string label = "nae-" + to_hex(kId.key.bytes) + "-v" + std::to_string(version);
    Attributes object;
    object.number(CKA_CLASS, CKO_PRIVATE_KEY)
        .number(CKA_KEY_TYPE, kEdwards)
        .flag(CKA_TOKEN, true)
        .flag(CKA_PRIVATE, true)
        .flag(CKA_DERIVE, true)
        .text(CKA_LABEL, label)
        .bytes(CKA_EC_PARAMS, curve)
        .bytes(CKA_VALUE, value);
    CK_OBJECT_HANDLE made = 0;
    EXPECT_EQ(
        session->calls().C_CreateObject(session->handle(), object.data(), object.size(), &made),
        CKR_OK);
    const keys::Material material{{}, label, {}};
    const auto secret =
        hsm->agree({{kId.key, version}, KeyType::x25519, material}, from_hex(point).value());
    EXPECT_TRUE(secret) << secret.error().message;
    return secret ? to_hex(*secret) : std::string();
  };
  EXPECT_EQ(agreed(1, "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                   "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  EXPECT_EQ(agreed(2, "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                   "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"),
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
  constexpr const char* kShared =
      "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  EXPECT_EQ(agreed(3, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
                   "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
            kShared);
  EXPECT_EQ(agreed(4, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
                   "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
            kShared);
}

// It cannot leave the token, and another one does not have it.
TEST_F(PrivateUse, X25519StaysOnItsToken) {
  const keys::HsmKey key = made(KeyType::x25519);
  EXPECT_FALSE(key.material.token_object.empty());
  EXPECT_TRUE(key.material.wrapped.empty());
  EXPECT_TRUE(*hsm->holds(key));
  ASSERT_TRUE(hsm->forget(key, true));
  EXPECT_FALSE(*hsm->holds(key));
  const auto refused = hsm->agree(key, Bytes(32, Byte{9}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::hsm_failed);
}

TEST_F(PrivateUse, AKeyOfOneUseHasNoOther) {
  const Bytes ciphertext(256, Byte{1});
  for (const KeyTypeRow& row : key_types()) {
    if (row.type == KeyType::rsa_4096 || row.type == KeyType::rsa_decrypt_4096) continue;
    if (!is_wrappable(row.type) && tests_run_on_nss()) continue;  // which has no such keys
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
