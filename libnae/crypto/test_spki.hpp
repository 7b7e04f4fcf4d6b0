// For tests: a key pair of OpenSSL's own as others send its public half.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "libnae/base/bytes.hpp"

namespace nae::crypto {

// SubjectPublicKeyInfo, DER (RFC 5280 section 4.1.2.7).
inline Bytes spki_of(EVP_PKEY* key) {
  Bytes der(static_cast<std::size_t>(i2d_PUBKEY(key, nullptr)));
  unsigned char* at = der.data();
  i2d_PUBKEY(key, &at);
  return der;
}

}  // namespace nae::crypto
