#!/usr/bin/env bash
# What do statements cost that meet the same encrypted values again: sub-selects, pairs of joins, the inner side of a
# nested loop? Beside the same statements on plaintext columns, in one run. Wants a stack of benchmarks/run in
# the environment (scripts/stack env) with the key bench-gcm. ROWS: default 20000; of pairs a tenth of that.
set -euo pipefail
rows="${ROWS:-20000}" pairs="$((${ROWS:-20000} / 10))"
. "$(dirname "$0")/timing.sh"

prepare() {
  make_database
  sql <<SQL
CREATE TABLE again_plain_a (id int PRIMARY KEY, memo text);
INSERT INTO again_plain_a SELECT i, 'memo of ' || md5(i::text) FROM generate_series(1, $rows) i;
CREATE TABLE again_plain_b (id int PRIMARY KEY, memo text);
INSERT INTO again_plain_b SELECT i, 'memo of ' || md5((i + $rows / 2)::text) FROM generate_series(1, $rows) i;
CREATE TABLE again_secret_a (id int PRIMARY KEY, memo nae.enc_text('bench-gcm'));
INSERT INTO again_secret_a SELECT * FROM again_plain_a;
CREATE TABLE again_secret_b (id int PRIMARY KEY, memo nae.enc_text('bench-gcm'));
INSERT INTO again_secret_b SELECT * FROM again_plain_b;
CREATE VIEW again_plain_few_a AS SELECT * FROM again_plain_a WHERE id <= $pairs;
CREATE VIEW again_plain_few_b AS SELECT * FROM again_plain_b WHERE id <= $pairs;
CREATE VIEW again_secret_few_a AS SELECT * FROM again_secret_a WHERE id <= $pairs;
CREATE VIEW again_secret_few_b AS SELECT * FROM again_secret_b WHERE id <= $pairs;
SQL
  psql -X -q -d benchmark -U postgres -c 'VACUUM ANALYZE'
}

# TABLES stands for again_plain and again_secret, by turns.
statements=(
  "NOT EXISTS||SELECT count(*) FROM TABLES_a a WHERE NOT EXISTS (SELECT FROM TABLES_b b WHERE b.memo = a.memo)"
  "NOT IN||SELECT count(*) FROM TABLES_a WHERE memo NOT IN (SELECT memo FROM TABLES_b)"
  "id = 5 OR IN||SELECT count(*) FROM TABLES_a WHERE id = 5 OR memo IN (SELECT memo FROM TABLES_b)"
  "= ANY (ARRAY(SELECT))||SELECT count(*) FROM TABLES_a WHERE memo = ANY (ARRAY(SELECT memo FROM TABLES_b LIMIT 500))"
  "JOIN ON a < b||SELECT count(*) FROM TABLES_few_a a JOIN TABLES_few_b b ON a.memo < b.memo"
  "JOIN ON a.id < b.id AND a < b||SELECT count(*) FROM TABLES_few_a a JOIN TABLES_few_b b ON a.id < b.id AND a.memo < b.memo"
  "correlated sub-select||SELECT sum((SELECT count(*) FROM TABLES_few_b b WHERE b.memo < a.memo)) FROM TABLES_few_a a"
  "inner filter of a nested loop|SET enable_hashjoin = off; SET enable_mergejoin = off|SELECT count(*) FROM TABLES_few_a a JOIN TABLES_b b USING (id) WHERE b.memo LIKE '%f1%'"
)

printf '%-34s %12s %12s %8s\n' "of $rows rows, $pairs in pairs" "plain, ms" "encrypted, ms" ratio
prepare
for line in "${statements[@]}"; do
  IFS='|' read -r name setting statement <<<"$line"
  work="$(mktemp -d "${TMPDIR:-/tmp}/nae-again-XXXXXX")"
  for ((round = 0; round < rounds; ++round)); do
    for side in plain secret; do
      ms_of "${setting:-SELECT}" "${statement//TABLES/again_$side}" >>"$work/$side"
    done
  done
  paste "$work/plain" "$work/secret" | awk '{ print $2 / $1 }' >"$work/ratio"
  printf '%-34s %12.1f %12.1f %8.2f\n' "$name" "$(median <"$work/plain")" "$(median <"$work/secret")" "$(median <"$work/ratio")"
  rm -rf "$work"
done
