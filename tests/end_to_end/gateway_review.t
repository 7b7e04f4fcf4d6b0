#!/usr/bin/python3 -B
# Ways around the gateway that an attacker would try, and ways to make it hold what it should not: each ends in a refusal, in time,
# and none brings a card number to the application.
import os
import re
import signal
import socket
import time

from gateway_shop import ROUTES, Shop
from harness import Tap, wait_until

CANARY = "4111111111111111"
BODY = '{"name":"Ann","card":"%s"}' % CANARY
JSON = {"Content-Type": "application/json"}
MORE = """
[limits]
agent_timeout_ms = 1500
upstream_timeout_ms = 1500
max_bodies_bytes = 2097152
"""
NEAR = """
[[route]]
name = "office"
hosts = ["office.example"]
methods = ["POST"]
path = "/office"
role = "shop-web"
[[route.field]]
form = "card_number"
action = "encrypt"
key = "customer-card"
context = "shop"
deterministic = true
"""


def answers(data):
    """Status and name of each answer."""
    found = []
    for part in data.split(b"HTTP/1.1 ")[1:]:
        name = re.search(rb'"error":"(\w+)"', part)
        found.append((int(part[:3]), name.group(1).decode() if name else ""))
    return found


with Tap() as tap, Shop(routes=ROUTES + NEAR, more=MORE) as shop:
    gateway = shop.gateway
    tap.is_(gateway.ask("POST", "/customers", BODY, JSON)[0], 201, "a customer signs up")

    def sent(line, host="shop", headers=(), body=BODY, kind="application/json"):
        head = [line + " HTTP/1.1", f"Host: {host}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        return answers(gateway.raw("\r\n".join(head + ["", body]).encode()))

    # Other spellings of a claimed request.
    for name, expected, got in [
            ("a method in lower case", (400, "method_unknown"), sent("post /customers")),
            ("one in both cases", (400, "method_unknown"), sent("Post /customers")),
            ("a method in a header with '_'", (400, "method_override"), sent("PUT /customers", headers=["X_HTTP_Method_Override: POST"])),
            ("a method in the query", (400, "method_override"), sent("PUT /customers?_method=POST")),
            ("another path in a header", (400, "path_override"), sent("POST /other", headers=["X-Original-URL: /customers"])),
            ("another spelling of a content type", (400, "header_ambiguous"), sent("POST /customers", headers=["Content_Type: text/plain"])),
            ("another spelling of a length", (400, "header_ambiguous"), sent("POST /other", headers=["Content_Length: 1"])),
            ("two types in one", (415, "content_type_unexpected"), sent("POST /customers", kind="application/x-www-form-urlencoded,+json")),
            ("a field of the body in the query", (400, "field_ambiguous"), sent(f"POST /customers?card={CANARY}")),
            ("a format behind the path", (400, "path_ambiguous"), sent("POST /customers.json")),
            ("an address for a host", (421, "host_unclaimed"), sent("POST /office", "127.0.0.1", body=f"card_number={CANARY}")),
            ("another host", (421, "host_unclaimed"), sent("POST /office", "a.office.example", body=f"card_number={CANARY}")),
            ("a host behind points", (421, "host_unclaimed"), sent("POST /office", "office.example..", body=f"card_number={CANARY}")),
            ("a host that nobody trusted forwards", (421, "host_unclaimed"),
             sent("POST /office", "shop", ["X-Forwarded-Host: office.example"], f"card_number={CANARY}"))]:
        tap.is_(got, [expected], f"{name} is refused")
    tap.is_(answers(gateway.raw(b"POST /office HTTP/1.0\r\nContent-Length: 28\r\n\r\ncard_number=4111111111111111")), [(421, "host_unclaimed")],
            "and so is HTTP/1.0 without a host")
    form = "application/x-www-form-urlencoded"
    for name in ("[card_number]", "%5Bcard_number%5D", "card.number", "card+number", "card[number", "card_number[]", "_method"):
        tap.is_(sent("POST /office", "office.example", body=f"{name}={CANARY}", kind=form),
                [(400, "method_override" if name == "_method" else "field_ambiguous")], f"the form field {name} is refused")
    tap.ok(CANARY not in shop.application.log.read_text(), "no card number reached the application")
    status, echoed, _ = gateway.ask("GET", "/other", headers={"Referer": f"http://shop/customers?card={CANARY}"})
    tap.is_((status, dict(echoed["headers"]).get("Referer")), (200, "http://shop/customers"), "a Referer goes on without its query")

    # A kept connection.
    head = b"HEAD /customers?card=1&card=2 HTTP/1.1\r\nHost: shop\r\n\r\n"
    got = gateway.raw(head + b"GET /other HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
    tap.ok(got.count(b"HTTP/1.1 ") == 2 and b"\r\n\r\nHTTP/1.1 200" in got and b"field_twice" not in got,
           "a refused HEAD has no body, and the next answer is the next request's", got[:600])
    before = shop.application.log.read_text().count("/slow")
    gateway.ask("GET", "/other")
    connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=20)
    connection.sendall(b"GET /other HTTP/1.1\r\nHost: shop\r\n\r\nGET /slow?seconds=3 HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
    read = b""
    while chunk := connection.recv(1 << 16):
        read += chunk
    tap.is_(answers(read), [(200, ""), (504, "upstream_timeout")], "what takes too long is answered 504")
    tap.is_(shop.application.log.read_text().count("/slow") - before, 1, "and is not asked again over another connection")

    # What has no end.
    for name, flood in [("a chunk's extension", b"1;" + b"a" * (1 << 20)), ("trailers", b"1\r\n{\r\n0\r\n" + b"X: a\r\n" * 200_000)]:
        for path in (b"/customers", b"/other"):
            with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as connection:
                read = b""
                try:
                    connection.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + flood)
                    while chunk := connection.recv(1 << 16):
                        read += chunk
                except (ConnectionResetError, BrokenPipeError):
                    pass
            tap.ok(not read or answers(read)[0][0] in (400, 431), f"{name} without an end is given up ({path.decode()})", read[:300])
    held = [socket.create_connection(("127.0.0.1", gateway.port), timeout=20) for _ in range(8)]
    for connection in held:
        connection.sendall(b"POST /customers HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{")
    refused = []
    for connection in held:
        connection.settimeout(2)
        try:
            refused += answers(connection.recv(1 << 16))
        except socket.timeout:
            pass
    tap.ok(len(refused) == 4 and set(refused) == {(503, "busy")}, "two workers of 2 MB hold four bodies of 1 MB, and refuse more", refused)
    for connection in held:
        connection.close()
    tap.ok(wait_until(lambda: gateway.ask("POST", "/customers", BODY, JSON)[0] == 201), "when they are gone a customer signs up")

    # An agent that hangs.
    agent = shop.stack.agent_pid
    os.kill(agent, signal.SIGSTOP)
    try:
        got = [gateway.ask("POST", "/customers", BODY, JSON) for _ in range(2)]
        tap.is_([(status, said.get("error")) for status, said, _ in got], [(503, "key_server_unavailable")] * 2, "an agent that hangs: 503 in time")
        tap.is_(gateway.health(), 503, "/health tells it")
        began = time.monotonic()
        tap.is_(gateway.ask("GET", "/other")[0], 200, "others pass")
        tap.ok(time.monotonic() - began < 1, "at once")
    finally:
        os.kill(agent, signal.SIGCONT)
    tap.ok(wait_until(lambda: gateway.health() == 200, 30), "/health tells that it is back, without a request")
    tap.is_(gateway.ask("POST", "/customers", BODY, JSON)[0], 201, "and a customer signs up")
    tap.ok(CANARY not in shop.application.log.read_text(), "no card number reached the application")
