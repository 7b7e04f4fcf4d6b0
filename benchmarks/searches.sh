#!/usr/bin/env bash
# What do writes of many rows cost into a column with a search index, by the kind of the index? Beside the same column without
# one; and beside one with a column of as many numbers as words have codes and a GIN index on it, which PostgreSQL itself keeps: what
# is over that is ours. pg_trgm over plaintexts is what users would have instead. And what does a range cost, beside plaintexts with an
# index and beside all rows decrypted? All in one run. Wants a stack of benchmarks/run in the
# environment (scripts/stack env) with the key bench-gcm. ROWS: default 100000.
set -euo pipefail
rows="${ROWS:-100000}"
. "$(dirname "$0")/timing.sh"

prepare() {
  make_database
  psql -X -q -d benchmark -U postgres -c "SELECT nae.grant_migration('benchmark')" -c 'CREATE EXTENSION IF NOT EXISTS pg_trgm' \
    -c 'GRANT pg_read_server_files, pg_write_server_files TO benchmark' >/dev/null
  sql <<SQL
SET client_min_messages = warning;
CREATE TABLE search_source (id int PRIMARY KEY, name text);
INSERT INTO search_source SELECT i, (ARRAY['Paul', 'Anna', 'José', 'Maria', 'Peter', 'Susan', 'Oliver', 'Emma'])[1 + i % 8] || ' '
  || initcap(substr(md5((i % 5000)::text), 1, 7)) || '@example' || i % 50 || '.org' FROM generate_series(1, $rows) AS i;
CREATE TABLE search_numbers AS SELECT id, name, ARRAY[hashtext(split_part(name, ' ', 1)) & 65535, hashtext(substr(split_part(name, ' ', 2), 1, 4)) & 65535,
  hashtext('exam') & 65535, hashtext('org') & 65535] AS codes FROM search_source;
CREATE TABLE search_none (id int, name nae.enc_text('bench-gcm'));
CREATE TABLE search_gin (id int, name nae.enc_text('bench-gcm'), codes int[]);
CREATE INDEX ON search_gin USING gin (codes);
CREATE TABLE search_trgm (id int, name text);
CREATE INDEX ON search_trgm USING gin (name gin_trgm_ops);
SQL
  for kind in word whole domain last4; do
    sql -c "SET client_min_messages = warning" -c "CREATE TABLE search_$kind (id int, name nae.enc_text('bench-gcm'))" \
      -c "CALL nae.add_search('search_$kind', 'name', '$kind')"
  done
  psql -X -q -d benchmark -U postgres -c 'VACUUM ANALYZE'
}

tables=("encrypted|none|source" "and four numbers, GIN|gin|numbers" "word|word|source" "whole|whole|source" "domain|domain|source"
        "last4|last4|source" "plaintext, pg_trgm|trgm|source")

# STATEMENT, in which TABLE stands for each table by turns, and SOURCE for where its rows are from.
of_each() {
  local lines=() line name table source statement
  for line in "${tables[@]}"; do
    IFS='|' read -r name table source <<<"$line"
    statement="${1//TABLE/search_$table}"
    lines+=("$name|TRUNCATE search_$table|${statement//SOURCE/$source}")
  done
  compare "$rows" "${lines[@]}"
}

prepare
echo "-- INSERT ... SELECT of $rows rows"
of_each 'INSERT INTO TABLE SELECT * FROM search_SOURCE'
echo "-- COPY FROM of $rows lines"
directory="$(psql -X -A -t -d postgres -U postgres -c 'SHOW data_directory')"
for source in source numbers; do sql -c "COPY search_$source TO '$directory/search_$source.copy'"; done
columns() { case "$1" in *numbers*) echo "id, name, codes" ;; *) echo "id, name" ;; esac; }
lines=()
for line in "${tables[@]}"; do
  IFS='|' read -r name table source <<<"$line"
  lines+=("$name|TRUNCATE search_$table|COPY search_$table ($(columns "$source")) FROM '$directory/search_$source.copy'")
done
compare "$rows" "${lines[@]}"
psql -X -q -d benchmark -U postgres -c "COPY (SELECT 1) TO PROGRAM 'rm -f $directory/search_source.copy $directory/search_numbers.copy'"

# Two percent of dates, by month, and of amounts, by ratio: a count of those within, whose condition is looked at again.
sql <<SQL
SET client_min_messages = warning;
CREATE TABLE range_source (id int, born date, amount numeric);
INSERT INTO range_source SELECT i, '1935-01-01'::date + (i * 7919 % 25568), round(exp(random() * 9)::numeric, 2) FROM generate_series(1, $rows) AS i;
CREATE TABLE range_plain AS SELECT * FROM range_source;
CREATE INDEX ON range_plain (born);
CREATE INDEX ON range_plain (amount);
CREATE TABLE range_none (id int, born nae.enc_date('bench-gcm'), amount nae.enc_numeric('bench-gcm'));
INSERT INTO range_none SELECT * FROM range_source;
CREATE TABLE range_bucket (LIKE range_none);
INSERT INTO range_bucket SELECT * FROM range_none;
CALL nae.add_search('range_bucket', 'born', 'bucket');
CALL nae.add_search('range_bucket', 'amount', 'bucket');
SQL
psql -X -q -d benchmark -U postgres -c 'VACUUM ANALYZE'
of_range() { # CONDITION
  compare "$rows" "plaintext, btree|SELECT|SELECT count(*) FROM range_plain WHERE $1" "bucket|SELECT|SELECT count(*) FROM range_bucket WHERE $1" \
    "decrypted, all rows|SELECT|SELECT count(*) FROM range_none WHERE $1"
}
echo "-- A range of dates in $rows rows"
of_range "born BETWEEN '1980-01-01' AND '1981-05-31'"
echo "-- A range of amounts in $rows rows"
of_range 'amount BETWEEN 1000 AND 1197'
