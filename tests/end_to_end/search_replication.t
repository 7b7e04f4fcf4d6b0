#!/usr/bin/python3 -B
# Search indexes of publisher and subscriber: codes of one index are never searched as those of another. A subscriber either has
# the publisher's index, which takes no key server, or its subscription waits and loses no row.
from cluster import Cluster, program
from columns import asked
from harness import Stack, Tap, scratch_directory, wait_until

TABLE = "CREATE TABLE people (id int PRIMARY KEY, name nae.enc_text('customer-pii'))"
FOUND = "SELECT string_agg(id::text, ',' ORDER BY id) FROM people WHERE name LIKE 'Gonza%'"
BY_CODES = ("SET enable_seqscan = off", f"EXPLAIN (COSTS OFF) {FOUND}")
REFUSED = 'new row for relation "people" violates check constraint "name_search_complete"'

with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm", postgresql="wal_level = logical") as stack:
    session = stack.session("nae_all")
    superuser = stack.session(None)
    asked(session, TABLE, "INSERT INTO people VALUES (1, 'Gonzalez'), (2, 'Miller'), (3, '---')")
    asked(session, "CALL nae.add_search('people', 'name', 'word')")
    asked(superuser, "CREATE PUBLICATION people FOR TABLE people")

    subscriber = Cluster(stack, scratch_directory() / "subscriber")
    subscriber.initialize()
    subscriber.configure(shared_preload_libraries="pg_nae", nae__agent="external", nae__agent_socket=stack.agent_socket)
    subscriber.control("start")
    subscriber.ask("CREATE DATABASE nae_test", role=None, database="postgres")
    subscriber.ask("CREATE EXTENSION pg_nae", "CREATE ROLE nae_all", "GRANT CREATE ON SCHEMA public TO nae_all",
                   "SELECT nae.grant_migration('nae_all')", role=None)
    connection = f"host={stack.path / 'run'} port=5432 user=postgres dbname=nae_test"

    def subscribe():
        subscribed = subscriber.ask(f"CREATE SUBSCRIPTION people CONNECTION '{connection}' PUBLICATION people", role=None)
        tap.is_(subscribed.state, "", "subscribed")

    def refusals():
        return subscriber.log.read_text().count(REFUSED)

    # An index of its own on each side.
    subscriber.ask(TABLE)
    tap.is_(subscriber.ask("CALL nae.add_search('people', 'name', 'word')").state, "", "the subscriber has an index of its own")
    subscriber.ask("INSERT INTO people VALUES (100, 'Gonzaga')")
    subscribe()
    tap.ok(wait_until(lambda: refusals() > 0), "codes of another index are refused", subscriber.log.read_text()[-1000:])
    tap.ok("name_search @>" in subscriber.ask(*BY_CODES).out, "the subscriber searches by its codes")
    tap.is_(subscriber.ask(FOUND).out, "100", "and finds what it has")

    # The publisher's index, by a dump of its definition.
    subscriber.ask("DROP SUBSCRIPTION people", role=None)
    subscriber.ask("DROP TABLE people", role=None)
    stack.key_server.stop()
    file = str(stack.path / "run" / "people.sql")
    program(stack, "pg_dump", "-d", "nae_test", "--schema-only", "--no-publications", "-n", "public", "-f", file)
    subscriber.ask(f"\\i {file}", role=None)
    subscribe()
    ready = "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'"
    tap.ok(wait_until(lambda: subscriber.ask(ready, role=None).out == "0"), "the initial copy ends without a key server",
           subscriber.log.read_text()[-1000:])
    stack.key_server.start()
    stack.reconnected()
    tap.ok("name_search @>" in subscriber.ask(*BY_CODES).out, "the subscriber searches by the publisher's codes")
    tap.is_(subscriber.ask(FOUND).out, "1", "and finds its rows")
    asked(session, "INSERT INTO people VALUES (4, 'Gonzaga'), (5, NULL)", "UPDATE people SET name = 'Gonzo' WHERE id = 1")
    tap.ok(wait_until(lambda: subscriber.ask(FOUND).out == "4"), "also those that are streamed", subscriber.ask(FOUND).text)

    # The publisher makes its index anew.
    before = refusals()
    asked(session, "SELECT nae.drop_search('people', 'name')")
    asked(session, "CALL nae.add_search('people', 'name', 'word')", "INSERT INTO people VALUES (6, 'Gonzales')")
    tap.ok(wait_until(lambda: refusals() > before), "codes of the new index are refused", subscriber.log.read_text()[-1000:])
    tap.is_(subscriber.ask(FOUND).out, "4", "what the subscriber has is found")
    tap.is_(asked(session, FOUND), "4,6", "the publisher goes on")
    subscriber.control("-m", "immediate", "stop")
