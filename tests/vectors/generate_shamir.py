#!/usr/bin/env python3
"""Writes shamir.txt: secrets, the polynomials that hide them, and their shares, by the reference implementation of
SLIP-39 (https://github.com/trezor/python-shamir-mnemonic, 0.3.0), which shares over the same field.

    PYTHONPATH=CHECKOUT python3 tests/vectors/generate_shamir.py > tests/vectors/shamir.txt

The reference puts the secret at x = 255 and starts from shares; we put it at 0. So k - 1 shares are chosen here, the
reference's interpolation gives the others, and the coefficients are read off by dividing differences.
"""
import hashlib

from shamir_mnemonic.shamir import RawShare, _interpolate


def drawn(label, size):
    return hashlib.shake_256(label.encode()).digest(size)


def multiply(a, b):
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11B << bit - 8
    return product


def evaluate(coefficients, x):
    value = 0
    for coefficient in reversed(coefficients):
        value = multiply(value, x) ^ coefficient
    return value


def coefficients_of(points):
    """Of the polynomial through points (x, y), the constant first: Newton's form, multiplied out."""
    inverse = {a: next(b for b in range(1, 256) if multiply(a, b) == 1) for a in range(1, 256)}
    result, basis = [0] * len(points), [1]
    for x, y in points:
        factor = multiply(y ^ evaluate(result, x), inverse[evaluate(basis, x)])
        for i, b in enumerate(basis):
            result[i] ^= multiply(factor, b)
        basis = [(multiply(basis[i], x) if i < len(basis) else 0) ^ (basis[i - 1] if i else 0)
                 for i in range(len(basis) + 1)]
    return result


def main():
    print("# Shamir's secret sharing over GF(256), polynomial 0x11B. Written by generate_shamir.py; do not edit.\n")
    for k, n, size in ((2, 2, 1), (2, 3, 32), (3, 5, 32), (5, 5, 16), (4, 7, 33), (7, 9, 32)):
        name = f"{k} of {n}, {size} bytes"
        secret = drawn("secret " + name, size)
        known = [RawShare(0, secret)] + [RawShare(x, drawn(f"share {x} {name}", size)) for x in range(1, k)]
        shares = {x: _interpolate(known, x) for x in range(1, n + 1)}
        polynomials = [coefficients_of([(s.x, s.data[i]) for s in known]) for i in range(size)]
        for x, share in shares.items():
            assert bytes(evaluate(p, x) for p in polynomials) == share
        print(f"[{name}]\nk = {k}\nn = {n}\nsecret = {secret.hex()}")
        print("coefficients = " + bytes(p[d] for d in range(1, k) for p in polynomials).hex())
        print("".join(f"y{x} = {share.hex()}\n" for x, share in shares.items()))


main()
