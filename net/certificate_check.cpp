#include "net/certificate_check.hpp"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <string>

#include "libnae/base/text.hpp"
#include "libnae/crypto/handle.hpp"

namespace nae::net {
namespace {

Result<void> require_usage(X509* certificate, std::uint32_t usage, const char* usage_name) {
  bool has_extension = (X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE) != 0;
  if (!has_extension || (X509_get_extended_key_usage(certificate) & usage) == 0)
    return fail(Code::certificate_rejected,
                std::string("the certificate's extended key usage lacks ") + usage_name);
  return {};
}

void put_fingerprint(X509* certificate, PeerIdentity& identity) {
  std::array<Byte, EVP_MAX_MD_SIZE> digest{};
  unsigned digest_size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &digest_size) == 1)
    identity.fingerprint_hex = to_hex(ByteView(digest.data(), digest_size));
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  if (serial != nullptr)
    identity.serial_hex = to_hex(ByteView(ASN1_STRING_get0_data(serial),
                                          static_cast<std::size_t>(ASN1_STRING_length(serial))));
}

// Several identities in one certificate would let its bearer choose who to be.
Result<std::string> only_nae_uri(X509* certificate) {
  handle<GENERAL_NAMES, GENERAL_NAMES_free> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::optional<std::string> found;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* entry = sk_GENERAL_NAME_value(names.get(), i);
    if (entry->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = entry->d.uniformResourceIdentifier;
    std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                     static_cast<std::size_t>(ASN1_STRING_length(uri)));
    if (!text.starts_with("nae://")) continue;
    if (found) return fail(Code::certificate_rejected, "the certificate has several nae:// URIs");
    found = std::move(text);
  }
  if (!found) return fail(Code::certificate_rejected, "the certificate has no nae:// URI");
  return *std::move(found);
}

}  // namespace

Result<PeerIdentity> client_identity(X509* certificate) {
  NAE_TRY(require_usage(certificate, XKU_SSL_CLIENT, "clientAuth"));
  NAE_ASSIGN(std::string uri, only_nae_uri(certificate));
  NAE_ASSIGN(PeerIdentity identity, identity_from_uri(uri));
  put_fingerprint(certificate, identity);
  return identity;
}

Result<PeerIdentity> server_identity(X509* certificate, const std::string& verified_host) {
  NAE_TRY(require_usage(certificate, XKU_SSL_SERVER, "serverAuth"));
  PeerIdentity identity;
  identity.kind = PeerKind::server;
  identity.name = verified_host;
  put_fingerprint(certificate, identity);
  return identity;
}

Result<std::int64_t> chain_end_s(const STACK_OF(X509) * chain) {
  std::optional<std::int64_t> end;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(chain, i)), &parts) != 1)
      return fail(Code::certificate_rejected, "the end of a certificate cannot be read");
    const std::int64_t at_s = ::timegm(&parts);
    end = end ? std::min(*end, at_s) : at_s;
  }
  if (!end) return fail(Code::certificate_rejected, "the peer was not verified");
  return *end;
}

}  // namespace nae::net
