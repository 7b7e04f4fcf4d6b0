#!/usr/bin/python3
"""Writes search.txt: the vectors of docs/spec/envelope.md, "Search indexes".

Independent of the C++ code: written from the specification, on unicodedata, hashlib and hmac alone. This
Python's unicodedata may be of an older version of Unicode than declarations name; texts here are of letters whose
folding no later version changes.

    /usr/bin/python3 tests/vectors/generate_search.py > tests/vectors/search.txt
"""

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


if __name__ == "__main__":
    main()
