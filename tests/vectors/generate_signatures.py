#!/usr/bin/python3
"""Writes signatures.txt: signatures by fresh keys of another implementation, python3-cryptography.

Every run makes other keys; the private ones are thrown away. Run it only to add a scheme.

    /usr/bin/python3 tests/vectors/generate_signatures.py > tests/vectors/signatures.txt
"""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MESSAGES = [b"", b"a contract", bytes(range(256)) * 3]


def write(scheme, key, signature, message):
    print("[signature]")
    print(f"scheme = {scheme.encode().hex()}")
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    print(f"public_key = {der.hex()}")
    print(f"message = {message.hex()}".rstrip())
    print(f"signature = {signature.hex()}\n")


def main():
    print("# Written by generate_signatures.py; do not edit. Values are hexadecimal.\n")
    rsa_keys = [rsa.generate_private_key(65537, bits) for bits in (2048, 3072, 4096)]
    sizes = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(),
             "sha512": hashes.SHA512()}
    for number, (name, hash_) in enumerate(sizes.items()):
        key = rsa_keys[number % 3]
        for message in MESSAGES:
            signature = key.sign(message, padding.PKCS1v15(), hash_)
            write(f"rsa-pkcs1-{name}", key, signature, message)
            if name != "sha1":
                pss = padding.PSS(padding.MGF1(hash_), padding.PSS.DIGEST_LENGTH)
                write(f"rsa-pss-{name}", key, key.sign(message, pss, hash_), message)
    p256, p384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
    edwards = ed25519.Ed25519PrivateKey.generate()
    for message in MESSAGES:
        write("ecdsa-p256-sha256", p256, p256.sign(message, ec.ECDSA(hashes.SHA256())), message)
        write("ecdsa-p384-sha384", p384, p384.sign(message, ec.ECDSA(hashes.SHA384())), message)
        write("ed25519", edwards, edwards.sign(message), message)
    # Must be refused: the right key and message, but a salt shorter than the digest.
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 20)
    print("# A PSS salt that is not as long as the digest: refused.\n")
    short = rsa_keys[0].sign(MESSAGES[1], pss, hashes.SHA256())
    print("[short-salt]")
    der = rsa_keys[0].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    print(f"public_key = {der.hex()}\nmessage = {MESSAGES[1].hex()}\nsignature = {short.hex()}\n")
    print("# Keys of types that are not ours: refused.\n")
    for other in (rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256K1())):
        der = other.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        print(f"[unsupported]\npublic_key = {der.hex()}\n")


main()
