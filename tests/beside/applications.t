#!/usr/bin/python3 -B
# Drivers and frameworks: the same program on encrypted columns and on their plaintext twins prints the same.
#
#   applications.t [PROGRAM...]     all but with_pgx.go, which takes a Go compiler, when none is named
import sys

from programs import PROGRAMS, compare
from twins import SCHEMAS, stack
from harness import Tap, scratch_directory

with Tap() as tap, stack() as made:
    scratch = scratch_directory()
    for program in sys.argv[1:] or sorted(path.name for path in PROGRAMS.glob("with_*") if path.suffix != ".go"):
        compare(tap, made, program, scratch, dict.fromkeys(SCHEMAS, made.path / "run"))
