// What PKCS#11 shows of a public key, out of its SubjectPublicKeyInfo (RFC 5280), without OpenSSL:
// the process that loads the module may have another one of its own.
#pragma once

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::pkcs11 {

struct PublicKeyParts {
  Bytes modulus, exponent;  // RSA, big-endian without leading zeros; else empty
  Bytes point;              // EC: X9.62 point; Ed25519, X25519: RFC 8032, 7748; else empty
};

// Code::invalid_argument for what is none of `type`.
Result<PublicKeyParts> public_key_parts(KeyType type, ByteView subject_public_key_info);

// CKA_EC_PARAMS of the type, DER; empty for a type without a curve.
ByteView ec_parameters(KeyType type);

// DER: an OCTET STRING.
Bytes octet_string(ByteView bytes);

}  // namespace nae::pkcs11
