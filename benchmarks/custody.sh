#!/usr/bin/env bash
# A backup granted by 3 of 5 custodians' cards, end to end, beside `nae-keyserver backup` of the same store in one run: the ceremony, what
# each card takes, making and fetching the file; a start with so many keys; and the restore from it by 3 cards. Cards are files (RSA-2048), the HSM is SoftHSM.
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
trap 'kill $pid 2>/dev/null || true' EXIT
serve
for ((at = 0; at < keys; at += 500)); do
  for ((n = at; n < at + 500 && n < keys; n++)); do echo "key create k$n --type aes-256-gcm"; done | nae batch >/dev/null
done

echo "| $keys keys, a store of $(($(stat -c %s "$server/keys.db") / 1024)) KiB | |"
echo "|---|---|"
from="$(now)"
nae_keyserver backup --config "$server/nae-keyserver.toml" --out "$work/plain.db" >/dev/null
took "nae-keyserver backup, for comparison" "$from"
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
kill $pid
wait $pid || true
from="$(now)"
serve
took "a start, until it answers: ledger, keys and their bindings are compared" "$from"
kill $pid
wait $pid || true
rm -r "$server"/hsm/tokens/* "$server"/keys.db*
from="$(now)"
nae_keyserver restore --config "$server/nae-keyserver.toml" --backup "$work/sealed.nae" \
  --software-card "$work/bob.card" --passphrase-file "$work/bob.pass" --software-card "$work/dora.card" --passphrase-file "$work/dora.pass" \
  --software-card "$work/erin.card" --passphrase-file "$work/erin.pass" >/dev/null
took "restored by 3 cards onto a new token, each key version opened" "$from"
