// SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), DER, from the numbers of a public key: what an
// HSM answers for its key pairs.
#pragma once

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::crypto {

// All answer Code::invalid_argument when the numbers are no public key of the type.

// Big-endian, RFC 8017.
Result<Bytes> spki_of_rsa(ByteView modulus, ByteView exponent);
// Of an EC type; 0x04 || X || Y (SEC 1 section 2.3.3).
Result<Bytes> spki_of_ec(KeyType type, ByteView uncompressed_point);
// Of Ed25519; RFC 8032, RFC 8410.
Result<Bytes> spki_of_edwards(KeyType type, ByteView point);

}  // namespace nae::crypto
