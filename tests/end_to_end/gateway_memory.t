#!/usr/bin/python3 -B
# The gateway's memory does not grow with the requests that it has answered, whatever became of them, nor with what streams through.
import concurrent.futures
import gzip
import http.client
import pathlib
import re

from gateway_shop import Shop
from harness import Tap

JSON = {"Content-Type": "application/json"}
SIGN_UP = b'{"name":"Ann","card":"4111111111111111","note":"%s"}' % (b"n" * 2000)
REQUESTS = [("POST", "/customers", SIGN_UP, JSON, 201), ("POST", "/customers", gzip.compress(SIGN_UP), {**JSON, "Content-Encoding": "gzip"}, 201),
            ("GET", "/customers?card=4000056655665556", None, {}, 200), ("POST", "/customers", SIGN_UP[:-1], JSON, 400), ("POST", "/other", b"o" * 100_000, {}, 200),
            ("GET", "/stream", None, {}, 200), ("POST", "/customers", b"[" * 1000, JSON, 400)]
ROUND, WORKERS = 70, 4
# Of pages that the allocator has and keeps: one leaked header a request would be more.
SLACK_KIB = 1024
UPLOAD_BYTES = 256 << 20


def resident_kib(process):
    return int(re.search(r"^VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{process.pid}/status").read_text(), re.M).group(1))


def ask_round(port):
    """On one connection, as a browser does. The statuses."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    statuses = []
    for method, path, body, headers, _ in REQUESTS * (ROUND // len(REQUESTS)):
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    return statuses


with Tap() as tap, Shop() as shop, concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
    gateway = shop.gateway
    wanted = [status for *_, status in REQUESTS] * (ROUND // len(REQUESTS))

    def load(rounds):
        return [statuses for statuses in pool.map(ask_round, [gateway.port] * rounds) if statuses != wanted]

    tap.is_(load(2 * WORKERS), [], "requests of each kind are answered as they should be")
    before = resident_kib(gateway.process)
    tap.is_(load(6 * WORKERS), [], f"so are {6 * WORKERS * ROUND} more")
    tap.ok(resident_kib(gateway.process) - before < SLACK_KIB, f"which leave no memory behind: {resident_kib(gateway.process) - before} KiB of {before}")

    before = resident_kib(gateway.process)
    most = 0
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    connection.putrequest("POST", "/upload")
    connection.putheader("Content-Length", str(UPLOAD_BYTES))
    connection.endheaders()
    piece = b"u" * (1 << 20)
    for _ in range(UPLOAD_BYTES // len(piece)):
        connection.send(piece)
        most = max(most, resident_kib(gateway.process))
    tap.is_(connection.getresponse().status, 200, f"an upload of {UPLOAD_BYTES >> 20} MiB streams through")
    tap.ok(most - before < SLACK_KIB, f"in as much memory as any other: {most - before} KiB more")
