// The key of a smart card, or of any token, that decrypts by RSA-OAEP.
#pragma once

#include <p11-kit/pkcs11.h>

#include "libnae/base/algorithm.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/crypto/secret.hpp"
#include "libnae/pkcs11/token.hpp"

namespace nae::pkcs11 {

struct DecryptingKey {
  CK_OBJECT_HANDLE object = 0;
  crypto::Sha256Digest public_key{};  // of its SubjectPublicKeyInfo
  Bytes spki{};                       // that, DER
};

// The RSA private keys on the session's token; by their public numbers, which need no certificate.
Result<std::vector<DecryptingKey>> find_decrypting_keys(const Session& session);

// RSAES-OAEP (RFC 8017), MGF1 of the same hash, no label. One attempt, of one hash: a card that
// counts failures must not be asked to guess. Code::unsupported for hashes other than SHA-256 and
// SHA-1, or one that the token does not do; Code::authentication_failed when it does not decrypt.
Result<crypto::SecretBytes> decrypt_oaep(const Session& session, const DecryptingKey& key,
                                         HashAlgorithm hash, ByteView ciphertext);

}  // namespace nae::pkcs11
