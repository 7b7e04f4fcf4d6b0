#include "keyserver/store/sqlite.hpp"
#include "keyserver/store/store.hpp"
#include "libnae/base/text.hpp"

namespace nae::store {
namespace {

std::int64_t number_of(auto value) {
  return static_cast<std::int64_t>(value);
}

Result<void> insert_row(Database& database, const KeyId& key, const keys::Version& version) {
  return database.execute(
      "INSERT INTO versions (key_id, number, state, created_at_us, wrapped, token_object,"
      " public_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      ByteView(key.bytes), number_of(version.number), number_of(version.state),
      version.created_at_us, ByteView(version.material.wrapped),
      std::string_view(version.material.token_object), ByteView(version.material.public_key));
}

Result<std::int64_t> stored_state(Database& database, const KeyVersionId& version) {
  NAE_ASSIGN(Statement known,
             database.query("SELECT state FROM versions WHERE key_id = ?1 AND number = ?2",
                            ByteView(version.key.bytes), number_of(version.version)));
  NAE_ASSIGN(bool found, known.step());
  if (!found) return fail(Code::not_found, "no such key version in the store");
  return known.integer(0);
}

tl::unexpected<Error> damaged(const Bytes& id) {
  return fail(Code::store_corrupt, "the store has a key of no known kind, id " + to_hex(id));
}

// Columns 0 to 3 of load_keys().
Result<keys::Key> read_key(const Statement& row) {
  keys::Key key;
  Bytes id = row.blob(0);
  auto type = key_type_from_number(static_cast<std::uint8_t>(row.integer(2)));
  if (id.size() != kKeyIdBytes || !type || number_of(*type) != row.integer(2)) return damaged(id);
  std::copy(id.begin(), id.end(), key.id.bytes.begin());
  key.name = row.text(1);
  key.type = *type;
  key.created_at_us = row.integer(3);
  return key;
}

// Columns 4 to 9; the ranges are constraints of the schema.
keys::Version read_version(const Statement& row) {
  keys::Version version;
  version.number = static_cast<std::uint16_t>(row.integer(4));
  version.state = static_cast<keys::State>(row.integer(5));
  version.created_at_us = row.integer(6);
  version.material = {row.blob(7), row.text(8), row.blob(9)};
  return version;
}

}  // namespace

Result<std::vector<keys::Key>> Store::load_keys() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Statement rows,
             database_->query(
                 "SELECT id, name, type, k.created_at_us, number, state, v.created_at_us, wrapped,"
                 " token_object, public_key FROM keys k JOIN versions v ON v.key_id = k.id"
                 " ORDER BY id, number"));
  std::vector<keys::Key> keys;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return keys;
    NAE_ASSIGN(keys::Key key, read_key(rows));
    if (keys.empty() || keys.back().id != key.id) keys.push_back(std::move(key));
    keys.back().versions.push_back(read_version(rows));
  }
}

Result<void> Store::insert_key(const keys::Key& key) {
  if (key.versions.empty()) return fail(Code::internal, "a key without versions");
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  NAE_ASSIGN(Statement named,
             database_->query("SELECT 1 FROM keys WHERE name = ?1", std::string_view(key.name)));
  NAE_ASSIGN(bool taken, named.step());
  if (taken) return fail(Code::key_exists, "a key named " + key.name + " exists already");
  NAE_TRY(database_->execute(
      "INSERT INTO keys (id, name, type, created_at_us) VALUES (?1, ?2, ?3, ?4)",
      ByteView(key.id.bytes), std::string_view(key.name), number_of(key.type), key.created_at_us));
  for (const keys::Version& version : key.versions)
    NAE_TRY(insert_row(*database_, key.id, version));
  return transaction.commit();
}

Result<void> Store::insert_version(const KeyId& key, const keys::Version& version) {
  std::lock_guard lock(mutex_);
  return insert_row(*database_, key, version);
}

Result<void> Store::set_state(const KeyVersionId& version, keys::State state) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  NAE_ASSIGN(std::int64_t known, stored_state(*database_, version));
  if (known == number_of(state)) return {};
  if (known == number_of(keys::State::destroyed))
    return fail(Code::key_state, "a destroyed key version never comes back");
  const char* sql = state == keys::State::destroyed
                        ? "UPDATE versions SET state = ?3, wrapped = x'', token_object = '',"
                          " public_key = x'' WHERE key_id = ?1 AND number = ?2"
                        : "UPDATE versions SET state = ?3 WHERE key_id = ?1 AND number = ?2";
  NAE_TRY(database_->execute(sql, ByteView(version.key.bytes), number_of(version.version),
                             number_of(state)));
  NAE_TRY(transaction.commit());
  // secure_delete overwrites the row, but its old page stands in the write-ahead log until a
  // checkpoint. Another process that reads the store can put that off to the next one; the
  // destruction itself is done.
  if (state == keys::State::destroyed)
    static_cast<void>(database_->execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  return {};
}

}  // namespace nae::store
