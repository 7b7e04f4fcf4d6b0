#!/usr/bin/python3 -B
# The key server's TLS port under frames that no honest agent sends. It says what is wrong or closes,
# keeps to the others, and never takes memory for a length that somebody wrote.
import re

import malformed
from harness import ROOT, KeyServer, Tap, scratch_directory
from wire import (CONTEXT_OPENED, CRYPTO_REPLY, DECRYPT, DENIED, HELLO_REPLY, PING, PONG, PROGRAM_UNKNOWN, PROTOCOL_VIOLATION,
                  crypto, frame, hello, open_context, single_result, tls_context, tls_peer)

GREETED = hello(), open_context()

with Tap() as tap:
    scratch = scratch_directory()
    server = KeyServer.make(scratch / "server")
    server.start()
    server.must("key", "create", "customer-pii", "--type", "aes-256-gcm")
    server.apply_policy((ROOT / "tests/fixtures/policy.toml").read_text())
    device = server.enroll("database-host", scratch / "device")

    def connect(alpn="nae/1"):
        return tls_peer(server.port, tls_context(scratch / "device" / "authority.pem", *device, alpn=alpn))

    def encrypts(peer, request=50):
        """Status and length of the envelope."""
        got = peer.send(crypto(b"value", request=request)).read_past(HELLO_REPLY, CONTEXT_OPENED)
        if not got or got[0] != CRYPTO_REPLY or got[1] != request:
            return got
        status, envelope = single_result(got[2])
        return status, len(envelope)

    def healthy():
        with connect("http/1.1") as peer:
            peer.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return peer._bytes(15)

    def resident_kib():
        with open(f"/proc/{server.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))

    witness = connect().send(*GREETED)
    tap.is_(encrypts(witness), (0, 46), "an honest connection is served")
    before = resident_kib()
    for name, frames, codes in malformed.fatal(attested=True):
        with connect() as peer:
            error = peer.send(*frames).error()
            tap.ok(error and error[0] in codes, f"{name}: an error frame", f"wanted one of {codes}, got {error}")
            tap.ok(peer.closed(), f"{name}: and the connection is closed")
        tap.is_(encrypts(witness), (0, 46), f"{name}: the others are served on")
    for name, wrong, codes in [*malformed.tolerated(),
                               ("a context without attestation", open_context(9, attested=False), (PROGRAM_UNKNOWN,))]:
        with connect() as peer:
            error = peer.send(*GREETED, wrong).error()
            tap.ok(error and error[0] in codes, name, f"wanted one of {codes}, got {error}")
            if error and error[0] != PROTOCOL_VIOLATION:
                tap.is_(encrypts(peer), (0, 46), f"{name}: the connection serves on")
    for name, wrong in [("a role that no rule names", open_context(2, role="nobody")),
                        ("a program that the policy does not name", open_context(2, program="intruder"))]:
        with connect() as peer:
            error = peer.send(hello(), wrong, crypto(b"x", context=2)).error()
            tap.ok(error and error[0] == DENIED, f"{name}: denied", error)
    with connect() as peer:
        peer.send(*GREETED, crypto(b"not an envelope", action=DECRYPT, key=""))
        got = peer.read_past(HELLO_REPLY, CONTEXT_OPENED)
        tap.ok(got and got[0] == CRYPTO_REPLY and single_result(got[2]) == (64, b""), "a malformed item fails alone", got)
    with connect() as peer:
        peer.send(hello()[:9])
    with connect() as peer:
        peer.send(*GREETED, crypto(b"x" * 1000)[:200])
    tap.is_(encrypts(witness), (0, 46), "peers that leave in the middle of a frame harm nobody")
    with connect() as peer:
        for byte in hello() + frame(PING, request=8):
            peer.send(bytes([byte]))
        got = peer.read_past(HELLO_REPLY)
        tap.ok(got and got[:2] == (PONG, 8), "frames that come byte by byte are frames", got)
    grown = resident_kib() - before
    tap.ok(grown < 65536, "no memory was taken for lengths that came from outside", f"grew by {grown} KiB")
    tap.is_(healthy(), b"HTTP/1.1 200 OK", "/healthz says that all is well")
    witness.connection.close()
    server.must("audit", "verify")
    server.stop()
