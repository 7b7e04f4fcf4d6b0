#!/usr/bin/env python3
"""Writes aes_modes.txt: AES-256 by the modes of aes-256-raw keys. The published ones are NIST SP 800-38A (F.2.5, F.5.5), the
test cases 13 to 18 of McGrew and Viega's GCM that SP 800-38D goes with, and RFC 3394 (4.3, 4.5, 4.6); python3-cryptography,
which is another implementation, computes each anew, and some more: paddings, IVs of other lengths, counters that carry.

    python3 tests/vectors/generate_aes_modes.py > tests/vectors/aes_modes.txt
"""
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

SP800_38A = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
MESSAGE = ("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
           "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
GCM = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
GCM_MESSAGE = ("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
               "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")
GCM_AAD = "feedfacedeadbeeffeedfacedeadbeefabaddad2"
LONG_IV = ("9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728"
           "c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b")
WRAP = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

# mode, key, IV, associated data, plaintext, and the ciphertext where it is published
PUBLISHED = [
    ("aes-cbc", SP800_38A, "000102030405060708090a0b0c0d0e0f", "", MESSAGE,
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
     "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"),
    ("aes-ctr", SP800_38A, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "", MESSAGE,
     "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
     "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"),
    ("aes-gcm", "00" * 32, "00" * 12, "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
    ("aes-gcm", "00" * 32, "00" * 12, "", "00" * 16, "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
    ("aes-gcm", GCM, "cafebabefacedbaddecaf888", "", GCM_MESSAGE + "1aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad" "b094dac5d93471bdec1a502270e3cc6c"),
    ("aes-gcm", GCM, "cafebabefacedbaddecaf888", GCM_AAD, GCM_MESSAGE,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" "76fc6ece0f4e1768cddf8853bb2d551b"),
    ("aes-gcm", GCM, "cafebabefacedbad", GCM_AAD, GCM_MESSAGE,
     "c3762df1ca787d32ae47c13bf19844cbaf1ae14d0b976afac52ff7d79bba9de0"
     "feb582d33934a4f0954cc2363bc73f7862ac430e64abe499f47c9b1f" "3a337dbf46a792c45e454913fe2ea8f2"),
    ("aes-gcm", GCM, LONG_IV, GCM_AAD, GCM_MESSAGE,
     "5a8def2f0c9e53f1f75d7853659e2a20eeb2b22aafde6419a058ab4f6f746bf4"
     "0fc0c3b780f244452da3ebf1c5d82cdea2418997200ef82e44ae7e3f" "a44a8266ee1c8eb0c8b5d4cf5ae9f19a"),
    ("aes-kw", WRAP, "", "", "00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
    ("aes-kw", WRAP, "", "", "00112233445566778899aabbccddeeff0001020304050607", "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"),
    ("aes-kw", WRAP, "", "", "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
     "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"),
]
MORE = ([("aes-cbc-pad", SP800_38A, "0f" * 16, "", "5a" * size, None) for size in (0, 1, 15, 16, 17, 31, 32, 100)]
        + [("aes-gcm", WRAP, "a5" * size, "61", "5a" * 33, None) for size in (8, 11, 13, 16, 17, 64, 128)]
        + [("aes-ctr", WRAP, "00" * 8 + "ff" * 8, "", "5a" * 50, None), ("aes-ctr", WRAP, "ff" * 15 + "fe", "", "5a" * 32, None), ("aes-ctr", WRAP, "ff" * 16, "", "5a", None)]
        + [("aes-cbc", WRAP, "ff" * 16, "", "", None), ("aes-ctr", WRAP, "ff" * 16, "", "", None)]
        + [("aes-kw", GCM, "", "", "5a" * 8192, None)])


def computed(mode, key, iv, aad, plaintext):
    if mode == "aes-kw":
        return aes_key_wrap(key, plaintext)
    made = {"aes-cbc": modes.CBC, "aes-cbc-pad": modes.CBC, "aes-ctr": modes.CTR, "aes-gcm": modes.GCM}[mode](iv)
    if mode == "aes-cbc-pad":
        padder = padding.PKCS7(128).padder()
        plaintext = padder.update(plaintext) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), made).encryptor()
    if aad:
        encryptor.authenticate_additional_data(aad)
    out = encryptor.update(plaintext) + encryptor.finalize()
    return out + encryptor.tag if mode == "aes-gcm" else out


def main():
    print("# Written by generate_aes_modes.py; do not edit. Values are hexadecimal, but for the mode.")
    for mode, key, iv, aad, plaintext, published in PUBLISHED + MORE:
        made = computed(mode, *(bytes.fromhex(each) for each in (key, iv, aad, plaintext))).hex()
        assert published in (None, made), (mode, key, iv, published, made)
        print("\n[published]" if published else "\n[computed]")
        for name, value in {"mode": mode, "key": key, "iv": iv, "aad": aad, "plaintext": plaintext, "ciphertext": made}.items():
            print(f"{name} = {value}".rstrip())


if __name__ == "__main__":
    main()
