// A smart card in software: an RSA key in a file under a passphrase, for whoever has no card yet.
// PKCS#8 (RFC 5958) encrypted by scrypt (RFC 7914) and AES-256-CBC, which `openssl pkey` reads.
#pragma once

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::crypto {

struct SoftwareCard {
  Bytes pem;         // "-----BEGIN ENCRYPTED PRIVATE KEY-----"
  Bytes public_key;  // SubjectPublicKeyInfo, DER
};

// RSA-3072. Code::invalid_argument without a passphrase.
Result<SoftwareCard> make_software_card(const SecretBytes& passphrase);

// The public half of such a file. Code::authentication_failed when the passphrase is wrong or the
// file is none.
Result<Bytes> public_key_of_card(ByteView pem, const SecretBytes& passphrase);

// RSAES-OAEP (RFC 8017), MGF1 of the same hash, no label. Code::authentication_failed, whatever was
// wrong with passphrase, file or ciphertext.
Result<SecretBytes> decrypt_oaep(ByteView pem, const SecretBytes& passphrase, HashAlgorithm hash,
                                 ByteView ciphertext);

}  // namespace nae::crypto
