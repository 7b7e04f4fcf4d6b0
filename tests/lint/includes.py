#!/usr/bin/python3
"""Holds every #include against the include table of docs/ARCHITECTURE.md.

The table is the architecture; this test makes it true. A row reads
| `folder` | `folders it may include` | `foreign headers it may include` |
where a foreign header is named by the prefix that FOREIGN lists.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Headers that belong behind a wall. Everything else from the system is free.
FOREIGN = [
    "openssl/", "intel-ipsec-mb.h", "p11-kit/", "sqlite3.h", "boost/asio", "boost/beast", "boost/json",
    "boost/url", "toml++/", "date/", "CLI/", "spdlog/", "prometheus/", "curl/", "libpq-fe.h", "postgres.h", "sys/socket.h",
    "thread", "mutex", "shared_mutex",
]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def names(cell):
    return re.findall(r"`([^`]+)`", cell)


def read_table():
    table, inside = {}, False
    for line in (ROOT / "docs/ARCHITECTURE.md").read_text().splitlines():
        if line.startswith("## "):
            inside = line.startswith("## Include table")
        if inside and line.startswith("| `"):
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            table[names(cells[0])[0]] = (names(cells[1]), names(cells[2]))
    return table


def sources():
    for top in ("libnae", "net", "agent", "keyserver", "cli", "pg_nae"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".cpp", ".hpp"):
                yield path


def folder_of(path, table):
    """The most specific row whose folder holds the file."""
    relative = path.relative_to(ROOT).as_posix()
    rows = [f for f in table if relative.startswith(f + "/") or relative == f]
    return max(rows, key=len, default=None)


def breaches(path, table):
    folder = folder_of(path, table)
    if folder is None:
        yield 1, "no row of the include table covers this file"
        return
    may_include, may_use = table[folder]
    is_test = path.stem.endswith("_test") or "test_" in path.stem or path.stem.startswith("softhsm_test")
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, target = match.group(1) == '"', match.group(2)
        if quoted and (ROOT / target).exists():
            owner = folder_of(ROOT / target, table)
            if owner != folder and owner not in may_include and not is_test:
                yield number, f"{folder} may not include {owner} ({target})"
        elif not quoted:
            wall = next((f for f in FOREIGN if target == f or (f.endswith("/") or "/" in f) and target.startswith(f)), None)
            if wall and wall not in may_use and not is_test:
                yield number, f"{folder} may not include <{target}>"


def main():
    table = read_table()
    if not table:
        print("docs/ARCHITECTURE.md has no include table")
        return 1
    found = 0
    for path in sources():
        for number, why in breaches(path, table):
            print(f"{path.relative_to(ROOT)}:{number}: {why}")
            found += 1
    print(f"includes: {found} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
