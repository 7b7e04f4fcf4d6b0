#!/usr/bin/python3 -B
# The gateway's reader of JSON beside those of Python, node and PostgreSQL's jsonb: the same mutated bodies to all. What it takes, each
# of them reads as the same values or not at all; what any of them reads differently, it has refused.
import decimal
import json
import os
import random
import subprocess

import psycopg2
from harness import BUILD, Stack, Tap

READER = BUILD / "tests" / "body_reader" / "nae-body-reader"
COUNT, SEED = int(os.environ.get("NAE_BODIES", "240000")), int(os.environ.get("NAE_SEED", "20261130"))
SEEDS = ['{"card":"4111 1111 1111 1111","amount":1.50e1,"list":[1,-2,0.5,1E+2],"who":{"name":"Ann","old":null,"new":true}}',
         '{"a":"\\u0041\\n\\ud83d\\ude00\\/","b":{"b":{"b":[[],{},[{}]]}},"":false}', '[ "x" , 1 ,\t{"k" : "Grüße"}\r\n]',
         '"plain"', '-0.0', '{"card":1,"c\\u0061rd2":2}', '[12345678901234567890, 1e308, 0.1]']
PIECES = ['"', "\\", "{", "}", "[", "]", ",", ":", "0", "1", "-", "+", ".", "e", "E", "null", "true", "NaN", "Infinity", " ", "\t", "\n", "\r", "\f", "\x0b", "\xa0",
          "\ufeff", "\\u0000", "\\ud800", "\\udc00", "\\u0061", "'", "/*", "*/", "//", "#", "\0", "\x01", "\x7f", "\x85", "\u2028", '"card":', '"card":2,', "0x1", "01", "1.", ".1", "é"]


def mutated(generator):
    body = generator.choice(SEEDS).encode()
    for _ in range(generator.choice((0, 1, 1, 1, 2, 2, 3))):
        at, other = generator.randrange(len(body) + 1), generator.randrange(len(body) + 1)
        piece = generator.choice(PIECES).encode() if generator.random() < 0.8 else bytes([generator.randrange(256)])
        body = generator.choice((body[:at] + piece + body[at:], body[:at] + piece + body[at + 1:], body[:at] + body[at + 1:],
                                 body[:at] + body[min(at, other):max(at, other)] + body[at:], body[:at]))
    return body


def flat(value, path=""):
    """As nae-body-reader writes it; numbers as they are written."""
    if isinstance(value, dict) and value:
        return {step: leaf for key, inner in value.items() for step, leaf in flat(inner, f"{path}/k{key.encode('utf-8', 'surrogatepass').hex()}").items()}
    if isinstance(value, list) and value:
        return {step: leaf for place, inner in enumerate(value) for step, leaf in flat(inner, f"{path}/i{place}").items()}
    if isinstance(value, Number):
        return {path: ("number", value)}
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    text = {True: "true", False: "false", None: "null"}.get(value, "") if not isinstance(value, (str, dict, list)) else value if isinstance(value, str) else ""
    return {path: (kinds[type(value)], text)}


class Number(str):
    pass


def read_by_us(line):
    found = {}
    for word in line.split(" ")[1:-1]:
        path, _, value = word.rpartition("=")
        kind, _, text = value.partition(":")
        found[path] = (kind, bytes.fromhex(text).decode())
    return found


def same(ours, theirs, number):
    return ours.keys() == theirs.keys() and all(ours[path][0] == theirs[path][0] and (number(ours[path][1]) == number(theirs[path][1]) if ours[path][0] == "number"
                                                else ours[path][1] == theirs[path][1]) for path in ours)


def parsed(text):
    return json.loads(text, parse_float=Number, parse_int=Number)


with Tap() as tap, Stack(keys="") as stack:
    generator = random.Random(SEED)
    bodies = list({mutated(generator): None for _ in range(COUNT)})
    lines = subprocess.run([READER, "json"], input="\n".join(body.hex() for body in bodies) + "\n", capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    tap.is_(len(lines), len(bodies), f"{len(bodies)} different bodies were read (seed {SEED})")
    taken = {body: read_by_us(line) for body, line in zip(bodies, lines) if line.startswith("read ")}
    tap.ok(len(taken) > len(bodies) // 20 and len(taken) < len(bodies), f"{len(taken)} of them were taken")

    wrong = []
    for body, ours in taken.items():
        try:
            theirs = flat(parsed(body.decode()))
        except (ValueError, UnicodeDecodeError):
            wrong.append(body)
            continue
        if not same(ours, theirs, str):
            wrong.append(body)
    tap.is_(wrong[:5], [], "Python reads the same values, and numbers as they are written")

    script = ("const lines=require('fs').readFileSync(0,'utf8').split('\\n');for(const line of lines)if(line){let o;"
              "try{o=JSON.stringify([JSON.parse(Buffer.from(line,'hex').toString('utf8'))])}catch(e){o='refused'}console.log(o)}")
    answers = subprocess.run(["node", "-e", script], input="\n".join(body.hex() for body in taken) + "\n", capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    # A number that is no double is one for it all the same.
    double = lambda text: "null" if text == "null" or float(text) in (float("inf"), float("-inf")) else float(text)
    infinite = lambda ours: any(kind == "number" and double(text) == "null" for kind, text in ours.values())
    wrong = [body for (body, ours), answer in zip(taken.items(), answers)
             if not infinite(ours) and (answer == "refused" or not same(ours, flat(parsed(answer)[0]), double))]
    tap.is_((len(answers), wrong[:5]), (len(taken), []), "node reads the same values")

    stack.sql(None, "CREATE FUNCTION try(body text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN body::jsonb::text; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END'")
    with psycopg2.connect(host=str(stack.path / "run"), port=5432, user="postgres", dbname="nae_test") as database, database.cursor() as cursor:
        cursor.execute("SELECT try(body) FROM unnest(%s) WITH ORDINALITY u (body, n) ORDER BY n", ([body.decode() for body in taken],))
        answers = [row[0] for row in cursor.fetchall()]
    wrong, refused = [], []
    for (body, ours), answer in zip(taken.items(), answers):
        if answer in ("22003", "22P02", "22P05"):
            refused.append((answer, body))
        elif not same(ours, flat(parsed(answer)), decimal.Decimal):
            wrong.append((body, answer))
    tap.is_(wrong[:5], [], "PostgreSQL's jsonb reads the same values")
    tap.is_([body for state, body in refused if state != "22003"][:5], [], "and refuses nothing but numbers that are out of its range")
