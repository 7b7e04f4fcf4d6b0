// The schema of the sink in its database.
#pragma once

namespace nae::sink {

// May be run again. The views are for reading and may be granted apart from the table.
inline constexpr char kSchema[] = R"(
CREATE SCHEMA IF NOT EXISTS nae_audit;

-- Up to where each log was shipped; written in the transaction of its records.
CREATE TABLE IF NOT EXISTS nae_audit.position (
  source text PRIMARY KEY,
  seq bigint NOT NULL CHECK (seq >= 0),
  hash text NOT NULL CHECK (length(hash) = 64),
  shipped_at timestamptz NOT NULL DEFAULT now()
);

-- Records as docs/spec/audit.md has them; columns that a kind of record does not have are null.
CREATE TABLE IF NOT EXISTS nae_audit.record (
  source text NOT NULL,
  seq bigint NOT NULL,
  "time" timestamptz NOT NULL,
  event text NOT NULL,
  device text, program text, database text, role text, session_role text, login_role text,
  client_address text, application_name text, user_issuer text, "user" text,
  action text, key text, key_version int, items bigint, failed_items bigint,
  verdict text, reason text, rule text, query_id numeric, repeated bigint,
  admin text, target text, detail text,
  hash text NOT NULL,
  PRIMARY KEY (source, seq)
);
ALTER TABLE nae_audit.record ADD COLUMN IF NOT EXISTS membership text;
ALTER TABLE nae_audit.record ADD COLUMN IF NOT EXISTS digest text;
CREATE INDEX IF NOT EXISTS record_time ON nae_audit.record ("time");
CREATE INDEX IF NOT EXISTS record_denied ON nae_audit.record ("time") WHERE verdict = 'deny';

CREATE OR REPLACE VIEW nae_audit.per_role AS
  SELECT source, date_trunc('day', "time") AS day, device, database, role, action,
         sum(repeated) AS requests, sum(repeated) FILTER (WHERE verdict = 'deny') AS denied,
         sum(items) AS items, sum(failed_items) AS failed_items
    FROM nae_audit.record WHERE event = 'request' GROUP BY 1, 2, 3, 4, 5, 6;

CREATE OR REPLACE VIEW nae_audit.per_key AS
  SELECT source, date_trunc('day', "time") AS day, key, action,
         count(DISTINCT role) AS roles, sum(repeated) AS requests,
         sum(repeated) FILTER (WHERE verdict = 'deny') AS denied,
         sum(items) AS items, sum(failed_items) AS failed_items
    FROM nae_audit.record WHERE event = 'request' AND key <> '' GROUP BY 1, 2, 3, 4;

CREATE OR REPLACE VIEW nae_audit.denials AS
  SELECT source, seq, "time", event, device, program, database, role, session_role, login_role,
         client_address, application_name, admin, action, coalesce(key, target) AS target, items,
         reason, rule, coalesce(repeated, 1) AS requests, detail
    FROM nae_audit.record WHERE verdict = 'deny';
)";

}  // namespace nae::sink
