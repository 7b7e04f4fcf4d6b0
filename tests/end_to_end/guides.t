#!/usr/bin/python3 -B
# Every command of every guide, in the guide's order, on a stack of its own: docs/guides/*.md.
#
# ```sh runs in bash, ```sql in psql, ```toml NAME is written to that file. The word `fails` after sh or sql says that the block
# ends with an error. A ```text block says what the block before it prints: its lines occur in this order, and … stands
# for anything. Any other block is an error of the guide.
import os
import re
import sys

from harness import ROOT, Stack, Tap, give_to_owner, run, scratch_directory

FENCE = re.compile(r"^```([^\s`]*)[ \t]*([^\n]*)\n(.*?)^```[ \t]*$", re.M | re.S)


def blocks(guide):
    """(kind, word, body, line) of each block."""
    text = guide.read_text()
    if text.count("\n```") % 2:
        raise ValueError(f"{guide.name}: a block has no end")
    return [(*match.groups(), text.count("\n", 0, match.start()) + 1) for match in FENCE.finditer(text)]


def pattern(expected):
    lines = [".*".join(map(re.escape, line.strip().split("…"))) for line in expected.strip().splitlines()]
    return re.compile(r"^\s*" + r"\s*$(?:.*?)^\s*".join(line.replace(r"\ ", r"\s+") for line in lines) + r"\s*$", re.M | re.S)


class Reader:
    """Somebody who follows a guide: a directory, and the environment of who administers the stack."""
    def __init__(self, stack):
        self.directory = scratch_directory()
        self.environment = {**os.environ, "PATH": f"{stack.psql.parent}:{stack.path}/bin:{os.environ['PATH']}",
                            "PGHOST": str(stack.path / "run"), "PGPORT": "5432", "PGUSER": "postgres",
                            "NAE_CONFIG": str(stack.path / "keyserver" / "admin" / "cli.toml"), "PGOPTIONS": "-c client_min_messages=warning"}

    def follow(self, kind, word, body):
        file = self.directory / (word if kind == "toml" else f"block.{kind}")
        file.write_text(body)
        give_to_owner(file)
        if kind == "toml":
            return None
        command = (["bash", "-euo", "pipefail", file] if kind == "sh" else
                   ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-f", file])
        return run(*command, seconds=120, env=self.environment, cwd=self.directory)


def follow(tap, guide):
    with Stack() as stack:
        reader, said = Reader(stack), None
        for kind, word, body, line in blocks(guide):
            where = f"{guide.name}:{line}"
            if kind == "text":
                tap.ok(said is not None and pattern(body).search(said) is not None, f"{where}: prints what it says", said)
                said = None
            elif kind == "toml" and word:
                reader.follow(kind, word, body)
            elif kind in ("sh", "sql") and word in ("", "fails"):
                done = reader.follow(kind, word, body)
                said = done.stdout + done.stderr
                tap.ok((done.returncode != 0) == (word == "fails"), f"{where}: {body.strip().splitlines()[0][:80]}", said)
            else:
                tap.ok(False, f"{where}: a block that nobody runs: {kind} {word}")


guides = sorted((ROOT / "docs" / "guides").glob("*.md"))
chosen = [guide for guide in guides if guide.stem in sys.argv[1:]] if sys.argv[1:] else guides
with Tap() as tap:
    tap.ok(len(chosen) > 0, "there are guides")
    for guide in chosen:
        if blocks(guide):
            follow(tap, guide)
