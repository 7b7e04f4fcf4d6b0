#!/usr/bin/python3 -B
# nae-gateway and TLS: 1.3 and 1.2 to clients, and an application whose certificate is verified. And its checks before a start.
import shutil
import socket
import ssl
import subprocess
import threading

from gateway_shop import GATEWAY, ROUTES, Gateway
from harness import Tap, give_to_owner, run, scratch_directory

path = scratch_directory()
executable = path / "nae-gateway"
shutil.copy(GATEWAY, executable)


def certificate(name, host):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path / f"{name}.key",
                    "-out", path / f"{name}.pem", "-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"],
                   check=True, capture_output=True)
    (path / f"{name}.key").chmod(0o600)
    give_to_owner(path / f"{name}.key", path / f"{name}.pem")


class Application(threading.Thread):
    """Over TLS; says which name was asked for."""
    def __init__(self, name):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(path / f"{name}.pem", path / f"{name}.key")
        self.context.sni_callback = lambda _, asked, __: self.asked.append(asked)
        self.asked, self.requests = [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            connection, _ = self.listener.accept()
            try:
                with self.context.wrap_socket(connection, server_side=True) as tls:
                    self.requests.append(tls.recv(65536))
                    tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood")
            except OSError:
                pass


def made(name, upstream, more, top):
    """A gateway without an agent: what no route claims needs none."""
    folder = path / name
    folder.mkdir()
    give_to_owner(folder)
    gateway = Gateway.__new__(Gateway)
    gateway.health = lambda: 200 if "event=listening" in gateway.log.read_text() else 0
    gateway.__init__(folder, executable, upstream, path / "no-agent.sock", ROUTES, more, top)
    return gateway


def ask(port, version, protocols=None):
    context = ssl.create_default_context(cafile=path / "shop.pem")
    context.minimum_version = context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(protocols)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain, context.wrap_socket(plain, server_hostname="shop.test") as tls:
        tls.sendall(b"GET /other HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
        read = b""
        while chunk := tls.recv(65536):
            read += chunk
        return tls.version(), read


with Tap() as tap:
    for name, host in (("shop", "shop.test"), ("application", "application.test"), ("stranger", "application.test")):
        certificate(name, host)
    application = Application("application")
    upstream = f'tls = true\nauthority = "{path}/application.pem"\nserver_name = "application.test"\n'
    tls = f'\n[tls]\ncertificate = "{path}/shop.pem"\nkey = "{path}/shop.key"\n'
    gateway = made("good", application.port, upstream, tls)
    for version, name in ((ssl.TLSVersion.TLSv1_3, "TLSv1.3"), (ssl.TLSVersion.TLSv1_2, "TLSv1.2")):
        spoken, read = ask(gateway.port, version)
        tap.ok(spoken == name and read.startswith(b"HTTP/1.1 200") and read.endswith(b"good"), f"clients speak {name}", spoken, read)
    try:
        refused = ask(gateway.port, ssl.TLSVersion.TLSv1_1)[0]
    except (ssl.SSLError, OSError):
        refused = "refused"
    tap.is_(refused, "refused", "and nothing older")
    tap.ok(ask(gateway.port, ssl.TLSVersion.TLSv1_3, ["h2", "http/1.1"])[1].startswith(b"HTTP/1.1 200"), "a browser that offers HTTP/2 too gets HTTP/1.1")
    tap.ok(b"X-Forwarded-Proto: https" in application.requests[0], "the application is told that it was TLS")
    tap.is_(set(application.asked), {"application.test"}, "and asked by its name")

    for name, more in (("of another authority", upstream.replace("application.pem", "stranger.pem")),
                       ("for another name", upstream.replace('"application.test"', '"other.test"'))):
        bad = made(name.replace(" ", "-"), application.port, more, "")
        before = len(application.requests)
        status, said, _ = bad.ask("GET", "/other")
        tap.is_((status, said["error"], len(application.requests)), (502, "upstream_unavailable", before), f"an application with a certificate {name} is told nothing")
        bad.process.kill()
    status, said, _ = made("no-agent", application.port, upstream, "").ask("POST", "/customers", {"card": "4111111111111111"})
    tap.is_((status, said["error"]), (503, "key_server_unavailable"), "without an agent a claimed request is refused")
    tap.is_(len(application.requests), before, "and not forwarded")

    def checked(text):
        file = path / "checked.toml"
        file.write_text(text)
        give_to_owner(file)
        done = run(executable, "--config", file, "--check-config")
        return done.returncode, done.stdout + done.stderr

    text = gateway.config.read_text()
    tap.is_(checked(text)[0], 0, "--check-config finds a good configuration good")
    for change, says in ((("[tls]", "[tls]\nkay = 1"), "is not a known field"), (("shop.pem", "none.pem"), "none.pem"), (('json = "/note"', 'json = "note"'), "begins with"),
                         (("127.0.0.1:", "localhost:"), "must be an address"), (('key = "customer-pii"', 'key = "-"'), "is not a valid name")):
        code, said = checked(text.replace(*change, 1))
        tap.ok(code == 78 and says in said, f"a wrong one is refused with its place: {says}", code, said)
    (path / "shop.key").chmod(0o644)
    tap.is_(checked(text)[0], 78, "so is a key that others may read")

    request = 'POST /customers HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s'
    body = '{"card": "4111111111111111", "iban":"DE89370400440532013000"}'
    done = subprocess.run([executable, "test", gateway.config], input=request % (len(body), body), capture_output=True, text=True)
    tap.ok(done.returncode == 0 and '"card": "nae1:json $.card", "iban":"DE89370400440532013000"' in done.stdout and "41111" not in done.stdout,
           "test shows what a request becomes, without a key server", done.stdout)
    done = subprocess.run([executable, "test", gateway.config], input=request % (len(body) - 1, body[:-1]), capture_output=True, text=True)
    tap.ok(done.returncode == 2 and "refused: 400 json_malformed" in done.stdout, "or why it is refused", done.stdout)
    done = subprocess.run([executable, "scan", gateway.config], input=request % (len(body), body) * 2, capture_output=True, text=True)
    tap.ok(done.returncode == 2 and "/customers json $.iban looks like iban 2" in done.stdout and "DE89" not in done.stdout and "$.card" not in done.stdout,
           "scan names the field that looks sensitive and passes in clear", done.stdout)
