#!/usr/bin/env bash
# Everyday statements over an encrypted column as each product writes them, beside the same over plaintext, in one run and one
# table: times, and in brackets how many times that of plaintext. Wants a stack of benchmarks/run in the environment
# (scripts/stack env) with the keys bench-gcm and bench-siv. pgsodium's columns are there where it is installed.
# ROWS: default 200000; CLIENTS of the statements for one row: 16.
set -euo pipefail
rows="${ROWS:-200000}" clients="${CLIENTS:-16}" seconds="${SECONDS_EACH:-3}"
key="'\\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'"
. "$(dirname "$0")/timing.sh"

pgcrypto_opened="convert_from(decrypt(note, $key, 'aes'), 'UTF8')"
pgcrypto_sealed="encrypt(convert_to(note, 'UTF8'), $key, 'aes')"
# Authenticated, with a nonce of each row's own, by the id of a key that the server keeps.
sodium_opened="convert_from(pgsodium.crypto_aead_det_decrypt(note, '', 1), 'UTF8')"
sodium_sealed="pgsodium.crypto_aead_det_encrypt(convert_to(note, 'UTF8'), '', 1)"

make_tables() {
  make_database
  sql <<SQL
CREATE TABLE peer_plain (id int PRIMARY KEY, note text);
INSERT INTO peer_plain SELECT i, 'a note of customer ' || i FROM generate_series(1, $rows) i;
CREATE TABLE peer_nae (id int PRIMARY KEY, note nae.enc_text('bench-gcm'));
INSERT INTO peer_nae SELECT * FROM peer_plain;
CREATE TABLE peer_pgcrypto (id int PRIMARY KEY, note bytea);
INSERT INTO peer_pgcrypto SELECT id, $pgcrypto_sealed FROM peer_plain;
CREATE UNLOGGED TABLE into_plain (id int, note text);
CREATE UNLOGGED TABLE into_nae (id int, note nae.enc_text('bench-gcm'));
CREATE UNLOGGED TABLE into_pgcrypto (id int, note bytea);
SQL
  products=(plain nae pgcrypto)
  opened=(note note "$pgcrypto_opened") sealed=(note note "$pgcrypto_sealed")
  if [ "$(psql -X -A -t -d benchmark -U postgres -c "SELECT count(*) FROM pg_available_extensions WHERE name = 'pgsodium'")" = 1 ]; then
    psql -X -q -d benchmark -U postgres -c 'CREATE EXTENSION IF NOT EXISTS pgsodium' -c 'GRANT pgsodium_keyiduser TO benchmark'
    sql -c 'CREATE TABLE peer_pgsodium (id int PRIMARY KEY, note bytea)' -c 'CREATE UNLOGGED TABLE into_pgsodium (id int, note bytea)' \
      -c "INSERT INTO peer_pgsodium SELECT id, $sodium_sealed FROM peer_plain"
    products+=(pgsodium) opened+=("$sodium_opened") sealed+=("$sodium_sealed")
  fi
  psql -X -q -d benchmark -U postgres -c 'VACUUM ANALYZE'
}

# Microseconds a row of STATEMENT, in which @ is the product, % what reads the column and ^ what writes it.
by_rows() { # NAME SETTING STATEMENT
  local at round statement setting
  for ((round = 0; round < rounds; ++round)); do
    for at in "${!products[@]}"; do
      statement="${3//@/${products[at]}}" setting="${2//@/${products[at]}}"
      statement="${statement//%/${opened[at]}}"
      ms_of "$setting" "${statement//^/${sealed[at]}}" >>"$work/$1.${products[at]}"
    done
  done
  row "$1" "us a row" "$(awk -v n="$rows" 'BEGIN { print 1000 / n }')"
}

# Microseconds of the machine for each statement of CLIENTS clients of pgbench.
by_clients() { # NAME STATEMENT
  local at round statement
  for ((round = 0; round < rounds; ++round)); do
    for at in "${!products[@]}"; do
      statement="${2//@/${products[at]}}"
      tps -M prepared -c "$clients" -j 2 -T "$seconds" -- "\\set i random(1, $rows)"$'\n'"${statement//%/${opened[at]}}" |
        awk '{ print 1000000 / $1 }' >>"$work/$1.${products[at]}"
    done
  done
  row "$1" "us each" 1
}

row() { # NAME UNIT FACTOR
  local product value first=""
  printf '%-34s' "$1"
  for product in "${products[@]}"; do
    value="$(median <"$work/$1.$product")"
    first="${first:-$value}"
    awk -v v="$value" -v f="$3" -v first="$first" 'BEGIN { printf " %9.2f (%5.2f)", v * f, v / first }'
  done
  printf '  %s\n' "$2"
}

work="$(mktemp -d "${TMPDIR:-/tmp}/nae-peers-XXXXXX")"
trap 'rm -rf "$work"' EXIT
make_tables
printf '%-34s' "$rows rows; $clients clients"
printf ' %17s' "${products[@]}"
echo
by_rows "read it of all rows" SELECT "SELECT max(length(%)) FROM peer_@"
by_rows "rows by a condition on it" SELECT "SELECT count(*) FROM peer_@ WHERE % ~ '99'"
by_rows "group by it" SELECT "SELECT count(*) FROM (SELECT % FROM peer_@ GROUP BY 1) a"
by_rows "the first 20 in its order" SELECT "SELECT % FROM peer_@ ORDER BY 1 LIMIT 20"
by_rows "copy rows from plaintext" "TRUNCATE into_@" "INSERT INTO into_@ SELECT id, ^ FROM peer_plain"
by_clients "one row, by its key" "SELECT % FROM peer_@ WHERE id = :i"
