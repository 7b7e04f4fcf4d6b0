#include "libnae/crypto/key_agreement.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "libnae/base/text.hpp"
#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/test_spki.hpp"

namespace nae::crypto {
namespace {

using Pkey = handle<EVP_PKEY, EVP_PKEY_free>;

Bytes derived(EVP_PKEY* key, const Pkey& other) {
  const handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new(key, nullptr));
  Bytes secret(128);
  std::size_t size = secret.size();
  EXPECT_EQ(EVP_PKEY_derive_init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_derive_set_peer(context.get(), other.get()), 1);
  EXPECT_EQ(EVP_PKEY_derive(context.get(), secret.data(), &size), 1);
  secret.resize(size);
  return secret;
}

// OpenSSL's own, the other way round.
Bytes secret_with(EVP_PKEY* key, const char* curve, ByteView point) {
  if (EVP_PKEY_is_a(key, curve) == 1)
    return derived(key, Pkey(EVP_PKEY_new_raw_public_key_ex(nullptr, curve, nullptr, point.data(),
                                                            point.size())));
  const handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> maker(
      EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(curve), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<Byte*>(point.data()),
                                        point.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* made = nullptr;
  EXPECT_EQ(EVP_PKEY_fromdata_init(maker.get()), 1);
  EXPECT_EQ(EVP_PKEY_fromdata(maker.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters), 1);
  return derived(key, Pkey(made));
}

TEST(KeyAgreement, IsTheSameOnBothSides) {
  int types = 0;
  for (const KeyTypeRow& type : key_types()) {
    if (!allows(type.type, Action::derive)) continue;
    ++types;
    const bool is_montgomery = type.family == KeyFamily::xdh;
    const Pkey key(is_montgomery ? EVP_PKEY_Q_keygen(nullptr, nullptr, type.curve.data())
                                 : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", type.curve.data()));
    const Bytes spki = spki_of(key.get());
    const auto made = agree_with(type.type, spki);
    ASSERT_TRUE(made) << type.name << made.error().message;
    EXPECT_EQ(made->secret, secret_with(key.get(), type.curve.data(), made->point)) << type.name;
    EXPECT_EQ(made->secret.size(), type.coordinate_bytes());
    EXPECT_NE(agree_with(type.type, spki)->point, made->point) << "a fresh pair each time";
    for (const KeyTypeRow& other : key_types()) {
      if (other.type == type.type || !allows(other.type, Action::derive)) continue;
      EXPECT_FALSE(agree_with(other.type, spki)) << other.name;
      EXPECT_FALSE(check_point(other.type, made->point)) << other.name;
    }
  }
  EXPECT_EQ(types, 4);
}

// RFC 7748 section 6.1: points of small order, of the curve and of its twist, agree on zero
// whatever the key. Those that are not reduced, and with the bit that is not read, are the same
// ones.
TEST(KeyAgreement, OfX25519NoPointAgreesOnZero) {
  const Bytes base = [] {
    Bytes point(32, Byte{0});
    point[0] = 9;
    return point;
  }();
  EXPECT_TRUE(check_point(KeyType::x25519, base));
  for (const char* text : {"0000000000000000000000000000000000000000000000000000000000000000",
                           "0100000000000000000000000000000000000000000000000000000000000000",
                           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                           "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}) {
    const auto refused = check_point(KeyType::x25519, from_hex(text).value());
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Code::invalid_argument);
  }
  for (const std::size_t bytes : {0, 31, 33, 65})
    EXPECT_FALSE(check_point(KeyType::x25519, Bytes(bytes, Byte{9}))) << bytes;
}

// One off the curve, of another form or of no length gives no secret that would show the key.
TEST(KeyAgreement, TakesPointsOfTheCurveAlone) {
  const Pkey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const Bytes point = agree_with(KeyType::ecdh_p256, spki_of(key.get()))->point;
  EXPECT_TRUE(check_point(KeyType::ecdh_p256, point));
  for (std::size_t place = 0; place < point.size(); place += 8) {
    Bytes off = point;
    off[place] ^= 1;
    EXPECT_EQ(check_point(KeyType::ecdh_p256, off).error().code, Code::invalid_argument) << place;
  }
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{33}, std::size_t{64}})
    EXPECT_FALSE(check_point(KeyType::ecdh_p256, ByteView(point).first(bytes))) << bytes;
  Bytes longer = point;
  longer.push_back(0);
  EXPECT_FALSE(check_point(KeyType::ecdh_p256, longer));
  EXPECT_FALSE(check_point(KeyType::ecdh_p256, Bytes(65, Byte{0})));
  EXPECT_FALSE(check_point(KeyType::rsa_2048, point));
}

}  // namespace
}  // namespace nae::crypto
