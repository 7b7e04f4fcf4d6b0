#!/usr/bin/python3 -B
# Who asks through the PKCS#11 module: the Unix user that the agent sees, whatever is claimed, and the end user whose token is the PIN.
# The asker is this file again, as the user that the agent knows ("ask" below).
import json
import pathlib
import sys
import time

import cryptoki
import wire

DIGEST = b"\1" * 32


def ask_login(path, token):
    module = cryptoki.Module(path)
    module.must("Initialize", None)
    session = module.open_session()
    keys = lambda: sorted(module.attribute(session, key, cryptoki.LABEL).decode() for key in module.find(session, of_class=cryptoki.PRIVATE_KEY))
    before = keys()
    login = module.call("Login", session, cryptoki.USER, token.encode(), len(token))
    during = keys()
    signed = []
    for label in during:
        module.sign_init(session, cryptoki.ECDSA, module.find(session, label=label, of_class=cryptoki.PRIVATE_KEY)[0])
        signed.append(module.sign(session, DIGEST)[0])
    stale = module.find(session, label="theirs", of_class=cryptoki.PRIVATE_KEY)
    logout = module.call("Logout", session)
    after = keys()
    # A handle from before the logout is that of a key which this process may not use any more.
    late = module.sign_init(session, cryptoki.ECDSA, stale[0]) if stale else None
    return [before, login, during, signed, logout, after, late]


def ask_lie(socket, role):
    """A program that speaks nae/1 itself and claims a role, a database and memberships."""
    claimed = wire.open_context(role=role, database="shop", attested=False)
    request = wire.crypto(b"message", action=3, key="ours")
    with wire.unix_peer(socket) as peer:
        kind, _, body = peer.send(wire.hello(), claimed, request).read_past(wire.HELLO_REPLY, wire.CONTEXT_OPENED)
    return kind == wire.CRYPTO_REPLY and wire.single_result(body)[0] == 0 or int.from_bytes(body[:2], "big")


if sys.argv[1:2] == ["ask"]:
    print(json.dumps(globals()[f"ask_{sys.argv[2]}"](*sys.argv[3:])))
    sys.exit(0)

import jwt  # noqa: E402  (the asker needs none of these)
from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: E402
from harness import Tap  # noqa: E402
from unix_programs import MODULE, Host  # noqa: E402

PYTHON = str(pathlib.Path(sys.executable).resolve())
ISSUER, AUDIENCE = "https://login.example/realms/staff", "nae"
KEY, STRANGER = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
POLICY = """version = 2
[[device]]
name = "web1"
[[program]]
name = "tool"
[[issuer]]
name = "login"
issuer = "{issuer}"
audience = "{audience}"
clock_skew_seconds = 0
public_keys = [\"\"\"{pem}\"\"\"]
[[rule]]
name = "the-user-of-the-host"
roles = ["unix:{user}"]
keys = ["ours"]
actions = ["sign"]
result = "value"
[[rule]]
name = "an-end-user"
roles = ["unix:{user}"]
users = ["alice"]
issuers = ["login"]
keys = ["theirs"]
actions = ["sign"]
result = "value"
[[rule]]
name = "a-role-that-is-claimed"
roles = ["superuser", "unix:root"]
keys = ["secret"]
actions = ["sign"]
result = "value"
"""


def token(user="alice", seconds=600, key=KEY):
    now = int(time.time())
    return jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now, "exp": now + seconds}, key, algorithm="EdDSA")


with Tap() as tap, Host(PYTHON, keys="ours:ecdsa-p256 theirs:ecdsa-p256 secret:ecdsa-p256") as host:
    host.key_server.apply_policy(POLICY.format(issuer=ISSUER, audience=AUDIENCE, pem=PEM, user=host.user))

    def asked(*words):
        done = host.run(PYTHON, "-B", pathlib.Path(__file__).resolve(), "ask", *words, env={**host.environment, "PYTHONHOME": sys.prefix})
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)

    tap.is_(asked("login", MODULE, token()), [["ours"], "OK", ["ours", "theirs"], ["OK", "OK"], "OK", ["ours"], "KEY_HANDLE_INVALID"],
            "a PIN that is an end user's token adds what that user may do, until the logout")
    for name, pin, login in [("another user's token", token("mallory"), "OK"), ("a PIN that is none", "1234", "OK"),
                             ("a token that somebody else signed", token(key=STRANGER), "PIN_INCORRECT"),
                             ("a token that has expired", token(seconds=-5), "PIN_INCORRECT")]:
        refused = login != "OK"
        tap.is_(asked("login", MODULE, pin), [["ours"], login, ["ours"], ["OK"], "USER_NOT_LOGGED_IN" if refused else "OK", ["ours"], None],
                f"{name} adds nothing")
    records = host.key_server.audit("--action", "sign")
    users = {(record["key"], record.get("user", "")) for record in records}
    tap.ok(("theirs", "alice") in users and ("ours", "") in users, "the audit log names the end user beside the Unix user", users)

    # The role is what the agent saw, and a lie about it changes nothing.
    for role in ("superuser", "unix:root", ""):
        tap.is_(asked("lie", str(host.socket), role), True, f"a program that claims the role '{role}' is its own user all the same")
    seen = {(record["role"], record["session_role"], record["login_role"], record["database"]) for record in host.key_server.audit("--action", "sign")}
    user = f"unix:{host.user}"
    tap.is_(seen, {(user, user, user, "unix:host")}, "and nothing of what was claimed is in the audit log")

    # The same program as a database may claim, but no name of a Unix user.
    host.stop_agent()
    host.config.write_text(host.config.read_text().replace('roles = "unix"', 'roles = "database"'))
    host.start_agent()
    tap.is_(asked("lie", str(host.socket), user), 36, "a program that is taken for a database may not claim to be a Unix user: role_undetermined")
    tap.is_(asked("lie", str(host.socket), "superuser"), wire.DENIED, "and may claim its own roles, which the policy does not know for this key")
    tap.is_(asked("login", MODULE, "1234")[0], [], "the module claims no role, and so has no keys then")
