#!/usr/bin/python3 -B
# The audit log: whatever SQL asks has its record, no hand changes one unseen, and without it nothing is answered.
import hashlib
import json
import os
import shutil
import subprocess

from harness import KEY_SERVER, NAE, Stack, Tap, give_to_owner, run, wait_until

FIELDS = "role", "action", "key", "items", "failed_items", "verdict", "reason", "rule"


def lines_of(directory):
    [segment] = directory.glob("audit-*.jsonl")
    return segment, segment.read_bytes().splitlines(True)


def chained_anew(lines):
    """The chain as whoever can write the files can compute it."""
    previous, anew = bytes(32), []
    for line in lines:
        hashed = line[:line.rindex(b',"hash":')]
        previous = hashlib.sha256(previous + hashed).digest()
        anew.append(hashed + b',"hash":"' + previous.hex().encode() + b'"}\n')
    return anew


def flipped(lines):
    return [*lines[:5], lines[5].replace(b'"time":"20', b'"time":"21'), *lines[6:]]


TAMPERING = [  # name, change of the lines, finding
    ("a cut tail", lambda lines: lines[:-3], "tail_missing"),
    ("half a line at the end", lambda lines: [*lines[:-1], lines[-1][:40]], "tail_torn"),
    ("a changed byte", flipped, "line_changed"),
    ("a deleted line", lambda lines: lines[:5] + lines[6:], "records_missing"),
    ("the first line deleted", lambda lines: lines[1:], "segment_misplaced"),
    ("two lines swapped", lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]], "records_reordered|records_missing"),
    ("a line twice", lambda lines: lines[:6] + lines[5:], "records_reordered"),
    ("another text", lambda lines: lines[:5] + [b"nothing happened\n"] + lines[6:], "line_malformed"),
    ("a chain computed anew", lambda lines: chained_anew(flipped(lines)), "head_mismatch"),
]


with Tap() as tap, Stack() as stack:
    server, audit = stack.key_server, stack.path / "keyserver" / "audit"
    clerk, analyst, everything = (stack.session(role) for role in ("nae_clerk", "nae_analyst", "nae_all"))

    # every request
    one = clerk.ask("SELECT nae_encrypt('customer-pii', 'x')").out
    many = clerk.ask("SELECT nae_encrypt('customer-ssn', ARRAY['a', 'b', NULL, 'c'])").out
    analyst.ask(f"SELECT nae_decrypt('{one}'::bytea)")
    analyst.ask(f"SELECT nae_decrypt('{many}'::bytea[])")
    clerk.ask(f"SELECT nae_decrypt('{one}'::bytea)")
    everything.ask("SELECT nae_encrypt('forbidden-key', 'x')")
    everything.ask("SELECT nae_encrypt('no-such-key', 'x')")
    analyst.ask(f"SELECT nae_decrypt(overlay('{one}'::bytea PLACING '\\x00' FROM 41))")
    clerk.ask("SELECT nae_sign('doc-p256', 'x')")
    everything.ask("SELECT length(nae_random(8))")
    records = server.audit()
    wanted = [
        ("nae_clerk", "encrypt", "customer-pii", 1, 0, "value", "allowed", "clerks-write"),
        ("nae_clerk", "encrypt", "customer-ssn", 3, 0, "value", "allowed", "clerks-write"),
        ("nae_analyst", "decrypt", "customer-pii", 1, 0, "value", "allowed", "analysts-read"),
        ("nae_analyst", "decrypt", "customer-ssn", 3, 0, "value", "allowed", "analysts-read"),
        ("nae_clerk", "decrypt", "customer-pii", 1, 1, "deny", "no_rule", ""),
        ("nae_all", "encrypt", "forbidden-key", 1, 1, "deny", "denied_by_rule", "nobody-uses-the-forbidden-key"),
        ("nae_all", "encrypt", "no-such-key", 1, 1, "deny", "key_unknown", "one-role-does-everything"),
        ("nae_analyst", "decrypt", "customer-pii", 1, 1, "value", "allowed", "analysts-read"),
        ("nae_clerk", "sign", "doc-p256", 1, 0, "value", "allowed", "clerks-write"),
        ("nae_all", "random", "", 1, 0, "value", "allowed", "one-role-hashes-and-draws"),
    ]
    tap.is_(len(records), len(wanted), "as many records as requests")
    for record, expected in zip(records, wanted):
        tap.is_(tuple(record[field] for field in FIELDS), expected, f"{expected[0]} {expected[1]} {expected[2]} is recorded")
    tap.is_({(r["device"], r["program"], r["database"], r["session_role"], r["login_role"], r["application_name"]) for r in records},
            {("database-host", "postgres", "nae_test", "postgres", "postgres", "psql")}, "with whose, whence and by what")

    # verification
    tap.is_(server.nae("audit", "verify").returncode, 0, "the server finds its log intact")
    server.stop()

    def verify(directory):
        done = run(NAE, "audit", "verify", "--directory", directory, "--public-key", audit / "audit-public.pem", "--json")
        return done.returncode, json.loads(done.stdout)

    code, report = verify(audit)
    tap.ok(code == 0 and report["signature_checked"] and not report["findings"], "so it is offline, down to the signature", report)

    def tampered(name, change):
        copy = stack.path / name.replace(" ", "-")
        shutil.copytree(audit, copy)
        segment, lines = lines_of(copy)
        segment.write_bytes(b"".join(change(lines)))
        for file in [copy, *copy.iterdir()]:
            give_to_owner(file)
        return copy

    def finds(directory, finding, name):
        code, report = verify(directory)
        found = [entry["fault"] for entry in report["findings"]]
        tap.ok(code == 1 and set(found) & set(finding.split("|")), f"{name} is found: {finding}", code, found)

    for name, change, finding in TAMPERING:
        finds(tampered(name, change), finding, name)
    copy = tampered("a removed head", lambda lines: lines)
    (copy / "head.json").unlink()
    finds(copy, "head_missing", "a removed head")
    copy = tampered("a forged head", lambda lines: lines[:-3])
    head, last = json.loads((copy / "head.json").read_text()), json.loads(lines_of(copy)[1][-1])
    (copy / "head.json").write_text(json.dumps({**head, "seq": last["seq"], "hash": last["hash"]}, separators=(",", ":")) + "\n")
    finds(copy, "head_signature_wrong", "a head forged to fit a cut tail")

    good_config = server.config.read_text()

    def use(directory):
        server.config.write_text(good_config.replace("directory = 'audit'", f"directory = '{directory}'"))

    for name in ("a cut tail", "a changed byte", "a deleted line"):
        use(stack.path / name.replace(" ", "-"))
        done = run(KEY_SERVER, "run", "--config", server.config)
        tap.ok(done.returncode == 78 and "(audit_broken)" in done.stderr, f"a server does not continue a log with {name}", done.stderr)
    audit = tampered("a crash", lambda lines: [*lines, lines[-1][:40]])
    use(audit)
    server.start()
    recovered = json.loads(server.must("audit", "query", "--event", "recovered", "--json"))["records"]
    tap.is_(len(recovered), 1, "a line that a crash left unfinished is cut off, and that is recorded")
    tap.is_(server.nae("audit", "verify").returncode, 0, "that log is intact")
    server.stop()

    # outages
    session = stack.session("nae_all")
    encrypt = "SELECT nae_encrypt('customer-pii', 'x')"
    answered = 0

    def ask():
        global answered
        answer = session.ask(encrypt)
        answered += answer.state == ""
        return answer

    def outage(name, begin, end):
        """Between the two nothing is answered; then all is well without a restart."""
        global answered
        answered, before = 0, len(server.audit("--role", "nae_all"))
        tap.is_(ask().state, "", f"{name}: before it SQL is answered")
        begin()
        answer = wait_until(lambda: (got := ask()).state and got)
        tap.refused(answer, "NE045", f"{name}: requests are refused")
        tap.is_(session.ask("SELECT nae_keys()").state, "NE045", f"{name}: lookups too")
        status = server.nae("status")
        tap.ok(status.returncode == 4 and "audit log" in status.stdout + status.stderr, f"{name}: nae status says it", status)
        end()
        tap.ok(wait_until(lambda: ask().state == ""), f"{name}: afterwards SQL is answered again, without a restart")
        tap.is_(len(server.audit("--role", "nae_all")) - before, answered, f"{name}: every answer has its record, and none has two")
        resumed = json.loads(server.must("audit", "query", "--event", "resumed", "--json"))["records"]
        tap.ok(resumed, f"{name}: the log tells of its outage")
        tap.is_(server.nae("audit", "verify").returncode, 0, f"{name}: the log is intact")

    use(audit)
    server.start()
    stack.reconnected()
    segment, _ = lines_of(audit)
    away = stack.path / "segment-away"
    outage("a moved segment", lambda: segment.rename(away), lambda: away.rename(segment))
    if os.geteuid() == 0:  # only root can mount
        server.stop()
        small = stack.path / "small-disk"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", small], check=True)
        try:
            for file in audit.iterdir():
                shutil.copy2(file, small)
            for file in [small, *small.iterdir()]:
                give_to_owner(file)
            use(small)
            server.start()
            stack.reconnected()

            def fill():
                with open(small / "filler", "wb", buffering=0) as filler:
                    try:
                        while filler.write(bytes(4096)):
                            pass
                    except OSError:
                        pass

            outage("a full disk", fill, (small / "filler").unlink)
            server.stop()
        finally:
            subprocess.run(["umount", small], check=False)
