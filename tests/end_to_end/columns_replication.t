#!/usr/bin/python3 -B
# Replicas of encrypted columns: a standby reads them, and logical replication carries ciphertext.
from cluster import Cluster
from columns import CUSTOMER, DIGEST, KEYS, TYPES, asked
from harness import Stack, Tap, scratch_directory, wait_until

CANARY = "canary-of-the-replica"
SETTINGS = "wal_level = logical\nmax_logical_replication_workers = 16\n"
FURTHER = f"""
CREATE TABLE part (id int PRIMARY KEY, note nae.enc_text('customer-pii')) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE high PARTITION OF part FOR VALUES FROM (10) TO (20);
CREATE TABLE filtered (id int PRIMARY KEY, note nae.enc_text('customer-pii'));
"""


def lines(answer):
    if answer.state:
        raise RuntimeError(answer)
    return sorted(answer.out.splitlines())


with Tap() as tap, Stack(keys=KEYS, postgresql=SETTINGS) as stack:
    session = stack.session("nae_all")
    superuser = stack.session(None)
    asked(session, CUSTOMER, FURTHER, f"INSERT INTO part SELECT n, '{CANARY}' || n FROM generate_series(0, 19) n",
          f"INSERT INTO filtered SELECT n, '{CANARY}' || n FROM generate_series(1, 9) n")
    digest = asked(session, DIGEST)

    # streaming
    standby = Cluster(stack, scratch_directory() / "standby")
    standby.base_backup("-R")
    standby.configure(nae__agent_socket=standby.data.parent / "agent.sock")
    standby.control("start")

    def caught_up():
        behind = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn < pg_current_wal_lsn() OR state <> 'streaming'"
        if not wait_until(lambda: superuser.ask(behind).out == "0"):
            raise RuntimeError("a replica does not catch up")

    tap.is_(standby.ask("SELECT pg_is_in_recovery()", DIGEST).out, f"t\n{digest}", "a standby reads encrypted columns")
    asked(session, "UPDATE customer SET note = 'new ' || id WHERE id < 10", "INSERT INTO customer (id, ssn) VALUES (60, 'ssn-60')")
    digest = asked(session, DIGEST)
    caught_up()
    tap.is_(standby.ask(DIGEST).out, digest, "also what was written since")
    tap.is_(standby.ask("SELECT id FROM customer WHERE ssn = 'ssn-60'").out, "60", "and searches them")
    tap.is_(standby.ask("SELECT id FROM customer WHERE note = 'new 3'").out, "3", "also the randomized ones")
    tap.is_(standby.ask("SELECT note FROM customer ORDER BY note DESC LIMIT 1").out, asked(session, "SELECT note FROM customer ORDER BY note DESC LIMIT 1"), "and sorts them")
    tap.is_(standby.ask("SELECT note FROM customer", role="nae_clerk").state, "42501", "a role without privileges reads nothing")
    tap.is_(standby.ask("INSERT INTO customer (id, note) VALUES (70, 'x')").state, "25006", "writes are refused")
    tap.is_(standby.ask("UPDATE customer SET ssn = 'x' WHERE id = 1").state, "25006", "all of them")
    asked(session, "CREATE TABLE later (note nae.enc_text('customer-pii', 'context=later'))", "INSERT INTO later VALUES ('seen')")
    caught_up()
    tap.is_(standby.ask("SELECT note FROM later").out, "seen", "a context that is new since the base backup")
    tap.is_(standby.ask("SELECT 'x'::nae.enc_text('customer-pii', 'context=of nobody')").state, "25006",
            "a modifier that no column has needs a write")
    tap.is_(standby.ask("SELECT 'x'::nae.enc_text('customer-pii', 'context=later')::text").out, "x", "one that a column has does not")
    standby.control("promote")
    tap.is_(standby.ask("INSERT INTO customer (id, ssn) VALUES (70, 'ssn-70')", "SELECT ssn FROM customer WHERE ssn = 'ssn-70'").out,
            "ssn-70", "after its promotion it writes")
    standby.control("-m", "fast", "stop")

    # logical
    subscriber = Cluster(stack, scratch_directory() / "subscriber", port=5434)
    subscriber.initialize()
    subscriber.configure(max_logical_replication_workers=16, max_worker_processes=24, shared_preload_libraries="pg_nae", nae__agent="external", nae__agent_socket=stack.agent_socket)
    subscriber.control("start")
    subscriber.ask("CREATE DATABASE nae_test", role=None, database="postgres")
    columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
    made = subscriber.ask("CREATE EXTENSION pg_nae", "CREATE ROLE nae_all", "GRANT CREATE ON SCHEMA public TO nae_all", "SET ROLE nae_all",
                          f"CREATE TABLE customer (extra int, id int PRIMARY KEY, {columns}, UNIQUE (ssn))",
                          "CREATE TABLE part (id int PRIMARY KEY, note nae.enc_text('customer-pii'))",
                          "CREATE TABLE filtered (id int PRIMARY KEY, note nae.enc_text('customer-pii'))", role=None)
    tap.is_(made.text, "", "a subscriber")
    asked(superuser, "CREATE PUBLICATION all_rows FOR TABLE customer", "CREATE PUBLICATION by_root FOR TABLE part WITH (publish_via_partition_root)",
          "CREATE PUBLICATION some_rows FOR TABLE filtered (id, note) WHERE (id > 5)")
    stack.key_server.stop()
    publisher = f"host={stack.path / 'run'} port=5432 user=postgres dbname=nae_test"
    for name, binary in (("all_rows", "true"), ("by_root", "false"), ("some_rows", "false")):
        tap.is_(subscriber.ask(f"CREATE SUBSCRIPTION {name} CONNECTION '{publisher}' PUBLICATION {name} WITH (binary = {binary})", role=None).state,
                "", f"a subscription to {name}")
    synchronized = "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'"

    def same(table, name, where="", source=None):
        listing = "COPY (SELECT id, note FROM {} {} ORDER BY id) TO STDOUT"
        sent = lambda: lines(session.ask(listing.format(source or table, where)))
        return tap.ok(wait_until(lambda: lines(subscriber.ask("SET nae.transparent = off", listing.format(table, ""))) == sent()), name,
                      subscriber.ask("SET nae.transparent = off", listing.format(table, "")).text[:600], "wanted", sent()[:3])

    asked(session, "SET nae.transparent = off")
    tap.ok(wait_until(lambda: subscriber.ask(synchronized, role=None).out == "0"), "the initial copies end without a key server",
           subscriber.ask("SELECT srrelid::regclass, srsubstate FROM pg_subscription_rel", role=None), subscriber.log.read_text()[-1500:])
    same("customer", "the initial copy carries ciphertext")
    same("part", "also by way of a partitioned table's root")
    same("filtered", "also with a filter of rows and columns", "WHERE id > 5")
    stack.key_server.start()
    stack.reconnected()
    asked(session, "UPDATE customer SET note = 'streamed ' || id, ssn = 'streamed-' || id WHERE id < 10", "DELETE FROM customer WHERE id = 20",
          "INSERT INTO customer (id, note) VALUES (80, repeat('long ', 100000))", "UPDATE part SET note = 'streamed' WHERE id = 3",
          "INSERT INTO filtered VALUES (100, 'streamed'), (0, 'not streamed')")
    for table, where in (("customer", ""), ("part", ""), ("filtered", "WHERE id > 5")):
        same(table, f"{table}: what is streamed is the same ciphertext", where)
    asked(session, "SET nae.transparent = on")
    tap.is_(subscriber.ask(DIGEST).out, asked(session, DIGEST), "the subscriber reads it all")
    tap.is_(subscriber.ask("SELECT id FROM customer WHERE ssn = 'streamed-3'").out, "3", "and searches")
    asked(session, "ALTER TABLE customer REPLICA IDENTITY FULL", "UPDATE customer SET age = 7 WHERE id = 30", "DELETE FROM customer WHERE id = 31")
    tap.ok(wait_until(lambda: subscriber.ask("SELECT (SELECT age FROM customer WHERE id = 30), (SELECT count(*) FROM customer WHERE id = 31)").out == "7|0"),
           "a replica identity of all columns finds its rows", subscriber.log.read_text()[-1000:])
    tap.ok(CANARY not in subscriber.log.read_text() and CANARY not in (stack.path / "postgresql.log").read_text(), "no log holds plaintext")
    for name in ("all_rows", "by_root", "some_rows"):
        subscriber.ask(f"DROP SUBSCRIPTION {name}", role=None)
    subscriber.control("-m", "fast", "stop")
