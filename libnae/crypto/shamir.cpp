#include "libnae/crypto/shamir.hpp"

#include <algorithm>
#include <array>

namespace nae::crypto {
namespace {

constexpr std::size_t kMaxShares = 255;  // the elements of the field but 0

// Russian peasants' multiplication. Masks in place of branches: -1 where the bit is set, else 0.
Byte multiply(Byte a, Byte b) {
  unsigned product = 0, shifted = a;
  for (unsigned bit = 0; bit < 8; ++bit) {
    product ^= shifted & (0u - ((b >> bit) & 1u));
    shifted = (shifted << 1) ^ (0x11Bu & (0u - (shifted >> 7)));
  }
  return static_cast<Byte>(product);
}

// a^254, which is 1/a: the group has 255 elements. Nobody asks for that of 0.
Byte invert(Byte a) {
  Byte result = 1, power = a;
  for (unsigned bit = 1; bit < 8; ++bit) {
    power = multiply(power, power);
    result = multiply(result, power);
  }
  return result;
}

// What the share at `x` counts for in the value at 0 (Lagrange). No secret is in it.
Byte weight(std::span<const Share> shares, Byte x) {
  Byte numerator = 1, denominator = 1;
  for (const Share& other : shares) {
    if (other.x == x) continue;
    numerator = multiply(numerator, other.x);
    denominator = multiply(denominator, static_cast<Byte>(x ^ other.x));
  }
  return multiply(numerator, invert(denominator));
}

Result<void> check(std::span<const Share> shares) {
  if (shares.empty() || shares.front().y.size() == 0)
    return fail(Code::invalid_argument, "there is no share to combine");
  std::array<bool, kMaxShares + 1> seen{};
  for (const Share& share : shares) {
    if (share.x == 0) return fail(Code::invalid_argument, "no share has the number 0");
    if (std::exchange(seen[share.x], true))
      return fail(Code::invalid_argument,
                  "share " + std::to_string(share.x) + " is there more than once");
    if (share.y.size() != shares.front().y.size())
      return fail(Code::invalid_argument, "shares of different lengths are not of one secret");
  }
  return {};
}

}  // namespace

Result<std::vector<Share>> split_secret(const SecretBytes& secret, std::size_t k, std::size_t n,
                                        const RandomSource& random) {
  if (k < 1 || k > n || n > kMaxShares || secret.size() == 0)
    return fail(Code::invalid_argument, "a secret is split for k of n, 1 <= k <= n <= 255");
  const std::size_t size = secret.size();
  SecretBytes coefficients((k - 1) * size);  // of x, x^2 and so on, `size` of each
  if (coefficients.size() != 0) NAE_TRY(random(coefficients.expose_for_writing()));
  std::vector<Share> shares;
  shares.reserve(n);
  for (std::size_t x = 1; x <= n; ++x) {
    Share share{static_cast<Byte>(x), SecretBytes(size)};
    const ByteSpan y = share.y.expose_for_writing();
    for (std::size_t i = 0; i < size; ++i) {  // Horner's rule
      Byte value = 0;
      for (std::size_t degree = k - 1; degree > 0; --degree)
        value = multiply(value ^ coefficients.expose()[(degree - 1) * size + i], share.x);
      y[i] = static_cast<Byte>(value ^ secret.expose()[i]);
    }
    shares.push_back(std::move(share));
  }
  return shares;
}

Result<SecretBytes> combine_shares(std::span<const Share> shares) {
  NAE_TRY(check(shares));
  SecretBytes secret(shares.front().y.size());
  const ByteSpan out = secret.expose_for_writing();
  std::ranges::fill(out, Byte{0});
  for (const Share& share : shares) {
    const Byte factor = weight(shares, share.x);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] ^= multiply(share.y.expose()[i], factor);
  }
  return secret;
}

}  // namespace nae::crypto
