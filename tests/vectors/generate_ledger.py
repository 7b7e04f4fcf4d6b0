#!/usr/bin/python3
"""Writes ledger.txt: changes, contents and snapshots of a ledger, from docs/spec/ledger.md alone.

    /usr/bin/python3 tests/vectors/generate_ledger.py > tests/vectors/ledger.txt
"""

import hashlib
import hmac
import struct

KEY = bytes(range(32))


def sha256(data):
    return hashlib.sha256(data).digest()


def short(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">H", len(raw)) + raw


def text(value):
    raw = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">I", len(raw)) + raw


def number(value):
    return struct.pack(">q", value)


def count(values):
    return struct.pack(">I", len(values))


def digest(value):
    raw = value if isinstance(value, bytes) else value.encode()
    return text(sha256(raw) if raw else b"")


def item(noun, identity, content):
    head = struct.pack(">B", noun) + short(identity)
    return head + (b"\0" if content is None else b"\1" + text(content))


def change(epoch, kind, time_us, node, admin, previous, items):
    return (b"nae-ledger-change/1\n" + struct.pack(">QBq", epoch, kind, time_us) + short(node) + short(admin) + previous + count(items)
            + b"".join(items))


def snapshot(epoch, hash_, rows):
    entries = sorted((struct.pack(">B", noun) + identity, content, last) for noun, identity, content, last in rows)
    body = b"".join(key[:1] + short(key[1:]) + sha256(content) + struct.pack(">Q", last) for key, content, last in entries)
    return b"nae-ledger-snapshot/1\n" + struct.pack(">Q", epoch) + hash_ + count(entries) + body


KEY_ID, FINGERPRINT = bytes.fromhex("a0b1c2d3e4f5"), "ab" * 32
CONTENTS = {
    "fact": (1, b"server_id", text("0123456789abcdef")),
    "key": (2, KEY_ID, text("customer-pii") + number(2) + number(1_700_000_000_000_000) + number(1) + text("crm") + text("äöü") + number(90) + number(7)
            + count("ab") + text("encrypt") + text("decrypt") + count("") + count("ab") + text("team") + text("crm") + text("tier") + text("1")),
    "version": (3, KEY_ID + b"\0\2", number(2) + number(5) + number(6) + number(1) + digest("wrapped") + text("") + digest("") + text(b"\x11" * 32)
                + digest("signature") + count("a") + number(5) + number(77) + number(78)),
    "policy": (4, b"\0\0\0\7", text(sha256(b"[[rule]]")) + text("alice") + text("why") + number(10) + number(0)),
    "device": (5, FINGERPRINT.encode(), text("db1") + text("0b") + text("cd" * 32) + number(1) + number(2) + number(3)),
    "admin": (6, b"alice", text("ef" * 32) + number(4) + count("a") + text("auditor") + count("a") + text(FINGERPRINT) + text("0a") + number(5) + number(6)),
    "approval": (7, b"0123456789abcdef", text("key-destroy") + text("key-state") + text("PATCH") + text("/v1/keys/a") + text("application/json") + digest("{}")
                 + text("key:1") + text("12" * 32) + text("alice") + text(FINGERPRINT) + number(10) + number(20) + number(3) + number(200) + digest("{}")
                 + count("a") + text("bob") + number(1) + text("12" * 32) + number(15)),
    "certificate": (8, KEY_ID + b"\0\2", digest("two certificates")),
}


def show(section, **values):
    print(f"\n[{section}]")
    for name, value in values.items():
        print(f"{name} = {value.hex() if isinstance(value, bytes) else value}".rstrip())


print("# Vectors of docs/spec/ledger.md. Written by generate_ledger.py; do not edit. Values are hexadecimal; numbers and names are not.")
for name, (noun, identity, content) in CONTENTS.items():
    show("content", noun=noun, name=name, identity=identity, content=content)

first = change(1, 1, 1_700_000_000_000_000, "node-1", "", bytes(32), [item(*CONTENTS["fact"]), item(*CONTENTS["key"]), item(*CONTENTS["version"])])
second = change(2, 18, -1, "node-1", "älice", sha256(first), [item(6, "bob", None)])
third = change(3, 24, 5, "", "", sha256(second), [])
for epoch, encoded in enumerate((first, second, third), 1):
    show("change", key=KEY, epoch=epoch, bytes=encoded, hash=sha256(encoded), mac=hmac.new(KEY, encoded, "sha256").digest())
taken = snapshot(3, sha256(third), [(*CONTENTS[name], 1) for name in ("version", "fact", "key")])
show("snapshot", key=KEY, bytes=taken, mac=hmac.new(KEY, taken, "sha256").digest())
