// Private keys from files, on their way into an HSM. Nothing here signs with them.
#pragma once

#include <optional>

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::crypto {

struct PrivateKey {
  KeyType type{};
  SecretBytes pkcs8;  // PrivateKeyInfo (RFC 5208), DER
  Bytes public_key;   // SubjectPublicKeyInfo, DER
};

// One unencrypted private key, PEM ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY") or PKCS#8
// DER. Code::invalid_argument when it is none, needs a password, its parts contradict each other,
// or it is weak (key_strength.hpp; RSA primes by FIPS 186-5); Code::unsupported when it is none of
// our KeyTypes. `purpose`: a type that the file does not say, one of keys that sign nothing.
Result<PrivateKey> read_private_key(const SecretBytes& file,
                                    std::optional<KeyType> purpose = std::nullopt);

}  // namespace nae::crypto
