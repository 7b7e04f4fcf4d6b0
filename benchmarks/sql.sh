#!/usr/bin/env bash
# What does it cost through SQL, beside pgcrypto on the same rows? Wants a stack of benchmarks/run
# in the environment (scripts/stack env) with the key bench-gcm; pgcrypto's key is a constant here.
set -euo pipefail
work="$(mktemp -d "${TMPDIR:-/tmp}/nae-sql-XXXXXX")"
trap 'rm -rf "$work"' EXIT
seconds=2
. "$(dirname "$0")/timing.sh"

prepare() {
  psql -X -q -d postgres -U postgres -c 'CREATE DATABASE benchmark' -c 'CREATE ROLE benchmark LOGIN'
  psql -X -q -d benchmark -U postgres <<'SQL'
CREATE EXTENSION pg_nae;
CREATE EXTENSION pgcrypto;
GRANT CREATE ON SCHEMA public TO benchmark;
SELECT format('GRANT EXECUTE ON FUNCTION %s TO benchmark', d.objid::regprocedure)
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
WHERE e.extname = 'pg_nae' AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass \gexec
SQL
  sql <<'SQL'
CREATE TABLE plain (id int PRIMARY KEY, value bytea);
INSERT INTO plain SELECT i, decode(lpad(to_hex(i), 64, '0'), 'hex') FROM generate_series(1, 10000) i;
CREATE TABLE secret (id int PRIMARY KEY, nae bytea, aes bytea, pgp bytea);
INSERT INTO secret
SELECT p.id, n.value, encrypt(p.value, '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'aes'),
       CASE WHEN p.id <= 1000 THEN pgp_sym_encrypt_bytea(p.value, 'a password') END
FROM plain p
JOIN (SELECT unnest(ids) AS id, unnest(nae_encrypt('bench-gcm', rows)) AS value
      FROM (SELECT array_agg(id ORDER BY id) ids, array_agg(value ORDER BY id) rows FROM plain) a) n USING (id);
VACUUM ANALYZE plain, secret;
SQL
}

key="'\\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'"
pick='\set id random(1, 1000)'
one_row=(
  "plain select|SELECT value FROM plain WHERE id = :id"
  "nae_decrypt|SELECT nae_decrypt(nae) FROM secret WHERE id = :id"
  "pgcrypto decrypt|SELECT decrypt(aes, $key, 'aes') FROM secret WHERE id = :id"
  "pgp_sym_decrypt|SELECT pgp_sym_decrypt_bytea(pgp, 'a password') FROM secret WHERE id = :id"
)

one_row_selects() {
  local clients round line name
  echo "one-row select, prepared: transactions/s and share of the plain select"
  printf '%8s  %-18s %12s %8s\n' clients what tps share
  for clients in 1 16; do
    for ((round = 0; round < rounds; ++round)); do # by turns: the machine changes by the minute
      for line in "${one_row[@]}"; do
        tps -M prepared -c "$clients" -j 1 -T "$seconds" -- "$pick"$'\n'"${line#*|};" \
          >>"$work/$clients.${line%%|*}"
      done
    done
    local plain; plain="$(median <"$work/$clients.plain select")"
    for line in "${one_row[@]}"; do
      name="${line%%|*}"
      median <"$work/$clients.$name" |
        awk -v c="$clients" -v n="$name" -v p="$plain" '{ printf "%8d  %-18s %12.0f %8.2f\n", c, n, $1, $1 / p }'
    done
  done
}

us_per_row() { # ROWS QUERY
  local round calls=$((20000 / $1))
  [ "$calls" -le 400 ] || calls=400
  [ "$calls" -ge 5 ] || calls=5
  for ((round = 0; round < rounds; ++round)); do
    tps -M prepared -c 1 -t "$calls" -- "$2"
  done | median | awk -v n="$1" '{ print 1e6 / $1 / n }'
}

arrays() {
  local rows cell
  echo "array functions over the first rows of a table, 32 bytes each: us a row, query included"
  printf '%8s %16s %16s %16s %16s %16s %16s\n' rows "scan only" nae_encrypt nae_decrypt "pgcrypto encrypt" \
    "pgcrypto decrypt" pgp_sym_decrypt
  for rows in 1 10 100 1000 10000; do
    local where="WHERE id <= $rows"
    local cells=(
      "SELECT cardinality(array_agg(value)) FROM plain $where;"
      "SELECT cardinality(nae_encrypt('bench-gcm', array_agg(value))) FROM plain $where;"
      "SELECT cardinality(nae_decrypt(array_agg(nae))) FROM secret $where;"
      "SELECT count(encrypt_iv(value, $key, gen_random_bytes(16), 'aes')) FROM plain $where;"
      "SELECT count(decrypt(aes, $key, 'aes')) FROM secret $where;"
    )
    [ "$rows" -gt 100 ] || cells+=("SELECT count(pgp_sym_decrypt_bytea(pgp, 'a password')) FROM secret $where;")
    printf '%8d' "$rows"
    for cell in "${cells[@]}"; do printf ' %16.2f' "$(us_per_row "$rows" "$cell")"; done
    echo
  done
}

first_call() {
  local round line
  for ((round = 0; round < rounds; ++round)); do
    tps -C -c 1 -t 150 -- 'SELECT value FROM plain WHERE id = 1;' >>"$work/without"
    tps -C -c 1 -t 150 -- 'SELECT nae_decrypt(nae) FROM secret WHERE id = 1;' >>"$work/with"
    tps -C -c 1 -t 150 -- "SELECT decrypt(aes, $key, 'aes') FROM secret WHERE id = 1;" >>"$work/pgcrypto"
  done
  echo "a new backend: us for connecting and one statement"
  for line in "plain select|without" "nae_decrypt|with" "pgcrypto decrypt|pgcrypto"; do
    printf '%-18s %8.0f\n' "${line%%|*}" "$(median <"$work/${line#*|}" | awk '{ print 1e6 / $1 }')"
  done
}

prepare
one_row_selects
echo
arrays
echo
first_call
