#include "keyserver/store/postgresql/tables.hpp"

#include <span>

namespace nae::store::postgresql {
namespace {

// The names are those of SQLite's tables, and so are the meanings. Texts that are sorted or
// compared have the collation "C": a ledger's order must not depend on a locale. A released step is
// never edited; a change is a new step.
constexpr char kTables[] = R"(
CREATE TABLE migrations (
  version BIGINT NOT NULL PRIMARY KEY,
  at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Whoever changes something locks this row first.
CREATE TABLE writer (one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1));
INSERT INTO writer VALUES (1);

-- The key servers, and which one is in charge (docs/spec/group.md).
CREATE TABLE nodes (
  number BIGINT NOT NULL PRIMARY KEY CHECK (number BETWEEN 1 AND 65535),
  name TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(name) > 0),
  run TEXT COLLATE "C" NOT NULL DEFAULT '',
  beat BIGINT NOT NULL DEFAULT 0 CHECK (beat >= 0),
  duration_ms BIGINT NOT NULL DEFAULT 1 CHECK (duration_ms > 0),
  state BIGINT NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
  version TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL DEFAULT '',
  epoch BIGINT NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  heard_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied BIGINT NOT NULL DEFAULT 0 CHECK (applied >= 0),
  applied_hash BYTEA NOT NULL DEFAULT '' CHECK (length(applied_hash) IN (0, 32))
);
CREATE TABLE lease (
  one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
  generation BIGINT NOT NULL CHECK (generation >= 0),
  beat BIGINT NOT NULL CHECK (beat >= 0),
  node TEXT COLLATE "C" NOT NULL,
  holder TEXT COLLATE "C" NOT NULL,
  duration_ms BIGINT NOT NULL CHECK (duration_ms > 0),
  released BIGINT NOT NULL CHECK (released IN (0, 1))
);
INSERT INTO lease VALUES (1, 0, 0, '', '', 1, 1);

CREATE TABLE meta (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE keys (
  id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 6),
  name TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(name) > 0),
  type BIGINT NOT NULL,
  created_at_us BIGINT NOT NULL,
  protection BIGINT NOT NULL CHECK (protection BETWEEN 1 AND 2),
  owner TEXT NOT NULL,
  description TEXT NOT NULL,
  actions TEXT NOT NULL,
  algorithms TEXT NOT NULL,
  rotate_after_days BIGINT NOT NULL CHECK (rotate_after_days >= 0),
  rotate_after_uses BIGINT NOT NULL CHECK (rotate_after_uses >= 0)
);
CREATE TABLE key_labels (
  key_id BYTEA NOT NULL REFERENCES keys (id),
  name TEXT COLLATE "C" NOT NULL CHECK (length(name) > 0),
  value TEXT NOT NULL,
  PRIMARY KEY (key_id, name)
);

CREATE TABLE versions (
  key_id BYTEA NOT NULL REFERENCES keys (id),
  number BIGINT NOT NULL CHECK (number BETWEEN 1 AND 65535),
  state BIGINT NOT NULL CHECK (state BETWEEN 1 AND 5),
  created_at_us BIGINT NOT NULL,
  changed_at_us BIGINT NOT NULL,
  wrapped BYTEA NOT NULL,
  token_object TEXT NOT NULL,
  public_key BYTEA NOT NULL,
  origin BIGINT NOT NULL DEFAULT 0 CHECK (origin BETWEEN 0 AND 2),
  check_value BYTEA NOT NULL DEFAULT '' CHECK (length(check_value) IN (0, 32)),
  binding BYTEA NOT NULL DEFAULT '',
  PRIMARY KEY (key_id, number),
  CHECK (state <> 5 OR (length(wrapped) = 0 AND token_object = '' AND length(public_key) = 0))
);
CREATE UNIQUE INDEX versions_of_one_secret ON versions (check_value)
  WHERE length(check_value) > 0;
CREATE TABLE schedule (
  key_id BYTEA NOT NULL,
  number BIGINT NOT NULL,
  state BIGINT NOT NULL CHECK (state BETWEEN 2 AND 5),
  at_us BIGINT NOT NULL,
  steady_us BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (key_id, number, state),
  FOREIGN KEY (key_id, number) REFERENCES versions (key_id, number)
);
CREATE TABLE usage (
  key_id BYTEA NOT NULL,
  number BIGINT NOT NULL,
  uses BIGINT NOT NULL CHECK (uses >= 0),
  reserved_uses BIGINT NOT NULL CHECK (reserved_uses >= uses),
  reads BIGINT NOT NULL CHECK (reads >= 0),
  last_use_at_us BIGINT NOT NULL,
  last_read_at_us BIGINT NOT NULL,
  salts BIGINT NOT NULL DEFAULT 0 CHECK (salts >= 0),
  PRIMARY KEY (key_id, number),
  FOREIGN KEY (key_id, number) REFERENCES versions (key_id, number)
);
CREATE TABLE key_certificates (
  key_id BYTEA NOT NULL,
  number BIGINT NOT NULL,
  chain BYTEA NOT NULL CHECK (length(chain) BETWEEN 1 AND 24576),
  PRIMARY KEY (key_id, number),
  FOREIGN KEY (key_id, number) REFERENCES versions (key_id, number)
);
CREATE TABLE usage_closed (closed BIGINT NOT NULL);
INSERT INTO usage_closed VALUES (1);

CREATE TABLE policies (
  number BIGINT NOT NULL PRIMARY KEY,
  text TEXT NOT NULL,
  author TEXT NOT NULL,
  comment TEXT NOT NULL,
  created_at_us BIGINT NOT NULL,
  pruned_at_us BIGINT NOT NULL DEFAULT 0,
  text_sha256 TEXT NOT NULL DEFAULT '' CHECK (length(text_sha256) IN (0, 64))
);

CREATE TABLE audit_head (
  one BIGINT NOT NULL PRIMARY KEY REFERENCES nodes (number),
  seq BIGINT NOT NULL CHECK (seq > 0),
  hash BYTEA NOT NULL CHECK (length(hash) = 32)
);

CREATE TABLE admins (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(name) > 0),
  created_at_us BIGINT NOT NULL,
  key_sha256 TEXT NOT NULL UNIQUE CHECK (length(key_sha256) = 64)
);
CREATE TABLE admin_roles (
  admin TEXT COLLATE "C" NOT NULL REFERENCES admins (name) ON DELETE CASCADE,
  role TEXT COLLATE "C" NOT NULL CHECK (length(role) > 0),
  PRIMARY KEY (admin, role)
);
CREATE TABLE admin_certificates (
  fingerprint TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(fingerprint) = 64),
  admin TEXT COLLATE "C" NOT NULL REFERENCES admins (name) ON DELETE CASCADE,
  serial TEXT NOT NULL,
  issued_at_us BIGINT NOT NULL,
  expires_at_us BIGINT NOT NULL
);

CREATE TABLE approvals (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(id) = 16),
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
  requested_at_us BIGINT NOT NULL,
  expires_at_us BIGINT NOT NULL,
  state BIGINT NOT NULL CHECK (state BETWEEN 1 AND 7),
  status BIGINT NOT NULL DEFAULT 0,
  answer TEXT NOT NULL DEFAULT ''
);
CREATE TABLE approval_decisions (
  approval TEXT COLLATE "C" NOT NULL REFERENCES approvals (id),
  number BIGINT NOT NULL CHECK (number > 0),
  who TEXT COLLATE "C" NOT NULL CHECK (length(who) > 0),
  verdict BIGINT NOT NULL CHECK (verdict BETWEEN 1 AND 2),
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  at_us BIGINT NOT NULL,
  PRIMARY KEY (approval, number),
  UNIQUE (approval, who)
);

CREATE TABLE devices (
  fingerprint TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(fingerprint) = 64),
  name TEXT COLLATE "C" NOT NULL CHECK (length(name) > 0),
  serial TEXT NOT NULL,
  issued_at_us BIGINT NOT NULL,
  expires_at_us BIGINT NOT NULL,
  key_sha256 TEXT NOT NULL CHECK (length(key_sha256) = 64),
  removed_at_us BIGINT NOT NULL
);
CREATE INDEX devices_by_name ON devices (name);

CREATE TABLE limit_counts (
  counter TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(counter) > 0),
  device TEXT NOT NULL,
  invented BIGINT NOT NULL CHECK (invented IN (0, 1)),
  window_seconds BIGINT NOT NULL CHECK (window_seconds > 0),
  counts BYTEA NOT NULL CHECK (length(counts) >= 8),
  expires_at_us BIGINT NOT NULL
);
CREATE INDEX limit_counts_by_end ON limit_counts (expires_at_us);

CREATE TABLE trusted_time (
  one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
  steady_us BIGINT NOT NULL,
  trusted_us BIGINT NOT NULL,
  boot_us BIGINT NOT NULL,
  boot_id TEXT NOT NULL,
  doubted BIGINT NOT NULL CHECK (doubted IN (0, 1))
);
)";

// The ledger (docs/spec/ledger.md). Empty until it is begun with a key of the HSM.
constexpr char kLedgerTables[] = R"(
CREATE TABLE ledger (
  epoch BIGINT NOT NULL PRIMARY KEY CHECK (epoch > 0),
  bytes BYTEA NOT NULL,
  mac BYTEA NOT NULL CHECK (length(mac) = 32)
);
CREATE TABLE ledger_snapshots (
  epoch BIGINT NOT NULL PRIMARY KEY REFERENCES ledger (epoch),
  bytes BYTEA NOT NULL,
  mac BYTEA NOT NULL CHECK (length(mac) = 32)
);
)";

// What no server does, so that a mistake or a hand shows. A trigger of PostgreSQL takes a function.
struct Guard {
  const char *name, *when, *table, *condition, *message;
};
constexpr Guard kGuards[] = {
    {"versions_stay_destroyed", "BEFORE UPDATE", "versions", R"(old.state = 5)",
     "a destroyed version never changes"},
    {"versions_stay", "BEFORE DELETE", "versions", "true", "the record of a version stays"},
    {"policies_are_history", "BEFORE UPDATE", "policies",
     R"(old.pruned_at_us <> 0 OR new.pruned_at_us = 0 OR new.text <> ''
    OR length(new.text_sha256) <> 64
    OR (old.number, old.author, old.comment, old.created_at_us)
      IS DISTINCT FROM (new.number, new.author, new.comment, new.created_at_us)
    OR old.number = (SELECT max(number) FROM policies))",
     "a policy revision never changes"},
    {"policies_stay", "BEFORE DELETE", "policies", "true", "the record of a policy revision stays"},
    {"admins_keep_their_keys", "BEFORE UPDATE", "admins", "true",
     "the name of an administrator belongs to its key"},
    {"approvals_begin_waiting", "BEFORE INSERT", "approvals", R"(new.state <> 1)",
     "a request begins as waiting"},
    {"approvals_go_forward", "BEFORE UPDATE", "approvals",
     R"((old.state, new.state) NOT IN (VALUES (1, 2), (1, 5), (1, 6), (2, 3), (2, 4), (2, 7)))",
     "a decision is never taken back"},
    {"approvals_take_another", "BEFORE UPDATE", "approvals",
     R"(new.state = 2 AND NOT EXISTS (SELECT 1 FROM approval_decisions AS d
      WHERE d.approval = new.id AND d.verdict = 1 AND d.who <> new.requested_by))",
     "nobody else has approved the request"},
    {"approvals_stay_as_requested", "BEFORE UPDATE", "approvals",
     R"((old.id, old.operation, old.action, old.method, old.target, old.content_type, old.base,
        old.digest, old.requested_by, old.fingerprint, old.requested_at_us, old.expires_at_us)
      IS DISTINCT FROM (new.id, new.operation, new.action, new.method, new.target,
        new.content_type, new.base, new.digest, new.requested_by, new.fingerprint,
        new.requested_at_us, new.expires_at_us)
      OR (old.body <> new.body AND (new.body <> '' OR new.state < 3)))",
     "a request never changes"},
    {"approvals_stay", "BEFORE DELETE", "approvals", "true", "the record of a request stays"},
    {"decisions_are_on_what_waits", "BEFORE INSERT", "approval_decisions",
     R"(NOT EXISTS (SELECT 1 FROM approvals AS a WHERE a.id = new.approval AND a.state = 1
      AND a.digest = new.digest AND (new.verdict = 2 OR a.requested_by <> new.who)))",
     "the decision is not on a request that waits"},
    {"decisions_never_change", "BEFORE UPDATE", "approval_decisions", "true",
     "a decision never changes"},
    {"decisions_stay", "BEFORE DELETE", "approval_decisions", "true",
     "the record of a decision stays"},
    {"devices_stay_removed", "BEFORE UPDATE", "devices", R"(old.removed_at_us <> 0)",
     "a removed certificate never changes"},
    {"devices_stay", "BEFORE DELETE", "devices", "true", "the record of a certificate stays"},
};
constexpr Guard kLedgerGuards[] = {
    {"ledger_changes_stay_as_they_are", "BEFORE UPDATE", "ledger", "true",
     "a change never changes"},
    {"ledger_changes_stay", "BEFORE DELETE", "ledger", "true", "a change stays"},
};

std::string text_of(const Guard& guard) {
  const std::string name = guard.name;
  return "CREATE FUNCTION " + name + "() RETURNS trigger LANGUAGE plpgsql AS $guard$BEGIN IF " +
         guard.condition + " THEN RAISE EXCEPTION '" + guard.message +
         "'; END IF; RETURN new; END$guard$; CREATE TRIGGER " + name + " " + guard.when + " ON " +
         guard.table + " FOR EACH ROW EXECUTE FUNCTION " + name + "();";
}

std::string guards_of(std::span<const Guard> guards) {
  std::string text;
  for (const Guard& guard : guards) text += text_of(guard);
  return text;
}

// From each schema to the next, the first from 1 to 2.
constexpr const char* kSteps[] = {
    R"(
ALTER TABLE nodes DROP CONSTRAINT nodes_state_check;
ALTER TABLE nodes ADD CONSTRAINT nodes_state_check CHECK (state BETWEEN 0 AND 3);
ALTER TABLE nodes ADD COLUMN applied BIGINT NOT NULL DEFAULT 0 CHECK (applied >= 0);
ALTER TABLE nodes ADD COLUMN applied_hash BYTEA NOT NULL DEFAULT ''
  CHECK (length(applied_hash) IN (0, 32));
)",
};

}  // namespace

std::span<const char* const> schema_steps() {
  return kSteps;
}

std::string tables() {
  return std::string(kTables) + kLedgerTables;
}

std::string guards() {
  return guards_of(kGuards) + guards_of(kLedgerGuards);
}

std::string ledger_tables() {
  return kLedgerTables + guards_of(kLedgerGuards);
}

std::string drop_ledger_tables() {
  std::string text = "DROP TABLE ledger_snapshots; DROP TABLE ledger;";
  for (const Guard& guard : kLedgerGuards)
    text += "DROP FUNCTION " + std::string(guard.name) + "();";
  return text;
}

}  // namespace nae::store::postgresql
