// Wrapping a key for somebody's RSA key, as PKCS#11's CKM_RSA_AES_KEY_WRAP (2.40 section 2.1.21)
// has it: RSA-OAEP (RFC 8017) of a fresh AES-256 key, then AES-KWP (RFC 5649) of the key under
// that.
#pragma once

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::crypto {

// `public_key`: SubjectPublicKeyInfo DER of an RSA key. `hash` is the label's and MGF1's; the label
// is empty. Code::invalid_argument when the key is none or `secret` is too long for it.
Result<Bytes> encrypt_oaep(ByteView public_key, HashAlgorithm hash, ByteView secret);

// Code::invalid_argument as above, and for an empty `key`.
Result<Bytes> wrap_for_transport(ByteView public_key, HashAlgorithm hash, const SecretBytes& key);

}  // namespace nae::crypto
