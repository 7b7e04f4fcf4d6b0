#include "keyserver/setup/authority.hpp"

#include <algorithm>

namespace nae::setup {
namespace {

// Hosts' clocks differ: a certificate that is valid only from now on would be refused by some.
constexpr std::int64_t kClockToleranceSeconds = 300;

crypto::CertificateTemplate valid_for(std::int64_t now_s, std::int64_t days) {
  crypto::CertificateTemplate wanted;
  wanted.not_before_s = now_s - kClockToleranceSeconds;
  wanted.not_after_s = now_s + days * kSecondsPerDay;
  return wanted;
}

crypto::Signer signer_of(keys::Hsm& hsm) {
  return [&hsm](ByteView message) { return hsm.sign_as(keys::ServerKey::authority, message); };
}

// What the configuration calls the authority may be somebody else's: the signature would not
// verify.
Result<std::string> issue(keys::Hsm& hsm, std::string_view authority_pem,
                          const crypto::CertificateTemplate& wanted) {
  NAE_ASSIGN(const crypto::CertificateInfo authority, crypto::read_certificate(authority_pem));
  NAE_ASSIGN(const Bytes spki, hsm.public_key_of(keys::ServerKey::authority));
  if (authority.spki != spki)
    return fail(Code::tls_failed,
                "the authority's certificate is of another key than the one in the HSM",
                "The first certificate of client_authority must be the one that init made.");
  return crypto::issue(wanted, authority_pem, signer_of(hsm));
}

bool is_address(const std::string& name) {
  return name.find(':') != std::string::npos ||
         name.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

Result<std::string> make_authority(keys::Hsm& hsm, const std::string& server_id,
                                   std::int64_t now_s) {
  crypto::CertificateTemplate wanted = valid_for(now_s, kAuthorityDays);
  wanted.common_name = "NAE authority " + server_id;
  wanted.usage = crypto::CertificateUsage::authority;
  NAE_ASSIGN(wanted.spki, hsm.public_key_of(keys::ServerKey::authority));
  return crypto::issue(wanted, std::nullopt, signer_of(hsm));
}

Result<std::string> issue_server(keys::Hsm& hsm, std::string_view authority_pem,
                                 const std::vector<std::string>& names, ByteView spki,
                                 std::int64_t now_s) {
  crypto::CertificateTemplate wanted = valid_for(now_s, kCertificateDays);
  wanted.common_name = names.empty() ? "nae-keyserver" : names.front();
  wanted.usage = crypto::CertificateUsage::server;
  for (const std::string& name : names)
    (is_address(name) ? wanted.ip_names : wanted.dns_names).push_back(name);
  wanted.spki.assign(spki.begin(), spki.end());
  return issue(hsm, authority_pem, wanted);
}

Result<std::string> issue_client(keys::Hsm& hsm, std::string_view authority_pem,
                                 const std::string& common_name, const std::string& uri,
                                 ByteView spki, std::int64_t now_s, std::int64_t days) {
  crypto::CertificateTemplate wanted = valid_for(now_s, days);
  wanted.common_name = common_name;
  wanted.uri_names = {uri};
  wanted.usage = crypto::CertificateUsage::client;
  wanted.spki.assign(spki.begin(), spki.end());
  return issue(hsm, authority_pem, wanted);
}

}  // namespace nae::setup
