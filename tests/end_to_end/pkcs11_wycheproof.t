#!/usr/bin/python3 -B
# Vectors of Project Wycheproof through the PKCS#11 module, each asked of its own key, which is imported for it: the edge cases of
# decrypting, of key agreement and of AES, and the attacks on them. The asker is this file again ("ask" below).
import collections
import ctypes
import json
import os
import pathlib
import sys
from ctypes import byref, c_ulong

import cryptoki
from cryptoki import OAEP, Module, oaep

MODES = {"aes-gcm": 0x1087, "aes-cbc-pad": 0x1085, "aes-kw": 0x2109}
REFUSED = ("ENCRYPTED_DATA_INVALID", "ENCRYPTED_DATA_LEN_RANGE")


def ask(path, work):
    module = Module(path)
    module.must("Initialize", None)
    session = module.open_session()
    asked = json.loads(pathlib.Path(work).read_text())
    key = lambda name: module.find(session, label=name, of_class=cryptoki.PRIVATE_KEY)[0]
    answers = []

    def cipher(direction, handle, mode, test, data):
        parameter = cryptoki.gcm(bytes.fromhex(test["iv"]), bytes.fromhex(test["aad"])) if mode == "aes-gcm" else cryptoki.block(bytes.fromhex(test["iv"]))
        if (begun := module.call(f"{direction}Init", session, byref(cryptoki.mechanism(MODES[mode], parameter)), handle)) != "OK":
            return begun, ""
        out, size = ctypes.create_string_buffer(4096), c_ulong(4096)
        returned = module.call(direction, session, data, len(data), out, byref(size))
        return returned, out.raw[:size.value].hex() if returned == "OK" else ""

    for group in asked:
        if group["kind"] == "aes":
            handle = module.find(session, label=group["name"], of_class=cryptoki.SECRET_KEY)[0]
            for test in group["tests"]:
                made = cipher("Encrypt", handle, group["mode"], test, bytes.fromhex(test["msg"]))
                answers.append([*cipher("Decrypt", handle, group["mode"], test, bytes.fromhex(test["ct"])), *made])
            continue
        handle = key(group["name"])
        for test in group["tests"]:
            if group["kind"] == "ecdh":
                returned, made = module.derive(session, handle, bytes.fromhex(test["public"]))
                got = module.attribute(session, made, cryptoki.VALUE) if returned == "OK" else b""
                if made:
                    module.must("DestroyObject", session, made)
            else:
                mechanism = (OAEP, oaep(group["hash"], bytes.fromhex(test["label"]))) if group["kind"] == "oaep" else (cryptoki.RSA_PKCS, None)
                returned, got = module.decrypt(session, handle, mechanism[0], bytes.fromhex(test["ct"]), mechanism[1])
            answers.append([returned, got.hex()])
    print(json.dumps(answers))


def pkcs8_of(curve, private):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    return ec.derive_private_key(int(private, 16), curves[curve]).private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                                                              serialization.NoEncryption())


def main():
    from harness import ROOT, Tap, give_to_owner
    from unix_programs import MODULE, USER, Host

    rule = f"""
[[rule]]
name = "the-user-opens"
roles = ["unix:{USER}"]
keys = ["glob:wp-*"]
actions = ["encrypt", "decrypt", "derive"]
result = "value"
"""
    vectors = json.loads((ROOT / "tests" / "vectors" / "wycheproof.json").read_text())
    python = pathlib.Path(sys.executable).resolve()
    with Tap() as tap, Host(python) as host:
        host.key_server.apply_policy(host.policy + rule)
        groups = []
        for kind in ("oaep", "pkcs1", "ecdh"):
            for number, group in enumerate(vectors[kind]):
                name = f"wp-{kind}-{number}"
                file = host.path / f"{name}.der"
                file.write_bytes(pkcs8_of(group["curve"], group["private"]) if kind == "ecdh" else bytes.fromhex(group["private"]))
                file.chmod(0o600)
                give_to_owner(file)
                type_ = "ecdh-" + group["curve"].lower().replace("-", "") if kind == "ecdh" else "rsa-decrypt-2048"
                host.key_server.must("key", "import", name, "--type", type_, "--from", file)
                if kind == "pkcs1":
                    host.key_server.must("key", "set", name, "--allow-algorithm", "rsa-pkcs1")
                groups.append({"kind": kind, "name": name, "hash": group.get("hash"), "tests": group["tests"]})
        names = {}  # of two modes some keys are the same, and a key server takes a secret once
        for group in vectors["aes"]:
            name = names.get(group["private"])
            if not name:
                name = names[group["private"]] = f"wp-aes-{len(names)}"
                file = host.file(f"{name}.hex", group["private"])
                file.chmod(0o600)
                host.key_server.must("key", "import", name, "--type", "aes-256-raw", "--encoding", "hex", "--from", file)
                host.key_server.must("key", "set", name, *[word for mode in MODES for word in ("--allow-algorithm", mode)])
            groups.append({"kind": "aes", "name": name, "mode": group["mode"], "tests": group["tests"]})
        work = host.file("work.json", json.dumps(groups))
        asked = host.run(python, "-B", pathlib.Path(__file__).resolve(), "ask", MODULE, work, seconds=300)
        if asked.returncode != 0:
            tap.ok(False, "the asker ends", asked.stdout[-2000:], asked.stderr[-2000:])
            return
        answers = iter(json.loads(asked.stdout))
        wrong, counted, substitutes = [], collections.Counter(), []
        for group in groups:
            for test in group["tests"]:
                returned, got, *made = next(answers)
                if group["kind"] == "aes":
                    # An IV of 257 bytes is more than a key server takes; a key of 8 bytes is none that RFC 3394 wraps.
                    is_valid = test["result"] == "valid" and len(test["iv"]) <= 256
                    good = [returned, got, *made] == ["OK", test["msg"], "OK", test["ct"]] if is_valid else returned in REFUSED + ("MECHANISM_PARAM_INVALID",)
                    counted[group["mode"], "valid" if is_valid else "invalid"] += 1
                    if not good:
                        wrong.append((group["mode"], group["name"], test["id"], test["flags"], test["result"], returned, got, *made))
                    continue
                kind, result = group["kind"], test["result"]
                if result == "valid":
                    good = returned == "OK" and got == test["shared" if kind == "ecdh" else "msg"]
                elif kind == "ecdh":  # the one that is "acceptable" is a compressed point
                    good = returned == "MECHANISM_PARAM_INVALID"
                elif kind == "oaep" or "InvalidPkcs1Padding" not in test["flags"]:
                    good = returned in REFUSED
                else:  # implicit rejection: a message, and not what was in the padding
                    good = returned == "OK" and got != (test["msg"] or None)
                    substitutes.append(got)
                counted[kind, result] += 1
                if not good:
                    wrong.append((kind, group["name"], test["id"], test["flags"], result, returned, got))
        for kind, what in (("oaep", "RSA-OAEP"), ("pkcs1", "PKCS #1 v1.5"), ("ecdh", "ECDH"), ("aes-gcm", "AES-GCM"), ("aes-cbc-pad", "AES-CBC with padding"), ("aes-kw", "AES-KW")):
            of_kind = [each for each in wrong if each[0] == kind]
            tap.ok(not of_kind, f"{what}: {counted[kind, 'valid']} valid vectors open, {counted[kind, 'invalid'] + counted[kind, 'acceptable']} others do not", *of_kind[:10])
        tap.ok(counted["oaep", "valid"] >= 80 and counted["oaep", "invalid"] >= 60 and counted["ecdh", "valid"] >= 90 and counted["ecdh", "invalid"] >= 30
               and len(substitutes) >= 10 and all(counted[mode, result] >= 12 for mode in MODES for result in ("valid", "invalid")), "they are as many as were chosen", dict(counted))
        tap.ok(len({len(each) for each in substitutes}) > 4, "what takes the place of a message has any length", substitutes)


if __name__ == "__main__":
    ask(*sys.argv[2:]) if sys.argv[1:2] == ["ask"] else main()
