#!/usr/bin/env bash
# Signatures through the PKCS#11 module beside SoftHSM2 over p11-kit remote, in one run. Policy and audit are on, keys are
# in SoftHSM2 on both sides.      benchmarks/signatures.sh WORK      WORK: an empty directory that the asker may enter
set -euo pipefail
work="$(realpath "${1:?WORK}")"
# shellcheck source=benchmarks/host.sh
. "$(dirname "$0")/host.sh"
cp "$build/benchmarks/nae-benchmark-signatures" "$work/"
start_host "web:ecdsa-p256 codes:hmac-sha-256-raw" "$work/nae-benchmark-signatures"

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
