#!/usr/bin/python3 -B
# nae-gateway while others are away, slow or lying, and while it is told to change or to end.
import http.client
import signal
import socket
import threading

from gateway_shop import ROUTES, Shop
from harness import Tap, wait_until

CANARY = "4111111111111111"
MORE = """
[limits]
header_timeout_ms = 700
body_timeout_ms = 1500
upstream_timeout_ms = 1500
connect_timeout_ms = 1000
agent_timeout_ms = 3000
idle_timeout_ms = 20000
stop_timeout_ms = 8000
"""


def open_connection(port, data=b"", seconds=20):
    connection = socket.create_connection(("127.0.0.1", port), timeout=seconds)
    connection.sendall(data)
    return connection


def rest(connection):
    read = b""
    try:
        while chunk := connection.recv(1 << 16):
            read += chunk
    except ConnectionResetError:
        read += b"RESET"
    return read


with Tap() as tap, Shop(more=MORE) as shop:
    gateway, server = shop.gateway, shop.stack.key_server
    sign_up = lambda: gateway.ask("POST", "/customers", {"name": "Ann", "card": CANARY})
    tap.is_(sign_up()[0], 201, "a customer signs up")

    # The key server away.
    server.stop()
    status, said, headers = sign_up()
    tap.is_((status, said["error"], headers["Retry-After"]), (503, "key_server_unavailable", "1"), "without a key server: 503, and when to try again")
    tap.is_(gateway.ask("GET", "/other")[0], 200, "what no route claims passes")
    server.start()
    tap.ok(wait_until(lambda: sign_up()[0] == 201), "with the key server back a customer signs up")

    # The agent killed under load: every request is either stored or refused, and none is forwarded in clear.
    outcomes, reasons, stop = [], set(), threading.Event()

    def load():
        while not stop.is_set():
            status, said, _ = sign_up()
            outcomes.append(status)
            if status != 201:
                reasons.add((status, said["error"]))

    before = int(shop.sql("back_office", "SELECT count(*) FROM customer").out)
    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(outcomes) > 20)
    shop.stack.kill_agent()
    killed = len(outcomes)
    tap.ok(wait_until(lambda: outcomes[killed:].count(201) > 20, 40), "the agent killed under load: requests are served again", outcomes[-20:])
    stop.set()
    for thread in threads:
        thread.join()
    # The application's own INSERT asks the agent for the id of the key, too.
    tap.ok(reasons <= {(503, "key_server_unavailable"), (502, "upstream_failed")}, "each was stored, refused with 503 or not answered by the application", reasons)
    tap.is_(int(shop.sql("back_office", "SELECT count(*) FROM customer").out) - before, outcomes.count(201), "as many customers as were told so")
    tap.ok(CANARY not in shop.application.log.read_text(), "and no card number reached the application")

    # Slow clients, slow and lying applications.
    slow = open_connection(gateway.port, b"GET / HTTP/1.1\r\nHost: sh")
    tap.is_(rest(slow), b"", "who sends a header too slowly is let go in time")
    slow = open_connection(gateway.port, b"POST /customers HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{")
    tap.is_(rest(slow), b"", "and so is who sends a body too slowly")
    tap.like(gateway.monitoring("/metrics")[1], r'refused_total\{reason="request_timeout"\} 2', "which is counted")
    tap.is_(gateway.ask("GET", "/slow?seconds=4")[1].get("error"), "upstream_timeout", "an application that does not answer: 504")
    tap.is_(gateway.ask("GET", "/slow?seconds=1")[0], 200, "one that is slower than others is waited for")
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.request("GET", "/lies")
    try:
        cut = connection.getresponse().read()
    except (http.client.IncompleteRead, ConnectionResetError):
        cut = "cut"
    tap.is_(cut, "cut", "of an answer that is shorter than it says the client sees the end")
    tap.is_(gateway.ask("GET", "/other")[0], 200, "and the gateway goes on")

    # Idle clients.
    idle = [open_connection(gateway.port) for _ in range(1000)]
    tap.ok(wait_until(lambda: gateway.metric("connections") >= 1000), "1000 idle clients are held")
    tap.is_(sign_up()[0], 201, "beside which a customer signs up")
    for connection in idle:
        connection.close()
    tap.ok(wait_until(lambda: gateway.metric("connections") < 10), "and leave nothing behind")

    # A new configuration under load loses no request.
    outcomes.clear()
    stop.clear()
    failures = []

    def load_kept():
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
        while not stop.is_set():
            try:
                connection.request("GET", "/other")
                answer = connection.getresponse()
                answer.read()
                outcomes.append(answer.status)
            except OSError as error:
                failures.append(repr(error))
                return

    threads = [threading.Thread(target=load_kept) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(5):
        gateway.write(ROUTES.replace('name = "sign-up"', f'name = "sign-up-{number}"'))
        gateway.reload()
    tap.like(gateway.log.read_text(), "event=reloaded", "a changed configuration is taken")
    sign_up()
    tap.ok(wait_until(lambda: "route=sign-up-4 status=201" in gateway.log.read_text()), "by the requests that begin then")
    gateway.write('[[route]]\nname = "broken"\n')
    gateway.reload()
    tap.like(gateway.log.read_text(), "event=reload_failed code=config_invalid", "a wrong one changes nothing")
    tap.is_(sign_up()[0], 201, "and the old one stays in force")
    wait_until(lambda: failures or len(outcomes) > 20)
    stop.set()
    for thread in threads:
        thread.join()
    tap.ok(not failures and set(outcomes) == {200} and len(outcomes) > 20, "no request is lost meanwhile", failures, set(outcomes), len(outcomes))

    # The end: what is under way is answered, what is idle is let go.
    waiting = open_connection(gateway.port)
    busy = open_connection(gateway.port, b"GET /slow?seconds=1 HTTP/1.1\r\nHost: shop\r\n\r\n")
    wait_until(lambda: "/slow?seconds=1" in shop.application.log.read_text()[-300:])
    gateway.process.send_signal(signal.SIGTERM)
    tap.is_(rest(waiting), b"", "at the end idle clients are let go")
    tap.like(rest(busy), rb"200 OK.*Connection: close.*slept".decode(), "what is under way is answered")
    tap.is_(gateway.process.wait(timeout=20), 0, "and the gateway ends")
    tap.ok("event=connection_failed" not in gateway.log.read_text(), "without a fault in its log")
