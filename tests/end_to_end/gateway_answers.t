#!/usr/bin/python3 -B
# Answers of the application: nae-gateway opens ciphertexts for the end user whose token the request has, as the policy says.
from cryptography.hazmat.primitives.asymmetric import ed25519
from end_users import RULES, bearer
from gateway_shop import ROUTES, Shop
from harness import Tap

CARD, STRANGER = "4111111111111111", ed25519.Ed25519PrivateKey.generate()
FIELDS = "".join(f"""
[[route.answer]]
json = "$.{name}"
action = "{action}"
key = "{key}"
{more}
""" for name, action, key, more in [("card", "reveal", "customer-card", 'context = "shop"\ndeterministic = true'),
                                    ("note", "mask", "customer-pii", "keep_last = 3"), ("salary", "reveal", "customer-pii", 'type = "numeric"'),
                                    ("born", "reveal", "customer-pii", 'type = "date"\ndenied = "ciphertext"')])
SHOW = f"""
[[route]]
name = "show"
methods = ["GET"]
path = "/customers/*"
role = "shop-web"
user_token = "bearer"
{FIELDS}
"""
RULES += """
[[rule]]
name = "bob-sees-the-end"
roles = ["shop-web"]
programs = ["nae-gateway"]
users = ["bob"]
issuers = ["login"]
keys = ["customer-card"]
actions = ["decrypt"]
result = "mask(last=4)"
"""

with Tap() as tap, Shop(routes=ROUTES + SHOW, rules=RULES) as shop:
    gateway = shop.gateway
    made = gateway.ask("POST", "/customers", {"name": "Ann", "card": CARD, "note": "Grüße an uns", "salary": 5100.50, "born": "1990-02-28"})[1]
    shown = lambda *headers: gateway.ask("GET", f"/customers/{made['id']}", None, *headers)

    status, seen, headers = shown(bearer("alice"))
    tap.is_((status, seen), (200, {"id": made["id"], "name": "Ann", "card": CARD, "note": "*********uns", "salary": 5100.50, "born": "1990-02-28"}),
            "an end user who may sees values of each type; what the gateway masks is masked whatever the verdict")
    tap.is_(headers["Cache-Control"], "private, no-store", "and nobody keeps the answer")
    seen = shown(bearer("bob"))[1]
    tap.is_((seen["card"], seen["salary"], seen["born"]), ("************1111", None, made["born"]), "another one sees a mask, null where it is denied, or the ciphertext")
    seen = shown({})[1]
    tap.is_((seen["card"], seen["note"], seen["born"]), (None, None, made["born"]), "nobody sees a value without a token")
    for name, headers in [("that somebody else signed", bearer("alice", STRANGER)), ("that has expired", bearer("alice", seconds=-5)), ("that is none", {"Authorization": "Bearer abc"})]:
        seen = shown(headers)[1]
        tap.ok(CARD not in str(seen), f"nor with a token {name}", seen)
    users = {(record.get("user", ""), record["verdict"]) for record in shop.stack.key_server.audit("--action", "decrypt") if record["program"] == "nae-gateway"}
    tap.ok({"alice", "bob", ""} <= {user for user, _ in users}, "the audit log names the end user", users)

    # A ciphertext in another column's place stays one.
    shop.sql(None, f"UPDATE customer SET name = card::text FROM (SELECT 1) s WHERE id = {made['id']}")
    other = gateway.ask("POST", "/customers", {"name": "Eve", "note": CARD})[1]
    seen = gateway.ask("GET", f"/customers/{other['id']}", None, bearer("alice"))[1]
    tap.is_((seen["card"], seen["note"][-3:]), (None, "111"), "each answer is opened for its own column")
    shop.stack.key_server.stop()
    status, said, _ = shown(bearer("alice"))
    tap.is_((status, said["error"]), (503, "key_server_unavailable"), "without a key server nothing is shown: 503")
    tap.ok("Bearer" not in gateway.log.read_text() and "eyJ" not in gateway.log.read_text(), "no token is in the gateway's log")
