#!/usr/bin/python3 -B
# Search indexes beside other sessions, in dumps and in the audit log.
from cluster import program
from columns import allow_databases, asked
from harness import Stack, Tap, wait_until

TABLE = """
CREATE TABLE people (id int PRIMARY KEY, name nae.enc_text('customer-pii'));
INSERT INTO people SELECT i, 'Person' || i % 7 || ' Gonzalez' || i FROM generate_series(1, 500) AS i;
"""
FOUND = "SELECT string_agg(id::text, ',' ORDER BY id) FROM people WHERE name LIKE 'Person3 Gonzalez4%'"
WANTED = ",".join(str(i) for i in range(1, 501) if i % 7 == 3 and str(i).startswith("4"))
BY_CODES = f"SET enable_seqscan = off; EXPLAIN {FOUND}"

with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm") as stack:
    allow_databases(stack, "copy")
    session = stack.session("nae_all")
    asked(session, TABLE)
    tap.is_(asked(session, FOUND), WANTED, "without an index")

    # Rows that are filled get new versions, which an older snapshot does not show: in its versions they have no codes.
    reader = stack.session("nae_all")
    asked(reader, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM pg_class")
    writer = stack.session("nae_all")
    writer.send("CALL nae.add_search('people', 'name', 'word', batch_size => 100)")
    wait_until(lambda: asked(session, "SELECT count(*) FROM nae.stat_progress_column WHERE phase = 'validating'") == "1")
    asked(session, "SET enable_seqscan = off")
    tap.ok("@>" not in asked(session, f"EXPLAIN {FOUND}"), "while somebody sees rows without codes, nobody goes by them")
    tap.is_(asked(reader, FOUND), WANTED, "who began before sees all rows")
    asked(session, "INSERT INTO people VALUES (1000, 'Person3 Gonzalez4000')")
    asked(reader, "COMMIT")
    tap.is_(writer.answer().state, "", "then the index is made to its end")
    tap.ok("name_search @>" in asked(session, f"EXPLAIN {FOUND}"), "and used")
    tap.is_(asked(session, FOUND), WANTED + ",1000", "with what was written meanwhile")
    asked(reader, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM pg_class")
    asked(session, "UPDATE people SET name = 'Renamed' WHERE id = 1000")
    tap.is_(asked(reader, FOUND), WANTED + ",1000", "an older snapshot has the codes of its rows")
    asked(reader, "COMMIT")

    records = [record for record in stack.key_server.audit("--action", "search") if record["verdict"] == "value"]
    tap.ok(sum(record["items"] for record in records) >= 1000, "records count tokens: two of each of 500 rows")
    tap.is_({record["key"] for record in records}, {"customer-pii"}, "under the column's key")

    # Codes are numbers: dumps carry them, with trigger, function and CHECK.
    stack.sql(None, "CREATE DATABASE copy", database="postgres")
    stack.key_server.stop()
    file = str(stack.path / "run" / "nae_test.dump")
    program(stack, "pg_dump", "-d", "nae_test", "-Fc", "-f", file)
    program(stack, "pg_restore", "-e", "-d", "copy", file)
    tap.is_(stack.sql(None, "SELECT count(*), bool_and(is_complete) FROM nae.search_index", database="copy").out, "1|t",
            "restored without a key server, the index is complete")
    stack.key_server.start()
    stack.reconnected()
    copy = stack.session("nae_all", database="copy")
    asked(copy, "SET enable_seqscan = off")
    tap.ok("name_search @>" in asked(copy, f"EXPLAIN {FOUND}"), "and used")
    tap.is_(asked(copy, FOUND), WANTED, "all rows are found there")
