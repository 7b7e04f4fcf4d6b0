// What PKCS#11 shows of X.509 certificates (RFC 5280), without OpenSSL, as public_key_parts.hpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libnae/base/bytes.hpp"

namespace nae::pkcs11 {

struct CertificateParts {
  Bytes value;                    // the certificate's DER
  Bytes serial, issuer, subject;  // DER, tag and length with it
  Bytes key_identifier;           // RFC 5280 section 4.2.1.2; empty: none
  std::string common_name;        // the last of the subject's, as it stands; "": none
};

// Of certificates one behind the other; nothing unless that is all there is.
std::optional<std::vector<CertificateParts>> certificate_parts(ByteView chain);

}  // namespace nae::pkcs11
