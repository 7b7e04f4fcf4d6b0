#!/usr/bin/env bash
# What do encrypted columns cost, beside the same statements on plaintext columns and pgcrypto's calls, in one
# run? Wants a stack of benchmarks/run in the environment (scripts/stack env) with the keys bench-gcm and
# bench-siv. ROWS: default 1000000; CLIENTS of the point selects: 16.
set -euo pipefail
rows="${ROWS:-1000000}" clients="${CLIENTS:-16}" seconds="${SECONDS_EACH:-3}"
key="'\\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'"
. "$(dirname "$0")/timing.sh"

prepare() {
  make_database
  sql <<SQL
CREATE TABLE column_plain (id int PRIMARY KEY, ssn text, note text);
INSERT INTO column_plain SELECT i, 'ssn ' || i, 'a note of customer ' || i FROM generate_series(1, $rows) i;
CREATE TABLE column_secret (id int PRIMARY KEY, ssn nae.enc_det_text('bench-siv'), note nae.enc_text('bench-gcm'));
INSERT INTO column_secret SELECT * FROM column_plain;
CREATE TABLE column_pgcrypto (id int PRIMARY KEY, ssn text, note bytea);
INSERT INTO column_pgcrypto SELECT id, ssn, encrypt(convert_to(note, 'UTF8'), $key, 'aes') FROM column_plain;
CREATE UNIQUE INDEX ON column_plain (ssn);
CREATE UNIQUE INDEX ON column_secret (ssn);
CREATE UNIQUE INDEX ON column_pgcrypto (ssn);
CREATE UNLOGGED TABLE column_target_plain (id int, ssn text, note text);
CREATE UNLOGGED TABLE column_target (id int, ssn nae.enc_text('bench-gcm'), note nae.enc_text('bench-gcm'));
SQL
  psql -X -q -d benchmark -U postgres -c 'VACUUM ANALYZE' -c 'GRANT pg_read_server_files, pg_write_server_files TO benchmark' -c "SELECT FROM nae.grant_migration('benchmark')"
}

copy_from() {
  local file; file="$(psql -X -A -t -d postgres -U postgres -c 'SHOW data_directory')/column_plain.copy"
  sql -c "COPY column_plain TO '$file'"
  compare "$rows" \
    "plaintext table|TRUNCATE column_target_plain|COPY column_target_plain FROM '$file'" \
    "two encrypted columns|TRUNCATE column_target|COPY column_target FROM '$file'"
  psql -X -q -d benchmark -U postgres -c "COPY (SELECT 1) TO PROGRAM 'rm -f $file'"
}

pick="\\set i random(1, $rows)"
points=(
  "plaintext table|SELECT note FROM column_plain WHERE ssn = 'ssn ' || :i"
  "encrypted, id only|SELECT id FROM column_secret WHERE ssn = 'ssn ' || :i"
  "encrypted, decrypted|SELECT note FROM column_secret WHERE ssn = 'ssn ' || :i"
  "pgcrypto in the select list|SELECT convert_from(decrypt(note, $key, 'aes'), 'UTF8') FROM column_pgcrypto WHERE ssn = 'ssn ' || :i"
)

# By turns; shares are of the plaintext table's transactions in the same round.
point_selects() { # MODE
  local work line name round plain share; work="$(mktemp -d "${TMPDIR:-/tmp}/nae-columns-XXXXXX")"
  for ((round = 0; round < rounds; ++round)); do
    for line in "${points[@]}"; do
      name="${line%%|*}"
      share="$(tps -M "$1" -c "$clients" -j 2 -T "$seconds" -- "$pick"$'\n'"${line#*|}")"
      [ "$name" != "plaintext table" ] || plain="$share"
      echo "$share" >>"$work/$name"
      awk -v a="$share" -v b="$plain" 'BEGIN { print a / b }' >>"$work/$name.share"
    done
  done
  for line in "${points[@]}"; do
    name="${line%%|*}"
    printf '%-34s %9.0f tps %8.2f\n' "$name" "$(median <"$work/$name")" "$(median <"$work/$name.share")"
  done
  rm -rf "$work"
}

encrypt_column() {
  local round ms
  for ((round = 0; round < rounds; ++round)); do
    sql -c 'SET client_min_messages = warning' -c 'DROP TABLE IF EXISTS column_change' \
      -c 'CREATE TABLE column_change AS SELECT id, note FROM column_plain' \
      -c 'ALTER TABLE column_change ADD PRIMARY KEY (id)' >/dev/null
    psql -X -q -d benchmark -U postgres -c CHECKPOINT -c 'VACUUM ANALYZE column_change'
    ms="$(ms_of 'SET client_min_messages = warning' "CALL nae.encrypt_column('column_change', 'note', key => 'bench-gcm')")"
    awk -v ms="$ms" -v n="$rows" 'BEGIN { printf "%-34s %9.0f rows/s\n", "encrypt_column, verified", n * 1000 / ms }'
  done
}

prepare
echo "COPY FROM of $rows lines (ratios to the first line)"
copy_from
echo
echo "scan of $rows rows"
compare "$rows" \
  "encrypted column||SELECT count(note::text) FROM column_secret" \
  "pgcrypto decrypt||SELECT count(decrypt(note, $key, 'aes')) FROM column_pgcrypto" \
  "WHERE on an encrypted column||SELECT count(*) FROM column_secret WHERE note = 'x'" \
  "plaintext column||SELECT count(*) FROM column_plain WHERE note = 'x'"
echo
echo "INSERT ... SELECT of $rows rows"
compare "$rows" \
  "one encrypted column|TRUNCATE column_target|INSERT INTO column_target (id, note) SELECT id, note FROM column_plain" \
  "plaintext table|TRUNCATE column_target_plain|INSERT INTO column_target_plain (id, note) SELECT id, note FROM column_plain"
for mode in prepared simple; do
  echo
  echo "point selects by the column, $clients clients, $mode"
  point_selects "$mode"
done
echo
echo "an existing column of $rows rows"
encrypt_column
