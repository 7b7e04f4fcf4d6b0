#!/usr/bin/python3 -B
# Objects of one PostgreSQL are not linked with those of another: another PG_CONFIG, or another kind of build, begins anew.
import os
import pathlib
import shutil
import subprocess

from harness import Tap, scratch_directory

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Not the one of the PATH, which may be a stack's copy, without headers.
PG_CONFIG = os.environ.get("PG_CONFIG", "/usr/lib/postgresql/15/bin/pg_config")
OBJECT = "libnae/base/text.o"


def make(extension, *words, pg_config=PG_CONFIG):
    compiler = "ccache g++" if shutil.which("ccache") else "g++"
    done = subprocess.run(["make", "-s", "-C", extension, f"PG_CONFIG={pg_config}", f"CXX={compiler}", *words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


def identity(file):
    return file.stat().st_ino if file.exists() else None


with Tap() as tap:
    work = scratch_directory()
    for folder in ("pg_nae", "libnae"):
        shutil.copytree(ROOT / folder, work / folder, ignore=shutil.ignore_patterns("*.o", "*.d", "*.so", "built_for"))
    shutil.copy(ROOT / "VERSION", work)
    extension = work / "pg_nae"
    other = work / "pg_config"
    other.write_text(f'#!/bin/sh\nfor asked in "$@"; do\n  case "$asked" in --version) echo PostgreSQL 15.99 ;; *) {PG_CONFIG} "$asked" ;; esac\ndone\n')
    other.chmod(0o755)

    make(extension, OBJECT)
    first = identity(extension / OBJECT)
    library = extension / "pg_nae.so"

    def stale():
        """What was linked or compiled before, for a server that is another one now."""
        for file in (extension / "module.o", library):
            file.write_bytes(b"of another server")

    tap.ok(first, "an object is made")
    make(extension, OBJECT)
    tap.is_(identity(extension / OBJECT), first, "once, for one PostgreSQL")
    for name, words, pg_config in (("another PG_CONFIG", [], other), ("the first one again", [], PG_CONFIG), ("another kind of build", ["NAE_CHECK_FATAL=1"], PG_CONFIG)):
        stale()
        make(extension, OBJECT, *words, pg_config=pg_config)
        tap.ok(not library.exists() and not (extension / "module.o").exists(), f"{name}: what was built for the other is gone")
        tap.ok((extension / OBJECT).exists(), f"{name}: what is asked for is made anew")
    stale()
    make(extension, "-n", "install", f"DESTDIR={work}/installed")
    tap.ok(library.exists(), "installing takes the kind of build that is there")
    make(extension, "-n", "install", f"DESTDIR={work}/installed", pg_config=other)
    tap.ok(not library.exists(), "but not what was built for another PostgreSQL")
    make(extension, OBJECT)
    stale()
    (work / "VERSION").write_text("9.9.9\n")
    make(extension, OBJECT)
    tap.ok(not library.exists(), "another version: so it is gone too")
