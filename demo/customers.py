#!/usr/bin/python3
"""Writes a CSV of invented customers: customers.py COUNT. The same people every time."""
import csv
import random
import sys

FIRST = "Ada Alan Barbara Claude Donald Edsger Frances Grace Hedy John Katherine Leslie Margaret Niklaus Radia Tim".split()
LAST = "Allen Berners Dijkstra Goldberg Hamilton Hopper Johnson Knuth Lamarr Lamport Liskov Lovelace Perlman Shannon Turing Wirth".split()
CITIES = "Amsterdam Berlin Copenhagen Dublin Geneva Helsinki Lisbon Madrid Oslo Paris Prague Rome Vienna Warsaw".split()

draw = random.Random(2002)
out = csv.writer(sys.stdout, lineterminator="\n")
out.writerow(["id", "name", "city", "ssn", "card"])
for number in range(1, int(sys.argv[1]) + 1):
    ssn = f"{draw.randint(100, 899):03}-{draw.randint(1, 99):02}-{draw.randint(1, 9999):04}"
    card = "4" + "".join(str(draw.randint(0, 9)) for _ in range(15))
    out.writerow([number, f"{draw.choice(FIRST)} {draw.choice(LAST)}", draw.choice(CITIES), ssn, card])
