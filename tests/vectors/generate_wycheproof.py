#!/usr/bin/python3
"""Writes wycheproof.json: vectors of Project Wycheproof (github.com/C2SP/wycheproof, Apache-2.0) that keys of a PKCS#11 module can be asked with.
Given a clone of it; takes what is of RSA-2048 and the curves that are served, of one private key many vectors, and of AES-256.

    tests/vectors/generate_wycheproof.py CLONE > tests/vectors/wycheproof.json
"""
import collections
import json
import subprocess
import sys

OF_A_KIND = 12  # vectors of one private key that say the same
AES = {"aes-gcm": "aes_gcm", "aes-cbc-pad": "aes_cbc_pkcs5", "aes-kw": "aes_wrap"}
CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def git(*words):
    return subprocess.run(["git", "-C", sys.argv[1], *words], check=True, capture_output=True, text=True).stdout


def groups(name):
    return json.loads(git("show", f"HEAD:testvectors_v1/{name}_test.json"))["testGroups"]


def chosen(tests, fields):
    """Some of each kind; the flags say the kind."""
    seen = collections.Counter()
    for test in tests:
        kind = (test["result"], *test["flags"])
        seen[kind] += 1
        if seen[kind] <= OF_A_KIND:
            yield {"id": test["tcId"], "result": test["result"], "flags": test["flags"], **{field: test[field] for field in fields}}


def main():
    kept = {"origin": "https://github.com/C2SP/wycheproof", "commit": git("rev-parse", "HEAD").strip(), "licence": "Apache-2.0",
            "note": "Selected by generate_wycheproof.py; do not edit.", "oaep": [], "pkcs1": [], "ecdh": []}
    for name in ("sha1", "sha224", "sha256", "sha384", "sha512"):
        group = groups(f"rsa_oaep_2048_{name}_mgf1{name}")[0]
        kept["oaep"].append({"hash": name, "private": group["privateKeyPkcs8"], "tests": list(chosen(group["tests"], ("msg", "ct", "label")))})
    group = groups("rsa_pkcs1_2048")[0]
    kept["pkcs1"].append({"private": group["privateKeyPkcs8"], "tests": list(chosen(group["tests"], ("msg", "ct")))})
    for file, curve in CURVES.items():
        of_key = collections.defaultdict(list)
        for test in groups(f"ecdh_{file}_ecpoint")[0]["tests"]:
            of_key[test["private"]].append(test)
        for private, tests in of_key.items():
            if len(tests) > 1:
                kept["ecdh"].append({"curve": curve, "private": private, "tests": list(chosen(tests, ("public", "shared")))})
    kept["aes"] = []
    for mode, name in AES.items():
        tests = [{"tcId": test["tcId"], "result": test["result"], "flags": test["flags"], "key": test["key"], "iv": test.get("iv", ""),
                  "aad": test.get("aad", ""), "msg": test["msg"], "ct": test["ct"] + test.get("tag", "")}
                 for group in groups(name) if group["keySize"] == 256 and group.get("tagSize", 128) == 128 for test in group["tests"]
                 if len(set(bytes.fromhex(test["key"]))) > 1]  # one byte repeated is a key that nobody drew
        of_key = collections.defaultdict(list)
        for test in chosen(tests, ("key", "iv", "aad", "msg", "ct")):
            of_key[test.pop("key")].append(test)
        kept["aes"] += [{"mode": mode, "private": key, "tests": tests} for key, tests in of_key.items()]
    print(json.dumps(kept, indent=1))


main()
