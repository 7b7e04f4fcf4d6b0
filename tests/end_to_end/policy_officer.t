#!/usr/bin/python3 -B
# The officer's work: look at what a document would change, apply it, ask why, compare, go back.
import hashlib
import json
import os

from harness import Stack, Tap

HEAD = 'version = 1\n[[device]]\nname = "database-host"\n[[program]]\nname = "postgres"\n'
OFFICE = 'hours = ["08:00-18:00"]\ntime_zone = "Europe/Berlin"\nnetworks = ["10.20.0.0/16"]\n'


def rule(name, role, keys, result, more=""):
    return (f'[[rule]]\nname = "{name}"\nroles = ["{role}"]\nkeys = ["{keys}"]\nactions = ["decrypt"]\n'
            f'result = "{result}"\n{more}\n')


FIRST = HEAD + rule("all", "nae_all", "customer-*", "value") + rule("clerk", "nae_clerk", "customer-*", "value")
SECOND = HEAD + rule("clerk", "nae_clerk", "customer-*", "mask(last=4)") + rule("office", "nae_analyst", "doc-*", "value", OFFICE)

with Tap() as tap, Stack() as stack:
    server = stack.key_server
    server.apply_policy(FIRST)
    applied = int(server.must("policy", "show").split()[2].rstrip(","))
    file = server.path.with_name("next.toml")
    file.write_text(SECOND)

    dry = server.must("policy", "apply", file, "--dry-run").splitlines()
    tap.is_(sorted(dry), ["nae_all loses decrypt on glob:customer-*",
                          "nae_analyst gains decrypt on glob:doc-*: value when networks 10.20.0.0/16 and "
                          "weekdays, hours 08:00-18:00 Europe/Berlin",
                          "nae_clerk: decrypt on glob:customer-* value -> masked mask(last=4)"], "a dry run says who gains and loses")
    tap.is_(int(server.must("policy", "show").split()[2].rstrip(",")), applied, "and applies nothing")
    file.write_text(SECOND.replace("Europe/Berlin", "Europe/Atlantis"))
    wrong = server.nae("policy", "apply", file, "--dry-run")
    tap.ok(wrong.returncode != 0, "a dry run of a wrong document fails", wrong)
    tap.like(wrong.stderr, r"line \d+: .*Europe/Atlantis", "with line and reason")

    server.apply_policy(SECOND)
    tap.is_(server.must("policy", "diff").splitlines(), dry, "diff says the same of the newest two")
    tap.is_(server.must("policy", "diff", str(applied), str(applied)), "No decision changes.\n", "and nothing of one with itself")

    question = ["policy", "test", "--role", "nae_analyst", "--database", "shop", "--program", "postgres",
                "--device", "database-host", "--action", "decrypt", "--key", "doc-p256"]
    inside = server.nae(*question, "--at", "2026-07-01T06:00:00Z", "--network", "10.20.1.5",
                        env={**os.environ, "TZ": "UTC"})
    tap.is_(inside.returncode, 0, "inside its hours and network the rule allows")
    tap.like(inside.stdout, r"until: +2026-07-01 16:00 UTC", "until the office closes in Berlin")
    night = server.nae(*question, "--at", "2026-07-01T16:00:00Z", "--network", "10.20.1.5")
    tap.is_(night.returncode, 1, "after that it does not")
    tap.like(night.stdout, r"near: +office, value\n +weekdays, hours: the rule wants 08:00-18:00 Europe/Berlin", "and says what failed")
    unknown = server.nae(*question, "--at", "2026-07-01T06:00:00Z")
    tap.like(unknown.stdout, r"networks: the rule wants 10.20.0.0/16, found unknown \(undetermined\)", "nor from an unknown address")
    masked = server.must("policy", "test", "--role", "nae_clerk", *question[4:-1], "customer-pii")
    tap.like(masked, r"allowed: masked\n.*\n.*\nmask: +mask\(last=4\)", "the mask is shown")

    back = server.must("policy", "rollback", str(applied), "--comment", "ticket 4712")
    tap.like(back, rf"Policy version {applied + 2} is in force", "going back is a new version")
    tap.is_(server.must("policy", "diff", str(applied)), "No decision changes.\n", "that decides as the old one")
    tap.like(server.must("policy", "history"), rf"back to version {applied}: ticket 4712", "and says so in the history")
    tap.ok(server.nae("policy", "rollback", "99").returncode != 0, "there is no going back to what never was")
    audit = server.must("audit", "query", "--event", "admin", "--limit", "100")
    tap.like(audit, "policy-diff", "looking is recorded as well")

    # what was looked at is what is changed
    file.write_text(SECOND)
    stale = server.nae("policy", "apply", file, "--if-revision", str(applied))
    tap.ok(stale.returncode != 0 and "(conflict)" in stale.stderr, "a document for an older version is not applied", stale.stderr)
    file.write_text(FIRST)
    tap.is_(server.nae("policy", "apply", file, "--if-revision", str(applied + 2)).returncode, 0, "one for the version in force is")
    records = json.loads(server.must("audit", "query", "--action", "policy-apply", "--json"))["records"]
    tap.is_(records[-1]["digest"], "document:" + hashlib.sha256(FIRST.encode()).hexdigest(), "its record proves which document it was")
