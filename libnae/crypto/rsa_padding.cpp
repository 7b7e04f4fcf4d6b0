// OpenSSL takes OAEP off by EVP only together with a private key, which nobody has here.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "libnae/crypto/rsa_padding.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <climits>

#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/hmac.hpp"

namespace nae::crypto {
namespace {

// All bits or none. What is computed from a secret goes by these and never by a branch or an index.
using Mask = std::uint32_t;

// A compiler that knows a mask to be all bits or none may make a branch of it.
Mask opaque(Mask mask) {
  asm volatile("" : "+r"(mask));
  return mask;
}
Mask from_top_bit(Mask value) {
  return opaque(0u - (value >> 31));
}
Mask is_zero(Mask value) {
  return from_top_bit(~value & (value - 1));
}
Mask is_less(Mask a, Mask b) {  // both below 2^31
  return from_top_bit(a - b);
}
std::uint32_t select(Mask mask, std::uint32_t a, std::uint32_t b) {
  return (mask & a) | (~mask & b);
}

// The draft's: HMAC-SHA-256 over counter, label and how many bits are wanted of all of it.
Bytes expand(const HmacSha256& key, std::string_view label, std::size_t bytes) {
  Bytes out;
  Bytes input;
  Sha256Digest block;
  for (std::uint16_t counter = 0; out.size() < bytes; ++counter) {
    input.clear();
    ByteWriter writer(input);
    writer.u16(counter);
    writer.raw(as_bytes(label));
    writer.u16(static_cast<std::uint16_t>(bytes * 8));
    key.compute(input, block);
    out.insert(out.end(), block.begin(), block.end());
  }
  ::explicit_bzero(block.data(), block.size());
  out.resize(bytes);
  return out;
}

constexpr std::uint32_t kLeastPadding = 2 + 8;  // 0x00 0x02 and eight bytes

// The last of 128 candidates that fits; that none does has a probability of 2^-128 at the least.
std::uint32_t length_instead(const HmacSha256& key, std::uint32_t encoded_bytes) {
  constexpr std::size_t kCandidates = 128;
  const std::uint32_t most = encoded_bytes - kLeastPadding;
  std::uint32_t bits = most;
  for (const int shift : {1, 2, 4, 8}) bits |= bits >> shift;
  const Bytes drawn = expand(key, "length", 2 * kCandidates);
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < kCandidates; ++i) {
    const std::uint32_t candidate = (Mask{drawn[2 * i]} << 8 | drawn[2 * i + 1]) & bits;
    length = select(is_less(candidate, most), candidate, length);
  }
  return length;
}

}  // namespace

Result<Bytes> remove_oaep(HashAlgorithm hash, ByteView label, ByteView encoded) {
  const EVP_MD* const digest = EVP_get_digestbyname(name(hash).data());
  if (!digest) return fail(Code::unsupported, "this OpenSSL has no " + std::string(name(hash)));
  const int bytes = static_cast<int>(encoded.size());
  Bytes message(encoded.size());
  ERR_set_mark();
  const int length = RSA_padding_check_PKCS1_OAEP_mgf1(
      message.data(), bytes, encoded.data(), bytes, bytes, label.data(),
      static_cast<int>(label.size()), digest, digest);
  ERR_pop_to_mark();
  if (length < 0) return fail(Code::authentication_failed, "the ciphertext does not open");
  message.resize(static_cast<std::size_t>(length));
  return message;
}

Bytes remove_pkcs1(const SecretBytes& secret, ByteView ciphertext, ByteView encoded) {
  const auto bytes = static_cast<std::uint32_t>(encoded.size());
  if (bytes <= kLeastPadding) return {};
  SecretBytes derived(kSha256Bytes);
  HmacSha256(secret).compute(ciphertext,
                             std::span<Byte, kSha256Bytes>(derived.expose_for_writing()));
  const HmacSha256 key(derived);
  const Bytes instead = expand(key, "message", bytes);
  const std::uint32_t instead_at = bytes - length_instead(key, bytes);

  Mask good = is_zero(encoded[0]) & is_zero(encoded[1] ^ 2u);
  Mask found = 0;
  std::uint32_t zero_at = 0;
  for (std::uint32_t i = 2; i < bytes; ++i) {
    const Mask is_end = is_zero(encoded[i]);
    zero_at = select(~found & is_end, i, zero_at);
    found |= is_end;
  }
  good &= found & ~is_less(zero_at, kLeastPadding);

  // How long it is shows, whichever it is.
  const std::uint32_t at = select(good, zero_at + 1, instead_at);
  Bytes message(bytes - at);
  for (std::uint32_t i = at; i < bytes; ++i)
    message[i - at] = static_cast<Byte>(select(good, encoded[i], instead[i]));
  return message;
}

Result<Bytes> modulus_of(ByteView spki) {
  ERR_set_mark();
  const unsigned char* at = spki.data();
  const handle<EVP_PKEY, EVP_PKEY_free> key(
      spki.size() > LONG_MAX ? nullptr : d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  BIGNUM* read = nullptr;
  const bool is_there = key && EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_N, &read) == 1;
  const handle<BIGNUM, BN_free> number(read);
  ERR_pop_to_mark();
  if (!is_there) return fail(Code::invalid_argument, "not an RSA public key");
  Bytes modulus(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), modulus.data());
  return modulus;
}

}  // namespace nae::crypto
