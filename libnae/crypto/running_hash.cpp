// OpenSSL's own functions of one algorithm: they cannot fail, and fetch nothing.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "libnae/crypto/running_hash.hpp"

#include <openssl/sha.h>

namespace nae::crypto {

struct RunningHash::State {
  SHA256_CTX context;
};

RunningHash::RunningHash() : state_(std::make_unique<State>()) {
  SHA256_Init(&state_->context);
}

RunningHash::~RunningHash() = default;

void RunningHash::add(ByteView piece) {
  SHA256_Update(&state_->context, piece.data(), piece.size());
}

Sha256Digest RunningHash::finish() {
  Sha256Digest digest;
  SHA256_Final(digest.data(), &state_->context);
  return digest;
}

}  // namespace nae::crypto
