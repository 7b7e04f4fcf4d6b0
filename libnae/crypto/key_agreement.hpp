// ECDH (NIST SP 800-56A, SEC 1 section 3.3.1; X25519: RFC 7748) as the side that needs no HSM: the
// other's point, and a fresh pair.
#pragma once

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::crypto {

// Whether `point` is one of the type's curve, as 0x04 || X || Y, or of X25519 32 bytes (RFC 7748)
// that agree on more than zero: else a key that computes with it
// would show itself bit by bit (invalid curve attacks). Code::invalid_argument.
Result<void> check_point(KeyType type, ByteView point);

struct Agreement {
  Bytes point;  // of the fresh pair, whose private half is gone
  Bytes secret;
};
// With the key of this SubjectPublicKeyInfo. Code::invalid_argument when it is none of the type's.
Result<Agreement> agree_with(KeyType type, ByteView subject_public_key_info);

}  // namespace nae::crypto
