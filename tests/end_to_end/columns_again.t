#!/usr/bin/python3 -B
# What a statement has decrypted serves it again: audited and limited once, and not beyond a change of the policy.
import time

from harness import Stack, Tap, wait_until

HEAD = 'version = 1\n[[device]]\nname = "database-host"\n[[program]]\nname = "postgres"\n'


def rule(name, role, result, actions="decrypt", more=""):
    listed = ", ".join(f'"{action}"' for action in actions.split())
    return f'[[rule]]\nname = "{name}"\nroles = ["{role}"]\nkeys = ["col-rnd"]\nactions = [{listed}]\nresult = "{result}"\n{more}\n'


OWNER = rule("owner", "nae_all", "value", actions="encrypt decrypt")
# Each row of it is evaluated by itself.
ROWS = "SELECT CASE WHEN g > 0 THEN note END FROM person, generate_series(1, 1000000) g"

with Tap() as tap, Stack(keys="col-rnd:aes-256-gcm") as stack:
    server = stack.key_server
    server.apply_policy(HEAD + OWNER + rule("few", "nae_reader", "value", more='limits = ["5 per hour"]'))
    owner, reader = stack.session("nae_all"), stack.session("nae_reader")
    owner.ask("CREATE TABLE person (id int, note nae.enc_text('col-rnd'))")
    owner.ask("GRANT SELECT ON person TO PUBLIC")
    owner.ask("INSERT INTO person VALUES (1, 'prefers mail')")

    reader.ask("BEGIN")
    reader.ask(f"DECLARE c CURSOR FOR {ROWS}")
    tap.is_(reader.ask("FETCH 20 FROM c").out.split("\n"), ["prefers mail"] * 20, "one value, twenty times, of a limit of five")
    records = [record for record in server.audit("--action", "decrypt") if record["role"] == "nae_reader"]
    tap.is_([record["items"] for record in records], [1], "the audit log has it once")

    server.apply_policy(HEAD + OWNER + rule("masks", "nae_reader", "mask(last=4)"))
    began = time.monotonic()
    last = ""

    def is_masked():
        global last
        last = reader.ask("FETCH 1 FROM c").out
        return last == "********mail"

    wait_until(is_masked, 5)
    tap.is_(last, "********mail", "another policy is heard of within the statement")
    tap.ok(time.monotonic() - began < 5, "long before values are forgotten by their age")

    server.apply_policy(HEAD + OWNER)
    wait_until(lambda: reader.ask("FETCH 1 FROM c").state == "NE001", 5)
    tap.is_(reader.ask("SELECT 1").state, "25P02", "and so is one that allows nothing: the fetch has failed")
    reader.ask("ROLLBACK")
    tap.refused(reader.ask("SELECT note FROM person"), "NE001", "as for a new statement")
