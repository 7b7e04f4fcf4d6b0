#!/usr/bin/python3
"""Writes tokens.txt: published JSON Web Signatures, and tokens by fresh keys of python3-jwt and
python3-cryptography, good and bad ones. The keys of every run are thrown away.

    /usr/bin/python3 tests/vectors/generate_tokens.py > tests/vectors/tokens.txt
"""
import base64
import hashlib
import hmac
import json

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NOW = 1_800_000_000
ISSUER, AUDIENCE = "https://id.example/realms/shop", "nae"
BEST = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u-4711", "iat": NOW - 10, "exp": NOW + 300}
MAX_TOKEN_BYTES = 8192

# RFC 7515 appendices A.2 and A.3, RFC 8037 appendix A.4.
PAYLOAD_7515 = ("eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ")
MODULUS = ("ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ"
           "S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2Ca"
           "pHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h"
           "4FRWyuXpoQ")
PUBLISHED = [
    ("RFC 7515 A.2", {"kty": "RSA", "n": MODULUS, "e": "AQAB"}, "eyJhbGciOiJSUzI1NiJ9", PAYLOAD_7515,
     "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1"
     "dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDw"
     "usC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"),
    ("RFC 7515 A.3", {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                      "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}, "eyJhbGciOiJFUzI1NiJ9", PAYLOAD_7515,
     "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"),
    ("RFC 8037 A.4", {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
     "eyJhbGciOiJFZERTQSJ9", "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"),
]

KEYS = {"RS256": rsa.generate_private_key(65537, 2048), "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate()}
STRANGER = ed25519.Ed25519PrivateKey.generate()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def spki(key):
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def raw_signature(algorithm, data, key):
    if algorithm == "EdDSA":
        return key.sign(data)
    if algorithm == "ES256":
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def signed(header, payload, algorithm="EdDSA", key=None):
    """Any bytes as header and payload, under a good signature over them."""
    text = f"{b64(header)}.{b64(payload)}"
    return f"{text}.{b64(raw_signature(algorithm, text.encode(), key or KEYS[algorithm]))}"


def token(changes={}, header={}, without=(), algorithm="EdDSA", key=None):
    claims = {k: v for k, v in {**BEST, **changes}.items() if k not in without}
    return jwt.encode(claims, key or KEYS[algorithm], algorithm=algorithm, headers=header)


def odd(header=b'{"alg":"EdDSA"}', payload=json.dumps(BEST).encode(), algorithm="EdDSA", key=None):
    return signed(header, payload, algorithm, key)


def of_size(size):
    """A good token of exactly so many bytes: first about, then by the length of the payload."""
    for filler in range(size * 3 // 4 - 400, size):
        candidate = token({"filler": "x" * filler})
        if len(candidate) >= size:
            return candidate
    raise AssertionError


def write(section, **values):
    print(f"[{section}]")
    for name, value in values.items():
        print(f"{name} = {value}".rstrip())
    print()


def good():
    yield "rs256", token(algorithm="RS256")
    yield "es256", token(algorithm="ES256")
    yield "eddsa", token()
    yield "audience in a list", token({"aud": ["other", AUDIENCE]})
    yield "type of an access token", token(header={"typ": "at+jwt"})
    yield "type as a media type", token(header={"typ": "application/JWT"})
    yield "no type", odd()
    yield "unknown header members", token(header={"x5t": "abc", "kid": "who knows", "private": {"a": [1]}})
    yield "date with a fraction", token({"exp": NOW + 0.5})
    yield "longest subject", token({"sub": "s" * 255})
    yield "longest token", of_size(MAX_TOKEN_BYTES)
    yield "white space in JSON", odd(b' {"alg":\t"EdDSA"}\n', json.dumps(BEST, indent=2).encode())


def bad():
    best = json.dumps(BEST).encode()
    pem = KEYS["RS256"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    none = f'{b64(json.dumps({"alg": "none"}).encode())}.{b64(best)}.'
    yield "algorithm none", none
    yield "algorithm none, signed", odd(b'{"alg":"none"}')
    yield "algorithm in other case", odd(b'{"alg":"eddsa"}')
    yield "no algorithm", odd(b'{"typ":"JWT"}')
    yield "algorithm not a text", odd(b'{"alg":["EdDSA"]}')
    hs = f'{b64(json.dumps({"alg": "HS256"}).encode())}.{b64(best)}'
    yield "HMAC with the public key", f"{hs}.{b64(hmac.new(pem, hs.encode(), hashlib.sha256).digest())}"
    for algorithm in "PS256", "RS384", "RS512":
        yield algorithm, token(algorithm=algorithm, key=KEYS["RS256"])
    yield "ES384", token(algorithm="ES384", key=ec.generate_private_key(ec.SECP384R1()))
    yield "ES256 of an RSA signature", odd(b'{"alg":"ES256"}', algorithm="RS256")
    yield "RS256 of an Ed25519 signature", odd(b'{"alg":"RS256"}')
    yield "EdDSA of an ECDSA signature", odd(b'{"alg":"EdDSA"}', algorithm="ES256")
    text = f'{b64(json.dumps({"alg": "ES256"}).encode())}.{b64(best)}'
    yield "ECDSA signature in DER", f'{text}.{b64(KEYS["ES256"].sign(text.encode(), ec.ECDSA(hashes.SHA256())))}'
    yield "ECDSA signature of zeros", f"{text}.{b64(bytes(64))}"
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(STRANGER.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))}
    yield "another key", token(key=STRANGER)
    yield "another key, embedded", token(key=STRANGER, header={"jwk": jwk})
    yield "another key, with an address", token(key=STRANGER, header={"jku": "https://evil.example/jwks", "kid": "1"})
    yield "another key, with a certificate", token(key=STRANGER, header={"x5c": [base64.b64encode(spki(STRANGER.public_key())).decode()]})
    yield "critical extension", token(header={"crit": ["exp"], "exp": NOW + 300})
    yield "critical extension, none named", token(header={"crit": []})
    yield "unencoded payload", token(header={"crit": ["b64"], "b64": False})
    yield "type of a logout token", token(header={"typ": "logout+jwt"})
    yield "type not a text", odd(b'{"alg":"EdDSA","typ":7}')

    whole = odd()
    header, payload, signature = whole.split(".")
    for place, name in enumerate(("header", "payload", "signature")):
        parts = [header, payload, signature]
        parts[place] += "="
        yield f"padding after the {name}", ".".join(parts)
        parts[place] = parts[place][:-1] + "\n"
        yield f"line break after the {name}", ".".join(parts)
        parts[place] = ""
        yield f"empty {name}", ".".join(parts)
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = signature[:-1] + last[last.index(signature[-1]) + 1]  # 64 bytes leave four unused bits
    assert unb64(other) == unb64(signature)
    yield "unused bits of the signature", f"{header}.{payload}.{other}"
    yield "standard alphabet", ".".join((header, payload, signature.replace("-", "+").replace("_", "/") + "+"))
    yield "two parts", f"{header}.{payload}"
    yield "four parts", f"{whole}.{signature}"
    yield "five parts, encrypted", f"{header}.{payload}.{header}.{payload}.{signature}"
    yield "blank before", f" {whole}"
    yield "Bearer before", f"Bearer {whole}"
    yield "nothing but dots", ".."

    yield "algorithm twice", odd(b'{"alg":"EdDSA","alg":"EdDSA"}')
    yield "algorithm twice, once escaped", odd(b'{"alg":"EdDSA","\\u0061lg":"none"}')
    yield "subject twice", odd(payload=best[:-1] + b',"sub":"admin"}')
    yield "member twice inside", odd(payload=best[:-1] + b',"a":{"b":[{"c":1,"c":2}]}}')
    yield "claim twice by its dots", token({"realm.roles": ["a"], "realm": {"roles": ["b"]}})
    yield "something after the claims", odd(payload=best + b"{}")
    yield "comment in the claims", odd(payload=best[:-1] + b"/* */}")
    yield "byte order mark", odd(payload=b"\xef\xbb\xbf" + best)
    yield "not UTF-8", odd(payload=best[:-1] + b',"a":"\xff"}')
    yield "claims in a list", odd(payload=b"[" + best + b"]")
    yield "claims in a text", odd(payload=json.dumps(best.decode()).encode())
    yield "empty claims", odd(payload=b"")
    yield "deep claims", odd(payload=best[:-1] + b',"a":' + b"[" * 200 + b"]" * 200 + b"}")

    for name in "iss", "aud", "sub", "exp":
        yield f"no {name}", token(without=(name,))
    yield "another issuer", token({"iss": "https://id.example/realms/other"})
    yield "issuer with a slash more", token({"iss": ISSUER + "/"})
    yield "issuer in other case", token({"iss": ISSUER.upper()})
    yield "issuer not a text", odd(payload=json.dumps({**BEST, "iss": [ISSUER]}).encode())
    yield "another audience", token({"aud": "billing"})
    yield "audience only begins so", token({"aud": AUDIENCE + "-test"})
    yield "audience of others", token({"aud": ["billing", "shop"]})
    yield "audience an empty list", token({"aud": []})
    yield "audience with a number", odd(payload=json.dumps({**BEST, "aud": [AUDIENCE, 1]}).encode())
    yield "audience an object", odd(payload=json.dumps({**BEST, "aud": {AUDIENCE: AUDIENCE}}).encode())
    yield "expired long ago", token({"exp": NOW - 3600})
    yield "expiry a text", odd(payload=json.dumps({**BEST, "exp": str(NOW + 300)}).encode())
    yield "expiry below zero", odd(payload=json.dumps({**BEST, "exp": -1}).encode())
    yield "expiry beyond all dates", odd(payload=json.dumps({**BEST, "exp": 1e300}).encode())
    yield "expiry null", odd(payload=json.dumps({**BEST, "exp": None}).encode())
    yield "not valid yet", token({"nbf": NOW + 3600})
    yield "start a text", odd(payload=json.dumps({**BEST, "nbf": "0"}).encode())
    yield "issued in the future", token({"iat": NOW + 3600})
    yield "subject empty", token({"sub": ""})
    yield "subject a number", odd(payload=json.dumps({**BEST, "sub": 7}).encode())
    yield "subject too long", token({"sub": "s" * 256})
    yield "subject with a line break", token({"sub": "u\n4711"})
    yield "subject with a null byte", token({"sub": "u\0"})
    yield "token too long", of_size(MAX_TOKEN_BYTES + 1)


def main():
    print("# Written by generate_tokens.py; do not edit. Keys are hexadecimal DER, tokens are texts.\n")
    for name, jwk, *parts in PUBLISHED:
        key = jwt.algorithms.get_default_algorithms()[{"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}[jwk["kty"]]]
        public = key.from_jwk(json.dumps(jwk))
        write("published", name=name, key=spki(public).hex(), token=".".join(parts))
    for algorithm, key in KEYS.items():
        write("key", algorithm=algorithm, key=spki(key.public_key()).hex())
    write("expected", now=NOW, issuer=ISSUER, audience=AUDIENCE, subject=BEST["sub"], expires=BEST["exp"])
    for name, text in good():
        assert len(text) <= MAX_TOKEN_BYTES
        write("good", name=name, token=text)
    claims = {"groups": ["support", "night shift"], "level": 3, "ratio": 0.5, "big": 2**63, "mfa": True, "off": False,
              "nothing": None, "mixed": ["a", 1, None, {"b": 2}, ["c"]], "none": [],
              "realm_access": {"roles": ["reader"], "deeper": {"still": "x"}, "flag": False}, "https://x.example/tenant": "blue"}
    write("claims", token=token(claims))
    for name, text in bad():
        write("bad", name=name, token=text.replace("\n", "\\n"))


main()
