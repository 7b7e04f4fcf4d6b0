// /v1/devices: certificates for database hosts.
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/issue_device.hpp"
#include "libnae/base/text.hpp"

namespace nae::admin {

Result<Reply> list_devices(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(std::vector<store::DeviceCertificate> known, call.parts.store.store.list_devices());
  json::array devices;
  for (const store::DeviceCertificate& device : known) {
    const auto [name, kind] = shown_name(device.name);
    devices.push_back(
        json::object{{"name", name},
                     {"kind", kind},
                     {"serial", device.serial},
                     {"fingerprint", device.fingerprint},
                     {"key_sha256", device.key_sha256},
                     {"issued_at", api::format_time(device.issued_at_us)},
                     {"not_after", api::format_time(device.expires_at_us)},
                     {"removed_at", device.removed_at_us == 0
                                        ? json::value()
                                        : json::value(api::format_time(device.removed_at_us))}});
  }
  return Reply{{{"devices", std::move(devices)}}};
}

Result<Reply> enroll_device(AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::string device, fields.text("name"));
  NAE_ASSIGN(std::optional<std::string> kind_text, fields.optional_text("kind"));
  NAE_ASSIGN(std::string request_pem, fields.text("request"));
  NAE_ASSIGN(std::optional<std::int64_t> days,
             fields.optional_integer("valid_days", 1, kMostDeviceDays));
  NAE_TRY(fields.complete());
  call.audit_target = device;
  if (!is_name(device)) return fail(Code::invalid_argument, "the device's name is no name");
  NAE_ASSIGN(const DeviceKind kind, device_kind(kind_text.value_or("")));
  call.audit_target = stored_name(kind, device);
  NAE_ASSIGN(IssuedDevice issued, issue_device(call, stored_name(kind, device), request_pem,
                                               days.value_or(kDefaultDeviceDays)));
  // A certificate that is not inserted is not given out.
  NAE_TRY(call.parts.store.store.insert_device(issued.record));
  NAE_TRY(call.parts.certificates.devices.reload());
  call.audit_detail = "serial " + issued.record.serial;
  return Reply{reply_with(call, issued), 201};
}

Result<Reply> remove_device(AdminCall& call) {
  NAE_TRY(call.only_parameters({"kind"}));
  const std::string& device = call.names.at(0);
  NAE_ASSIGN(const DeviceKind kind, device_kind(call.parameter("kind")));
  call.audit_target = stored_name(kind, device);
  Result<void> removed =
      call.parts.store.store.remove_device(stored_name(kind, device), call.now_us);
  // In any case: an earlier call may have got no further than the store.
  NAE_TRY(call.parts.certificates.devices.reload());
  NAE_TRY(call.settle());
  NAE_TRY(removed);
  return Reply{{{"name", device}, {"removed_at", api::format_time(call.now_us)}}};
}

}  // namespace nae::admin
