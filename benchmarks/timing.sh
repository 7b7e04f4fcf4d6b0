# shellcheck shell=bash
# Sourced by the benchmarks that time statements: a database of their own, and medians of statements that
# run by turns. Wants a stack of benchmarks/run in the environment.
rounds="${ROUNDS:-3}"

sql() { psql -X -q -A -t -d benchmark -U benchmark "$@"; }
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

make_database() {
  psql -X -q -A -t -d postgres -U postgres <<'SQL'
SELECT 'CREATE DATABASE benchmark' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'benchmark') \gexec
SELECT 'CREATE ROLE benchmark LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'benchmark') \gexec
SQL
  psql -X -q -d benchmark -U postgres <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nae;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
GRANT CREATE ON SCHEMA public TO benchmark;
SELECT format('GRANT EXECUTE ON ROUTINE %s TO benchmark', d.objid::regprocedure)
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
WHERE e.extname = 'pg_nae' AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass \gexec
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
  work="$(mktemp -d "${TMPDIR:-/tmp}/nae-timing-XXXXXX")"
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

# ARGUMENTS OF PGBENCH -- SCRIPT: transactions a second.
tps() {
  local arguments=() script; script="$(mktemp "${TMPDIR:-/tmp}/nae-script-XXXXXX")"
  while [ "$1" != -- ]; do arguments+=("$1"); shift; done
  printf '%s\n' "$2" >"$script"
  pgbench -n -d benchmark -U benchmark -f "$script" "${arguments[@]}" 2>"$script.err" |
    awk '/^tps/ { print $3 }' || { cat "$script.err" >&2; exit 1; }
  rm -f "$script" "$script.err"
}
