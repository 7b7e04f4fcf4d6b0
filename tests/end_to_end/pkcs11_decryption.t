#!/usr/bin/python3 -B
# Private keys that decrypt and agree: what programs of others encrypted to them opens, by the module and by the wire, and nothing says why
# something does not. The asker of the C interface is this file again, as the user that the agent knows ("ask" below).
import ctypes
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
from ctypes import byref, c_ulong

import cryptoki
from cryptoki import OAEP, OAEP_HASHES, Module, mechanism, oaep

RSA_X_509 = 3
DECRYPT, DERIVE, ALLOWED, VALUE_LEN, TOKEN, SENSITIVE, EXTRACTABLE, NEVER_EXTRACTABLE = 0x105, 0x10c, 0x40000600, 0x161, 1, 0x103, 0x162, 0x164
KEYS = ("mail:rsa-decrypt-2048 archive:rsa-decrypt-3072 kex:ecdh-p256 kex3:ecdh-p384 kex5:ecdh-p521 kexm:x25519 api:rsa-2048 web:ecdsa-p256 "
        "forbidden:rsa-decrypt-2048")
RULES = """
[[rule]]
name = "the-user-opens"
roles = ["unix:{user}"]
keys = ["mail", "archive", "api", "web", "glob:kex*"]
actions = ["decrypt", "derive"]
result = "value"
"""


def ask(path, work):
    module = Module(path)
    module.must("Initialize", None)
    session = module.open_session()
    answers = {}
    asked = json.loads(pathlib.Path(work).read_text())
    private = lambda name: (module.find(session, label=name, of_class=cryptoki.PRIVATE_KEY) or [0])[0]
    public = lambda name: module.find(session, label=name, of_class=cryptoki.PUBLIC_KEY)[0]

    def decrypt(handle, kind, ciphertext, parameter=None):
        returned, plaintext = module.decrypt(session, handle, kind, ciphertext, parameter)
        return [returned, plaintext.hex() if returned == "OK" else len(plaintext)]

    def derive(handle, point, *pairs, kdf=1):
        return module.derive(session, handle, point, *pairs, kdf=kdf)

    answers["flags"] = {name: [module.attribute(session, private(name), kind)[0] for kind in (cryptoki.SIGN, DECRYPT, DERIVE)]
                        for name in ("mail", "kex", "kex5", "api", "web")}
    answers["none"] = private("forbidden")
    answers["the key of X25519"] = [int.from_bytes(module.attribute(session, private("kexm"), kind), "little") for kind in (cryptoki.KEY_TYPE, NEVER_EXTRACTABLE)]
    allowed = module.attribute(session, private("mail"), ALLOWED)
    answers["mechanisms of mail"] = [int.from_bytes(allowed[at:at + 8], "little") for at in range(0, len(allowed), 8)]
    answers["mechanisms of archive"] = int.from_bytes(module.attribute(session, private("archive"), ALLOWED), "little")
    mail, kex, api, web = (private(name) for name in ("mail", "kex", "api", "web"))

    answers["oaep"] = [decrypt(private(key), OAEP, bytes.fromhex(ciphertext), oaep(name, bytes.fromhex(label)))
                       for key, name, label, ciphertext in asked["oaep"]]
    answers["pkcs1"] = [decrypt(mail, cryptoki.RSA_PKCS, bytes.fromhex(each)) for each in asked["pkcs1"]]
    answers["forged oaep"] = [decrypt(mail, OAEP, bytes.fromhex(each), oaep(name)) for name in OAEP_HASHES for each in asked["forged"]]
    answers["forged pkcs1"] = [decrypt(mail, cryptoki.RSA_PKCS, bytes.fromhex(each)) for each in asked["forged"]]
    answers["again"] = [decrypt(mail, cryptoki.RSA_PKCS, bytes.fromhex(each)) for each in asked["forged"]]

    good = bytes.fromhex(asked["pkcs1"][0])
    answers["refused"] = {
        "a signing key": decrypt(api, cryptoki.RSA_PKCS, good)[0], "a curve": decrypt(web, cryptoki.RSA_PKCS, good)[0],
        "a key that agrees": decrypt(kex, cryptoki.RSA_PKCS, good)[0],
        "PKCS #1 v1.5 by a key of OAEP": decrypt(private("archive"), cryptoki.RSA_PKCS, bytes(384))[0], "its public half": decrypt(public("mail"), cryptoki.RSA_PKCS, good)[0],
        "no padding": decrypt(mail, RSA_X_509, good)[0], "OAEP without its parameter": decrypt(mail, OAEP, good)[0],
        "MGF1 of another hash": decrypt(mail, OAEP, good, oaep("sha256", mgf=1))[0], "a byte less": decrypt(mail, cryptoki.RSA_PKCS, good[:-1])[0],
        "a byte more": decrypt(mail, cryptoki.RSA_PKCS, good + b"x")[0], "nothing": decrypt(mail, cryptoki.RSA_PKCS, b"")[0],
        "above the modulus": decrypt(mail, cryptoki.RSA_PKCS, b"\xff" * 256)[0],
        "zero": decrypt(mail, cryptoki.RSA_PKCS, bytes(256))[0], "one": decrypt(mail, cryptoki.RSA_PKCS, bytes(255) + b"\1")[0],
        "signing by a key that decrypts": module.sign_init(session, cryptoki.SHA256_RSA_PKCS, mail),
        "verifying by one": module.verify_init(session, cryptoki.SHA256_RSA_PKCS, public("mail")),
        "signing by a key that agrees": module.sign_init(session, cryptoki.ECDSA, kex)}

    begin = lambda: module.must("DecryptInit", session, byref(mechanism(cryptoki.RSA_PKCS)), mail)
    begin()
    size = c_ulong()
    answers["the length"] = [module.call("Decrypt", session, good, len(good), None, byref(size)), size.value]
    small, size = ctypes.create_string_buffer(4), c_ulong(4)
    answers["without room"] = [module.call("Decrypt", session, good, len(good), small, byref(size)), size.value]
    exact, size = ctypes.create_string_buffer(size.value), c_ulong(size.value)
    answers["then with room"] = [module.call("Decrypt", session, good, len(good), exact, byref(size)), exact.raw[:size.value].hex()]
    answers["and it is over"] = module.call("Decrypt", session, good, len(good), exact, byref(size))
    begin()
    answers["begun twice"] = module.call("DecryptInit", session, byref(mechanism(cryptoki.RSA_PKCS)), mail)
    out, size = ctypes.create_string_buffer(256), c_ulong(0)
    answers["the length of a part"] = [[module.call("DecryptUpdate", session, good[:100], 100, None, byref(size)), size.value] for _ in range(2)]
    answers["in parts"] = []
    for part in (good[:100], good[100:]):
        size = c_ulong(256)
        answers["in parts"].append([module.call("DecryptUpdate", session, part, len(part), out, byref(size)), size.value])
    size = c_ulong(256)
    answers["at the end"] = [module.call("DecryptFinal", session, out, byref(size)), out.raw[:size.value].hex()]
    begin()
    answers["cancelled"] = [module.call("SessionCancel", session, 0x200), module.call("Decrypt", session, good, len(good), out, byref(size))]

    answers["agreed"] = []
    for key, point in asked["points"]:
        returned, made = derive(private(key), bytes.fromhex(point), (cryptoki.CLASS, 4), (cryptoki.KEY_TYPE, 0x10), (EXTRACTABLE, True), (SENSITIVE, False))
        answers["agreed"].append([returned, module.attribute(session, made, cryptoki.VALUE).hex() if returned == "OK" else ""])
    point = bytes.fromhex(asked["points"][0][1])
    returned, made = derive(kex, point, (cryptoki.KEY_TYPE, 0x1f), (VALUE_LEN, 16))
    answers["an AES key of it"] = [returned, module.attribute(session, made, cryptoki.VALUE).hex()]
    answers["secrets that are found"] = len(module.find(session, of_class=cryptoki.SECRET_KEY))
    answers["its flags"] = [module.attribute(session, made, kind)[0] for kind in (TOKEN, SENSITIVE, EXTRACTABLE, cryptoki.SIGN)]
    answers["signing with it"] = module.sign_init(session, cryptoki.SHA256_HMAC, made)
    answers["destroyed"] = [module.call("DestroyObject", session, each) for each in (made, made, mail)]
    answers["refused derivations"] = {
        "kept from the process": derive(kex, point, (SENSITIVE, True))[0], "not extractable": derive(kex, point, (EXTRACTABLE, False))[0],
        "to stay": derive(kex, point, (TOKEN, True))[0], "an AES key without a length": derive(kex, point, (cryptoki.KEY_TYPE, 0x1f))[0],
        "longer than the secret": derive(kex, point, (VALUE_LEN, 33))[0], "of no length": derive(kex, point, (VALUE_LEN, 0))[0],
        "by a function of derivation": derive(kex, point, kdf=6)[0], "a point off the curve": derive(kex, point[:-1] + bytes([point[-1] ^ 1]))[0],
        "a point of another curve": derive(private("kex3"), point)[0], "of X25519 one of small order": derive(private("kexm"), bytes(32))[0],
        "another of them": derive(private("kexm"), b"\1" + bytes(31))[0], "a byte less": derive(private("kexm"), b"\x09" + bytes(30))[0], "no point": derive(kex, b"\0" * 65)[0],
        "a compressed point": derive(kex, b"\2" + point[1:33])[0], "a signing key": derive(web, point)[0],
        "a key that decrypts": derive(mail, point)[0], "its public half": derive(public("kex"), point)[0],
        "an unknown attribute": derive(kex, point, (cryptoki.MODULUS, 1))[0]}
    other = module.open_session()
    session_before, session = session, other
    returned, made = derive(kex, point)
    module.must("CloseSession", other)
    session = session_before
    answers["a secret of a session that is closed"] = [returned, module.attribute(session, made, cryptoki.VALUE)]
    print(json.dumps(answers))


def ask_gnutls(path, url, *ciphertexts):
    """GnuTLS opens by PKCS #1 v1.5 and signs, through the module as its only provider; p11tool has no word for decrypting."""
    gnutls = ctypes.CDLL("libgnutls.so.30")

    class Datum(ctypes.Structure):
        _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_uint)]

    def must(name, *arguments):
        if (returned := getattr(gnutls, f"gnutls_{name}")(*arguments)) < 0:
            raise RuntimeError(f"gnutls_{name}: {returned}")

    must("pkcs11_init", 0, None)
    must("pkcs11_add_provider", str(path).encode(), None)
    key = ctypes.c_void_p()
    must("privkey_init", byref(key))
    must("privkey_import_url", key, url.encode(), 0)
    answers = []
    for ciphertext in map(bytes.fromhex, ciphertexts):
        kept, opened = ctypes.create_string_buffer(ciphertext, len(ciphertext)), Datum()
        returned = gnutls.gnutls_privkey_decrypt_data(key, 0, byref(Datum(ctypes.cast(kept, ctypes.c_void_p), len(ciphertext))), byref(opened))
        # Of a length that is known before: as a TLS server opens a premaster secret.
        known = ctypes.create_string_buffer(48)
        second = gnutls.gnutls_privkey_decrypt_data2(key, 0, byref(Datum(ctypes.cast(kept, ctypes.c_void_p), len(ciphertext))), known, ctypes.c_size_t(48))
        answers.append([returned, ctypes.string_at(opened.data, opened.size).hex() if returned == 0 else "", second, known.raw.hex() if second == 0 else ""])
    print(json.dumps(answers))


def certificate_of(host, name, public):
    """By an authority made here, of the public key as it is: a key that decrypts signs no request."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    named = lambda text: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
    now = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder().subject_name(named(name)).issuer_name(named("authority")).public_key(public).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30)).sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()))
    host.file(f"{name}.pem", made.public_bytes(serialization.Encoding.PEM))
    return host.path / f"{name}.pem"


JAVA_TEST = """import java.security.*; import java.security.spec.*; import java.util.*; import javax.crypto.*; import java.nio.file.*;
public class Opens {
  public static void main(String[] a) throws Exception {
    Provider nae = Security.getProvider("SunPKCS11").configure(a[0]);
    KeyStore store = KeyStore.getInstance("PKCS11", nae);
    store.load(null, null);
    Cipher cipher = Cipher.getInstance("RSA/ECB/PKCS1Padding", nae);
    cipher.init(Cipher.DECRYPT_MODE, store.getKey("mail", null));
    System.out.println("opened " + new String(cipher.doFinal(Files.readAllBytes(Path.of(a[1])))));
    KeyAgreement agreement = KeyAgreement.getInstance("ECDH", nae);
    agreement.init(store.getKey("kex", null));
    PublicKey other = KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(Files.readAllBytes(Path.of(a[2]))));
    agreement.doPhase(other, true);
    System.out.println("agreed " + HexFormat.of().formatHex(agreement.generateSecret()));
  }
}
"""


def main():
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, x25519

    from harness import OWNER, Tap, give_to_owner
    from unix_programs import MODULE, USER, Host, engine_configuration

    python, java = pathlib.Path(sys.executable).resolve(), pathlib.Path("/usr/bin/java").resolve()
    with Tap() as tap, Host(python, java, "/usr/bin/pkcs11-tool", "/usr/bin/openssl", "/usr/bin/p11tool", keys=KEYS) as host:
        host.environment["OPENSSL_CONF"] = str(host.file("openssl.cnf", engine_configuration()))
        give_to_owner(host.path)
        tool = lambda *words: host.run("/usr/bin/pkcs11-tool", "--module", MODULE, *words)
        every_scheme = ["rsa-pkcs1"] + [f"rsa-oaep-{name}" for name in OAEP_HASHES]
        host.key_server.must("key", "set", "mail", *[word for scheme in every_scheme for word in ("--allow-algorithm", scheme)])
        refused = host.key_server.nae("key", "set", "api", "--allow-algorithm", "rsa-pkcs1")
        tap.ok(refused.returncode != 0, "a key that signs allows no scheme of decrypting", refused.stdout)
        tap.ok("mail" not in tool("-O").stdout, "a policy that does not speak of decrypting grants none, to a user who may sign with every key")
        host.key_server.apply_policy(host.policy + RULES.format(user=USER))
        listed = tool("-O").stdout
        ids = dict(re.findall(r"Private Key Object.*?label: +(\S+).*?ID: +(\S+)", listed, re.S))
        usage = dict(re.findall(r"Private Key Object.*?label: +(\S+).*?Usage: +([^\n]*)", listed, re.S))
        tap.is_(usage, {"mail": "decrypt", "archive": "decrypt", "kex": "derive", "kex3": "derive", "kex5": "derive", "api": "sign", "web": "sign"},
                "then each key shows the one use that it has")

        publics, pems = {}, {}
        for name in ("mail", "archive", "kex", "kex3", "kex5", "kexm"):
            exported = json.loads(host.key_server.must("key", "export", name, "--json"))["keys"][0]["pem"]
            publics[name], pems[name] = serialization.load_pem_public_key(exported.encode()), host.file(f"{name}.pub", exported)
        sealed = lambda name, hash_, label, message: publics[name].encrypt(message, padding.OAEP(padding.MGF1(hash_), hash_, label or None)).hex()
        by_name = {"sha1": hashes.SHA1(), "sha224": hashes.SHA224(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
        cases = [(key, name, label, os.urandom(20)) for key in ("mail", "archive") for name in by_name for label in (b"", b"a label")] + [("mail", "sha256", b"", b"")]
        numbers = publics["mail"].public_numbers()
        raw = lambda encoded: pow(int.from_bytes(encoded, "big"), numbers.e, numbers.n).to_bytes(256, "big").hex()
        filler = bytes(1 + byte % 255 for byte in os.urandom(256))
        forged = [raw(b"\0\1" + filler[:250] + b"\0abc"), raw(b"\0\2" + filler[:254]), raw(b"\0\2" + filler[:7] + b"\0" + filler[:246]), raw(b"\0\2\0" + filler[:253]),
                  raw(b"\0" * 255 + b"\2"), raw(b"\1" + filler[:255])] + [raw(b"\0\3" + os.urandom(254)) for _ in range(8)]
        curves = {"kex": ec.SECP256R1(), "kex3": ec.SECP384R1(), "kex5": ec.SECP521R1()}
        others = {name: ec.generate_private_key(curve) for name, curve in curves.items()}
        form = lambda key: ("X962", "UncompressedPoint") if isinstance(key, ec.EllipticCurvePrivateKey) else ("Raw", "Raw")
        uncompressed = lambda key: key.public_key().public_bytes(serialization.Encoding[form(key)[0]], serialization.PublicFormat[form(key)[1]])
        others["kexm"] = x25519.X25519PrivateKey.generate()
        wrapped = lambda point: (b"\x04" + (b"\x81" if len(point) > 127 else b"") + bytes([len(point)]) + point)
        points = [(name, encoded(uncompressed(key)).hex()) for encoded in (bytes, wrapped) for name, key in others.items()]
        work = host.file("work.json", json.dumps({
            "oaep": [(key, name, label.hex(), sealed(key, by_name[name], label, message)) for key, name, label, message in cases],
            "pkcs1": [publics["mail"].encrypt(message, padding.PKCS1v15()).hex() for message in (b"a message", b"", b"x" * 245)],
            "forged": forged, "points": points}))
        # Keys of X25519 are hidden unless asked for: libp11 0.4.12 fails for the whole token that has one.
        asked = host.run(python, "-B", pathlib.Path(__file__).resolve(), "ask", MODULE, work, seconds=120,
                         env={**host.environment, "NAE_PKCS11": f"socket={host.socket} ed25519=yes"})
        if asked.returncode != 0:
            tap.ok(False, "the asker ends", asked.stdout, asked.stderr)
            return
        answers = json.loads(asked.stdout)
        tap.is_(answers["flags"], {"mail": [0, 1, 0], "kex": [0, 0, 1], "kex5": [0, 0, 1], "api": [1, 0, 0], "web": [1, 0, 0]}, "a key signs, decrypts or derives, one of them")
        tap.is_(answers["none"], 0, "a key that the policy does not name is not there")
        tap.is_(answers["the key of X25519"], [0x41, 1], "a key of X25519 is one of Montgomery's curves, and never left the token")
        tap.is_(answers["mechanisms of mail"], [OAEP, cryptoki.RSA_PKCS], "and names the mechanisms that open what was encrypted to it")
        tap.is_(answers["mechanisms of archive"], OAEP, "PKCS #1 v1.5 only where an administrator allowed it")
        tap.is_(answers["oaep"], [["OK", message.hex()] for _, _, _, message in cases], "OAEP of five hashes, with and without a label, opens")
        tap.is_(answers["pkcs1"], [["OK", message.hex()] for message in (b"a message", b"", b"x" * 245)], "so does PKCS #1 v1.5, of no byte and of all that fit")
        tap.is_({tuple(each) for each in answers["forged oaep"]}, {("ENCRYPTED_DATA_INVALID", 0)}, "what OAEP does not open has one answer, whatever is wrong with it")
        tap.is_({each[0] for each in answers["forged pkcs1"]}, {"OK"}, "what is no PKCS #1 v1.5 message becomes a message")
        tap.is_(answers["again"], answers["forged pkcs1"], "the same for the same ciphertext")
        tap.ok(len({len(each[1]) for each in answers["forged pkcs1"]}) > 8, "of any length", answers["forged pkcs1"])
        tap.is_(answers["refused"], {
            "a signing key": "KEY_FUNCTION_NOT_PERMITTED", "a curve": "KEY_TYPE_INCONSISTENT", "a key that agrees": "KEY_TYPE_INCONSISTENT",
            "PKCS #1 v1.5 by a key of OAEP": "KEY_FUNCTION_NOT_PERMITTED",
            "its public half": "KEY_TYPE_INCONSISTENT", "no padding": "MECHANISM_INVALID", "OAEP without its parameter": "MECHANISM_PARAM_INVALID",
            "MGF1 of another hash": "MECHANISM_PARAM_INVALID", "a byte less": "ENCRYPTED_DATA_LEN_RANGE", "a byte more": "ENCRYPTED_DATA_LEN_RANGE",
            "nothing": "ENCRYPTED_DATA_LEN_RANGE", "above the modulus": "ENCRYPTED_DATA_INVALID", "zero": "ENCRYPTED_DATA_INVALID", "one": "ENCRYPTED_DATA_INVALID", "signing by a key that decrypts": "KEY_FUNCTION_NOT_PERMITTED",
            "verifying by one": "KEY_FUNCTION_NOT_PERMITTED", "signing by a key that agrees": "KEY_FUNCTION_NOT_PERMITTED"}, "a key of one use has no other")
        message = b"a message".hex()
        tap.is_([answers[name] for name in ("the length", "without room", "then with room", "and it is over")],
                [["OK", 256], ["BUFFER_TOO_SMALL", 9], ["OK", message], "OPERATION_NOT_INITIALIZED"], "a length is told without opening anything, and too little room ends nothing")
        tap.is_([answers[name] for name in ("begun twice", "the length of a part", "in parts", "at the end", "cancelled")],
                ["OPERATION_ACTIVE", [["OK", 256]] * 2, [["OK", 0]] * 2, ["OK", message], ["OK", "OPERATION_NOT_INITIALIZED"]], "it may come in parts, of which asking for the length takes none, and be given up")
        secrets = {name: (key.exchange(publics[name]) if name == "kexm" else key.exchange(ec.ECDH(), publics[name])).hex() for name, key in others.items()}
        tap.is_(answers["agreed"], [["OK", secrets[name]] for name, _ in points], "ECDH of three curves and X25519 agree with another implementation")
        tap.is_(answers["an AES key of it"], ["OK", secrets["kex"][32:]], "a shorter secret has its last bytes")
        tap.is_([answers["secrets that are found"], answers["its flags"], answers["signing with it"]], [9, [0, 0, 1, 0], "KEY_HANDLE_INVALID"],
                "it is an object of the session, which says that the process has it")
        tap.is_(answers["destroyed"], ["OK", "OBJECT_HANDLE_INVALID", "ACTION_PROHIBITED"], "and can be destroyed, which a key cannot")
        tap.is_(answers["refused derivations"], {
            "kept from the process": "TEMPLATE_INCONSISTENT", "not extractable": "TEMPLATE_INCONSISTENT", "to stay": "TEMPLATE_INCONSISTENT",
            "an AES key without a length": "TEMPLATE_INCOMPLETE", "longer than the secret": "KEY_SIZE_RANGE", "of no length": "KEY_SIZE_RANGE",
            "by a function of derivation": "MECHANISM_PARAM_INVALID", "a point off the curve": "MECHANISM_PARAM_INVALID",
            "a point of another curve": "MECHANISM_PARAM_INVALID", "of X25519 one of small order": "MECHANISM_PARAM_INVALID",
            "another of them": "MECHANISM_PARAM_INVALID", "a byte less": "MECHANISM_PARAM_INVALID", "no point": "MECHANISM_PARAM_INVALID", "a compressed point": "MECHANISM_PARAM_INVALID",
            "a signing key": "KEY_FUNCTION_NOT_PERMITTED", "a key that decrypts": "KEY_TYPE_INCONSISTENT", "its public half": "KEY_TYPE_INCONSISTENT",
            "an unknown attribute": "ATTRIBUTE_TYPE_INVALID"}, "what it could not be is refused")
        tap.is_(answers["a secret of a session that is closed"], ["OK", "OBJECT_HANDLE_INVALID"], "and it goes with its session")

        records = host.key_server.audit("--action", "decrypt")
        tap.ok(any(each.get("key") == "mail" and each.get("key_version") == 1 and each.get("verdict") == "value" for each in records),
               "the audit log has the key and version that decrypted", records[:2])
        records = host.key_server.audit("--action", "derive")
        tap.ok({each.get("key") for each in records} == {"kex", "kex3", "kex5", "kexm"}, "and those that derived", records[:2])

        # ---- programs of others
        secret = host.file("secret", b"a secret of somebody")
        for name, options, words in [
            ("PKCS #1 v1.5", [], ["-m", "RSA-PKCS"]),
            ("OAEP with SHA-1", ["-pkeyopt", "rsa_padding_mode:oaep"], ["-m", "RSA-PKCS-OAEP", "--hash-algorithm", "SHA-1", "--mgf", "MGF1-SHA1"]),
            ("OAEP with SHA-256", ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"], ["-m", "RSA-PKCS-OAEP", "--hash-algorithm", "SHA256", "--mgf", "MGF1-SHA256"]),
        ]:
            made = host.run("/usr/bin/openssl", "pkeyutl", "-encrypt", "-pubin", "-inkey", pems["mail"], "-in", secret, "-out", host.path / "sealed", *options)
            opened = tool("--decrypt", "--id", ids["mail"], "-i", host.path / "sealed", "-o", host.path / "opened", *words)
            tap.ok(made.returncode == 0 and opened.returncode == 0 and (host.path / "opened").read_bytes() == secret.read_bytes(),
                   f"pkcs11-tool opens what OpenSSL encrypted by {name}", made.stderr, opened.stderr)
            (host.path / "opened").unlink(missing_ok=True)
            opened = host.run("/usr/bin/openssl", "pkeyutl", "-decrypt", "-engine", "pkcs11", "-keyform", "engine", "-inkey", "pkcs11:token=NAE;object=mail;type=private",
                              "-in", host.path / "sealed", "-out", host.path / "opened", *options)
            tap.ok(opened.returncode == 0 and (host.path / "opened").read_bytes() == secret.read_bytes(), f"so does OpenSSL's engine, by {name}", opened.stderr)
        secret_of_tls = os.urandom(48)
        sealed = [publics["mail"].encrypt(message, padding.PKCS1v15()).hex() for message in (b"", b"a message", secret_of_tls, b"x" * 245)] + [os.urandom(255).hex().rjust(512, "0")]
        asked = lambda url: host.run(python, "-B", pathlib.Path(__file__).resolve(), "gnutls", MODULE, url, *sealed, seconds=120)
        opened = asked("pkcs11:token=NAE;object=mail;type=private")
        tap.ok(opened.returncode == 0, "GnuTLS decrypts with the key", opened.stdout, opened.stderr)
        answers = json.loads(opened.stdout)
        tap.is_([each[:2] for each in answers[:4]], [[0, message.hex()] for message in (b"", b"a message", secret_of_tls, b"x" * 245)], "what was encrypted to it by PKCS #1 v1.5")
        tap.is_(answers[2][2:], [0, secret_of_tls.hex()], "and a TLS server's premaster secret")
        tap.ok(answers[4][0] == 0 and answers[4][1] not in (each[1] for each in answers[1:4]), "what is no message is one to it, too", answers[4])
        refused = asked("pkcs11:token=NAE;object=api;type=private")
        tap.is_([each[0] < 0 and each[2] < 0 for each in json.loads(refused.stdout or "[]")], [True] * len(sealed), "and a key that signs opens nothing")
        certificate = certificate_of(host, "mail", publics["mail"])
        made = host.run("/usr/bin/openssl", "cms", "-encrypt", "-aes256", "-in", secret, "-binary", "-outform", "DER", "-out", host.path / "letter", certificate)
        opened = host.run("/usr/bin/openssl", "cms", "-decrypt", "-engine", "pkcs11", "-keyform", "engine", "-inkey", "pkcs11:token=NAE;object=mail;type=private",
                          "-recip", certificate, "-inform", "DER", "-in", host.path / "letter")
        tap.ok(made.returncode == 0 and opened.stdout == secret.read_text(), "a CMS letter opens", made.stderr, opened.stdout, opened.stderr)

        with open(host.path / "other.der", "wb") as file:
            file.write(others["kex"].public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
        give_to_owner(host.path / "other.der")
        derived = tool("--derive", "-m", "ECDH1-DERIVE", "--id", ids["kex"], "-i", host.path / "other.der", "-o", host.path / "derived")
        tap.ok(derived.returncode == 0 and (host.path / "derived").read_bytes().hex() == secrets["kex"], "pkcs11-tool agrees with a key of another implementation", derived.stderr)
        for name in ("mail", "kex"):
            host.key_server.must("key", "set-certificate", name, str(certificate_of(host, name, publics[name])))
        host.run("/usr/bin/openssl", "pkeyutl", "-encrypt", "-pubin", "-inkey", pems["mail"], "-in", secret, "-out", host.path / "sealed")
        configured = host.file("p11.cfg", f"name = NAE\nlibrary = {MODULE}\nslotListIndex = 0\nallowLegacy = true\n")
        done = host.run(java, host.file("Opens.java", JAVA_TEST), configured, host.path / "sealed", host.path / "other.der", seconds=180)
        tap.ok(done.stdout.splitlines() == ["opened a secret of somebody", f"agreed {secrets['kex']}"], "Java's SunPKCS11 decrypts and agrees", done.stdout, done.stderr)

        refused = host.key_server.nae("key", "csr", "mail", "--subject", "/CN=mail")
        tap.ok(refused.returncode != 0 and "signs nothing" in refused.stderr and "nae key export mail" in refused.stderr, "no request for a certificate is signed by one", refused.stderr)

        # ---- OpenSC's own test of a token. It signs bare bytes by CKM_RSA_PKCS, which is no signature of anything here
        host.key_server.must("key", "set", "archive", *[word for scheme in every_scheme for word in ("--allow-algorithm", scheme)])
        tested = tool("--test", "--login", "--pin", "any")
        tap.ok("1 errors" in tested.stdout and re.search(r"key \d+ \(api\)\n +RSA-PKCS:   ERR: C_Sign\(\) returned CKR_DATA_INVALID", tested.stdout),
               "pkcs11-tool --test has one error: bare bytes for an RSA signature", tested.stdout, tested.stderr)
        tap.is_(len(re.findall(r"^(?: +RSA-PKCS: )?OK$", tested.stdout, re.M)), 6, "and decrypts by two keys, by PKCS #1 v1.5 and by OAEP with and without a label")
        host.key_server.apply_policy(host.policy.replace('keys = ["glob:*"]', 'keys = ["web"]', 1) + RULES.format(user=USER))
        tested = tool("--test", "--login", "--pin", "any")
        tap.ok("No errors" in tested.stdout, "without such a key it has none", tested.stdout, tested.stderr)

        # ---- made elsewhere
        for name, kind, words in [("came", "rsa-decrypt-2048", ["rsa", "-pkeyopt", "rsa_keygen_bits:2048"]), ("kexcame", "ecdh-p521", ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"])]:
            host.run("/usr/bin/openssl", "genpkey", "-algorithm", *words, "-out", host.path / f"{name}.key")
            os.chmod(host.path / f"{name}.key", 0o600)
            imported = host.key_server.nae("key", "import", name, "--type", kind, "--from", str(host.path / f"{name}.key"))
            tap.ok(imported.returncode == 0, f"a key of type {kind} is imported", imported.stdout, imported.stderr)
        refused = host.key_server.nae("key", "import", "wrong", "--type", "x25519", "--from", str(host.path / "kexcame.key"))
        tap.ok(refused.returncode != 0 and "x25519" in refused.stderr, "and none of X25519, which no HSM unwraps", refused.stderr)
        refused = host.key_server.nae("key", "import", "wrong", "--type", "ecdh-p256", "--from", str(host.path / "kexcame.key"))
        tap.ok(refused.returncode != 0 and "ecdh-p256" in refused.stderr, "and one of another curve is not", refused.stderr)


if __name__ == "__main__":
    {"ask": ask, "gnutls": ask_gnutls}.get(sys.argv[1] if sys.argv[1:] else "", lambda *_: main())(*sys.argv[2:])
