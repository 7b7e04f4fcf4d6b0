#!/usr/bin/env bash
# Signatures through the PKCS#11 module beside SoftHSM2 over p11-kit remote, in one run. Policy and audit are on, keys are
# in SoftHSM2 on both sides.      benchmarks/signatures.sh WORK      WORK: an empty directory that the asker may enter
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
build="${NAE_BUILD:-$root/build}"
work="$(realpath "${1:?WORK}")"
as_owner() { if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
owner="$(as_owner id -un)"
# In the background: what $! names is then the program, or runuser, which hands signals on.
become_owner() { if [ "$(id -u)" -eq 0 ]; then exec runuser -u postgres -- "$@"; else exec "$@"; fi; }
cp "$build/benchmarks/nae-benchmark-signatures" "$build/keyserver/nae-keyserver" "$build/agent/nae-agent" "$build/cli/nae" \
  "$build/pkcs11/libnae-pkcs11.so" "$work/"
chown -R "$owner" "$work"
pids=()
trap '[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true; wait' EXIT
wait_until() { local tries=0; until "$@" >/dev/null 2>&1; do tries=$((tries + 1)); [ $tries -lt 200 ] || { echo "never: $*" >&2; exit 1; }; sleep 0.1; done; }

as_owner "$work/nae-keyserver" init --directory "$work/keyserver" --listen 127.0.0.1:0 >"$work/init.log"
become_owner "$work/nae-keyserver" run --config "$work/keyserver/nae-keyserver.toml" >"$work/keyserver.log" 2>&1 & pids+=($!)
nae() { "$work/nae" --config "$work/keyserver/admin/cli.toml" "$@"; }
wait_until nae status
nae device enroll web1 --out "$work/agent" >/dev/null
nae key create web --type ecdsa-p256 >/dev/null
nae key create codes --type hmac-sha-256-raw >/dev/null
cat >"$work/policy.toml" <<END
version = 2
[[device]]
name = "web1"
[[program]]
name = "benchmark"
[[rule]]
name = "signs"
roles = ["unix:$owner"]
keys = ["web", "codes"]
actions = ["sign", "mac"]
result = "value"
END
nae policy apply "$work/policy.toml" >/dev/null
cat >"$work/agent/agent.toml" <<END
socket = "$work/agent/agent.sock"
servers = ["$(sed -n 's/^listen *= *"\(.*\)"/\1/p' "$work/keyserver/nae-keyserver.toml")"]
[tls]
certificate = "web1.pem"
key = "web1.key"
authority = "authority.pem"
[[program]]
name = "benchmark"
uid = "$owner"
executable = "$work/nae-benchmark-signatures"
roles = "unix"
END
chown -R "$owner" "$work/agent"
become_owner "$work/nae-agent" --config "$work/agent/agent.toml" >"$work/agent.log" 2>&1 & pids+=($!)
wait_until test -S "$work/agent/agent.sock"

# The yardstick: the same kind of keys on a token of its own, behind p11-kit's server.
export SOFTHSM2_CONF="$work/softhsm2.conf"
mkdir "$work/tokens"
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\n' "$work" >"$SOFTHSM2_CONF"
chown -R "$owner" "$work/tokens" "$SOFTHSM2_CONF"
softhsm() { as_owner pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label yard --login --pin 1234 "$@" >/dev/null 2>&1; }
as_owner softhsm2-util --init-token --free --label yard --so-pin 1234 --pin 1234 >/dev/null
softhsm --keypairgen --key-type EC:prime256v1 --label web --id 01
softhsm --keygen --key-type GENERIC:32 --label codes --id 02 --usage-sign
become_owner p11-kit server -f -n "$work/p11-kit.sock" --provider /usr/lib/softhsm/libsofthsm2.so 'pkcs11:token=yard' >"$work/p11-kit.log" 2>&1 & pids+=($!)
wait_until test -S "$work/p11-kit.sock"
as_owner env NAE_PKCS11="socket=$work/agent/agent.sock" P11_KIT_SERVER_ADDRESS="unix:path=$work/p11-kit.sock" \
  "$work/nae-benchmark-signatures" "NAE=$work/libnae-pkcs11.so" "p11-kit remote=/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so"
