#!/usr/bin/python3 -B
# The audit log in PostgreSQL: verified, exactly once, whoever is killed.
import shutil
import signal
import subprocess

from harness import NAE, OWNER, Stack, Tap, alive, give_to_owner, run, wait_until

with Tap() as tap, Stack() as stack:
    server, audit = stack.key_server, stack.path / "keyserver" / "audit"
    stack.sql(None, "CREATE DATABASE audit", database="postgres")
    conninfo = f"host={stack.path / 'run'} port=5432 user=postgres dbname=audit"
    command = [NAE, "audit", "sink", "--directory", audit, "--database", conninfo]

    def sink(*words, log=audit, **options):
        return run(NAE, "audit", "sink", "--directory", log, "--database", conninfo, *words, **options)

    def ask(query):
        return stack.sql(None, query, database="audit").out

    def follow():
        process = subprocess.Popen([str(word) for word in [*command, "--follow"]], stdin=subprocess.DEVNULL, cwd="/",
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **OWNER)
        return process

    tap.is_(sink().returncode != 0, True, "without its schema nothing is shipped")
    tap.is_((sink("--create").returncode, sink("--create").returncode), (0, 0), "the schema is made, also twice")
    session, clerk = stack.session("nae_all"), stack.session("nae_clerk")
    value = session.ask("SELECT nae_encrypt('customer-pii', 'x')").out
    for _ in range(20):
        clerk.ask(f"SELECT nae_decrypt('{value}'::bytea)")

    follower = follow()
    load = "DO $$BEGIN FOR n IN 1..500 LOOP PERFORM nae_encrypt('customer-pii', n::text); END LOOP; END$$"

    def shipped():
        return int(ask("SELECT coalesce(max(seq), 0) FROM nae_audit.record") or 0)

    tap.ok(wait_until(lambda: shipped() > 20), "the follower ships", shipped())
    for _ in range(3):
        session.ask(load)
        follower.send_signal(signal.SIGKILL)
        follower.wait()
        follower = follow()
        session.ask(load)
    tap.ok(wait_until(lambda: shipped() > 1000), "kill -9 of the sink: it goes on", shipped())
    subprocess.run([str(stack.pg_ctl), "-D", str(stack.path / "data"), "-m", "immediate", "-w", "restart",
                    "-l", str(stack.path / "postgresql.log")], check=True, cwd="/", stdout=subprocess.DEVNULL, **OWNER)
    stack.reconnected()
    session = stack.session("nae_all")
    session.ask(load)
    before = shipped()
    tap.ok(follower.poll() is None and wait_until(lambda: shipped() > before, 30), "PostgreSQL dies at once: the sink goes on", before)
    follower.send_signal(signal.SIGTERM)
    tap.is_(follower.wait(10), 0, "SIGTERM ends it in order")
    server.stop()
    tap.is_(sink().returncode, 0, "what is left is shipped")
    lines = [line for file in sorted(audit.glob("audit-*.jsonl")) for line in file.read_text().splitlines()]
    tap.is_(ask("SELECT count(*), count(DISTINCT seq), max(seq) FROM nae_audit.record"), "|".join([str(len(lines))] * 3),
            "each record is there exactly once")
    tap.is_(ask("SELECT count(*) FROM nae_audit.record WHERE role = 'nae_clerk' AND verdict = 'deny' AND reason = 'no_rule'") != "0", True, "with its columns")
    tap.is_(ask("SELECT sum(requests) FROM nae_audit.denials WHERE role = 'nae_clerk'"), "20", "the view of denials counts all")
    tap.ok(int(ask("SELECT sum(requests) FROM nae_audit.per_role WHERE role = 'nae_all' AND action = 'encrypt'")) > 3000, "so does that of roles")
    tap.is_(ask("SELECT max(roles) FROM nae_audit.per_key WHERE key = 'customer-pii'"), "1", "and that of keys")

    # what does not verify
    server.start()
    stack.reconnected()
    session.close()
    session = stack.session("nae_all")
    session.ask(load)
    server.stop()
    copy = stack.path / "tampered"
    shutil.copytree(audit, copy)
    segment = max(copy.glob("audit-*.jsonl"))
    changed = segment.read_bytes().splitlines(True)
    changed[-20] = changed[-20].replace(b"nae_all", b"nae_xyz")
    segment.write_bytes(b"".join(changed))
    for file in [copy, *copy.iterdir()]:
        give_to_owner(file)
    before = shipped()
    done = sink("--follow", log=copy)
    tap.ok(done.returncode == 1 and "audit_broken" in done.stderr, "a changed record ends the sink", done.stderr)
    tap.is_(shipped(), before, "and nothing that it stands among was shipped")
    tap.is_(sink().returncode, 0, "the true log goes on")
    tap.ok(shipped() > before, "from where it was")
    older = stack.path / "older"
    older.mkdir()
    shutil.copy2(audit / "audit-public.pem", older)
    give_to_owner(older)
    tap.is_(sink(log=older).returncode, 1, "an emptied log ends the sink too")
