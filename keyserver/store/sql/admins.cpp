#include <algorithm>
#include <iterator>

#include "keyserver/store/ledger_item.hpp"
#include "keyserver/store/sql/recorded.hpp"
#include "keyserver/store/sql/rows.hpp"
#include "keyserver/store/sql/store.hpp"

namespace nae::store::sql {
namespace {

constexpr std::string_view kAdmins =
    "SELECT name, created_at_us, key_sha256, role FROM admins LEFT JOIN admin_roles ON admin = "
    "name";

// Rows of kAdmins, ordered by name and role; the role is empty for an admin without one.
Result<std::vector<Admin>> read_admins(Statement rows) {
  std::vector<Admin> admins;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return admins;
    std::string name = rows.text(0);
    if (admins.empty() || admins.back().name != name)
      admins.push_back({name, {}, rows.integer(1), rows.text(2), {}});
    if (std::string role = rows.text(3); !role.empty())
      admins.back().roles.push_back(std::move(role));
  }
}

Result<void> read_certificates(Database& database, Admin& admin) {
  NAE_ASSIGN(Statement rows,
             database.query("SELECT fingerprint, serial, issued_at_us, expires_at_us"
                            " FROM admin_certificates WHERE admin = ?1 ORDER BY fingerprint",
                            std::string_view(admin.name)));
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return {};
    admin.certificates.push_back({rows.text(0), rows.text(1), rows.integer(2), rows.integer(3)});
  }
}

Result<void> insert_certificate(Database& database, std::string_view admin,
                                const AdminCertificate& certificate) {
  return database.execute(
      "INSERT INTO admin_certificates (fingerprint, admin, serial, issued_at_us, expires_at_us)"
      " VALUES (?1, ?2, ?3, ?4, ?5)",
      std::string_view(certificate.fingerprint), admin, std::string_view(certificate.serial),
      certificate.issued_at_us, certificate.expires_at_us);
}

Result<void> insert_role(Database& database, std::string_view admin, std::string_view role) {
  return database.execute("INSERT INTO admin_roles (admin, role) VALUES (?1, ?2)", admin, role);
}

// Who decided by `before` must not act on something else.
Result<void> check_unchanged(Database& database, const Admin& before) {
  NAE_ASSIGN(std::optional<Admin> now, find_admin_row(database, before.name));
  if (!now) return fail(Code::not_found, "no administrator is named " + before.name);
  if (now->roles != before.roles || now->key_sha256 != before.key_sha256)
    return fail(Code::conflict, "the administrator " + before.name + " was changed meanwhile");
  return {};
}

Result<void> check_holders(Database& database, const Admin& before,
                           const std::vector<std::string>& lost, const LeastHolders& least) {
  for (const std::string& role : lost) {
    NAE_ASSIGN(
        Statement count,
        database.query("SELECT count(*) FROM admin_roles AS r WHERE role = ?1 AND admin <> ?2"
                       " AND EXISTS (SELECT 1 FROM admin_certificates AS c"
                       "  WHERE c.admin = r.admin AND c.expires_at_us > ?3)",
                       std::string_view(role), std::string_view(before.name), least.now_us));
    NAE_TRY(count.step());
    if (count.integer(0) >= static_cast<std::int64_t>(least.count)) continue;
    return fail(Code::conflict,
                before.name + " cannot lose the role " + role + ": only " +
                    std::to_string(count.integer(0)) + " others hold it, and " +
                    std::to_string(least.count) + " must be left",
                "Give the role to somebody else first; nobody could bring it back otherwise.");
  }
  return {};
}

}  // namespace

Result<std::optional<Admin>> find_admin_row(Database& database, std::string_view name) {
  NAE_ASSIGN(Statement rows,
             database.query(std::string(kAdmins) + " WHERE name = ?1 ORDER BY role", name));
  NAE_ASSIGN(std::vector<Admin> admins, read_admins(std::move(rows)));
  if (admins.empty()) return std::nullopt;
  NAE_TRY(read_certificates(database, admins.front()));
  return std::move(admins.front());
}

Result<std::vector<Admin>> read_all_admins(Database& database) {
  NAE_ASSIGN(Statement rows, database.query(std::string(kAdmins) + " ORDER BY name, role"));
  NAE_ASSIGN(std::vector<Admin> admins, read_admins(std::move(rows)));
  for (Admin& admin : admins) NAE_TRY(read_certificates(database, admin));
  return admins;
}

Result<void> Store::insert_admin(const Admin& admin) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_TRY(change.touch(Noun::admin, identity_of(admin.name)));
  NAE_ASSIGN(std::optional<Admin> known, find_admin_row(*database_, admin.name));
  if (known)
    return fail(Code::conflict, "an administrator named " + admin.name + " exists already",
                "Choose another name, or remove that administrator first.");
  auto inserted = database_->execute(
      "INSERT INTO admins (name, created_at_us, key_sha256) VALUES (?1, ?2, ?3)",
      std::string_view(admin.name), admin.created_at_us, std::string_view(admin.key_sha256));
  if (!inserted && inserted.error().code == Code::conflict)
    return fail(Code::conflict, "another administrator has this key",
                "Make the request by a key of its own.");
  NAE_TRY(std::move(inserted));
  for (const std::string& role : admin.roles) NAE_TRY(insert_role(*database_, admin.name, role));
  for (const AdminCertificate& certificate : admin.certificates)
    NAE_TRY(insert_certificate(*database_, admin.name, certificate));
  return change.commit(ChangeKind::admin_added);
}

Result<std::optional<Admin>> Store::find_admin(std::string_view name) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(std::optional<Admin> admin, find_admin_row(*database_, name));
  // Asked at every call: a row that a hand has put there gives nobody a role.
  NAE_TRY(
      ledger_->check(admin ? item_of(*admin) : Item{Noun::admin, identity_of(name), std::nullopt}));
  return admin;
}

Result<std::vector<Admin>> Store::list_admins() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(std::vector<Admin> admins, read_all_admins(*database_));
  NAE_TRY(ledger_->check_whole(Noun::admin));
  for (const Admin& admin : admins) NAE_TRY(ledger_->check(item_of(admin)));
  return admins;
}

Result<void> Store::insert_admin_certificate(const Admin& admin,
                                             const AdminCertificate& certificate) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_TRY(change.touch(Noun::admin, identity_of(admin.name)));
  NAE_ASSIGN(std::optional<Admin> now, find_admin_row(*database_, admin.name));
  if (!now || now->key_sha256 != admin.key_sha256)
    return fail(Code::conflict, "no administrator named " + admin.name + " has this key");
  NAE_TRY(insert_certificate(*database_, admin.name, certificate));
  return change.commit(ChangeKind::admin_certificate);
}

Result<void> Store::set_admin_roles(const Admin& before, const std::vector<std::string>& roles,
                                    const LeastHolders& least) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_TRY(change.touch(Noun::admin, identity_of(before.name)));
  NAE_TRY(check_unchanged(*database_, before));
  std::vector<std::string> lost;
  std::copy_if(before.roles.begin(), before.roles.end(), std::back_inserter(lost),
               [&](const std::string& role) {
                 return std::find(roles.begin(), roles.end(), role) == roles.end();
               });
  NAE_TRY(check_holders(*database_, before, lost, least));
  NAE_TRY(database_->execute("DELETE FROM admin_roles WHERE admin = ?1",
                             std::string_view(before.name)));
  for (const std::string& role : roles) NAE_TRY(insert_role(*database_, before.name, role));
  return change.commit(ChangeKind::admin_roles);
}

Result<void> Store::remove_admin(const Admin& before, const LeastHolders& least) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_TRY(change.touch(Noun::admin, identity_of(before.name)));
  NAE_TRY(check_unchanged(*database_, before));
  NAE_TRY(check_holders(*database_, before, before.roles, least));
  NAE_TRY(database_->execute("DELETE FROM admins WHERE name = ?1", std::string_view(before.name)));
  return change.commit(ChangeKind::admin_removed);
}

}  // namespace nae::store::sql
