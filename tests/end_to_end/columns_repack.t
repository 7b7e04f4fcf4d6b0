#!/usr/bin/python3 -B
# pg_repack rebuilds a table with encrypted columns while it is in use, without a key.
import threading

from cluster import program
from columns import CUSTOMER, DIGEST, KEYS, asked
from harness import Stack, Tap


def write_meanwhile(stack, done, written):
    """Rows that come, change and go until the event is set."""
    session = stack.session("nae_all")
    number = 1000
    while not done.is_set():
        number += 1
        asked(session, f"INSERT INTO customer (id, ssn, note) VALUES ({number}, 'ssn-{number}', 'new')",
              f"UPDATE customer SET note = 'changed' WHERE id = {number} AND id % 2 = 0",
              f"DELETE FROM customer WHERE id = {number} AND id % 3 = 0")
    written.append(number)
    session.close()


with Tap() as tap, Stack(keys=KEYS) as stack:
    session, superuser = stack.session("nae_all"), stack.session(None)
    asked(superuser, "CREATE EXTENSION pg_repack")
    asked(session, CUSTOMER, "ALTER TABLE customer ADD CHECK (length(note) < 100000)", "CREATE INDEX ON customer (ref)",
          "INSERT INTO customer (id, ssn, note) SELECT n, 'old-' || n, repeat('x', 2000) FROM generate_series(100, 900) n",
          "DELETE FROM customer WHERE id BETWEEN 100 AND 800")
    digest = asked(session, DIGEST)
    definition = asked(superuser, "SELECT string_agg(pg_get_constraintdef(oid), ' ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'customer'::regclass")
    size = int(asked(superuser, "SELECT pg_total_relation_size('customer')"))

    def repack():
        # It reads rows as they are stored; the values are not its superuser's to read.
        program(stack, "pg_repack", "-d", "nae_test", "-t", "customer", options="-c nae.transparent=off")

    done, written = threading.Event(), []
    writer = threading.Thread(target=write_meanwhile, args=(stack, done, written))
    writer.start()
    try:
        repack()
        repack()
        tap.ok(True, "pg_repack with nae.transparent = off, twice")
    except RuntimeError as error:
        tap.ok(False, "pg_repack with nae.transparent = off, twice", str(error))
    finally:
        done.set()
        writer.join()
    last = written[0]
    tap.ok(last > 1000, "others write meanwhile", str(last))
    tap.is_(asked(session, f"SELECT count(*) FROM generate_series(1001, {last}) n LEFT JOIN customer c ON c.id = n AND c.ssn = 'ssn-' || n AND c.note = "
                           "CASE WHEN n % 2 = 0 THEN 'changed' ELSE 'new' END WHERE (c.id IS NULL) <> (n % 3 = 0)"), "0", "what they wrote is there")
    tap.is_(asked(session, "SELECT count(*) FILTER (WHERE stored <> ciphertexts OR stored <> authentic) || ' of ' || count(*) FROM nae.verify_table('customer', true)"),
            "0 of 11", "all of it ciphertext that opens")
    asked(session, "DELETE FROM customer WHERE id > 1000")
    tap.is_(asked(session, DIGEST), digest, "the values are what they were")
    session.ask("SET enable_seqscan = off")
    tap.is_(asked(session, "SELECT id FROM customer WHERE ssn = 'ssn-7' AND ref = md5('7')::uuid"), "7", "and are found by index")
    tap.is_(asked(superuser, "SELECT string_agg(pg_get_constraintdef(oid), ' ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'customer'::regclass"),
            definition, "constraints are kept")
    tap.ok(int(asked(superuser, "SELECT pg_total_relation_size('customer')")) < size, "the table is smaller")
    tap.refused(superuser.ask("CREATE TABLE rows (r customer)"), "0A000", "rows within rows are refused elsewhere")
