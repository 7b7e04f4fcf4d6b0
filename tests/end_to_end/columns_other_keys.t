#!/usr/bin/python3 -B
# A dump of an installation whose keys have the same names and are others: not loaded in silence, and shown to nobody.
from cluster import program
from columns import KEYS, asked
from harness import ROOT, Stack, Tap, run

TABLE = """
CREATE TABLE customer (id int PRIMARY KEY, ssn nae.enc_det_text('customer-ssn') UNIQUE, note nae.enc_text('customer-pii'));
INSERT INTO customer SELECT n, 'ssn-' || n, 'note ' || n FROM generate_series(1, 20) n;
"""
READS = """
[[rule]]
name = "the-superuser-reads"
roles = ["postgres"]
keys = ["glob:customer-*"]
actions = ["decrypt"]
result = "value"
"""

with Tap() as tap, Stack(keys=KEYS) as theirs, Stack(keys=KEYS) as ours:
    far = theirs.session("nae_all")
    asked(far, TABLE)
    dump = program(theirs, "pg_dump", "-d", "nae_test", "-t", "customer")
    file = ours.path.with_name("theirs.sql")
    rows = ours.path / "run" / "theirs.copy"
    file.write_text(dump)
    rows.write_text(asked(far, "COPY customer TO STDOUT") + "\n")

    def restored(*words):
        return run(ours.psql, "-X", "-h", ours.path / "run", "-p", 5432, "-U", "postgres", "-d", "nae_test", *words)

    # who may use the keys: by the policy, then by being trusted with what is restored
    session = ours.session("nae_all")
    asked(session, TABLE, "TRUNCATE customer")
    tap.refused(session.ask(f"INSERT INTO customer SELECT 1, '{rows.read_text().split(chr(9))[1]}'"), "NE021", "who may encrypt brings none along")
    loaded = restored("-c", f"COPY customer FROM '{rows}'")
    tap.like(loaded.stderr, 'WARNING:  ciphertexts are not compared with key "customer-ssn"', "a superuser without a right is warned")
    tap.is_(loaded.stderr.count("not compared"), 2, "once a column")
    tap.refused(session.ask("SELECT note FROM customer"), "NE021", "nobody reads a note")
    tap.refused(session.ask("SELECT ssn FROM customer"), "NE021", "nor a number")
    tap.is_(asked(session, "SELECT count(*) FROM customer WHERE ssn = 'ssn-7'"), "0", "none is found")
    tap.is_(asked(session, "SELECT string_agg(concat_ws(' ', column_name, stored, ciphertexts, foreign_values, authentic), ', ') FROM nae.verify_table('customer', true)"),
            "ssn 20 0 20 0, note 20 0 20 0", "they are counted")
    tap.is_(asked(session, "SELECT DISTINCT reason FROM nae.damaged_rows('customer', 'note')"), "is of another key than the column's", "and listed")
    asked(session, "TRUNCATE customer")
    ours.key_server.apply_policy((ROOT / "tests/fixtures/policy.toml").read_text() + READS)
    loaded = restored("-v", "VERBOSITY=verbose", "-c", f"COPY customer FROM '{rows}'")
    tap.like(loaded.stderr, "ERROR:  NE021: a ciphertext of another key is not taken for one of key \"customer-ssn\"", "a superuser who may read is refused")
    tap.is_(asked(session, "SELECT count(*) FROM customer"), "0", "nothing is written")
    asked(session, "DROP TABLE customer")
    loaded = restored("-v", "VERBOSITY=verbose", "-v", "ON_ERROR_STOP=1", "-f", file)
    tap.like(loaded.stderr, "NE021", "so is the whole dump")
    # what is ours comes back without a word
    asked(session, "DROP TABLE IF EXISTS customer", TABLE)
    own = program(ours, "pg_dump", "-d", "nae_test", "-t", "customer")
    file.write_text(own)
    asked(session, "DROP TABLE customer")
    loaded = restored("-v", "ON_ERROR_STOP=1", "-f", file)
    tap.is_((loaded.returncode, loaded.stderr), (0, ""), "a dump of our own is restored without a warning")
    tap.is_(asked(session, "SELECT note FROM customer WHERE ssn = 'ssn-7'"), "note 7", "and readable")
    far.close()
    session.close()
