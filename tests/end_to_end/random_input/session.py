"""A backend that is sent parameters of any type, as text or binary, and answers in either."""
import struct

from bound import BoundSession

TEXT, BINARY = 0, 1


class InputSession(BoundSession):
    column = staticmethod(bytes)

    def give(self, query, data, oid=0, form=TEXT, answer=TEXT):
        """The only parameter is `data`, of type `oid`. The first column of the rows, or the SQLSTATE."""
        parse = b"\0" + query.encode() + b"\0" + struct.pack(">HI", 1, oid)
        bind = b"\0\0" + struct.pack(">HHH", 1, form, 1) + struct.pack(">I", len(data)) + data + struct.pack(">HH", 1, answer)
        return self._executed(parse, bind)

    def must(self, query, *parameters):
        """The first column as text; an error ends the test."""
        answer = self.ask(query, *parameters)
        if isinstance(answer, str):
            raise RuntimeError(f"{query}: {self.error}")
        return [None if value is None else value.decode() for value in answer]
