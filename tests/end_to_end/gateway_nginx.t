#!/usr/bin/python3 -B
# nginx in front of the gateway, as packaging/nginx/nginx.conf has it: HTTP/2, a cache, and TLS by a key that is in the HSM.
import os
import re
import socket
import ssl
import subprocess

from end_users import bearer
from gateway_programs_routes import ROLES, ROUTES, RULES, table
from gateway_shop import FrameworkShop, Shop, ask, files_with, free_port, memory_has
from harness import OWNER, ROOT, Tap, give_to_owner, run, wait_until
from unix_programs import USER, engine_configuration

NGINX, CARD, OTHER, NOTE = "/usr/sbin/nginx", "4111111111111111", "4000056655665556", "canary 7d1f"
SIGNS = f"""
[[program]]
name = "web"
[[rule]]
name = "nginx-serves"
roles = ["unix:{USER}"]
programs = ["web"]
keys = ["shop"]
actions = ["sign"]
result = "value"
"""
PROGRAMS = [NGINX, "/usr/bin/openssl"]


class Nginx:
    """The packaged configuration, on another port and with files of its own."""
    def __init__(self, shop, gateway_port):
        self.directory = shop.path / "nginx"
        (self.directory / "cache").mkdir(parents=True)
        self.port = free_port()
        self.environment = {**os.environ, "NAE_PKCS11": f"socket={shop.stack.agent_socket}", "OPENSSL_CONF": str(self.directory / "openssl.cnf"), "HOME": str(self.directory)}
        (self.directory / "openssl.cnf").write_text(engine_configuration("DNS:shop.example"))
        text = (ROOT / "packaging/nginx/nginx.conf").read_text()
        for packaged, here in (("user www-data;\n", "daemon off;\n"), ("/run/nginx.pid", str(self.directory / "nginx.pid")), ("/var/log/nginx", str(self.directory)),
                               ("/var/cache/nginx/shop", str(self.directory / "cache")), ("/etc/nginx/shop.pem", str(self.directory / "shop.pem")),
                               ("127.0.0.1:8080", f"127.0.0.1:{gateway_port}"), ("listen 443", f"listen 127.0.0.1:{self.port}"),
                               ("worker_processes auto", "worker_processes 2")):
            if text.count(packaged) == 0:
                raise RuntimeError(f"the packaged configuration has no {packaged!r}")
            text = text.replace(packaged, here)
        places = "".join(f"  {what}_temp_path {self.directory}/{what};\n" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.directory / "nginx.conf").write_text(text.replace("http {\n", "http {\n" + places))
        give_to_owner(self.directory, *self.directory.iterdir())

    def start(self):
        with open(self.directory / "out.log", "ab") as log:
            self.process = subprocess.Popen([NGINX, "-c", self.directory / "nginx.conf", "-e", self.directory / "error.log"], cwd="/", stdout=log, stderr=log,
                                            env=self.environment, stdin=subprocess.DEVNULL, start_new_session=True, **OWNER)
        if not wait_until(lambda: self.curl("/nothing")[0] != 0):
            raise RuntimeError(f"nginx did not start:\n{(self.directory / 'out.log').read_text()}{(self.directory / 'error.log').read_text()}")

    def curl(self, path, *options):
        """Status, version of HTTP, and body."""
        done = subprocess.run(["curl", "-s", "--cacert", self.directory / "shop.pem", "--resolve", f"shop.example:{self.port}:127.0.0.1", "-w", "\n%{http_code} %{http_version}",
                               *options, f"https://shop.example:{self.port}{path}"], capture_output=True, text=True, timeout=60)
        body, last = done.stdout.rsplit("\n", 1)
        status, version = last.split()
        return int(status), version, body

    def raw(self, data):
        """What comes back for these bytes over TLS, HTTP/1.1."""
        context = ssl.create_default_context(cafile=self.directory / "shop.pem")
        context.set_alpn_protocols(["http/1.1"])
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname="shop.example") as connection:
                connection.sendall(data)
                read = b""
                try:
                    while part := connection.recv(1 << 16):
                        read += part
                except (TimeoutError, ConnectionResetError, ssl.SSLError):
                    pass
                return read


for program in PROGRAMS:
    if not os.path.exists(program):
        raise SystemExit(f"{program} is missing")
with Tap() as tap, Shop(rules=RULES + SIGNS, table=ROLES, application=False, keys="shop:ecdsa-p256", programs=[("web", path) for path in PROGRAMS]) as shop:
    shop.sql(None, table("secret_express", "nae.enc_det_text('customer-card', 'context=shop')", "nae.enc_text('customer-pii')"))
    express = FrameworkShop(shop, ["node", "shop_express.cjs"], "secret_express")
    gateway = shop.gateway_before(express.port, ROUTES, top='trusted_proxies = ["127.0.0.1"]')
    nginx = Nginx(shop, gateway.port)
    made = run("openssl", "req", "-new", "-x509", "-engine", "pkcs11", "-keyform", "engine", "-key", "pkcs11:token=NAE;object=shop;type=private", "-subj", "/CN=shop.example",
               "-days", "30", "-out", nginx.directory / "shop.pem", env=nginx.environment)
    tap.ok(made.returncode == 0, "a certificate for a key that nobody has", made.stderr)
    give_to_owner(nginx.directory / "shop.pem")
    nginx.start()
    try:
        json_header = ("-H", "Content-Type: application/json")
        status, version, body = nginx.curl("/api/customers", *json_header, "-d", f'{{"name":"Ann","card":"{CARD}","note":"{NOTE}"}}')
        tap.is_((status, version, body), (201, "2", '{"id":1}'), "a customer signs up by HTTP/2")
        tap.is_(nginx.curl(f"/customers?card={CARD}", "--http1.1")[:2], (200, "1.1"), "and is found by HTTP/1.1")
        tap.is_(nginx.curl(f"/customers?card={CARD}")[2], '[{"id":1,"name":"Ann"}]', "by the card, which the application does not see")
        big = "x" * 300_000
        (shop.path / "big.json").write_text(f'{{"name":"Big","card":"{OTHER}","note":"{NOTE} {big}"}}')
        tap.is_(nginx.curl("/api/customers", *json_header, "-d", f"@{shop.path / 'big.json'}")[0], 201, "a body that is larger than any buffer goes through")
        token = ("-H", f"Authorization: {bearer('alice')['Authorization']}")
        for _ in range(2):
            tap.is_(nginx.curl("/api/customers/1", *token)[2], f'{{"id":1,"name":"Ann","card":"{CARD}","note":"{NOTE}"}}', "who may, sees it")
        tap.ok(CARD not in nginx.curl("/api/customers/1")[2], "and the next one does not get that answer")
        first, second = nginx.curl("/catalogue"), nginx.curl("/catalogue")
        tap.is_((first[2], second[2]), ('{"made":1}', '{"made":1}'), "what everybody may have is kept")
        tap.ok(list((nginx.directory / "cache").rglob("*")), "in the cache")

        log = lambda: express.log.read_text()
        tap.like(log(), r'"x-forwarded-for":"127\.0\.0\.1, 127\.0\.0\.1","x-forwarded-proto":"https"', "the application hears of the client behind nginx")
        before = log().count("smuggled")
        attacks = {
            "two lengths": b"Content-Length: 4\r\nContent-Length: 44\r\n\r\nabcd",
            "a length and chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n",
            "chunks by another name": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n",
            "a blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n",
            "a folded line": b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\nGET /smuggled-by-fold HTTP/1.0\r\n\r\n",
            "a chunk's size that is none": b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n",
            "a bare line feed in a chunk": b"Transfer-Encoding: chunked\r\n\r\n1;x\ny\r\na\r\n0\r\n\r\n",
        }
        for name, rest in attacks.items():
            answer = nginx.raw(b"POST /api/customers HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Type: application/json\r\n" + rest)
            statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", answer)]
            tap.ok(len(statuses) <= 1 and not (statuses and statuses[0] < 400), f"{name}: one answer at most, and none that says yes", answer[:400])
        tap.is_(log().count("smuggled"), before, "and no second request reached the application")

        with gateway.stopped():
            tap.is_(nginx.curl(f"/customers?card={OTHER}")[0], 502, "nginx without the gateway")
            tap.is_(nginx.curl("/api/customers", *json_header, "-d", f'{{"name":"Eve","card":"{OTHER}"}}')[0], 502, "passes nothing by it")
        for text in (CARD, OTHER, NOTE):
            tap.is_(files_with([nginx.directory, express.directory, express.log, gateway.log, shop.stack.path / "data", shop.stack.path / "postgresql.log"], text), [],
                    f"{text!r} is in no file: no log, cache, buffer of nginx, table or WAL")
            tap.ok(not memory_has(express.process.pid, text), "nor in the application's memory")
        signed = [record for record in shop.stack.key_server.audit("--action", "sign") if record["key"] == "shop"]
        tap.ok({(record["program"], record["role"]) for record in signed} == {("web", f"unix:{USER}")}, "each handshake's signature is in the audit log", len(signed))
        tap.is_(files_with([nginx.directory], "PRIVATE KEY"), [], "nginx has no file with a private key")
        tap.is_(ask(gateway.port, "GET", "/catalogue")[0], 200, "the gateway serves on")
    finally:
        nginx.process.terminate()
        nginx.process.wait(timeout=30)
        express.stop()
