#!/usr/bin/python3
"""Writes columns.txt: the vectors of docs/spec/column.md, made without the C++ code and without PostgreSQL.

    /usr/bin/python3 tests/vectors/generate_columns.py > tests/vectors/columns.txt
"""

import base64
import datetime
import hashlib
import struct
import uuid
from decimal import Decimal

from generate_envelope import KEY_ID, fields, sealed_siv

KEY_NAME = "col-det"
CONTEXTS = ["", "people.ssn"]


def numeric(text):
    """PostgreSQL's numeric_send of a number without trailing zeros behind the point."""
    number = Decimal(text)
    sign = 0x4000 if number < 0 else 0
    integer, _, fraction = format(abs(number), "f").partition(".")
    fraction = fraction.rstrip("0")
    digits = integer.zfill(-(-len(integer) // 4) * 4) + fraction.ljust(-(-len(fraction) // 4) * 4, "0")
    groups = [int(digits[i:i + 4]) for i in range(0, len(digits), 4)]
    weight = -(-len(integer) // 4) - 1
    while groups and groups[0] == 0:
        groups, weight = groups[1:], weight - 1
    while groups and groups[-1] == 0:
        groups = groups[:-1]
    if not groups:
        weight = 0
    return struct.pack(">HhHH", len(groups), weight, sign, len(fraction)) + struct.pack(f">{len(groups)}H", *groups)


def days(text):
    return struct.pack(">i", (datetime.date.fromisoformat(text) - datetime.date(2000, 1, 1)).days)


def microseconds(text):
    since = datetime.datetime.fromisoformat(text) - datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
    return struct.pack(">q", since // datetime.timedelta(microseconds=1))


VALUES = [
    (1, "text", "", b""),
    (1, "text", "123-45-6789", b"123-45-6789"),
    (1, "text", "Grüße", "Grüße".encode()),
    (2, "bytea", "\\x00ff", b"\x00\xff"),
    (3, "int4", "-2", struct.pack(">i", -2)),
    (3, "int4", "2147483647", struct.pack(">i", 2147483647)),
    (4, "int8", "4294967296", struct.pack(">q", 4294967296)),
    (5, "numeric", "0.00", numeric("0")),
    (5, "numeric", "1.50", numeric("1.50")),
    (5, "numeric", "-12345678.000900", numeric("-12345678.0009")),
    (7, "date", "1999-12-31", days("1999-12-31")),
    (8, "timestamptz", "2026-01-31 08:00:00.5+00", microseconds("2026-01-31T08:00:00.500000+00:00")),
    (9, "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11").bytes),
]


def column_vector(number, name, text, canonical, context, version):
    tagged = hashlib.sha256(KEY_NAME.encode() + b"\0" + context.encode())
    declared = hashlib.sha256(KEY_NAME.encode() + b"\0" + context.encode() + b"\0" + str(version).encode())
    header = b"\xe1" + bytes([number]) + tagged.digest()[:4]
    aad = b"nae-column" + header
    sealed = sealed_siv(version, aad, canonical)
    value = header + sealed["envelope"]
    modifiers = [KEY_NAME] + [f"context={context}"] * (context != "") + [f"version={version}"] * (version > 1)
    declaration = ", ".join(f"'{modifier}'" for modifier in modifiers)
    typmod = int.from_bytes(declared.digest()[:4], "big") & 0x7FFFFFFF
    print(f"# nae.enc_det_{name}({declaration}), type modifier {typmod}: {text!r} is")
    print(f"# nae1:{base64.b64encode(value).decode()}")
    fields("column", type=number, key_name=KEY_NAME.encode(), context=context.encode(), key_id=KEY_ID, version=version,
           canonical=canonical, context_tag=tagged.digest()[:4], column_header=header, aad=aad,
           working_key=sealed["working_key"], envelope=sealed["envelope"], value=value)


def main():
    print("# Vectors of docs/spec/column.md. Written by generate_columns.py; do not edit.")
    print("# Values are hexadecimal; type and version are decimal.\n")
    for number, name, text, canonical in VALUES:
        column_vector(number, name, text, canonical, CONTEXTS[0], 1)
    column_vector(*VALUES[1], CONTEXTS[1], 1)
    column_vector(*VALUES[1], CONTEXTS[1], 2)


if __name__ == "__main__":
    main()
