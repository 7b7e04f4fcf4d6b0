#include "libnae/crypto/private_key.hpp"

#include <gtest/gtest.h>

#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::crypto {
namespace {

Code error_of(ByteView bytes) {
  auto read = read_private_key(secret_of(bytes));
  return read ? Code::internal : read.error().code;
}

TEST(PrivateKey, ReadsPemAndItsOwnDer) {
  const KeyPair pair = *generate_p256();
  auto pem = read_private_key(secret_of(pair.private_key_pem));
  ASSERT_TRUE(pem) << pem.error().message;
  EXPECT_EQ(pem->type, KeyType::ecdsa_p256);
  EXPECT_EQ(pem->public_key, pair.spki);
  auto der = read_private_key(pem->pkcs8);
  ASSERT_TRUE(der) << der.error().message;
  EXPECT_EQ(der->public_key, pair.spki);
}

TEST(PrivateKey, RefusesWhatIsNone) {
  const KeyPair pair = *generate_p256();
  EXPECT_EQ(error_of({}), Code::invalid_argument);
  EXPECT_EQ(error_of(as_bytes("-----BEGIN PRIVATE KEY-----\n")), Code::invalid_argument);
  EXPECT_EQ(error_of(Bytes(121, 0x30)), Code::invalid_argument);
  EXPECT_EQ(error_of(pair.spki), Code::invalid_argument) << "a public key";
}

TEST(PrivateKey, RefusesDerCutShortOrFollowedBySomething) {
  const KeyPair pair = *generate_p256();
  auto read = read_private_key(secret_of(pair.private_key_pem));
  ASSERT_TRUE(read);
  const ByteView der = read->pkcs8.expose();
  for (std::size_t size = 0; size < der.size(); ++size)
    EXPECT_EQ(error_of(der.first(size)), Code::invalid_argument) << size;
  Bytes longer(der.begin(), der.end());
  longer.push_back(0);
  EXPECT_EQ(error_of(longer), Code::invalid_argument);
}

// A private number beside another key's public point: signatures would verify under neither.
TEST(PrivateKey, RefusesPartsThatContradictEachOther) {
  const KeyPair pair = *generate_p256(), other = *generate_p256();
  auto read = read_private_key(secret_of(pair.private_key_pem));
  auto stranger = read_private_key(secret_of(other.private_key_pem));
  ASSERT_TRUE(read && stranger);
  Bytes mixed(read->pkcs8.expose().begin(), read->pkcs8.expose().end());
  const ByteView point = stranger->pkcs8.expose().last(64);
  std::ranges::copy(point, mixed.end() - 64);
  EXPECT_EQ(error_of(mixed), Code::invalid_argument);
}

}  // namespace
}  // namespace nae::crypto
