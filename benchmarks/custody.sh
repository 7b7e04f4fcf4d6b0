#!/usr/bin/env bash
# A backup granted by 3 of 5 custodians' cards, end to end, beside `nae-keyserver backup` of the same store in one run: the ceremony, what
# each card takes, making and fetching the file; a start with so many keys, its memory, and a change; and the restore from it by 3 cards. Cards are
# files (RSA-2048), the HSM is SoftHSM. Keys are made by make_keys.cpp: by calls of an administrator each would cost more than the one before.
#   benchmarks/custody.sh WORK [KEYS]     WORK: an empty directory; KEYS: in the store, 2000 by default
set -euo pipefail
work="$(realpath "${1:?WORK}")"
keys="${2:-2000}"
root="$(cd "$(dirname "$0")/.." && pwd)"
build="${NAE_BUILD:-$root/build}"
server="$work/server"
names=(alice bob carol dora erin)

now() { date +%s%N; }
# took NAME FROM: milliseconds since
took() { printf '| %s | %d ms |\n' "$1" "$((($(now) - $2) / 1000000))"; }
# alone NAME COMMAND...: milliseconds, and those of a processor, which other work on the machine does not lengthen
alone() {
  local name="$1" from TIMEFORMAT='%U %S'
  shift
  from="$(now)"
  { time "$@" >/dev/null 2>"$work/error"; } 2>"$work/times" || { cat "$work/error" >&2; exit 1; }
  printf '| %s | %d ms, of a processor %d ms |\n' "$name" "$((($(now) - from) / 1000000))" "$(awk '{ print ($1 + $2) * 1000 }' "$work/times")"
}
nae() { "$build/cli/nae" --config "$server/admin/cli.toml" "$@"; }
nae_keyserver() { "$build/keyserver/nae-keyserver" "$@"; }

cards=()
for name in "${names[@]}"; do
  openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout "$work/$name.key" -out "$work/$name.pem" 2>/dev/null
  (umask 077
    echo "of $name" >"$work/$name.pass"
    openssl pkcs8 -topk8 -v2 aes-256-cbc -in "$work/$name.key" -out "$work/$name.card" -passout "pass:of $name")
  cards+=(--card "$work/$name.pem")
done
nae_keyserver init --directory "$server" --listen 127.0.0.1:0 --custody 3/5 "${cards[@]}" >/dev/null
printf "[approval]\nrequired = ['admin-change', 'backup']\nby_cards = ['backup']\ncards = 3\ncustody = 'custody.nae'\n" >>"$server/nae-keyserver.toml"
serve() {
  "$build/keyserver/nae-keyserver" run --config "$server/nae-keyserver.toml" 2>"$work/log" &
  pid=$!
  until nae status >/dev/null 2>&1; do sleep 0.05; done
}
stop() {
  kill "$pid"
  wait "$pid" || true
}
# processor_ms, memory_mib: of the server until now
processor_ms() { awk '{ print ($14 + $15) * 10 }' "/proc/$pid/stat"; }
memory_mib() { awk '/^'"$1"':/ { print int($2 / 1024) }' "/proc/$pid/status"; }
trap 'kill $pid 2>/dev/null || true' EXIT
made="$(alone "made beforehand, by the key server's code without a server" "$build/benchmarks/nae-benchmark-make-keys" "$server/nae-keyserver.toml" "$keys")"
serve

echo "| $keys keys, a store of $(($(stat -c %s "$server/keys.db") / 1024)) KiB | |"
echo "|---|---|"
echo "$made"
from="$(now)" used="$(processor_ms)"
for n in {1..20}; do echo "key create later-$n --type aes-256-gcm"; done | nae batch >/dev/null
printf '| a change by an administrator, of 20 | %d ms, of the processor %d ms |\n' "$((($(now) - from) / 20000000))" "$((($(processor_ms) - used) / 20))"
alone "nae-keyserver backup, for comparison" nae_keyserver backup --config "$server/nae-keyserver.toml" --out "$work/plain.db"
whole="$(now)"
request="$(nae backup --out "$work/sealed.nae" --json | sed -E 's/.*"id":"([0-9a-f]{16})".*/\1/' || true)"
for name in alice bob carol; do
  from="$(now)"
  nae custody approve "$request" --yes --software-card "$work/$name.card" --passphrase-file "$work/$name.pass" >/dev/null || [ $? -eq 5 ]
  took "the card of $name$([ "$name" != carol ] || echo ', and the backup is made and opened again')" "$from"
done
from="$(now)"
nae backup --out "$work/sealed.nae" --granted "$request" >/dev/null
took "fetched and read back, $(($(stat -c %s "$work/sealed.nae") / 1024)) KiB" "$from"
took "the ceremony of 3 of 5, from the question to the file" "$whole"
stop
from="$(now)"
serve
took "a start, until it answers: ledger, keys and their bindings are compared" "$from"
echo "| its processor time | $(processor_ms) ms |"
echo "| its memory then, and the most until then | $(memory_mib VmRSS) and $(memory_mib VmHWM) MiB |"
stop
rm -r "$server"/hsm/tokens/* "$server"/keys.db*
alone "restored by 3 cards onto a new token, each key version opened" \
  nae_keyserver restore --config "$server/nae-keyserver.toml" --backup "$work/sealed.nae" \
  --software-card "$work/bob.card" --passphrase-file "$work/bob.pass" --software-card "$work/dora.card" --passphrase-file "$work/dora.pass" \
  --software-card "$work/erin.card" --passphrase-file "$work/erin.pass"
