// Paddings of RSA encryption (RFC 8017 section 7), taken off what a private key made of a
// ciphertext where the HSM does that but not this. Neither says why something is no message, nor by
// the time it takes.
#pragma once

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::crypto {

// EME-OAEP, section 7.1.2, MGF1 of the same hash. `encoded` has the length of the modulus.
// Code::authentication_failed, whatever is wrong with it (Manger 2001).
Result<Bytes> remove_oaep(HashAlgorithm hash, ByteView label, ByteView encoded);

// EME-PKCS1-v1_5, section 7.2.2, with implicit rejection (draft-irtf-cfrg-rsa-guidance section 7,
// as OpenSSL 3.2 does it): what is no message becomes one that nobody chose, the same for the same
// ciphertext, and of a length that says nothing. So there is no error to ask for (Bleichenbacher
// 1998). `secret` is one that only the private key gives.
Bytes remove_pkcs1(const SecretBytes& secret, ByteView ciphertext, ByteView encoded);

// Big-endian, of an RSA key's SubjectPublicKeyInfo. Code::invalid_argument for any other.
Result<Bytes> modulus_of(ByteView subject_public_key_info);

}  // namespace nae::crypto
