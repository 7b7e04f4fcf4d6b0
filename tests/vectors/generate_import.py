#!/usr/bin/python3
"""Writes import.txt: AES-KWP (RFC 5649) under transport keys of each length that docs/spec/import.md takes.

    /usr/bin/python3 tests/vectors/generate_import.py > tests/vectors/import.txt
"""

from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

MATERIAL = {"aes-256-gcm": bytes(range(32)), "hmac-sha-256-raw": bytes(range(45))}


def main():
    print("# The second part of what is sent to be imported. Written by generate_import.py; do not edit.\n")
    for size in (16, 24, 32):
        transport_key = bytes(range(0xA0, 0xA0 + size))
        for kind, material in MATERIAL.items():
            wrapped = aes_key_wrap_with_padding(transport_key, material)
            print(f"[{kind}]\ntransport_key = {transport_key.hex()}\nmaterial = {material.hex()}\nwrapped = {wrapped.hex()}\n")


main()
