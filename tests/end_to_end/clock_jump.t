#!/usr/bin/python3 -B
# The wall clock of a key server is set while it runs and while it is down: nothing is lost by it, limits hold, and
# everybody is told.
import datetime
import json
import time

from harness import BUILD, Stack, Tap, give_to_owner, wait_until

SHIM = BUILD / "tests/fixtures/clock_shim/libnae_clock_shim.so"
DAY = 86400
AHEAD = 8 * DAY        # more than the waiting period of a destruction
BEHIND = -240          # certificates are good from five minutes before they were made
LIMITED = """version = 1
[[device]]
name = "database-host"
[[program]]
name = "postgres"
[[rule]]
name = "counted"
roles = ["nae_all"]
keys = ["*"]
actions = ["encrypt"]
result = "value"
limits = ["60 per day"]
"""


def in_seconds(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm other:aes-256-gcm") as stack:
    server = stack.key_server
    offset = stack.path.with_name("clock-offset")

    def set_clock(seconds):
        fresh = offset.with_suffix(".new")
        fresh.write_text(f"{seconds}\n")
        give_to_owner(fresh)
        fresh.rename(offset)

    def status():
        return json.loads(server.nae("status", "--json").stdout or "{}")

    def trusted():
        return status().get("clock", {}).get("ok")

    def state(key, number):
        return json.loads(server.must("key", "show", key, "--json"))["versions"][number - 1]["state"]

    def events(name):
        records = json.loads(server.must("audit", "query", "--limit", "10000", "--json"))["records"]
        return [record for record in records if record.get("event") == name]

    def destroyed():
        answer = json.loads(server.must("audit", "query", "--event", "admin", "--action", "key-state", "--limit", "1000", "--json"))
        return [record for record in answer["records"] if record["admin"] == "scheduler" and "destroyed" in record["detail"]]

    def encrypt(count):
        session = stack.session("nae_all")
        answer = session.ask(f"SELECT count(nae_encrypt('customer-pii', n::text)) FROM generate_series(1, {count}) n")
        session.close()
        return answer

    set_clock(0)
    server.environment = {"LD_PRELOAD": str(SHIM), "NAE_TEST_CLOCK_OFFSET": str(offset)}
    server.restart()
    stack.reconnected()
    tap.ok(trusted(), "a server believes its clock", status())

    # a destruction in its waiting period, and a plan that can be mended
    server.must("key", "rotate", "customer-pii")
    server.must("key", "restrict", "customer-pii", "1")
    server.must("key", "retire", "customer-pii", "1")
    server.must("key", "destroy", "customer-pii", "1")
    server.must("key", "rotate", "other")
    server.must("key", "schedule", "other", "1", "restricted", "--at", in_seconds(3600))
    set_clock(AHEAD)
    tap.ok(wait_until(lambda: trusted() is False), "a clock that is set eight days ahead is not believed", status())
    began = time.monotonic()
    tap.ok(wait_until(lambda: events("clock-jumped")), "the audit log tells of it")
    shown = server.nae("status")
    tap.like(shown.stdout, r"clock +NOT OK: the wall clock is 691\d\d\d s ahead", "and nae status")
    tap.is_((shown.returncode, status()["ready"]), (0, True), "which serves all the same")
    tap.like(server.log.read_text(), r'event=clock-jumped message=".*ahead.*" hint=".*nae clock accept', "and the log, with what to do")
    wait_until(lambda: time.monotonic() - began > 3)
    tap.is_((state("customer-pii", 1), state("other", 1)), ("retired", "active"), "three seconds later nothing was done of what was planned")
    server.must("key", "retire", "other", "1")
    server.must("key", "destroy", "other", "1")
    set_clock(0)
    tap.ok(wait_until(trusted), "a clock that comes back is believed")
    tap.ok(wait_until(lambda: events("clock-trusted")), "which the audit log tells as well")
    planned = json.loads(server.must("key", "show", "other", "--json"))["versions"][0]["schedule"][0]["at"]
    tap.ok(planned < in_seconds(7 * DAY + 60), "what was planned meanwhile has the date of the time that has passed", planned)
    server.must("key", "cancel-destroy", "customer-pii", "1")
    server.must("key", "destroy", "customer-pii", "1")

    # a limit through jumps
    server.apply_policy(LIMITED)
    tap.is_(encrypt(60).out, "60", "sixty of sixty are granted")
    for where, text in ((0, "as it is"), (AHEAD, "eight days ahead"), (BEHIND, "four minutes behind"), (0, "back")):
        set_clock(where)
        tap.ok(wait_until(lambda: trusted() == (where == 0)), f"the clock is {text}", status())
        tap.refused(encrypt(1), "NE009", f"the clock is {text}: no sixty-first")
    set_clock(AHEAD)
    wait_until(lambda: trusted() is False)
    server.restart()
    stack.reconnected()
    tap.refused(encrypt(1), "NE009", "nor after a restart with a clock that is ahead")
    tap.ok(trusted() is False, "which is not believed after it either", status())
    tap.is_((state("customer-pii", 1), destroyed()), ("retired", []), "and destroys nothing")

    # a clock that is set while the server is down
    set_clock(0)
    wait_until(trusted)
    for where, text in ((AHEAD, "ahead of"), (BEHIND, "behind")):
        before = len(events("clock-jumped"))
        server.stop()
        set_clock(where)
        server.start()
        tap.like(status()["clock"]["problem"], text, f"set while the server was down: {text} the time that has passed")
        tap.is_(len(events("clock-jumped")), before + 1, "and recorded")
        server.stop()
        set_clock(0)
        server.start()
        tap.ok(trusted(), "set right while it was down it is believed", status())

    # the way on
    refused = server.nae("clock", "accept", "--reason", "no reason")
    tap.ok(refused.returncode == 1 and "nothing to accept" in refused.stderr, "a clock that is believed is not accepted", refused)
    set_clock(AHEAD)
    wait_until(lambda: trusted() is False)
    refused = server.nae("clock", "accept", "--reason", "")
    tap.ok(refused.returncode == 1 and "reason" in refused.stderr and trusted() is False, "accepting takes a reason", refused)
    server.must("clock", "accept", "--reason", "it was wrong before")
    tap.ok(trusted(), "an administrator accepts a clock that is right", status())
    records = json.loads(server.must("audit", "query", "--event", "admin", "--action", "clock-accept", "--limit", "10", "--json"))["records"]
    tap.ok(any("it was wrong before" in record["detail"] for record in records), "which is recorded with the reason", records)
    server.restart()
    stack.reconnected()
    tap.ok(trusted(), "and holds over a restart", status())
    server.must("key", "create", "third", "--type", "aes-256-gcm")
    server.must("key", "schedule", "third", "1", "restricted", "--at", in_seconds(AHEAD + 2))
    tap.ok(wait_until(lambda: state("third", 1) == "restricted"), "what can be mended follows the date")
    tap.is_((state("customer-pii", 1), destroyed()), ("retired", []), "a destruction whose date has passed waits for the time that was to pass")
    tap.refused(encrypt(1), "NE009", "and so does the limit")
    server.must("key", "cancel-destroy", "customer-pii", "1")
    server.must("key", "restore", "customer-pii", "1")
    tap.is_(state("customer-pii", 1), "restricted", "so that it can still be taken back")
