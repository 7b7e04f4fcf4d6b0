#!/usr/bin/python3 -B
"""Plants what tests/lint/words.py must find, each in a small tree of its own."""
import pathlib
import sys
import tempfile

import words

GLOSSARY = """# Glossary
## In the code
| word | declared as | in |
|---|---|---|
| outbox | `Outbox` | `net/outbox.hpp` |

## Not used
| not | but |
|---|---|
| pended | pending |
| thing, stuff | the noun |
"""
OUTBOX = "class Outbox {\n};\n"
CASES = [
    ("what holds to it", GLOSSARY, OUTBOX, ""),
    ("a type that is gone", GLOSSARY, "class Box {\n};\n", "'outbox' is not declared as Outbox"),
    ("one that is only mentioned", GLOSSARY, "class Outbox;\n", "'outbox' is not declared as Outbox"),
    ("a word in a function's name", GLOSSARY, OUTBOX + "int pended_value();\n", "pended_value has 'pended'"),
    ("in a type's name", GLOSSARY, OUTBOX + "struct BestThing {\n};\n", "BestThing has 'thing'"),
    ("in a constant's", GLOSSARY, OUTBOX + "constexpr int kStuff = 1;\n", "kStuff has 'stuff'"),
    ("within a longer word", GLOSSARY, OUTBOX + "int appended, nothing, suspended;\n", ""),
    ("in a comment", GLOSSARY, OUTBOX + "// Some thing was pended.\n", ""),
    ("in a text", GLOSSARY, OUTBOX + 'const char* text = "pended";\n', ""),
    ("a glossary without its tables", "# Glossary\n", OUTBOX, "has lost a table"),
]


def main():
    wrong = 0
    for name, glossary, text, wanted in CASES:
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / "docs").mkdir()
            (root / "net").mkdir()
            (root / "docs/glossary.md").write_text(glossary)
            (root / "net/outbox.hpp").write_text(text)
            found = "\n".join(words.faults(root, ["net/outbox.hpp"]))
        if (wanted not in found) if wanted else found:
            wrong += 1
            print(f"{name}: wanted {wanted!r}, found {found!r}")
    print(f"words_test: {len(CASES)} cases, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
