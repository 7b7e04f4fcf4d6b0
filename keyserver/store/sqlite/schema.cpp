#include "keyserver/store/sqlite/schema.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <mutex>
#include <optional>
#include <vector>

namespace nae::store::sqlite {
namespace {

// A released step is never edited; a change is a new step. The index is the version it leads from.
// Constraints repeat what the code promises, so that a mistake or a hand in the file shows.
constexpr const char* kSteps[] = {
    // 1: the first schema
    R"(
CREATE TABLE meta (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 6),
  name TEXT NOT NULL CHECK (length(name) > 0),
  type INTEGER NOT NULL,
  created_at_us INTEGER NOT NULL,
  protection INTEGER NOT NULL CHECK (protection BETWEEN 1 AND 2),
  owner TEXT NOT NULL,
  description TEXT NOT NULL,
  actions TEXT NOT NULL,
  algorithms TEXT NOT NULL,
  rotate_after_days INTEGER NOT NULL CHECK (rotate_after_days >= 0),
  rotate_after_uses INTEGER NOT NULL CHECK (rotate_after_uses >= 0)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX keys_by_name ON keys (name);
CREATE TABLE key_labels (
  key_id BLOB NOT NULL REFERENCES keys (id),
  name TEXT NOT NULL CHECK (length(name) > 0),
  value TEXT NOT NULL,
  PRIMARY KEY (key_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE versions (
  key_id BLOB NOT NULL REFERENCES keys (id),
  number INTEGER NOT NULL CHECK (number BETWEEN 1 AND 65535),
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5),
  created_at_us INTEGER NOT NULL,
  changed_at_us INTEGER NOT NULL,
  wrapped BLOB NOT NULL,
  token_object TEXT NOT NULL,
  public_key BLOB NOT NULL,
  PRIMARY KEY (key_id, number),
  CHECK (state <> 5 OR (length(wrapped) = 0 AND token_object = '' AND length(public_key) = 0))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER versions_stay_destroyed BEFORE UPDATE ON versions
  WHEN old.state = 5 BEGIN SELECT raise(ABORT, 'a destroyed version never changes'); END;
CREATE TRIGGER versions_stay BEFORE DELETE ON versions
  BEGIN SELECT raise(ABORT, 'the record of a version stays'); END;
CREATE TABLE schedule (
  key_id BLOB NOT NULL,
  number INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 2 AND 5),
  at_us INTEGER NOT NULL,
  PRIMARY KEY (key_id, number, state),
  FOREIGN KEY (key_id, number) REFERENCES versions (key_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE usage (
  key_id BLOB NOT NULL,
  number INTEGER NOT NULL,
  uses INTEGER NOT NULL CHECK (uses >= 0),
  reserved_uses INTEGER NOT NULL CHECK (reserved_uses >= uses),
  reads INTEGER NOT NULL CHECK (reads >= 0),
  last_use_at_us INTEGER NOT NULL,
  last_read_at_us INTEGER NOT NULL,
  PRIMARY KEY (key_id, number),
  FOREIGN KEY (key_id, number) REFERENCES versions (key_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE usage_closed (closed INTEGER NOT NULL) STRICT;
INSERT INTO usage_closed VALUES (1);

CREATE TABLE policies (
  number INTEGER NOT NULL PRIMARY KEY,
  text TEXT NOT NULL,
  author TEXT NOT NULL,
  comment TEXT NOT NULL,
  created_at_us INTEGER NOT NULL
) STRICT;
CREATE TRIGGER policies_are_history BEFORE UPDATE ON policies
  BEGIN SELECT raise(ABORT, 'a policy revision never changes'); END;
CREATE TRIGGER policies_stay BEFORE DELETE ON policies
  BEGIN SELECT raise(ABORT, 'the record of a policy revision stays'); END;

-- The newest signed head of the audit log, the one row that is written again and again.
CREATE TABLE audit_head (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL CHECK (seq > 0),
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TABLE admins (
  name TEXT NOT NULL PRIMARY KEY CHECK (length(name) > 0),
  created_at_us INTEGER NOT NULL,
  key_sha256 TEXT NOT NULL UNIQUE CHECK (length(key_sha256) = 64)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER admins_keep_their_keys BEFORE UPDATE ON admins
  BEGIN SELECT raise(ABORT, 'the name of an administrator belongs to its key'); END;
CREATE TABLE admin_roles (
  admin TEXT NOT NULL REFERENCES admins (name) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (length(role) > 0),
  PRIMARY KEY (admin, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE admin_certificates (
  fingerprint TEXT NOT NULL PRIMARY KEY CHECK (length(fingerprint) = 64),
  admin TEXT NOT NULL REFERENCES admins (name) ON DELETE CASCADE,
  serial TEXT NOT NULL,
  issued_at_us INTEGER NOT NULL,
  expires_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE approvals (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  operation TEXT NOT NULL,
  action TEXT NOT NULL,
  method TEXT NOT NULL,
  target TEXT NOT NULL,
  content_type TEXT NOT NULL,
  body TEXT NOT NULL,
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  requested_by TEXT NOT NULL,
  fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
  requested_at_us INTEGER NOT NULL,
  expires_at_us INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 7),
  decided_by TEXT NOT NULL DEFAULT '',
  decided_at_us INTEGER NOT NULL DEFAULT 0,
  status INTEGER NOT NULL DEFAULT 0,
  answer TEXT NOT NULL DEFAULT '',
  CHECK (state <> 2 OR (decided_by <> '' AND decided_by <> requested_by))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER approvals_begin_waiting BEFORE INSERT ON approvals
  WHEN new.state <> 1 BEGIN SELECT raise(ABORT, 'a request begins as waiting'); END;
CREATE TRIGGER approvals_go_forward BEFORE UPDATE ON approvals
  WHEN (old.state, new.state) NOT IN (VALUES (1, 2), (1, 5), (1, 6), (2, 3), (2, 4), (2, 7))
  BEGIN SELECT raise(ABORT, 'a decision is never taken back'); END;
CREATE TRIGGER approvals_stay_as_requested BEFORE UPDATE ON approvals
  WHEN (old.id, old.operation, old.action, old.method, old.target, old.content_type, old.digest,
        old.requested_by, old.fingerprint, old.requested_at_us, old.expires_at_us)
    IS NOT (new.id, new.operation, new.action, new.method, new.target, new.content_type, new.digest,
        new.requested_by, new.fingerprint, new.requested_at_us, new.expires_at_us)
    OR (old.body <> new.body AND (new.body <> '' OR new.state < 3))
  BEGIN SELECT raise(ABORT, 'a request never changes'); END;
CREATE TRIGGER approvals_stay BEFORE DELETE ON approvals
  BEGIN SELECT raise(ABORT, 'the record of a request stays'); END;

CREATE TABLE devices (
  fingerprint TEXT NOT NULL PRIMARY KEY CHECK (length(fingerprint) = 64),
  name TEXT NOT NULL CHECK (length(name) > 0),
  serial TEXT NOT NULL,
  issued_at_us INTEGER NOT NULL,
  expires_at_us INTEGER NOT NULL,
  key_sha256 TEXT NOT NULL CHECK (length(key_sha256) = 64),
  removed_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_name ON devices (name);
CREATE TRIGGER devices_stay_removed BEFORE UPDATE ON devices
  WHEN old.removed_at_us <> 0 BEGIN SELECT raise(ABORT, 'a removed certificate never changes'); END;
CREATE TRIGGER devices_stay BEFORE DELETE ON devices
  BEGIN SELECT raise(ABORT, 'the record of a certificate stays'); END;
)",
    // 2: how many salts each version has drawn. Of those before nobody knows; releases before this
    // one drew from 96 bits, where there is no number to reach.
    R"(
ALTER TABLE usage ADD COLUMN salts INTEGER NOT NULL DEFAULT 0 CHECK (salts >= 0);
)",
    // 3: what the HSM says of versions. Rows from before have none of it until setup/bind_keys.
    R"(
ALTER TABLE versions ADD COLUMN origin INTEGER NOT NULL DEFAULT 0 CHECK (origin BETWEEN 0 AND 2);
ALTER TABLE versions ADD COLUMN check_value BLOB NOT NULL DEFAULT x''
  CHECK (length(check_value) IN (0, 32));
ALTER TABLE versions ADD COLUMN binding BLOB NOT NULL DEFAULT x'';
CREATE INDEX versions_by_check_value ON versions (check_value) WHERE length(check_value) > 0;
CREATE TRIGGER versions_of_one_secret BEFORE INSERT ON versions
  WHEN length(new.check_value) > 0 AND EXISTS (
    SELECT 1 FROM versions WHERE length(check_value) > 0 AND check_value = new.check_value)
  BEGIN SELECT raise(ABORT, 'the secret is another version''s'); END;
)",
    // 4: counts of long limits
    R"(
CREATE TABLE limit_counts (
  counter TEXT NOT NULL PRIMARY KEY CHECK (length(counter) > 0),
  device TEXT NOT NULL,
  invented INTEGER NOT NULL CHECK (invented IN (0, 1)),
  window_seconds INTEGER NOT NULL CHECK (window_seconds > 0),
  counts BLOB NOT NULL CHECK (length(counts) >= 8),
  expires_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX limit_counts_by_end ON limit_counts (expires_at_us);
)",
    // 5: what a request for approval would change, as it was
    R"(
ALTER TABLE approvals ADD COLUMN base TEXT NOT NULL DEFAULT '';
CREATE TRIGGER approvals_keep_their_base BEFORE UPDATE ON approvals
  WHEN old.base IS NOT new.base BEGIN SELECT raise(ABORT, 'a request never changes'); END;
)",
    // 6: the time that has passed, and what of it a planned destruction waits for. It begins as
    // Unix
    // time, so dates of older servers, and their counts of limits, hold as they stand.
    R"(
CREATE TABLE trusted_time (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  steady_us INTEGER NOT NULL,
  trusted_us INTEGER NOT NULL,
  boot_us INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  doubted INTEGER NOT NULL CHECK (doubted IN (0, 1))
) STRICT;
ALTER TABLE schedule ADD COLUMN steady_us INTEGER NOT NULL DEFAULT 0;
UPDATE schedule SET steady_us = at_us WHERE state = 5;
)",
    // 7: a policy revision that is not in force any more may lose its text, and nothing else of it
    // ever changes
    R"(
ALTER TABLE policies ADD COLUMN pruned_at_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE policies ADD COLUMN text_sha256 TEXT NOT NULL DEFAULT ''
  CHECK (length(text_sha256) IN (0, 64));
DROP TRIGGER policies_are_history;
CREATE TRIGGER policies_are_history BEFORE UPDATE ON policies
  WHEN old.pruned_at_us <> 0 OR new.pruned_at_us = 0 OR new.text <> ''
    OR length(new.text_sha256) <> 64
    OR (old.number, old.author, old.comment, old.created_at_us)
      IS NOT (new.number, new.author, new.comment, new.created_at_us)
    OR old.number = (SELECT max(number) FROM policies)
  BEGIN SELECT raise(ABORT, 'a policy revision never changes'); END;
)",
    // 8: decisions about a request are a list. A constraint names the columns that go, so the table
    // is made anew.
    R"(
ALTER TABLE approvals RENAME TO approvals_of_7;
CREATE TABLE approvals (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  operation TEXT NOT NULL,
  action TEXT NOT NULL,
  method TEXT NOT NULL,
  target TEXT NOT NULL,
  content_type TEXT NOT NULL,
  body TEXT NOT NULL,
  base TEXT NOT NULL,
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  requested_by TEXT NOT NULL,
  fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
  requested_at_us INTEGER NOT NULL,
  expires_at_us INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 7),
  status INTEGER NOT NULL DEFAULT 0,
  answer TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
INSERT INTO approvals
  SELECT id, operation, action, method, target, content_type, body, base, digest, requested_by,
    fingerprint, requested_at_us, expires_at_us, state, status, answer FROM approvals_of_7;
CREATE TABLE approval_decisions (
  approval TEXT NOT NULL REFERENCES approvals (id),
  number INTEGER NOT NULL CHECK (number > 0),
  who TEXT NOT NULL CHECK (length(who) > 0),
  verdict INTEGER NOT NULL CHECK (verdict BETWEEN 1 AND 2),
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  at_us INTEGER NOT NULL,
  PRIMARY KEY (approval, number),
  UNIQUE (approval, who)
) STRICT, WITHOUT ROWID;
INSERT INTO approval_decisions
  SELECT id, 1, decided_by, CASE state WHEN 5 THEN 2 ELSE 1 END, digest, decided_at_us
  FROM approvals_of_7 WHERE decided_by <> '';
DROP TABLE approvals_of_7;
CREATE TRIGGER approvals_begin_waiting BEFORE INSERT ON approvals
  WHEN new.state <> 1 BEGIN SELECT raise(ABORT, 'a request begins as waiting'); END;
CREATE TRIGGER approvals_go_forward BEFORE UPDATE ON approvals
  WHEN (old.state, new.state) NOT IN (VALUES (1, 2), (1, 5), (1, 6), (2, 3), (2, 4), (2, 7))
  BEGIN SELECT raise(ABORT, 'a decision is never taken back'); END;
CREATE TRIGGER approvals_take_another BEFORE UPDATE ON approvals
  WHEN new.state = 2 AND NOT EXISTS (SELECT 1 FROM approval_decisions AS d
    WHERE d.approval = new.id AND d.verdict = 1 AND d.who <> new.requested_by)
  BEGIN SELECT raise(ABORT, 'nobody else has approved the request'); END;
CREATE TRIGGER approvals_stay_as_requested BEFORE UPDATE ON approvals
  WHEN (old.id, old.operation, old.action, old.method, old.target, old.content_type, old.base,
        old.digest, old.requested_by, old.fingerprint, old.requested_at_us, old.expires_at_us)
    IS NOT (new.id, new.operation, new.action, new.method, new.target, new.content_type, new.base,
        new.digest, new.requested_by, new.fingerprint, new.requested_at_us, new.expires_at_us)
    OR (old.body <> new.body AND (new.body <> '' OR new.state < 3))
  BEGIN SELECT raise(ABORT, 'a request never changes'); END;
CREATE TRIGGER approvals_stay BEFORE DELETE ON approvals
  BEGIN SELECT raise(ABORT, 'the record of a request stays'); END;
CREATE TRIGGER decisions_are_on_what_waits BEFORE INSERT ON approval_decisions
  WHEN NOT EXISTS (SELECT 1 FROM approvals AS a WHERE a.id = new.approval AND a.state = 1
    AND a.digest = new.digest AND (new.verdict = 2 OR a.requested_by <> new.who))
  BEGIN SELECT raise(ABORT, 'the decision is not on a request that waits'); END;
CREATE TRIGGER decisions_never_change BEFORE UPDATE ON approval_decisions
  BEGIN SELECT raise(ABORT, 'a decision never changes'); END;
CREATE TRIGGER decisions_stay BEFORE DELETE ON approval_decisions
  BEGIN SELECT raise(ABORT, 'the record of a decision stays'); END;
)",
    // 9: the ledger (docs/spec/ledger.md). Empty until it is begun with a key of the HSM.
    R"(
CREATE TABLE ledger (
  epoch INTEGER NOT NULL PRIMARY KEY CHECK (epoch > 0),
  bytes BLOB NOT NULL,
  mac BLOB NOT NULL CHECK (length(mac) = 32)
) STRICT;
CREATE TRIGGER ledger_changes_stay_as_they_are BEFORE UPDATE ON ledger
  BEGIN SELECT raise(ABORT, 'a change never changes'); END;
CREATE TRIGGER ledger_changes_stay BEFORE DELETE ON ledger
  BEGIN SELECT raise(ABORT, 'a change stays'); END;
CREATE TABLE ledger_snapshots (
  epoch INTEGER NOT NULL PRIMARY KEY REFERENCES ledger (epoch),
  bytes BLOB NOT NULL,
  mac BLOB NOT NULL CHECK (length(mac) = 32)
) STRICT;
)",
    // 10: certificates of key versions, DER one behind the other, the version's own first
    R"(
CREATE TABLE key_certificates (
  key_id BLOB NOT NULL,
  number INTEGER NOT NULL,
  chain BLOB NOT NULL CHECK (length(chain) BETWEEN 1 AND 24576),
  PRIMARY KEY (key_id, number),
  FOREIGN KEY (key_id, number) REFERENCES versions (key_id, number)
) STRICT, WITHOUT ROWID;
)",
};
constexpr std::size_t kLedgerStep = 8;  // the index of the step that makes the ledger's tables

using Entry = std::array<std::string, 4>;  // type, name, table, SQL

Result<std::vector<Entry>> read_schema(Database& database) {
  NAE_ASSIGN(Statement rows, database.query("SELECT type, name, tbl_name, sql FROM sqlite_schema"));
  std::vector<Entry> entries;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) break;
    entries.push_back({rows.text(0), rows.text(1), rows.text(2), rows.text(3)});
  }
  std::ranges::sort(entries);
  return entries;
}

// Of a new store, made in memory once.
Result<std::vector<Entry>> own_schema() {
  static std::mutex mutex;
  static std::optional<std::vector<Entry>> made;
  std::lock_guard lock(mutex);
  if (made) return *made;
  NAE_ASSIGN(const auto database, Database::open(":memory:"));
  NAE_TRY(migrate(*database));
  NAE_ASSIGN(made, read_schema(*database));
  return *made;
}

}  // namespace

Result<void> forget_ledger(Database& database) {
  // Dropping a table asks no trigger; making it anew keeps the triggers' promise for the next one.
  NAE_TRY(database.run_script("DROP TABLE ledger_snapshots; DROP TABLE ledger;"));
  return database.run_script(kSteps[kLedgerStep]);
}

std::int64_t newest_schema() {
  return std::size(kSteps);
}

Result<void> migrate(Database& database, std::int64_t to) {
  NAE_ASSIGN(std::int64_t version, database.integer("PRAGMA user_version"));
  if (version < 0 || version > newest_schema())
    return fail(Code::store_version, "the store has schema " + std::to_string(version) +
                                         ", this server knows up to " +
                                         std::to_string(newest_schema()));
  for (; version < to; ++version) {
    NAE_ASSIGN(Transaction transaction, Transaction::begin(database));
    NAE_TRY(database.run_script(kSteps[version]));
    // Pragmas take no parameters.
    NAE_TRY(database.execute("PRAGMA user_version = " + std::to_string(version + 1)));
    NAE_TRY(database.execute("PRAGMA application_id = " + std::to_string(kApplicationId)));
    NAE_TRY(transaction.commit());
  }
  return {};
}

Result<std::int64_t> check_schema(Database& database) {
  // What was parsed before this transaction may be another text than the one that stands there now.
  NAE_TRY(database.execute("PRAGMA writable_schema = RESET"));
  NAE_ASSIGN(const std::vector<Entry> own, own_schema());
  NAE_ASSIGN(const std::vector<Entry> found, read_schema(database));
  std::vector<Entry> wrong;
  std::ranges::set_symmetric_difference(own, found, std::back_inserter(wrong));
  if (wrong.empty()) return database.integer("PRAGMA schema_version");
  return fail(Code::store_corrupt,
              "the store's " + wrong.front()[0] + " " + wrong.front()[1] +
                  " is not as the key server makes it, or missing",
              "The store was changed past the key server. Bring back its last good backup, and "
              "find out who can write the file.");
}

Result<void> check_soundness(Database& database) {
  NAE_ASSIGN(std::int64_t application, database.integer("PRAGMA application_id"));
  if (application != kApplicationId)
    return fail(Code::store_corrupt, "the file is a database, but no store of a key server");
  NAE_ASSIGN(Statement check, database.query("PRAGMA integrity_check(1)"));
  NAE_ASSIGN(bool row, check.step());
  if (!row || check.text(0) != "ok")
    return fail(Code::store_corrupt, "the store is damaged: " + check.text(0));
  NAE_ASSIGN(Statement orphans, database.query("PRAGMA foreign_key_check"));
  NAE_ASSIGN(bool orphan, orphans.step());
  if (orphan)
    return fail(Code::store_corrupt, "the store is damaged: a row of " + orphans.text(0) +
                                         " refers to one that is missing");
  return {};
}

}  // namespace nae::store::sqlite
