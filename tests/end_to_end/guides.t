#!/usr/bin/python3 -B
# Every command of every guide, in the guide's order, on a stack of its own: docs/guides/*.md.
import os
import sys

from guide_blocks import blocks, follow
from harness import ROOT, Stack, Tap, give_to_owner, run, scratch_directory


class Reader:
    """Somebody who follows a guide: a directory, and the environment of who administers the stack."""
    def __init__(self, stack):
        self.directory = scratch_directory()
        self.environment = {**os.environ, "PATH": f"{stack.psql.parent}:{stack.path}/bin:{os.environ['PATH']}",
                            "PGHOST": str(stack.path / "run"), "PGPORT": "5432", "PGUSER": "postgres",
                            "NAE_CONFIG": str(stack.path / "keyserver" / "admin" / "cli.toml"), "PGOPTIONS": "-c client_min_messages=warning"}

    def write(self, name, body):
        file = self.directory / name
        file.write_text(body)
        give_to_owner(file)
        return file

    def execute(self, kind, body):
        file = self.write(f"block.{kind}", body)
        command = (["bash", "-euo", "pipefail", file] if kind == "sh" else
                   ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-f", file])
        return run(*command, seconds=120, env=self.environment, cwd=self.directory)


guides = sorted((ROOT / "docs" / "guides").glob("*.md"))
chosen = [guide for guide in guides if guide.stem in sys.argv[1:]] if sys.argv[1:] else guides
with Tap() as tap:
    tap.ok(len(chosen) > 0, "there are guides")
    for guide in chosen:
        if blocks(guide):
            with Stack() as stack:
                reader = Reader(stack)
                follow(tap, guide, reader.write, reader.execute)
