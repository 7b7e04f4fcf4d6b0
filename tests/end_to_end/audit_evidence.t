#!/usr/bin/python3 -B
# What an auditor takes away: ranges, archived segments, receipts, sums, reports, exports; and what is left of a lost log.
import csv
import io
import json
import shutil

from harness import KEY_SERVER, NAE, Stack, Tap, give_to_owner, run, wait_until


def offline(*words):
    return run(NAE, "audit", *words)


with Tap() as tap, Stack() as stack:
    server, audit = stack.key_server, stack.path / "keyserver" / "audit"
    public_key = stack.path / "audit-public.pem"
    shutil.copy2(audit / "audit-public.pem", public_key)
    server.config.write_text(server.config.read_text().replace("[audit]\n", "[audit]\nsegment_mib = 1\n"))
    give_to_owner(server.config)
    server.restart()
    stack.reconnected()
    everything, clerk = stack.session("nae_all"), stack.session("nae_clerk")

    # several segments
    def closed():
        return sorted(audit.glob("audit-*.head.json"))

    def fill():
        everything.ask("DO $$BEGIN FOR n IN 1..1000 LOOP PERFORM nae_encrypt('customer-pii', n::text); END LOOP; END$$", seconds=60)
        return len(closed()) >= 2
    tap.ok(wait_until(fill, 120), "the ends of two closed segments are signed")
    for _ in range(40):
        clerk.ask("SELECT nae_decrypt(nae_encrypt('customer-pii', 'x'))")
    wait_until(lambda: sum(r.get("repeated", 1) for r in server.audit("--verdict", "deny")) >= 40)

    # verify
    heads = closed()
    second = json.loads(heads[1].read_text())
    part = json.loads(server.must("audit", "verify", "--from", str(second["first_seq"] + 5), "--to", str(second["seq"] - 5), "--json"))
    tap.is_((part["intact"], part["segments"], part["first_seq"], part["last_seq"]), (True, 1, second["first_seq"], second["seq"]),
            "a range is proved by the segment that holds it")
    tap.is_(server.nae("audit", "verify", "--from", "2100-01-01T00:00:00Z").returncode in (0, 1), True, "a range of times is answered")
    archive = stack.path / "archive"
    archive.mkdir()
    segment = archive / heads[1].name.replace("head.json", "jsonl")
    shutil.copy2(audit / segment.name, segment)
    shutil.copy2(heads[1], archive)
    alone = ("verify", "--segment", segment, "--public-key", public_key)
    for file in [archive, *archive.iterdir(), public_key]:
        give_to_owner(file)
    tap.is_(offline(*alone).returncode, 0, "an archived segment verifies alone")
    whole = segment.read_bytes()
    for name, changed in [("a cut end", whole[:whole.rindex(b"\n", 0, -1) + 1]), ("a changed byte", whole.replace(b'"role":"nae_all"', b'"role":"nae_xyz"', 1)),
                          ("a removed line", b"".join(whole.splitlines(True)[:7] + whole.splitlines(True)[8:]))]:
        segment.write_bytes(changed)
        done = offline(*alone)
        tap.ok(done.returncode == 1 and "NOT INTACT" in done.stdout, f"{name} of it is found, and where", done.stdout, done.stderr)
    segment.write_bytes(whole)
    (archive / heads[1].name).unlink()
    tap.like(offline(*alone).stdout, "head_missing", "without its head it is not proved")

    # receipts
    records = server.audit("--action", "encrypt")
    receipt_file = stack.path / "receipt.json"
    for number in (2, second["first_seq"] + 7, records[-1]["seq"]):
        text = server.must("audit", "receipt", str(number))
        receipt_file.write_text(text)
        done = offline("verify-receipt", receipt_file, "--public-key", public_key)
        tap.ok(done.returncode == 0 and len(text) < 4096, f"the receipt of record {number} verifies alone", done.stdout, done.stderr)
    receipt_file.write_text(text.replace("encrypt", "decrypt"))
    tap.is_(offline("verify-receipt", receipt_file, "--public-key", public_key).returncode, 1, "a changed one does not")
    tap.is_(server.nae("audit", "receipt", "99999999").returncode, 1, "a record that is not there has none")

    # sums, report, export
    summary = json.loads(server.must("audit", "query", "--summary", "--json"))
    denied = {row["name"]: row["denied"] for row in summary["roles"]}
    tap.is_(denied["nae_clerk"], 40, "every denial is in the sums, also those that share a record")
    tap.is_(len([r for r in server.audit("--role", "nae_clerk", "--verdict", "deny")]) < 40, True, "and some share one")
    report = json.loads(server.must("audit", "report", "--json"))
    tap.is_([(b["role"], b["key"], b["requests"]) for b in report["denied_bursts"]], [("nae_clerk", "customer-pii", 40)], "the report tells of the burst")
    tap.ok(("nae_all", "customer-pii") in {(f["role"], f["key"]) for f in report["first_uses"]}, "and of first uses", report)
    server.must("audit", "report")
    jsonl = server.must("audit", "export", "--event", "request")
    lines = [json.loads(line) for line in jsonl.splitlines()]
    tap.ok(len(lines) > 2000 and lines == sorted(lines, key=lambda r: r["seq"]), "an export has all records in order", len(lines))
    stored = set(b"".join(f.read_bytes() for f in audit.glob("audit-*.jsonl")).decode().splitlines())
    tap.ok(set(jsonl.splitlines()) <= stored, "byte for byte as they stand in the log")
    rows = list(csv.DictReader(io.StringIO(server.must("audit", "export", "--format", "csv", "--event", "request", "--verdict", "deny"))))
    tap.is_(sum(int(row["repeated"] or 1) for row in rows), 40, "so has one for a spreadsheet")

    # names that are no names for a spreadsheet or a terminal
    stack.sql(None, r"""DO $$ BEGIN EXECUTE format('CREATE ROLE %I', E'=evil\n\x1b[2J"x'); END $$""")
    stack.sql(None, r"""DO $$ BEGIN EXECUTE format('SET LOCAL ROLE %I', E'=evil\n\x1b[2J"x'); PERFORM nae_hash('x', 'sha-256'); END $$""")
    text = server.must("audit", "export", "--format", "csv", "--from", "2026-01-01")
    tap.ok(not [c for c in text if ord(c) < 32 and c not in "\r\n"] and all(line.startswith('"') or line.startswith("seq") for line in text.splitlines()),
           "no control character of a name reaches the export")

    # a closed segment that is changed under the server
    whole = (audit / segment.name).read_bytes()
    (audit / segment.name).write_bytes(whole.replace(b'"role":"nae_all"', b'"role":"nae_xyz"', 1))
    done = server.nae("audit", "query", "--limit", "1")
    tap.ok(done.returncode == 0 and f"{segment.name} does not verify" in done.stderr, "a query says that a closed segment does not verify", done.stdout, done.stderr)
    for words in (("export",), ("report",), ("query", "--summary")):
        tap.like(server.nae("audit", *words).stderr, "does not verify", f"so does {' '.join(words)}")
    tap.like(server.nae("audit", "query", "--limit", "1", "--directory", audit).stderr, "does not verify", "and one of a copy")
    tap.ok(wait_until(lambda: "DAMAGED" in server.nae("status").stdout), "the status says it")
    tap.ok(wait_until(lambda: "event=audit-damaged" in server.log.read_text()), "and the server's log, without a question")
    (audit / segment.name).write_bytes(whole)
    tap.is_(server.nae("audit", "query", "--limit", "1").stderr, "", "when it is back nothing is said")

    # a lost log
    server.stop()
    tap.is_(offline("export", "--directory", audit, "--event", "request").stdout.count("\n"), jsonl.count("\n"), "a copy is exported without a server")
    old = stack.path / "old-audit"
    shutil.copytree(audit, old)
    server.start()
    server.must("key", "list")
    server.stop()
    done = run(KEY_SERVER, "accept-audit-loss", "--config", server.config, "--reason", "none")
    tap.ok(done.returncode == 1 and "nothing of the audit log is lost" in done.stderr, "nothing is accepted while nothing is lost", done.stderr)

    def put_back(directory):
        shutil.rmtree(audit)
        shutil.copytree(directory, audit) if directory else audit.mkdir(mode=0o700)
        for file in [audit, *audit.iterdir()]:
            give_to_owner(file)
        done = run(KEY_SERVER, "run", "--config", server.config)
        tap.ok(done.returncode == 78 and "(audit_broken)" in done.stderr and "accept-audit-loss" in done.stderr,
               f"a server refuses an {'older' if directory else 'emptied'} log and says what can be done", done.stderr)

    put_back(None)
    put_back(old)
    tap.is_(run(KEY_SERVER, "accept-audit-loss", "--config", server.config, "--reason", "").returncode, 1, "a loss takes a reason")
    done = run(KEY_SERVER, "accept-audit-loss", "--config", server.config, "--reason", "the disk died")
    tap.ok(done.returncode == 0, "a loss is accepted", done.stdout, done.stderr)
    server.start()
    [loss] = json.loads(server.must("audit", "query", "--event", "loss-accepted", "--json"))["records"]
    tap.ok(loss["seq"] == 2 and "the disk died" in loss["detail"] and "signed up to record" in loss["detail"], "the new log begins with what was lost and why", loss)
    tap.is_(server.nae("audit", "verify").returncode, 0, "it is intact")
    tap.ok(list(audit.glob("lost-*/audit-*.jsonl")), "what was left of the old one is kept")
