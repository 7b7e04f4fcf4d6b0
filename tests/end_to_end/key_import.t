#!/usr/bin/python3 -B
# Keys that were made elsewhere: what NAE computes with them is what other programs compute, and what
# it exports other programs use. Keys that are hsm-only, through SQL.
import base64
import json
import subprocess

from cryptography.hazmat.primitives import hashes, hmac, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from harness import NAE, Stack, Tap, give_to_owner, run, scratch_directory

FILES = scratch_directory()
MESSAGE = b"a message for others"


def file(name, content):
    path = FILES / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    give_to_owner(path)
    return path


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)


def number(text):
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm") as stack:
    server = stack.key_server
    session = stack.session("nae_all")
    def bare(expression):
        answer = session.ask(f"SELECT encode((nae_envelope({expression})).payload, 'hex')")
        return bytes.fromhex(answer.out)

    def text(value):
        return value.decode()

    # HMAC: standard codes
    for size in (20, 32, 64, 100):
        secret = bytes(range(1, size + 1))
        path = file(f"hmac-{size}.hex", secret.hex() + "\n")
        done = server.nae("key", "import", f"hmac-{size}", "--type", "hmac-sha-256-raw", "--from", path, "--encoding", "hex")
        tap.is_(done.returncode, 0, f"an HMAC key of {size} bytes is imported")
        expected = hmac.HMAC(secret, hashes.SHA256())
        expected.update(MESSAGE)
        expected = expected.finalize()
        tap.is_(bare(f"nae_mac('hmac-{size}', '{text(MESSAGE)}')"), expected, "and gives the HMAC that others give")
    code = session.ask(f"SELECT nae_mac('hmac-32', '{text(MESSAGE)}')").out
    tap.is_(session.ask(f"SELECT nae_mac_verify('hmac-32', '{text(MESSAGE)}', '{code}'::bytea)").out, "t", "its codes verify")
    tap.is_(session.ask(f"SELECT nae_mac_verify('hmac-32', 'another message', '{code}'::bytea)").out, "f", "of this message only")
    tap.is_(session.ask(f"SELECT nae_mac_verify('hmac-64', '{text(MESSAGE)}', '{code}'::bytea)").out, "f", "and under this key only")
    forged = code[:-2] + ("00" if code[-2:] != "00" else "01")
    tap.is_(session.ask(f"SELECT nae_mac_verify('hmac-32', '{text(MESSAGE)}', '{forged}'::bytea)").out, "f", "a forged code does not")
    tap.is_(session.ask(f"SELECT nae_mac_verify('hmac-32', '{text(MESSAGE)}', '{code[:-2]}'::bytea)").out, "f", "nor a shorter one")
    many = session.ask(f"SELECT bool_and(nae_mac_verify('hmac-32', m, c)) FROM (SELECT 'm' || i AS m, nae_mac('hmac-32', 'm' || i) AS c FROM generate_series(1, 50) i) s")
    tap.is_(many.out, "t", "many codes verify")
    array = session.ask("SELECT nae_mac('hmac-32', ARRAY['a', 'b', NULL]) = ARRAY[nae_mac('hmac-32', 'a'), nae_mac('hmac-32', 'b'), NULL]")
    tap.is_(array.out, "t", "arrays give the same")
    tap.refused(session.ask("SELECT nae_blind_index('hmac-32', 'x')"), "NE012", "such a key makes no blind indexes")
    tap.is_(server.nae("key", "import", "plain", "--type", "hmac-sha-256", "--from", FILES / "hmac-32.hex", "--encoding", "hex").returncode, 2,
            "as hmac-sha-256, whose codes are others, it is not imported")

    # wrapped where no server is reached, for the import key of this one
    import_key = file("import-key.json", server.must("--json", "key", "import-key"))
    offline = {"env": {"HOME": "/nonexistent"}}
    contract = ec.generate_private_key(ec.SECP256R1())
    for name, kind, path, words in (("wrapped-p256", "ecdsa-p256", file("contract.pem", pem(contract)), ["--public-out", FILES / "contract.pub"]),
                                    ("wrapped-hmac", "hmac-sha-256-raw", file("other.hex", bytes(range(201, 233)).hex()), ["--encoding", "hex"])):
        done = run(NAE, "key", "wrap", "--type", kind, "--from", path, "--import-key", import_key, "--out", FILES / f"{name}.bin", *words, **offline)
        tap.ok(done.returncode == 0, f"{kind}: a key is wrapped without a server", done.stderr)
        tap.is_((FILES / f"{name}.bin").stat().st_mode & 0o777, 0o600, "into a file of its owner")
        again = run(NAE, "key", "wrap", "--type", kind, "--from", path, "--import-key", import_key, "--out", FILES / f"{name}.bin", *words, **offline)
        tap.is_(again.returncode, 2, "which is not overwritten")
        public = ["--public", FILES / "contract.pub"] if kind == "ecdsa-p256" else []
        done = server.nae("key", "import", name, "--type", kind, "--wrapped", FILES / f"{name}.bin", *public)
        tap.ok(done.returncode == 0, "and is imported", done.stderr)
    tap.is_(server.must("key", "export", "wrapped-p256").encode(), public_pem(contract), "its public key is the right one")
    expected = hmac.HMAC(bytes(range(201, 233)), hashes.SHA256())
    expected.update(MESSAGE)
    tap.is_(bare(f"nae_mac('wrapped-hmac', '{text(MESSAGE)}')"), expected.finalize(), "and a wrapped HMAC key gives the HMAC that others give")
    for why, words in (("an import key that is none", ["--from", FILES / "contract.pem", "--import-key", FILES / "contract.pem"]),
                       ("a missing key", ["--from", FILES / "none.pem", "--import-key", import_key]),
                       ("an empty pipe for a key", ["--from", "-", "--import-key", import_key])):
        done = run(NAE, "key", "wrap", "--type", "ecdsa-p256", "--out", FILES / "refused.bin", "--public-out", FILES / "refused.pub", *words, **offline)
        tap.ok(done.returncode == 2 and not (FILES / "refused.bin").exists(), f"{why} is refused, and nothing is written", done)

    # private keys: the imported key signs, openssl verifies
    p256, rsa2048 = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    for name, kind, key, options in (("p256", "ecdsa-p256", p256, []),
                                     ("p384", "ecdsa-p384", ec.generate_private_key(ec.SECP384R1()), []),
                                     ("rsa2048", "rsa-2048", rsa2048, ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"])):
        done = server.nae("key", "import", name, "--type", kind, "--from", file(f"{name}.pem", pem(key)))
        tap.is_(done.returncode, 0, f"{kind}: a private key is imported")
        tap.is_(server.must("key", "export", name).encode(), public_pem(key), "its public key is exported as it was")
        signature = file(f"{name}.sig", bare(f"nae_sign('{name}', '{text(MESSAGE)}')"))
        verified = subprocess.run(["openssl", "dgst", "-sha384" if kind == "ecdsa-p384" else "-sha256", *options,
                                   "-verify", file(f"{name}.pub", public_pem(key)), "-signature", signature, file("message", MESSAGE)],
                                  capture_output=True, text=True)
        tap.ok(verified.returncode == 0, "openssl verifies what it signs", verified.stdout, verified.stderr)
        own = session.ask(f"SELECT nae_verify('{name}', '{text(MESSAGE)}', nae_sign('{name}', '{text(MESSAGE)}'))")
        tap.is_(own.out, "t", "and so does NAE")
    wrong = server.nae("key", "import", "wrong", "--type", "rsa-3072", "--from", FILES / "rsa2048.pem")
    tap.ok(wrong.returncode == 2 and "rsa-2048" in wrong.stderr, "a key of another type is refused before it leaves", wrong)

    # JWK
    jwks = json.loads(server.must("key", "export", "p256", "--format", "jwk"))
    jwk = jwks["keys"][0]
    numbers = p256.public_key().public_numbers()
    tap.is_((number(jwk["x"]), number(jwk["y"]), jwk["crv"], jwk["kty"]), (numbers.x, numbers.y, "P-256", "EC"), "the JWK is the public key")
    key_id = json.loads(server.must("key", "show", "p256", "--json"))["id"]
    tap.is_((jwk["kid"], jwk["alg"], jwk["use"]), (f"{key_id}.1", "ES256", "sig"), "with its id, algorithm and use")
    server.must("key", "rotate", "p256")
    both = json.loads(server.must("key", "export", "p256", "--format", "jwk"))["keys"]
    tap.is_([key["kid"] for key in both], [f"{key_id}.1", f"{key_id}.2"], "after a rotation the set has both versions")
    one = json.loads(server.must("key", "export", "p256", "--version", "2", "--format", "jwk"))
    tap.is_(one, both[1], "one version is one JWK")
    jwk = json.loads(server.must("key", "export", "rsa2048", "--version", "1", "--format", "jwk"))
    tap.is_((number(jwk["n"]), number(jwk["e"]), jwk["alg"]), (rsa2048.public_key().public_numbers().n, 65537, "PS256"), "RSA too")
    for name, words in (("customer-pii", []), ("hmac-32", []), ("p256", ["--version", "9"]), ("nothing", [])):
        done = server.nae("key", "export", name, *words)
        tap.ok(done.returncode == 1 and not done.stdout, f"nothing of {name} {' '.join(words)} is exported", done)

    # wrapped by another program
    offer = json.loads(server.must("key", "import-key", "--json"))
    tap.is_(json.loads(server.must("key", "import-key", "--json")), offer, "the import key stays the same")
    import_key = serialization.load_pem_public_key(offer["public_key"].encode())
    tap.is_(import_key.key_size, 3072, "it has 3072 bits")
    digest = {"sha1": hashes.SHA1, "sha256": hashes.SHA256}[offer["hash"]]()

    def wrapped(material, transport_key=b"\x07" * 32, to=import_key, by=digest):
        oaep = padding.OAEP(padding.MGF1(by), by, None)
        return to.encrypt(transport_key, oaep) + keywrap.aes_key_wrap_with_padding(transport_key, material)

    def import_wrapped(name, kind, sent, *words):
        return server.nae("key", "import", name, "--type", kind, "--wrapped", file("sent", sent), *words)

    foreign = ec.generate_private_key(ec.SECP256R1())
    der = foreign.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = file("foreign.pub", public_pem(foreign))
    tap.is_(import_wrapped("foreign", "ecdsa-p256", wrapped(der), "--public", public).returncode, 0, "a key that another program wrapped is imported")
    tap.is_(session.ask("SELECT nae_verify('foreign', 'm', nae_sign('foreign', 'm'))").out, "t", "and signs")
    stranger = import_wrapped("forged", "ecdsa-p256", wrapped(der), "--public", file("other.pub", public_pem(p256)))
    tap.ok(stranger.returncode == 1 and "public key" in stranger.stderr, "not with another's public key", stranger)
    good = wrapped(bytes(32))
    broken = {"RSA part": bytes([good[0] ^ 1]) + good[1:], "key part": good[:-1] + bytes([good[-1] ^ 1]),
              "length": good[:-8], "hash": wrapped(bytes(32), by=hashes.SHA512()),
              "import key": wrapped(bytes(32), to=rsa.generate_private_key(65537, 3072).public_key()),
              "kind": wrapped(der)[:-8], "nothing": b""}
    answers = {how: import_wrapped("broken", "aes-256-gcm", sent) for how, sent in broken.items()}
    for how, answer in answers.items():
        tap.ok(answer.returncode == 1, f"a wrong {how} is refused", answer)
    tap.is_(len({answer.stderr for answer in answers.values()}), 1, "and all of them with one answer")
    tap.ok(import_wrapped("large", "aes-256-gcm", bytes(8193)).returncode == 1, "as is more than a key has")
    tap.is_(import_wrapped("p256", "ecdsa-p256", wrapped(der), "--public", public).returncode, 1, "a name that is taken is not taken over")
    for name in ("broken", "forged", "large", "wrong", "plain"):
        tap.is_(server.nae("key", "show", name).returncode, 1, f"no key {name} is left behind")

    # hsm-only
    secret = bytes(range(100, 132))
    done = import_wrapped("in-hsm", "aes-256-gcm", wrapped(secret), "--protection", "hsm-only")
    tap.is_(done.returncode, 0, "an AES key is imported as hsm-only")
    value = session.ask("SELECT nae_encrypt('in-hsm', 'in the HSM', 'aad')").out
    sealed = bytes.fromhex(value[2:])
    tap.is_((sealed[0], len(sealed)), (0xa3, len("in the HSM") + 37), "its envelopes have a format of their own")
    tap.is_(AESGCM(secret).decrypt(sealed[9:21], sealed[21:], sealed[:21] + b"aad"), b"in the HSM", "which is AES-GCM under the key, as another program computes it")
    tap.is_(session.ask(f"SELECT nae_decrypt_text('{value}'::bytea, 'aad')").out, "in the HSM", "they are read")
    tap.refused(session.ask(f"SELECT nae_decrypt_text('{value}'::bytea, 'bad')"), "NE022", "with their own associated data only")
    for at in (9, 20, 21, len(sealed) - 1):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1:]
        tap.refused(session.ask(f"SELECT nae_decrypt('\\x{changed.hex()}'::bytea, 'aad')"), "NE022", f"and not with byte {at} changed")
    tap.is_(session.ask("SELECT nae_decrypt_text('%s'::bytea, 'aad')" % value).out, "in the HSM", "the HSM goes on after that")
    tap.refused(session.ask(f"SELECT nae_encrypt('in-hsm', '{value}'::bytea)"), "NE023", "what is encrypted is not encrypted again")
    other = "a1" + sealed[1:9].hex() + bytes(32).hex()
    tap.refused(session.ask(f"SELECT nae_decrypt('\\x{other}'::bytea)"), "NE020", "an envelope of another format for the key is refused")
    session.ask("CREATE TABLE sealed AS SELECT i, nae_encrypt('in-hsm', 'value ' || i) AS v FROM generate_series(1, 300) i")
    tap.is_(session.ask("SELECT count(DISTINCT substring(v, 10, 12)), count(*) FILTER (WHERE nae_decrypt_text(v) = 'value ' || i) FROM sealed").out,
            "300|300", "many values have as many nonces and come back")
    tap.is_(session.ask("SELECT nae_decrypt(nae_encrypt('in-hsm', ARRAY['x', '', NULL, repeat('y', 100000)]::text[])) = ARRAY['x', '', NULL, repeat('y', 100000)]::bytea[]").out,
            "t", "arrays too")
    mixed = session.ask("SELECT nae_decrypt(ARRAY[nae_encrypt('in-hsm', 'a'), nae_encrypt('customer-pii', 'b'), nae_encrypt('in-hsm', 'c')]) = ARRAY['a', 'b', 'c']::bytea[]")
    tap.is_(mixed.out, "t", "beside values of other keys")
    server.must("key", "rotate", "in-hsm")
    tap.is_(session.ask("UPDATE sealed SET v = nae_rewrap(v) RETURNING 1").out.count("1"), 300, "rewrap moves them to a new version")
    tap.is_(session.ask("SELECT string_agg(DISTINCT (nae_envelope(v)).key_version::text, ','), count(*) FILTER (WHERE nae_decrypt_text(v) = 'value ' || i) FROM sealed").out,
            "2|300", "where they are read")
    done = server.nae("key", "import", "siv", "--type", "aes-256-siv", "--from", file("aes.bin", secret), "--encoding", "raw", "--protection", "hsm-only")
    tap.ok(done.returncode != 0 and "hsm-only" in done.stderr, "aes-256-siv is refused as hsm-only", done)
    tap.is_(server.nae("key", "import", "kdf", "--type", "aes-256-siv", "--from", file("kdf.bin", bytes(range(101, 133))), "--encoding", "raw").returncode, 0, "as wrapped it is taken")
    tap.is_(session.ask("SELECT nae_decrypt_text(nae_encrypt('kdf', 'x'))").out, "x", "and encrypts")
    server.must("key", "create", "hmac-in-hsm", "--type", "hmac-sha-256", "--protection", "hsm-only")
    inside = session.ask("SELECT nae_mac('hmac-in-hsm', 'message')").out
    tap.is_(bytes.fromhex(inside[2:])[0], 0xb3, "codes of a key that stays in the HSM have a format of their own")
    checks = [session.ask(f"SELECT nae_mac_verify('hmac-in-hsm', '{message}', '{inside}'::bytea)").out for message in ("message", "messagf")]
    tap.is_(checks, ["t", "f"], "and verify for their message only")
    tap.is_(session.ask("SELECT nae_blind_index('hmac-in-hsm', 'a') = nae_blind_index('hmac-in-hsm', 'a'), "
                        "nae_blind_index('hmac-in-hsm', 'a') = nae_blind_index('hmac-in-hsm', 'b')").out, "t|f", "so do blind indexes")
    server.restart()
    stack.reconnected()
    session.close()
    session = stack.session("nae_all")
    tap.is_(session.ask("SELECT count(*) FILTER (WHERE nae_decrypt_text(v) = 'value ' || i) FROM sealed").out, "300", "after a restart all is read")
    again = bytes.fromhex(session.ask("SELECT nae_encrypt('in-hsm', 'x')").out[2:])
    tap.ok(again[9:17] not in {bytes.fromhex(row)[:8] for row in session.ask("SELECT encode(substring(v, 10, 12), 'hex') FROM sealed").out.splitlines()},
           "and no nonce begins like one of before")
    tap.is_(session.ask(f"SELECT nae_mac_verify('hmac-32', '{text(MESSAGE)}', '{code}'::bytea)").out, "t", "imported keys are there too")

    # the record
    imports = [record for record in json.loads(server.must("audit", "query", "--limit", "10000", "--json"))["records"]
               if record.get("action") == "key-import"]
    tap.ok(any(record.get("target") == "p256" for record in imports), "imports are in the audit log", imports[:2])
    tap.ok(any(record.get("target") == "broken" and "authentication_failed" in json.dumps(record) for record in imports), "failed ones too", imports[-3:])
    everything = (stack.path / "keyserver.log").read_text() + json.dumps(imports)
    tap.ok(secret.hex() not in everything and base64.b64encode(secret).decode() not in everything, "no key is in a log")
    session.close()
