#include "keyserver/store/sqlite.hpp"
#include "keyserver/store/store.hpp"

namespace nae::store {

Result<void> Store::insert_device(const DeviceCertificate& device) {
  std::lock_guard lock(mutex_);
  return database_->execute(
      "INSERT INTO devices (fingerprint, name, serial, issued_at_us, expires_at_us)"
      " VALUES (?1, ?2, ?3, ?4, ?5)",
      std::string_view(device.fingerprint), std::string_view(device.name),
      std::string_view(device.serial), device.issued_at_us, device.expires_at_us);
}

Result<std::vector<DeviceCertificate>> Store::list_devices() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Statement rows,
             database_->query("SELECT name, fingerprint, serial, issued_at_us, expires_at_us"
                              " FROM devices ORDER BY name, issued_at_us, fingerprint"));
  std::vector<DeviceCertificate> devices;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return devices;
    devices.push_back({rows.text(0), rows.text(1), rows.text(2), rows.integer(3), rows.integer(4)});
  }
}

}  // namespace nae::store
