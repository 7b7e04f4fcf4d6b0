#include "keyserver/store/ledger_item.hpp"
#include "keyserver/store/sql/recorded.hpp"
#include "keyserver/store/sql/rows.hpp"
#include "keyserver/store/sql/store.hpp"

namespace nae::store::sql {
namespace {

// Parameters by the number: what is inserted, with the time of issue as ?4.
constexpr std::string_view kGoodKeys =
    "WITH good AS (SELECT DISTINCT key_sha256 FROM devices"
    "  WHERE name = ?2 AND removed_at_us = 0 AND expires_at_us > ?4)";
constexpr std::string_view kInsert =
    " INSERT INTO devices"
    "  (fingerprint, name, serial, issued_at_us, expires_at_us, key_sha256, removed_at_us)"
    " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE ";

// One statement, so that no other enrolment comes between the question and the answer.
Result<void> insert_if(Database& database, const DeviceCertificate& device,
                       std::string_view condition) {
  return database.execute(std::string(kGoodKeys) + std::string(kInsert) + std::string(condition),
                          std::string_view(device.fingerprint), std::string_view(device.name),
                          std::string_view(device.serial), device.issued_at_us,
                          device.expires_at_us, std::string_view(device.key_sha256),
                          device.removed_at_us);
}

constexpr std::string_view kSelectDevices =
    "SELECT name, fingerprint, serial, issued_at_us, expires_at_us, key_sha256, removed_at_us"
    " FROM devices";

DeviceCertificate read_device(const Statement& row) {
  return {row.text(0),    row.text(1), row.text(2),   row.integer(3),
          row.integer(4), row.text(5), row.integer(6)};
}

// All certificates of a name, those that stay as they are too, and none may be missing: what may be
// written is decided by them.
Result<void> touch_name(Database& database, LedgerTable& ledger, Recorded& change,
                        std::string_view name) {
  NAE_TRY(ledger.check_whole(Noun::device));
  std::vector<std::string> fingerprints;
  {
    NAE_ASSIGN(Statement rows,
               database.query("SELECT fingerprint FROM devices WHERE name = ?1", name));
    while (true) {
      NAE_ASSIGN(bool row, rows.step());
      if (!row) break;
      fingerprints.push_back(rows.text(0));
    }
  }
  for (const std::string& fingerprint : fingerprints)
    NAE_TRY(change.touch(Noun::device, identity_of(fingerprint)));
  return {};
}

}  // namespace

Result<std::optional<DeviceCertificate>> find_device(Database& database,
                                                     std::string_view fingerprint) {
  NAE_ASSIGN(Statement row,
             database.query(std::string(kSelectDevices) + " WHERE fingerprint = ?1", fingerprint));
  NAE_ASSIGN(bool found, row.step());
  if (!found) return std::nullopt;
  return read_device(row);
}

Result<std::vector<DeviceCertificate>> read_devices(Database& database) {
  NAE_ASSIGN(Statement rows, database.query(std::string(kSelectDevices) +
                                            " ORDER BY name, issued_at_us, fingerprint"));
  std::vector<DeviceCertificate> devices;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return devices;
    devices.push_back(read_device(rows));
  }
}

Result<void> Store::insert_device(const DeviceCertificate& device) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_TRY(touch_name(*database_, *ledger_, change, device.name));
  NAE_TRY(change.touch(Noun::device, identity_of(device.fingerprint)));
  NAE_TRY(insert_if(*database_, device,
                    "NOT EXISTS (SELECT 1 FROM good) OR ?6 IN (SELECT key_sha256 FROM good)"));
  if (database_->changes() == 0)
    return fail(Code::conflict, "a device named " + device.name + " is enrolled with another key",
                "Renew with a request by the key it has, have that key sign the request of the new "
                "one (nae device rekey), choose another name, or remove the device first.");
  return change.commit(ChangeKind::device_enrolled);
}

Result<void> Store::insert_device_key(const DeviceCertificate& device) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_TRY(touch_name(*database_, *ledger_, change, device.name));
  NAE_TRY(change.touch(Noun::device, identity_of(device.fingerprint)));
  NAE_TRY(insert_if(*database_, device,
                    "(SELECT count(*) FROM good) = 1 AND NOT EXISTS"
                    " (SELECT 1 FROM devices WHERE name = ?2 AND key_sha256 = ?6)"));
  if (database_->changes() == 0)
    return fail(Code::conflict,
                "device " + device.name +
                    " has two keys already, or none that is good, or it had this one before",
                "See nae device list; nae device confirm ends a change of keys.");
  return change.commit(ChangeKind::device_key_added);
}

Result<void> Store::confirm_device_key(std::string_view name, std::string_view key_sha256,
                                       std::int64_t now_us) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_TRY(touch_name(*database_, *ledger_, change, name));
  NAE_TRY(database_->execute(
      "WITH good AS (SELECT DISTINCT key_sha256 FROM devices"
      "  WHERE name = ?1 AND removed_at_us = 0 AND expires_at_us > ?3)"
      " UPDATE devices SET removed_at_us = ?3"
      "  WHERE name = ?1 AND removed_at_us = 0 AND key_sha256 <> ?2"
      "   AND ?2 IN (SELECT key_sha256 FROM good) AND (SELECT count(*) FROM good) = 2",
      name, key_sha256, now_us));
  if (database_->changes() == 0)
    return fail(Code::conflict,
                "device " + std::string(name) + " has no two keys of which this is one",
                "See nae device list --json.");
  return change.commit(ChangeKind::device_key_confirmed);
}

Result<void> Store::remove_device(std::string_view name, std::int64_t now_us) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_TRY(touch_name(*database_, *ledger_, change, name));
  NAE_TRY(database_->execute(
      "UPDATE devices SET removed_at_us = ?2 WHERE name = ?1 AND removed_at_us = 0", name, now_us));
  if (database_->changes() == 0)
    return fail(Code::not_found, "no device named " + std::string(name) + " is enrolled");
  return change.commit(ChangeKind::device_removed);
}

Result<std::vector<DeviceCertificate>> Store::list_devices() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(std::vector<DeviceCertificate> devices, read_devices(*database_));
  // One that is missing, and was removed, would be a name that nobody has had before.
  NAE_TRY(ledger_->check_whole(Noun::device));
  for (const DeviceCertificate& device : devices) NAE_TRY(ledger_->check(item_of(device)));
  return devices;
}

}  // namespace nae::store::sql
