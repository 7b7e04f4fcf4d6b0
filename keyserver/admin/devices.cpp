// /v1/devices: certificates for database hosts.
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/issue.hpp"
#include "keyserver/admin/route.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::admin {
namespace {

constexpr std::int64_t kDefaultDays = 365;
constexpr std::int64_t kMostDays = 3650;
constexpr std::int64_t kMicroseconds = 1'000'000;

}  // namespace

Result<Reply> list_devices(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(std::vector<store::DeviceCertificate> known, call.parts.store.list_devices());
  json::array devices;
  for (const store::DeviceCertificate& device : known)
    devices.push_back(
        json::object{{"name", device.name},
                     {"serial", device.serial},
                     {"fingerprint", device.fingerprint},
                     {"key_sha256", device.key_sha256},
                     {"issued_at", api::format_time(device.issued_at_us)},
                     {"not_after", api::format_time(device.expires_at_us)},
                     {"removed_at", device.removed_at_us == 0
                                        ? json::value()
                                        : json::value(api::format_time(device.removed_at_us))}});
  return Reply{{{"devices", std::move(devices)}}};
}

Result<Reply> enroll_device(AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::string device, fields.text("name"));
  NAE_ASSIGN(std::string request_pem, fields.text("request"));
  NAE_ASSIGN(std::optional<std::int64_t> days, fields.optional_integer("valid_days", 1, kMostDays));
  NAE_TRY(fields.complete());
  call.audit_target = device;
  if (!is_name(device)) return fail(Code::invalid_argument, "the device's name is no name");
  NAE_ASSIGN(crypto::CertificateRequest request, crypto::read_request(request_pem));
  NAE_ASSIGN(std::string certificate,
             issue_client_certificate(call, device, "nae://device/" + device,
                                      std::move(request.spki), days.value_or(kDefaultDays)));
  NAE_ASSIGN(crypto::CertificateInfo info, crypto::read_certificate(certificate));

  store::DeviceCertificate record;
  record.name = device;
  record.fingerprint = info.fingerprint;
  record.serial = info.serial;
  record.issued_at_us = call.now_us;
  record.expires_at_us = info.not_after_s * kMicroseconds;
  record.key_sha256 = to_hex(crypto::sha256(info.spki));
  // A certificate that is not inserted is not given out.
  NAE_TRY(call.parts.store.insert_device(record));
  NAE_TRY(call.parts.devices.reload());
  call.audit_detail = "serial " + info.serial;
  return Reply{{{"name", device},
                {"serial", info.serial},
                {"fingerprint", info.fingerprint},
                {"not_after", api::format_time(record.expires_at_us)},
                {"certificate", certificate},
                {"authority", call.parts.authority_pem}},
               201};
}

Result<Reply> remove_device(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  const std::string& device = call.names.at(0);
  Result<void> removed = call.parts.store.remove_device(device, call.now_us);
  // In any case: an earlier call may have got no further than the store.
  NAE_TRY(call.parts.devices.reload());
  NAE_TRY(call.settle());
  NAE_TRY(removed);
  return Reply{{{"name", device}, {"removed_at", api::format_time(call.now_us)}}};
}

}  // namespace nae::admin
