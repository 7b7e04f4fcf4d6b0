#!/usr/bin/python3 -B
# Dumps of encrypted columns hold ciphertext and need no key server, neither to make nor to restore them.
from cluster import program
from columns import CUSTOMER, DIGEST, EVERY, EVERY_DIGEST, KEYS, TWIN, allow_databases, asked
from harness import Stack, Tap

CANARY = "canary-of-the-dump"
# A key that only \restrict uses, which is random otherwise.
PLAIN = ("--restrict-key", "x")
FURTHER = f"""
CREATE TABLE part (id int PRIMARY KEY, note nae.enc_text('customer-pii')) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE high PARTITION OF part FOR VALUES FROM (10) TO (20);
INSERT INTO part SELECT n, '{CANARY}' || n FROM generate_series(0, 19) n;
CREATE TABLE child (id int PRIMARY KEY, ssn nae.enc_det_text('customer-ssn') REFERENCES customer (ssn),
                    source nae.enc_text('customer-pii') DEFAULT 'unknown');
INSERT INTO child VALUES (1, 'ssn-1');
CREATE INDEX ON customer (ref);
CREATE VIEW shown AS SELECT id, note, ssn FROM customer WHERE ssn = 'ssn-3';
CREATE VIEW shouted AS SELECT id, upper(note) AS note, note || '!' AS bang FROM customer;
CREATE MATERIALIZED VIEW kept AS SELECT id, note, ssn FROM customer;
CREATE TABLE tenant (id int PRIMARY KEY, owner name DEFAULT current_user, note nae.enc_text('customer-pii'));
INSERT INTO tenant VALUES (1, 'nae_all', '{CANARY}'), (2, 'nae_clerk', '{CANARY}');
ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON tenant USING (owner = current_user);
UPDATE customer SET note = '{CANARY}' WHERE id = 50;
"""

with Tap() as tap, Stack(keys=KEYS) as stack:
    copies = ["plain", "custom", "parts", "parallel", "inserts", "rows"]
    allow_databases(stack, *copies)
    session = stack.session("nae_all")
    asked(session, CUSTOMER)
    tap.is_(asked(session, DIGEST), asked(session, TWIN), "the table and its plaintext twin")
    asked(session, FURTHER)
    asked(session, EVERY)
    values = [DIGEST, "SELECT id, note, ssn FROM shown", "SELECT max(bang), count(*) FROM shouted", "SELECT ssn, source FROM child",
              "SELECT md5(string_agg(note, ',' ORDER BY id)) FROM part", "SELECT note FROM tenant", EVERY_DIGEST,
              "SELECT id FROM customer WHERE ssn = 'ssn-7'"]
    refresh = ("REFRESH MATERIALIZED VIEW kept", "SELECT md5(string_agg(note, ',' ORDER BY id)) FROM kept")
    wanted = [asked(session, value) for value in values + list(refresh)]
    ciphertext = "COPY customer TO STDOUT"
    sealed = asked(session, ciphertext)
    tap.ok(sealed.count("nae1:") > 500, "COPY of a table is ciphertext")
    tap.like(asked(session, "COPY tenant TO STDOUT"), r"^1\tnae_all\tnae1:[^\n]*$", "also where a policy of PostgreSQL makes it a query")
    tap.like(asked(session, "COPY (SELECT note FROM tenant) TO STDOUT"), f"^{CANARY}$", "COPY of a query is what the role may see")
    for name in copies:
        stack.sql(None, f"CREATE DATABASE {name}", database="postgres")

    def dumped(*words, database="nae_test", **others):
        return program(stack, "pg_dump", "-d", database, *words, **others)

    def restored(name, *words):
        program(stack, "pg_restore", "-e", "-d", name, *words)

    with_server = dumped(*PLAIN)
    stack.key_server.stop()
    directory = stack.path / "run"  # belongs to the owner
    tap.is_(session.ask("SELECT note FROM customer").state, "08001", "without a key server nothing is read")
    first = dumped(*PLAIN)
    tap.ok(first == with_server, "a dump is the same without a key server")
    tap.ok(CANARY not in first and "nae1:" in first, "and holds no plaintext")
    file = stack.path.with_name("plain.sql")
    file.write_text(first)
    program(stack, "psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", "plain", "-f", file)
    tap.ok(dumped(*PLAIN, database="plain") == first, "what is restored from it dumps byte for byte the same")

    custom = directory / "custom.dump"
    dumped("-Fc", "-Z0", "-f", custom)
    restored("custom", custom)
    tap.ok(CANARY.encode() not in custom.read_bytes(), "custom format: no plaintext")
    dumped("--schema-only", "-f", directory / "schema.sql")
    dumped("--data-only", "-Fc", "-f", directory / "data.dump")
    program(stack, "psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", "parts", "-f", directory / "schema.sql")
    restored("parts", "--disable-triggers", directory / "data.dump")
    dumped("-Fd", "-j2", "-f", directory / "parallel")
    restored("parallel", "-j2", directory / "parallel")

    try:
        dumped("--inserts", "--verbose")
        tap.ok(False, "--inserts asks for plaintext, and without a key server fails")
    except RuntimeError as error:
        tap.like(error, "no key server can be reached", "--inserts asks for plaintext, and without a key server fails")
        tap.is_(str(error).count("pg_dump reads encrypted columns decrypted"), 1, "of which one warning tells")
    for name, words in (("inserts", ("--inserts",)), ("rows", ("--column-inserts", "--rows-per-insert", "7"))):
        text = dumped(*words, *PLAIN, options="-c nae.transparent=off")
        tap.ok(CANARY not in text and text.count("nae1:") > 500, f"{words[0]} with nae.transparent = off is ciphertext")
        file.write_text(text)
        program(stack, "psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", name, "-f", file)
    stack.key_server.start()
    stack.reconnected()
    for name in copies:
        copy = stack.session("nae_all", database=name)
        tap.is_([asked(copy, value) for value in values + list(refresh)], wanted, f"{name}: all values are readable")
        tap.is_(sorted(asked(copy, ciphertext).splitlines()), sorted(sealed.splitlines()), f"{name}: the same ciphertext")
        tap.is_(copy.ask("INSERT INTO customer (id, ssn) VALUES (100, 'ssn-9')").state, "23505", f"{name}: a value is still unique")
        copy.close()
