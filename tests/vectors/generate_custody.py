#!/usr/bin/python3
"""Writes custody.txt: whole custody files, the cards that open them, and everything in between (docs/spec/custody.md).

    /usr/bin/python3 tests/vectors/generate_custody.py > tests/vectors/custody.txt

Signatures, OAEP and keys are drawn anew by each run.
"""
import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

GROUP_KEY, CHECK_KEY, AUTHORITY, AUDIT, BINDING, LEDGER_KEY, SO_PIN = range(1, 8)
SHA256, SHA1 = 1, 2
HASHES = {SHA256: hashes.SHA256(), SHA1: hashes.SHA1()}


def text(value):
    return struct.pack(">H", len(value)) + value


def spki(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def pkcs8(key):
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def multiply(a, b):
    product = 0
    for bit in range(8):
        product ^= (a << bit) * (b >> bit & 1)
    for bit in range(14, 7, -1):
        product ^= (0x11B << bit - 8) * (product >> bit & 1)
    return product


def shares_of(secret, k, n):
    polynomials = [[byte, *os.urandom(k - 1)] for byte in secret]
    for x in range(1, n + 1):
        share = bytearray()
        for polynomial in polynomials:
            value = 0
            for coefficient in reversed(polynomial):
                value = multiply(value, x) ^ coefficient
            share.append(value)
        yield x, bytes(share)


def main():
    print("# Custody files and what opens them. Written by generate_custody.py; do not edit.\n")
    for k, n, sealing, so_pin in ((2, 3, SHA256, b"8a2f0c"), (1, 1, SHA1, None), (3, 3, SHA1, None)):
        group, generation, made_at_s = os.urandom(16), 7 if k == 2 else 1, 1796018400
        secret, check = os.urandom(32), os.urandom(32)
        vector = {"k": k, "n": n, "group": group, "generation": generation, "made_at_s": made_at_s, "secret": secret,
                  "check": check}
        pairs = {kind: ec.generate_private_key(ec.SECP256R1()) for kind in (AUTHORITY, AUDIT, BINDING)}
        kept = {GROUP_KEY: os.urandom(32), CHECK_KEY: os.urandom(32), LEDGER_KEY: os.urandom(32), **{kind: pkcs8(key) for kind, key in pairs.items()}}
        if so_pin:
            kept[SO_PIN] = so_pin

        body = b"NAE custody\n\x01" + group + struct.pack(">IQBB", generation, made_at_s, k, n) + check + bytes([len(kept)])
        for kind, material in sorted(kept.items()):
            wrapping = hmac.digest(secret, b"NAE custody wrap 1" + group + struct.pack(">IB", generation, kind), "sha256")
            public = spki(pairs[kind]) if kind in pairs else b""
            body += bytes([kind]) + text(public) + text(aes_key_wrap_with_padding(wrapping, material))
            vector |= {f"wrapping{kind}": wrapping, f"material{kind}": material}
        for x, share in shares_of(secret, k, n):
            card = rsa.generate_private_key(65537, 2048)
            salt = os.urandom(16)
            commitment = hashlib.sha256(
                b"NAE custody share 1" + group + struct.pack(">I", generation) + salt + bytes([x]) + share).digest()
            plaintext = b"\x01" + group + struct.pack(">IB", generation, x) + share
            sealed = card.public_key().encrypt(plaintext, padding.OAEP(padding.MGF1(HASHES[sealing]), HASHES[sealing], None))
            body += text(f"holder-{x}".encode()) + bytes([sealing]) + hashlib.sha256(spki(card)).digest() + salt + commitment
            body += text(sealed)
            passphrase = f"passphrase {x}".encode()
            vector |= {f"passphrase{x}": passphrase, f"plaintext{x}": plaintext, f"card{x}": card.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(passphrase))}
        vector["file"] = body + text(pairs[AUDIT].sign(body, ec.ECDSA(hashes.SHA256())))
        print(f"[{k} of {n}]")
        for name, value in vector.items():
            print(f"{name} = {value if isinstance(value, int) else value.hex()}")
        print()


main()
