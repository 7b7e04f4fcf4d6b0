#!/usr/bin/python3 -B
"""Plants what tests/lint/parsers.py must find, each in a small tree of its own."""
import pathlib
import sys
import tempfile

import parsers

HEADER = "namespace nae {\nResult<int> parse_it(std::string_view text);\n}\n"
TREE = {
    "libnae/wire/it.hpp": HEADER,
    "tests/fuzz/CMakeLists.txt": "nae_fuzzer(frames LINK nae_wire)\n",
    "tests/fuzz/frames.cpp": "parse_it(text);\n",
    "tests/fuzz/parsers.txt": "libnae/wire parse_it frames\n",
}
CASES = [
    ("a tree without faults", {}, ""),
    ("a parser without a row", {"tests/fuzz/parsers.txt": "# none\n"}, "has no row"),
    ("one more parser in the header", {"libnae/wire/it.hpp": HEADER + "  static bool decode(ByteView bytes);\n"}, "decode() parses"),
    ("a row of a parser that is gone", {"libnae/wire/it.hpp": ""}, "no header of libnae/wire declares parse_it"),
    ("a target that does not call it", {"tests/fuzz/frames.cpp": "parse_its(text);\n"}, "does not name parse_it"),
    ("a target that is not there", {"tests/fuzz/parsers.txt": "libnae/wire parse_it frame\n"}, "has no target frame"),
    ("no reason", {"tests/fuzz/parsers.txt": "libnae/wire parse_it - no\n"}, "no reason"),
    ("a row twice", {"tests/fuzz/parsers.txt": "libnae/wire parse_it frames\n" * 2}, "stands twice"),
]


def main():
    wrong = 0
    for name, changes, wanted in CASES:
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for path, text in {**TREE, **changes}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            found = "\n".join(parsers.faults(root))
        if (wanted not in found) if wanted else found:
            wrong += 1
            print(f"{name}: wanted {wanted!r}, found {found!r}")
    print(f"parsers_test: {len(CASES)} cases, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
