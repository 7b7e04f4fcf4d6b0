#!/usr/bin/python3 -B
# pg_upgrade takes a database with encrypted columns into a new cluster, without a key server.
from cluster import Cluster, program
from columns import CUSTOMER, DIGEST, KEYS, asked
from harness import Stack, Tap, scratch_directory

FURTHER = """
CREATE DOMAIN code AS nae.enc_det_text('customer-ssn', 'context=code');
CREATE TABLE kept (id int PRIMARY KEY, c code UNIQUE, d nae.enc_text('customer-pii', 'context=default') DEFAULT 'unknown', gone nae.enc_int4('customer-pii'));
INSERT INTO kept (id, c) SELECT n, 'code ' || n FROM generate_series(1, 20) n;
ALTER TABLE kept DROP gone;
CREATE VIEW shown AS SELECT id, note FROM customer WHERE ssn = 'ssn-3';
CREATE TABLE part (id int, n nae.enc_numeric('customer-pii', 'context=part')) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF part FOR VALUES FROM (0) TO (10);
INSERT INTO part VALUES (1, 1.5);
"""
READ = (DIGEST, "SELECT string_agg(c || d, ',' ORDER BY id) FROM kept", "SELECT * FROM shown", "SELECT * FROM part",
        "SELECT id FROM customer WHERE ssn = 'ssn-7'", "SELECT id FROM kept WHERE c = 'code 9'")
DECLARED = ("SELECT string_agg(concat_ws(' ', attrelid::regclass, attname, format_type(atttypid, atttypmod)), ',' ORDER BY attrelid::regclass::text, attname) "
            "FROM pg_attribute WHERE attrelid IN ('customer'::regclass, 'kept'::regclass, 'part'::regclass, 'low'::regclass) AND attnum > 0 AND NOT attisdropped")

with Tap() as tap, Stack(keys=KEYS) as stack:
    session = stack.session("nae_all")
    asked(session, CUSTOMER, FURTHER)
    wanted = [asked(session, query) for query in READ]
    declared = asked(session, DECLARED)

    old = Cluster(stack, scratch_directory() / "old")
    old.base_backup()
    old.configure(nae__agent_socket=old.data.parent / "agent.sock")
    old.control("start")
    old.control("-m", "fast", "stop")
    new = Cluster(stack, scratch_directory() / "new", port=5434)
    new.initialize()
    new.configure(shared_preload_libraries="pg_nae", nae__agent="external", nae__agent_socket=stack.agent_socket)
    stack.key_server.stop()
    binaries = stack.psql.parent
    program(stack, "pg_upgrade", "-b", binaries, "-B", binaries, "-d", old.data, "-D", new.data, "-s", new.data.parent, "-p", "5435", "-P", "5436",
            seconds=120, cwd=new.data.parent)
    stack.key_server.start()
    stack.reconnected()
    new.control("start")
    tap.is_(new.ask(DECLARED).out, declared, "columns are declared as they were")
    for query, rows in zip(READ, wanted):
        tap.is_(new.ask(query).out, rows, query[:60])
    tap.is_(new.ask("INSERT INTO kept (id, c) VALUES (21, 'code 21') RETURNING c, d").out, "code 21|unknown", "new rows")
    tap.is_(new.ask("INSERT INTO kept (id, c) VALUES (22, 'code 9')").state, "23505", "are unique")
    tap.refused(new.ask("CREATE TABLE bad (x nae.enc_text)"), "42611", "the guard guards")
    tap.refused(new.ask("ALTER SCHEMA nae RENAME TO other", role=None), "2BP01", "the extension's objects too")
    tap.is_(new.ask("SELECT * FROM nae.lint() WHERE severity = 'error'").out, "", "lint finds no error")
    tap.is_(new.ask("ALTER TABLE kept ADD e nae.enc_text('customer-pii', 'context=new')", "INSERT INTO kept VALUES (23, 'c', 'd', 'e') RETURNING e").out, "e",
            "new columns")
    new.control("-m", "fast", "stop")
