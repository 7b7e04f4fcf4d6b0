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

// `request_pem`: PKCS#10, signed by its own key; its names do not count.
Result<IssuedDevice> issue_device(AdminCall& call, const std::string& device,
                                  const std::string& request_pem, std::int64_t days);

json::object reply_with(const AdminCall& call, const IssuedDevice& issued);

}  // namespace nae::admin
