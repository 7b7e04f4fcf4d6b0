#!/usr/bin/python3
"""Writes the vectors of tests/vectors as a seed corpus: corpus_from_vectors.py VECTORS OUT"""

import pathlib
import sys

vectors, out = map(pathlib.Path, sys.argv[1:])
fields = {"envelope.txt": ("envelope", {"envelope", "token"}), "wire.txt": ("wire", {"frame"})}
for file, (target, names) in fields.items():
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    values = [
        bytes.fromhex(value)
        for line in (vectors / file).read_text().splitlines()
        for name, _, value in [line.partition(" = ")]
        if name in names
    ]
    if target == "wire":  # the first byte says how the stream is cut into reads
        values = [b"\xff" + v for v in values] + [b"\x06" + b"".join(values)]
    for number, value in enumerate(values):
        (folder / f"vector-{number:03}").write_bytes(value)
