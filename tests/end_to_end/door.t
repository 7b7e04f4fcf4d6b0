#!/usr/bin/python3 -B
# The key server's door: who is removed keeps no place, nobody takes all of them, and half a request holds nothing for long.
import contextlib
import http.client
import json
import socket
import struct
import threading
import time

import wire
from harness import KeyServer, Tap, scratch_directory, wait_until

LIMITS = """
[limits]
frame_timeout_ms = 3000
connection_memory_mib = 128

[admin]
max_connections = 16
max_connections_per_certificate = 8
connections_per_second = 1000
connection_burst = 1000
requests_per_second = 1000
request_burst = 1000
request_timeout_ms = 4000
"""
FRAME = 32 << 20
DEVICE_UNKNOWN = 35


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(next(line.split()[1] for line in status if line.startswith("VmRSS"))) >> 10


class Door:
    def __init__(self, server):
        self.server = server

    def context(self, files, alpn):
        return wire.tls_context(self.server.path / "tls/authority.pem", *files, alpn=alpn)

    def raw(self, files, alpn="http/1.1"):
        """An open TLS connection that has said nothing."""
        return self.context(files, alpn).wrap_socket(socket.create_connection(("127.0.0.1", self.server.port), 20),
                                                     server_hostname="127.0.0.1")

    def ask(self, files, path="/healthz"):
        """Status and problem of one request on a connection of its own; None when it is not let in."""
        client = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=self.context(files, "http/1.1"), timeout=20)
        try:
            client.request("GET", path)
            answer = client.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            client.close()

    def told(self, files, path="/healthz"):
        """As ask(), of who was removed: the one place for them may still be that of who was refused before."""
        answers = []
        wait_until(lambda: answers.append(self.ask(files, path)) or answers[-1], 20)
        return answers[-1]

    def hello(self, files):
        """A nae/1 connection and the answer to its hello; None of both when there is none."""
        try:
            peer = wire.tls_peer(self.server.port, self.context(files, "nae/1"))
            peer.connection.sendall(wire.hello(max_frame_bytes=FRAME))
            answer = peer.read()
            return (peer, answer) if answer else (None, None)
        except OSError:
            return None, None

    def agent(self, files):
        """A greeted nae/1 connection, or None when it is not let in."""
        peer, answer = self.hello(files)
        return peer if answer and answer[0] == wire.HELLO_REPLY else None


def ended(connection):
    """Reads until the server ends the connection; what it said, or None after 10 seconds."""
    connection.settimeout(10)
    said = b""
    try:
        while chunk := connection.recv(65536):
            said += chunk
    except TimeoutError:
        return None
    except OSError:
        pass
    return said


with Tap() as tap, contextlib.ExitStack() as closing:
    server = KeyServer.make(scratch_directory() / "keyserver")
    text = server.config.read_text()
    server.config.write_text(text.replace("[tls]", "max_connections = 40\nmax_connections_per_device = 10\n\n[tls]", 1) + LIMITS)
    server.start()
    door = Door(server)
    gone = {name: server.enroll(name, server.path / name) for name in ("gone1", "gone2", "gone3", "gone4")}
    host, greedy = server.enroll("host", server.path / "host"), server.enroll("greedy", server.path / "greedy")
    server.must("admin", "add", "leaver", "--role", "auditor", "--out", server.path / "leaver")
    leaver = server.path / "leaver/leaver.pem", server.path / "leaver/leaver.key"

    # removed while connected
    silent = door.agent(gone["gone1"])
    idle = http.client.HTTPSConnection("127.0.0.1", server.port, context=door.context(gone["gone1"], "http/1.1"), timeout=20)
    idle.request("GET", "/healthz")
    tap.is_(idle.getresponse().read(), b"ok\n", "a device may ask for health")
    for name in gone:
        server.must("device", "remove", name)
    tap.like(ended(silent.connection), "was removed", "a removed device's silent connection is told so and ends")
    tap.is_(ended(idle.sock), b"", "and so does its idle HTTP connection")
    admin_idle = door.raw(leaver)
    server.must("admin", "remove", "leaver")
    tap.is_(ended(admin_idle), b"", "and that of an administrator who was removed")

    # removed, and back for all places
    peer, (kind, _, body) = door.hello(gone["gone1"])
    tap.is_((kind, int.from_bytes(body[:2], "big")), (wire.ERROR, DEVICE_UNKNOWN), "a removed device is not let in, and told so")
    tap.ok(peer.closed(), "and its connection ends")
    status, body = door.told(gone["gone1"], "/metrics")
    tap.is_((status, json.loads(body)["code"]), (403, "certificate_rejected"), "nor shown what others are")
    tap.is_(door.told(leaver)[0], 403, "a removed administrator neither")
    status, body = door.told(leaver, "/v1/keys")
    tap.ok(status == 403 and "leaver" in body, "who calls is refused", body)
    records = json.loads(server.must("audit", "query", "--event", "admin", "--json"))["records"]
    tap.ok([r for r in records if r["admin"] == "leaver" and r["verdict"] == "deny"], "and recorded", records[-3:])
    squatters = []
    for files in [*gone.values(), leaver]:
        for _ in range(20):
            with contextlib.suppress(OSError):
                squatters.append(closing.enter_context(door.raw(files)))
    tap.is_(server.nae("status").returncode, 0, f"{len(squatters)} connections of removed certificates keep no administrator out")
    tap.is_(door.ask(host)[0], 200, "nor a device")
    held = [connection for connection in squatters if ended(connection) is None]
    tap.is_(held, [], "and none of them lasts")

    # good certificates that take what they can
    many = [closing.enter_context(door.raw(files)) for files in (host, greedy) for _ in range(12)]
    tap.is_(server.nae("status").returncode, 0, "devices leave half of the HTTP places to administrators")
    for connection in many:
        connection.close()
    agents = [door.agent(greedy) for _ in range(12)]
    tap.is_(sum(agent is not None for agent in agents), 10, "one device has the connections that one may have")
    tap.ok(door.agent(host), "another one has its own")
    for agent in filter(None, agents):
        agent.connection.close()

    # half of a request
    before = resident_mib(server.pid)
    tap.ok(wait_until(lambda: door.agent(greedy)), "the places are free again")
    halves = [agent for agent in (door.agent(greedy) for _ in range(8)) if agent]
    stop = threading.Event()

    def pour(peer):
        """Almost a whole frame, and then a byte now and then."""
        with contextlib.suppress(OSError):
            peer.connection.sendall(struct.pack(">IB3sQ", FRAME - 64, wire.CRYPTO, b"\0\0\0", 9))
            chunk = bytes(1 << 16)
            for _ in range((FRAME >> 16) - 2):
                peer.connection.sendall(chunk)
            while not stop.wait(0.2):
                peer.connection.sendall(b"x")

    threads = [threading.Thread(target=pour, args=(peer,), daemon=True) for peer in halves]
    for thread in threads:
        thread.start()
    most, start = 0, time.monotonic()
    answered = 0
    while any(thread.is_alive() for thread in threads) and time.monotonic() - start < 30:
        most = max(most, resident_mib(server.pid))
        answered += door.agent(host) is not None if answered < 5 else 0
        time.sleep(0.05)
    passed = time.monotonic() - start
    tap.ok(passed < 20, f"half a frame is not held for long ({passed:.1f} s)")
    stop.set()
    tap.ok(most - before < 80, f"eight of 32 MiB held {most - before} MiB at once")
    tap.is_(answered, 5, "and another device was served meanwhile")
    tap.ok(wait_until(lambda: resident_mib(server.pid) - before < 40), f"which is given back ({resident_mib(server.pid) - before} MiB left)")
    tap.like(server.log.read_text(), "device=greedy .*code=(timeout|overloaded)", "and told in the log")

    # before hello
    slow = door.raw(host, "nae/1")
    start = time.monotonic()
    with contextlib.suppress(OSError):
        for byte in wire.hello():
            slow.sendall(bytes([byte]))
            time.sleep(1)
            if time.monotonic() - start > 15:
                break
    slow.settimeout(5)
    tap.ok(ended(slow) is not None and time.monotonic() - start < 20, "a hello that comes byte by byte is cut")
    tap.is_(server.nae("status").returncode, 0, "the server is well")
    server.stop()
