#!/usr/bin/python3 -B
# The gateway in front of a web application: what a client sends is a ciphertext of its column before the application sees it, the
# back office reads it by SQL, and the card number is nowhere but there.
import gzip
import json

from gateway_shop import Shop, files_with, memory_has
from harness import Tap

CARD, NOTE = "4111111111111111", "prefers mail, canary 7d1f"

with Tap() as tap, Shop() as shop:
    gateway = shop.gateway
    body = '{ "name" : "Ann",\n\t"card":"4111 1111 1111 1111", "amount": 1.50e1, "note":"%s", "salary": 5100.50, "born": "1990-02-28", "x":[1.0,2]}' % NOTE
    status, made, headers = gateway.ask("POST", "/customers", body, {"Content-Type": "application/json; charset=utf-8"})
    tap.is_(status, 201, "a customer signs up through the gateway")
    tap.ok(isinstance(made, dict) and all(made[name].startswith("nae1:") for name in ("card", "note", "salary", "born")),
           "the application has ciphertexts alone", made)
    tap.is_(made.get("name"), "Ann", "and what the route does not name as it was sent")
    log = shop.application.log.read_text()
    sent = eval(log[log.index("b'{"):log.rindex("'") + 1]).decode()  # an id may end with b
    plain = sent
    for name, value in (("card", '"4111 1111 1111 1111"'), ("note", f'"{NOTE}"'), ("salary", "5100.50"), ("born", '"1990-02-28"')):
        plain = plain.replace(f'"{made[name]}"', value)
    tap.is_(plain, body, "in place of the values, byte for byte; numbers, order and white space stay")

    columns = "SELECT name, card, note, salary, born FROM customer"
    tap.is_(shop.sql("back_office", columns).out, f"Ann|{CARD}|{NOTE}|5100.50|1990-02-28", "the back office reads the plaintexts by SQL")
    tap.is_(shop.sql("support", "SELECT card FROM customer").out, "************1111", "support sees the end of the card number")
    tap.is_(shop.sql("back_office", f"SELECT name FROM customer WHERE card = '{CARD}'").out, "Ann", "the back office finds it by equality")
    tap.refused(shop.sql("shop_web", "SET nae.transparent = on; SELECT card FROM customer"), "NE001", "the web tier's role may not decrypt")

    status, found, _ = gateway.ask("GET", "/customers?card=4111-1111-1111-1111&page=1")
    tap.is_((status, [row["name"] for row in found]), (200, ["Ann"]), "the application finds a customer by the deterministic ciphertext in a query")
    tap.is_(gateway.ask("GET", "/customers?card=4000056655665556")[:2], (200, []), "and no other by another card number")

    records = [record for record in shop.stack.key_server.audit("--action", "encrypt") if record["program"] == "nae-gateway"]
    tap.is_({(record["database"], record["role"], record["application_name"], record["client_address"]) for record in records},
            {("shop-gateway", "shop-web", "nae-gateway sign-up", "127.0.0.1"), ("shop-gateway", "shop-web", "nae-gateway search", "127.0.0.1")},
            "the audit log names gateway, role, route and the client's address")
    tap.is_(sorted((record["key"], record["items"]) for record in records if "sign-up" in record["application_name"]),
            [("customer-card", 1), ("customer-pii", 3)], "all values of a request went to the key server at once, one request a key")

    shop.sql(None, "CHECKPOINT")
    tap.is_(files_with([shop.path / "application.log", shop.path / "gateway.log", shop.stack.path / "data", shop.stack.path / "postgresql.log",
                        shop.stack.path / "keyserver.log"], CARD), [], "the card number is in no log, table, index or WAL")
    for text, name in ((CARD, "card number"), ("4111 1111 1111 1111", "card number as it was written"), (NOTE, "note")):
        tap.ok(not memory_has(shop.application.process.pid, text), f"the {name} is not in the application's memory")
    tap.ok(memory_has(shop.application.process.pid, made["card"]), "where its ciphertext is")

    digests = {name: "sha-256=:cGxhaW50ZXh0:" for name in ("Content-MD5", "Digest", "Content-Digest", "Repr-Digest")}
    gateway.ask("POST", "/customers", '{"name":"Dig","card":"4000056655665556"}', {"Content-Type": "application/json", **digests})
    lines = [line for line in shop.application.log.read_text().splitlines() if '"name":"Dig"' in line]
    tap.ok(len(lines) == 1 and "cGxhaW50ZXh0" not in lines[0], "a digest of the plaintexts does not reach the application", lines)
    status, packed, _ = gateway.ask("POST", "/customers", gzip.compress(b'{"name":"Gus","card":"4000056655665556"}'),
                                    {"Content-Type": "application/json", "Content-Encoding": "gzip"})
    tap.is_((status, packed["name"], packed["card"][:5]), (201, "Gus", "nae1:"), "a body in gzip is encrypted, too, and the application gets it out of gzip")
    tap.ok(not memory_has(shop.application.process.pid, "4000056655665556"), "and no card number")
    tap.ok(CARD not in gateway.log.read_text() and "canary" not in gateway.log.read_text(), "nor does the gateway's log have a value")
    tap.like(gateway.log.read_text(), r"event=request id=[0-9a-f]{32} client=127.0.0.1 method=\"POST\" route=sign-up status=201 refused=- encrypted=4",
             "but a line for each request")
