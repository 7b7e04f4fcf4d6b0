"""As much of PostgreSQL's protocol 3.0 as it takes to send bound parameters, which psql 15 does not."""
import socket
import struct


class BoundSession:
    """One backend over the Unix socket of a stack, as the superuser."""
    def __init__(self, stack, database="nae_test"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(stack.path / "run" / ".s.PGSQL.5432"))
        words = b"".join(word.encode() + b"\0" for word in ("user", "postgres", "database", database, ""))
        self.socket.sendall(struct.pack(">II", len(words) + 8, 3 << 16) + words)
        self._answer()

    def _bytes(self, count):
        data = b""
        while len(data) < count:
            chunk = self.socket.recv(count - len(data))
            if not chunk:
                raise ConnectionError("the server ended the session")
            data += chunk
        return data

    column = staticmethod(bytes.decode)  # what is made of a value's bytes

    def _answer(self):
        """Up to ReadyForQuery: the first column of each row, or the SQLSTATE of an error."""
        rows, state = [], None
        while True:
            kind, length = struct.unpack(">cI", self._bytes(5))
            body = self._bytes(length - 4)
            if kind == b"E":
                state = next(field[1:].decode() for field in body.split(b"\0") if field.startswith(b"C"))
                self.error = body.decode(errors="replace")
            elif kind == b"D":
                size, = struct.unpack(">i", body[2:6])
                rows.append(None if size < 0 else self.column(body[6:6 + size]))
            elif kind == b"Z":
                return state or rows

    def ask(self, query, *parameters):
        parse = b"\0" + query.encode() + b"\0" + struct.pack(">H", 0)
        bind = b"\0\0" + struct.pack(">HH", 0, len(parameters))
        for parameter in parameters:
            data = parameter.encode()
            bind += struct.pack(">I", len(data)) + data
        bind += struct.pack(">H", 0)
        return self._executed(parse, bind)

    def _executed(self, parse, bind):
        messages = (b"P", parse), (b"B", bind), (b"E", b"\0" + struct.pack(">I", 0)), (b"S", b"")
        self.socket.sendall(b"".join(kind + struct.pack(">I", len(body) + 4) + body for kind, body in messages))
        return self._answer()

    def close(self):
        self.socket.close()
