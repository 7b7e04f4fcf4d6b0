// P-256 key pairs, PKCS#10 requests and X.509v3 certificates (RFC 5280). The authority's key lives
// in an HSM, so a certificate is signed by a function that its owner passes in.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::crypto {

struct KeyPair {
  Bytes private_key_pem;  // PKCS#8, not encrypted; Bytes wipes itself
  Bytes spki;             // SubjectPublicKeyInfo DER
};

Result<KeyPair> generate_p256();

// The SubjectPublicKeyInfo DER that belongs to a P-256 private key.
Result<Bytes> public_key_of(ByteView private_key_pem);

// "-----BEGIN PUBLIC KEY-----" form of a SubjectPublicKeyInfo DER, of any key type.
Result<std::string> public_key_to_pem(ByteView spki);

// PKCS#10 request (RFC 2986), signed by the key it names.
Result<std::string> make_request(ByteView private_key_pem, std::string_view common_name);

struct CertificateRequest {
  std::string common_name;
  Bytes spki;
};
// Refuses a request whose signature is not by its own key: its sender must hold the private key.
// P-256 only.
Result<CertificateRequest> read_request(std::string_view pem);

// ECDSA P-256 over SHA-256 of `message`, DER encoded (RFC 3279 section 2.2.3).
using Signer = std::function<Result<Bytes>(ByteView message)>;
// Signs with a key in memory: for tests and tools, the product's authority is in the HSM.
Result<Signer> software_signer(ByteView private_key_pem);

enum class CertificateUsage {
  authority,  // issues the other two, nothing below them
  server,     // TLS server authentication
  client,     // TLS client authentication
};

struct CertificateTemplate {
  std::string common_name;             // for people; cut to the 64 bytes RFC 5280 allows
  std::vector<std::string> uri_names;  // "nae://device/db1"
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_names;  // "127.0.0.1", "::1"
  std::int64_t not_before_s = 0;      // Unix time
  std::int64_t not_after_s = 0;
  CertificateUsage usage = CertificateUsage::client;
  Bytes spki;  // P-256
};

// PEM of a certificate with a random 128-bit serial number, verified against the issuer's public
// key before it is answered. No `issuer_pem`: self-signed, and `signer` signs with the template's
// own key.
Result<std::string> issue(const CertificateTemplate& wanted,
                          std::optional<std::string_view> issuer_pem, const Signer& signer);

struct CertificateInfo {
  std::string common_name;
  std::vector<std::string> uri_names;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_names;  // "127.0.0.1", "::1"
  std::string serial;                 // lower-case hexadecimal
  std::string fingerprint;            // SHA-256 of the DER, lower-case hexadecimal
  std::int64_t not_before_s = 0;
  std::int64_t not_after_s = 0;
  Bytes spki;
};

// PEM or DER. Answers what the certificate says; whether to believe it is for TLS to decide.
// A name with anything but printable ASCII is refused: "nae://admin/a\0b" must not pass as a.
Result<CertificateInfo> read_certificate(ByteView pem_or_der);
inline Result<CertificateInfo> read_certificate(std::string_view pem) {
  return read_certificate(as_bytes(pem));
}

// The SubjectPublicKeyInfo DER of a certificate, PEM or DER, of which nothing else is believed or
// read: somebody's card may have any names. Code::invalid_argument when it is none.
Result<Bytes> public_key_in_certificate(ByteView pem_or_der);

}  // namespace nae::crypto
