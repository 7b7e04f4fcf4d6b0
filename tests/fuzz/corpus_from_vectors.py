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

# Requests as nae(1) makes them, and bodies of every route that takes one.
bodies = [
    b'{"name":"customer-pii","type":"aes-256-gcm"}',
    b'{"state":"destroyed"}',
    b'{"document":"version = 1\\n","comment":"first"}',
    b'{"role":"a","member_of":["b"],"database":"d","program":"p","device":"h","action":"decrypt","key":"k"}',
    b'{"name":"db1","request":"-----BEGIN CERTIFICATE REQUEST-----\\n","valid_days":90}',
    b'{"name":"alice","roles":["key-admin","auditor"],"request":"x"}',
    b'{"digest":"00"}',
    b'{"valid_days":0E900}',
    b'2025-01-31T23:59:59.000001Z',
    b'{"type":"urn:nae:problem:denied","title":"denied","status":403,"detail":"no","code":"denied","hint":""}',
]
requests = [
    b"GET /v1/keys/a%2Eb?x=1&y=%C3%A9 HTTP/1.1\r\nHost: k\r\n\r\n",
    b"POST /v1/keys HTTP/1.1\r\nHost: k\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    b"PUT /v1/policy HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"PATCH /v1/keys/k/versions/1 HTTP/1.1\r\nHost: k\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
]
for target, values in (("json", bodies), ("http", [b"\x06" + r for r in requests] + [b"\xff" + b"".join(requests)])):
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, value in enumerate(values):
        (folder / f"example-{number:03}").write_bytes(value)
