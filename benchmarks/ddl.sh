#!/usr/bin/env bash
# What do definitions cost where columns are encrypted? Each beside its plaintext twin, without a CHECK and with one
# for each such column, as encrypted columns have: by turns in one session, medians of ROUNDS (default 7).
# Wants a stack of benchmarks/run in the environment.
set -euo pipefail
. "$(dirname "$0")/timing.sh"
rounds="${ROUNDS:-7}"
make_database

sql -v rounds="$rounds" <<'SQL'
SET client_min_messages = warning;
CREATE TEMP TABLE kind (name text, declared text, checked text);
INSERT INTO kind VALUES ('plain', 'text', ''), ('checked', 'text', ' CHECK (length(%I) > 0)'), ('encrypted', 'nae.enc_text(''bench-gcm'')', '');
-- What is made first, what is measured, what is made to go.
CREATE TEMP TABLE question (place serial, name text, before text, measured text);
INSERT INTO question (name, before, measured)
SELECT 'CREATE TABLE of ' || n || ' columns', '',
       'CREATE TABLE ddl_t (' || (SELECT string_agg('c' || i || ' {' || 'c' || i || '}', ', ') FROM generate_series(1, n) AS i) || ')' FROM unnest('{4,900}'::int[]) AS n
UNION ALL SELECT 'ADD COLUMN to 900', 'CREATE TABLE ddl_t (' || (SELECT string_agg('c' || i || ' {' || 'c' || i || '}', ', ') FROM generate_series(1, 900) AS i) || ')', 'ALTER TABLE ddl_t ADD COLUMN a {a}'
UNION ALL SELECT 'ADD COLUMN to 500000 rows', 'CREATE TABLE ddl_t AS SELECT i AS id, repeat(''x'', 50) AS t FROM generate_series(1, 500000) AS i', 'ALTER TABLE ddl_t ADD COLUMN a {a}'
UNION ALL SELECT 'a partition of 500', parts.made, 'CREATE TABLE ddl_one PARTITION OF ddl_t FOR VALUES IN (0)' FROM (VALUES ('CREATE TABLE ddl_t (id int, a {a}) PARTITION BY LIST (id);'
  || (SELECT string_agg(format('CREATE TABLE ddl_t%s PARTITION OF ddl_t FOR VALUES IN (%s)', i, i), ';') FROM generate_series(1, 499) AS i))) AS parts (made)
UNION ALL SELECT 'ADD COLUMN to 500 partitions', parts.made, 'ALTER TABLE ddl_t ADD COLUMN b {b}' FROM (VALUES ('CREATE TABLE ddl_t (id int, a {a}) PARTITION BY LIST (id);'
  || (SELECT string_agg(format('CREATE TABLE ddl_t%s PARTITION OF ddl_t FOR VALUES IN (%s)', i, i), ';') FROM generate_series(1, 500) AS i))) AS parts (made);
CREATE TEMP TABLE took (place int, kind text, ms float8);
CREATE FUNCTION pg_temp.of_kind(statement text, declared text, checked text) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN checked = '' THEN regexp_replace(statement, '\{\w+\}', declared, 'g')
              ELSE regexp_replace(statement, '\{(\w+)\}', declared || replace(checked, '%I', '\1'), 'g') END $$;
CREATE FUNCTION pg_temp.measure(q question, k kind) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  began timestamptz;
  measured text := pg_temp.of_kind(q.measured, k.declared, k.checked);
BEGIN
  IF q.before <> '' THEN EXECUTE pg_temp.of_kind(q.before, k.declared, k.checked); END IF;
  began := clock_timestamp();
  EXECUTE measured;
  INSERT INTO took VALUES (q.place, k.name, extract(epoch FROM clock_timestamp() - began) * 1000);
  DROP TABLE ddl_t;
END $$;
\o /dev/null
SELECT format('SELECT pg_temp.measure(q, k) FROM question q, kind k WHERE q.place = %s AND k.name = %L', q.place, k.name)
FROM generate_series(1, :rounds) AS round, question AS q, kind AS k ORDER BY q.place, round, k.name \gexec
\o
\pset tuples_only off
\pset format aligned
\pset footer off
SELECT q.name AS "ms, medians", round(p.ms::numeric, 2) AS plain, round(c.ms::numeric, 2) AS "with CHECKs", round(e.ms::numeric, 2) AS encrypted,
       round((e.ms / p.ms)::numeric, 2) AS "to plain", round((e.ms / c.ms)::numeric, 2) AS "to with CHECKs"
FROM question AS q, LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FROM took AS t WHERE t.place = q.place AND kind = 'plain') AS p (ms),
  LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FROM took AS t WHERE t.place = q.place AND kind = 'checked') AS c (ms),
  LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FROM took AS t WHERE t.place = q.place AND kind = 'encrypted') AS e (ms)
ORDER BY q.place;
SQL
