// The SHA256_* functions are deprecated in favour of EVP, whose contexts cost several hundred
// nanoseconds a digest; the audit chain takes one for every request.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "libnae/crypto/hash.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "libnae/crypto/handle.hpp"

namespace nae::crypto {
namespace {

const EVP_MD* fetched(HashAlgorithm algorithm) {
  using Method = handle<EVP_MD, EVP_MD_free>;
  switch (algorithm) {
#define NAE_HASH(hash, number, text, ...)                              \
  case HashAlgorithm::hash: {                                          \
    static const Method kMethod(EVP_MD_fetch(nullptr, text, nullptr)); \
    return kMethod.get();                                              \
  }
#include "libnae/base/algorithms.def"
  }
  return nullptr;
}

}  // namespace

Result<Bytes> digest(HashAlgorithm algorithm, ByteView data) {
  const EVP_MD* method = fetched(algorithm);
  Bytes out(digest_bytes(algorithm));
  if (!method || EVP_Digest(data.data(), data.size(), out.data(), nullptr, method, nullptr) != 1)
    return fail(Code::unsupported, "this OpenSSL does not compute " + std::string(name(algorithm)));
  return out;
}

Sha256Digest sha256(ByteView data) {
  return sha256(data, {});
}

Sha256Digest sha256(ByteView first, ByteView second) {
  Sha256Digest out;
  SHA256_CTX state;
  SHA256_Init(&state);
  SHA256_Update(&state, first.data(), first.size());
  SHA256_Update(&state, second.data(), second.size());
  SHA256_Final(out.data(), &state);
  ::explicit_bzero(&state, sizeof state);  // it holds the end of what was hashed
  return out;
}

}  // namespace nae::crypto
