// The SHA256_* functions are deprecated in favour of EVP_MAC. That takes twice as long for a short
// value (benchmarks/aead.cpp), serves one thread at a time, and keeps its state outside the secure
// heap; a prepared SHA256_CTX is copied like any struct.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "libnae/crypto/hmac.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <new>

namespace nae::crypto {
namespace {

constexpr std::size_t kBlockBytes = SHA256_CBLOCK;

// What the secure heap holds for a key: SHA-256 after one block of key XOR pad.
struct States {
  SHA256_CTX inner;
  SHA256_CTX outer;
};

const States& states_in(const SecretBytes& bytes) {
  return *std::launder(reinterpret_cast<const States*>(bytes.expose().data()));
}

void absorb_padded_key(SHA256_CTX& state, ByteView key, Byte pad) {
  Byte block[kBlockBytes];
  for (std::size_t i = 0; i < kBlockBytes; ++i)
    block[i] = pad ^ (i < key.size() ? key[i] : Byte{0});
  SHA256_Init(&state);
  SHA256_Update(&state, block, sizeof block);
  OPENSSL_cleanse(block, sizeof block);
}

}  // namespace

HmacSha256::HmacSha256(const SecretBytes& key) : states_(sizeof(States)) {
  auto* states = new (states_.expose_for_writing().data()) States;
  Sha256Digest hashed;
  ByteView bytes = key.expose();
  if (bytes.size() > kBlockBytes) {
    hashed = sha256(bytes);
    bytes = hashed;
  }
  absorb_padded_key(states->inner, bytes, 0x36);
  absorb_padded_key(states->outer, bytes, 0x5c);
  OPENSSL_cleanse(hashed.data(), hashed.size());
}

void HmacSha256::compute(ByteView data, std::span<Byte, kSha256Bytes> out) const {
  const States& prepared = states_in(states_);
  SHA256_CTX state = prepared.inner;
  Byte inner[kSha256Bytes];
  SHA256_Update(&state, data.data(), data.size());
  SHA256_Final(inner, &state);  // wipes the state's block, not its chaining value
  state = prepared.outer;
  SHA256_Update(&state, inner, sizeof inner);
  SHA256_Final(out.data(), &state);
  OPENSSL_cleanse(&state, sizeof state);
  OPENSSL_cleanse(inner, sizeof inner);
}

bool HmacSha256::verify(ByteView data, ByteView code) const {
  Sha256Digest expected;
  compute(data, expected);
  bool equal = equal_in_constant_time(expected, code);
  OPENSSL_cleanse(expected.data(), expected.size());
  return equal;
}

}  // namespace nae::crypto
