#include "libnae/crypto/key_strength.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <new>

#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/hmac.hpp"

namespace nae::crypto {
namespace {

using Number = handle<BIGNUM, BN_free>;
using Context = handle<BN_CTX, BN_CTX_free>;
using Pkey = handle<EVP_PKEY, EVP_PKEY_free>;
using Group = handle<EC_GROUP, EC_GROUP_free>;
using Point = handle<EC_POINT, EC_POINT_free>;

constexpr unsigned kLeastExponent = 65537;  // FIPS 186-5 appendix A.1.1
constexpr int kMostExponentBits = 256;
constexpr BN_ULONG kMostSmallFactor = 1u << 16;
constexpr int kFermatSteps = 100'000;  // 30 ms
constexpr int kSmallScalars = 256;

tl::unexpected<Error> weak(const char* what) {
  ERR_clear_error();
  return fail(Code::invalid_argument, std::string("the key is weak: ") + what,
              "Make another key; this one protects nothing.");
}

void must(int done) {
  if (done != 1) throw std::bad_alloc();
}

Pkey parsed(const PublicKey& key) {
  const Bytes der = key.der();
  const unsigned char* at = der.data();
  Pkey pkey(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (!pkey) throw std::bad_alloc();
  return pkey;
}

Number number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &value) != 1) throw std::bad_alloc();
  return Number(value);
}

bool has_small_factor(const BIGNUM* n) {
  for (BN_ULONG divisor = 2; divisor < kMostSmallFactor; divisor += divisor == 2 ? 1 : 2)
    if (BN_mod_word(n, divisor) == 0) return true;
  return false;
}

// The whole part of the square root, by Newton's method from above.
Number root_of(const BIGNUM* n, BN_CTX* context) {
  Number root(BN_new()), next(BN_new());
  if (!root || !next) throw std::bad_alloc();
  must(BN_set_bit(root.get(), (BN_num_bits(n) + 1) / 2));
  for (;;) {
    must(BN_div(next.get(), nullptr, n, root.get(), context));
    must(BN_add(next.get(), next.get(), root.get()));
    must(BN_rshift1(next.get(), next.get()));
    if (BN_cmp(next.get(), root.get()) >= 0) return root;
    BN_swap(next.get(), root.get());
  }
}

bool is_square(const BIGNUM* n, BN_CTX* context) {
  if (BN_is_zero(n)) return true;  // the modulus itself is one; there is no root to begin from
  // Squares leave one of 12 remainders of 64, one of 16 of 63: most others need no root.
  constexpr auto leaves = [](BN_ULONG remainder, BN_ULONG modulus) {
    for (BN_ULONG i = 0; i < modulus; ++i)
      if (i * i % modulus == remainder) return true;
    return false;
  };
  if (!leaves(BN_mod_word(n, 64), 64) || !leaves(BN_mod_word(n, 63), 63) ||
      !leaves(BN_mod_word(n, 65), 65) || !leaves(BN_mod_word(n, 11), 11))
    return false;
  const Number root = root_of(n, context);
  Number square(BN_new());
  if (!square) throw std::bad_alloc();
  must(BN_sqr(square.get(), root.get(), context));
  return BN_cmp(square.get(), n) == 0;
}

// n = a^2 - b^2 with a just above the root of n, if its factors are close.
bool fermat_finds(const BIGNUM* n, BN_CTX* context) {
  Number a = root_of(n, context), rest(BN_new());
  if (!rest) throw std::bad_alloc();
  must(BN_sqr(rest.get(), a.get(), context));
  must(BN_sub(rest.get(), rest.get(), n));  // at most 0: a is the root rounded down
  for (int step = 0; step < kFermatSteps; ++step) {
    if (!BN_is_negative(rest.get()) && is_square(rest.get(), context)) return true;
    must(BN_add(rest.get(), rest.get(), a.get()));
    must(BN_add(rest.get(), rest.get(), a.get()));
    must(BN_add_word(rest.get(), 1));
    must(BN_add_word(a.get(), 1));
  }
  return false;
}

Result<void> check_rsa(const EVP_PKEY* key) {
  const Number n = number_of(key, OSSL_PKEY_PARAM_RSA_N), e = number_of(key, OSSL_PKEY_PARAM_RSA_E);
  Number least(BN_new());
  const Context context(BN_CTX_new());
  if (!least || !context) throw std::bad_alloc();
  must(BN_set_word(least.get(), kLeastExponent));
  if (BN_cmp(e.get(), least.get()) < 0 || !BN_is_odd(e.get()) ||
      BN_num_bits(e.get()) > kMostExponentBits)
    return weak("its public exponent is even, below 65537 or above 256 bits");
  if (has_small_factor(n.get())) return weak("its modulus has a small factor");
  if (BN_check_prime(n.get(), context.get(), nullptr) != 0) return weak("its modulus is a prime");
  if (fermat_finds(n.get(), context.get())) return weak("its primes are close to each other");
  return {};
}

// Whether `point` is one of `steps` multiples of `step`, or the inverse of one.
bool is_multiple(const EC_GROUP* group, const EC_POINT* point, const EC_POINT* step, int steps,
                 BN_CTX* context) {
  Point inverse(EC_POINT_dup(point, group)), multiple(EC_POINT_dup(step, group));
  if (!inverse || !multiple) throw std::bad_alloc();
  must(EC_POINT_invert(group, inverse.get(), context));
  for (int i = 0; i < steps; ++i) {
    if (EC_POINT_cmp(group, multiple.get(), point, context) == 0 ||
        EC_POINT_cmp(group, multiple.get(), inverse.get(), context) == 0)
      return true;
    must(EC_POINT_add(group, multiple.get(), multiple.get(), step, context));
  }
  return false;
}

Result<void> check_ec(const EVP_PKEY* key, const KeyTypeRow& type) {
  const Group group(EC_GROUP_new_by_curve_name(EC_curve_nist2nid(type.curve.data())));
  const Context context(BN_CTX_new());
  std::size_t size = 0;
  Byte encoded[256];
  if (!group || !context ||
      EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, encoded, sizeof encoded,
                                      &size) != 1)
    throw std::bad_alloc();
  Point point(EC_POINT_new(group.get())), ones(EC_POINT_new(group.get()));
  if (!point || !ones) throw std::bad_alloc();
  must(EC_POINT_oct2point(group.get(), point.get(), encoded, size, context.get()));
  const EC_POINT* generator = EC_GROUP_get0_generator(group.get());
  // A scalar of one byte repeated is that byte times 0x0101...01.
  const Bytes pattern(type.coordinate_bytes(), Byte{1});
  const Number scalar(BN_bin2bn(pattern.data(), static_cast<int>(pattern.size()), nullptr));
  if (!scalar) throw std::bad_alloc();
  must(EC_POINT_mul(group.get(), ones.get(), scalar.get(), nullptr, nullptr, context.get()));
  if (is_multiple(group.get(), point.get(), generator, kSmallScalars, context.get()) ||
      is_multiple(group.get(), point.get(), ones.get(), 255, context.get()))
    return weak("its private half is a number that anybody tries first");
  return {};
}

}  // namespace

Result<void> check_strength(const PublicKey& key) {
  const Pkey pkey = parsed(key);
  switch (const KeyTypeRow& type = row(key.type()); type.family) {
    case KeyFamily::rsa:
    case KeyFamily::rsa_decrypt:
      return check_rsa(pkey.get());
    case KeyFamily::ec:
    case KeyFamily::ecdh:
      return check_ec(pkey.get(), type);
    case KeyFamily::edwards:  // the scalar is a digest of the private key
    case KeyFamily::xdh:      // is not imported
    case KeyFamily::aes:
    case KeyFamily::hmac:
    case KeyFamily::aes_raw:
      break;
  }
  return {};
}

// RFC 8017 appendix A.1.2: n, e, d and five numbers of half the length of n; each has up to 5 bytes
// of tag, length and sign, and what stands around them at most 40.
bool has_two_primes_length(const PublicKey& key, std::size_t bytes, std::size_t slack) {
  const Pkey pkey = parsed(key);
  const auto length = [&](const char* name) {
    return static_cast<std::size_t>(BN_num_bytes(number_of(pkey.get(), name).get()));
  };
  const std::size_t n = length(OSSL_PKEY_PARAM_RSA_N), e = length(OSSL_PKEY_PARAM_RSA_E);
  const std::size_t most = 2 * (n + 5) + e + 5 + 5 * (n / 2 + 5) + 40;
  // 58 at least; d and the three CRT numbers are seldom shorter by more than a few bytes.
  const std::size_t least = 2 * n + e + 5 * (n / 2) + 58 - 16;
  return bytes <= most + slack && bytes >= least;
}

bool is_code_of_constant_secret(ByteView data, ByteView code, std::size_t least, std::size_t most) {
  std::array<Byte, kSha256Bytes> computed;
  for (std::size_t size = least; size <= most; ++size)
    for (unsigned value = 0; value <= UINT8_MAX; ++value) {
      SecretBytes secret(size);
      std::ranges::fill(secret.expose_for_writing(), static_cast<Byte>(value));
      HmacSha256(secret).compute(data, computed);
      if (equal_in_constant_time(computed, code)) return true;
    }
  return false;
}

}  // namespace nae::crypto
