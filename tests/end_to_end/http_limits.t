#!/usr/bin/python3 -B
# The HTTP side under pressure: too many requests, too many connections, too slow, too large; and agents beside it.
import concurrent.futures
import http.client
import json
import socket
import time

import wire
from harness import KeyServer, Tap, scratch_directory, wait_until

OVERLOADED = 119
LIMITS = """
[admin]
max_connections = 6
max_connections_per_certificate = 4
requests_per_second = 5
request_burst = 40
connections_per_second = 100
connection_burst = 100
request_timeout_ms = 1500
idle_timeout_ms = 6000
"""


def client_of(server, files):
    context = wire.tls_context(server.path / "tls/authority.pem", *files, alpn="http/1.1")
    return http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=20)


def ask(client, path="/healthz"):
    client.request("GET", path)
    answer = client.getresponse()
    answer.read()
    return answer


def opened(server, files):
    """A connection that was answered on, or None when it was refused."""
    client = client_of(server, files)
    try:
        answer = ask(client)
        return client if answer.status in (200, 429) and not answer.will_close else None
    except (OSError, http.client.HTTPException):
        return None


def raw(server, files):
    context = wire.tls_context(server.path / "tls/authority.pem", *files, alpn="http/1.1")
    return context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), 20), server_hostname="127.0.0.1")


def drained(peer):
    text = b""
    try:
        while chunk := peer.recv(4096):
            text += chunk
    except OSError:
        pass
    return text


with Tap() as tap:
    server = KeyServer.make(scratch_directory() / "keyserver")
    server.config.write_text(server.config.read_text().replace("[tls]", "max_connections = 2\n\n[tls]", 1) + LIMITS)
    server.start()
    admin = server.path / "admin/admin.pem", server.path / "admin/admin.key"
    server.must("admin", "add", "auditor", "--role", "auditor", "--out", server.path / "auditor")
    auditor = server.path / "auditor/auditor.pem", server.path / "auditor/auditor.key"
    device = server.enroll("db1", server.path / "db1")
    another = server.enroll("db2", server.path / "db2")

    # requests
    client = client_of(server, admin)
    answers = [ask(client)]
    while answers[-1].status == 200 and len(answers) < 200:  # 40 and, on a slow machine, what is granted meanwhile
        answers.append(ask(client))
    limited = [answer for answer in answers if answer.status == 429]
    tap.ok(answers[0].status == 200 and limited, "past the burst requests are answered with 429", len(answers))
    tap.is_({answer.getheader("Retry-After") for answer in limited}, {"1"}, "which says when to come again")
    tap.is_(ask(client_of(server, auditor)).status, 200, "another certificate is not concerned")
    fresh = client_of(server, admin)
    tap.ok(any(ask(fresh, "/v1/keys").status == 429 for _ in range(20)), "nor does a new connection help")
    fresh.close()
    tap.ok(wait_until(lambda: ask(client, "/v1/keys").status == 200), "soon it is answered again")
    client.close()
    records = wait_until(lambda: json.loads(
        server.nae("audit", "query", "--event", "admin", "--action", "rate-limit", "--json").stdout or "{}").get("records"))
    tap.ok(records and records[0]["admin"] == "admin" and records[0]["reason"] == "limit_exceeded",
           "the log tells of it, not of each", records)

    # connections
    held = [opened(server, auditor) for _ in range(4)]
    tap.ok(all(held), "a name has four connections")
    tap.is_(opened(server, auditor), None, "and no fifth one")
    answer = ask(client_of(server, auditor))
    tap.is_((answer.status, answer.getheader("Retry-After"), answer.will_close), (429, "1", True), "which is told to come again, and ends")
    held += [opened(server, device), opened(server, another)]
    tap.ok(all(held), "others have the rest")
    tap.is_(opened(server, admin), None, "when all are taken the next is refused, whoever it is")
    answer = ask(client_of(server, admin))
    tap.is_((answer.status, answer.getheader("Retry-After")), (503, "1"), "and told so")
    for each in held:
        each.close()
    held = [wait_until(lambda: opened(server, device)) for _ in range(3)]
    tap.is_(opened(server, another), None, "devices have half of them")
    held += [opened(server, auditor) for _ in range(3)]
    tap.ok(all(held), "the other half is for administrators")
    agents = [wire.tls_peer(server.port, wire.tls_context(server.path / "tls/authority.pem", *device)) for _ in range(2)]
    for agent in agents:
        agent.connection.sendall(wire.hello())
    tap.ok(all(agent.connection.recv(16) for agent in agents), "agents have places of their own")
    try:
        third = wire.tls_peer(server.port, wire.tls_context(server.path / "tls/authority.pem", *device))
        third.connection.sendall(wire.hello())
        answered = third.connection.recv(4096)
    except OSError:
        answered = b""
    tap.is_(int.from_bytes(answered[16:18], "big"), OVERLOADED, "as many as configured, and the next is told so")
    held.pop().close()
    tap.ok(wait_until(lambda: opened(server, admin)), "and HTTP has its own beside them")
    for each in held:
        each.close()

    # time
    slow = raw(server, admin)
    slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: k\r\n")
    start = time.monotonic()
    try:
        while time.monotonic() - start < 15:
            slow.sendall(b"X")  # a byte now and then keeps nothing open
            time.sleep(0.2)  # the pace of a slow client, not a wait
    except OSError:
        pass
    tap.ok(time.monotonic() - start < 10, "a request that comes byte by byte is cut")
    stuck = raw(server, admin)
    stuck.sendall(b"POST /v1/keys HTTP/1.1\r\nHost: k\r\nContent-Length: 10\r\n\r\n{")
    tap.like(drained(stuck), "HTTP/1.1 408 .*Connection: close", "a body that does not come is answered with 408")
    tap.is_(drained(raw(server, admin)), b"", "an idle connection is closed")

    # size
    for head, status, why in [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: k\r\n\r\n", "431|414", "a target of 9 KB"),
        (b"GET / HTTP/1.1\r\nHost: k\r\n" + b"X: y\r\n" * 2000 + b"\r\n", "431", "a header of 12 KB"),
        (b"POST /v1/keys HTTP/1.1\r\nHost: k\r\nContent-Length: 1048577\r\n\r\n", "413", "a body of a byte past 1 MiB"),
    ]:
        peer = raw(server, admin)
        peer.sendall(head)
        tap.like(drained(peer), f"HTTP/1.1 ({status}) ", f"{why} is refused")
    tap.is_(server.nae("status").returncode, 0, "the server is well")

    # What monitoring asks with: no ALPN, HEAD, OPTIONS, a path that is none, and a connection that says nothing.
    def said(method, path, alpn="http/1.1"):
        context = wire.tls_context(server.path / "tls/authority.pem", *auditor, alpn=alpn)
        with context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), 20), server_hostname="127.0.0.1") as peer:
            peer.sendall(f"{method} {path} HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n".encode())
            head, _, body = drained(peer).partition(b"\r\n\r\n")
            return head.decode(), body.decode()
    tap.like(said("GET", "/healthz", alpn=None), r"HTTP/1.1 200 .*'ok\\n'", "a client without ALPN speaks HTTP")
    for path in ("/healthz", "/readyz", "/metrics", "/v1/status"):
        head, body = said("HEAD", path)
        tap.ok(head.startswith("HTTP/1.1 200 ") and "Content-Length: 0" not in head and body == "", f"HEAD {path} is GET without the body", head, body)
    for path, allow in (("/healthz", "GET, HEAD, OPTIONS"), ("/v1/policy", "GET, PUT, HEAD, OPTIONS"), ("/v1/keys/a/rotate", "POST, OPTIONS")):
        head, body = said("OPTIONS", path)
        tap.ok(head.startswith("HTTP/1.1 200 ") and f"Allow: {allow}\r\n" in head and body == "", f"OPTIONS {path} says what is possible", head)
    head, body = said("GET", "/favicon.ico")
    tap.ok(head.startswith("HTTP/1.1 404 ") and json.loads(body)["code"] == "not_found", "a path that is none is 404", head, body)
    head, body = said("PATCH", "/healthz")
    tap.ok(head.startswith("HTTP/1.1 405 ") and "Allow: GET, HEAD, OPTIONS\r\n" in head, "a method that is none is 405", head)
    before = server.log.read_text().count("connections_left_silently")
    for _ in range(30):
        socket.create_connection(("127.0.0.1", server.port), 20).close()
    tap.is_(server.nae("status").returncode, 0, "thirty health checks of a balancer later it is well")
    tap.ok(server.log.read_text().count("connections_left_silently") - before <= 1, "and they made one line at most")
    server.stop()

    # A loop of a shell, past what the server takes: nobody takes it for dead. That some are turned away must not rest on the machine's speed:
    # all places of the certificate are taken when they begin.
    server = KeyServer.make(scratch_directory() / "asked-often")
    server.config.write_text(server.config.read_text() + "\n[admin]\nconnections_per_second = 25\nconnection_burst = 50\nmax_connections_per_certificate = 8\n")
    server.start()
    server.must("key", "create", "often", "--type", "aes-256-gcm")
    held = [wait_until(lambda: opened(server, (server.path / "admin/admin.pem", server.path / "admin/admin.key"))) for _ in range(8)]
    tap.ok(all(held), "eight connections of one certificate")
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        calls = [pool.submit(server.nae, "key", "show", "often", "--json", seconds=120) for _ in range(300)]
        turned_away = wait_until(lambda: "event=connection_refused" in server.log.read_text())
        for each in held:
            each.close()
        done = [call.result() for call in calls]
    failed = [each for each in done if each.returncode != 0 or json.loads(each.stdout)["name"] != "often"]
    tap.is_(len(failed), 0, "three hundred calls, forty side by side: all are answered")
    for each in failed[:3]:
        print(f"# {each.returncode} {each.stderr}")
    tap.ok(turned_away, "some of them after they were told to come again")
    server.stop()
