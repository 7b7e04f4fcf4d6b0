#!/usr/bin/python3 -B
# Batched answers are those of the plaintext: random queries over a table of ciphertexts and its
# plaintext twin give the same rows, in the same order where the query promises one, with the batch
# node, without it, and with batches of two rows. NAE_QUERIES sets how many, NAE_SEED where they begin.
import os

from harness import Stack, Tap
from random_queries import SETUP, Query

QUERIES = int(os.environ.get("NAE_QUERIES", "150"))
SEED = int(os.environ.get("NAE_SEED", "1"))
SETTINGS = ["nae.batch = on", "nae.batch = off", "nae.batch_size = 2"]


def rows(answer, ordered):
    lines = answer.out.split("\n")
    return lines if ordered else sorted(lines)


with Tap() as tap, Stack() as stack:
    session = stack.session("nae_all")
    for statement in SETUP.split(";\n"):
        if statement.strip():
            tap.is_(session.ask(statement).state, "", "set up: " + " ".join(statement.split())[:50])
    differing = failing = batched = errors = 0
    for seed in range(SEED, SEED + QUERIES):
        query = Query(seed)
        wanted = session.ask(query.plain)
        errors += bool(wanted.state)
        for setting in SETTINGS:
            name, _, value = setting.partition(" = ")
            session.ask(f"SET {setting}")
            got = session.ask(query.secret, 120)
            session.ask(f"RESET {name}")
            # An error of the plaintext query is to be an error of the same class.
            if wanted.state[:2] != got.state[:2]:
                failing += tap.ok(False, f"seed {seed}, {setting}", query.secret, wanted, got)
            elif not wanted.state and rows(wanted, query.ordered) != rows(got, query.ordered):
                differing += tap.ok(False, f"seed {seed}, {setting}", query.secret, wanted.out[:300], got.out[:300])
        batched += "NaeBatch" in session.ask(f"EXPLAIN {query.secret}").out
    tap.ok(True, f"{QUERIES} queries answered alike in {len(SETTINGS)} settings") if not differing + failing else None
    tap.ok(batched > QUERIES / 2, "most of them went through the batch node", f"{batched} of {QUERIES}")
    tap.ok(errors <= QUERIES / 10, "and most of them are queries that have an answer", f"{errors} of {QUERIES} are errors over plaintexts")
