"""Frames that no honest asker sends, as (name, frames, the codes that may answer)."""
import struct

from wire import (CONTEXT_UNKNOWN, CRYPTO, CRYPTO_REPLY, FRAME_TOO_LARGE, HELLO, PING, PROTOCOL_VIOLATION, TOO_MANY_ITEMS,
                  UNSUPPORTED, UNSUPPORTED_VERSION, crypto, frame, hello, open_context)


def fatal(attested):
    """Each ends the connection. `attested`: the context as a key server or as an agent wants it."""
    greeted = hello(), open_context(attested=attested)
    return [
        ("garbage", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], (PROTOCOL_VIOLATION, FRAME_TOO_LARGE)),
        ("zeros", [bytes(64)], (PROTOCOL_VIOLATION,)),
        ("a first frame over 4096 bytes", [frame(HELLO, bytes(4097))], (FRAME_TOO_LARGE,)),
        ("a length of 4 GiB", [frame(HELLO, length=0xffffffff)], (FRAME_TOO_LARGE,)),
        ("a length over the agreed limit", [*greeted, frame(CRYPTO, length=(1 << 20) + 1)], (FRAME_TOO_LARGE,)),
        ("an unknown frame type", [*greeted, frame(200)], (PROTOCOL_VIOLATION,)),
        ("a reserved byte", [*greeted, frame(PING, reserved=b"\0\1\0")], (PROTOCOL_VIOLATION,)),
        ("a frame that only servers send", [*greeted, frame(CRYPTO_REPLY, bytes(8))], (PROTOCOL_VIOLATION,)),
        ("crypto before hello", [crypto(b"x")], (PROTOCOL_VIOLATION,)),
        ("a second hello", [hello(), hello()], (PROTOCOL_VIOLATION,)),
        ("a hello cut short", [frame(HELLO, bytes(5))], (PROTOCOL_VIOLATION,)),
        ("a hello with a byte left over", [hello()[:3] + bytes([hello()[3] + 1]) + hello()[4:] + b"\0"], (PROTOCOL_VIOLATION,)),
        ("a version nobody speaks", [hello(7, 9)], (UNSUPPORTED_VERSION,)),
        ("versions upside down", [hello(9, 1)], (PROTOCOL_VIOLATION,)),
        ("limits below the least", [hello(max_frame_bytes=1)], (PROTOCOL_VIOLATION,)),
        ("an empty crypto frame", [*greeted, frame(CRYPTO)], (PROTOCOL_VIOLATION,)),
        ("a crypto frame cut short", [*greeted, frame(CRYPTO, crypto(b"x" * 40)[16:-7])], (PROTOCOL_VIOLATION,)),
        ("a byte left over", [*greeted, frame(CRYPTO, crypto(b"x")[16:] + b"\0")], (PROTOCOL_VIOLATION,)),
        ("more items than there are", [*greeted, crypto(b"x", count=2)], (PROTOCOL_VIOLATION,)),
        ("fewer items than there are", [*greeted, crypto(b"x", b"y", count=1)], (PROTOCOL_VIOLATION,)),
        ("no items", [*greeted, crypto(count=0)], (PROTOCOL_VIOLATION,)),
        ("lengths that sum to something else", [*greeted, crypto(items=struct.pack(">III", 5, 4, 2) + b"hello", count=2)],
         (PROTOCOL_VIOLATION,)),
        ("lengths that sum to it modulo 2^32",
         [*greeted, crypto(items=struct.pack(">III", 4, 0xfffffffe, 6) + b"good", count=2)], (PROTOCOL_VIOLATION,)),
        ("aad announced but not there", [*greeted, crypto(b"x", columns=2)], (PROTOCOL_VIOLATION,)),
        ("a ping with a body", [*greeted, frame(PING, b"x")], (PROTOCOL_VIOLATION,)),
        ("a request with the id 0", [*greeted, crypto(b"x", request=0)], (PROTOCOL_VIOLATION,)),
    ]


def tolerated():
    """Behind hello and open_context; the connection goes on after the error."""
    return [
        ("an unknown action", crypto(b"x", action=99), (UNSUPPORTED,)),
        ("an unknown column", crypto(b"x", columns=8), (UNSUPPORTED,)),
        ("an unknown context", crypto(b"x", context=77), (CONTEXT_UNKNOWN,)),
        ("a count of 2000 where 1000 were agreed", crypto(*[b"x"] * 2000), (TOO_MANY_ITEMS,)),
        ("a count of four billion", crypto(b"x", count=0xffffffff), (TOO_MANY_ITEMS, PROTOCOL_VIOLATION)),
    ]
