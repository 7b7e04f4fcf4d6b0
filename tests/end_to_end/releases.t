#!/usr/bin/python3 -B
# Libraries and catalogs of different releases: what 0.1.0's catalog calls works under this library, what it wrote is read after the
# update and by this release alone, and what does not fit says which command mends it.
from columns import CUSTOMER, DIGEST, KEYS, allow_databases, asked
from harness import Stack, Tap

FURTHER_KEYS = KEYS + " sealed-det:aes-256-siv sealed-code:hmac-sha-256 sealed-index:hmac-sha-256 sealed-p256:ecdsa-p256 sealed-ed:ed25519"
# name, how it is written, how it is read back, what comes of it
WRITTEN = (
    ("text", "nae_encrypt('customer-pii', 'täglich')", "nae_decrypt_text(v)", "täglich"),
    ("empty text", "nae_encrypt('customer-pii', ''::text)", "nae_decrypt_text(v)", ""),
    ("bytes", r"nae_encrypt('customer-pii', '\x00ff'::bytea)", "nae_decrypt(v)", r"\x00ff"),
    ("a bound value", r"nae_encrypt('customer-pii', 'bound', '\x07'::bytea)", r"nae_decrypt_text(v, '\x07'::bytea)", "bound"),
    ("a deterministic value", "nae_encrypt('sealed-det', 'same')", "nae_decrypt_text(v) || (v = nae_encrypt('sealed-det', 'same'))", "sametrue"),
    ("an element", "(nae_encrypt('customer-pii', ARRAY['a', 'b']))[2]", "(nae_decrypt_text(ARRAY[v]))[1]", "b"),
    ("a code", "nae_mac('sealed-code', 'm')", "nae_mac_verify('sealed-code', 'm', v)", "t"),
    ("a code of an index", "nae_blind_index('sealed-index', 'i')", "v = nae_blind_index('sealed-index', 'i')", "t"),
    ("a signature by ECDSA", "nae_sign('sealed-p256', 's')", "nae_verify('sealed-p256', 's'::text, v)", "t"),
    ("a signature by Ed25519", "nae_sign('sealed-ed', 's')", "nae_verify('sealed-ed', 's'::text, v)", "t"),
    ("a rewrapped value", "nae_rewrap(nae_encrypt('customer-pii', 'again'))", "nae_decrypt_text(nae_rewrap(v))", "again"),
)
WRITE = "CREATE TABLE sealed (name text, v bytea);" + "".join(f"INSERT INTO sealed VALUES ('{name}', {write});" for name, write, _, _ in WRITTEN)
NEEDED = ("GRANT CREATE ON SCHEMA public TO nae_all", "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO nae_all")


def read(tap, ask, when):
    for name, _, back, wanted in WRITTEN:
        tap.is_(ask(f"SELECT {back} FROM sealed WHERE name = '{name}'"), wanted, f"{when}: {name}")


with Tap() as tap, Stack(keys=FURTHER_KEYS) as stack:
    allow_databases(stack, "older", "fresh", "later")
    session = stack.session("nae_all")
    asked(session, CUSTOMER)
    digest = asked(session, DIGEST)
    for name in ("older", "fresh", "later"):
        stack.sql(None, f"CREATE DATABASE {name}", database="postgres")

    # the catalog of 0.1.0 under this library
    older = stack.session(None, database="older")
    asked(older, "CREATE EXTENSION pg_nae VERSION '0.1.0'", *NEEDED, "SET ROLE nae_all", WRITE)
    read(tap, lambda query: asked(older, query), "0.1.0's catalog")
    for query, wanted in (("SELECT count(*) > 0 FROM nae_keys() WHERE name = 'sealed-ed' AND rules <> '{}'", "t"), ("SELECT count(*) FROM nae_whoami() WHERE property = 'role'", "1"),
                          ("SELECT count(*) FROM nae_batch_stats()", "1"), ("SELECT (nae_envelope(v)).format FROM sealed WHERE name = 'text'", "ciphertext")):
        tap.is_(asked(older, query), wanted, f"0.1.0's catalog: {query}")
    answer = older.ask("CREATE TABLE t (c nae.enc_text('customer-pii'))")
    tap.is_(answer.state, "3F000", "it has no encrypted columns")
    tap.like(answer.hint, "ALTER EXTENSION pg_nae UPDATE", "and the error says what brings them")
    answer = stack.session("nae_all", database="fresh").ask("SELECT nae.lint()")
    tap.like(answer.hint, "CREATE EXTENSION pg_nae", "a database without the extension")
    asked(older, "RESET ROLE", "ALTER EXTENSION pg_nae UPDATE", "SET ROLE nae_all")
    read(tap, lambda query: asked(older, query), "updated")
    asked(older, CUSTOMER)
    tap.is_(asked(older, DIGEST), digest, "encrypted columns are there, in the same session")
    tap.is_(asked(older, "RESET ROLE", "SELECT count(*) FROM nae.lint() WHERE severity = 'error'"), "0", "lint finds no error")
    answer = older.ask("ALTER EXTENSION pg_nae UPDATE TO '0.1.0'")
    tap.is_(answer.state, "0A000", "the way back is refused")
    tap.like(answer.hint, "backup", "with what to do")

    # values of 0.1.0 in a database that never had its catalog
    rows = asked(older, "SET ROLE nae_all", "SELECT string_agg(format('(%L, %L)', name, v), ', ') FROM sealed")
    fresh = stack.session(None, database="fresh")
    asked(fresh, "CREATE EXTENSION pg_nae", *NEEDED, "SET ROLE nae_all", "CREATE TABLE sealed (name text, v bytea)", f"INSERT INTO sealed VALUES {rows}")
    read(tap, lambda query: asked(fresh, query), "moved to this release")
    asked(fresh, "CREATE TABLE taken (id int, c nae.enc_text('customer-pii'))", "INSERT INTO taken SELECT 1, nae_decrypt_text(v) FROM sealed WHERE name = 'text'")
    tap.is_(asked(fresh, "SELECT c FROM taken"), "täglich", "and into an encrypted column")

    # a catalog that is later than the library
    later = stack.session(None, database="later")
    asked(later, "CREATE EXTENSION pg_nae", "UPDATE pg_extension SET extversion = '0.9.0' WHERE extname = 'pg_nae'",
          "CREATE FUNCTION later_keys() RETURNS TABLE (a text, b text, c text, d integer, e text[], f text[], g text[], h text, later text) LANGUAGE c STRICT AS '$libdir/pg_nae', 'nae_keys'",
          "CREATE FUNCTION later_stats(OUT a bigint, OUT b bigint, OUT c bigint, OUT d bigint, OUT e bigint, OUT f bigint, OUT g bigint, OUT h float8, OUT i bigint, OUT later bigint) LANGUAGE c STRICT AS '$libdir/pg_nae', 'nae_batch_stats'",
          "CREATE FUNCTION later_envelope(bytea, OUT a text, OUT b text, OUT c bytea, OUT d integer, OUT e bytea, OUT f bigint, OUT g bytea, OUT later bigint) LANGUAGE c STRICT AS '$libdir/pg_nae', 'nae_envelope'",
          "CREATE FUNCTION later_whoami() RETURNS TABLE (a text, b text, later text) LANGUAGE c STRICT AS '$libdir/pg_nae', 'nae_whoami'",
          "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO nae_all", "SET ROLE nae_all")
    code = asked(fresh, "SELECT v FROM sealed WHERE name = 'a code'")
    for call in ("later_keys()", "later_stats()", f"later_envelope('{code}')", "later_whoami()"):
        answer = later.ask(f"SELECT * FROM {call}")
        tap.is_(answer.state, "55000", f"{call[:14]}: refused")
        tap.like(answer.hint, "Install the library", f"{call[:14]}: and says what to install")
    tap.like(later.ask("SELECT * FROM later_keys()").message, "0.9.0", "which release the catalog is of")
    tap.is_(asked(later, "SELECT nae_decrypt_text(nae_encrypt('customer-pii', 'works'))"), "works", "the session goes on, and what both know works")
    asked(later, "RESET ROLE")
    answer = later.ask("CREATE FUNCTION later() RETURNS int LANGUAGE c AS '$libdir/pg_nae', 'nae_of_a_later_release'")
    tap.is_(answer.state, "42883", "what the library has not is an error")
