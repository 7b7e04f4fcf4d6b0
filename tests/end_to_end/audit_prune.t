#!/usr/bin/python3 -B
# Old segments of the audit log are taken away, and the rest verifies: by a mark that the HSM signs, and that nobody else makes.
import datetime
import json
import shutil

from harness import NAE, Stack, Tap, give_to_owner, run, wait_until

LOAD = "DO $$BEGIN FOR n IN 1..1000 LOOP PERFORM nae_encrypt('customer-pii', n::text); END LOOP; END$$"


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


with Tap() as tap, Stack() as stack:
    server, audit = stack.key_server, stack.path / "keyserver" / "audit"
    server.config.write_text(server.config.read_text().replace("[audit]", "[audit]\nsegment_mib = 1", 1))
    server.restart()
    stack.reconnected()
    key = audit / "audit-public.pem"

    def segments(directory=audit):
        return sorted(directory.glob("audit-*.jsonl"))

    def verify(*words):
        return run(NAE, "audit", "verify", "--public-key", key, *words)

    session = stack.session("nae_all")
    while len(segments()) < 5:
        session.ask(LOAD, 120)
    tap.ok(wait_until(lambda: len(list(audit.glob("audit-*.head.json"))) >= 4), "closed segments have their heads")
    archive = stack.path / "archive"
    archive.mkdir()
    for file in [*segments()[:-1], *audit.glob("audit-*.head.json")]:
        shutil.copy(file, archive)
    give_to_owner(archive, *archive.iterdir())
    before, loaded = len(segments()), now()
    # --before is a second, and a record of that second is not before it: on a fast machine the last closed segment ends in it
    tap.ok(wait_until(lambda: now() > loaded), "the load's last second is over")

    tap.is_(server.nae("audit", "prune", "--before", "2020-01-01").returncode, 1, "nothing is that old")
    tap.is_(server.nae("audit", "prune", "--before", "2999-01-01").returncode, 1, "what is to come is no age")
    tap.is_(len(segments()), before, "nothing was removed")
    pruned = server.nae("audit", "prune", "--before", now(), "--json")
    tap.is_(pruned.returncode, 0, "old segments are removed")
    said = json.loads(pruned.stdout)
    tap.is_((said["segments"], len(segments())), (before - 2, 2), "but for the newest two")
    tap.like(server.must("audit", "verify"), "intact.*\n.*removed on purpose", "the server's proof is whole, and says so")
    tap.is_(json.loads(server.must("audit", "verify", "--json"))["archived_seq"], said["archived_seq"], "with the number")
    query = server.nae("audit", "query", "--role", "nobody-at-all", "--json")
    tap.is_(json.loads(query.stdout)["archived_seq"], said["archived_seq"], "who asks for records is told what is not there")
    tap.like(query.stderr, f"Records up to {said['archived_seq']} were removed on purpose", "in words too")
    local = run(NAE, "audit", "query", "--directory", audit, "--role", "nobody-at-all", "--json")
    tap.is_(json.loads(local.stdout)["archived_seq"], said["archived_seq"], "and so is who reads the files")
    tap.is_([verify("--segment", file).returncode for file in segments(archive)], [0] * len(segments(archive)), "each archived one verifies alone")
    record = json.loads(
        server.must("audit", "query", "--action", "audit-prune", "--verdict", "value", "--json"))["records"][-1]
    tap.is_((record["verdict"], said["archived_hash"] in record["detail"]), ("value", True), "it is recorded, with the hash")
    server.restart()
    stack.reconnected()
    tap.is_(session.ask("SELECT length(nae_encrypt('customer-pii', 'x'))").out, "42", "a restart goes on from there")

    stack.sql(None, "CREATE DATABASE audit", database="postgres")
    sink = [NAE, "audit", "sink", "--directory", audit, "--database", f"host={stack.path / 'run'} port=5432 user=postgres dbname=audit"]
    tap.is_([run(*sink, "--create").returncode, run(*sink).returncode], [0, 0], "a sink begins behind the mark")
    tap.is_(stack.sql(None, "SELECT min(seq) FROM nae_audit.record", database="audit").out, str(said["archived_seq"] + 1), "with the first record that is there")

    # a hand instead of the command
    server.stop()
    copy = stack.path / "copy"

    def tampered(name, change, *faults):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(audit, copy)
        change()
        give_to_owner(copy, *copy.iterdir())
        done = verify("--directory", copy)
        tap.ok(done.returncode == 1 and all(fault in done.stdout for fault in faults), f"{name} is found", done.stdout, done.stderr)

    shutil.copytree(audit, copy)
    give_to_owner(copy, *copy.iterdir())
    tap.is_(verify("--directory", copy).returncode, 0, "an unchanged copy is whole")
    mark = (audit / "archived.json").read_text()
    tampered("a mark that is gone", lambda: (copy / "archived.json").unlink(), "records_missing")
    tampered("a mark of more", lambda: (copy / "archived.json").write_text(mark.replace(str(said["archived_seq"]), str(said["archived_seq"] + 1))), "archive_mark_wrong")
    tampered("one more segment that is gone", lambda: segments(copy)[0].unlink(), "records_missing")
    head = json.loads((audit / "head.json").read_text())
    forged = {"format": 1, "archived_seq": head["seq"], "hash": head["hash"], "time_us": head["time_us"], "signature": head["signature"]}
    tampered("a head in the mark's place", lambda: (copy / "archived.json").write_text(json.dumps(forged)), "archive_mark_wrong", "records_missing")
    server.start()
