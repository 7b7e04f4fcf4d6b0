#!/usr/bin/python3 -B
# Behind a balancer that speaks the PROXY protocol: policy and audit see the client, nobody else's header is taken, and its health
# checks are one line of the log.
import json
import socket
import struct

import wire
from harness import KEY_SERVER, KeyServer, Tap, run, scratch_directory

BALANCER = "127.0.0.9"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
POLICY = """version = 2
[[device]]
name = "host"
[[program]]
name = "postgres"
[[rule]]
name = "from-the-data-centre"
roles = ["nae_all"]
keys = ["customer-pii"]
actions = ["encrypt"]
networks = ["198.51.100.0/24"]
result = "value"
"""


def header(client="198.51.100.7", command=0x21, port=50312):
    body = socket.inet_aton(client) + socket.inet_aton("10.0.0.1") + struct.pack(">HH", port, 7443) if command == 0x21 else b""
    return SIGNATURE + struct.pack(">BBH", command, 0x11 if body else 0, len(body)) + body


with Tap() as tap:
    server = KeyServer.make(scratch_directory() / "keyserver")
    plain = server.config.read_text()

    def behind(*networks):
        server.config.write_text(plain.replace("[tls]", f"proxy_protocol_from = {json.dumps(networks)}\n\n[tls]", 1))

    def connect():
        return socket.create_connection(("127.0.0.1", server.port), timeout=10, source_address=(BALANCER, 0))

    def ask(host, said):
        """The code of one request of the balancer's that begins with these bytes; None when it is not let in."""
        connection = connect()
        try:
            connection.sendall(said)
            context = wire.tls_context(server.path / "tls/authority.pem", *host)
            peer = wire.Peer(context.wrap_socket(connection, server_hostname="127.0.0.1"))
            peer.send(wire.hello(), wire.open_context(), wire.crypto(b"x"))
            got = peer.read_past(wire.HELLO_REPLY, wire.CONTEXT_OPENED, 11)
            return None if got is None else 0 if got[0] == wire.CRYPTO_REPLY else struct.unpack(">H", got[2][:2])[0]
        except OSError:
            return None
        finally:
            connection.close()

    server.start()
    server.must("key", "create", "customer-pii", "--type", "aes-256-gcm")
    server.apply_policy(POLICY)
    host = server.enroll("host", server.path / "host")

    # Not behind one: whoever writes a header is no client.
    tap.is_(ask(host, header()), None, "without the setting a header is refused")
    tap.is_(ask(host, b""), wire.DENIED, "and a client is where it comes from")

    for wrong in ("0.0.0.0/0", "balancer.example", "10.1.2.3/8"):
        behind(wrong)
        checked = run(KEY_SERVER, "check-config", "--config", server.config)
        tap.ok(checked.returncode != 0 and "proxy_protocol_from" in checked.stderr, f"{wrong} is refused", checked.stderr)

    behind("192.0.2.0/24")
    server.restart()
    tap.is_(ask(host, header()), None, "a header from an address that is not named is refused")
    tap.is_(ask(host, b""), wire.DENIED, "and TLS from there is served")

    behind(BALANCER)
    server.restart()
    tap.is_(ask(host, header()), 0, "the policy's networks see the client")
    tap.is_(ask(host, header("198.51.99.7")), wire.DENIED, "another client is another")
    tap.is_(ask(host, header(command=0x20)), wire.DENIED, "the balancer speaks for itself")
    tap.is_(ask(host, b""), None, "what comes from there without a header is refused")
    tap.is_(ask(host, b"PROXY TCP4 198.51.100.7 10.0.0.1 50312 7443\r\n"), None, "so is version 1")
    log = server.log.read_text()
    tap.like(log, "remote=198.51.100.7:50312", "the log names the client")
    tap.like(log, "code=protocol_violation reason=.PROXY header: the connection does not begin", "and why others were refused")

    admin = server.path / "admin" / "admin.pem", server.path / "admin" / "admin.key"
    connection = connect()
    connection.sendall(header("198.51.100.8"))
    with wire.tls_context(server.path / "tls/authority.pem", *admin, alpn="http/1.1").wrap_socket(connection, server_hostname="127.0.0.1") as http:
        http.sendall(b"GET /v1/keys HTTP/1.1\r\nHost: keys\r\nConnection: close\r\n\r\n")
        tap.like(http.recv(4096).decode(), "^HTTP/1.1 200", "an administrator behind it is served")
    record = json.loads(server.must("audit", "query", "--action", "key-list", "--json"))["records"][-1]
    tap.is_(record["client_address"], "198.51.100.8:50312", "and the audit log has his address")

    # A balancer's health checks: connect and close, with and without a header.
    before = server.log.read_text().count("\n")
    for number in range(60):
        with connect() as check:
            if number % 2:
                check.sendall(header(command=0x20))
    tap.is_(ask(host, header()), 0, "served beside them")
    lines = server.log.read_text().splitlines()[before:]
    tap.ok(sum("event=connections_left_silently" in line for line in lines) <= 1 and
           sum("code=" in line and "198.51.100.7" not in line for line in lines) == 0, "sixty health checks make one line", lines)
    server.stop()
