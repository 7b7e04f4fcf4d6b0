#include "keyserver/store/ledger_item.hpp"
#include "keyserver/store/sql/key_rows.hpp"
#include "keyserver/store/sql/recorded.hpp"
#include "keyserver/store/sql/store.hpp"

namespace nae::store::sql {
namespace {

Result<std::int64_t> stored_state(Database& database, const KeyVersionId& version) {
  NAE_ASSIGN(Statement known,
             database.query("SELECT state FROM versions WHERE key_id = ?1 AND number = ?2",
                            ByteView(version.key.bytes), number_of(version.version)));
  NAE_ASSIGN(bool found, known.step());
  if (!found) return fail(Code::not_found, "no such key version in the store");
  return known.integer(0);
}

}  // namespace

Result<std::vector<keys::Key>> Store::load_keys() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(std::vector<keys::Key> keys, read_keys(*database_));
  // The ring is of these rows, and not of those that the start compared before.
  for (const Noun noun : {Noun::key, Noun::version, Noun::certificate})
    NAE_TRY(ledger_->check_whole(noun));
  for (const keys::Key& key : keys) {
    NAE_TRY(ledger_->check(item_of(key)));
    for (const keys::Version& version : key.versions) {
      NAE_TRY(ledger_->check(item_of(key.id, version)));
      if (!version.certificates.empty())
        NAE_TRY(
            ledger_->check(item_of_certificates({key.id, version.number}, version.certificates)));
    }
  }
  return keys;
}

Result<void> Store::insert_key(const keys::Key& key) {
  if (key.versions.empty()) return fail(Code::internal, "a key without versions");
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_ASSIGN(Statement named,
             database_->query("SELECT 1 FROM keys WHERE name = ?1", std::string_view(key.name)));
  NAE_ASSIGN(bool taken, named.step());
  if (taken) return fail(Code::key_exists, "a key named " + key.name + " exists already");
  NAE_TRY(change.touch(Noun::key, identity_of(key.id)));
  NAE_TRY(insert_key_row(*database_, key));
  for (const keys::Version& version : key.versions) {
    NAE_TRY(change.touch(Noun::version, identity_of(KeyVersionId{key.id, version.number})));
    NAE_TRY(insert_version_row(*database_, key.id, version));
  }
  return change.commit(ChangeKind::key_created);
}

Result<void> Store::insert_version(const KeyId& key, const keys::Version& version) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_TRY(change.touch(Noun::version, identity_of(KeyVersionId{key, version.number})));
  NAE_TRY(insert_version_row(*database_, key, version));
  return change.commit(ChangeKind::version_created);
}

Result<void> Store::set_state(const KeyVersionId& version, keys::State state, std::int64_t now_us,
                              const std::vector<keys::Step>& schedule) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_ASSIGN(std::int64_t known, stored_state(*database_, version));
  if (known == number_of(state)) return {};
  if (known == number_of(keys::State::destroyed))
    return fail(Code::key_state, "a destroyed key version never comes back");
  const bool destroy = state == keys::State::destroyed;
  NAE_TRY(change.touch(Noun::version, identity_of(version)));
  if (destroy)
    NAE_TRY(
        database_->execute("UPDATE versions SET wrapped = ?3, token_object = '', public_key = ?3,"
                           " binding = ?3 WHERE key_id = ?1 AND number = ?2",
                           ByteView(version.key.bytes), number_of(version.version), ByteView()));
  NAE_TRY(database_->execute(
      "UPDATE versions SET state = ?3, changed_at_us = ?4"
      " WHERE key_id = ?1 AND number = ?2",
      ByteView(version.key.bytes), number_of(version.version), number_of(state), now_us));
  NAE_TRY(write_schedule(*database_, version, schedule));
  if (destroy) {
    NAE_TRY(change.touch(Noun::certificate, identity_of(version)));
    NAE_TRY(write_certificates(*database_, version, {}));
  }
  NAE_TRY(change.commit(ChangeKind::version_state));
  if (destroy) database_->erase_remains();
  return {};
}

Result<void> Store::bind_versions(const std::vector<keys::BoundVersion>& versions) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  for (const keys::BoundVersion& version : versions) {
    NAE_TRY(change.touch(Noun::version, identity_of(version.id)));
    NAE_TRY(
        database_->execute("UPDATE versions SET origin = ?3, check_value = ?4, binding = ?5"
                           " WHERE key_id = ?1 AND number = ?2",
                           ByteView(version.id.key.bytes), number_of(version.id.version),
                           number_of(version.binding.origin), ByteView(version.binding.check_value),
                           ByteView(version.binding.signature)));
    if (database_->changes() == 0) return fail(Code::not_found, "no such key version in the store");
    if (version.retired_at_us == 0) continue;
    NAE_TRY(
        database_->execute("UPDATE versions SET state = ?3, changed_at_us = ?4"
                           " WHERE key_id = ?1 AND number = ?2",
                           ByteView(version.id.key.bytes), number_of(version.id.version),
                           number_of(keys::State::retired), version.retired_at_us));
    NAE_TRY(write_schedule(*database_, version.id, {}));
  }
  return change.commit(ChangeKind::versions_bound);
}

Result<void> Store::set_attributes(const KeyId& key, const keys::Attributes& attributes) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_TRY(change.touch(Noun::key, identity_of(key)));
  NAE_TRY(write_attributes(*database_, key, attributes));
  return change.commit(ChangeKind::key_attributes);
}

Result<void> Store::set_certificates(const KeyVersionId& version, ByteView chain) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_ASSIGN(std::int64_t state, stored_state(*database_, version));
  if (state == number_of(keys::State::destroyed))
    return fail(Code::key_state, "a destroyed key version has no certificate");
  NAE_TRY(change.touch(Noun::certificate, identity_of(version)));
  NAE_TRY(write_certificates(*database_, version, chain));
  return change.commit(ChangeKind::key_certificate);
}

Result<void> Store::set_schedule(const KeyVersionId& version,
                                 const std::vector<keys::Step>& schedule) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_TRY(stored_state(*database_, version));
  NAE_TRY(change.touch(Noun::version, identity_of(version)));
  NAE_TRY(write_schedule(*database_, version, schedule));
  return change.commit(ChangeKind::version_schedule);
}

}  // namespace nae::store::sql
