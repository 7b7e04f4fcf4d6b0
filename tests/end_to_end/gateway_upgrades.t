#!/usr/bin/python3 -B
# Upgrades through nae-gateway, by a WebSocket client and server of a library: by a route of their own alone; what follows passes both
# ways until either side ends, nothing comes any more, or the gateway stops; and what is no upgrade is an ordinary request.
import asyncio
import http
import os
import re
import shutil
import socket
import ssl
import subprocess

import websockets
from gateway_shop import GATEWAY, Gateway
from harness import Tap, give_to_owner, scratch_directory, wait_until

ROUTES = """
[[route]]
name = "live"
methods = ["GET", "POST"]
path = "/live*"
upgrade = "WebSocket"
[[route]]
name = "sign-up"
path = "/customers"
role = "web"
[[route.field]]
json = "$.card"
action = "refuse"
"""
LIMITS = "[limits]\nidle_timeout_ms = 4000\n"
path = scratch_directory()
executable = path / "nae-gateway"
shutil.copy(GATEWAY, executable)


class Application:
    """A server of WebSockets at /live and /else; it keeps what it saw."""
    def __init__(self):
        self.seen, self.closed = [], asyncio.Event()

    async def __aenter__(self):
        self.server = await websockets.serve(self.talk, "127.0.0.1", 0, process_request=self.look, max_size=1 << 24, ping_interval=None)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        await self.server.wait_closed()

    async def look(self, target, headers):
        self.seen.append((target, headers))
        if target == "/live/declined" or "Upgrade" not in headers:
            return http.HTTPStatus.OK, [("Content-Length", "5")], b"plain"
        return None

    async def talk(self, socket):
        self.closed.clear()
        try:
            async for message in socket:
                if message == "close":
                    await socket.close(4001, "as asked")
                else:
                    await socket.send(message)
        except websockets.exceptions.ConnectionClosed:
            pass  # by its client, or as asked
        finally:
            self.closed.set()


class Deaf:
    """Changes the protocol when it is let, and reads nothing of what follows."""
    async def __aenter__(self):
        self.asked, self.may_answer, self.connections = asyncio.Event(), asyncio.Event(), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.task = asyncio.create_task(self.serve())
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        for connection in (self.listener, *self.connections):
            connection.close()

    async def serve(self):
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self.listener)
            self.connections.append(connection)
            request = b""
            while b"\r\n\r\n" not in request:
                request += await loop.sock_recv(connection, 4096)
            self.asked.set()
            await self.may_answer.wait()
            await loop.sock_sendall(connection, b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")


class Liar:
    """Changes to a protocol that nobody asked for."""
    async def __aenter__(self):
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def answer(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        await writer.drain()


def made(name, upstream, limits=LIMITS, more=""):
    """A gateway without an agent: what no route encrypts needs none."""
    folder = path / name
    folder.mkdir()
    give_to_owner(folder)
    gateway = Gateway.__new__(Gateway)
    gateway.health = lambda: 200 if "event=listening" in gateway.log.read_text() else 0
    gateway.__init__(folder, executable, upstream, path / "no-agent.sock", ROUTES, limits + more)
    return gateway


def asked(target="/live", method="GET", headers=(("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket")), version="1.1"):
    lines = [f"{method} {target} HTTP/{version}", "Host: shop.example", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw=="]
    return "\r\n".join(lines + [f"{name}: {value}" for name, value in headers]).encode() + b"\r\n\r\n"


async def raw(port, data):
    """All that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return answer


async def stuffed(port):
    """A connection to the deaf one that takes no more."""
    loop = asyncio.get_running_loop()
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setblocking(False)
    await loop.sock_sendall(connection, asked())
    answer = await loop.sock_recv(connection, 4096)
    assert answer.startswith(b"HTTP/1.1 101 "), answer
    try:
        while True:
            await asyncio.wait_for(loop.sock_sendall(connection, bytes(1 << 20)), 1)
    except (asyncio.TimeoutError, ConnectionError):
        return connection


async def check_deaf(tap, deaf):
    deaf.may_answer.set()
    gateway = made("deaf", deaf.port, "[limits]\nidle_timeout_ms = 1000\n")
    connection = await stuffed(gateway.port)
    let_go = await asyncio.to_thread(wait_until, lambda: gateway.metric("connections") == 0)
    tap.ok(let_go, "an application that reads nothing is let go with its client when nothing moves", gateway.monitoring("/metrics")[1])
    connection.close()
    gateway.stop()
    gateway = made("stopped", deaf.port, "")
    connection = await stuffed(gateway.port)
    tap.is_(await asyncio.wait_for(asyncio.to_thread(gateway.stop), 20), 0, "a gateway that is stopped does not wait for it")
    connection.close()

    deaf.may_answer.clear()
    deaf.asked.clear()
    gateway = made("late", deaf.port, "")
    answer = asyncio.create_task(raw(gateway.port, asked()))
    await deaf.asked.wait()
    gateway.process.terminate()
    await asyncio.to_thread(wait_until, lambda: "event=stopping" in gateway.log.read_text())
    deaf.may_answer.set()
    got = await answer
    tap.ok(got.startswith(b"HTTP/1.1 503 "), "an upgrade that is agreed to while the gateway stops is refused", got)
    tap.is_(await asyncio.wait_for(asyncio.to_thread(gateway.process.wait), 20), 0, "and the gateway ends")


async def check(tap, application, liar):
    gateway = made("plain", application.port)
    url = f"ws://127.0.0.1:{gateway.port}"
    large = os.urandom(3 << 20)
    async with websockets.connect(f"{url}/live/1?room=2", max_size=1 << 24) as socket:
        target, headers = application.seen[-1]
        tap.is_((target, headers["X-Forwarded-For"], headers["Upgrade"]), ("/live/1?room=2", "127.0.0.1", "websocket"), "an upgrade of its route reaches the application")
        await socket.send("hello")
        tap.is_(await socket.recv(), "hello", "a message goes there and back")
        await socket.send(large)
        tap.ok(await socket.recv() == large, "so do three mebibytes")
        await asyncio.gather(*(socket.send(str(each)) for each in range(1000)))
        tap.is_([await socket.recv() for _ in range(1000)], [str(each) for each in range(1000)], "and a thousand at once, in order")
        for _ in range(20):  # a pause is shorter than what closes a silent connection, all of them are longer
            await asyncio.sleep(0.25)
            await (await socket.ping())
        tap.ok(socket.open, "who says something now and then stays connected")
        await socket.send("close")
        tap.is_((await socket.wait_closed(), socket.close_code), (None, 4001), "the application's end reaches the client")
    socket = await websockets.connect(f"{url}/live")
    socket.transport.abort()
    await asyncio.wait_for(application.closed.wait(), 20)
    tap.ok(True, "the client's end reaches the application")
    async with websockets.connect(f"{url}/live", ping_interval=None) as socket:
        await asyncio.wait_for(socket.wait_closed(), 20)
        tap.is_(socket.close_code, 1006, "a silent connection is closed")

    try:
        async with websockets.connect(f"{url}/else"):
            refused = "taken"
    except websockets.exceptions.InvalidStatusCode as error:
        refused = error.status_code
    tap.is_((refused, "Upgrade" in application.seen[-1][1], "Connection" in application.seen[-1][1]), (200, False, False),
            "without a route it is an ordinary request")
    for name, data in [("POST", asked(method="POST")), ("a body", asked(headers=[("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Content-Length", "2")]) + b"{}"),
                       ("no Connection", asked(headers=[("Upgrade", "websocket")])), ("HTTP/1.0", asked(version="1.0")),
                       ("two Upgrades", asked(headers=[("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Upgrade", "websocket")]))]:
        seen = len(application.seen)
        answer = await raw(gateway.port, data + b"GET /live/hidden HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" * (name != "a body"))
        tap.ok(answer.startswith(b"HTTP/1.1 400 ") and b'"upgrade_malformed"' in answer, f"an upgrade with {name} is refused", answer)
        tap.ok(all(target == "/live/hidden" for target, _ in application.seen[seen:]), "and does not reach the application")
    answer = await raw(gateway.port, asked(headers=[("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk")]).replace(
        b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    tap.is_((answer[:12], "Upgrade" in application.seen[-1][1], "HTTP2-Settings" in application.seen[-1][1]), (b"HTTP/1.1 200", False, False),
            "an upgrade to HTTP/2 goes no further")
    hidden = b'POST /customers HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: 27\r\nConnection: close\r\n\r\n{"card":"4111111111111111"}'
    seen = len(application.seen)
    answer = await raw(gateway.port, asked("/live/declined") + hidden)
    tap.ok(answer.startswith(b"HTTP/1.1 200 ") and b'"field_refused"' in answer and len(application.seen) == seen + 1,
           "what stands behind an upgrade that the application declines is a request, and looked into", answer)

    lying = made("lying", liar.port)
    answer = await raw(lying.port, asked().replace(b"keep-alive, ", b""))
    tap.ok(answer.startswith(b"HTTP/1.1 502 ") and b"h2c" not in answer, "an application that changes to another protocol is not believed", answer)
    answer = await raw(lying.port, b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    tap.ok(answer.startswith(b"HTTP/1.1 502 "), "nor one that nobody asked", answer)
    lying.stop()

    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path / "shop.key", "-out", path / "shop.pem",
                    "-days", "2", "-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example"], check=True, capture_output=True)
    (path / "shop.key").chmod(0o600)
    give_to_owner(path / "shop.key", path / "shop.pem")
    secure = made("secure", application.port, "", f'[tls]\ncertificate = "{path}/shop.pem"\nkey = "{path}/shop.key"\n')
    context = ssl.create_default_context(cafile=path / "shop.pem")
    async with websockets.connect(f"wss://shop.example:{secure.port}/live", host="127.0.0.1", port=secure.port, ssl=context, server_hostname="shop.example", max_size=1 << 24) as socket:
        both = await asyncio.gather(*(socket.send(large) for _ in range(3)), *(socket.recv() for _ in range(1)))
        tap.ok(both[-1] == large and await socket.recv() == large and await socket.recv() == large, "over TLS while both sides send")
        stopped = asyncio.create_task(asyncio.to_thread(secure.stop))
        await asyncio.wait_for(socket.wait_closed(), 20)
        tap.is_((await asyncio.wait_for(stopped, 20), secure.process.returncode), (0, 0), "a gateway that is stopped waits for no upgraded connection")
    gateway.stop()
    line = re.search(r"event=request .*route=live status=101 .*bytes_in=(\d+) bytes_out=(\d+)", gateway.log.read_text())
    tap.ok(line and min(map(int, line.groups())) > len(large), "the log has a line for it, with its bytes", gateway.log.read_text()[-1500:])


async def main(tap):
    async with Application() as application, Liar() as liar:
        await check(tap, application, liar)
    async with Deaf() as deaf:
        await check_deaf(tap, deaf)


with Tap() as tap:
    asyncio.run(main(tap))
