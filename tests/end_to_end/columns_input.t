#!/usr/bin/python3 -B
# What may be typed or sent into encrypted columns: random texts and bytes of every encrypted type and of its plaintext twin, ciphertexts
# that were changed, and random modifiers. A value is taken, and read back, as the twin has it; a refusal is the twin's, or one of those
# that are documented for what the twin does not have. NAE_SEED=N, NAE_SECONDS=S: another run, a longer one.
import os
import time

from columns import EVERY_TYPE
from harness import Stack, Tap
from random_input.session import InputSession
from random_input.modifiers import Modifiers
from random_input.values import Values

SEED = int(os.environ.get("NAE_SEED", "1"))
SECONDS = float(os.environ.get("NAE_SECONDS", "24"))
LEAST = 40  # cases of each kind: a run that did less has tested nothing


def key_of(name):
    return f"'customer-{'ssn' if '_det_' in name else 'pii'}'"


with Tap() as tap, Stack() as stack:
    session = InputSession(stack)
    session.must("SET ROLE nae_all")
    session.must(f"CREATE TABLE input (id int, {', '.join(f'{name} nae.{name}({key_of(name)})' for name in EVERY_TYPE)})")
    kinds = [Values(session, SEED, EVERY_TYPE), Modifiers(InputSession(stack), SEED)]
    for kind in kinds:
        end = time.monotonic() + SECONDS / len(kinds)
        while time.monotonic() < end:
            kind.one()
        for name, count in sorted(kind.done.items()):
            tap.ok(count >= LEAST, f"{count} {name}")
        tap.ok(not kind.wrong, f"{sum(kind.done.values())} inputs are taken and refused as documented, NAE_SEED={SEED}", *kind.wrong[:20])
    log = (stack.path / "postgresql.log").read_text(errors="replace")
    tap.ok("terminated by signal" not in log and "TRAP:" not in log and "AddressSanitizer" not in log and "runtime error" not in log,
           "no backend died", log[-2000:])
    tap.is_(session.must("SELECT 1"), ["1"], "the backend that was given all of it still works")
