#include "libnae/crypto/random.hpp"

#include <openssl/rand.h>

#include <climits>

namespace nae::crypto {

Result<void> random_bytes(ByteSpan out) {
  if (out.size() > INT_MAX || RAND_bytes(out.data(), static_cast<int>(out.size())) != 1)
    return fail(Code::internal, "the random generator failed");
  return {};
}

}  // namespace nae::crypto
