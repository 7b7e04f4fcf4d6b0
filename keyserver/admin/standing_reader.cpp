#include "keyserver/admin/standing_reader.hpp"

namespace nae::admin {

protocols::CertificateRegister::Reader device_reader(store::Devices& store) {
  return [&store]() -> Result<std::vector<protocols::CertificateStanding>> {
    NAE_ASSIGN(std::vector<store::DeviceCertificate> certificates, store.list_devices());
    std::vector<protocols::CertificateStanding> standings;
    standings.reserve(certificates.size());
    for (store::DeviceCertificate& certificate : certificates)
      standings.push_back({std::move(certificate.name), std::move(certificate.fingerprint),
                           certificate.removed_at_us != 0});
    return standings;
  };
}

protocols::CertificateRegister::Reader admin_reader(store::Admins& store) {
  return [&store]() -> Result<std::vector<protocols::CertificateStanding>> {
    NAE_ASSIGN(std::vector<store::Admin> admins, store.list_admins());
    std::vector<protocols::CertificateStanding> standings;
    for (const store::Admin& admin : admins)
      for (const store::AdminCertificate& certificate : admin.certificates)
        standings.push_back({admin.name, certificate.fingerprint, false});
    return standings;
  };
}

}  // namespace nae::admin
