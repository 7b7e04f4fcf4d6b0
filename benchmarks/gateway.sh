#!/usr/bin/env bash
# Requests a second through nae-gateway, beside nginx as a proxy before the same application, in one run: a JSON body of one KiB with two
# fields that are encrypted, the same body on a path that no route claims, and large bodies that stream through. 64 clients; both with
# two workers and a line of log for each request, in turns (NAE_ROUNDS, NAE_SECONDS each).
#   benchmarks/gateway.sh WORK      WORK: an empty directory that the asker may enter
set -euo pipefail
work="$(realpath "${1:?WORK}")"
# shellcheck source=benchmarks/host.sh
. "$(dirname "$0")/host.sh"
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
cp "$build/gateway/nae-gateway" "$work/"
# shellcheck disable=SC2034  # host.sh reads both
more_programs="[[program]]
name = \"nae-gateway\"
uid = \"$owner\"
executable = \"$work/nae-gateway\"
" more_policy='[[program]]
name = "nae-gateway"
[[rule]]
name = "the-gateway-writes"
roles = ["shop-web"]
programs = ["nae-gateway"]
keys = ["card", "pii"]
actions = ["encrypt"]
result = "value"
'
start_host "card:aes-256-siv pii:aes-256-gcm"

application="$(free_port)" proxy="$(free_port)" gateway="$(free_port)"
nginx_of() { # NAME LOG SERVER
  mkdir -p "$work/$1"
  printf 'pid %s/pid;\nerror_log %s/log;\nworker_processes 2;\ndaemon off;\nevents { worker_connections 512; }\nhttp {\n  access_log %s;\n  keepalive_requests 1000000;\n' \
    "$work/$1" "$work/$1" "$2"
  printf '  %s_temp_path %s;\n' client_body "$work/$1/1" proxy "$work/$1/2" fastcgi "$work/$1/3" uwsgi "$work/$1/4" scgi "$work/$1/5"
  printf '%s\n}\n' "$3"
}
# A large body is read to its end, into memory, before the answer.
stored="$(free_port)"
nginx_of application off "  server { listen 127.0.0.1:$stored; location / { return 200 stored; } }
  server {
    listen 127.0.0.1:$application; client_max_body_size 0; client_body_buffer_size 16m;
    location / { return 200 stored; }
    location /large { proxy_pass http://127.0.0.1:$stored; proxy_pass_request_body off; proxy_set_header Content-Length \"\"; }
  }" >"$work/application.conf"
nginx_of proxy "$work/proxy/access" "  upstream application { server 127.0.0.1:$application; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:$proxy; client_max_body_size 0;
    location / { proxy_pass http://application; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_request_buffering off; }
  }" >"$work/proxy.conf"
cat >"$work/gateway.toml" <<END
name = "shop-gateway"
listen = "127.0.0.1:$gateway"
agent_socket = "$work/agent/agent.sock"
workers = 2
[upstream]
address = "127.0.0.1:$application"
[[route]]
name = "sign-up"
methods = ["POST"]
path = "/customers"
role = "shop-web"
[[route.field]]
json = "/card"
action = "encrypt"
key = "card"
context = "shop"
deterministic = true
[[route.field]]
json = "/note"
action = "encrypt"
key = "pii"
END
# A run with an answer that is none fails: a refusal is faster than any work.
cat >"$work/post.lua" <<'END'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local size = tonumber(os.getenv("NAE_BODY_BYTES"))
local head = '{"name":"Ann","card":"4111111111111111","note":"prefers mail","filler":"'
wrk.body = head .. string.rep("x", size - #head - 2) .. '"}'
function done(summary, latency)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout + summary.errors.status
  io.write(string.format("%.1f %.0f %.0f %d\n", summary.requests / summary.duration * 1e6, latency:percentile(50), latency:percentile(99), failed))
end
END
chown -R "$owner" "$work"
become_owner nginx -c "$work/application.conf" -e "$work/application/log" 2>"$work/application.err" & pids+=($!)
become_owner nginx -c "$work/proxy.conf" -e "$work/proxy/log" 2>"$work/proxy.err" & pids+=($!)
become_owner "$work/nae-gateway" --config "$work/gateway.toml" >"$work/gateway.log" 2>&1 & pids+=($!)
for port in "$application" "$proxy" "$gateway"; do wait_until curl -sf "http://127.0.0.1:$port/ready"; done

# load PORT PATH BYTES CLIENTS: requests a second, p50 and p99 in microseconds
load() {
  local told
  told="$(NAE_BODY_BYTES="$3" wrk --threads 1 --connections "$4" --duration "${NAE_SECONDS:-4}s" --script "$work/post.lua" "http://127.0.0.1:$1$2" | tail -n 1)"
  [ "${told##* }" = 0 ] || { echo "of the requests to $2 some failed: $told" >&2; return 1; }
  echo "${told% *}"
}
printf '%-28s %14s %14s %7s %19s %19s\n' "64 clients" "nginx, req/s" "gateway, req/s" ratio "nginx p50, p99 ms" "gateway p50, p99 ms"
compare() { # LABEL PATH BYTES CLIENTS
  for _ in $(seq "${NAE_ROUNDS:-5}"); do
    printf '%s %s\n' "$(load "$proxy" "$2" "$3" "$4")" "$(load "$gateway" "$2" "$3" "$4")"
  done >"$work/rounds"
  python3 - "$1" "$work/rounds" <<'END'
import statistics, sys
rows = [[float(word) for word in line.split()] for line in open(sys.argv[2])]
middle = [statistics.median(column) for column in zip(*rows)]
ratio = statistics.median(row[3] / row[0] for row in rows)
print(f"{sys.argv[1]:28} {middle[0]:14,.0f} {middle[3]:14,.0f} {ratio:7.2f} {middle[1] / 1000:9.2f} {middle[2] / 1000:9.2f} {middle[4] / 1000:9.2f} {middle[5] / 1000:9.2f}")
END
}
compare "1 KiB, two fields encrypted" /customers 1024 64
compare "1 KiB, claimed by no route" /other 1024 64
compare "8 MiB, claimed by no route" /large 8388608 8
