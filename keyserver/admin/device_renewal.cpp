// /v1/device/certificate: a host renews its certificate before it ends, for the key that it has.
// Its own connection is the proof: nobody can ask for another name, and nothing but time is gained.
#include <algorithm>

#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/issue_device.hpp"
#include "keyserver/setup/authority.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::admin {
namespace {

constexpr std::int64_t kDayUs = setup::kSecondsPerDay * api::kMicrosecondsPerSecond;
// An answer may be lost, so that one certificate is renewed more than once; but a host that asks
// for ever must not fill the store.
constexpr std::int64_t kMostNewer = 4;

using store::DeviceCertificate;

// The certificate by which the call came. One that this server has not issued is not renewed, even
// where policy serves its holder.
Result<DeviceCertificate> asking(const AdminCall& call, const std::vector<DeviceCertificate>& all) {
  for (const DeviceCertificate& each : all)
    if (each.name == call.admin && each.fingerprint == call.fingerprint &&
        each.removed_at_us == 0 && each.expires_at_us > call.now_us)
      return each;
  return fail(Code::device_unknown, "the certificate of " + call.admin +
                                        " was removed, has ended, or this server never issued it");
}

Result<void> check_time(const AdminCall& call, const DeviceCertificate& present,
                        const std::vector<DeviceCertificate>& all) {
  const std::int64_t half_us =
      present.issued_at_us + (present.expires_at_us - present.issued_at_us) / 2;
  if (call.now_us < half_us)
    return fail(Code::conflict,
                "a certificate is renewed in the second half of its life, here from " +
                    api::format_time(half_us) + " on",
                "Compare the clocks of this host and of the key server.");
  const auto newer = std::count_if(all.begin(), all.end(), [&](const DeviceCertificate& each) {
    return each.name == present.name && each.removed_at_us == 0 &&
           each.issued_at_us > present.issued_at_us;
  });
  if (newer < kMostNewer) return {};
  return fail(Code::limit_exceeded,
              "device " + present.name + " has " + std::to_string(newer) +
                  " newer certificates and asks with an older one",
              "See the agent's log for why it does not keep them; nae device renew makes another.");
}

// As long as the present one, but no longer than the authority lives.
Result<std::int64_t> days_for(const AdminCall& call, const DeviceCertificate& present) {
  NAE_ASSIGN(crypto::CertificateInfo authority,
             crypto::read_certificate(call.parts.certificates.authority_pem));
  const std::int64_t life_us = present.expires_at_us - present.issued_at_us;
  const std::int64_t left_us = authority.not_after_s * api::kMicrosecondsPerSecond - call.now_us;
  const std::int64_t days = std::min((life_us + kDayUs / 2) / kDayUs, left_us / kDayUs);
  return std::clamp(days, std::int64_t{1}, kMostDeviceDays);
}

}  // namespace

Result<Reply> renew_own_certificate(AdminCall& call) {
  const std::string& device = call.admin;
  call.audit_target = device;
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::string request_pem, fields.text("request"));
  NAE_TRY(fields.complete());
  if (!call.parts.certificates.device_renewal)
    return fail(Code::denied, "this key server lets no host renew its own certificate",
                "An operator renews it: nae device renew. The server's configuration says so: "
                "device_renewal in [server].");
  NAE_ASSIGN(std::vector<DeviceCertificate> all, call.parts.store.store.list_devices());
  NAE_ASSIGN(DeviceCertificate present, asking(call, all));
  NAE_ASSIGN(crypto::CertificateRequest request, crypto::read_request(request_pem));
  if (to_hex(crypto::sha256(request.spki)) != present.key_sha256)
    return fail(Code::certificate_rejected,
                "the request is for another key than the certificate of " + device,
                "A host changes its key by nae device rekey.");
  NAE_TRY(check_time(call, present, all));
  NAE_ASSIGN(std::int64_t days, days_for(call, present));
  NAE_ASSIGN(IssuedDevice issued, issue_device(call, device, request_pem, days));
  // A certificate that is not inserted is not given out.
  NAE_TRY(call.parts.store.store.insert_device(issued.record));
  NAE_TRY(call.parts.certificates.devices.reload());
  call.audit_detail =
      "serial " + issued.record.serial + ", by the host itself, which has serial " + present.serial;
  return Reply{reply_with(call, issued), 201};
}

}  // namespace nae::admin
