// /v1/devices/{}/keys: a host changes its key without an outage. The name belongs to its holder:
// the new key's request is signed by the present key, whoever asks for it to be certified.
#include <algorithm>

#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/issue.hpp"
#include "keyserver/admin/issue_device.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/base64.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::admin {
namespace {

using Certificates = std::vector<store::DeviceCertificate>;

// Of `name`, those that are accepted at this moment, the oldest first.
Result<Certificates> good_certificates(const AdminCall& call, std::string_view name) {
  NAE_ASSIGN(Certificates all, call.parts.store.store.list_devices());
  std::erase_if(all, [&](const store::DeviceCertificate& each) {
    return each.name != name || each.removed_at_us != 0 || each.expires_at_us <= call.now_us;
  });
  if (all.empty())
    return fail(Code::not_found,
                "no device named " + std::string(name) + " has a good certificate");
  return all;
}

// That the holder of the name wants the key of `request_pem`: signed as it came, by the key of a
// certificate that is good for the name.
Result<void> check_consent(const Certificates& good, const std::string& certificate_pem,
                           const std::string& signature_text, const std::string& request_pem) {
  NAE_ASSIGN(crypto::CertificateInfo present, crypto::read_certificate(certificate_pem));
  const bool known = std::any_of(good.begin(), good.end(), [&](const auto& each) {
    return each.fingerprint == present.fingerprint;
  });
  if (!known)
    return fail(Code::conflict, "the certificate is none that is good for this device",
                "Give the certificate that the host uses now.");
  NAE_ASSIGN(Bytes signature, crypto::from_base64(signature_text));
  NAE_ASSIGN(crypto::PublicKey key, crypto::PublicKey::from_der(present.spki));
  NAE_ASSIGN(bool by_holder,
             key.verify(SignatureScheme::key_default, as_bytes(request_pem), signature));
  if (by_holder) return {};
  return fail(Code::certificate_rejected, "the request is not signed by the key that the host has",
              "On the host: openssl dgst -sha256 -sign PRESENT.key -out NEW.sig NEW.csr");
}

}  // namespace

Result<Reply> add_device_key(AdminCall& call) {
  const std::string& device = call.names.at(0);
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::string request_pem, fields.text("request"));
  NAE_ASSIGN(std::string certificate_pem, fields.text("certificate"));
  NAE_ASSIGN(std::string signature, fields.text("signature"));
  NAE_ASSIGN(auto days, fields.optional_integer("valid_days", 1, kMostDeviceDays));
  NAE_TRY(fields.complete());
  NAE_ASSIGN(Certificates good, good_certificates(call, device));
  NAE_TRY(check_consent(good, certificate_pem, signature, request_pem));
  NAE_ASSIGN(IssuedDevice issued,
             issue_device(call, device, request_pem, days.value_or(kDefaultDeviceDays)));
  // A certificate that is not inserted is not given out.
  NAE_TRY(call.parts.store.store.insert_device_key(issued.record));
  NAE_TRY(call.parts.certificates.devices.reload());
  call.audit_detail = "serial " + issued.record.serial + ", key " + issued.record.key_sha256 +
                      " beside the present";
  return Reply{reply_with(call, issued), 201};
}

Result<Reply> confirm_device_key(AdminCall& call) {
  const std::string& device = call.names.at(0);
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::string keep, fields.text("keep"));
  NAE_TRY(fields.complete());
  Result<void> confirmed = call.parts.store.store.confirm_device_key(device, keep, call.now_us);
  // In any case: an earlier call may have got no further than the store.
  NAE_TRY(call.parts.certificates.devices.reload());
  NAE_TRY(call.settle());
  NAE_TRY(confirmed);
  call.audit_detail = "key " + keep + " alone";
  return Reply{{{"name", device}, {"key_sha256", keep}}};
}

}  // namespace nae::admin
