#!/usr/bin/python3 -B
# Encrypted columns through what administrators do to tables, extensions and whole servers.
from cluster import Cluster
from columns import CUSTOMER, DIGEST, KEYS, allow_databases, asked
from harness import Stack, Tap, scratch_directory

ARCHIVE = scratch_directory()
SETTINGS = f"archive_mode = on\narchive_command = 'cp %p {ARCHIVE}/%f'\nwal_level = replica\n"

with Tap() as tap, Stack(keys=KEYS, postgresql=SETTINGS) as stack:
    allow_databases(stack, "updated")
    session, superuser = stack.session("nae_all"), stack.session(None)
    asked(session, CUSTOMER, "CREATE INDEX customer_ref ON customer (ref)")
    digest = asked(session, DIGEST)

    # back to a point in time
    recovered = Cluster(stack, scratch_directory() / "recovered")
    recovered.base_backup()
    asked(session, "UPDATE customer SET note = 'before ' || id", "CREATE TABLE made (t nae.enc_text('customer-pii', 'context=made'))",
          "INSERT INTO made VALUES ('kept')")
    before = asked(session, DIGEST)
    asked(superuser, "SELECT pg_create_restore_point('here')")
    asked(session, "UPDATE customer SET note = 'after ' || id", "DROP TABLE made")
    asked(superuser, "SELECT pg_switch_wal()")
    recovered.configure(nae__agent_socket=recovered.data.parent / "agent.sock", archive_mode="off", restore_command=f"cp {ARCHIVE}/%f %p",
                        recovery_target_name="here", recovery_target_action="promote")
    (recovered.data / "recovery.signal").touch(mode=0o644)
    recovered.control("start")
    tap.is_(recovered.ask(DIGEST, "SELECT t FROM made").out, f"{before}\nkept", "a server recovered to a point in time")
    tap.is_(recovered.ask("SELECT id FROM customer WHERE ssn = 'ssn-7'").out, "7", "finds by index")
    tap.is_(recovered.ask("INSERT INTO made VALUES ('new')", "SELECT count(*) FROM made WHERE t = 'new'").out, "1", "and writes")
    recovered.control("-m", "fast", "stop")
    asked(session, "TRUNCATE customer")
    asked(session, CUSTOMER.split(";", 1)[1])
    digest = asked(session, DIGEST)

    def same(name):
        tap.is_(session.ask(DIGEST).out, digest, f"{name}: the values are as they were")
        session.ask("SET enable_seqscan = off")
        tap.is_(session.ask("SELECT id FROM customer WHERE ssn = 'ssn-7' AND ref = md5('7')::uuid").out, "7", f"{name}: so is a search")
        session.ask("RESET enable_seqscan")

    # housekeeping, none of which needs a key
    stack.key_server.stop()
    for command in ("VACUUM FULL customer", "CLUSTER customer USING customer_ref", "CLUSTER customer USING customer_ssn_key", "ANALYZE customer",
                    "REINDEX TABLE customer", "REINDEX INDEX CONCURRENTLY customer_ref", "VACUUM (FREEZE, ANALYZE) customer",
                    "ALTER TABLE customer SET LOGGED", "ALTER TABLE customer SET UNLOGGED", "ALTER TABLE customer SET LOGGED"):
        tap.is_(session.ask(command).text, "", f"{command} without a key server")
    stack.key_server.start()
    stack.reconnected()
    same("housekeeping")

    # ALTER TABLE
    asked(session, "ALTER TABLE customer ADD COLUMN extra text", "ALTER TABLE customer RENAME note TO remark", "ALTER TABLE customer RENAME remark TO note")
    same("renamed columns")
    asked(session, "ALTER TABLE customer RENAME TO client", "ALTER TABLE client RENAME TO customer")
    same("renamed table")
    asked(superuser, "CREATE SCHEMA elsewhere AUTHORIZATION nae_all", "ALTER TABLE customer SET SCHEMA elsewhere", "ALTER TABLE elsewhere.customer OWNER TO postgres",
          "GRANT ALL ON elsewhere.customer TO nae_all")
    asked(session, "SET search_path = elsewhere, public")
    same("another schema and owner")
    asked(superuser, "ALTER TABLE elsewhere.customer OWNER TO nae_all", "ALTER TABLE elsewhere.customer SET SCHEMA public")
    asked(session, "RESET search_path", "CREATE TABLE early (gone int, also_gone text, id int, note nae.enc_text('customer-pii'), plain text)",
          "INSERT INTO early VALUES (1, 'x', 1, 'one', 'p'), (1, 'x', 2, 'two', 'q')", "ALTER TABLE early DROP COLUMN gone", "ALTER TABLE early DROP COLUMN also_gone")
    tap.is_(asked(session, "SELECT * FROM early ORDER BY note"), "1|one|p\n2|two|q", "earlier columns dropped")
    asked(session, "INSERT INTO early VALUES (3, 'three', 'r')", "UPDATE early SET note = note || '!' WHERE note = 'two'")
    tap.is_(asked(session, "SELECT id, note FROM early ORDER BY id"), "1|one\n2|two!\n3|three", "and rows written since")
    tap.is_(asked(session, "SELECT e FROM early e WHERE id = 1"), "(1,one,p)", "and a whole row")
    asked(session, "ALTER TABLE early ADD COLUMN since nae.enc_text('customer-pii') DEFAULT 'always'")
    tap.is_(asked(session, "SELECT DISTINCT since FROM early"), "always", "a column added with a default")
    asked(session, "SET nae.transparent = off")
    tap.is_(asked(session, "SELECT bool_and(nae.is_ciphertext(since)), bool_and(nae.is_ciphertext(note)) FROM early"), "t|t", "is ciphertext in every row")
    asked(session, "SET nae.transparent = on", "ALTER TABLE early ALTER plain TYPE nae.enc_text('customer-pii') USING plain")
    tap.is_(asked(session, "SELECT plain FROM early ORDER BY id"), "p\nq\nr", "a plain column becomes encrypted")
    tap.is_(asked(session, "SET nae.transparent = off", "SELECT bool_and(nae.is_ciphertext(plain)) FROM early"), "t", "in every row")
    asked(session, "SET nae.transparent = on", "ALTER TABLE early ALTER plain TYPE nae.enc_text('customer-pii', 'context=second') USING plain::text")
    tap.is_(asked(session, "SELECT plain FROM early ORDER BY id"), "p\nq\nr", "and then another context's")
    asked(session, "ALTER TABLE early ALTER plain TYPE text USING plain::text")
    tap.is_(asked(session, "SELECT plain FROM early ORDER BY id"), "p\nq\nr", "and plain again")
    asked(session, "ALTER TABLE early ALTER plain TYPE nae.enc_text('customer-pii')")
    tap.is_(asked(session, "SELECT plain FROM early ORDER BY id"), "p\nq\nr", "without USING")
    answer = session.ask("ALTER TABLE early ALTER note TYPE nae.enc_text")
    tap.ok(answer.state and answer.hint, "a type without a key is refused", answer)

    # the extension
    tap.is_(superuser.ask("DROP EXTENSION pg_nae").state, "2BP01", "DROP EXTENSION is refused while columns exist")
    tap.is_(superuser.ask("DROP SCHEMA nae CASCADE").state, "2BP01", "so is its schema")
    same("after that")
    stack.sql(None, "CREATE DATABASE updated", database="postgres")
    own = stack.session(None, database="updated")
    asked(own, "CREATE EXTENSION pg_nae VERSION '0.1.0'")
    asked(own, "GRANT CREATE ON SCHEMA public TO nae_all", "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO nae_all", "SET ROLE nae_all")
    asked(own, "CREATE TABLE old AS SELECT nae_encrypt('customer-pii', 'older') AS sealed")
    tap.is_(own.ask("SELECT nae_decrypt_text(sealed) FROM old").out, "older", "0.1.0 under this library")
    asked(own, "RESET ROLE", "ALTER EXTENSION pg_nae UPDATE", "SET ROLE nae_all", CUSTOMER)
    tap.is_(asked(own, DIGEST), digest, "ALTER EXTENSION UPDATE brings encrypted columns, in the same session")
    tap.is_(asked(own, "SELECT nae_decrypt_text(sealed) FROM old"), "older", "and leaves older values")
    asked(own, "DROP TABLE customer, old", "RESET ROLE", "DROP EXTENSION pg_nae", "CREATE EXTENSION pg_nae", "SET ROLE nae_all", CUSTOMER)
    tap.is_(asked(own, DIGEST), digest, "DROP and CREATE EXTENSION in one session")
    tap.is_(stack.sql("nae_all", DIGEST, database="updated").out, digest, "and in another")
