#!/usr/bin/env bash
# What do many rows cost through SQL, beside pgcrypto on the same rows in the same run? Wants a stack
# of benchmarks/run in the environment (scripts/stack env) with the key bench-gcm. ROWS: default 1000000.
set -euo pipefail
rows="${ROWS:-1000000}"
key="'\\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'"

. "$(dirname "$0")/timing.sh"

prepare() {
  make_database
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
