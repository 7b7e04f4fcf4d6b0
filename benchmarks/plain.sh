#!/usr/bin/env bash
# What does a statement without cryptography pay where the library is loaded? pgbench -S on two servers of the
# same data, one with pg_nae in shared_preload_libraries and one without, by turns. Wants a stack of
# benchmarks/run in the environment (scripts/stack env). Client and server share one core: without that the
# cores on which they happen to run differ by more than what is asked. ROUNDS: default 21.
set -euo pipefail
[ -n "${PINNED:-}" ] || PINNED=1 exec taskset -c 0 "$0"
rounds="${ROUNDS:-21}" seconds=1
# The user that PostgreSQL runs as may not be able to enter TMPDIR, so everything lies beside the stack's data.
stack_data="$(psql -X -A -t -d postgres -U postgres -c 'SHOW data_directory')"
work="$stack_data-plain"

as_owner() { if [ "$(id -u)" -eq 0 ]; then (cd / && runuser -u postgres -- env PATH="$PATH" "$@"); else "$@"; fi; }
stop() {
  for name in with without; do as_owner pg_ctl -D "$work/$name" -m immediate stop >/dev/null 2>&1 || true; done
  rm -rf "$work"
}
trap stop EXIT

port() { case "$1" in with) echo 5501 ;; without) echo 5502 ;; esac; }
start() { as_owner pg_ctl -D "$work/$1" -l "$work/$1.log" -w -o "-p $(port "$1")" start >/dev/null; }
prepare() {
  rm -rf "$work"
  if [ "$(id -u)" -eq 0 ]; then install -d -o postgres "$work"; else mkdir "$work"; fi
  as_owner initdb -D "$work/without" -U postgres -A trust >/dev/null
  printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$work'" 'shared_buffers = 512MB' \
    'autovacuum = off' >>"$work/without/postgresql.conf"
  start without
  pgbench -h "$work" -p "$(port without)" -U postgres -d postgres -i -s 10 -q >/dev/null 2>&1
  as_owner pg_ctl -D "$work/without" -w stop >/dev/null
  as_owner cp -a "$work/without" "$work/with"
  printf '%s\n' "shared_preload_libraries = 'pg_nae'" "nae.agent = 'external'" >>"$work/with/postgresql.conf"
  start with
  start without
}

tps() { # SERVER MODE
  pgbench -h "$work" -p "$(port "$1")" -U postgres -d postgres -n -S -M "$2" -c 1 -T "$seconds" 2>/dev/null |
    awk '/^tps/ { print $3 }'
}
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

prepare
printf '%-10s %12s %12s %8s\n' 'pgbench -S' 'with, tps' 'without' 'ratio'
for mode in simple prepared; do
  for server in with without; do tps "$server" "$mode" >/dev/null; done  # what is cold warms up
  with=() without=() ratio=()
  for ((round = 0; round < rounds; ++round)); do
    a="$(tps with "$mode")" b="$(tps without "$mode")"
    with+=("$a") without+=("$b") ratio+=("$(awk -v a="$a" -v b="$b" 'BEGIN { print a / b }')")
  done
  printf '%-10s %12.0f %12.0f %8.3f\n' "$mode" "$(printf '%s\n' "${with[@]}" | median)" \
    "$(printf '%s\n' "${without[@]}" | median)" "$(printf '%s\n' "${ratio[@]}" | median)"
done
