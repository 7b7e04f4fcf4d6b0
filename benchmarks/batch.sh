#!/usr/bin/env bash
# What do many rows cost through SQL, beside pgcrypto on the same rows in the same run? Wants a stack
# of benchmarks/run in the environment (scripts/stack env) with the key bench-gcm. ROWS: default 1000000.
set -euo pipefail
rows="${ROWS:-1000000}"
rounds="${ROUNDS:-3}"
key="'\\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'"

sql() { psql -X -q -A -t -d benchmark -U benchmark "$@"; }
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

prepare() {
  psql -X -q -A -t -d postgres -U postgres <<'SQL'
SELECT 'CREATE DATABASE benchmark' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'benchmark') \gexec
SELECT 'CREATE ROLE benchmark LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'benchmark') \gexec
SQL
  psql -X -q -d benchmark -U postgres <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nae;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
GRANT CREATE ON SCHEMA public TO benchmark;
SELECT format('GRANT EXECUTE ON FUNCTION %s TO benchmark', d.objid::regprocedure)
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
WHERE e.extname = 'pg_nae' AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass \gexec
SQL
  sql <<SQL
CREATE UNLOGGED TABLE batch_plain (id int PRIMARY KEY, value bytea);
INSERT INTO batch_plain SELECT i, decode(lpad(to_hex(i), 64, '0'), 'hex') FROM generate_series(1, $rows) i;
CREATE UNLOGGED TABLE batch_secret (id int PRIMARY KEY, nae bytea, other bytea, aes bytea);
INSERT INTO batch_secret
SELECT id, nae_encrypt('bench-gcm', value), nae_encrypt('bench-gcm', value), encrypt(value, $key, 'aes') FROM batch_plain;
CREATE UNLOGGED TABLE batch_target (id int, value bytea);
VACUUM ANALYZE batch_plain, batch_secret;
SQL
}

# Milliseconds of a statement, the setting before it not counted.
ms_of() { # SETTING STATEMENT
  sql -c '\timing on' -c "SET max_parallel_workers_per_gather = 0" -c "SET jit = off" -c "$1" -c "$2" |
    awk '/^Time:/ { ms = $2 } END { print ms }'
}

# By turns, because the machine changes by the minute: medians of us a row for each statement.
compare() { # ROWS NAME|SETTING|STATEMENT...
  local count="$1" line name setting statement round work; shift
  work="$(mktemp -d "${TMPDIR:-/tmp}/nae-batch-XXXXXX")"
  for ((round = 0; round < rounds; ++round)); do
    for line in "$@"; do
      IFS='|' read -r name setting statement <<<"$line"
      ms_of "${setting:-SELECT}" "$statement" >>"$work/$name"
    done
  done
  local first=""
  for line in "$@"; do
    name="${line%%|*}"
    local us; us="$(median <"$work/$name" | awk -v n="$count" '{ printf "%.3f", $1 * 1000 / n }')"
    first="${first:-$us}"
    awk -v name="$name" -v us="$us" -v first="$first" 'BEGIN { printf "%-34s %9.3f us/row %8.2f\n", name, us, us / first }'
  done
  rm -rf "$work"
}

prepare
echo "decrypt $rows rows (ratios to the first line)"
compare "$rows" \
  "nae_decrypt||SELECT count(nae_decrypt(nae)) FROM batch_secret" \
  "pgcrypto decrypt||SELECT count(decrypt(aes, $key, 'aes')) FROM batch_secret" \
  "scan only||SELECT count(nae) FROM batch_secret" \
  "two columns, one round trip||SELECT count(nae_decrypt(nae)), count(nae_decrypt(other)) FROM batch_secret" \
  "WHERE nae_decrypt||SELECT count(*) FROM batch_secret WHERE nae_decrypt(nae) = '\\x00'" \
  "WHERE pgcrypto decrypt||SELECT count(*) FROM batch_secret WHERE decrypt(aes, $key, 'aes') = '\\x00'"
echo
echo "INSERT ... SELECT of $rows rows"
compare "$rows" \
  "nae_encrypt|TRUNCATE batch_target|INSERT INTO batch_target SELECT id, nae_encrypt('bench-gcm', value) FROM batch_plain" \
  "pgcrypto encrypt_iv, random IV|TRUNCATE batch_target|INSERT INTO batch_target SELECT id, encrypt_iv(value, $key, gen_random_bytes(16), 'aes') FROM batch_plain" \
  "no encryption|TRUNCATE batch_target|INSERT INTO batch_target SELECT id, value FROM batch_plain"
echo
echo "how flat: us a row by rows"
for count in 1000 10000 100000 "$rows"; do
  printf '%8d  ' "$count"
  compare "$count" "nae_decrypt||SELECT count(nae_decrypt(nae)) FROM batch_secret WHERE id <= $count"
done
echo
echo "row by row, 5000 rows"
compare 5000 "nae.batch on||SELECT count(nae_decrypt(nae)) FROM batch_secret WHERE id <= 5000" \
  "nae.batch off|SET nae.batch = off|SELECT count(nae_decrypt(nae)) FROM batch_secret WHERE id <= 5000"
echo
echo "batch size, 100000 rows"
sweep=()
for size in 16 64 256 1000 2000 4000 10000; do
  sweep+=("nae.batch_size $size|SET nae.batch_size = $size|SELECT count(nae_decrypt(nae)) FROM batch_secret WHERE id <= 100000")
done
compare 100000 "${sweep[@]}"
