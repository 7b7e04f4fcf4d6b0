"""A device that keeps asking over nae/1 and takes its answers apart from reading them, so that a test can tell
what had reached the host by a moment from what came later."""
import select
import socket
import ssl
import struct

import wire
from harness import wait_until

IN_FLIGHT = 32


class Hammer:
    """Repeats one request, IN_FLIGHT at a time. Reading takes what the kernel has and never waits."""
    def __init__(self, port, context, role, request, in_flight=IN_FLIGHT):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="127.0.0.1")
        self.request, self.data, self.ended = request, b"", False
        self._handshake()
        self.socket.setblocking(False)
        self.unsent = b""
        self.codes = []  # of the answers, in order: 0 is a success
        self._say(wire.hello() + wire.open_context(role=role) + request * in_flight)

    def _handshake(self):
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.socket.sendall(self.outgoing.read())
                self.incoming.write(self.socket.recv(1 << 16))
        self.socket.sendall(self.outgoing.read())

    def _say(self, data):
        self.tls.write(data)
        self.unsent += self.outgoing.read()
        self._send()

    def _send(self):
        try:
            while self.unsent and not self.ended:
                self.unsent = self.unsent[self.socket.send(self.unsent):]
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True

    def take(self, ask_again=True):
        """Everything that is there now; as many new requests. Answers how many answers that were."""
        try:
            while not self.ended:
                chunk = self.socket.recv(1 << 18)
                self.ended = not chunk
                self.incoming.write(chunk)
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True
        try:
            while chunk := self.tls.read(1 << 18):
                self.data += chunk
        except ssl.SSLError:
            pass
        before = len(self.codes)
        while len(self.data) >= 16:
            length, kind, _, _ = struct.unpack(">IB3sQ", self.data[:16])
            if len(self.data) < 16 + length:
                break
            body, self.data = self.data[16:16 + length], self.data[16 + length:]
            if kind == wire.CRYPTO_REPLY:
                status = struct.unpack(">H", body[4:6])[0]
                self.codes.append(status if status >= 16 else 0)
            elif kind == wire.ERROR:
                self.codes.append(struct.unpack(">H", body[:2])[0])
        count = len(self.codes) - before
        if count and ask_again and not self.ended:
            self._say(self.request * count)
        self._send()
        return count

    def drain(self):
        """Takes what is left, and says whether the connection has ended. That the process at the other side is gone does
        not mean that its end has come in here already."""
        return wait_until(lambda: [self.take(ask_again=False), self.ended][1])

    def close(self):
        self.socket.close()


def work(hammers, seconds):
    """Lets all of them work until one can, or time is over."""
    select.select([h.socket for h in hammers if not h.ended], [], [], seconds)
    for hammer in hammers:
        hammer.take()
