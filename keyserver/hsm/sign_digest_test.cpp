// The signature of a message that somebody else has hashed is the message's.
#include <gtest/gtest.h>

#include <algorithm>

#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::hsm {
namespace {

constexpr KeyVersionId kId{KeyId{{1, 2, 3, 4, 5, 6}}, 1};

std::vector<KeyType> types_that_sign() {
  std::vector<KeyType> types;
  for (const KeyTypeRow& row : key_types())
    if (allows(row.type, Action::sign)) types.push_back(row.type);
  return types;
}

class SignDigest : public ::testing::TestWithParam<KeyType> {
 protected:
  TestToken token;
};

TEST_P(SignDigest, IsTheSignatureOfTheMessage) {
  const auto hsm = *Pkcs11Hsm::open(token.options());
  const auto material = hsm->generate(kId, GetParam());
  ASSERT_TRUE(material) << material.error().message;
  const auto public_key = crypto::PublicKey::from_der(material->public_key);
  const keys::HsmKey key{kId, GetParam(), *material};
  for (int number = 0; number < 256; ++number) {
    const auto scheme = static_cast<SignatureScheme>(number);
    const SchemeRow* known = find_row(scheme);
    const bool hashes = known && known->hash;
    const HashAlgorithm hash = hashes ? *known->hash : HashAlgorithm::sha256;
    const Bytes digest = *crypto::digest(hash, as_bytes("message"));
    const auto signature = hsm->sign_digest(key, scheme, digest);
    if (!known || !fits(scheme, GetParam())) {
      ASSERT_FALSE(signature) << number;
      EXPECT_EQ(signature.error().code, Code::key_type) << number;
    } else if (!known->may_sign || !hashes) {
      ASSERT_FALSE(signature) << number;
      EXPECT_EQ(signature.error().code, Code::unsupported) << number;
    } else {
      ASSERT_TRUE(signature) << signature.error().message;
      EXPECT_TRUE(*public_key->verify(scheme, as_bytes("message"), *signature)) << number;
      EXPECT_TRUE(*public_key->verify_digest(scheme, digest, *signature)) << number;
      for (const std::size_t wrong : {std::size_t{0}, digest.size() - 1, digest.size() + 1}) {
        const auto refused = hsm->sign_digest(key, scheme, Bytes(wrong, 'x'));
        ASSERT_FALSE(refused) << wrong;
        EXPECT_EQ(refused.error().code, Code::invalid_argument);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(KeyTypes, SignDigest, ::testing::ValuesIn(types_that_sign()),
                         [](const auto& test) {
                           std::string text(name(test.param));
                           std::ranges::replace(text, '-', '_');
                           return text;
                         });

}  // namespace
}  // namespace nae::hsm
