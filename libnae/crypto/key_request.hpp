// PKCS#10 requests (RFC 2986) for keys that are not here: whoever holds the key signs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/algorithm.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::crypto {

inline constexpr std::size_t kMaxSubjectBytes = 1024;
inline constexpr std::size_t kMaxAlternativeNames = 100;

struct KeyRequest {
  std::string subject;             // "/CN=www.example/O=Example", a slash in a value as "\/"
  std::vector<std::string> names;  // "DNS:www.example", "IP:10.0.0.1", "URI:", "email:"
  Bytes spki;
  SignatureScheme scheme{};  // that `signer` signs by; not of PSS
};

// The scheme that requests of such a key are signed by, among those that `allowed` lets through;
// nothing when there is none. Authorities know PKCS#1 v1.5 and ECDSA; many know no PSS.
template <class Allowed>
SignatureScheme request_scheme(KeyType type, const Allowed& allowed) {
  for (const SignatureScheme scheme :
       {SignatureScheme::rsa_pkcs1_sha256, SignatureScheme::rsa_pkcs1_sha384,
        SignatureScheme::rsa_pkcs1_sha512, SignatureScheme::ecdsa_p256_sha256,
        SignatureScheme::ecdsa_p384_sha384, SignatureScheme::ed25519})
    if (fits(scheme, type) && allowed(scheme)) return scheme;
  return SignatureScheme::key_default;
}

// PEM. Verified against the request's own public key before it is answered.
// Code::invalid_argument for a subject or name that cannot be written.
Result<std::string> make_key_request(const KeyRequest& wanted, const Signer& signer);

}  // namespace nae::crypto
