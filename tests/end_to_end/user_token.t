#!/usr/bin/python3 -B
# End users: what a rule asks of a user not even the superuser reads without one, and tokens are nowhere.
import base64
import hashlib
import hmac
import json
import time
import uuid

import jwt
from bound import BoundSession
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import ROOT, Stack, Tap, wait_until

ISSUER, AUDIENCE = "https://login.example/realms/staff", "nae"
KEYS = {"EdDSA": ed25519.Ed25519PrivateKey.generate(), "ES256": ec.generate_private_key(ec.SECP256R1()),
        "RS256": rsa.generate_private_key(65537, 2048)}
STRANGER = ed25519.Ed25519PrivateKey.generate()
DECRYPT = "SELECT nae_decrypt_text(secret) FROM note"
SET = "SELECT set_config('nae.user_token', $1, false)"
SET_LOCAL = "SELECT set_config('nae.user_token', $1, true)"
RULES = """
[[rule]]
name = "superuser-writes"
roles = ["postgres"]
keys = ["customer-pii"]
actions = ["encrypt"]
result = "value"

[[rule]]
name = "support-reads"
roles = ["postgres"]
keys = ["customer-pii"]
actions = ["decrypt"]
claims = { groups = ["support"] }
result = "value"

[[rule]]
name = "shop-reads"
roles = ["postgres"]
keys = ["customer-pii"]
actions = ["decrypt"]
claims = { "resource_access.shop.roles" = ["clerk"], scope = ["orders:read"] }
result = "value"
"""
made = []  # every token of this test, to be looked for at the end


def pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def issuer(*keys):
    listed = ", ".join(f'"""{pem(key)}"""' for key in keys)
    return (f'\n[[issuer]]\nname = "login"\nissuer = "{ISSUER}"\naudience = "{AUDIENCE}"\n'
            f"clock_skew_seconds = 0\npublic_keys = [{listed}]\n")


def policy(*keys):
    return (ROOT / "tests/fixtures/policy.toml").read_text() + issuer(*keys) + RULES


def token(user="alice", seconds=600, algorithm="EdDSA", key=None, header=None, **claims):
    now = int(time.time())
    body = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "groups": ["support"], "iat": now, "exp": now + seconds, **claims}
    made.append(jwt.encode(body, key or KEYS[algorithm], algorithm=algorithm, headers=header))
    return made[-1]


def by_hand(algorithm, sign=lambda text: b""):
    """A header that PyJWT would not write, over good claims."""
    claims = token().split(".")[1]
    header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm}).encode()).rstrip(b"=").decode()
    text = f"{header}.{claims}"
    return f"{text}.{base64.urlsafe_b64encode(sign(text.encode())).rstrip(b'=').decode()}"


def tampered():
    header, claims, signature = token("bob", groups=["sales"]).split(".")
    return ".".join((header, token("bob").split(".")[1], signature))


def files_with(stack, texts):
    """(file, text) of whatever the stack has written."""
    found = set()
    for file in stack.path.rglob("*"):
        below = file.relative_to(stack.path)
        if file.is_symlink() or not file.is_file() or below.parts[0] == "postgresql":
            continue
        data = file.read_bytes()
        found.update((str(below), text) for text in texts if text.encode() in data)
    return found


with Tap() as tap, Stack(postgresql="log_statement = 'all'\nlog_parameter_max_length = 0\n") as stack:
    server = stack.key_server
    server.apply_policy(policy(*KEYS.values()))
    session = BoundSession(stack)
    session.ask("CREATE TABLE note AS SELECT nae_encrypt('customer-pii', 'a secret') AS secret")

    def whoami(name):
        return session.ask("SELECT value FROM nae_whoami() WHERE property = $1", name)

    tap.is_(session.ask(DECRYPT), "NE001", "the superuser may not read without a user")
    tap.is_(whoami("user"), [None], "and is none")
    for algorithm in KEYS:
        tap.is_(session.ask(SET, token(algorithm=algorithm)), ["set"], f"a token of {algorithm} is not shown")
        tap.is_(session.ask(DECRYPT), ["a secret"], "with it he may")
    tap.is_(whoami("user") + whoami("user_issuer"), ["alice", "login"], "the key server knows the user")
    tap.like(whoami("user_expires_at")[0], r"^20\d\d-.*Z$", "and until when")
    session.ask(SET, token("bob", groups=["sales"]))
    tap.is_((session.ask(DECRYPT), whoami("user")), ("NE001", ["bob"]), "a user without the claim may not")
    session.ask("RESET nae.user_token")
    tap.is_(session.ask(DECRYPT), "NE001", "nor may he after a reset")

    # As identity providers issue them.
    groups = [str(uuid.uuid4()) for _ in range(300)]
    for roles, scope, expected in (["clerk"], "openid orders:read", ["a secret"]), (["guest"], "openid orders:read", "NE001"), (["clerk"], "openid", "NE001"):
        long_one = token("heidi", groups=groups, resource_access={"shop": {"roles": roles}}, scope=scope)
        session.ask(SET, long_one)
        tap.is_(session.ask(DECRYPT), expected, f"a token of {len(long_one)} bytes: {roles}, {scope!r}")

    # What PostgreSQL only warns of: a role has a token from a time when pg_nae was not loaded.
    stack.sql(None, "SET allow_system_table_mods = on; INSERT INTO pg_db_role_setting VALUES (0, 'postgres'::regrole, '{nae.user_token=a.b.c}')")
    unwanted = BoundSession(stack)
    tap.is_(unwanted.ask("SELECT nae_encrypt('customer-pii', 'x')"), "NE00A", "it does not make a session without a user")
    tap.like(unwanted.error, "can only be set within a session", "and is told")
    unwanted.ask(SET, token())
    tap.is_(unwanted.ask(DECRYPT), ["a secret"], "a token of the session's own is taken")
    unwanted.ask("RESET nae.user_token")
    tap.is_(unwanted.ask(DECRYPT), "NE00A", "a reset brings the other back")
    unwanted.close()
    stack.sql(None, "SET allow_system_table_mods = on; DELETE FROM pg_db_role_setting")
    session.ask("RESET nae.user_token")

    secret = pem(KEYS["RS256"]).encode()
    for name, text, message in [
            ("of another audience", token(aud="billing"), "audience"), ("of another issuer", token(iss=ISSUER + "/"), "names no issuer"),
            ("by another key", token(key=STRANGER), "not signed by its issuer"),
            ("by another key, which it brings along", token(key=STRANGER, header={"jku": "https://evil.example"}), "not signed"),
            ("whose claims were changed", tampered(), "not signed"), ("that has expired", token(seconds=-1), "expired"),
            ("without a signature", by_hand("none"), "not signed with"),
            ("by an HMAC with the public key", by_hand("HS256", lambda t: hmac.new(secret, t, hashlib.sha256).digest()), "not signed with"),
            ("with a critical extension", token(header={"crit": ["exp"]}), "extensions")]:
        session.ask(SET, text)
        tap.is_(session.ask(DECRYPT), "NE00A", f"a token {name}")
        tap.like(session.error, message, "the message says why")
        tap.ok(not any(part in session.error for part in text.split(".") if part), "and quotes nothing")
    tap.is_(session.ask("SELECT nae_encrypt('customer-pii', 'x')"), "NE00A", "a bad token is refused where no user is asked for")

    session.ask(SET, token(seconds=2))
    tap.is_(session.ask(DECRYPT), ["a secret"], "a token that holds for two seconds holds")
    tap.ok(wait_until(lambda: session.ask(DECRYPT) == "NE00A"), "and on the same connection no longer")

    session.ask("RESET nae.user_token")
    session.ask("BEGIN")
    session.ask(SET_LOCAL, token())
    tap.is_(session.ask(DECRYPT), ["a secret"], "set for a transaction")
    session.ask("ROLLBACK")
    tap.is_(session.ask(DECRYPT), "NE001", "it is gone with it")

    # One backend, as a pool hands it out: each transaction is another user's.
    users = ["carol", "dave", "carol", "erin", "dave"] * 3
    for user in users:
        session.ask("BEGIN")
        session.ask(SET_LOCAL, token(user))
        if session.ask(DECRYPT) != ["a secret"] or whoami("user") != [user]:
            tap.ok(False, f"transaction of {user}", session.error)
        session.ask("COMMIT")
    records = [r for r in server.audit("--action", "decrypt", "--verdict", "value") if r.get("user") in users]
    tap.is_([r["user"] for r in records], users, "each transaction is recorded for its user")
    tap.is_({r["user_issuer"] for r in records}, {"login"}, "and for the issuer")
    tap.is_(len(server.audit("--action", "decrypt", "--user", "erin")), 3, "nae audit query --user")
    tap.ok(all("user" not in r for r in server.audit("--action", "encrypt")), "without a user none is recorded")

    session.ask(SET, token("frank", algorithm="ES256"))
    tap.is_(session.ask(DECRYPT), ["a secret"], "before the key leaves the policy")
    server.apply_policy(policy(KEYS["EdDSA"], KEYS["RS256"]))
    tap.is_(session.ask(DECRYPT), "NE00A", "a key that left the policy proves nobody on open connections")
    server.apply_policy(policy(*KEYS.values()))
    tap.is_(session.ask(DECRYPT), ["a secret"], "and does again when it is back")
    server.restart()
    stack.reconnected()
    tap.is_((session.ask(DECRYPT), whoami("user")), (["a secret"], ["frank"]), "the agent tells a new key server of the user")
    stack.kill_agent()
    tap.ok(wait_until(lambda: session.ask(DECRYPT) == ["a secret"]), "the session tells a new agent")

    session.ask(SET, token("grace"))
    tap.is_(session.ask(DECRYPT), ["a secret"], "a token in use")
    seen = stack.sql(None, "SELECT string_agg(query, ' ') FROM pg_stat_activity").out
    tap.ok("set_config" in seen or "nae_decrypt_text" in seen, "pg_stat_activity shows the statement", seen)
    tap.ok(not any(part in seen for text in made for part in text.split(".")[1:]), "without the token")
    session.close()
    server.restart()  # writes what it has
    tap.ok(files_with(stack, ["set_config('nae.user_token', $1"]), "statements stand in PostgreSQL's log")
    leaks = files_with(stack, {part for text in made for part in text.split(".")[1:]})
    tap.is_(leaks, set(), "claims and signatures of the tokens stand in no file")
