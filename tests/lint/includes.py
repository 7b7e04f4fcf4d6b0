#!/usr/bin/python3
"""Holds every #include against the include table of docs/ARCHITECTURE.md.

The table is the architecture; this test makes it true. A row reads
| `folder` | `folders it may include` | `foreign headers it may include` |
where a foreign header is named by the prefix that FOREIGN lists. What is neither ours, nor in the
table, nor of C, C++ or POSIX is a breach too. tests/lint/includes_test.py plants a breach of each kind.

Usage: includes.py [ROOT]
"""
import pathlib
import re
import sys

TOPS = ("libnae", "net", "agent", "keyserver", "cli", "pkcs11", "gateway", "pg_nae")
SOURCES = {".cpp", ".hpp", ".c", ".h", ".cc", ".hh", ".cxx", ".hxx", ".ipp", ".inc", ".def"}
# Headers that belong behind a wall.
FOREIGN = [
    "openssl/", "intel-ipsec-mb.h", "p11-kit/", "sqlite3.h", "boost/asio", "boost/beast", "boost/json",
    "boost/url", "toml++/", "date/", "CLI/", "spdlog/", "prometheus/", "curl/", "libpq-fe.h", "utf8proc.h", "re2/",
    "zlib.h", "postgres.h",
    "sys/socket.h",
    "thread", "mutex", "shared_mutex",
]
# PostgreSQL's own headers are all behind the wall of the first one.
POSTGRESQL = "postgres.h"
# Headers that may stand anywhere: C++ (no suffix), C and POSIX, Linux, and std::expected before C++23.
FREE = re.compile(r"[a-z_]+|(sys|netinet|arpa|net|linux|asm)/\w+\.h|tl/expected\.hpp|"
                  r"(aio|assert|ctype|dirent|dlfcn|errno|fcntl|float|fnmatch|getopt|glob|grp|inttypes|langinfo|limits|locale|"
                  r"math|netdb|poll|pthread|pwd|regex|sched|semaphore|setjmp|signal|stdarg|stdbool|stddef|stdint|stdio|stdlib|"
                  r"string|strings|syslog|termios|time|unistd|wchar|malloc|link|elf|unwind|execinfo|x86intrin|immintrin|"
                  r"cpuid)\.h")
FREE_IN_TESTS = re.compile(r"(gtest|gmock)/\w+\.h")
DIRECTIVE = re.compile(r"^\s*(?:#|%:|\?\?=)\s*(include|include_next|import)\b\s*(.*)$|^\s*(import)\s*([<\"].*)$")
TARGET = re.compile(r'^(?:<([^<>]+)>|"([^"]+)")\s*(?:;\s*)?$')


def names(cell):
    return re.findall(r"`([^`]+)`", cell)


def read_table(root):
    table, inside = {}, False
    for line in (root / "docs/ARCHITECTURE.md").read_text().splitlines():
        if line.startswith("## "):
            inside = line.startswith("## Include table")
        if inside and line.startswith("| `"):
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            table[names(cells[0])[0]] = (names(cells[1]), names(cells[2]))
    return table


def table_faults(table):
    """A name that nothing has would allow nothing, or what nobody meant."""
    for folder, (may_include, may_use) in table.items():
        for name in may_include:
            if name not in table:
                yield f"the row of {folder} names the folder {name}, which has no row"
        for name in may_use:
            if name not in FOREIGN:
                yield f"the row of {folder} names the header {name}, which is behind no wall"


def sources(root):
    for top in TOPS:
        for path in sorted((root / top).rglob("*")):
            if path.parent == root / "pg_nae/together":  # written by pg_nae/unity
                continue
            if path.suffix in SOURCES and path.is_file():
                yield path


def folder_of(path, table):
    """The most specific row whose folder holds the file, a path from the root."""
    rows = [f for f in table if path.as_posix().startswith(f + "/") or path.as_posix() == f]
    return max(rows, key=len, default=None)


def is_test(path):
    return re.search(r"(^|_)test(_|$)", path.stem) is not None


def wall_of(target):
    return next((f for f in FOREIGN if target == f or "/" in f and target.startswith(f)), None)


def includes(text):
    """Line, word and what follows of each directive; comments and continued lines are what the compiler makes of them."""
    def blank(comment):
        return "".join(c if c == "\n" else " " for c in comment.group())
    joined = re.sub(r"\\\n", lambda _: "\x00", text)
    joined = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', lambda m: blank(m) if m.group()[0] == "/" else m.group(), joined, flags=re.S)
    number = 1
    for line in joined.split("\n"):
        match = DIRECTIVE.match(line.replace("\x00", ""))
        if match:
            yield number, match.group(1) or match.group(3), (match.group(2) or match.group(4) or "").strip()
        number += 1 + line.count("\x00")


def fault(root, path, table, word, written):
    """Why the file `path`, from the root, may not say `written` after #include; None when it may."""
    folder = folder_of(path, table)
    may_include, may_use = table[folder]
    match = TARGET.match(written)
    if word != "include" or not match:
        return f"write #include and one header: #{word} {written}"
    target, quoted = match.group(1) or match.group(2), match.group(2) is not None
    if target.startswith("/") or ".." in target.split("/") or target.startswith("./"):
        return f"headers are included by path from the root ({target})"
    if (root / target).is_file():
        owner = folder_of(pathlib.PurePosixPath(target), table)
        if not quoted:
            return f"ours are included with quotes ({target})"
        if owner is None and not (is_test(path) and target.startswith("tests/")):
            return f"{folder} may not include what is no part of the product ({target})"
        return None if owner in (folder, *may_include) or is_test(path) else f"{folder} may not include {owner} ({target})"
    if quoted and (root / path.parent / target).is_file():
        return f"headers are included by path from the root ({target})"
    wall = wall_of(target)
    if wall:
        return None if wall in may_use or is_test(path) and wall != POSTGRESQL else f"{folder} may not include {target}"
    if quoted:
        return None if POSTGRESQL in may_use else f"{folder} may not include {target}, which is not ours"
    if FREE.fullmatch(target) or is_test(path) and FREE_IN_TESTS.fullmatch(target):
        return None
    return f"{folder} may not include {target}: the include table has no such header"


def breaches(root):
    table = read_table(root)
    if not table:
        yield "docs/ARCHITECTURE.md has no include table"
    for why in table_faults(table):
        yield f"docs/ARCHITECTURE.md: {why}"
    for path in sources(root):
        relative = path.relative_to(root)
        if folder_of(relative, table) is None:
            yield f"{relative}:1: no row of the include table covers this file"
            continue
        for number, word, written in includes(path.read_text()):
            why = fault(root, relative, table, word, written)
            if why:
                yield f"{relative}:{number}: {why}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    found = list(breaches(root if len(sys.argv) > 1 else root.parents[2]))
    print("\n".join(found + [f"includes: {len(found)} breaches"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
