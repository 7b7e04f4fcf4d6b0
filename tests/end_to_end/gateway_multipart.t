#!/usr/bin/python3 -B
# Forms in parts (multipart/form-data). The gateway's reader beside those of Django and node: the same mutated bodies to all, and the fields of what it takes are
# to each of them the same or nothing. Then a form with a file through the gateway to a shop on Django.
import io
import json
import os
import random
import re
import subprocess
import urllib.parse

import django
from django.conf import settings
from gateway_programs_routes import ROLES, RULES, fields, table
from gateway_shop import FrameworkShop, Shop, ask, files_with, memory_has
from harness import BUILD, Tap

READER = BUILD / "tests" / "body_reader" / "nae-body-reader"
COUNT, SEED = int(os.environ.get("NAE_BODIES", "60000")), int(os.environ.get("NAE_SEED", "20261130"))
TYPE = "multipart/form-data; boundary=xyz"
CARD = "4111111111111111"


def body_of(*parts):
    return b"".join(b"--xyz\r\n" + header.encode() + b"\r\n\r\n" + content.encode() + b"\r\n" for header, content in parts) + b"--xyz--\r\n"


SEEDS = [body_of(('Content-Disposition: form-data; name="card"', CARD)),
         body_of(('Content-Disposition: form-data; name="a"', "one\r\ntwo\r\n--xy\r\nthree"), ('Content-Disposition: form-data; name="card"\r\nContent-Type: text/plain; charset=utf-8', CARD)),
         body_of(('content-disposition: form-data; name="f"; filename="a.txt"\r\nContent-Type: text/plain', "of a file\r\n"), ('Content-Disposition: form-data; name="ü"', "Grüße")),
         body_of(('Content-Disposition: form-data; name="card"\r\nContent-Transfer-Encoding: 8bit\r\nContent-Length: 16', CARD), ('Content-Disposition: form-data; name=""', ""))]
PIECES = ["\r\n", "\n", "\r", "--", "-", "--xyz", "--xyz--", "\r\n--xyz\r\n", "\n--xyz\n", "\r\n--xyz--\r\n", "xyz", '"', "'", "\\", '\\"', ";", ":", "=", " ", "\t", "\0", "\x0b", "\x0c", "\x85", "\xa0", "*",
          'name="card"', "; name=card", '; name="other"', '; filename="x"', "; filename=x", "; filename*=UTF-8''x", '; name*=utf-8\'\'card', "form-data", "attachment; ", "%0D%0A", "%22",
          'Content-Disposition: form-data; name="card"\r\n', "Content-Transfer-Encoding: base64\r\n", "Content-Transfer-Encoding: quoted-printable\r\n", "Content-Type: text/plain; charset=utf-16\r\n",
          "Content-Type: multipart/mixed; boundary=abc\r\n", " folded\r\n", "\r\n\r\n", "preamble", "NDExMQ==", "=34", "_charset_",
          "\u2003", "\u3000", "\ufeff"]


def mutated(generator):
    body = generator.choice(SEEDS)
    for _ in range(generator.choice((0, 1, 1, 1, 2, 2, 3))):
        at, other = generator.randrange(len(body) + 1), generator.randrange(len(body) + 1)
        # Where a line begins is where most of its syntax stands.
        if generator.random() < 0.5:
            at = generator.choice([place + 2 for place in range(len(body)) if body[place:place + 2] == b"\r\n"] or [0])
        piece = generator.choice(PIECES).encode() if generator.random() < 0.85 else bytes([generator.randrange(256)])
        body = generator.choice((body[:at] + piece + body[at:], body[:at] + piece + body[at:], body[:at] + piece + body[at + 1:], body[:at] + body[at + 1:],
                                 body[:at] + body[min(at, other):max(at, other)] + body[at:], body[:at]))
    return body


def read_by_us(line):
    return [tuple(bytes.fromhex(half).decode(errors="surrogateescape") for half in word.split("=")) for word in line.split(" ")[1:-1]]


def read_by_django(body):
    """The fields, sorted; None: refused."""
    from django.core.exceptions import SuspiciousOperation
    from django.core.files.uploadhandler import MemoryFileUploadHandler
    from django.http.multipartparser import MultiPartParser, MultiPartParserError
    try:
        fields, _ = MultiPartParser({"CONTENT_TYPE": TYPE, "CONTENT_LENGTH": len(body)}, io.BytesIO(body), [MemoryFileUploadHandler()]).parse()
    except (MultiPartParserError, SuspiciousOperation):
        return None
    return sorted((name, value) for name, values in fields.lists() for value in values)


# node's own fetch() reads forms by the same code.
NODE = """
const lines = require('fs').readFileSync(0, 'utf8').split('\\n').slice(0, -1);
(async () => { for (const line of lines) { try {
  const form = await new Response(Buffer.from(line, 'hex'), {headers: {'content-type': 'TYPE'}}).formData();
  console.log(JSON.stringify([...form].filter(([, value]) => typeof value === 'string')));
} catch (error) { console.log('null') } } })();
""".replace("TYPE", TYPE)


def compared(tap):
    generator = random.Random(SEED)
    bodies = list({mutated(generator): None for _ in range(COUNT)})
    lines = subprocess.run([READER, "multipart"], input="".join(body.hex() + "\n" for body in bodies), capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    tap.is_(len(lines), len(bodies), f"{len(bodies)} different bodies were read (seed {SEED})")
    taken = {body: sorted(read_by_us(line)) for body, line in zip(bodies, lines) if line.startswith("read ")}
    reasons = {line for line in lines if line.startswith("refused ")}
    tap.ok(len(taken) > len(bodies) // 50 and len(taken) < len(bodies), f"{len(taken)} of them were taken")
    tap.ok({f"refused {name}" for name in ("multipart_malformed", "multipart_nested", "part_encoding", "charset_unsupported", "form_encoding")} <= reasons, "and the others for each of the reasons", reasons)

    settings.configure(DATA_UPLOAD_MAX_NUMBER_FIELDS=None, USE_TZ=True)
    django.setup()
    # What we look into is UTF-8 and has no U+0000: the inspection refuses the others.
    plain = {body: ours for body, ours in taken.items() if not any("\0" in value or re.search("[\ud800-\udfff]", value) for _, value in ours)}
    wrong, refused = [], 0
    for body, ours in plain.items():
        theirs = read_by_django(body)
        refused += theirs is None
        if theirs is not None and theirs != ours:
            wrong.append((body, ours, theirs))
    tap.is_(wrong[:3], [], "Django reads the same fields")
    tap.ok(refused < len(plain) // 10, f"and refuses {refused} of them")

    answers = subprocess.run(["node", "-e", NODE], input="".join(body.hex() + "\n" for body in plain), capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    theirs = [json.loads(answer) for answer in answers]
    # It has names as browsers mean them; the inspection takes both for one.
    decoded = lambda fields: sorted((re.sub("%22|%0d|%0a", lambda found: urllib.parse.unquote(found[0]), name, flags=re.I), value) for name, value in fields)
    wrong = [(body, ours, read) for (body, ours), read in zip(plain.items(), theirs) if read is not None and decoded(read) != decoded(ours)]
    tap.is_((len(theirs), wrong[:3]), (len(plain), []), "node reads the same fields")
    tap.ok(sum(read is None for read in theirs) < len(plain) // 2, f"and refuses {sum(read is None for read in theirs)} of them")


ROUTES = f"""
[[route]]
name = "sign-up"
path = "/signup"
role = "shop-web"
content = "multipart"
{fields(("form", ""), True)}
"""

with Tap() as tap:
    compared(tap)
    with Shop(rules=RULES, table=ROLES, application=False) as shop:
        shop.sql(None, table("secret", "nae.enc_det_text('customer-card', 'context=shop')", "nae.enc_text('customer-pii')"))
        behind = FrameworkShop(shop, ["/usr/bin/python3", "-B", "shop_django.py"], "secret")
        gateway = shop.gateway_before(behind.port, ROUTES)
        photo = ('Content-Disposition: form-data; name="photo"; filename="ann.txt"\r\nContent-Type: text/plain', "a picture\r\nof Ann" * 1000)
        form = [(f'Content-Disposition: form-data; name="{name}"', value) for name, value in (("name", "Ann"), ("card", "4111 1111 1111 1111"), ("note", "two\r\nlines, canary 5c1e"))]
        status, _, headers = ask(gateway.port, "POST", "/signup", body_of(form[0], photo, *form[1:]), {"Content-Type": TYPE})
        tap.is_((status, headers["Location"]), (303, "/customers/1"), "Ann signs up by a form with a file")
        tap.is_(shop.sql("back_office", "SELECT name, card, note FROM secret.customer").out, f"Ann|{CARD}|two\r\nlines, canary 5c1e", "the back office reads her card and her note")
        for text in ("4111 1111 1111 1111", CARD, "canary 5c1e"):
            tap.ok(not memory_has(behind.process.pid, text) and not files_with([behind.directory, behind.log, gateway.log], text), f"{text!r} is not in the web tier")
        tap.ok(memory_has(behind.process.pid, "a picture\r\nof Ann"), "the file is")
        tap.is_(ask(gateway.port, "POST", "/signup", body_of(*form, form[1]), {"Content-Type": TYPE})[:2],
                (400, {"error": "field_twice", "message": "form card stands twice"}), "a card that stands twice is refused")
        tap.is_(ask(gateway.port, "POST", "/signup", body_of((form[1][0] + '; filename="card"', CARD)), {"Content-Type": TYPE})[0], 422, "and one that is a file")
        tap.is_(ask(gateway.port, "POST", "/signup", "card=4111", {"Content-Type": "application/x-www-form-urlencoded"})[0], 415, "and one in another form")
        tap.is_(ask(gateway.port, "POST", "/signup", body_of(*form) + b"--xyz\r\n", {"Content-Type": TYPE})[1]["error"], "multipart_malformed", "and what comes behind the end")
        tap.is_(shop.sql(None, "SELECT count(*) FROM secret.customer").out, "1", "nothing of them was stored")
        behind.stop()
        gateway.stop()
