#!/usr/bin/python3 -B
"""Holds every public parser against tests/fuzz/parsers.txt: it is fuzzed, or a reason stands there.

A parser is a function that a header declares whose name begins with parse, read, decode, load or split, or that has "from" as a
word. A row says

    FOLDER FUNCTION TARGET              the target's file names the function
    FOLDER FUNCTION TARGET by CALLER    the target's file names the caller, which hands its input on
    FOLDER FUNCTION - REASON            not fuzzed

Usage: parsers.py [ROOT]; tests/lint/parsers_test.py plants what it must find.
"""
import pathlib
import re
import sys

TOPS = ("libnae", "net", "agent", "keyserver", "cli", "pkcs11", "gateway", "pg_nae/connection")
WORD = r"(?:(?:parse|read|decode|load|split)(?:_\w+)?|from_\w+|\w+_from_\w+)"
DECLARED = re.compile(r"^\s*(?:(?:static|inline|virtual|friend|constexpr|\[\[nodiscard\]\])\s+)*"
                      r"(?!return\b|throw\b|co_)[A-Za-z_][\w:<>,*&\s]*?[\s>*&](" + WORD + r")\(", re.M)


def declared(root):
    found = set()
    for top in TOPS:
        for header in sorted((root / top).rglob("*.hpp")):
            if re.search(r"(^|_)test(_|\.)|scripted_|blocking_client", header.name):
                continue
            text = re.sub(r"//.*", "", header.read_text())
            text = re.sub(r"\n\s*private:.*?(?=\n\};|\n\s*public:|\Z)", "", text, flags=re.S)
            found |= {(str(header.parent.relative_to(root)), name) for name in DECLARED.findall(text)}
    return found


def rows(root):
    for number, line in enumerate((root / "tests/fuzz/parsers.txt").read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            yield number, line.split(None, 3) + [""] * (4 - len(line.split(None, 3)))


def faults(root):
    known, targets = set(), set(re.findall(r"^nae_fuzzer\((\w+)", (root / "tests/fuzz/CMakeLists.txt").read_text(), re.M))
    functions = declared(root)
    for number, (folder, function, target, rest) in rows(root):
        where = f"tests/fuzz/parsers.txt:{number}:"
        if (folder, function) in known:
            yield f"{where} {folder} {function} stands twice"
        known.add((folder, function))
        if (folder, function) not in functions:
            yield f"{where} no header of {folder} declares {function}"
        if target == "-":
            if len(rest) < 10:
                yield f"{where} no reason why {function} is not fuzzed"
            continue
        if target not in targets:
            yield f"{where} tests/fuzz has no target {target}"
            continue
        name = rest.split()[1] if rest.startswith("by ") else function
        if not re.search(rf"\b{re.escape(name)}\b", (root / f"tests/fuzz/{target}.cpp").read_text()):
            yield f"{where} tests/fuzz/{target}.cpp does not name {name}"
    for folder, function in sorted(functions - known):
        yield f"{folder}: {function}() parses and has no row in tests/fuzz/parsers.txt"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    found = list(faults(root))
    print("\n".join(found) or f"parsers: {len(declared(root))}, each with a row")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
