#!/usr/bin/python3 -B
# The life of keys: planned, rotated by use, destroyed after a wait, limited by their attributes, counted;
# and changes that are in force everywhere when their command returns, under load.
import datetime
import json
import threading
import time

from harness import Stack, Tap, wait_until


def in_seconds(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm doc-rsa:rsa-2048") as stack:
    server = stack.key_server
    session = stack.session("nae_all")

    def show(key):
        return json.loads(server.must("key", "show", key, "--json"))

    def state(key, number):
        return show(key)["versions"][number - 1]["state"]

    def usage(key, number):
        return json.loads(server.must("key", "usage", key, "--json"))["versions"][number - 1]

    def encrypt(key="customer-pii", value="x"):
        return session.ask(f"SELECT nae_encrypt('{key}', '{value}')")

    def read(value):
        return session.ask(f"SELECT nae_decrypt_text('{value}'::bytea)")

    def refused_command(pattern, name, *words):
        done = server.nae(*words)
        tap.ok(done.returncode == 1 and pattern in done.stderr, name, done)

    def admin_records(action):
        answer = server.must("audit", "query", "--event", "admin", "--action", action, "--limit", "1000", "--json")
        return [record for record in json.loads(answer)["records"] if record["admin"] == "scheduler"]

    # schedule
    server.must("key", "rotate", "customer-pii", "--activate-at", in_seconds(4))
    tap.is_(state("customer-pii", 2), "pre-active", "a version is made ahead of its date")
    first = encrypt().out
    tap.is_(session.ask(f"SELECT (nae_envelope('{first}'::bytea)).key_version").out, "1", "until then the old one encrypts")
    server.must("key", "schedule", "customer-pii", "1", "restricted", "--at", in_seconds(4))
    tap.ok(wait_until(lambda: state("customer-pii", 2) == "active"), "its date makes it active")
    tap.ok(wait_until(lambda: state("customer-pii", 1) == "restricted"), "and restricts the old one")
    second = encrypt().out
    tap.is_(session.ask(f"SELECT (nae_envelope('{second}'::bytea)).key_version").out, "2", "values have the new version")
    tap.is_(read(first).out, "x", "restricted: the old version decrypts")
    done = [(record["target"], record["reason"], record["detail"]) for record in admin_records("key-state")]
    tap.is_([reason for _, reason, _ in done], ["begun", "allowed"] * 2, "both are recorded, by the scheduler")
    refused_command("passed", "a date in the past is refused", "key", "schedule", "customer-pii", "2", "restricted", "--at", "2020-01-01T00:00:00Z")
    refused_command("cannot become", "nothing is planned that the states do not allow", "key", "schedule", "customer-pii", "2", "destroyed", "--at", in_seconds(30 * 86400))
    server.must("key", "schedule", "customer-pii", "2", "restricted", "--at", in_seconds(3600))
    tap.is_(show("customer-pii")["versions"][1]["schedule"][0]["state"], "restricted", "a plan is shown")
    server.must("key", "schedule", "customer-pii", "2", "restricted", "--cancel")
    tap.ok("schedule" not in show("customer-pii")["versions"][1], "and cancelled")
    due = time.time() + 3
    server.must("key", "schedule", "customer-pii", "1", "retired", "--at", in_seconds(due - time.time()))
    server.stop()
    tap.is_(wait_until(lambda: time.time() > due), True, "the date of a plan passes while the server is down")
    server.start()
    tap.is_(state("customer-pii", 1), "retired", "what fell due while the server was down is done when it answers")
    stack.reconnected()

    # usage; the counts survive a clean stop
    before = usage("customer-pii", 2)
    value = encrypt().out
    session.ask(f"SELECT nae_decrypt(array_fill('{value}'::bytea, ARRAY[10]))")
    after = usage("customer-pii", 2)
    tap.is_((after["uses"] - before["uses"], after["reads"] - before["reads"]), (1, 10), "uses and reads are counted by value")
    tap.ok(after["last_read_at"] and after["last_use_at"], "and when", after)
    server.restart()
    tap.is_(usage("customer-pii", 2)["reads"], after["reads"], "a clean stop keeps the counts")
    server.stop(9)
    server.start()
    tap.ok(usage("customer-pii", 2)["uses"] >= after["uses"], "after a crash there are not too few uses")
    stack.reconnected()
    found = session.ask(f"CREATE TABLE kept AS SELECT '{value}'::bytea AS secret UNION ALL SELECT '{first}'::bytea; "
                        "SELECT key_version || ':' || count FROM nae_key_versions('kept', 'secret') ORDER BY 1").out
    tap.is_(found, "1:1\n2:1", "nae_key_versions finds what a column holds")

    # rotation by uses
    server.must("key", "create", "busy", "--type", "aes-256-gcm", "--rotate-after-uses", "50")
    server.must("key", "set", "customer-pii", "--rotate-after-uses", "1")
    encrypt()
    tap.ok(wait_until(lambda: len(show("customer-pii")["versions"]) >= 3), "a key that is used up is rotated")
    server.must("key", "set", "customer-pii", "--rotate-after-uses", "0")
    tap.is_({record["detail"] for record in admin_records("key-rotate")}, {"uses"}, "by the scheduler, because of its uses")
    tap.is_(len(show("busy")["versions"]), 1, "one that is not, is not")

    # destruction
    newest = len(show("customer-pii")["versions"])
    refused_command("cannot become", "an active version is not destroyed", "key", "destroy", "customer-pii", str(newest))
    server.must("key", "destroy", "customer-pii", "1")
    tap.is_(state("customer-pii", 1), "retired", "destruction waits")
    refused_command("Cancel that first", "no way back while it is planned", "key", "restore", "customer-pii", "1")
    server.must("key", "cancel-destroy", "customer-pii", "1")
    server.must("key", "restore", "customer-pii", "1")
    tap.is_(read(first).out, "x", "cancelled and restored: read again")
    server.must("key", "retire", "customer-pii", "1")
    tap.refused(read(first), "NE011", "retired: not read")
    server.stop()
    config = server.config.read_text()
    server.config.write_text(config + "\n[keys]\ndestroy_wait_hours = 0\n")
    server.start()
    stack.reconnected()
    server.must("key", "destroy", "customer-pii", "1")
    tap.is_(state("customer-pii", 1), "destroyed", "without a waiting period at once")
    refused_command("cannot become", "and for ever", "key", "restore", "customer-pii", "1")
    tap.refused(read(first), "NE011", "what it encrypted is lost")

    # attributes
    server.must("key", "set", "customer-pii", "--allow-action", "decrypt", "--owner", "crm", "--label", "env=test")
    tap.refused(encrypt(), "NE015", "a key refuses what it does not allow", "does not allow encrypt")
    tap.is_(read(value).out, "x", "and does what it allows")
    server.must("key", "set", "customer-pii", "--allow-all-actions")
    tap.is_(encrypt().state, "", "again")
    server.must("key", "set", "doc-rsa", "--allow-algorithm", "rsa-pss-sha512")
    names = json.loads(server.must("key", "list", "--owner", "crm", "--label", "env=test", "--json"))["keys"]
    tap.is_([key["name"] for key in names], ["customer-pii"], "keys are found by owner and label")
    refused_command("at most", "labels have bounds", "key", "set", "busy", *[word for i in range(33) for word in ("--label", f"l{i}=x")])

    # revocation under load: sessions that began to ask after the command returned get nothing
    server.must("key", "set", "busy", "--rotate-after-uses", "0")  # or a newer version would answer
    for command, question, wanted in [("restrict", "SELECT nae_encrypt('busy', 'x')", "NE011"),
                                      ("retire", None, "NE011")]:
        number = len(show("busy")["versions"])
        sealed = session.ask("SELECT nae_encrypt('busy', 'x')").out or sealed
        question = question or f"SELECT nae_decrypt_text('{sealed}'::bytea)"
        stop = threading.Event()
        answers = []  # (asked at, SQLSTATE)

        def hammer():
            own = stack.session("nae_all")
            while not stop.is_set():
                asked = time.monotonic()
                answers.append((asked, own.ask(question).state))
            own.close()

        threads = [threading.Thread(target=hammer) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) > 100)
        server.must("key", command, "busy", str(number))
        returned = time.monotonic()
        wait_until(lambda: sum(asked > returned for asked, _ in answers) > 100)
        stop.set()
        for thread in threads:
            thread.join()
        late = [state for asked, state in answers if asked > returned]
        tap.ok(any(not state for asked, state in answers if asked < returned), f"{command}: answered before")
        tap.is_(set(late), {wanted}, f"{command}: of {len(late)} asked after the command returned not one is answered")
        uses = server.audit("--key", "busy", "--verdict", "value", "--action", question.split("nae_")[1].split("_")[0].split("(")[0])
        changes = json.loads(server.must("audit", "query", "--event", "admin", "--action", "key-state", "--limit", "1000", "--json"))["records"]
        changed = max(record["seq"] for record in changes if record["target"] == "busy")
        tap.ok(uses and max(record["seq"] for record in uses) < changed, f"{command}: no use is recorded after the record of the change")
