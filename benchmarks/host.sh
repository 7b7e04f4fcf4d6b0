# shellcheck shell=bash
# Sourced: a key server and an agent for programs that are no databases, in the empty directory $work.
#   start_host "NAME:TYPE..." EXECUTABLE...      keys that the owner of the programs may sign and make codes with
# $more_policy and $more_programs, when set, are added to the policy and to the agent's configuration.
work="${work:?}"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
build="${NAE_BUILD:-$root/build}"
as_owner() { if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
owner="$(as_owner id -un)"
# In the background: what $! names is then the program, or runuser, which hands signals on.
become_owner() { if [ "$(id -u)" -eq 0 ]; then exec runuser -u postgres -- "$@"; else exec "$@"; fi; }
pids=()
trap '[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true; wait' EXIT
wait_until() { local tries=0; until "$@" >/dev/null 2>&1; do tries=$((tries + 1)); [ $tries -lt 200 ] || { echo "never: $*" >&2; exit 1; }; sleep 0.1; done; }
nae() { "$work/nae" --config "$work/keyserver/admin/cli.toml" "$@"; }

start_host() {
  local keys="$1" key program
  shift
  cp "$build/keyserver/nae-keyserver" "$build/agent/nae-agent" "$build/cli/nae" "$build/pkcs11/libnae-pkcs11.so" "$work/"
  chown -R "$owner" "$work"
  as_owner "$work/nae-keyserver" init --directory "$work/keyserver" --listen 127.0.0.1:0 >"$work/init.log"
  become_owner "$work/nae-keyserver" run --config "$work/keyserver/nae-keyserver.toml" >"$work/keyserver.log" 2>&1 & pids+=($!)
  wait_until nae status
  nae device enroll web1 --out "$work/agent" >/dev/null
  for key in $keys; do nae key create "${key%%:*}" --type "${key#*:}" >/dev/null; done
  cat >"$work/policy.toml" <<END
version = 2
[[device]]
name = "web1"
[[program]]
name = "benchmark"
[[rule]]
name = "signs"
roles = ["unix:$owner"]
keys = [$(for key in $keys; do printf '"%s", ' "${key%%:*}"; done)]
actions = ["sign", "mac"]
result = "value"
${more_policy:-}
END
  nae policy apply "$work/policy.toml" >/dev/null
  cat >"$work/agent/agent.toml" <<END
socket = "$work/agent/agent.sock"
servers = ["$(sed -n 's/^listen *= *"\(.*\)"/\1/p' "$work/keyserver/nae-keyserver.toml")"]
[tls]
certificate = "web1.pem"
key = "web1.key"
authority = "authority.pem"
END
  for program in "$@"; do
    printf '[[program]]\nname = "benchmark"\nuid = "%s"\nexecutable = "%s"\nroles = "unix"\n' "$owner" "$(realpath "$program")"
  done >>"$work/agent/agent.toml"
  printf '%s' "${more_programs:-}" >>"$work/agent/agent.toml"
  chown -R "$owner" "$work/agent"
  become_owner "$work/nae-agent" --config "$work/agent/agent.toml" >"$work/agent.log" 2>&1 & pids+=($!)
  wait_until test -S "$work/agent/agent.sock"
}
