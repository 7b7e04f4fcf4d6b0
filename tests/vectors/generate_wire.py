#!/usr/bin/python3
"""Writes wire.txt: one frame of each type, built from docs/spec/wire.md alone.

    /usr/bin/python3 tests/vectors/generate_wire.py > tests/vectors/wire.txt
"""

import struct


def u8(v):
    return struct.pack(">B", v)


def u16(v):
    return struct.pack(">H", v)


def u32(v):
    return struct.pack(">I", v)


def u64(v):
    return struct.pack(">Q", v)


def text(v):
    return u16(len(v)) + v


def column(items):
    return u32(sum(map(len, items))) + b"".join(u32(len(i)) for i in items) + b"".join(items)


def frame(name, kind, request_id, body=b""):
    print(f"[{name}]\nframe = {(u32(len(body)) + u8(kind) + bytes(3) + u64(request_id) + body).hex()}\n")


def limits(frame_bytes, items):
    return u32(frame_bytes) + u32(items)


def crypto(context, action, algorithm, key, query_id, columns, count, *blocks):
    fixed = u32(context) + u8(action) + u8(algorithm) + text(key) + u64(query_id)
    return fixed + u8(columns) + u32(count) + b"".join(blocks)


ITEMS = [b"4111 1111 1111 1111", b"", b"x"]
ROLES = text(b"shop") + text(b"clerk") + text(b"alice") + text(b"alice") + text(b"psql") + text(b"192.0.2.7")
TOKEN = b"eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2ln"
PROGRAM = text(b"postgres") + u32(105) + text(b"/usr/lib/postgresql/15/bin/postgres") + u8(32) + bytes(range(32)) + text(b"postgresql@15-main.service")


def main():
    print("# One frame of each type, header included. Written by generate_wire.py; do not edit.\n")
    frame("hello", 1, 1, u16(1) + u16(1) + limits(32 << 20, 65536) + text(b"nae-agent 0.1.0"))
    frame("hello_reply", 2, 1, u16(1) + limits(32 << 20, 65536) + text(b"nae-keyserver 0.1.0") + text(b"eu-1") + u64(17))
    frame("open_context", 3, 2, u32(5) + ROLES + u16(2) + text(b"readers") + text(b"staff") + text(b"") + u8(0))
    frame("open_context_attested", 3, 2, u32(5) + ROLES + u16(0) + text(b"") + u8(1) + PROGRAM)
    frame("open_context_of_user", 3, 2, u32(5) + ROLES + u16(0) + text(TOKEN) + u8(1) + PROGRAM)
    frame("context_opened", 4, 2, u32(5))
    frame("close_context", 5, 0, u32(5))
    frame("crypto_encrypt", 6, 3, crypto(5, 1, 0, b"customer-pii", 0x1122334455667788, 2, 3, column(ITEMS), column([b"customer"])))
    frame("crypto_decrypt_aad_per_item", 6, 4, crypto(5, 2, 0, b"", 0, 6, 3, column(ITEMS), column([b"1", b"22", b""])))
    frame("crypto_verify", 6, 5, crypto(5, 4, 0, b"contracts", 0, 1, 1, column([b"a contract"]), column([b"\xd1" + bytes(8) + b"signature"])))
    frame("crypto_reply", 7, 3, u32(4) + u16(0) + u16(1) + u16(2) + u16(66) + column([b"value", b"", b"1111", b""]))
    frame("error", 8, 3, u16(32) + u32(1500) + text(b"role clerk may not decrypt") + text(b"ask"))
    frame("ping", 9, 6)
    frame("pong", 10, 6)
    frame("epoch", 11, 0, u64(18))
    frame("lookup", 12, 7, u32(5) + u8(2))
    frame("lookup_reply", 13, 7, u16(2) + text(b"name") + text(b"state") + u32(2) + u8(1) + text(b"a") + u8(1) + text(b"active") + u8(1) + text(b"b") + u8(0))
    frame("crypto_decrypt_of_one_key", 6, 8, crypto(5, 2, 0, b"customer-pii", 0, 2, 1, column([ITEMS[0]]), column([b"customer"])))
    frame("crypto_random", 6, 9, crypto(5, 8, 0, b"", 0, 0, 4, column([u32(8), u32(0), u32(1025), b"abc"])))
    frame("lookup_of_key_ids", 12, 7, u32(5) + u8(3))
    frame("hello_of_version_2", 1, 1, u16(1) + u16(2) + limits(32 << 20, 65536) + text(b"nae-agent 0.2.0"))
    frame("hello_reply_of_version_2", 2, 1, u16(2) + limits(32 << 20, 65536) + text(b"nae-keyserver 0.2.0") + text(b"eu-1") + u64(17) + bytes(range(32)))
    frame("state", 14, 0, bytes(range(32, 64)))
    frame("crypto_decrypt_by_scheme", 6, 10, crypto(5, 2, 0xe1, b"mail:2", 0, 2, 1, column([bytes(range(256))]), column([b"a label"])))
    frame("crypto_derive", 6, 11, crypto(5, 12, 0, b"kex", 0, 0, 1, column([b"\x04" + bytes(range(64))])))
    frame("hello_of_version_3", 1, 1, u16(1) + u16(3) + limits(32 << 20, 65536) + text(b"nae-agent 0.2.0"))
    reply = u16(3) + limits(32 << 20, 65536) + text(b"nae-keyserver 0.2.0") + text(b"eu-1") + u64(17)
    nodes = text(b"ks1") + u16(2) + text(b"ks2") + text(b"10.0.0.2:7443") + text(b"ks3") + text(b"[2001:db8::3]:7443")
    frame("hello_reply_of_version_3", 2, 1, reply + u8(1) + bytes(range(32)) + nodes)
    frame("hello_reply_of_a_follower", 2, 1, reply + u8(0) + nodes)
    frame("hello_reply_of_no_group", 2, 1, reply + u8(1) + bytes(range(32)) + text(b"") + u16(0))
    frame("nodes", 15, 0, text(b"ks3") + u16(1) + text(b"ks1") + text(b"ks1.example:7443"))


if __name__ == "__main__":
    main()
