#!/usr/bin/python3
"""Writes blind_index.txt: the vectors of docs/spec/envelope.md, "Blind indexes", format 2.

Independent of the C++ code: written from the specification, on hashlib and hmac alone.

    /usr/bin/python3 tests/vectors/generate_blind_index.py > tests/vectors/blind_index.txt
"""

import hashlib
import hmac
import struct

KEY = bytes(range(32))  # stands in for the key version that never leaves the HSM
KEY_ID = bytes.fromhex("a0b1c2d3e4f5")
LABEL = b"nae/2 blind-index"
# Neighbours: the same bytes in another place must make another code.
TRIPLES = [
    ("", "", b""),
    ("", "", b"4111"),
    ("4111", "", b""),
    ("", "4111", b""),
    ("41", "11", b""),
    ("41", "", b"11"),
    ("email", "", b"ada@example.org"),
    ("email", "customers", b"ada@example.org"),
    ("emailcustomers", "", b"ada@example.org"),
    ("9b0c5d1e-5d4f-4b6e-8a9d-0f1e2d3c4b5a", "\u00e9\u4e2d", "stra\u00dfe".encode()),
    ("p" * 300, "c" * 300, bytes(range(256)) * 5),
]


def hmac_sha256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def fields(section, **values):
    print(f"[{section}]")
    for name, value in values.items():
        print(f"{name} = {value if isinstance(value, int) else value.hex()}".rstrip())
    print()


def counted(text):
    return struct.pack(">H", len(text.encode())) + text.encode()


def working_key(version):
    """SP 800-108 counter mode, one block."""
    context = KEY_ID + struct.pack(">H", version) + bytes(12)
    return hmac_sha256(KEY, struct.pack(">I", 1) + LABEL + b"\0" + context + struct.pack(">I", 256))


def vectors(version, purpose, context, value):
    given = counted(purpose) + counted(context) + value
    key = working_key(version)
    number = struct.pack(">H", version)
    fields("blind-index-code", key=KEY, key_id=KEY_ID, version=version, purpose=purpose.encode(),
           context=context.encode(), value=value, input=given, working_key=key,
           code=b"\xb4" + number + hmac_sha256(key, given)[:16])
    separated = bytes(4) + LABEL + b"\0" + KEY_ID + number + bytes(12) + given
    fields("hsm-blind-index-code", key=KEY, key_id=KEY_ID, version=version, input=given,
           hmac_input=separated, code=b"\xb5" + number + hmac_sha256(KEY, separated)[:16])


def main():
    print("# Vectors of docs/spec/envelope.md, blind indexes of format 2. Written by")
    print("# generate_blind_index.py; do not edit. Values are hexadecimal; version is decimal.\n")
    for triple in TRIPLES:
        vectors(1, *triple)
    for version in (2, 256, 65535):
        vectors(version, *TRIPLES[6])


if __name__ == "__main__":
    main()
