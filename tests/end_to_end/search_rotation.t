#!/usr/bin/python3 -B
# The codes of a search index are brought to another version of the key while others search and write, the backend that does it is
# killed, and the key server stops: at every moment each row is found by its codes.
import os
import signal
import threading

from cluster import program
from columns import allow_databases, asked
from harness import Stack, Tap, run, wait_until

ROWS = 20000
TABLE = f"""
CREATE TABLE people (id int PRIMARY KEY, name nae.enc_text('customer-pii'));
INSERT INTO people SELECT i, 'Person' || i % 7 || ' Gonzalez' || i FROM generate_series(1, {ROWS}) AS i;
CALL nae.add_search('people', 'name', 'word');
"""
CALL = "CALL nae.rotate_search('people', 'name', batch_size => 200)"
FOUND = "SELECT count(*) FROM people WHERE name LIKE 'Person3 Gonzalez%'"
WANTED = str(sum(1 for i in range(1, ROWS + 1) if i % 7 == 3))

with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm") as stack:
    server = stack.key_server
    session = stack.session("nae_all")
    asked(session, TABLE)
    asked(session, "SET enable_seqscan = off")

    def by_codes(among, name):
        tap.ok("name_search @>" in asked(among, f"EXPLAIN {FOUND}"), f"{name}: codes are used")
        tap.is_(asked(among, FOUND), WANTED, f"{name}: all rows are found")

    def under_way(watcher):
        filled = "SELECT count(*) FROM nae.stat_progress_column WHERE phase = 'filling' AND rows_done > 0"
        if not wait_until(lambda: asked(watcher, filled) == "1"):
            raise RuntimeError("nothing is filled")

    def whole(name, version):
        tap.is_(asked(session, "SELECT version, is_complete FROM nae.search_index"), f"{version}|t", f"{name}: of the newest version")
        tap.is_(asked(session, "SELECT stored - authentic FROM nae.verify_table('people', true) WHERE column_name = 'name_search'"), "0", f"{name}: each code is that of its value")
        by_codes(session, name)

    # a backend that is killed: all of PostgreSQL starts anew
    server.must("key", "rotate", "customer-pii")
    caller = stack.session("nae_all")
    caller.send(CALL)
    under_way(session)
    by_codes(session, "while it goes on")
    os.kill(caller.pid, signal.SIGKILL)
    wait_until(lambda: caller.process.poll() is not None)
    for each in session, caller:
        each.close()
    back = wait_until(lambda: run(stack.psql, "-h", stack.path / "run", "-U", "postgres", "-d", "nae_test", "-c", "SELECT 1").returncode == 0)
    tap.ok(back, "kill -9: PostgreSQL recovers")
    session, caller = stack.session("nae_all"), stack.session("nae_all")
    asked(session, "SET enable_seqscan = off")
    filled = int(asked(session, "SELECT count(name_search__nae) FROM people"))
    tap.ok(0 < filled < ROWS, "kill -9: what was committed is there", filled)
    tap.like(asked(session, "SELECT string_agg(finding, ';') FROM nae.lint()"), r"nae\.rotate_search was interrupted while filling", "kill -9: nae.lint() says so")
    by_codes(session, "kill -9")
    asked(session, "UPDATE people SET name = 'Person8 Other' WHERE id = 3", "UPDATE people SET name = 'Person3 Gonzalez' WHERE id = 4")
    by_codes(session, "kill -9: with what is written between")
    tap.is_(caller.ask(CALL, 120).state, "", "kill -9: the same CALL goes on")
    whole("kill -9", 2)

    # without a key server, and with others that search and write
    server.must("key", "rotate", "customer-pii")
    caller.send(CALL)
    under_way(session)
    server.stop()
    tap.ok(caller.answer(90).state in ("08001", "08006", "NE060"), "without a key server: the CALL ends with an error")
    dump = stack.path.with_name("filling.sql")
    dump.write_text(program(stack, "pg_dump", "-d", "nae_test"))
    tap.ok("CREATE TRIGGER zzz_nae_sync_name_search_insert" in dump.read_text(), "without a key server: a dump, with what keeps the new codes")
    server.start()
    stack.reconnected()
    searcher = stack.session("nae_all")
    asked(searcher, "SET enable_seqscan = off")
    counts, ended = [], threading.Event()

    def search():
        while not ended.is_set():
            asked(searcher, "BEGIN", "UPDATE people SET name = name || '' WHERE id % 1000 = 3")
            counts.append(asked(searcher, FOUND))
            asked(searcher, "COMMIT")

    thread = threading.Thread(target=search)
    thread.start()
    answer = caller.ask(CALL, 240)
    ended.set()
    thread.join()
    tap.is_(answer.state, "", "with the key server back: the same CALL goes on")
    tap.ok(len(counts) > 0 and set(counts) == {WANTED}, "and each search meanwhile finds all rows", f"{len(counts)} searches, {set(counts)}")
    whole("at the end", 3)

    # a dump that was taken while codes were filled: the index is whole, of the change there is a column with its triggers
    allow_databases(stack, "restored")
    stack.sql(None, "CREATE DATABASE restored", database="postgres")
    program(stack, "psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", "restored", "-f", dump)
    stack.sql(None, "GRANT ALL ON SCHEMA public TO nae_all", database="restored")
    copy = stack.session("nae_all", database="restored")
    asked(copy, "SET enable_seqscan = off")
    by_codes(copy, "restored")
    asked(copy, "UPDATE people SET name = 'Person8 Other' WHERE id = 3", "UPDATE people SET name = 'Person3 Gonzalez' WHERE id = 4")
    by_codes(copy, "restored, and written")
    assigning = "CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.name_search__nae := NULL; NEW.name := NULL; RETURN NEW; END'"
    asked(copy, assigning)
    late = "CREATE TRIGGER zzz_nae_sync_name_z BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION more()"
    tap.is_(copy.ask(late).state, "55000", "restored: what assigns more is not taken for a trigger of a change")
    sync = asked(copy, "SELECT DISTINCT tgfoid::regproc FROM pg_trigger WHERE tgname = 'zzz_nae_sync_name_search_update'")
    asked(copy, *(f"DROP TRIGGER zzz_nae_sync_name_search_{event} ON people" for event in ("insert", "update")), f"DROP FUNCTION {sync}",
          "ALTER TABLE people DROP COLUMN name_search__nae")
    by_codes(copy, "restored, without what is left of the change")
    tap.is_(copy.ask(CALL, 120).state, "", "restored: rotated")
    by_codes(copy, "restored and rotated")
