#!/usr/bin/python3 -B
# A hand in the store cannot say what a secret is for; one secret is one key's; stores from before are bound once; keys
# that come from elsewhere are known as such, and weak ones do not come in.
import json
import shutil
import sqlite3
import subprocess

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from harness import KEY_SERVER, KeyServer, Tap, give_to_owner, run, scratch_directory

MODULE = "/usr/lib/softhsm/libsofthsm2.so"


def pkcs11(server, *words):
    pin = (server.path / "hsm" / "pin").read_text().strip()
    done = run("pkcs11-tool", "--module", MODULE, "--token-label", "nae", "--login", "--pin", pin, *words,
               env={"SOFTHSM2_CONF": str(server.path / "hsm" / "softhsm2.conf"), "PATH": "/usr/bin:/bin"})
    return done


def change_store(server, *statements):
    """As whoever can write the file, and has neither PIN nor HSM."""
    database = sqlite3.connect(server.path / "keys.db")
    with database:
        for statement in statements:
            database.execute(statement)
    database.close()
    for file in server.path.glob("keys.db*"):
        give_to_owner(file)


def start_fails(server):
    done = run(KEY_SERVER, "run", "--config", server.config, seconds=60)
    return done.stderr if done.returncode == 1 else f"it ran: {done}"


def events(server, event):
    records = json.loads(server.must("audit", "query", "--limit", "10000", "--json"))["records"]
    return [record for record in records if record.get("event") == event]


APPROVALS_OF_1 = """CREATE TABLE approvals (id TEXT NOT NULL PRIMARY KEY, operation TEXT NOT NULL, action TEXT NOT NULL, method TEXT NOT NULL,
  target TEXT NOT NULL, content_type TEXT NOT NULL, body TEXT NOT NULL, digest TEXT NOT NULL, requested_by TEXT NOT NULL, fingerprint TEXT NOT NULL,
  requested_at_us INTEGER NOT NULL, expires_at_us INTEGER NOT NULL, state INTEGER NOT NULL, decided_by TEXT NOT NULL DEFAULT '',
  decided_at_us INTEGER NOT NULL DEFAULT 0, status INTEGER NOT NULL DEFAULT 0, answer TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID"""


def make_old(server):
    """A store as a server left it that did not bind and had no ledger."""
    change_store(server, "DROP TRIGGER policies_are_history",
                 *(f"ALTER TABLE policies DROP COLUMN {column}" for column in ("pruned_at_us", "text_sha256")),
                 "CREATE TRIGGER policies_are_history BEFORE UPDATE ON policies BEGIN SELECT raise(ABORT, 'a policy revision never changes'); END",
                 "DROP TRIGGER versions_of_one_secret", "DROP INDEX versions_by_check_value",
                 *(f"ALTER TABLE versions DROP COLUMN {column}" for column in ("origin", "check_value", "binding")),
                 "DROP TABLE key_certificates", "DROP TABLE ledger_snapshots", "DROP TABLE ledger", "DROP TABLE approval_decisions", "DROP TABLE approvals", APPROVALS_OF_1, "DROP TABLE limit_counts",
                 "DROP TABLE trusted_time", "ALTER TABLE schedule DROP COLUMN steady_us",
                 "ALTER TABLE usage DROP COLUMN salts", "PRAGMA user_version = 1")


def two_of_three():
    """An RSA key of three primes in the form of one of two, the second of which is a product; and its public key."""
    def tlv(tag, content):
        size = len(content)
        length = bytes([size]) if size < 128 else bytes([0x80 + (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8, "big")
        return bytes([tag]) + length + content

    def integer(value):
        return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))

    while True:
        p, q, r = (int(subprocess.run(["openssl", "prime", "-generate", "-bits", bits], capture_output=True, text=True, check=True).stdout)
                   for bits in ("683", "683", "682"))
        n = p * q * r
        if n.bit_length() == 2048:
            break
    d = pow(65537, -1, (p - 1) * (q - 1) * (r - 1))
    numbers = (0, n, 65537, d, p, q * r, d % (p - 1), d % (q * r - 1), pow(q * r, -1, p))
    private = tlv(0x30, b"".join(map(integer, numbers)))
    algorithm = tlv(0x30, bytes.fromhex("06092a864886f70d0101010500"))
    public = rsa.RSAPublicNumbers(65537, n).public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return tlv(0x30, integer(0) + algorithm + tlv(4, private)), public


VERSION_OF = "(SELECT id FROM keys WHERE name = '{}')"

with Tap() as tap:
    scratch = scratch_directory()
    server = KeyServer.make(scratch / "server")
    server.start()
    for name, kind in (("pii", "aes-256-siv"), ("raw", "hmac-sha-256-raw"), ("doc", "ecdsa-p256"), ("token", "ed25519")):
        server.must("key", "create", name, "--type", kind)
    server.stop()
    store = server.path / "keys.db"
    shutil.copy2(store, scratch / "good.db")

    def attack(what, *statements):
        change_store(server, *statements)
        said = start_fails(server)
        tap.ok("(store_corrupt)" in said, f"{what}: the server does not start", said)
        for file in server.path.glob("keys.db*"):
            file.unlink()
        shutil.copy2(scratch / "good.db", store)
        give_to_owner(store)

    # as they were found
    row = {name: VERSION_OF.format(name) for name in ("pii", "raw", "doc", "token")}
    attack("the secret of an encryption key in a row of a raw HMAC key",
           f"UPDATE versions SET wrapped = (SELECT wrapped FROM versions WHERE key_id = {row['pii']}) WHERE key_id = {row['raw']}")
    attack("an encryption key called an HMAC key", "UPDATE keys SET type = 4 WHERE name = 'pii'")
    for label in ("nae-group-authority", "nae-group-audit", "nae-group-binding"):
        attack(f"{label} as the object of a signing key",
               f"UPDATE versions SET token_object = '{label}' WHERE key_id = {row['token']}")
    attack("another public key",
           f"UPDATE versions SET public_key = (SELECT public_key FROM versions WHERE key_id = {row['token']}) WHERE key_id = {row['doc']}")
    attack("two names exchanged", "UPDATE keys SET name = 'x' WHERE name = 'pii'", "UPDATE keys SET name = 'pii' WHERE name = 'raw'",
           "UPDATE keys SET name = 'raw' WHERE name = 'x'")
    attack("an imported key called generated and the reverse", "UPDATE versions SET origin = 3 - origin")
    attack("a key without its binding", f"UPDATE versions SET binding = x'' WHERE key_id = {row['raw']}")
    server.start()
    tap.is_(json.loads(server.must("key", "show", "pii", "--json"))["origin"], "generated", "put back it starts, and says where keys come from")

    # one secret, one key
    offer = json.loads(server.must("key", "import-key", "--json"))
    import_key = serialization.load_pem_public_key(offer["public_key"].encode())
    digest = {"sha1": hashes.SHA1, "sha256": hashes.SHA256}[offer["hash"]]()

    def wrapped(material):
        transport = bytes(range(32))
        return import_key.encrypt(transport, padding.OAEP(padding.MGF1(digest), digest, None)) + keywrap.aes_key_wrap_with_padding(transport, material)

    def import_wrapped(name, kind, material, public=None):
        sent = scratch / "sent"
        sent.write_bytes(wrapped(material))
        words = []
        if public:
            (scratch / "public").write_bytes(public)
            words = ["--public", scratch / "public"]
        return server.nae("key", "import", name, "--type", kind, "--wrapped", sent, *words)

    secret = bytes(range(7, 39))
    tap.is_(import_wrapped("imported", "aes-256-siv", secret).returncode, 0, "a key is imported")
    shown = json.loads(server.must("key", "show", "imported", "--json"))
    tap.is_((shown["origin"], shown["versions"][0]["origin"]), ("imported", "imported"), "and shown as such")
    for name, kind in (("twin", "hmac-sha-256-raw"), ("again", "aes-256-siv"), ("gcm", "aes-256-gcm")):
        done = import_wrapped(name, kind, secret)
        tap.ok(done.returncode == 1 and "conflict" in done.stderr and "imported" in done.stderr, f"the same secret as {kind} is refused", done)
        tap.is_(server.nae("key", "show", name).returncode, 1, "and leaves no key")
    for size in (40, 64):
        done = import_wrapped("padded", "hmac-sha-256-raw", secret + bytes(size - 32))
        tap.ok(done.returncode == 1 and "conflict" in done.stderr, f"also filled up with zeros to {size} bytes, the same key to HMAC", done)
    config = server.config.read_text()
    server.config.write_text(config + "\n[keys]\ndestroy_wait_hours = 0\n")
    give_to_owner(server.config)
    server.restart()
    for step in ("retire", "destroy"):
        server.must("key", step, "imported", "--version", "1")
    done = import_wrapped("twin", "hmac-sha-256-raw", secret)
    tap.ok(done.returncode == 1 and "conflict" in done.stderr, "nor when the first one is destroyed", done)
    server.restart()
    done = import_wrapped("twin", "hmac-sha-256-raw", secret)
    tap.ok(done.returncode == 1 and "conflict" in done.stderr, "and the server was restarted", done)
    pair = ec.generate_private_key(ec.SECP256R1())

    def der(key):
        return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    def public_pem(key):
        return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    tap.is_(import_wrapped("pair", "ecdsa-p256", der(pair), public_pem(pair)).returncode, 0, "a key pair is imported")
    tap.ok("conflict" in import_wrapped("pair-2", "ecdsa-p256", der(pair), public_pem(pair)).stderr, "once")

    # weak keys
    for value in (0, 0x41, 0xff):
        for kind in ("aes-256-gcm", "hmac-sha-256-raw"):
            done = import_wrapped("weak", kind, bytes([value]) * 32)
            tap.ok(done.returncode == 1 and "weak" in done.stderr, f"32 bytes {value:#04x} as {kind} are refused", done)
    tap.ok("weak" in import_wrapped("weak", "hmac-sha-256-raw", b"A" * 50).stderr, "as are 50")
    for number in (1, 200, int.from_bytes(b"\x07" * 32, "big"), 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551 - 2):
        weak = ec.derive_private_key(number, ec.SECP256R1())
        done = import_wrapped("weak", "ecdsa-p256", der(weak), public_pem(weak))
        tap.ok(done.returncode == 1 and "weak" in done.stderr, f"an EC scalar like {number:#x}"[:40] + " is refused", done)
    small = rsa.generate_private_key(3, 2048)
    done = import_wrapped("weak", "rsa-2048", der(small), public_pem(small))
    tap.ok(done.returncode == 1 and "exponent" in done.stderr, "RSA with e = 3 is refused", done)
    primes3 = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_primes:3",
                              "-outform", "DER"], capture_output=True, check=True).stdout
    public3 = subprocess.run(["openssl", "pkey", "-inform", "DER", "-pubout"], input=primes3, capture_output=True, check=True).stdout
    done = import_wrapped("weak", "rsa-2048", primes3, public3)
    tap.ok(done.returncode == 1, "RSA of three primes is refused, by SoftHSM itself", done)
    done = import_wrapped("weak", "rsa-2048", *two_of_three())
    tap.ok(done.returncode == 1 and "two primes" in done.stderr, "also where two of them are sent as one", done)
    (scratch / "three.der").write_bytes(primes3)
    give_to_owner(scratch / "three.der")
    done = server.nae("key", "import", "weak", "--type", "rsa-2048", "--from", scratch / "three.der")
    tap.ok(done.returncode != 0 and "primes" in done.stderr, "by nae key import before it leaves", done)
    tap.is_(server.nae("key", "show", "weak").returncode, 1, "no weak key is left behind")

    # a store and a token from before
    server.stop()
    make_old(server)
    for kind, label in (("secrkey", "nae-group-ledger"), ("secrkey", "nae-group-check"), ("privkey", "nae-group-binding"), ("pubkey", "nae-group-binding")):
        done = pkcs11(server, "--delete-object", "--type", kind, "--label", label)
        tap.is_(done.returncode, 0, f"the token loses its {kind} {label}")
    said = start_fails(server)
    tap.ok("(store_rolled_back)" in said, "whoever takes the ledger away, and its key from the token, meets the audit log", said)
    # Nor did the log of such a server say how far the store had come.
    for file in [*(server.path / "audit").glob("audit-0*"), *(server.path / "audit").glob("head.json")]:
        file.unlink()
    make_old(server)
    change_store(server, "DELETE FROM audit_head")
    for kind, label in (("secrkey", "nae-group-ledger-unfinished"), ("secrkey", "nae-group-check-unfinished"), ("privkey", "nae-group-binding"), ("pubkey", "nae-group-binding")):
        tap.is_(pkcs11(server, "--delete-object", "--type", kind, "--label", label).returncode, 0, f"and its {kind} {label}, made by that start")
    shutil.copy2(store, scratch / "old.db")
    server.start()
    bound = events(server, "keys-bound")
    tap.ok(len(bound) == 1 and "versions of keys bound as they stood" in bound[0]["detail"], "the first start binds, and records it", bound)
    begun = events(server, "ledger-begun")
    tap.ok(len(begun) == 1 and "rows of the store as they stood" in begun[0]["detail"], "and begins a ledger", begun)
    tap.is_(json.loads(server.must("key", "show", "pii", "--json"))["origin"], "unknown", "where old keys come from is not known")
    server.must("key", "rotate", "pii")
    server.restart()
    tap.is_((len(events(server, "keys-bound")), len(events(server, "ledger-begun"))), (1, 1), "the second one does not")
    server.stop()
    for file in server.path.glob("keys.db*"):
        file.unlink()
    shutil.copy2(scratch / "old.db", store)
    give_to_owner(store)
    said = start_fails(server)
    tap.ok("(store_rolled_back)" in said and "accept-store-rollback" in said, "an old store that is brought back is not believed", said)
    done = run(KEY_SERVER, "accept-store-rollback", "--config", server.config, "--reason", "the backup of May")
    tap.ok(done.returncode == 0 and "has no ledger" in done.stdout, "nae-keyserver accept-store-rollback takes it as it is", done)
    said = start_fails(server)
    tap.ok("(store_corrupt)" in said and "accept-keys" in said, "but for its keys", said)
    done = run(KEY_SERVER, "accept-keys", "--config", server.config, "--reason", "")
    tap.is_(done.returncode, 1, "accepting it takes a reason")
    done = run(KEY_SERVER, "accept-keys", "--config", server.config, "--reason", "the backup of May")
    tap.ok(done.returncode == 0 and "version 1 of pii" in done.stdout, "nae-keyserver accept-keys binds it", done)
    server.start()
    accepted = events(server, "keys-accepted")
    tap.ok(len(accepted) == 1 and "the backup of May" in accepted[0]["detail"], "and the audit log says why", accepted)
    tap.is_(server.nae("audit", "verify").returncode, 0, "in a log that verifies")
    done = run(KEY_SERVER, "accept-keys", "--config", server.config, "--reason", "again")
    tap.ok(done.returncode == 1 and "(conflict)" in done.stderr, "beside a running server it is refused", done)
    server.stop()
    done = run(KEY_SERVER, "accept-keys", "--config", server.config, "--reason", "again")
    tap.ok(done.returncode == 1 and "(conflict)" in done.stderr, "and where all is bound", done)
