"""Just enough of nae/1 (docs/spec/wire.md) to be a wrong asker: frames, messages, both transports."""
import socket
import ssl
import struct

HELLO, HELLO_REPLY, OPEN_CONTEXT, CONTEXT_OPENED, CLOSE_CONTEXT, CRYPTO, CRYPTO_REPLY, ERROR, PING, PONG = range(1, 11)
ENCRYPT, DECRYPT = 1, 2
UNSUPPORTED, PROTOCOL_VIOLATION, FRAME_TOO_LARGE, UNSUPPORTED_VERSION = 20, 112, 113, 114
CONTEXT_UNKNOWN, PROGRAM_UNKNOWN, TOO_MANY_ITEMS, DENIED = 33, 34, 18, 32


def text(value):
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def frame(kind, body=b"", request=1, reserved=b"\0\0\0", length=None):
    return struct.pack(">IB3sQ", len(body) if length is None else length, kind, reserved, request) + body


def hello(lowest=1, highest=1, max_frame_bytes=1 << 20, max_items=1000):
    return frame(HELLO, struct.pack(">HHII", lowest, highest, max_frame_bytes, max_items) + text("test"))


def open_context(number=1, role="nae_all", database="nae_test", program="postgres", attested=True, user_token=""):
    body = struct.pack(">I", number) + b"".join(map(text, (database, role, role, role, "", "")))
    body += struct.pack(">H", 0) + text(user_token) + (b"\1" if attested else b"\0")
    if attested:
        body += text(program) + struct.pack(">I", 0) + text("") + b"\0" + text("")
    return frame(OPEN_CONTEXT, body, request=2)


def column(*values):
    data = b"".join(values)
    return struct.pack(">I", len(data)) + b"".join(struct.pack(">I", len(v)) for v in values) + data


def crypto(*values, context=1, action=ENCRYPT, key="customer-pii", columns=0, count=None, items=None, request=3):
    body = struct.pack(">IBB", context, action, 0) + text(key) + struct.pack(">QB", 0, columns)
    body += struct.pack(">I", len(values) if count is None else count)
    return frame(CRYPTO, body + (column(*values) if items is None else items), request=request)


class Peer:
    """One connection; every read has an end."""
    def __init__(self, connection, seconds=10):
        self.connection = connection
        connection.settimeout(seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send(self, *frames):
        try:
            self.connection.sendall(b"".join(frames))
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was sent; read() tells
        return self

    def _bytes(self, count):
        data = b""
        while len(data) < count:
            try:
                chunk = self.connection.recv(count - len(data))
            except (ConnectionResetError, ssl.SSLError) as error:
                if isinstance(error, TimeoutError):
                    raise
                chunk = b""
            if not chunk:
                return None
            data += chunk
        return data

    def read(self):
        """The next frame as (type, request id, body); None when the peer closed the connection."""
        header = self._bytes(16)
        if header is None:
            return None
        length, kind, _, request = struct.unpack(">IB3sQ", header)
        return kind, request, self._bytes(length) or b""

    def read_past(self, *kinds):
        """The next frame that is of none of these types."""
        while (got := self.read()) is not None and got[0] in kinds:
            pass
        return got

    def error(self):
        """Reads on to an error frame: its (code, message); None when the connection ends first."""
        got = self.read_past(HELLO_REPLY, CONTEXT_OPENED, CRYPTO_REPLY, 11)
        if got is None or got[0] != ERROR:
            return got
        code, _, size = struct.unpack(">HIH", got[2][:8])
        return code, got[2][8:8 + size].decode()

    def closed(self):
        return self.read_past(ERROR) is None


def unix_peer(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(path))
    return Peer(connection)


def tls_context(authority, certificate=None, key=None, alpn="nae/1"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority)
    if certificate:
        context.load_cert_chain(certificate, key)
    if alpn:
        context.set_alpn_protocols([alpn])
    return context


def tls_peer(port, context):
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    try:
        return Peer(context.wrap_socket(connection, server_hostname="127.0.0.1"))
    except BaseException:
        connection.close()
        raise


def single_result(reply):
    """Status and value of a crypto reply with one item."""
    count, status, total, size = struct.unpack(">IHII", reply[:14])
    assert count == 1 and total == size, reply
    return status, reply[14:14 + size]
