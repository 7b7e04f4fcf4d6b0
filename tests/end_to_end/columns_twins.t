#!/usr/bin/python3 -B
# Encrypted columns are what their plaintext twins are: random statements over the schemas enc and pln, which hold the
# same data, give the same rows, errors of the same class, the same described types and the same contents afterwards.
# No server process dies, no internal error, no canary in a message or in the log. A difference is made smaller
# and printed with its seed. NAE_STATEMENTS says how many cases, NAE_SECONDS for how long at most, NAE_SEED where
# they begin, NAE_FINDINGS a file to which all differences are written.
import collections
import os
import time

from harness import Stack, Tap
from random_statements.draw import Draw
from random_statements.pair import Pair
from random_statements.report import Report
from random_statements.role import models
from random_statements.shrinking import shrink
from random_statements.tables import KEYS, SETUP, of_side

CASES = int(os.environ.get("NAE_STATEMENTS", "1500"))
SEED = int(os.environ.get("NAE_SEED", "1"))
SECONDS = int(os.environ.get("NAE_SECONDS", "120"))
SETTINGS = "log_line_prefix = '%a %e '\nlog_min_error_statement = panic\nlog_min_messages = warning\nrestart_after_crash = on\nmax_stack_depth = '4MB'\n"
MISPLACED = """
CREATE FUNCTION checks.misplaced(relation text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE c record; count bigint; result text := '';
BEGIN
  FOR c IN SELECT a.attname AS name, a.atttypmod AS typmod FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = relation::regclass AND t.typnamespace = 'nae'::regnamespace AND NOT a.attisdropped
  LOOP
    EXECUTE format('SELECT count(*) FROM %s WHERE NOT nae_internal.belongs(%I, %s)', relation, c.name, c.typmod) INTO count;
    IF count > 0 THEN result := result || format('%s of %s ', count, c.name); END IF;
  END LOOP;
  RETURN result;
END $$"""


def prepare(stack, tap):
    stack.sql(None, "CREATE SCHEMA enc AUTHORIZATION nae_all; CREATE SCHEMA pln AUTHORIZATION nae_all; CREATE SCHEMA checks AUTHORIZATION nae_all; "
                    "GRANT USAGE ON SCHEMA enc, pln TO PUBLIC")
    session = stack.session("nae_all")
    session.ask("SET TimeZone = 'UTC'")
    for side in ("pln", "enc"):
        session.ask(f"SET search_path = {side}, public")
        for statement in SETUP:
            answer = session.ask(of_side(side, statement))
            if answer.state:
                raise RuntimeError(f"{side}: {statement}: {answer}")
    for statement in models():
        tap.is_(stack.sql(None, statement).state, "", statement[:60])
    tap.is_(session.ask(MISPLACED).state, "", "the twins are made")
    session.close()


with Tap() as tap, Stack(keys=KEYS, postgresql=SETTINGS) as stack:
    prepare(stack, tap)
    pair = Pair({"host": str(stack.path / "run"), "port": 5432}, stack.path / "postgresql.log")
    version = pair.plain.connection.info.server_version
    report = Report(os.environ.get("NAE_FINDINGS"))
    start = time.monotonic()
    shapes = collections.Counter()
    for seed in range(SEED, SEED + CASES):
        if time.monotonic() - start > SECONDS:
            break
        case = Draw(seed, version).case()
        shapes[case.shape] += 1
        found = pair.run(case)
        if not found:
            continue
        if report.wants(found):
            def differs():
                again = pair.run(case)
                return again and again.kind == found.kind and (again.sign == found.sign or found.kind in ("rows", "crash"))
            shrink(case, differs, *((30, 40) if found.kind == "crash" else (8, 250)))
            found = pair.run(case) or found
        report.add(seed, case, found)
    for kind, examples in report.kinds():
        count, seed, text, detail = examples
        tap.ok(False, f"{kind} ({count} times; seed {seed})", text, detail)
    pair.logged()
    tap.ok(not pair.died, "no server process died", *pair.died[:9])
    tap.ok(sum(shapes.values()) >= min(CASES, 50), f"{sum(shapes.values())} cases of {pair.statements} statements, with those made smaller; {pair.answered} answered on both sides, {pair.slow} too slow: {dict(shapes)}")
    tap.ok(pair.answered > sum(shapes.values()) / 2, "most of them have an answer", f"{pair.answered} of {sum(shapes.values())}")
    for text, (count, example) in sorted(pair.refusals.items(), key=lambda item: -item[1][0]):
        print(f"#   refused {count} times: {text}: {' '.join(example.split())[:200]}")
    report.close(pair)
