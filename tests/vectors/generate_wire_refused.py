#!/usr/bin/python3
"""Writes wire_refused.txt: frames that are refused, and how, from docs/spec/wire.md alone.

    /usr/bin/python3 tests/vectors/generate_wire_refused.py > tests/vectors/wire_refused.txt
"""

from generate_wire import column, crypto, limits, text, u8, u16, u32, u64

ITEM = column([b"value"])
SECOND = column([b"\xd1" + bytes(8) + b"signature"])
CODES = {"invalid_argument": 16, "unsupported": 20, "protocol_violation": 112, "frame_too_large": 113}


def refused(name, by, code, kind, request_id, body=b"", reserved=bytes(3), length=None):
    """Who answers so: the key server alone, or the agent as well. An error of the last two codes ends the connection."""
    frame = u32(len(body) if length is None else length) + u8(kind) + reserved + u64(request_id) + body
    closes = "yes" if CODES[code] >= 112 else "no"
    print(f"[{name}]\nby = {by}\ncode = {CODES[code]}\ncloses = {closes}\nframe = {frame.hex()}\n")


def request(name, by, code, *fields):
    refused(name, by, code, 6, 9, crypto(5, *fields))


def main():
    print("# Frames that are refused on a connection that was greeted and where context 5 is open. Written by")
    print("# generate_wire_refused.py; do not edit. by: who refuses; code: of the error; closes: whether the connection ends.\n")
    for name, kind, request_id, body in [
            ("ping-with-a-body", 9, 6, b"x"), ("pong-with-a-body", 10, 6, b"x"), ("ping-without-an-id", 9, 0, b""),
            ("crypto-without-an-id", 6, 0, crypto(5, 7, 1, b"", 0, 0, 1, ITEM)), ("lookup-without-an-id", 12, 0, u32(5) + u8(1)),
            ("close-context-with-an-id", 5, 6, u32(5)), ("epoch-of-an-asker", 11, 0, u64(1)),
            ("lookup-with-a-byte-left-over", 12, 7, u32(5) + u8(2) + b"x"),
            ("crypto-without-items", 6, 9, crypto(5, 7, 1, b"", 0, 0, 0, column([]))),
            ("crypto-with-a-byte-left-over", 6, 9, crypto(5, 7, 1, b"", 0, 0, 1, ITEM) + b"x"),
            ("associated-data-an-item-without-any", 6, 9, crypto(5, 1, 0, b"k", 0, 4, 1, ITEM)),
            ("a-second-hello", 1, 9, u16(1) + u16(1) + limits(32 << 20, 65536) + text(b"again")), ("a-state", 14, 0, bytes(32)), ("a-nodes", 15, 0, text(b"") + u16(0)), ("a-later-type", 16, 9, b"")]:
        refused(name, "both", "protocol_violation", kind, request_id, body)
    refused("a-reserved-byte", "both", "protocol_violation", 9, 6, reserved=b"\0\0\1")
    refused("a-frame-over-the-limit", "both", "frame_too_large", 6, 9, length=(64 << 20) + 1)
    request("a-later-action", "both", "unsupported", 200, 0, b"k", 0, 0, 1, ITEM)
    request("a-later-column", "both", "unsupported", 1, 0, b"k", 0, 8, 1, ITEM, ITEM)
    refused("a-later-lookup", "both", "unsupported", 12, 7, u32(5) + u8(15))
    request("an-action-that-nobody-serves", "server", "unsupported", 9, 0, b"k", 0, 0, 1, ITEM)
    for name, code, *fields in [
            ("hash-with-a-key", "invalid_argument", 7, 1, b"k", 0, 0, 1, ITEM),
            ("random-with-a-key", "invalid_argument", 8, 0, b"k", 0, 0, 1, column([u32(8)])),
            ("encrypt-without-a-key", "invalid_argument", 1, 0, b"", 0, 0, 1, ITEM),
            ("encrypt-with-second-values", "invalid_argument", 1, 0, b"k", 0, 1, 1, ITEM, SECOND),
            ("decrypt-with-second-values", "invalid_argument", 2, 0, b"", 0, 1, 1, ITEM, SECOND),
            ("sign-with-associated-data", "invalid_argument", 3, 0, b"k", 0, 2, 1, ITEM, ITEM),
            ("hash-with-associated-data", "invalid_argument", 7, 1, b"", 0, 2, 1, ITEM, ITEM),
            ("mac-with-associated-data", "invalid_argument", 5, 0, b"k", 0, 2, 1, ITEM, ITEM),
            ("verify-without-signatures", "invalid_argument", 4, 0, b"k", 0, 0, 1, ITEM),
            ("mac-verify-without-codes", "invalid_argument", 6, 0, b"k", 0, 0, 1, ITEM),
            ("decrypt-with-an-algorithm", "unsupported", 2, 1, b"", 0, 0, 1, ITEM),
            ("rewrap-with-an-algorithm", "unsupported", 11, 1, b"", 0, 0, 1, ITEM),
            ("mac-verify-with-an-algorithm", "unsupported", 6, 1, b"k", 0, 1, 1, ITEM, SECOND),
            ("random-with-an-algorithm", "unsupported", 8, 1, b"", 0, 0, 1, column([u32(8)])),
            ("hash-without-an-algorithm", "unsupported", 7, 0, b"", 0, 0, 1, ITEM),
            ("hash-of-an-unknown-algorithm", "unsupported", 7, 9, b"", 0, 0, 1, ITEM)]:
        request(name, "server", code, *fields)


main()
