#!/usr/bin/env python3
"""Writes rsa_decryption.txt: RSA ciphertexts by another implementation, python3-cryptography on OpenSSL 3.2 or later, whose
answers to what is no PKCS #1 v1.5 message are those of implicit rejection.

Every run makes other keys, which are for nothing else. Run it only to add a scheme.

    python3 tests/vectors/generate_rsa_decryption.py > tests/vectors/rsa_decryption.txt
"""
import os

from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

HASHES = {"sha1": hashes.SHA1(), "sha224": hashes.SHA224(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


def write(section, **values):
    print(f"[{section}]")
    for name, value in values.items():
        text = value.hex() if isinstance(value, bytes) else value
        print(f"{name} = {text}".rstrip())
    print()


def encrypted(key, encoded):
    numbers = key.public_key().public_numbers()
    return pow(int.from_bytes(encoded, "big"), numbers.e, numbers.n).to_bytes(key.key_size // 8, "big")


def main():
    version = backend.openssl_version_text()
    assert tuple(map(int, version.split()[1].split(".")[:2])) >= (3, 2), version
    print("# Written by generate_rsa_decryption.py; do not edit. Values are hexadecimal.")
    print("# Keys are PKCS#8 of throw-away keys, numbered in their order.\n")
    for index, bits in enumerate((2048, 3072)):
        key = rsa.generate_private_key(65537, bits)
        private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        number = bytes([index])
        write("key", private_key=private)
        size = bits // 8
        for name, hash_ in HASHES.items():
            most = size - 2 * hash_.digest_size - 2
            for label, message in ((b"", b"a message"), (b"a label", b""), (b"", os.urandom(most))):
                oaep = padding.OAEP(padding.MGF1(hash_), hash_, label or None)
                write("oaep", hash=f"{name}".encode(), key=number, label=label, ciphertext=key.public_key().encrypt(message, oaep), message=message)
        for message in (b"", b"a message", os.urandom(size - 11)):
            ciphertext = key.public_key().encrypt(message, padding.PKCS1v15())
            write("pkcs1", key=number, ciphertext=ciphertext, message=message)
        filler = bytes(1 + byte % 255 for byte in os.urandom(size))
        forged = {"another first byte": b"\x01\x02" + filler[:size - 6] + b"\x00abc", "another type": b"\x00\x01" + filler[:size - 6] + b"\x00abc",
                  "no end": b"\x00\x02" + filler[:size - 2], "seven bytes of padding": b"\x00\x02" + filler[:7] + b"\x00" + filler[:size - 10],
                  "no padding": b"\x00\x02\x00" + filler[:size - 3], "zero": bytes(size), "an end at once": b"\x00\x00" + filler[:size - 2]}
        for name, encoded in forged.items():
            if encoded[0] and int.from_bytes(encoded, "big") >= key.public_key().public_numbers().n:
                continue
            ciphertext = encrypted(key, encoded)
            write("pkcs1", key=number, ciphertext=ciphertext, message=key.decrypt(ciphertext, padding.PKCS1v15()), forged=name.encode())
        for _ in range(24):
            ciphertext = encrypted(key, b"\x00\x03" + os.urandom(size - 2))
            write("pkcs1", key=number, ciphertext=ciphertext, message=key.decrypt(ciphertext, padding.PKCS1v15()), forged=b"random")


main()
