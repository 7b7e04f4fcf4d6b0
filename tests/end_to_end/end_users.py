"""End users of the shop behind nae-gateway: who issues their tokens, what Alice may, and the header that a token travels in."""
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER, AUDIENCE = "https://login.example/realms/shop", "nae"
KEY = ed25519.Ed25519PrivateKey.generate()
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
RULES = f"""
[[issuer]]
name = "login"
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
clock_skew_seconds = 0
public_keys = [\"\"\"{PEM}\"\"\"]
[[rule]]
name = "alice-sees"
roles = ["shop-web"]
programs = ["nae-gateway"]
users = ["alice"]
issuers = ["login"]
keys = ["glob:customer-*"]
actions = ["decrypt"]
result = "value"
"""


def bearer(user, key=KEY, seconds=600):
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now, "exp": now + seconds}
    return {"Authorization": "Bearer " + jwt.encode(claims, key, algorithm="EdDSA")}
