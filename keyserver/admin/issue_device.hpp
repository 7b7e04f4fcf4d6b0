// A certificate for a device, and what the store is to know of it.
#pragma once

#include "keyserver/admin/route.hpp"

namespace nae::admin {

inline constexpr std::int64_t kDefaultDeviceDays = 365;
inline constexpr std::int64_t kMostDeviceDays = 3650;

struct IssuedDevice {
  std::string pem;
  store::DeviceCertificate record;
};

// What a certificate is for: a database host, or whatever asks for health and metrics alone.
enum class DeviceKind : std::uint8_t { device, monitoring };
// "device", also for "", or "monitoring". Code::invalid_argument otherwise.
Result<DeviceKind> device_kind(std::string_view text);
// As the store and the register of certificates call the holder.
std::string stored_name(DeviceKind kind, const std::string& name);
// And back, as people call it.
struct ShownName {
  std::string name;
  std::string_view kind;
};
ShownName shown_name(const std::string& stored);

// `device`: as stored_name(). `request_pem`: PKCS#10, signed by its own key; its names do not
// count.
Result<IssuedDevice> issue_device(AdminCall& call, const std::string& device,
                                  const std::string& request_pem, std::int64_t days);

json::object reply_with(const AdminCall& call, const IssuedDevice& issued);

}  // namespace nae::admin
