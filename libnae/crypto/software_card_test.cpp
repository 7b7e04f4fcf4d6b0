#include "libnae/crypto/software_card.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "libnae/crypto/key_transport.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::crypto {
namespace {

[[maybe_unused]] const auto* const kHeap = take_secure_heap_for_tests();

SecretBytes secret_of(std::string_view text) {
  SecretBytes secret(text.size());
  std::ranges::copy(as_bytes(text), secret.expose_for_writing().begin());
  return secret;
}

class SoftwareCardTest : public testing::Test {
 protected:
  static const SoftwareCard& card() {
    static const SoftwareCard only = make_software_card(secret_of("correct horse")).value();
    return only;
  }
  static Code refusal(ByteView pem, std::string_view passphrase, ByteView ciphertext) {
    const auto opened = decrypt_oaep(pem, secret_of(passphrase), HashAlgorithm::sha256, ciphertext);
    return opened ? Code::internal : opened.error().code;
  }
  Bytes sealed_ = encrypt_oaep(card().public_key, HashAlgorithm::sha256, as_bytes("share")).value();
};

TEST_F(SoftwareCardTest, OpensWhatIsSealedToIt) {
  for (const HashAlgorithm hash : {HashAlgorithm::sha256, HashAlgorithm::sha1}) {
    const Bytes sealed = encrypt_oaep(card().public_key, hash, as_bytes("share")).value();
    const auto opened = decrypt_oaep(card().pem, secret_of("correct horse"), hash, sealed);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(as_text(opened->expose()), "share");
  }
  EXPECT_EQ(public_key_of_card(card().pem, secret_of("correct horse")).value(), card().public_key);
  EXPECT_EQ(PublicKey::from_der(card().public_key)->type(), KeyType::rsa_3072);
}

TEST_F(SoftwareCardTest, IsAnEncryptedKeyFileByScrypt) {
  EXPECT_NE(as_text(card().pem).find("-----BEGIN ENCRYPTED PRIVATE KEY-----"),
            std::string_view::npos);
}

TEST_F(SoftwareCardTest, IsNothingWithoutItsPassphrase) {
  for (const char* wrong : {"", "correct", "correct horse ", "Correct horse"}) {
    EXPECT_EQ(refusal(card().pem, wrong, sealed_), Code::authentication_failed) << wrong;
    EXPECT_FALSE(public_key_of_card(card().pem, secret_of(wrong))) << wrong;
  }
  EXPECT_FALSE(make_software_card(SecretBytes()));
}

TEST_F(SoftwareCardTest, RefusesWhatWasChanged) {
  Bytes changed = sealed_;
  changed.back() ^= 1;
  EXPECT_EQ(refusal(card().pem, "correct horse", changed), Code::authentication_failed);
  EXPECT_EQ(refusal(card().pem, "correct horse", {}), Code::authentication_failed);
  EXPECT_EQ(refusal({}, "correct horse", sealed_), Code::authentication_failed);
  EXPECT_EQ(refusal(as_bytes("no key"), "correct horse", sealed_), Code::authentication_failed);
  const auto other =
      decrypt_oaep(card().pem, secret_of("correct horse"), HashAlgorithm::sha1, sealed_);
  EXPECT_FALSE(other) << "the hash is part of what was sealed";
}

}  // namespace
}  // namespace nae::crypto
