#include "keyserver/store/sqlite.hpp"
#include "keyserver/store/store.hpp"

namespace nae::store {
namespace {

// Rows of (name, created_at_us, role), ordered by name; the role is empty for an admin without one.
Result<std::vector<Admin>> read_admins(Statement rows) {
  std::vector<Admin> admins;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return admins;
    std::string name = rows.text(0);
    if (admins.empty() || admins.back().name != name) admins.push_back({name, {}, rows.integer(1)});
    if (std::string role = rows.text(2); !role.empty())
      admins.back().roles.push_back(std::move(role));
  }
}

}  // namespace

Result<void> Store::insert_admin(const Admin& admin) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  auto inserted = database_->execute("INSERT INTO admins (name, created_at_us) VALUES (?1, ?2)",
                                     std::string_view(admin.name), admin.created_at_us);
  if (!inserted && inserted.error().code == Code::conflict)
    return fail(Code::conflict, "an administrator named " + admin.name + " exists already");
  NAE_TRY(std::move(inserted));
  for (const std::string& role : admin.roles)
    NAE_TRY(database_->execute("INSERT INTO admin_roles (admin, role) VALUES (?1, ?2)",
                               std::string_view(admin.name), std::string_view(role)));
  return transaction.commit();
}

Result<std::optional<Admin>> Store::find_admin(std::string_view name) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Statement rows,
             database_->query("SELECT name, created_at_us, role FROM admins LEFT JOIN admin_roles"
                              " ON admin = name WHERE name = ?1 ORDER BY role",
                              name));
  NAE_ASSIGN(std::vector<Admin> admins, read_admins(std::move(rows)));
  if (admins.empty()) return std::nullopt;
  return std::move(admins.front());
}

Result<std::vector<Admin>> Store::list_admins() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Statement rows,
             database_->query("SELECT name, created_at_us, role FROM admins LEFT JOIN admin_roles"
                              " ON admin = name ORDER BY name, role"));
  return read_admins(std::move(rows));
}

Result<void> Store::remove_admin(std::string_view name) {
  std::lock_guard lock(mutex_);
  NAE_TRY(database_->execute("DELETE FROM admins WHERE name = ?1", name));
  if (database_->changes() == 0)
    return fail(Code::not_found, "no administrator is named " + std::string(name));
  return {};
}

}  // namespace nae::store
