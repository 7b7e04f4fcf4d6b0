#include "keyserver/store/sql/ledger_rows.hpp"

#include <algorithm>

#include "keyserver/store/ledger_item.hpp"
#include "keyserver/store/sql/key_rows.hpp"
#include "keyserver/store/sql/rows.hpp"

namespace nae::store::sql {
namespace {

Result<std::optional<Item>> read_fact(Database& database, std::string_view name) {
  NAE_ASSIGN(Statement row, database.query("SELECT value FROM meta WHERE name = ?1", name));
  NAE_ASSIGN(bool found, row.step());
  if (!found) return std::nullopt;
  return item_of_fact(name, row.text(0));
}

Result<std::optional<Item>> read_key_item(Database& database, ByteView id) {
  NAE_ASSIGN(std::optional<keys::Key> key, read_key_row(database, id));
  if (!key) return std::nullopt;
  return item_of(*key);
}

std::optional<KeyVersionId> version_id_in(ByteView identity) {
  if (identity.size() != kKeyIdBytes + sizeof(std::uint16_t)) return std::nullopt;
  KeyVersionId id;
  std::copy_n(identity.begin(), kKeyIdBytes, id.key.bytes.begin());
  id.version = load_big_endian<std::uint16_t>(identity.data() + kKeyIdBytes);
  return id;
}

Result<std::optional<Item>> read_version_item(Database& database, const KeyVersionId& id) {
  NAE_ASSIGN(std::optional<keys::Version> version, read_version_row(database, id));
  if (!version) return std::nullopt;
  return item_of(id.key, *version);
}

Result<std::optional<Item>> read_certificates_item(Database& database, const KeyVersionId& id) {
  NAE_ASSIGN(const std::optional<Bytes> chain, read_certificates_row(database, id));
  if (!chain) return std::nullopt;
  return item_of_certificates(id, *chain);
}

template <class Row>
Result<std::optional<Item>> item_of_found(Result<std::optional<Row>> row) {
  if (!row) return fail(std::move(row).error());
  if (!*row) return std::nullopt;
  return item_of(**row);
}

Result<std::optional<Item>> read_present(Database& database, Noun noun, ByteView identity) {
  switch (noun) {
    case Noun::fact:
      return read_fact(database, as_text(identity));
    case Noun::key:
      return read_key_item(database, identity);
    case Noun::version:
      if (const auto id = version_id_in(identity)) return read_version_item(database, *id);
      return std::nullopt;
    case Noun::certificate:
      if (const auto id = version_id_in(identity)) return read_certificates_item(database, *id);
      return std::nullopt;
    case Noun::policy:
      if (identity.size() != sizeof(std::uint32_t)) return std::nullopt;
      return item_of_found(find_policy(database, load_big_endian<std::uint32_t>(identity.data())));
    case Noun::device:
      return item_of_found(find_device(database, as_text(identity)));
    case Noun::admin:
      return item_of_found(find_admin_row(database, as_text(identity)));
    case Noun::approval:
      return item_of_found(find_approval_row(database, as_text(identity)));
  }
  return std::nullopt;
}

}  // namespace

Result<Item> read_item(Database& database, Noun noun, ByteView identity) {
  NAE_ASSIGN(std::optional<Item> item, read_present(database, noun, identity));
  if (item) return *std::move(item);
  return Item{noun, Bytes(identity.begin(), identity.end()), std::nullopt};
}

Result<void> for_each_item(Database& database, const std::function<Result<void>(Item)>& each) {
  {
    NAE_ASSIGN(Statement rows, database.query("SELECT name, value FROM meta ORDER BY name"));
    while (true) {
      NAE_ASSIGN(bool row, rows.step());
      if (!row) break;
      NAE_TRY(each(item_of_fact(rows.text(0), rows.text(1))));
    }
  }
  NAE_ASSIGN(const std::vector<keys::Key> keys, read_keys(database));
  for (const keys::Key& key : keys) {
    NAE_TRY(each(item_of(key)));
    for (const keys::Version& version : key.versions) {
      NAE_TRY(each(item_of(key.id, version)));
      if (!version.certificates.empty())
        NAE_TRY(each(item_of_certificates({key.id, version.number}, version.certificates)));
    }
  }
  NAE_ASSIGN(const std::vector<policy::Revision> policies, read_policies(database));
  for (const policy::Revision& revision : policies) NAE_TRY(each(item_of(revision)));
  NAE_ASSIGN(const std::vector<DeviceCertificate> devices, read_devices(database));
  for (const DeviceCertificate& device : devices) NAE_TRY(each(item_of(device)));
  NAE_ASSIGN(const std::vector<Admin> admins, read_all_admins(database));
  for (const Admin& admin : admins) NAE_TRY(each(item_of(admin)));
  NAE_ASSIGN(const std::vector<Approval> approvals, read_approvals(database));
  for (const Approval& approval : approvals) NAE_TRY(each(item_of(approval)));
  return {};
}

}  // namespace nae::store::sql
