#!/usr/bin/python3 -B
# What codes of a search index give away: an attacker who knows the frequencies of a similar population reads at most a quarter of
# the words of a table of names, and a word has one token; and at most a quarter of its salaries' buckets, and no months of birth that are spread evenly. All of the product's own tokens: codes of words in several lengths fail here.
import bisect
import collections
import hashlib
import hmac
import itertools
import random
import struct

from harness import Stack, Tap

PEOPLE, COMMON, RARE = 40_000, 400, 6_000
DECLARATION = "word(letters=4, bits=16, unicode=15.0.0)"
SYLLABLES = ["an", "ber", "ca", "da", "el", "fi", "go", "har", "in", "jo", "ka", "li", "mo", "nor", "os", "pe", "qui", "ra", "sta", "tur", "ul",
             "ve", "wil", "xa", "yor", "ze"]


def names(draw, count):
    """Of two to four syllables, each once."""
    found = {}
    while len(found) < count:
        found["".join(draw.choice(SYLLABLES) for _ in range(draw.randint(2, 4))).capitalize()] = None
    return list(found)


class Population:
    """First names and family names. The commonest are as common as in a census: 3 % and 0.9 % of the people."""

    def __init__(self, draw):
        self.first, self.last = names(draw, COMMON), names(draw, COMMON + RARE)
        self.by_first = list(itertools.accumulate(1 / (rank + 8) for rank in range(COMMON)))
        self.by_last = list(itertools.accumulate(1 / (rank + 20) for rank in range(COMMON + RARE)))

    def people(self, draw):
        def one(of, weights):
            return of[bisect.bisect(weights, draw.random() * weights[-1])]
        return [f"{one(self.first, self.by_first)} {one(self.last, self.by_last)}" for _ in range(PEOPLE)]


def tokens_of(item):
    """Of an item of a search request: docs/spec/envelope.md, "Search indexes"."""
    at = 1
    for _ in range(3):
        at += 2 + struct.unpack_from(">H", item, at)[0]
    found = []
    while at < len(item):
        length, = struct.unpack_from(">I", item, at)
        found.append(item[at + 4:at + 4 + length])
        at += 4 + length
    return found


def coded(rows, bits=16):
    """What the table shows: codes for tokens; and, for the count of what was read, what each one is."""
    def code(token):
        return int.from_bytes(hmac.new(b"key", token, hashlib.sha256).digest()[:4], "big") >> (32 - bits)
    return [[code(token) for token in row] for row in rows]


def attacked(codes, known):
    """Guesses at codes: by the rank of their frequencies, which is all that codes without nesting have."""
    counts = [collections.Counter(itertools.chain.from_iterable(rows)) for rows in (codes, known)]
    ranked = [sorted(count, key=lambda token: (-count[token], str(token))) for count in counts]
    return dict(zip(*ranked))


def share_read(rows, known):
    codes = coded(rows)
    guesses = attacked(codes, known)
    pairs = [(code, token) for row, tokens in zip(codes, rows) for code, token in zip(row, tokens)]
    return sum(guesses.get(code) == token for code, token in pairs) / len(pairs)


def buckets(stack, values, kind, width):
    """The product's own tokens of dates or numbers, one each."""
    made, distinct = {}, sorted(set(values))
    for first in range(0, len(distinct), 5000):
        part = distinct[first:first + 5000]
        items = stack.sql("postgres", f"SELECT string_agg(encode(nae_internal.search_input('', '', 'bucket({width}, bits=16)', v), 'hex'), ' ' ORDER BY place) "
                          f"FROM unnest('{{{','.join(part)}}}'::{kind}[]) WITH ORDINALITY AS u(v, place)").out.split()
        made.update((value, tokens_of(bytes.fromhex(item))) for value, item in zip(part, items))
    return made


def bucket_share(stack, draw_one, kind, width):
    """Of the rows of one sample, by the frequencies of another one."""
    rows, known = ([draw_one() for _ in range(PEOPLE)] for _ in range(2))
    made = buckets(stack, rows + known, kind, width)
    return share_read([made[value] for value in rows], [made[value] for value in known])


with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm") as stack:
    draw = random.Random(20261130)
    population = Population(draw)
    table, similar = population.people(draw), population.people(draw)
    distinct = sorted(set(table + similar))
    stack.sql("postgres", "CREATE TABLE distinct_names (id serial PRIMARY KEY, name text)")
    for first in range(0, len(distinct), 5000):
        values = ", ".join(f"('{name}')" for name in distinct[first:first + 5000])
        stack.sql("postgres", f"INSERT INTO distinct_names (name) VALUES {values}")
    items = stack.sql("postgres", "SELECT string_agg(encode(nae_internal.search_input('', '', "
                      f"'{DECLARATION}', name), 'hex'), ' ' ORDER BY id) FROM distinct_names").out.split()
    made = {name: tokens_of(bytes.fromhex(item)) for name, item in zip(distinct, items)}
    tap.is_(len(made), len(distinct), "the product's own tokens")
    words = share_read([made[name] for name in table], [made[name] for name in similar])
    tap.ok(words <= 0.25, f"at most a quarter of the words is read: {words:.1%}")
    tap.ok(words >= 0.08, "and the attack is one: what reads nothing would prove nothing")
    # Codes of several lengths of one word were read for 81 % (docs/search.md): this is what keeps such an attack from being one.
    tap.is_([name for name in distinct if len(made[name]) > len(name.split())], [], "a word has one token, and none within another")
    # Salaries as they are in many countries; the widest buckets that are declared, and the default.
    def salary():
        return str(round(draw.lognormvariate(10.8, 0.5)))
    default, widest = (bucket_share(stack, salary, "numeric", f"ratio={ratio}") for ratio in ("1.02", "1.049"))
    tap.ok(default <= 0.25, f"at most a quarter of salaries' buckets is told by how many there are of each: {default:.1%}")
    tap.ok(default >= 0.05, "and this attack is one too")
    tap.ok(widest <= 0.5, f"at most half where they are as wide as may be: {widest:.1%}")
    born = bucket_share(stack, lambda: f"{draw.randint(1940, 2004)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}", "date", "unit=month")
    tap.ok(born <= 0.02, f"none of the months of birth, which are as many each: {born:.1%}")
    tap.ok(not stack.sql("postgres", "SELECT nae_internal.is_bucket_declaration('bucket(ratio=1.05, bits=16)', 'numeric')").out.startswith("t"), "wider ones are not made")
