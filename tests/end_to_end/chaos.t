#!/usr/bin/python3 -B
# Every part dies, freezes, or loses its disk, its HSM or its network while 16 clients work and check each answer.
# No answer is wrong, nothing acknowledged is lost, no statement hangs, no nonce comes twice, every use of a key has
# its record. NAE_SECONDS: for how long (60); NAE_SEED: which faults when, and what clients do (printed); NAE_FAULT: only
# those whose name begins so; NAE_CLIENTS: how many clients (16); NAE_REPORT: a file for the table of docs/reliability.md.
import os
import pathlib
import random
import time

import psycopg

from chaos.client import Client
from chaos.evidence import Audit, Envelopes
from chaos.findings import Findings
from chaos.parts import Administrator, Parts
from chaos.report import table, toothless
from chaos.run import HUNG, Run
from harness import ROOT, Tap

SEED = int(os.environ.get("NAE_SEED", time.time()))
SECONDS = int(os.environ.get("NAE_SECONDS", "60"))
CLIENTS = int(os.environ.get("NAE_CLIENTS", "16"))

findings, envelopes = Findings(), Envelopes()
with Tap() as tap, Parts(findings) as parts:
    print(f"# NAE_SEED={SEED} NAE_SECONDS={SECONDS}", flush=True)
    clients = [Client(number, parts.where, SEED, findings, envelopes) for number in range(1, CLIENTS + 1)]
    administrator = Administrator(parts, ROOT / "tests/fixtures/policy.toml", random.Random(f"{SEED}/administrator"))
    for thread in (*clients, administrator):
        thread.start()
    run = Run(parts, clients, findings, random.Random(f"{SEED}/faults"), os.environ.get("NAE_FAULT", ""))
    run.go(SECONDS)

    findings.fault = "none"
    for thread in (*clients, administrator):
        thread.stopping.set()
    for thread in (*clients, administrator):
        thread.join(2 * HUNG)
    late = [thread.name for thread in (*clients, administrator) if thread.is_alive()]
    tap.is_(late, [], "every client ends")
    for client in clients:
        client.finish()
    tap.ok(run.resumed, f"{sum(map(len, run.resumed.values()))} faults of {len(run.resumed)} kinds")
    tap.is_(toothless(run, findings), [], "each that must be felt was felt")
    operations = sum(sum(client.operations.values()) for client in clients)
    tap.ok(operations > 100 * len(clients), f"{operations} operations, {sum(findings.refused.values())} refused", operations)
    for kind, meaning in (("wrong", "no answer is wrong"), ("lost", "nothing acknowledged is lost"), ("hung", "no statement hangs")):
        tap.ok(not findings.of_kind(kind), meaning, *(text for text in findings.texts if text.startswith(kind)))

    with psycopg.connect(**parts.where) as connection:
        connection.execute("SET nae.transparent = off")
        envelopes.add_columns(connection)
    tap.ok(envelopes.count > 100 and not envelopes.repeated, f"no salt and counter of {envelopes.count} envelopes come twice", *envelopes.repeated[:9])
    tap.ok(administrator.done > 0, f"an administrator was served {administrator.done} times")
    tap.is_([parts.nae(*words).returncode for words in (("key", "rotate", "customer-pii"), ("policy", "apply", ROOT / "tests/fixtures/policy.toml"), ("status",))],
            [0, 0, 0], "and is served afterwards")
    verified = parts.nae("audit", "verify")
    tap.is_(verified.returncode, 0, "the audit log verifies")
    audit = Audit(parts.server.path / "audit")
    missing = [text for client in clients for text in audit.missing(client)]
    tap.ok(not missing, f"every success is among its {audit.records} records", *missing[:9])
    log = parts.log.read_text(errors="replace")
    tap.ok(not [line for line in log.splitlines() if "TRAP:" in line or "XX000" in line or "terminated by signal 11" in line], "PostgreSQL's log tells no fault of ours")
    if "NAE_REPORT" in os.environ:
        pathlib.Path(os.environ["NAE_REPORT"]).write_text(table(run, findings))
    print("".join(f"# {line}\n" for line in table(run, findings).splitlines()), end="")
