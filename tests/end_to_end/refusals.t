#!/usr/bin/python3 -B
# What the product must refuse in SQL: with which SQLSTATE, saying what, and that the session goes on.
import wire
from harness import ROOT, KeyServer, Stack, Tap, scratch_directory

FLIP = """
DO $$
DECLARE
  sealed bytea := nae_encrypt('%s', 'a secret of some length', 'aad');
  opened bytea[] := '{}'; states text[] := '{}'; wrong bytea;
BEGIN
  FOR place IN 0 .. length(sealed) - 1 LOOP
    FOREACH wrong IN ARRAY ARRAY[set_byte(sealed, place, get_byte(sealed, place) # 1),
                                 set_byte(sealed, place, get_byte(sealed, place) # 128)] LOOP
      BEGIN
        opened := opened || nae_decrypt(wrong, 'aad'::bytea);
      EXCEPTION WHEN OTHERS THEN
        states := states || SQLSTATE;
      END;
    END LOOP;
  END LOOP;
  CREATE TEMP TABLE outcome AS SELECT cardinality(opened) AS opened, 2 * length(sealed) - cardinality(states) AS lost,
    ARRAY(SELECT DISTINCT s FROM unnest(states) s ORDER BY s) AS states;
END $$;
SELECT opened, lost, states FROM outcome; DROP TABLE outcome"""

TRUNCATE = """
CREATE TEMP TABLE cut AS SELECT substr(value, 1, n) AS value
  FROM (SELECT nae_encrypt('%s', 'a secret', 'aad') AS value) s, generate_series(0, length(value) - 1) n;
DO $$
DECLARE piece bytea; good int := 0;
BEGIN
  FOR piece IN SELECT value FROM cut LOOP
    BEGIN
      PERFORM nae_decrypt(piece, 'aad'::bytea); good := good + 1;
    EXCEPTION WHEN SQLSTATE 'NE020' OR SQLSTATE 'NE022' THEN NULL;
    END;
  END LOOP;
  IF good > 0 THEN RAISE 'opened %% cut values', good; END IF;
END $$;
SELECT count(*) > 20 FROM cut; DROP TABLE cut"""


def foreign_envelope():
    """Of another key server, which has a key of the same name."""
    directory = scratch_directory()
    other = KeyServer.make(directory / "other")
    other.start()
    other.must("key", "create", "customer-pii", "--type", "aes-256-gcm")
    certificate, key = other.enroll("database-host", directory / "device")
    other.apply_policy((ROOT / "tests/fixtures/policy.toml").read_text())
    context = wire.tls_context(directory / "device" / "authority.pem", certificate, key)
    with wire.tls_peer(other.port, context) as peer:
        peer.send(wire.hello(), wire.open_context(), wire.crypto(b"from elsewhere"))
        kind, _, body = peer.read_past(wire.HELLO_REPLY, wire.CONTEXT_OPENED)
    other.stop()
    status, envelope = wire.single_result(body)
    assert kind == wire.CRYPTO_REPLY and status == 0
    return envelope.hex()


with Tap() as tap, Stack() as stack:
    
    session, clerk = stack.session("nae_all"), stack.session("nae_clerk")
    works = "SELECT nae_decrypt_text(nae_encrypt('customer-pii', 'still here'))"
    pid = session.pid

    for name, query, state, message in [
        ("an unknown key", "SELECT nae_encrypt('no-such-key', 'x')", "NE010", "no-such-key"),
        ("a forbidden key", "SELECT nae_encrypt('forbidden-key', 'x')", "NE001", "forbidden-key"),
        ("a signing key does not encrypt", "SELECT nae_encrypt('doc-p256', 'x')", "NE012", "doc-p256"),
        ("a cipher key does not sign", "SELECT nae_sign('customer-pii', 'x')", "NE012", "customer-pii"),
        ("a cipher key makes no MAC", "SELECT nae_mac('customer-pii', 'x')", "NE012", "customer-pii"),
        ("a MAC key does not encrypt", "SELECT nae_encrypt('index-key', 'x')", "NE012", "index-key"),
        ("text past the limit", "SELECT nae_encrypt('customer-pii', repeat('x', 209715200))", "54000",
         r"209715200 bytes.*16777216 bytes"),
        ("bytea past the limit", "SELECT nae_encrypt('customer-pii', convert_to(repeat('x', 209715200), 'UTF8'))",
         "54000", r"209715200 bytes.*16777216 bytes"),
        ("associated data past the limit", "SELECT nae_encrypt('customer-pii', 'x', convert_to(repeat('x', 65537), 'UTF8'))",
         "54000", "65537 bytes.*65536 bytes"),
        ("nothing is no envelope", "SELECT nae_decrypt(''::bytea)", "NE020", ""),
        ("encrypting an envelope again", "SELECT nae_encrypt('customer-pii', nae_encrypt('customer-pii', 'x'))",
         "NE023", ""),
        ("another aad", "SELECT nae_decrypt(nae_encrypt('customer-pii', 'x', 'row 1'), 'row 2'::bytea)", "NE022", ""),
        ("no aad where there was one", "SELECT nae_decrypt(nae_encrypt('customer-ssn', 'x', 'row 1'))", "NE022", ""),
        ("aad where there was none", "SELECT nae_decrypt(nae_encrypt('customer-ssn', 'x'), 'row 2'::bytea)", "NE022", ""),
    ]:
        tap.refused(session.ask(query), state, name, message)
        tap.is_(session.ask(works).out, "still here", f"after {name}: the session works")

    envelope = session.ask("SELECT nae_encrypt('customer-pii', 'the clerk may not read this')").out
    tap.refused(clerk.ask(f"SELECT nae_decrypt('{envelope}'::bytea)"), "NE001", "an action that the role lacks", "nae_clerk")
    tap.refused(stack.sql(None, f"SELECT nae_decrypt('{envelope}'::bytea)"), "NE001", "a superuser is nobody")
    tap.is_(stack.sql("nae_stranger", "SELECT nae_encrypt('customer-pii', 'x')").state, "42501", "no EXECUTE, no call")

    tap.is_(session.ask("SELECT nae_encrypt('customer-pii', NULL::text) IS NULL").out, "t", "NULL stays NULL")
    tap.is_(session.ask("SELECT nae_decrypt(NULL::bytea) IS NULL").out, "t", "and decrypts to NULL")
    for key in ("customer-pii", "customer-ssn"):
        tap.is_(session.ask(f"SELECT length(nae_decrypt(nae_encrypt('{key}', '')))").out, "0", f"{key}: an empty value is a value")
        flipped = session.ask(FLIP % key, seconds=60)
        tap.like(flipped, r"^0\|0\|\{(NE02[012],?)+\}$", f"{key}: every flipped byte is refused")
        tap.is_(session.ask(TRUNCATE % key).out, "t", f"{key}: every truncation is refused")

    tap.refused(session.ask(f"SELECT nae_decrypt('\\x{foreign_envelope()}'::bytea)"), "NE021", "an envelope of another key server")
    tap.is_(session.ask(works).out, "still here", "and the session still works")
    tap.is_(session.ask("SELECT pg_backend_pid()").out, str(pid), "which is the same backend")
