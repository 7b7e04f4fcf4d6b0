#!/usr/bin/env bash
# Handshakes a second of nginx whose private keys are keys of a key server, beside the same nginx with keys in files, in one
# run: 16 clients, no sessions resumed. Each nginx has two workers (NAE_WORKERS), and a worker waits for its signature.
#   benchmarks/handshakes.sh WORK      WORK: an empty directory that the asker may enter
set -euo pipefail
work="$(realpath "${1:?WORK}")"
# shellcheck source=benchmarks/host.sh
. "$(dirname "$0")/host.sh"
start_host "web:ecdsa-p256 api:rsa-2048" /usr/sbin/nginx

for key in web api; do nae key csr "$key" --subject /CN=localhost >"$work/$key.csr"; done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" -subj /CN=ca -days 2 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/web.key"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/api.key" 2>/dev/null
for key in web api; do
  openssl x509 -req -in "$work/$key.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 -out "$work/$key.nae.pem" 2>/dev/null
  openssl req -new -key "$work/$key.key" -subj /CN=localhost |
    openssl x509 -req -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 -out "$work/$key.file.pem" 2>/dev/null
done
cat >"$work/openssl.cnf" <<END
openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = nae
[nae]
engine_id = pkcs11
dynamic_path = /usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so
MODULE_PATH = $work/libnae-pkcs11.so
init = 0
END

# configuration NAME ENGINE: of nginx, with a server for each key; their ports go to $work/ports
configuration() {
  local name="$1" engine="$2" folder="$work/nginx-$1" key port
  mkdir "$folder"
  printf 'pid %s/pid;\nerror_log %s/log;\nworker_processes %s;\ndaemon off;\n%s\nevents { worker_connections 256; }\nhttp {\n  access_log off;\n' \
    "$folder" "$folder" "${NAE_WORKERS:-2}" "$engine"
  printf '  %s_temp_path %s;\n' client_body "$folder/1" proxy "$folder/2" fastcgi "$folder/3" uwsgi "$folder/4" scgi "$folder/5"
  printf '  ssl_protocols TLSv1.3;\n  ssl_session_tickets off;\n  ssl_session_cache off;\n'
  for key in web api; do
    port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
    printf '  server { listen 127.0.0.1:%s ssl; ssl_certificate %s; ssl_certificate_key "%s"; location / { return 204; } }\n' \
      "$port" "$work/$key.$name.pem" "$([ "$name" = nae ] && echo "engine:pkcs11:pkcs11:token=NAE;object=$key;type=private" || echo "$work/$key.key")"
    echo "$key $name $port" >>"$work/ports"
  done
  echo '}'
}
servers=()
configuration nae 'ssl_engine pkcs11; env OPENSSL_CONF; env NAE_PKCS11;' >"$work/nae.conf"
configuration file '' >"$work/file.conf"
chown -R "$owner" "$work"
become_owner env OPENSSL_CONF="$work/openssl.cnf" NAE_PKCS11="socket=$work/agent/agent.sock" nginx -c "$work/nae.conf" -e "$work/nginx-nae/log" 2>"$work/nae.err" & pids+=($!)
become_owner nginx -c "$work/file.conf" -e "$work/nginx-file/log" 2>"$work/file.err" & pids+=($!)
for key in web api; do
  for name in nae file; do
    port="$(sed -n "s/^$key $name //p" "$work/ports")"
    wait_until openssl s_client -connect "127.0.0.1:$port"
    servers+=("$key=$name=$port")
  done
done
"$build/benchmarks/nae-benchmark-handshakes" "${servers[@]}"
