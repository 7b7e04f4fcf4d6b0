#!/usr/bin/env bash
# What do the copy of a plan, its check and that of the query before it cost, as a share of the planning of statements on encrypted columns?
# Planning times of EXPLAIN, by turns, in a build for tests that can leave either out; nothing of that build is
# installed but in a stack of its own. NAE_BUILD: the programs. ROUNDS: default 600.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d "${TMPDIR:-/tmp}/nae-planning-XXXXXX")" && chmod 755 "$work"
trap '"$root/scripts/stack" down "$work/stack"; rm -rf "$work"' EXIT

cp -a "$root/VERSION" "$root/pg_nae" "$root/libnae" "$work/"
make -s -C "$work/pg_nae" clean >/dev/null
compiler="g++"; ! command -v ccache >/dev/null || compiler="ccache g++"
make -s -C "$work/pg_nae" -j2 NAE_CHECK_FATAL=1 CXX="$compiler" >"$work/build.log" 2>&1 || { tail -20 "$work/build.log"; exit 1; }
NAE_EXTENSION="$work/pg_nae" NAE_POLICY="$root/benchmarks/policy.toml" NAE_KEYS="bench-gcm:aes-256-gcm bench-siv:aes-256-siv" \
  "$root/scripts/stack" up "$work/stack"
eval "$("$root/scripts/stack" env "$work/stack")"
. "$root/benchmarks/timing.sh"
make_database

sql <<SQL
SET client_min_messages = warning;
CREATE TABLE customer (id int PRIMARY KEY, name text, ssn nae.enc_det_text('bench-siv') UNIQUE, note nae.enc_text('bench-gcm'));
CREATE TABLE purchase (id int PRIMARY KEY, customer int, what nae.enc_text('bench-gcm'), amount nae.enc_numeric('bench-gcm'));
CREATE TABLE item (id int PRIMARY KEY, purchase int, what nae.enc_text('bench-gcm'), price nae.enc_numeric('bench-gcm'));
CREATE TEMP TABLE statement (name text, query text);
INSERT INTO statement VALUES
  ('point select', 'SELECT name, ssn, note FROM customer WHERE id = 7'),
  ('search', 'SELECT id, name, note FROM customer WHERE ssn = ''7'''),
  ('join of three', 'SELECT c.name, c.note, p.what, i.what, i.price FROM customer c JOIN purchase p ON p.customer = c.id
     JOIN item i ON i.purchase = p.id WHERE c.ssn = ''7'' AND p.amount > 3 ORDER BY i.id'),
  ('plaintext columns', 'SELECT id, name FROM customer WHERE id = 7');
CREATE FUNCTION pg_temp.planning_us(query text, plant text) RETURNS numeric LANGUAGE plpgsql AS \$\$
DECLARE line text; result numeric;
BEGIN
  PERFORM set_config('nae.plant', plant, false);
  FOR line IN EXECUTE 'EXPLAIN (SUMMARY, COSTS OFF) ' || query LOOP
    result := coalesce(substring(line FROM '^Planning Time: ([0-9.]+)')::numeric * 1000, result);
  END LOOP;
  RETURN result;
END \$\$;
CREATE TEMP TABLE sample (name text, plant text, us numeric);
DO \$\$
DECLARE s record; turn int; plants text[] := ARRAY['', 'no check', 'no copy', 'no typing'];
BEGIN
  FOR round IN 1..${ROUNDS:-600} LOOP
    FOR s IN SELECT * FROM statement LOOP
      PERFORM pg_temp.planning_us(s.query, '');  -- the one before has cooled the caches
      FOR i IN 0..3 LOOP
        turn := 1 + (round + i) % 4;
        INSERT INTO sample VALUES (s.name, plants[turn], pg_temp.planning_us(s.query, plants[turn]));
      END LOOP;
    END LOOP;
  END LOOP;
END \$\$;
\echo
\echo 'planning                 us    without check  without copy  without typing (shares)'
WITH bounded AS (SELECT *, percent_rank() OVER (PARTITION BY name, plant ORDER BY us) AS rank FROM sample),
  mean AS (SELECT name, plant, avg(us) AS us FROM bounded WHERE rank < 0.7 GROUP BY name, plant)
SELECT format('%-18s %s  %s  %s  %s', w.name, to_char(w.us, '99990.0'), to_char(c.us / w.us, '99990.000'), to_char(p.us / w.us, '99990.000'), to_char(t.us / w.us, '99990.000'))
FROM mean w JOIN mean c USING (name) JOIN mean p USING (name) JOIN mean t USING (name)
WHERE w.plant = '' AND c.plant = 'no check' AND p.plant = 'no copy' AND t.plant = 'no typing' ORDER BY w.us;
SQL
