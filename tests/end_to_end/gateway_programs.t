#!/usr/bin/python3 -B
# Shops on Express with node-postgres and on Django, behind the gateway with encrypted columns, and by themselves with plaintext ones: what
# their users see is the same, and the web tier never had a card number.
import urllib.parse

from end_users import bearer
from gateway_programs_routes import ROLES, ROUTES, RULES, table
from gateway_shop import FrameworkShop, Shop, ask, files_with, memory_has
from harness import Tap

CARD, OTHER, NOTE, MOVED = "4111111111111111", "4000056655665556", "canary 7d1f & friends", "has moved, canary 93ab"


TOKEN = object()
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# What the users of a shop do, and the status that is right.
STEPS = [
    ("Ann signs up by a form", 303, "POST", "/signup", {"name": "Ann", "card": CARD, "note": NOTE}, FORM),
    ("Zoë by JSON", 201, "POST", "/api/customers", {"name": "Zoë", "card": "5500000000000004", "note": "Grüße"}, {}),
    ("Bob too, without a note", 201, "POST", "/api/customers", {"name": "Bob", "card": CARD, "note": None}, {}),
    ("who has this card", 200, "GET", f"/customers?card={CARD}", None, {}),
    ("nobody has that one", 200, "GET", f"/customers?card={OTHER}", None, {}),
    ("Ann's page", 200, "GET", "/customers/1", None, {}),
    ("Zoë's page", 200, "GET", "/customers/2", None, {}),
    ("Ann has a new card and a new note", 200, "POST", "/customers/1/edit", {"card": OTHER, "note": MOVED}, FORM),
    ("Zoë a new note", 200, "POST", "/customers/2/edit", {"note": MOVED}, FORM),
    ("nobody edits a stranger", 404, "POST", "/customers/99/edit", {"card": OTHER}, FORM),
    ("the old card is Bob's alone", 200, "GET", f"/customers?card={CARD}", None, {}),
    ("the new one Ann's", 200, "GET", f"/customers?card={OTHER}&page=1", None, {}),
    ("who may, sees Ann", 200, "GET", "/api/customers/1", None, TOKEN),
    ("and Zoë", 200, "GET", "/api/customers/2", None, TOKEN),
    ("and Bob", 200, "GET", "/api/customers/3", None, TOKEN),
    ("there is no fourth", 404, "GET", "/api/customers/4", None, TOKEN),
]


def day(port):
    """What the users of one shop see of all this: status, place and body."""
    seen = []
    for _, _, method, path, body, headers in STEPS:
        if headers is FORM:
            body = urllib.parse.urlencode(body)
        status, answer, answered = ask(port, method, path, body, bearer("alice") if headers is TOKEN else headers)
        seen.append((status, urllib.parse.urlsplit(answered["Location"] or "").path, answer))
    return seen


FRAMEWORKS = {"express": ["node", "shop_express.cjs"], "django": ["/usr/bin/python3", "-B", "shop_django.py"]}

with Tap() as tap, Shop(rules=RULES, table=ROLES, application=False) as shop:
    secret = {}
    for name, words in FRAMEWORKS.items():
        made = shop.sql(None, table(f"secret_{name}", "nae.enc_det_text('customer-card', 'context=shop')", "nae.enc_text('customer-pii')"))
        tap.is_(made.state, "", f"{name}: its table has encrypted columns")
        behind = FrameworkShop(shop, words, f"secret_{name}")
        gateway = shop.gateway_before(behind.port, ROUTES)
        secret[name] = day(gateway.port)
        shop.sql(None, "CHECKPOINT")
        data = shop.stack.path
        for text in (CARD, OTHER, NOTE, urllib.parse.quote_plus(NOTE), MOVED):
            tap.is_(files_with([behind.directory, behind.log, gateway.log, data / "data", data / "postgresql.log"], text), [],
                    f"{name}: {text!r} is in no file, log, session, table, index or WAL")
            tap.ok(not memory_has(behind.process.pid, text), f"{name}: nor in its memory")
        stored = shop.sql("shop_web", f"SET nae.transparent = off; SELECT card FROM secret_{name}.customer WHERE id = 3").out
        tap.ok(stored.startswith("nae1:") and memory_has(behind.process.pid, stored), f"{name}: its memory has the ciphertext instead", stored)
        tap.ok(files_with([behind.log], stored), f"{name}: and so has its log")
        tap.refused(shop.sql("shop_web", f"SET nae.transparent = on; SELECT card FROM secret_{name}.customer"), "NE001", f"{name}: its role may not decrypt")
        tap.is_(ask(gateway.port, "GET", "/api/customers/1")[:2], (200, {"id": 1, "name": "Ann", "card": None, "note": None}),
                f"{name}: who has no token sees no card and no note")
        behind.stop()
        gateway.stop()

    # The twins come when all was searched for what must be nowhere: it is in every part of theirs.
    for name, words in FRAMEWORKS.items():
        shop.sql(None, table(f"plain_{name}", "text", "text"))
        alone = FrameworkShop(shop, words, f"plain_{name}")
        plain = day(alone.port)
        tap.is_(len(secret[name]), len(plain), f"{name}: as many answers")
        for got, wanted, (what, status, *_) in zip(secret[name], plain, STEPS):
            tap.ok(wanted[0] == status and got == wanted, f"{name}: {what}", got, wanted)
        for text in ((CARD,), (NOTE, urllib.parse.quote_plus(NOTE))):
            tap.ok(any(memory_has(alone.process.pid, one) and files_with([alone.log], one) for one in text),
                   f"{name}: without a gateway {text[0]!r} is in its memory and its log")
        alone.stop()
        everybody = f"SELECT id, name, card, note FROM {{}}_{name}.customer ORDER BY id"
        rows = shop.sql(None, everybody.format("plain")).out
        tap.is_(shop.sql("back_office", everybody.format("secret")).out, rows, f"{name}: the back office reads by SQL what the twin has")
        masked = f"SELECT id, repeat('*', length(card) - 4) || right(card, 4) FROM plain_{name}.customer ORDER BY id"
        tap.is_(shop.sql("support", f"SELECT id, card FROM secret_{name}.customer ORDER BY id").out, shop.sql(None, masked).out, f"{name}: support the ends of the cards")
        notes = f"SELECT name, note FROM {{}}_{name}.customer ORDER BY id"
        tap.is_(shop.sql("letters", notes.format("secret")).out, shop.sql(None, notes.format("plain")).out, f"{name}: who writes letters reads the notes")
        tap.refused(shop.sql("letters", f"SELECT card FROM secret_{name}.customer"), "NE001", f"{name}: and no card")
