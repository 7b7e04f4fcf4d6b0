#!/usr/bin/python3
"""One version: every place that names the release says what the file VERSION says."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# File, and the expression whose group is the version of it.
PLACES = [
    ("CHANGELOG.md", r"^## (\S+?)(?:,| |$)"),
    ("debian/changelog", r"^nae \((\S+)\)"),
    ("META.json", r'^   "version": "(.*)",$'),
    ("META.json", r'^         "version": "(.*)"$'),
    ("pg_nae/pg_nae.control", r"^default_version = '(.*)'$"),
    ("docs/openapi.yaml", r"^  version: (\S+)$"),
    *((f"docs/man/{page.name}", r'^\.TH \S+ \d "" "NAE ?([^"]*)"') for page in sorted((ROOT / "docs/man").glob("*.[1-8]"))),
]


def named(root, path, expression):
    found = re.search(expression, (root / path).read_text(), re.M)
    return found[1] if found else None


def faults(root):
    version = (root / "VERSION").read_text()
    if not re.fullmatch(r"\d+\.\d+\.\d+\n", version):
        yield f"VERSION: {version!r} is not MAJOR.MINOR.PATCH and a newline"
    for path, expression in PLACES:
        if (there := named(root, path, expression)) != version.strip():
            yield f"{path}: version {there}, where VERSION says {version.strip()}"
    # The install script of a release is named by it too.
    makefile = (root / "pg_nae/Makefile").read_text()
    if f"--{version.strip()}.sql" not in makefile:
        yield f"pg_nae/Makefile: no script leads to {version.strip()}"


def main():
    found = list(faults(ROOT))
    for line in found:
        print(line)
    print(f"versions: {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
