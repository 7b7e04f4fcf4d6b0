#!/usr/bin/python3 -B
# One backend keeps no memory: not of ten thousand statements that fail in the middle of a batch, nor of a
# long scan. NAE_ROWS sets how long.
import os
import pathlib
import re

from harness import Stack, Tap

STATEMENTS = 10_000
ROWS = int(os.environ.get("NAE_ROWS", "1000000"))
WARM_UP = 1_000
# The ways out of a batch: a row's own error, a key that is denied, an error of what stands above the
# batch, and one of the filter in mid-batch.
FAIL = """
CREATE FUNCTION pg_temp.fail(statements int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE failed int := 0;
BEGIN
  FOR i IN 1..statements LOOP
    BEGIN
      CASE i % 4
        WHEN 0 THEN PERFORM count(nae_decrypt(CASE id WHEN 40 THEN '\\x00' ELSE c END)) FROM kept;
        WHEN 1 THEN PERFORM count(nae_encrypt('forbidden-key', id::text)) FROM kept;
        WHEN 2 THEN PERFORM max(1 / (length(nae_decrypt_text(c)) - 8)) FROM kept;
        ELSE PERFORM nae_decrypt_text(c) FROM kept WHERE nae_decrypt_text(c) LIKE 'value%' AND id / (id - 40) > 0;
      END CASE;
    EXCEPTION WHEN OTHERS THEN failed := failed + 1;
    END;
  END LOOP;
  RETURN failed;
END $$"""


def resident_kib(pid):
    return int(re.search(r"^VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M).group(1))


def contexts(session):
    """Number of memory contexts and bytes in them."""
    count, size = session.ask("SELECT count(*), sum(total_bytes) FROM pg_backend_memory_contexts").out.split("|")
    return int(count), int(size)


with Tap() as tap, Stack() as stack:
    stack.sql(None, "GRANT pg_read_all_stats TO nae_all; GRANT CREATE ON SCHEMA public TO nae_all")
    session = stack.session("nae_all")
    tap.is_(session.ask("CREATE TABLE kept AS SELECT i AS id, nae_encrypt('customer-pii', 'value ' || i) AS c "
                        "FROM generate_series(1, 60) i; ANALYZE kept").state, "", "set up")
    tap.is_(session.ask(FAIL).state, "", "statements that fail")
    tap.is_(session.ask(f"SELECT pg_temp.fail({WARM_UP})", 300).out, str(WARM_UP), "each of them does")
    count, size = contexts(session)
    resident = resident_kib(session.pid)
    for _ in range(STATEMENTS // 1000):
        failed = session.ask("SELECT pg_temp.fail(1000)", 300).out
        tap.is_(failed, "1000", "a thousand more failed")
    now_count, now_size = contexts(session)
    tap.ok(now_count <= count, "no memory context is left over", count, now_count)
    tap.ok(now_size - size < 256 << 10, "nor has one grown", size, now_size)
    tap.ok(resident_kib(session.pid) - resident < 2048, "the process is no larger", resident, resident_kib(session.pid))
    tap.is_(session.ask("SELECT count(nae_decrypt(c)) FROM kept").out, "60", "and the session works")

    # A long scan keeps no more than a short one: its memory is that of its batches.
    scan = "SELECT count(nae_decrypt_text(k.c)) FROM (SELECT c FROM kept LIMIT 10) k, generate_series(1, %d)"
    session.ask("SET work_mem = '64kB'; SET jit = off")  # the rows to be read go to a file
    tap.is_(session.ask(scan % 10000, 300).out, "100000", "a scan")
    resident = resident_kib(session.pid)
    tap.is_(session.ask(scan % (ROWS // 10), 600).out, str(ROWS), "a longer one")
    tap.ok(resident_kib(session.pid) - resident < 4096, "takes no more memory", resident, resident_kib(session.pid))
