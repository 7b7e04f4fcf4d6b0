#!/usr/bin/python3
"""Writes search.txt: the vectors of docs/spec/envelope.md, "Search indexes".

Independent of the C++ code: written from the specification, on unicodedata, hashlib and hmac alone. This
Python's unicodedata may be of an older version of Unicode than declarations name; texts here are of letters whose
folding no later version changes.

    /usr/bin/python3 tests/vectors/generate_search.py > tests/vectors/search.txt
"""

import datetime
import decimal
import hashlib
import hmac
import struct
import unicodedata

UNICODE = "15.0.0"
KEY = bytes(range(32))  # stands in for the key version that never leaves the HSM
KEY_ID = bytes.fromhex("a0b1c2d3e4f5")
LABEL = b"nae/1 search"
INVISIBLE = {0xad, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2060, 0xfeff}

TEXTS = [
    "", " ", "Ada", "Ada Lovelace", "paul GONZALEZ-ruiz", "O'Brien", "Ann Ann ann", "x1 22 333",
    "Stra\u00dfe STRASSE", "\u0130stanbul \u0131rmak ISTANBUL", "\ufb01sh \ufb00", "Jose\u0301 Jos\u00e9", "\u00c5ngstr\u00f6m A\u030a",
    "\u1e9eA", "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u0416\u0443\u043a \u0401\u043b\u043a\u0430", "\u5c71\u7530 \u592a\u90ce",
    "\uae40\ubbfc\uc218", "\u00bd cup", "\uff21\uff22\uff23\uff24", "soft\u00adhyphen", "zero\u200dwidth", "\u2460\u2461", "a\u0301\u0323bcdef",
    "ada@example.org", "Ada@EXAMPLE.Org", "a@b@c.de", "no address", "at the end@", "@", "x\uff20y.z",
    "+1 555 010-9876", "12", "a1b2c3", "4111 1111 1111 1234", "\u0661\u0662\u0663\u0664 5",
]
DECLARATIONS = ([("word", letters, 16) for letters in (3, 4, 8)]
                + [("word", 4, 12), ("word", 4, 32), ("whole", 0, 16), ("domain", 0, 16), ("last4", 0, 24)])
COLUMNS = [("", ""), ("9b0c5d1e-5d4f-4b6e-8a9d-0f1e2d3c4b5a", ""), ("p", "context \u00e9"), ("pc", "ontext \u00e9")]

DATES = ["-infinity", "-4713-01-01", "-44-03-15", "1-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1900-01-07", "1900-01-08", "1900-02-28", "1900-03-01",
         "1969-12-31", "1970-01-01", "1999-12-26", "1999-12-27", "1999-12-31", "2000-01-01", "2000-01-02", "2000-01-03", "2000-02-29", "2000-03-31",
         "2000-04-01", "2026-11-30", "2026-12-01", "2099-12-27", "2099-12-28", "2099-12-31", "2100-01-01", "2100-01-02", "9999-12-31", "294276-12-31", "infinity"]
TIMES = [0, 1, 86_399_999_999]  # microseconds of the day
UNITS = ["day", "week", "month", "quarter", "year"]
NUMBERS = ["0", "1", "-1", "2", "9", "10", "11", "99", "100", "101", "1019", "1020", "1021", "1039", "1040", "1041", "-1020", "12345678", "12399999", "32767",
           "-32768", "99999999", "2147483647", "-2147483648", "999999999999999", "1000000000000000", "9223372036854775807", "-9223372036854775808"]
FRACTIONS = ["0.0", "-0.0", "0.1", "0.10", "1.5", "1.0199999", "1.02", "1.0200001", "-1.02", "9.9999999", "0.000001", "0.00000099999999", "1e-7", "-1e-300", "12345.678",
             "1.049", "999999999999999.9", "1e15", "1e300", "-1e300", "NaN", "Infinity", "-Infinity", "3.14159265358979", "5e-324"]
RATIOS = [1001, 1020, 1049]


def fold(text):
    """NFKD and case folding until nothing changes, code point by code point, without marks and what is invisible."""
    folded = ""
    for point in text.replace("\u0131", "i"):
        before, after = None, point
        while after != before:
            before, after = after, unicodedata.normalize("NFKD", after.casefold())
        folded += "".join(p for p in after
                          if not unicodedata.category(p).startswith("M") and ord(p) not in INVISIBLE)
    return folded.replace("\u0131", "i")


def tokens(kind, letters, value):
    text = fold(value)
    found = []
    if kind == "word":
        words = "".join(p if unicodedata.category(p)[0] in "LN" else " " for p in text).split(" ")
        found = [word[:letters] for word in words if word]
    elif kind == "whole":
        found = [text]
    elif kind == "domain":
        found = [part for part in text.split("@")[1:][-1:] if part]
    elif kind == "last4":
        digits = "".join(p for p in text if p in "0123456789")
        found = [digits[-4:]] if digits else []
    return sorted({token.encode() for token in found})


def declared(kind, letters, bits):
    inner = f"letters={letters}, " if kind == "word" else ""
    return f"{kind}({inner}bits={bits}, unicode={UNICODE})"


def day_of(date):
    """Days since 2000-01-01 in the Gregorian calendar, which repeats itself after 400 years."""
    sign = -1 if date.startswith("-") else 1
    year, month, day = (int(part) for part in date.lstrip("-").split("-"))
    year = 1 - year if sign < 0 else year  # the year before 1 is that of 1 BC, which is 0 here
    cycles = (year - 2000) // 400
    return (datetime.date(year - 400 * cycles, month, day) - datetime.date(2000, 1, 1)).days + 146097 * cycles


def date_bucket(unit, day):
    first, last = day_of("1899-12-31"), day_of("2100-01-01")
    date = datetime.date(2000, 1, 1) + datetime.timedelta(max(first, min(last, day)))
    monday = date - datetime.timedelta(date.weekday())
    return {"day": (date - datetime.date(2000, 1, 1)).days,
            "week": (monday - datetime.date(1999, 12, 27)).days // 7,
            "month": (date.year - 2000) * 12 + date.month - 1,
            "quarter": (date.year - 2000) * 4 + (date.month - 1) // 3,
            "year": date.year - 2000}[unit]


def steps_of(thousandths):
    steps = [1_000_000]
    while steps[-1] * thousandths // 1000 < 10_000_000:
        steps.append(steps[-1] * thousandths // 1000)
    return steps


def number_bucket(thousandths, number):
    """Of a decimal.Decimal."""
    steps = steps_of(thousandths)
    if number.is_zero():
        return 0
    if number.is_nan() or number.is_infinite() or number.adjusted() >= 15:
        found = 2 + 21 * len(steps)
    elif number.adjusted() < -6:
        found = 1
    else:
        digits = int("".join(str(d) for d in number.as_tuple().digits)[:7].ljust(7, "0"))
        found = 2 + (number.adjusted() + 6) * len(steps) + sum(step <= digits for step in steps) - 1
    return -found if number.is_signed() and not number.is_nan() else found


def numeric_form(number):
    """docs/spec/column.md: count, weight, sign, scale, and digits to base 10000."""
    if number.is_nan():
        return struct.pack(">hhHh", 0, 0, 0xc000, 0)
    if number.is_infinite():
        return struct.pack(">hhHh", 0, 0, 0xf000 if number.is_signed() else 0xd000, 32)
    scale = max(0, -number.as_tuple().exponent)
    whole, _, part = format(abs(number), "f").partition(".")
    whole = whole.rjust(-(-len(whole) // 4) * 4, "0")
    part = part.ljust(-(-len(part) // 4) * 4, "0")
    digits = [int((whole + part)[i:i + 4]) for i in range(0, len(whole + part), 4)]
    weight = len(whole) // 4 - 1
    while digits and digits[0] == 0:
        digits, weight = digits[1:], weight - 1
    while digits and digits[-1] == 0:
        digits = digits[:-1]
    sign = 0x4000 if digits and number.is_signed() else 0
    return struct.pack(f">hhHh{len(digits)}h", len(digits), weight if digits else 0, sign, scale, *digits)


def dates():
    """Type, declaration, canonical form and bucket of each."""
    for unit in UNITS:
        for date in DATES:
            endless = {"infinity": 2**63 - 1, "-infinity": -2**63}.get(date)
            day = day_of(date) if endless is None else None
            if endless is None:
                yield "date", f"unit={unit}", struct.pack(">i", day), date_bucket(unit, day)
            else:
                yield "date", f"unit={unit}", struct.pack(">i", endless >> 32), date_bucket(unit, endless >> 40)
            for place, time in enumerate(TIMES):
                kind = ("timestamp", "timestamptz")[(place + len(unit)) % 2]
                if endless is not None:
                    yield kind, f"unit={unit}", struct.pack(">q", endless), date_bucket(unit, endless >> 40)
                else:
                    yield kind, f"unit={unit}", struct.pack(">q", day * 86_400_000_000 + time), date_bucket(unit, day)


def numbers():
    for thousandths in RATIOS:
        declared = f"ratio={thousandths / 1000:.3f}".rstrip("0")
        for text in NUMBERS:
            number, found = int(text), number_bucket(thousandths, decimal.Decimal(text))
            for kind, form, bits in (("int2", ">h", 16), ("int4", ">i", 32), ("int8", ">q", 64)):
                if -2**(bits - 1) <= number < 2**(bits - 1):
                    yield kind, declared, struct.pack(form, number), found
        for text in NUMBERS + FRACTIONS:
            exact = decimal.Decimal(text)
            yield "numeric", declared, numeric_form(exact), number_bucket(thousandths, exact)
            yield "float8", declared, struct.pack(">d", float(text)), number_bucket(thousandths, decimal.Decimal(repr(float(text))))
            if abs(float(text)) < 3e38 or not decimal.Decimal(text).is_finite():
                narrow = struct.pack(">f", float(text))
                (wide,) = struct.unpack(">f", narrow)
                yield "float4", declared, narrow, number_bucket(thousandths, decimal.Decimal(repr(wide)))


def counted(data, length_format):
    return struct.pack(length_format, len(data)) + data


def head(bits, purpose, context, declaration):
    return bytes([bits]) + b"".join(counted(text.encode(), ">H") for text in (purpose, context, declaration))


def working_key(version):
    context = KEY_ID + struct.pack(">H", version) + bytes(12)
    block = struct.pack(">I", 1) + LABEL + b"\0" + context + struct.pack(">I", 256)
    return hmac.new(KEY, block, hashlib.sha256).digest()


def code(secret, before, token, bits):
    (whole,) = struct.unpack(">I", hmac.new(secret, before + token, hashlib.sha256).digest()[:4])
    return whole >> (32 - bits)


def mark(reference, before):
    """FNV-1a of the key's name and version, a zero byte and the head without its bits, folded to what is below 2^24."""
    state = 0x811c9dc5
    for byte in reference.encode() + b"\0" + before[1:]:
        state = (state ^ byte) * 0x01000193 & 0xffffffff
    return 2 + (state >> 24 ^ state & 0xffffff) % (2**24 - 2)


def fields(section, **values):
    print(f"[{section}]")
    for name, value in values.items():
        print(f"{name} = {value if isinstance(value, int) else value.hex()}".rstrip())
    print()


def main():
    print("# Written by generate_search.py; docs/spec/envelope.md, \"Search indexes\".\n")
    for kind, letters, bits in DECLARATIONS:
        for number, text in enumerate(TEXTS):
            purpose, context = COLUMNS[number % len(COLUMNS)]
            declaration = declared(kind, letters, bits)
            version = 1 + number % 3
            before = head(bits, purpose, context, declaration)
            found = tokens(kind, letters, text)
            secret = working_key(version)
            codes = b"".join(struct.pack(">I", code(secret, before, token, bits)) for token in found)
            fields("search", kind=kind.encode(), letters=letters, bits=bits, purpose=purpose.encode(), context=context.encode(),
                   declaration=declaration.encode(), value=text.encode(),
                   input=before + b"".join(counted(token, ">I") for token in found),
                   version=version, key=KEY, key_id=KEY_ID, working_key=secret, codes=codes,
                   reference=f"customer-pii:{version}".encode(), mark=mark(f"customer-pii:{version}", before))

    for number, (kind, width, form, found) in enumerate([*dates(), *numbers()]):
        bits = (16, 12, 32)[number % 3]
        purpose, context = COLUMNS[number % len(COLUMNS)]
        declaration = f"bucket({width}, bits={bits})"
        version = 1 + number % 3
        before, token = head(bits, purpose, context, declaration), str(found).encode()
        secret = working_key(version)
        fields("bucket", type=kind.encode(), bits=bits, purpose=purpose.encode(), context=context.encode(), declaration=declaration.encode(),
               value=form, input=before + counted(token, ">I"), version=version, key=KEY, key_id=KEY_ID, working_key=secret,
               codes=struct.pack(">I", code(secret, before, token, bits)), reference=f"customer-pii:{version}".encode(),
               mark=mark(f"customer-pii:{version}", before))


if __name__ == "__main__":
    main()
