#include "keyserver/admin/device_reader.hpp"

namespace nae::admin {

service::DeviceRegister::Reader device_reader(store::Store& store) {
  return [&store]() -> Result<std::vector<service::DeviceStanding>> {
    NAE_ASSIGN(std::vector<store::DeviceCertificate> certificates, store.list_devices());
    std::vector<service::DeviceStanding> standings;
    for (store::DeviceCertificate& certificate : certificates)
      standings.push_back({std::move(certificate.name), std::move(certificate.fingerprint),
                           certificate.removed_at_us != 0});
    return standings;
  };
}

}  // namespace nae::admin
