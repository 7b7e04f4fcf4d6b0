#include "keyserver/admin/issue_device.hpp"

#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/issue.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::admin {

Result<DeviceKind> device_kind(std::string_view text) {
  if (text.empty() || text == "device") return DeviceKind::device;
  if (text == "monitoring") return DeviceKind::monitoring;
  return fail(Code::invalid_argument, "kind must be device or monitoring");
}

std::string stored_name(DeviceKind kind, const std::string& name) {
  return kind == DeviceKind::monitoring ? protocols::kMonitoringPrefix + name : name;
}

ShownName shown_name(const std::string& stored) {
  if (!stored.starts_with(protocols::kMonitoringPrefix)) return {stored, "device"};
  return {stored.substr(protocols::kMonitoringPrefix.size()), "monitoring"};
}

Result<IssuedDevice> issue_device(AdminCall& call, const std::string& device,
                                  const std::string& request_pem, std::int64_t days) {
  NAE_ASSIGN(crypto::CertificateRequest request, crypto::read_request(request_pem));
  IssuedDevice issued;
  const bool monitors = device.starts_with(protocols::kMonitoringPrefix);
  NAE_ASSIGN(
      issued.pem,
      issue_client_certificate(
          call, monitors ? device.substr(protocols::kMonitoringPrefix.size()) : device,
          monitors ? "nae://" + device : "nae://device/" + device, std::move(request.spki), days));
  NAE_ASSIGN(crypto::CertificateInfo info, crypto::read_certificate(issued.pem));
  issued.record.name = device;
  issued.record.fingerprint = info.fingerprint;
  issued.record.serial = info.serial;
  issued.record.issued_at_us = call.now_us;
  issued.record.expires_at_us = info.not_after_s * api::kMicrosecondsPerSecond;
  issued.record.key_sha256 = to_hex(crypto::sha256(info.spki));
  return issued;
}

json::object reply_with(const AdminCall& call, const IssuedDevice& issued) {
  const auto [name, kind] = shown_name(issued.record.name);
  return {{"name", name},
          {"kind", kind},
          {"serial", issued.record.serial},
          {"fingerprint", issued.record.fingerprint},
          {"key_sha256", issued.record.key_sha256},
          {"not_after", api::format_time(issued.record.expires_at_us)},
          {"certificate", issued.pem},
          {"authority", call.parts.certificates.authority_pem}};
}

}  // namespace nae::admin
