#!/usr/bin/python3 -B
# AES by the caller's mode: what others computed with the same keys the module computes, by each mode, in one call and in parts; nothing
# says why something does not open, and a key has no mode that it does not allow. The asker is this file again ("ask" below).
import ctypes
import json
import pathlib
import re
import sys
from ctypes import byref, c_ulong

import cryptoki
from cryptoki import Module, mechanism

ENCRYPT, DECRYPT, WRAP, UNWRAP, VALUE_LEN, ALLOWED, KEY_GEN = 0x104, 0x105, 0x106, 0x107, 0x161, 0x40000600, 0x166
CBC, CBC_PAD, CTR, GCM, KW = 0x1082, 0x1085, 0x1086, 0x1087, 0x2109
NUMBERS = {"aes-gcm": GCM, "aes-cbc": CBC, "aes-cbc-pad": CBC_PAD, "aes-ctr": CTR, "aes-kw": KW}
RULES = """
[[rule]]
name = "the-user-does-both"
roles = ["unix:{user}"]
keys = ["glob:both*", "safe", "glob:v-*", "web", "pii"]
actions = ["encrypt", "decrypt"]
result = "value"
[[rule]]
name = "the-user-writes"
roles = ["unix:{user}"]
keys = ["writes"]
actions = ["encrypt"]
result = "value"
[[rule]]
name = "the-user-reads"
roles = ["unix:{user}"]
keys = ["reads"]
actions = ["decrypt"]
result = "value"
"""


def parameter_of(kind, iv, aad=b"", tag_bits=128, counter_bits=128):
    if kind == GCM:
        return cryptoki.gcm(iv, aad, tag_bits)
    return cryptoki.counter(iv, counter_bits) if kind == CTR else cryptoki.block(iv)


def ask(path, work):
    module = Module(path)
    module.must("Initialize", None)
    session = module.open_session()
    asked = json.loads(pathlib.Path(work).read_text())
    answers = {}
    key = lambda name: (module.find(session, label=name, of_class=cryptoki.SECRET_KEY) or [0])[0]

    def begin(direction, handle, kind, iv, **options):
        parameter = parameter_of(kind, iv, **options)  # which the call only points at
        return module.call(f"{direction}Init", session, byref(mechanism(kind, parameter)), handle)

    def once(direction, handle, kind, iv, data, room=70_000, **options):
        if (begun := begin(direction, handle, kind, iv, **options)) != "OK":
            return [begun, ""]
        out, size = ctypes.create_string_buffer(room), c_ulong(room)
        returned = module.call(direction, session, data, len(data), out, byref(size))
        return [returned, out.raw[:size.value].hex() if returned == "OK" else ""]

    def in_parts(direction, handle, kind, iv, data, step=7, **options):
        if (begun := begin(direction, handle, kind, iv, **options)) != "OK":
            return [begun, ""]
        out = ctypes.create_string_buffer(70_000)
        whole = b""
        for at in range(0, len(data), step):
            size = c_ulong(70_000)
            part = data[at:at + step]
            if (returned := module.call(f"{direction}Update", session, part, len(part), out, byref(size))) != "OK":
                return [returned, ""]
            whole += out.raw[:size.value]
        size = c_ulong(70_000)
        returned = module.call(f"{direction}Final", session, out, byref(size))
        return [returned, (whole + out.raw[:size.value]).hex() if returned == "OK" else ""]

    answers["vectors"] = []
    for vector in asked["vectors"]:
        handle, kind = key(vector["name"]), NUMBERS[vector["mode"]]
        iv, aad, plaintext, ciphertext = (bytes.fromhex(vector[name]) for name in ("iv", "aad", "plaintext", "ciphertext"))
        options = {"aad": aad} if kind == GCM else {}
        answers["vectors"].append([call(direction, handle, kind, iv, data, **options) for call in (once, in_parts)
                                   for direction, data in (("Encrypt", plaintext), ("Decrypt", ciphertext))])

    both, safe, reads, writes, web = (key(name) for name in ("both", "safe", "reads", "writes", "web"))
    flags = lambda handle: [module.attribute(session, handle, kind)[0] for kind in (ENCRYPT, DECRYPT, cryptoki.SIGN, WRAP, UNWRAP)]
    allowed = lambda handle: [int.from_bytes(each, "little") for each in re.findall(b".{8}", module.attribute(session, handle, ALLOWED), re.S)]
    answers["flags"] = {name: flags(key(name)) for name in ("both", "safe", "reads", "writes")}
    answers["key"] = [int.from_bytes(module.attribute(session, both, kind), "little") for kind in (cryptoki.KEY_TYPE, KEY_GEN, VALUE_LEN, cryptoki.SENSITIVE, cryptoki.EXTRACTABLE)]
    answers["value"] = module.attribute(session, both, cryptoki.VALUE)
    answers["allowed"] = {name: allowed(key(name)) for name in ("both", "safe")}
    answers["hidden"] = [key("pii"), key("forbidden")]

    iv, text = b"\1" * 16, b"sixteen bytes..." * 2
    sealed = {kind: bytes.fromhex(once("Encrypt", both, kind, b"" if kind == KW else iv, text)[1]) for kind in NUMBERS.values()}
    changed = lambda data, at=-1: data[:at % len(data)] + bytes([data[at] ^ 1]) + data[at % len(data) + 1:]
    answers["does not open"] = {
        "a tag of GCM": once("Decrypt", both, GCM, iv, changed(sealed[GCM]))[0], "a text of GCM": once("Decrypt", both, GCM, iv, changed(sealed[GCM], 0))[0],
        "in parts": in_parts("Decrypt", both, GCM, iv, changed(sealed[GCM]))[0], "other associated data": once("Decrypt", both, GCM, iv, sealed[GCM], aad=b"a")[0],
        "another IV": once("Decrypt", both, GCM, b"\2" * 16, sealed[GCM])[0], "KW": once("Decrypt", both, KW, b"", changed(sealed[KW]))[0],
        "a padding": once("Decrypt", both, CBC_PAD, iv, sealed[CBC_PAD][:16])[0]}
    # Whether a padding is right everybody may see who decrypts by CBC-PAD: that is PKCS#11, and why such a mode is to be named.
    answers["lengths"] = {
        "GCM of 15": once("Decrypt", both, GCM, iv, b"x" * 15)[0], "CBC of 15": once("Encrypt", both, CBC, iv, b"x" * 15)[0], "CBC of 17 back": once("Decrypt", both, CBC, iv, b"x" * 17)[0],
        "CBC-PAD of nothing back": once("Decrypt", both, CBC_PAD, iv, b"")[0], "KW of 8": once("Encrypt", both, KW, b"", b"x" * 8)[0], "KW of 20": once("Encrypt", both, KW, b"", b"x" * 20)[0],
        "KW of 16 back": once("Decrypt", both, KW, b"", b"x" * 16)[0], "KW of more than a key": once("Encrypt", both, KW, b"", b"x" * 8200)[0],
        "a counter that begins again": once("Encrypt", both, CTR, b"\xff" * 16, b"x" * 17)[0]}
    answers["parameters"] = {
        "a short tag": once("Encrypt", both, GCM, iv, text, tag_bits=96)[0], "a counter of 32 bits": once("Encrypt", both, CTR, iv, text, counter_bits=32)[0],
        "no IV": once("Encrypt", both, CBC, b"", text)[0], "an IV of 8 bytes": once("Encrypt", both, CBC, b"\1" * 8, text)[0],
        "an IV of GCM of 129 bytes": once("Encrypt", both, GCM, b"\1" * 129, text)[0], "an initial value of KW": once("Encrypt", both, KW, b"\1" * 8, text)[0]}
    answers["refused"] = {
        "decrypting by a key that writes": once("Decrypt", writes, GCM, iv, sealed[GCM])[0], "encrypting by a key that reads": once("Encrypt", reads, GCM, iv, text)[0],
        "CBC by a key that does not name it": once("Encrypt", safe, CBC, iv, text)[0], "CBC-PAD back": once("Decrypt", safe, CBC_PAD, iv, sealed[CBC_PAD])[0], "CTR": once("Encrypt", safe, CTR, iv, text)[0],
        "ECB": once("Encrypt", both, 0x1081, b"", text)[0], "a MAC by it": module.sign_init(session, cryptoki.SHA256_HMAC, both),
        "a code's key": once("Encrypt", key("codes"), GCM, iv, text)[0],
        "a pair": once("Encrypt", module.find(session, label="web", of_class=cryptoki.PRIVATE_KEY)[0], GCM, iv, text)[0],
        "OAEP by it": module.call("DecryptInit", session, byref(mechanism(cryptoki.OAEP, cryptoki.oaep("sha256"))), both),
        "RSA's encrypting": once("Encrypt", both, cryptoki.RSA_PKCS, b"", text)[0], "no key": once("Encrypt", 12345, GCM, iv, text)[0]}
    answers["allowed by default"] = [once("Encrypt", safe, GCM, iv, text)[0], once("Encrypt", safe, KW, b"", text)[0], once("Encrypt", writes, GCM, iv, text)[0]]

    begin("Encrypt", both, CBC_PAD, iv)
    size = c_ulong()
    answers["the length"] = [module.call("Encrypt", session, text, 32, None, byref(size)), size.value]
    small, size = ctypes.create_string_buffer(47), c_ulong(47)
    answers["without room"] = [module.call("Encrypt", session, text, 32, small, byref(size)), size.value]
    exact = ctypes.create_string_buffer(48)
    answers["then with room"] = [module.call("Encrypt", session, text, 32, exact, byref(size)), exact.raw == sealed[CBC_PAD]]
    answers["and it is over"] = module.call("Encrypt", session, text, 32, exact, byref(size))
    begin("Decrypt", both, CBC_PAD, iv)
    small, size = ctypes.create_string_buffer(31), c_ulong(31)
    answers["back without room"] = [module.call("Decrypt", session, sealed[CBC_PAD], 48, small, byref(size)), size.value]
    exact, size = ctypes.create_string_buffer(32), c_ulong(32)
    answers["then back with room"] = [module.call("Decrypt", session, sealed[CBC_PAD], 48, exact, byref(size)), exact.raw == text]
    begin("Encrypt", both, GCM, iv)
    answers["begun twice"] = begin("Encrypt", both, GCM, iv)
    answers["both ways at once"] = begin("Decrypt", both, GCM, iv)
    module.must("SessionCancel", session, 0x200)
    out, size = ctypes.create_string_buffer(64), c_ulong(64)
    answers["a part"] = [module.call("EncryptUpdate", session, text, 32, out, byref(size)), size.value]
    answers["one call after a part"] = module.call("Encrypt", session, text, 32, out, byref(size))
    answers["cancelled"] = [module.call("SessionCancel", session, 0x100), module.call("EncryptFinal", session, out, byref(size))]
    begin("Encrypt", both, CTR, b"\0" * 16)
    mebibyte = b"x" * (1 << 20)
    answers["too much"] = []
    for _ in range(17):
        size = c_ulong(64)
        answers["too much"].append(module.call("EncryptUpdate", session, mebibyte, len(mebibyte), out, byref(size)))
    begin("Encrypt", both, CTR, b"\0" * 16)
    large, size = ctypes.create_string_buffer(16 << 20), c_ulong(16 << 20)
    answers["as much as there may be"] = [module.call("Encrypt", session, mebibyte * 16, 16 << 20, large, byref(size)), size.value]
    print(json.dumps(answers))


JAVA_TEST = """import java.security.*; import java.util.*; import javax.crypto.*; import javax.crypto.spec.*;
public class Ciphers {
  static Provider nae;
  static void there_and_back(Key key, Key clear, String name, java.security.spec.AlgorithmParameterSpec parameters, byte[] text) throws Exception {
    Cipher here = Cipher.getInstance(name, nae), other = Cipher.getInstance(name, "SunJCE");
    here.init(Cipher.ENCRYPT_MODE, key, parameters);
    other.init(Cipher.ENCRYPT_MODE, clear, parameters);
    if (name.contains("GCM")) { here.updateAAD("aad".getBytes()); other.updateAAD("aad".getBytes()); }
    byte[] sealed = here.doFinal(text);
    byte[] expected = other.doFinal(text);
    boolean same = Arrays.equals(sealed, expected);
    if (!same) System.out.println(name + " " + HexFormat.of().formatHex(sealed) + " " + HexFormat.of().formatHex(expected));
    here = Cipher.getInstance(name, nae);
    here.init(Cipher.DECRYPT_MODE, key, parameters);
    if (name.contains("GCM")) here.updateAAD("aad".getBytes());
    byte[] first = here.update(sealed, 0, 20);
    // Of GCM Java 17 drops a last part that ends its array: one more byte behind it, which nobody reads.
    byte[] rest = here.doFinal(Arrays.copyOf(sealed, sealed.length + 1), 20, sealed.length - 20);
    java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
    if (first != null) all.write(first);
    all.write(rest);
    System.out.println(name + " " + same + " " + Arrays.equals(all.toByteArray(), text));
  }
  public static void main(String[] a) throws Exception {
    nae = Security.getProvider("SunPKCS11").configure(a[0]);
    KeyStore store = KeyStore.getInstance("PKCS11", nae);
    store.load(null, null);
    Key key = store.getKey(a[1], null), clear = new SecretKeySpec(HexFormat.of().parseHex(a[2]), "AES");
    byte[] text = new byte[48];
    Arrays.fill(text, (byte) 7);
    there_and_back(key, clear, "AES/CBC/NoPadding", new IvParameterSpec(new byte[16]), text);
    there_and_back(key, clear, "AES/CBC/PKCS5Padding", new IvParameterSpec(new byte[16]), Arrays.copyOf(text, 45));
    there_and_back(key, clear, "AES/CTR/NoPadding", new IvParameterSpec(new byte[16]), Arrays.copyOf(text, 45));
    there_and_back(key, clear, "AES/GCM/NoPadding", new GCMParameterSpec(128, new byte[12]), Arrays.copyOf(text, 45));
  }
}
"""


def main():
    from harness import ROOT, Tap
    from unix_programs import MODULE, USER, Host

    python, java = pathlib.Path(sys.executable).resolve(), pathlib.Path("/usr/bin/java").resolve()
    with Tap() as tap, Host(python, java, "/usr/bin/pkcs11-tool", keys="web:ecdsa-p256 codes:hmac-sha-256-raw pii:aes-256-gcm safe:aes-256-raw "
                                                                      "reads:aes-256-raw writes:aes-256-raw forbidden:aes-256-raw") as host:
        nae, must = host.key_server.nae, host.key_server.must
        tool = lambda *words: host.run("/usr/bin/pkcs11-tool", "--module", MODULE, *words)
        every = [word for mode in NUMBERS for word in ("--allow-algorithm", mode)]
        made = must("key", "create", "both", "--type", "aes-256-raw", *every)
        tap.ok(re.search(r"protection +hsm-only", must("key", "show", "both")), "a key of type aes-256-raw is hsm-only without being told", made)
        for words, said in ((["key", "create", "x", "--type", "aes-256-raw", "--protection", "wrapped"], "hsm-only"),
                            (["key", "create", "x", "--type", "aes-256-raw", "--allow-algorithm", "rsa-pkcs1"], "rsa-pkcs1"),
                            (["key", "create", "x", "--type", "aes-256-gcm", "--allow-algorithm", "aes-cbc"], "aes-cbc"),
                            (["key", "create", "x", "--type", "aes-256-raw", "--allow-action", "rewrap"], "rewrap"),
                            (["key", "export", "both"], "public")):
            refused = nae(*words)
            tap.ok(refused.returncode != 0 and said in refused.stderr, f"nae {' '.join(words)} is refused", refused.stdout, refused.stderr)
        shown = json.loads(must("key", "show", "both", "--json"))
        tap.is_(shown["allowed_algorithms"], list(NUMBERS), "it shows the modes that it allows")

        vectors, names = [], {}
        for block in (ROOT / "tests" / "vectors" / "aes_modes.txt").read_text().split("\n\n")[1:]:
            vector = {line.split(" =")[0]: line.split(" =")[1].strip() for line in block.strip().splitlines()[1:]}
            if vector["key"] == "00" * 32:
                continue  # which no key server takes
            name = names.setdefault(vector["key"], f"v-{len(names)}")
            vectors.append({"name": name, **vector})
        for secret, name in names.items():
            file = host.file(f"{name}.key", secret)
            file.chmod(0o600)
            imported = nae("key", "import", name, "--type", "aes-256-raw", "--encoding", "hex", "--from", str(file))
            tap.ok(imported.returncode == 0, "a published key is imported", imported.stdout, imported.stderr)
            must("key", "set", name, *every)
        tap.ok("AES" not in tool("-O").stdout, "a policy that does not speak of encrypting grants none")
        host.key_server.apply_policy(host.policy + RULES.format(user=USER))
        work = host.file("work.json", json.dumps({"vectors": vectors}))
        asked = host.run(python, "-B", pathlib.Path(__file__).resolve(), "ask", MODULE, work, seconds=300)
        if asked.returncode != 0:
            tap.ok(False, "the asker ends", asked.stdout[-2000:], asked.stderr[-3000:])
            return
        answers = json.loads(asked.stdout)
        wrong = [(vector["mode"], vector["iv"], got) for vector, got in zip(vectors, answers["vectors"])
                 if got != [["OK", vector["ciphertext"]], ["OK", vector["plaintext"]]] * 2]
        tap.ok(len(answers["vectors"]) == len(vectors) >= 29 and not wrong, "published and computed vectors of every mode, in one call and in parts", [str(each)[:300] for each in wrong[:5]])
        tap.is_(answers["flags"], {"both": [1, 1, 0, 0, 0], "safe": [1, 1, 0, 0, 0], "reads": [0, 1, 0, 0, 0], "writes": [1, 0, 0, 0, 0]}, "a key encrypts and decrypts where the policy lets this user")
        tap.is_([answers["key"], answers["value"]], [[0x1f, 0x1080, 32, 1, 0], "ATTRIBUTE_SENSITIVE"], "it is an AES key of 32 bytes, and stays where it is")
        tap.is_(answers["allowed"], {"both": [GCM, CBC, CBC_PAD, CTR, KW], "safe": [GCM, KW]}, "modes that notice no change are there where an administrator named them")
        tap.is_(answers["hidden"], [0, 0], "keys of columns are not shown, nor what the policy does not name")
        tap.is_(set(answers["does not open"].values()), {"ENCRYPTED_DATA_INVALID"}, "what does not open has one answer")
        tap.is_(answers["lengths"], {"GCM of 15": "ENCRYPTED_DATA_LEN_RANGE", "CBC of 15": "DATA_LEN_RANGE", "CBC of 17 back": "ENCRYPTED_DATA_LEN_RANGE", "CBC-PAD of nothing back": "ENCRYPTED_DATA_LEN_RANGE",
                                     "KW of 8": "DATA_LEN_RANGE", "KW of 20": "DATA_LEN_RANGE", "KW of 16 back": "ENCRYPTED_DATA_LEN_RANGE", "KW of more than a key": "DATA_LEN_RANGE",
                                     "a counter that begins again": "DATA_LEN_RANGE"}, "lengths are looked at")
        tap.is_(set(answers["parameters"].values()), {"MECHANISM_PARAM_INVALID"}, "so are parameters")
        tap.is_(answers["refused"], {
            "decrypting by a key that writes": "KEY_FUNCTION_NOT_PERMITTED", "encrypting by a key that reads": "KEY_FUNCTION_NOT_PERMITTED", "CBC by a key that does not name it": "KEY_FUNCTION_NOT_PERMITTED",
            "CBC-PAD back": "KEY_FUNCTION_NOT_PERMITTED", "CTR": "KEY_FUNCTION_NOT_PERMITTED", "ECB": "MECHANISM_INVALID", "a MAC by it": "KEY_FUNCTION_NOT_PERMITTED",
            "a code's key": "KEY_TYPE_INCONSISTENT", "a pair": "KEY_TYPE_INCONSISTENT", "OAEP by it": "KEY_TYPE_INCONSISTENT", "RSA's encrypting": "MECHANISM_INVALID", "no key": "KEY_HANDLE_INVALID"},
            "what a key may not do it does not")
        tap.is_(answers["allowed by default"], ["OK"] * 3, "GCM and KW need no name")
        tap.is_([answers[name] for name in ("the length", "without room", "then with room", "and it is over", "back without room", "then back with room")],
                [["OK", 48], ["BUFFER_TOO_SMALL", 48], ["OK", True], "OPERATION_NOT_INITIALIZED", ["BUFFER_TOO_SMALL", 32], ["OK", True]], "a length is told, and too little room ends nothing")
        tap.is_([answers[name] for name in ("begun twice", "both ways at once", "a part", "one call after a part", "cancelled")],
                ["OPERATION_ACTIVE", "OK", ["OK", 0], "OPERATION_ACTIVE", ["OK", "OPERATION_NOT_INITIALIZED"]], "one of a kind is under way in a session, and may be given up")
        tap.is_(answers["too much"], ["OK"] * 16 + ["DATA_LEN_RANGE"], "parts are at most 16 MiB together")
        tap.is_(answers["as much as there may be"], ["OK", 16 << 20], "which go in one call, too")
        records = host.key_server.audit("--action", "encrypt")
        tap.ok(any(each.get("key") == "both" and each.get("key_version") == 1 and each.get("verdict") == "value" for each in records), "the audit log has the key and version that encrypted", records[:2])

        # ---- programs of others
        secret, name = next((secret, name) for secret, name in names.items())
        ids = dict(re.findall(r"Secret Key Object; AES.*?label: +(\S+).*?ID: +(\S+)", (listed := tool("-O").stdout), re.S))
        tap.ok(name in ids, "pkcs11-tool lists it", listed)
        text, iv = host.file("text", b"a text of somebody"), "00112233445566778899aabbccddeeff"
        sealed = tool("--encrypt", "--id", ids[name], "-m", "AES-CBC-PAD", "--iv", iv, "-i", text, "-o", host.path / "sealed")
        opened = host.run("/usr/bin/openssl", "enc", "-d", "-aes-256-cbc", "-K", secret, "-iv", iv, "-in", host.path / "sealed")
        tap.ok(sealed.returncode == 0 and opened.stdout == "a text of somebody", "what pkcs11-tool encrypts OpenSSL opens with the same key", sealed.stderr, opened.stdout, opened.stderr)
        opened = tool("--decrypt", "--id", ids[name], "-m", "AES-CBC-PAD", "--iv", iv, "-i", host.path / "sealed", "-o", host.path / "opened")
        tap.ok(opened.returncode == 0 and (host.path / "opened").read_text() == "a text of somebody", "so does pkcs11-tool", opened.stderr)
        configured = host.file("p11.cfg", f"name = NAE\nlibrary = {MODULE}\nslotListIndex = 0\nallowLegacy = true\n")
        done = host.run(java, host.file("Ciphers.java", JAVA_TEST), configured, name, secret, seconds=180)
        tap.ok(done.stdout.splitlines() == [f"{mode} true true" for mode in ("AES/CBC/NoPadding", "AES/CBC/PKCS5Padding", "AES/CTR/NoPadding", "AES/GCM/NoPadding")],
               "Java's SunPKCS11 and SunJCE make the same of one key, by four modes", done.stdout, done.stderr[-2000:])


if __name__ == "__main__":
    ask(*sys.argv[2:]) if sys.argv[1:2] == ["ask"] else main()
