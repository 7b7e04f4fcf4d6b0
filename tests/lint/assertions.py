#!/usr/bin/python3 -B
"""Finds tests that cannot fail: no assertion in them and in nothing that they call, or a loop that waits for ever.

Of GoogleTest the body of each TEST; of tests/end_to_end each .t file and of pgTAP each .sql file. A function of the same file or
of a header for tests that asserts counts for who calls it, over any number of steps.

Usage: assertions.py [ROOT]; tests/lint/assertions_test.py plants what it must find.
"""
import pathlib
import re
import subprocess
import sys

ASSERTS = re.compile(r"\b(?:(?:EXPECT|ASSERT)_\w+|ADD_FAILURE|FAIL)\s*\(")
TEST = re.compile(r"^(?:TYPED_)?TEST(?:_F|_P)?\((\w+),\s*(\w+)\)\s*\{", re.M)
FUNCTION = re.compile(r"^[ \t]*(?!return\b|else\b|if\b|for\b|while\b|switch\b|new\b)[\w:<>,*&\s]*?[\w>*&]\s+[*&]?(\w+)\(([^;{}]*)\)"
                      r"(?:\s*(?:const|noexcept|override|final))*\s*\{", re.M)
SCRIPT = re.compile(r"\bplan\([1-9]|\b(?:ok|is_|is|isnt|like|check|expect\w*|throws_ok|lives_ok|results_eq|refused|cmp_ok)\s*\(")
WHILE = re.compile(r"\bwhile\s*\(")
WAIT = re.compile(r"\s*(?:(?:std::this_thread::\w+\([^;]*\)|::usleep\([^;]*\))?\s*;|\{\s*(?:std::this_thread::\w+\([^;]*\);|::usleep\([^;]*\);)?\s*\})")


def body(text, start, pair="{}"):
    """From the brace to the one that ends it; texts and comments are gone before."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == pair[0]) - (text[at] == pair[1])
        if depth == 0:
            return text[start:at + 1]
    return text[start:]


def waits_for_ever(text):
    """A loop that waits for what others do and looks at no clock. What a loop does itself is its own matter."""
    for found in WHILE.finditer(text):
        condition = body(text, found.end() - 1, "()")
        behind = text[found.end() - 1 + len(condition):]
        closes_do = re.search(r"\}[ \t]*$", text[:found.start()])
        reads = re.search(r"\b(?:frame|recv|read\w*)\(", condition)  # until its peer is gone
        if WAIT.match(behind) and "now()" not in condition and not reads and not closes_do:
            return True
    return False


def plain(text):
    text = re.sub(r'R"(\w*)\(.*?\)\1"', '""', text, flags=re.S)
    text = re.sub(r"'(?:\\.|[^'\\\n])'", "' '", text)
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)
    return re.sub(r"//.*", "", text)


def functions_of(text):
    return [(found.group(1), body(text, found.end() - 1)) for found in FUNCTION.finditer(text)]


def asserting(pairs):
    """What a call of a function looks like that asserts, or that calls one which does."""
    functions = {}
    for name, inside in pairs:
        functions.setdefault(name, []).append(inside)
    names = {name for name, bodies in functions.items() if any(ASSERTS.search(each) for each in bodies)}
    while names:
        called = re.compile(r"\b(?:" + "|".join(map(re.escape, names)) + r")\s*[(<]")
        more = {name for name, bodies in functions.items() if name not in names and any(called.search(each) for each in bodies)}
        if not more:
            return called
        names |= more
    return None


def faults(root, files):
    sources = {path: plain((root / path).read_text()) for path in files if re.search(r"_test\.cpp$|test_\w+\.hpp$|_test_\w+\.hpp$", path)}
    shared = [pair for path, text in sources.items() if path.endswith(".hpp") for pair in functions_of(text)]
    for path, text in sorted(sources.items()):
        if waits_for_ever(text):
            yield f"{path}: a loop without a bound hangs where the test should fail: libnae/base/test_eventually.hpp"
        if not path.endswith("_test.cpp"):
            continue
        called = asserting([*functions_of(text), *shared])
        for found in TEST.finditer(text):
            inside = body(text, found.end() - 1)
            if not ASSERTS.search(inside) and not (called and called.search(inside)):
                yield f"{path}: {found.group(1)}.{found.group(2)} asserts nothing"
    for path in sorted(files):
        if re.fullmatch(r"tests/(?:end_to_end/\w+\.t|pgtap/\w+\.sql)", path) and not SCRIPT.search((root / path).read_text()):
            yield f"{path}: asserts nothing"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    files = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split()
    found = list(faults(root, [path for path in files if (root / path).is_file()]))
    print("\n".join(found) or "assertions: every test has one")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
