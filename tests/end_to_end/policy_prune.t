#!/usr/bin/python3 -B
# Texts of old policies are removed for good; who applied them, when and why stays, and a second person is asked where one is for applying.
import hashlib
import json

from harness import KeyServer, Tap, give_to_owner, scratch_directory, wait_until

with Tap() as tap:
    server = KeyServer.make(scratch_directory() / "keyserver")
    server.start()
    files = server.path.with_name("files")
    files.mkdir()
    give_to_owner(files)

    def text_of(name):
        return f"version = 1\n# {name}: a secret remark\n"

    def apply(name):
        file = files / f"{name}.toml"
        file.write_text(text_of(name))
        file.chmod(0o644)
        server.must("policy", "apply", file, "--comment", name)

    def history():
        return json.loads(server.must("policy", "history", "--json"))["versions"]

    def on_disk(text):
        return any(text.encode() in file.read_bytes() for file in server.path.rglob("*") if file.is_file())

    for name in ("first", "second", "third"):
        apply(name)
    before = history()
    tap.ok(on_disk("first: a secret remark"), "the store holds the texts")
    refused = server.nae("policy", "prune", "--before", "2999-01-01")
    tap.ok(refused.returncode == 1 and "still to come" in refused.stderr, "a time to come is refused", refused)
    tap.like(server.must("policy", "prune", "--before", "1 hour ago"), "nothing to remove", "what was in force an hour ago stays")

    def prune():
        said = server.must("policy", "prune", "--before", "1 second ago")
        return said if all(each["pruned_at"] for each in history()[:2]) else ""

    tap.like(wait_until(prune), "Removed the texts of", "older ones go, once a second has passed")
    after = history()
    fields = ("version", "applied_at", "applied_by", "comment", "sha256")
    tap.is_([[each[field] for field in fields] for each in after], [[each[field] for field in fields] for each in before], "of each stays who, when, why and the SHA-256")
    tap.is_([each["sha256"] for each in after], [hashlib.sha256(text_of(name).encode()).hexdigest() for name in ("first", "second", "third")], "which is the text's")
    tap.is_([bool(each["pruned_at"]) for each in after], [True, True, False], "the one in force keeps its text")
    tap.ok(not on_disk("first: a secret remark") and on_disk("third: a secret remark"), "the others' are gone from the disk")
    gone = server.nae("policy", "show", "--version", "1")
    tap.ok(gone.returncode == 1 and "was pruned on" in gone.stderr and after[0]["sha256"] in gone.stderr, "and who asks is told", gone.stderr)
    tap.is_(server.nae("policy", "rollback", "1").returncode, 1, "nor can one go back to them")
    record = json.loads(server.must("audit", "query", "--event", "admin", "--action", "policy-prune", "--verdict", "value", "--json"))["records"]
    tap.ok(any("versions" in each["detail"] for each in record), "the audit log has it", record)
    server.restart()
    tap.is_(history(), after, "a restart changes nothing of it")

    apply("fourth")
    server.must("admin", "add", "other", "--role", "policy-admin", "--role", "key-admin", "--role", "auditor", "--role", "operator", "--out", server.path / "other")
    server.config.write_text(server.config.read_text() + '\n[approval]\nrequired = ["admin-change", "policy-apply"]\n')
    server.restart()
    asked = wait_until(lambda: (done := server.nae("policy", "prune", "--before", "1 second ago")) and done.returncode == 5 and done)
    tap.ok(asked and "waiting for approval" in asked.stdout, "where a second person applies policies, one prunes them", asked)
    tap.ok(not history()[2]["pruned_at"], "and nothing is removed before")
