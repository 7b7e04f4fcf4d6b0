#include "libnae/crypto/public_key.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <map>

#include "libnae/crypto/hash.hpp"
#include "libnae/crypto/jwk.hpp"
#include "libnae/crypto/key_strength.hpp"
#include "libnae/crypto/test_prompts.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::crypto {
namespace {

struct Case {
  SignatureScheme scheme;
  PublicKey key;
  Bytes message, signature;
};

Case case_of(const vectors::Vector& v) {
  auto scheme = scheme_from_name(as_text(v.bytes("scheme")));
  auto key = PublicKey::from_der(v.bytes("public_key"));
  if (!scheme || !key) throw std::runtime_error("line " + std::to_string(v.line) + ": not usable");
  return {*scheme, std::move(*key), v.bytes("message"), v.bytes("signature")};
}

// A key of the row, by OpenSSL alone.
Bytes generated(const KeyTypeRow& type) {
  handle<EVP_PKEY, EVP_PKEY_free> key;
  switch (type.family) {
    case KeyFamily::rsa:
    case KeyFamily::rsa_decrypt:
      key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{type.bits}));
      break;
    case KeyFamily::ec:
    case KeyFamily::ecdh:
      key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", type.curve.data()));
      break;
    case KeyFamily::edwards:
    case KeyFamily::xdh:
      key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, type.curve.data()));
      break;
    case KeyFamily::aes:
    case KeyFamily::hmac:
    case KeyFamily::aes_raw:
      break;
  }
  Bytes der(static_cast<std::size_t>(i2d_PUBKEY(key.get(), nullptr)));
  unsigned char* at = der.data();
  i2d_PUBKEY(key.get(), &at);
  return der;
}

// Nothing takes a type for another because it came last.
TEST(PublicKey, EveryTypeThatSignsIsKnownByItsRow) {
  int types = 0;
  for (const KeyTypeRow& type : key_types()) {
    if (!allows(type.type, Action::sign)) continue;
    ++types;
    const Bytes der = generated(type);
    const auto key = PublicKey::from_der(der);
    ASSERT_TRUE(key) << type.name;
    EXPECT_EQ(key->type(), type.type) << type.name;
    EXPECT_TRUE(check_strength(*key)) << type.name;
    auto members = *jwk_members(der);
    std::map<std::string_view, std::string> jwk(members.begin(), members.end());
    EXPECT_EQ(jwk["crv"], type.curve) << type.name;
    if (!type.curve.empty()) {
      EXPECT_EQ(jwk["x"].size(), (type.coordinate_bytes() * 4 + 2) / 3) << type.name;
    }
  }
  EXPECT_GE(types, 6);
}

TEST(PublicKey, AcceptsSignaturesOfAnotherImplementation) {
  for (const auto& v : vectors::read("signatures.txt", "signature")) {
    Case c = case_of(v);
    auto good = c.key.verify(c.scheme, c.message, c.signature);
    ASSERT_TRUE(good) << good.error().message;
    EXPECT_TRUE(*good) << "line " << v.line;
  }
}

TEST(PublicKey, AcceptsThemOfTheDigestsOfTheirMessages) {
  int digests = 0;
  for (const auto& v : vectors::read("signatures.txt", "signature")) {
    Case c = case_of(v);
    const auto hash = find_row(c.scheme)->hash;
    if (!hash) {
      auto refused = c.key.verify_digest(c.scheme, sha256(c.message), c.signature);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, Code::unsupported);
      continue;
    }
    Bytes made = *digest(*hash, c.message);
    auto good = c.key.verify_digest(c.scheme, made, c.signature);
    ASSERT_TRUE(good) << good.error().message;
    EXPECT_TRUE(*good) << "line " << v.line;
    EXPECT_FALSE(*c.key.verify_digest(c.scheme, made, ByteView(c.signature).first(8)));
    made[0] ^= 1;
    EXPECT_FALSE(*c.key.verify_digest(c.scheme, made, c.signature)) << "line " << v.line;
    made.pop_back();
    auto shorter = c.key.verify_digest(c.scheme, made, c.signature);
    ASSERT_FALSE(shorter);
    EXPECT_EQ(shorter.error().code, Code::invalid_argument);
    EXPECT_EQ(ERR_peek_error(), 0u);
    ++digests;
  }
  EXPECT_GE(digests, 24);
  for (const auto& v : vectors::read("signatures.txt", "short-salt")) {
    auto key = PublicKey::from_der(v.bytes("public_key"));
    EXPECT_FALSE(*key->verify_digest(SignatureScheme::rsa_pss_sha256, sha256(v.bytes("message")),
                                     v.bytes("signature")));
  }
}

TEST(PublicKey, RefusesChangedSignaturesAndMessages) {
  for (const auto& v : vectors::read("signatures.txt", "signature")) {
    Case c = case_of(v);
    // RSA's arithmetic is slow: a byte in every sixteenth there, every byte of the others.
    std::size_t step = c.signature.size() > 150 ? 16 : 1;
    for (std::size_t i = 0; i < c.signature.size(); i += step) {
      c.signature[i] ^= 1;
      EXPECT_FALSE(*c.key.verify(c.scheme, c.message, c.signature)) << "line " << v.line;
      c.signature[i] ^= 1;
    }
    ByteView whole(c.signature);
    EXPECT_FALSE(*c.key.verify(c.scheme, c.message, {}));
    EXPECT_FALSE(*c.key.verify(c.scheme, c.message, whole.first(whole.size() - 1)));
    Bytes longer(c.signature);
    longer.push_back(0);
    EXPECT_FALSE(*c.key.verify(c.scheme, c.message, longer)) << "line " << v.line;
    c.message.push_back(0);
    EXPECT_FALSE(*c.key.verify(c.scheme, c.message, c.signature));
    EXPECT_EQ(ERR_peek_error(), 0u);  // nothing is left for the next caller on this thread
  }
}

TEST(PublicKey, RefusesSchemesThatAreNotTheKeys) {
  for (const auto& v : vectors::read("signatures.txt", "signature")) {
    Case c = case_of(v);
    for (int number = 0xc0; number <= 0xdf; ++number) {
      auto scheme = static_cast<SignatureScheme>(number);
      if (scheme == c.scheme) continue;
      auto result = c.key.verify(scheme, c.message, c.signature);
      if (!fits(scheme, c.key.type())) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, Code::key_type);
        continue;
      }
      EXPECT_FALSE(*result) << "line " << v.line << " as " << name(scheme);
    }
  }
}

TEST(PublicKey, TakesTheKeysDefaultScheme) {
  for (const auto& v : vectors::read("signatures.txt", "signature")) {
    Case c = case_of(v);
    if (c.scheme != default_scheme(c.key.type())) continue;
    EXPECT_TRUE(*c.key.verify(SignatureScheme::key_default, c.message, c.signature));
  }
}

TEST(PublicKey, RefusesAPssSaltOfAnotherLength) {
  for (const auto& v : vectors::read("signatures.txt", "short-salt")) {
    auto key = PublicKey::from_der(v.bytes("public_key"));
    EXPECT_FALSE(
        *key->verify(SignatureScheme::rsa_pss_sha256, v.bytes("message"), v.bytes("signature")));
  }
}

TEST(PublicKey, RefusesOtherTypesAndSizes) {
  for (const auto& v : vectors::read("signatures.txt", "unsupported")) {
    auto key = PublicKey::from_der(v.bytes("public_key"));
    ASSERT_FALSE(key) << "line " << v.line;
    EXPECT_EQ(key.error().code, Code::unsupported);
  }
}

TEST(PublicKey, RefusesTruncatedAndTrailingBytes) {
  for (const auto& v : vectors::read("signatures.txt", "signature")) {
    Bytes der = v.bytes("public_key");
    for (std::size_t size = 0; size < der.size(); ++size)
      EXPECT_FALSE(PublicKey::from_der(ByteView(der).first(size)));
    der.push_back(0);
    auto key = PublicKey::from_der(der);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, Code::invalid_argument);
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
}

TEST(PublicKey, ReadsItsPemAndNothingAfterIt) {
  for (const auto& v : vectors::read("signatures.txt", "signature")) {
    std::string pem = PublicKey::from_der(v.bytes("public_key"))->pem();
    EXPECT_EQ(PublicKey::from_pem(pem + " \r\n")->der(), v.bytes("public_key"));
    EXPECT_FALSE(PublicKey::from_pem(pem + "x"));
    EXPECT_FALSE(PublicKey::from_pem(pem + pem));
    EXPECT_FALSE(PublicKey::from_pem(std::string_view(pem).substr(0, pem.size() - 30)));
    EXPECT_FALSE(PublicKey::from_pem(""));
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
  for (const auto& v : vectors::read("signatures.txt", "unsupported"))
    EXPECT_FALSE(PublicKey::from_pem(as_text(v.bytes("public_key"))));
}

TEST(PublicKey, WritesItselfAsItWasRead) {
  for (const auto& v : vectors::read("signatures.txt", "signature")) {
    auto key = PublicKey::from_der(v.bytes("public_key"));
    EXPECT_EQ(key->der(), v.bytes("public_key"));
    EXPECT_EQ(key->pem().rfind("-----BEGIN PUBLIC KEY-----\n", 0), 0u);
  }
}

TEST(PublicKeyPem, NobodyIsAskedForAPassphrase) {
  const PromptProbe probe;
  EXPECT_FALSE(PublicKey::from_pem(PromptProbe::encrypted_block("PUBLIC KEY")));
  EXPECT_EQ(probe.asked(), 0);
}

}  // namespace
}  // namespace nae::crypto
