#!/usr/bin/python3 -B
"""Holds the code against docs/glossary.md: what it declares is declared where it says, and what it rules out is in no identifier.

Usage: words.py [ROOT]; tests/lint/words_test.py plants what it must find.
"""
import pathlib
import re
import subprocess
import sys

from assertions import plain

PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")


def rows(text, heading):
    """Cells of the table in a section, without its head."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    lines = [line for line in section.group(1).splitlines() if line.startswith("|")] if section else []
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def missing(root, glossary):
    for word, name, file in rows(glossary, "In the code"):
        name, path = name.strip("`"), root / file.strip('`')
        declared = path.is_file() and re.search(rf"^\s*(?:struct|class|enum class) {name}\b(?!\s*;)", path.read_text(), re.M)
        if not declared:
            yield f"docs/glossary.md: {word!r} is not declared as {name} in {file}"


def ruled_out(root, glossary, files):
    words = {word.strip() for not_used, _ in rows(glossary, "Not used") for word in not_used.split(",")}
    for file in files:
        for number, line in enumerate(plain((root / file).read_text()).splitlines(), 1):
            for name in re.findall(r"[A-Za-z_]\w*", line):
                for word in words & {part.lower() for part in PARTS.findall(name)}:
                    yield f"{file}:{number}: {name} has {word!r}, which docs/glossary.md rules out"


def faults(root, files):
    glossary = (root / "docs/glossary.md").read_text()
    if not rows(glossary, "In the code") or not rows(glossary, "Not used"):
        return ["docs/glossary.md has lost a table"]
    return [*missing(root, glossary), *ruled_out(root, glossary, files)]


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    files = subprocess.run(["git", "-C", root, "ls-files", "*.cpp", "*.hpp"], capture_output=True, text=True, check=True).stdout.split()
    found = faults(root, files)
    print("\n".join(found) or f"words: {len(files)} files hold to the glossary")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
