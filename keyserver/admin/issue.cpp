#include "keyserver/admin/issue.hpp"

#include "keyserver/admin/api/time.hpp"
#include "keyserver/setup/authority.hpp"

namespace nae::admin {

Result<std::string> issue_client_certificate(AdminCall& call, const std::string& common_name,
                                             const std::string& uri, Bytes spki,
                                             std::int64_t days) {
  NAE_ASSIGN(crypto::CertificateInfo authority,
             crypto::read_certificate(call.parts.certificates.authority_pem));
  std::int64_t now_s = call.now_us / api::kMicrosecondsPerSecond;
  if (now_s + days * setup::kSecondsPerDay > authority.not_after_s)
    return fail(Code::invalid_argument,
                "the authority's own certificate ends before, on " +
                    api::format_time(authority.not_after_s * api::kMicrosecondsPerSecond),
                "Ask for fewer days.");
  // The job may outlive the call, so it owns what it needs.
  auto work = [authority_pem = call.parts.certificates.authority_pem, common_name, uri,
               spki = std::move(spki), now_s, days](keys::Hsm& hsm) {
    return setup::issue_client(hsm, authority_pem, common_name, uri, spki, now_s, days);
  };
  return call.parts.keys.hsm.call(std::move(work), call.parts.settings.hsm_timeout);
}

}  // namespace nae::admin
