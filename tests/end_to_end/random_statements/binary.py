"""Values of parameters: as text, or in the binary form of the type that Describe told."""
import datetime
import struct
import uuid

PLAIN = {"text": "amber", "int": "1", "big": "3", "num": "1.25", "date": "2024-02-28", "ts": "2024-02-29 13:00:00+00", "uuid": "c4ca4238-a0b9-2382-0dcc-509a6f75849b",
         "bytea": "\\x6162", "bool": "t", "json": '{"a": 1}'}
BINARY = {
    16: lambda text: b"\1" if text[:1] in "t1" else b"\0",
    17: lambda text: bytes.fromhex(text[2:]) if text[:2] == "\\x" else text.encode(),
    20: lambda text: struct.pack(">q", int(text)), 21: lambda text: struct.pack(">h", int(text)), 23: lambda text: struct.pack(">i", int(text)),
    25: str.encode, 1043: str.encode, 2950: lambda text: uuid.UUID(text).bytes, 3802: lambda text: b"\1" + text.encode(),
    1082: lambda text: struct.pack(">i", (datetime.date.fromisoformat(text) - datetime.date(2000, 1, 1)).days),
}


def encoded(value, oid, binary):
    """The bytes, and whether they are binary."""
    if value is None:
        return None, False
    if binary and oid in BINARY:
        try:
            return BINARY[oid](value), True
        except (ValueError, struct.error):
            pass
    return value.encode(), False
