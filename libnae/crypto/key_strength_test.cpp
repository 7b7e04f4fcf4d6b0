#include "libnae/crypto/key_strength.hpp"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/hmac.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "libnae/crypto/test_spki.hpp"

namespace nae::crypto {
namespace {

using Number = handle<BIGNUM, BN_free>;
using Context = handle<BN_CTX, BN_CTX_free>;

// By OpenSSL itself: spki_of_rsa() takes no exponent as long as those that are tried here.
PublicKey rsa(const BIGNUM* n, const Bytes& exponent) {
  using Builder = handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
  using Parameters = handle<OSSL_PARAM, OSSL_PARAM_free>;
  using Maker = handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
  const Number e(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  const Builder builder(OSSL_PARAM_BLD_new());
  EXPECT_EQ(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n), 1);
  EXPECT_EQ(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()), 1);
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const Maker maker(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* made = nullptr;
  EXPECT_EQ(EVP_PKEY_fromdata_init(maker.get()), 1);
  EXPECT_EQ(EVP_PKEY_fromdata(maker.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()), 1);
  const handle<EVP_PKEY, EVP_PKEY_free> key(made);
  return PublicKey::from_der(spki_of(key.get())).value();
}

Number prime(int bits) {
  Number made(BN_new());
  EXPECT_EQ(BN_generate_prime_ex(made.get(), bits, 0, nullptr, nullptr, nullptr), 1);
  EXPECT_EQ(BN_set_bit(made.get(), bits - 2), 1);  // so that products are as long as they should be
  Context context(BN_CTX_new());
  while (BN_check_prime(made.get(), context.get(), nullptr) != 1) BN_add_word(made.get(), 2);
  return made;
}

Number product(const BIGNUM* a, const BIGNUM* b) {
  Number made(BN_new());
  Context context(BN_CTX_new());
  EXPECT_EQ(BN_mul(made.get(), a, b, context.get()), 1);
  return made;
}

const Bytes kUsual{0x01, 0x00, 0x01};

std::string refusal(const PublicKey& key) {
  auto checked = check_strength(key);
  return checked ? "" : checked.error().message;
}

TEST(KeyStrength, ExponentsAreOfFips186) {
  const Number p = prime(1024), q = prime(1024), n = product(p.get(), q.get());
  EXPECT_EQ(refusal(rsa(n.get(), kUsual)), "");
  EXPECT_EQ(refusal(rsa(n.get(), Bytes(32, 0xff))), "") << "256 bits, odd";
  Bytes above(33, 0xff);
  for (const Bytes& bad : {Bytes{3}, Bytes{1}, Bytes{0xff, 0xff}, Bytes{1, 0, 0}, above})
    EXPECT_NE(refusal(rsa(n.get(), bad)).find("exponent"), std::string::npos) << bad.size();
}

TEST(KeyStrength, ModuliThatFallApartAreRefused) {
  Context context(BN_CTX_new());
  const Number p = prime(1024);
  // The next prime after p, and one a little further than Fermat's first step.
  for (int bit : {0, 400}) {
    Number q(BN_dup(p.get())), far(BN_new());
    BN_set_bit(far.get(), bit);
    BN_add(q.get(), q.get(), far.get());
    if (!BN_is_odd(q.get())) BN_add_word(q.get(), 1);
    while (BN_check_prime(q.get(), context.get(), nullptr) != 1) BN_add_word(q.get(), 2);
    const Number n = product(p.get(), q.get());
    EXPECT_NE(refusal(rsa(n.get(), kUsual)).find("close"), std::string::npos) << bit;
  }
  const Number square = product(p.get(), p.get());
  EXPECT_NE(refusal(rsa(square.get(), kUsual)).find("close"), std::string::npos);
  Number small(BN_new());
  BN_set_word(small.get(), 65521);
  // The top two bits of the other one are set, so the product has all 2,048.
  const Number other = prime(2032), n = product(other.get(), small.get());
  ASSERT_EQ(BN_num_bits(n.get()), 2048);
  EXPECT_NE(refusal(rsa(n.get(), kUsual)).find("factor"), std::string::npos);
  const Number whole = prime(2048);
  EXPECT_NE(refusal(rsa(whole.get(), kUsual)).find("prime"), std::string::npos);
}

TEST(KeyStrength, LengthsAreThoseOfTwoPrimes) {
  // Of openssl genpkey: 1,216 to 1,219 bytes of two primes, 1,278 and more of three.
  const Number p = prime(1024), q = prime(1024), n = product(p.get(), q.get());
  const PublicKey key = rsa(n.get(), kUsual);
  for (std::size_t bytes : {1213u, 1216u, 1217u, 1218u, 1219u})
    EXPECT_TRUE(has_two_primes_length(key, bytes, 0)) << bytes;
  EXPECT_TRUE(has_two_primes_length(key, 1224, 7)) << "padded to eight";
  for (std::size_t bytes : {0u, 1178u, 1276u, 1278u, 1300u})
    EXPECT_FALSE(has_two_primes_length(key, bytes, 7)) << bytes;
}

TEST(KeyStrength, ConstantSecretsAreKnownByTheirCodes) {
  const auto code_of = [](const Bytes& secret) {
    std::array<Byte, 32> code;
    HmacSha256(secret_of(secret)).compute(as_bytes("probe"), code);
    return Bytes(code.begin(), code.end());
  };
  const auto found = [&](const Bytes& secret, std::size_t least, std::size_t most) {
    return is_code_of_constant_secret(as_bytes("probe"), code_of(secret), least, most);
  };
  for (int value : {0, 1, 0x41, 0xff}) {
    EXPECT_TRUE(found(Bytes(32, static_cast<Byte>(value)), 32, 32)) << value;
    EXPECT_TRUE(found(Bytes(64, static_cast<Byte>(value)), 1, 64)) << value;
    EXPECT_TRUE(found(Bytes(1, static_cast<Byte>(value)), 1, 64)) << value;
  }
  EXPECT_FALSE(found(Bytes(33, 1), 32, 32)) << "not looked for";
  Bytes other(32, 1);
  other.back() = 2;
  EXPECT_FALSE(found(other, 1, 64));
}

}  // namespace
}  // namespace nae::crypto
