"""A backend that is sent parameters of any type, as text or binary, and answers in either."""
import struct

from bound import BoundSession

TEXT, BINARY = 0, 1


class InputSession(BoundSession):
    def _answer(self):
        """As above, with columns as bytes."""
        rows, state = [], None
        while True:
            kind, length = struct.unpack(">cI", self._bytes(5))
            body = self._bytes(length - 4)
            if kind == b"E":
                state = next(field[1:].decode() for field in body.split(b"\0") if field.startswith(b"C"))
                self.error = body.decode(errors="replace")
            elif kind == b"D":
                size, = struct.unpack(">i", body[2:6])
                rows.append(None if size < 0 else body[6:6 + size])
            elif kind == b"Z":
                return state or rows

    def give(self, query, data, oid=0, form=TEXT, answer=TEXT):
        """The only parameter is `data`, of type `oid`. The first column of the rows, or the SQLSTATE."""
        parse = b"\0" + query.encode() + b"\0" + struct.pack(">HI", 1, oid)
        bind = b"\0\0" + struct.pack(">HHH", 1, form, 1) + struct.pack(">I", len(data)) + data + struct.pack(">HH", 1, answer)
        messages = (b"P", parse), (b"B", bind), (b"E", b"\0" + struct.pack(">I", 0)), (b"S", b"")
        self.socket.sendall(b"".join(kind + struct.pack(">I", len(body) + 4) + body for kind, body in messages))
        return self._answer()

    def must(self, query, *parameters):
        """The first column as text; an error ends the test."""
        answer = self.ask(query, *parameters)
        if isinstance(answer, str):
            raise RuntimeError(f"{query}: {self.error}")
        return [None if value is None else value.decode() for value in answer]
