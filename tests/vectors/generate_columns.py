#!/usr/bin/python3
"""Writes columns.txt: the vectors of docs/spec/column.md, made without the C++ code and without PostgreSQL.

    /usr/bin/python3 tests/vectors/generate_columns.py > tests/vectors/columns.txt
"""

import base64
import datetime
import hashlib
import ipaddress
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


def local_microseconds(text):
    since = datetime.datetime.fromisoformat(text) - datetime.datetime(2000, 1, 1)
    return struct.pack(">q", since // datetime.timedelta(microseconds=1))


def time_of_day(text):
    hour, minute, second = text.split(":")
    return struct.pack(">q", (int(hour) * 60 + int(minute)) * 60 * 10**6 + int(Decimal(second) * 10**6))


def interval(months, days, microseconds):
    return struct.pack(">qii", microseconds, days, months)


def inet(text):
    interface = ipaddress.ip_interface(text)
    return bytes([interface.version, interface.network.prefixlen]) + interface.ip.packed


def array(dimensions, elements):
    """Dimensions as (length, lower bound), elements as canonical forms or None."""
    form = bytes([len(dimensions)]) + b"".join(struct.pack(">ii", *dimension) for dimension in dimensions)
    for element in elements:
        form += struct.pack(">i", -1) if element is None else struct.pack(">i", len(element)) + element
    return form


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


# Appended to VALUES when version 0.2.0 got more types.
MORE_VALUES = [
    (11, "timestamp", "2026-01-31 08:00:00.5", local_microseconds("2026-01-31T08:00:00.500000")),
    (11, "timestamp", "1999-12-31 23:59:59.999999", local_microseconds("1999-12-31T23:59:59.999999")),
    (12, "time", "00:00:00", time_of_day("00:00:00")),
    (12, "time", "24:00:00", time_of_day("24:00:00")),
    (12, "time", "12:34:56.789012", time_of_day("12:34:56.789012")),
    (17, "inet", "192.0.2.5/24", inet("192.0.2.5/24")),
    (17, "inet", "192.0.2.5", inet("192.0.2.5/32")),
    (17, "inet", "2001:db8::1/64", inet("2001:db8::1/64")),
    (18, "bpchar", "Grüße  ", "Grüße".encode()),
    (18, "bpchar", "   ", b""),
    (19, "int2", "-32768", struct.pack(">h", -32768)),
]

# Appended to all others: numerics that are no numbers. The display scale of the infinite ones is 32.
INFINITE = [
    (5, "numeric", "Infinity", struct.pack(">HhHH", 0, 0, 0xD000, 32)),
    (5, "numeric", "-Infinity", struct.pack(">HhHH", 0, 0, 0xF000, 32)),
    (5, "numeric", "NaN", struct.pack(">HhHH", 0, 0, 0xC000, 0)),
]

# Canonical forms of types that have no deterministic one.
RANDOMIZED = [
    (6, "bool", "true", b"\x01"),
    (10, "jsonb", '{"a": "x", "b": [1, 2]}', b'{"a": "x", "b": [1, 2]}'),
    (13, "interval", "1 year 2 mons -3 days 04:05:06.789", interval(14, -3, ((4 * 60 + 5) * 60 + 6) * 10**6 + 789000)),
    (13, "interval", "24 hours", interval(0, 0, 86400 * 10**6)),
    (13, "interval", "1 day", interval(0, 1, 0)),
    (14, "float4", "0.1", struct.pack(">f", 0.1)),
    (14, "float4", "-Infinity", struct.pack(">f", float("-inf"))),
    (15, "float8", "0.1", struct.pack(">d", 0.1)),
    (15, "float8", "-0", struct.pack(">d", -0.0)),
    (15, "float8", "NaN", bytes.fromhex("7ff8000000000000")),
    (16, "json", '{ "b" :1,"b":  2 }', b'{ "b" :1,"b":  2 }'),
    (0x41, "text_array", '{Grüße,NULL,"",""}', array([(4, 1)], ["Grüße".encode(), None, b"", b""])),
    (0x43, "int4_array", "[0:1][-1:0]={{1,-2},{NULL,4}}",
     array([(2, 0), (2, -1)], [struct.pack(">i", 1), struct.pack(">i", -2), None, struct.pack(">i", 4)])),
    (0x45, "numeric_array", "{}", array([], [])),
    (0x46, "bool_array", "{t,f}", array([(2, 1)], [b"\x01", b"\x00"])),
    (0x47, "date_array", "{1999-12-31}", array([(1, 1)], [days("1999-12-31")])),
    (0x51, "inet_array", "{2001:db8::1/64}", array([(1, 1)], [inet("2001:db8::1/64")])),
]


def canonical_vector(number, name, text, canonical):
    print(f"# nae.enc_{name}: {text!r}")
    fields("canonical", type=number, text=text.encode(), canonical=canonical)


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
    for number, name, text, canonical in MORE_VALUES:
        column_vector(number, name, text, canonical, CONTEXTS[0], 1)
    for vector in RANDOMIZED:
        canonical_vector(*vector)
    for number, name, text, canonical in INFINITE:
        column_vector(number, name, text, canonical, CONTEXTS[0], 1)


if __name__ == "__main__":
    main()
