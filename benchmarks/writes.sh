#!/usr/bin/env bash
# What do writes of many rows cost into a table with a blind index? Beside the same statements on a plaintext
# column with an index, which is searched as that is, and on one without, in one run. Wants a stack of
# benchmarks/run in the environment (scripts/stack env) with the keys bench-gcm and bench-mac. ROWS: default 100000.
set -euo pipefail
rows="${ROWS:-100000}"
. "$(dirname "$0")/timing.sh"

prepare() {
  make_database
  psql -X -q -d benchmark -U postgres -c "SELECT nae.grant_migration('benchmark')" \
    -c 'GRANT pg_read_server_files, pg_write_server_files TO benchmark' >/dev/null
  sql <<SQL
CREATE TABLE write_source (id int PRIMARY KEY, memo text);
INSERT INTO write_source SELECT i, 'memo of ' || md5(i::text) FROM generate_series(1, $rows) i;
CREATE TABLE write_searched (id int, memo text);
CREATE INDEX ON write_searched (memo);
CREATE TABLE write_plain (id int, memo text);
CREATE TABLE write_secret (id int, memo nae.enc_text('bench-gcm'));
CREATE TABLE write_coded (id int, memo nae.enc_text('bench-gcm'));
SET client_min_messages = warning;
CALL nae.add_blind_index('write_coded', 'memo', 'bench-mac');
SQL
  psql -X -q -d benchmark -U postgres -c 'VACUUM ANALYZE'
}

tables=("plain, indexed|write_searched" "plain|write_plain" "encrypted|write_secret" "encrypted, blind index|write_coded")

# STATEMENT, in which TABLE stands for each table by turns; BEFORE it the same.
of_each() {
  local lines=() line
  for line in "${tables[@]}"; do lines+=("${line%%|*}|${2//TABLE/${line#*|}}|${1//TABLE/${line#*|}}"); done
  compare "$rows" "${lines[@]}"
}

prepare
echo "-- INSERT ... SELECT of $rows rows"
of_each 'INSERT INTO TABLE SELECT * FROM write_source' 'TRUNCATE TABLE'
echo "-- UPDATE of $rows rows"
of_each "UPDATE TABLE SET memo = 'memo of ' || md5('new ' || id)" 'VACUUM TABLE'
echo "-- COPY FROM of $rows lines"
file="$(psql -X -A -t -d postgres -U postgres -c 'SHOW data_directory')/write_source.copy"
sql -c "COPY write_source TO '$file'"
of_each "COPY TABLE (id, memo) FROM '$file'" 'TRUNCATE TABLE'
psql -X -q -d benchmark -U postgres -c "COPY (SELECT 1) TO PROGRAM 'rm -f $file'"
