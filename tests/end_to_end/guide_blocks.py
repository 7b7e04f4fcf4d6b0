"""The blocks of a page that tells somebody what to do.

```sh runs in bash, ```sql in psql, any other kind with a file's name after it is written to that file. The word `fails` after sh or
sql says that the block ends with an error. A ```text block says what the block before it prints: its lines occur in this order, and …
stands for anything. Any other block is an error of the page.
"""
import re

FENCE = re.compile(r"^```([^\s`]*)[ \t]*([^\n]*)\n(.*?)^```[ \t]*$", re.M | re.S)
RUN = ("sh", "sql")


def blocks(page):
    """(kind, word, body, line) of each block."""
    text = page.read_text()
    if text.count("\n```") % 2:
        raise ValueError(f"{page.name}: a block has no end")
    return [(*match.groups(), text.count("\n", 0, match.start()) + 1) for match in FENCE.finditer(text)]


def pattern(expected):
    lines = [".*".join(map(re.escape, line.strip().split("…"))) for line in expected.strip().splitlines()]
    return re.compile(r"^\s*" + r"\s*$(?:.*?)^\s*".join(line.replace(r"\ ", r"\s+") for line in lines) + r"\s*$", re.M | re.S)


def follow(tap, page, write, execute):
    """Every block in its order: `write(name, body)` a file, `execute(kind, body)` what runs, which answers as run() does."""
    said = None
    for kind, word, body, line in blocks(page):
        where = f"{page.name}:{line}"
        if kind == "text":
            tap.ok(said is not None and pattern(body).search(said) is not None, f"{where}: prints what it says", said)
            said = None
        elif kind in RUN and word in ("", "fails"):
            done = execute(kind, body)
            said = done.stdout + done.stderr
            tap.ok((done.returncode != 0) == (word == "fails"), f"{where}: {body.strip().splitlines()[0][:80]}", said)
        elif kind and kind not in RUN and word:
            write(word, body)
        else:
            tap.ok(False, f"{where}: a block that nobody runs: {kind} {word}")
