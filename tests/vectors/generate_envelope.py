#!/usr/bin/python3
"""Writes envelope.txt: the vectors of docs/spec/envelope.md, intermediate values included.

Independent of the C++ code: written from the specification, on python3-cryptography. S2V is spelt
out here from AES-CMAC and compared with that library's AES-SIV where it can compute it.

    /usr/bin/python3 tests/vectors/generate_envelope.py > tests/vectors/envelope.txt
"""

import struct

from cryptography.hazmat.primitives import cmac, hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode

KEY = bytes(range(32))  # stands in for the key version that never leaves the HSM
KEY_ID = bytes.fromhex("a0b1c2d3e4f5")
SALT = bytes.fromhex("0102030405060708090a0b0c")
NO_SALT = bytes(12)
LEASE_SALT = bytes.fromhex("5152535455")
LEASE = bytes.fromhex("6162636465666768")
PLAINTEXTS = [b"", b"4", b"fifteen bytes!!", b"sixteen bytes!!!", b"4111 1111 1111 1111", bytes(range(256)) * 5]
AADS = [b"", b"customer/42", b"x" * 600]


def hmac_sha256(key, data):
    h = hmac.HMAC(key, hashes.SHA256())
    h.update(data)
    return h.finalize()


def fields(section, **values):
    print(f"[{section}]")
    for name, value in values.items():
        print(f"{name} = {value if isinstance(value, int) else value.hex()}".rstrip())
    print()


def derive(label, version, salt, size):
    """SP 800-108 counter mode; answers the inputs of each block and the key."""
    context = KEY_ID + struct.pack(">H", version) + salt
    inputs = [
        struct.pack(">I", i + 1) + label + b"\0" + context + struct.pack(">I", size * 8)
        for i in range(size // 32)
    ]
    key = b"".join(hmac_sha256(KEY, block) for block in inputs)
    library = KBKDFHMAC(
        algorithm=hashes.SHA256(), mode=Mode.CounterMode, length=size, rlen=4, llen=4,
        location=CounterLocation.BeforeFixed, label=label, context=context, fixed=None,
    ).derive(KEY)
    assert key == library
    return inputs, key


def kdf_vector(label, version, salt, size):
    inputs, key = derive(label, version, salt, size)
    fields("kdf", key=KEY, label=label, key_id=KEY_ID, version=version, salt=salt, key_bytes=size,
           **{f"input_{i + 1}": block for i, block in enumerate(inputs)}, working_key=key)
    return key


def gcm_vector(version, counter, aad, plaintext):
    _, key = derive(b"nae/1 aes-256-gcm", version, SALT, 32)
    header = b"\xa1" + KEY_ID + struct.pack(">H", version) + SALT + struct.pack(">I", counter)
    nonce = bytes(8) + struct.pack(">I", counter)
    sealed = AESGCM(key).encrypt(nonce, plaintext, header + aad)
    fields("gcm", key_id=KEY_ID, version=version, salt=SALT, counter=counter, aad=aad,
           plaintext=plaintext, working_key=key, nonce=nonce, header=header,
           envelope=header + sealed)


def lease_gcm_vector(version, lease, counter, aad, plaintext):
    salt = LEASE_SALT + bytes(7)
    inputs, key = derive(b"nae/2 aes-256-gcm", version, salt, 32)
    header = (b"\xa4" + KEY_ID + struct.pack(">H", version) + LEASE_SALT + lease
              + struct.pack(">I", counter)[1:])
    nonce = lease + struct.pack(">I", counter)
    sealed = AESGCM(key).encrypt(nonce, plaintext, header + aad)
    fields("gcm-lease", key=KEY, key_id=KEY_ID, version=version, salt=salt, lease=lease,
           counter=counter, aad=aad, plaintext=plaintext, input_1=inputs[0], working_key=key,
           nonce=nonce, header=header, envelope=header + sealed)


def hsm_gcm_vector(version, nonce, aad, plaintext):
    header = b"\xa3" + KEY_ID + struct.pack(">H", version) + nonce
    sealed = AESGCM(KEY).encrypt(nonce, plaintext, header + aad)
    fields("hsm-gcm", key=KEY, key_id=KEY_ID, version=version, nonce=nonce, aad=aad,
           plaintext=plaintext, header=header, envelope=header + sealed)


def hsm_mac_vectors(version, data):
    header = KEY_ID + struct.pack(">H", version)
    context = b"\0" + header + NO_SALT
    code_input = bytes(4) + b"nae/1 hmac-sha-256" + context + data
    index_input = bytes(4) + b"nae/1 blind-index" + context + data
    fields("raw-mac", key=KEY, key_id=KEY_ID, version=version, data=data,
           token=b"\xb2" + header + hmac_sha256(KEY, data))
    fields("hsm-mac", key=KEY, key_id=KEY_ID, version=version, data=data, input=code_input,
           token=b"\xb3" + header + hmac_sha256(KEY, code_input))
    fields("hsm-blind-index", key=KEY, key_id=KEY_ID, version=version, data=data,
           input=index_input, index=hmac_sha256(KEY, index_input)[:16])


def aes_cmac(key, data):
    c = cmac.CMAC(algorithms.AES(key))
    c.update(data)
    return c.finalize()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def doubled(block):
    number = int.from_bytes(block, "big") << 1
    if number >> 128:
        number = (number & ((1 << 128) - 1)) ^ 0x87
    return number.to_bytes(16, "big")


def sealed_siv(version, aad, plaintext):
    """The working key, S2V's last intermediate values and the envelope."""
    _, key = derive(b"nae/1 aes-256-siv", version, NO_SALT, 64)
    header = b"\xa2" + KEY_ID + struct.pack(">H", version)
    strings = [header] + ([aad] if aad else [])
    d = aes_cmac(key[:32], bytes(16))
    for string in strings:
        d = xor(doubled(d), aes_cmac(key[:32], string))
    if len(plaintext) >= 16:
        t = plaintext[:-16] + xor(plaintext[-16:], d)
    else:
        t = xor(doubled(d), plaintext + b"\x80" + bytes(15 - len(plaintext)))
    v = aes_cmac(key[:32], t)
    q = (int.from_bytes(v, "big") & ~(1 << 63) & ~(1 << 31)).to_bytes(16, "big")
    stream = Cipher(algorithms.AES(key[32:]), modes.CTR(q)).encryptor()
    ciphertext = stream.update(plaintext)
    if plaintext:
        assert AESSIV(key).encrypt(plaintext, strings) == v + ciphertext
    return {"working_key": key, "header": header, "d": d, "siv": v, "q": q,
            "envelope": header + v + ciphertext}


def siv_vector(version, aad, plaintext):
    fields("siv", key_id=KEY_ID, version=version, aad=aad, plaintext=plaintext,
           **sealed_siv(version, aad, plaintext))


def main():
    print("# Vectors of docs/spec/envelope.md. Written by generate_envelope.py; do not edit.")
    print("# Values are hexadecimal; version, counter and key_bytes are decimal.\n")
    kdf_vector(b"nae/1 aes-256-gcm", 1, SALT, 32)
    kdf_vector(b"nae/1 aes-256-siv", 1, NO_SALT, 64)
    mac_key = kdf_vector(b"nae/1 hmac-sha-256", 1, NO_SALT, 32)
    index_key = kdf_vector(b"nae/1 blind-index", 1, NO_SALT, 32)
    kdf_vector(b"nae/1 aes-256-gcm", 65535, SALT, 32)
    for aad in AADS:
        for plaintext in PLAINTEXTS:
            gcm_vector(1, 7, aad, plaintext)
            siv_vector(1, aad, plaintext)
    gcm_vector(65535, 2**32 - 1, b"", b"last counter")
    for data in PLAINTEXTS:
        fields("mac", key_id=KEY_ID, version=1, data=data, working_key=mac_key,
               token=b"\xb1" + KEY_ID + b"\0\x01" + hmac_sha256(mac_key, data))
        fields("blind-index", data=data, working_key=index_key,
               index=hmac_sha256(index_key, data)[:16])
    for aad in AADS:
        for plaintext in PLAINTEXTS:
            hsm_gcm_vector(1, SALT, aad, plaintext)
    hsm_gcm_vector(65535, b"\xff" * 12, b"", b"last nonce")
    for data in PLAINTEXTS:
        hsm_mac_vectors(1, data)
    for aad in AADS:
        for plaintext in PLAINTEXTS:
            lease_gcm_vector(1, LEASE, 7, aad, plaintext)
    lease_gcm_vector(65535, bytes(8), 2**24 - 1, b"", b"last counter")


if __name__ == "__main__":
    main()
