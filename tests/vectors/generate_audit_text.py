#!/usr/bin/python3
"""Writes audit_text.txt: strings of audit records, escaped, replaced and cut, from docs/spec/audit.md alone.

    /usr/bin/python3 tests/vectors/generate_audit_text.py > tests/vectors/audit_text.txt
"""

import itertools

LIMIT = 256


def character(raw):
    """The well-formed character at the start, or nothing."""
    for length in range(1, 5):
        try:
            return raw[:length].decode("utf-8"), length
        except UnicodeDecodeError:
            continue
    return None


def begins_one(raw):
    """Whether some bytes behind it make it a character. Python's own incremental decoder takes half a surrogate for such."""
    tails = (bytes(tail) for length in (1, 2, 3) for tail in itertools.product((0x80, 0x90, 0xA0), repeat=length))
    return any((character(raw + tail) or ("", 0))[1] > len(raw) for tail in tails)


def escaped(char):
    if char in '"\\':
        return "\\" + char
    return f"\\u{ord(char):04x}" if ord(char) < 0x20 or char == "\x7f" else char


def encoded(raw, limit):
    cut, rest, out = len(raw) > limit, raw[:limit], '"'
    while rest:
        found = character(rest)
        if found is None and cut and begins_one(rest):
            break
        out += escaped(found[0]) if found else "\ufffd"
        rest = rest[found[1] if found else 1:]
    return (out + ("\u2026" if cut else "") + '"').encode()


def main():
    print("# Strings as audit records have them, in hexadecimal. Written by generate_audit_text.py; do not edit.\n")
    a = b"a" * (LIMIT - 4)
    for name, raw in [("empty", b""), ("escapes", b'a"b\\c\0\n\x1b\x7f\x20'), ("utf-8", "é€🔑".encode()), ("no-utf-8", b"\x80\xff\xc0\xaf\xe2\x82"),
                      ("at-the-limit", a + b"bcde"), ("past-the-limit", a + b"bcdef"), ("cut-before-a-character", a + "bcde€".encode()),
                      ("cut-within-two-bytes", a + "bcdé!".encode()), ("cut-within-three-bytes", a + "bc€!".encode()),
                      ("cut-within-four-bytes", a + "b🔑!".encode()), ("cut-after-one-of-four", a + "bcd🔑".encode()),
                      ("cut-behind-a-byte-that-is-no-utf-8", a + b"b\xffde!"), ("cut-at-a-byte-that-is-no-utf-8", a + b"bcd\xff!"),
                      ("cut-behind-an-overlong-form", a + b"b\xe0\x80d!"), ("cut-within-a-surrogate", a + b"bc\xed\xa0\x80"),
                      ("cut-at-the-beginning-of-what-is-none", a + b"bc\xe2\x82a"), ("escapes-do-not-count", b"\x01" * LIMIT + b"!")]:
        print(f"[{name}]\nlimit = {LIMIT}\nraw = {raw.hex()}\njson = {encoded(raw, LIMIT).hex()}\n")


main()
