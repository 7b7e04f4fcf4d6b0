#!/usr/bin/python3 -B
# Two key servers on one PostgreSQL: one is in charge, the other waits and takes over. One is killed, stopped in its sleep, cut off from the
# store; what was acknowledged holds, and who has lost the lease answers nothing more.
import json
import re
import signal
import time

import wire
from cluster import program
from hammer import Hammer, work
from harness import KEY_SERVER, NAE, ROOT, KeyServer, Stack, Tap, alive, run, wait_until
from key_servers import LEASE, Load, TAKEN_OVER, bring_keys, free_port, in_store, ready, second_machine, start_store, waits

with Tap() as tap, Stack() as stack:
    first = stack.key_server
    store, url = start_store(stack, 5440)

    first.stop()
    newest = re.search(r"newest change +(\d+), (\w+)", run(KEY_SERVER, "verify-store", "--config", first.config).stdout)
    moved = run(KEY_SERVER, "move-store", "--config", first.config, "--to", url)
    tap.ok(moved.returncode == 0 and newest and newest.group(2) in moved.stdout, "a store is moved into a PostgreSQL, by the hash of its ledger",
           moved.stdout, moved.stderr)
    again = run(KEY_SERVER, "move-store", "--config", first.config, "--to", url)
    tap.ok(again.returncode != 0, "and once", again.stdout)
    second = second_machine(first, first.path.with_name("second"), free_port())
    in_store(first, url, "ks1")
    in_store(second, url, "ks2")
    checked = run(KEY_SERVER, "check-config", "--config", first.config)
    tap.ok(checked.returncode == 0, "check-config takes it", checked.stderr)
    first.start()
    restored = bring_keys(second)
    tap.ok(restored.returncode == 0, "the custodians bring the group's keys onto a second machine while the first one serves", restored.stderr)
    tap.like(restored.stdout, "no record of it.*ks1 is in charge", "of which the log there has no record")
    second.start(ready=False)
    tap.ok(wait_until(lambda: waits(second)), "a second key server on the store waits", second.log.read_text()[-1000:])
    servers = f'servers = ["127.0.0.1:{first.port}", "127.0.0.1:{second.port}"]'
    stack.configure_agent(lambda text: re.sub(r"servers = .*", servers, text))
    stack.reconnected()

    verified = run(KEY_SERVER, "verify-store", "--config", second.config)
    tap.ok(verified.returncode != 0 and "ks1 is in charge" in verified.stderr, "no command goes past the one in charge", verified.stdout, verified.stderr)

    # killed, with a change just acknowledged
    load = Load(stack)
    tap.ok(load.goes_on(time.monotonic(), 10), "clients are served")
    first.must("key", "create", "short-lived", "--type", "aes-256-gcm")
    first.must("key", "rotate", "short-lived")
    first.must("key", "retire", "short-lived", "1")
    first.must("device", "enroll", "late", "--out", first.path.with_name("late"))
    first.must("device", "remove", "late")
    first.stop(signal.SIGKILL)
    at = time.monotonic()
    tap.ok(load.goes_on(at, TAKEN_OVER + 20), "when it is killed the other one takes over", second.log.read_text()[-2000:])
    gap = load.longest_gap(at)
    tap.ok(gap is not None and gap < TAKEN_OVER, f"within the lease: {gap} s", load.errors[-1:])
    print(f"# nobody was served for {gap:.2f} s of a lease of {LEASE} s", flush=True)
    keys = json.loads(second.must("key", "show", "short-lived", "--json"))
    tap.ok(keys["versions"][0]["state"] == "retired", "a change that was acknowledged before holds", keys)
    devices = json.loads(second.must("device", "list", "--json"))["devices"]
    tap.ok([device for device in devices if device["name"] == "late" and device["removed_at"]], "a device that was removed stays removed", devices)

    # the one that was killed comes back and waits
    first.start(ready=False)
    tap.ok(wait_until(lambda: waits(first)), "the first one comes back and waits", first.log.read_text()[-1000:])

    # stopped in its sleep for longer than the lease
    stack.reconnected()
    second.apply_policy((ROOT / "tests/fixtures/policy.toml").read_text() + '\n[[device]]\nname = "other-host"\n')
    certificate, key = second.enroll("other-host", stack.path.with_name("other"))
    sealed = stack.sql("nae_all", "SELECT nae_encrypt('customer-pii', 'secret')").out
    hammer = Hammer(second.port, wire.tls_context(certificate.with_name("authority.pem"), certificate, key), "nae_all",
                    wire.crypto(bytes.fromhex(sealed[2:]), action=wire.DECRYPT, key=""))
    tap.ok(wait_until(lambda: [work([hammer], 0.1), len(hammer.codes) > 50][1]) and not any(hammer.codes), "one asks it over the wire", hammer.codes[-3:])
    at = time.monotonic()
    second.freeze()
    while hammer.take():  # what it had said before; as much is asked again, of one that sleeps
        pass
    hammer.codes.clear()
    tap.ok(wait_until(lambda: ready(first), TAKEN_OVER + 20), "when the one in charge sleeps the other one takes over", first.log.read_text()[-1000:])
    before = len(second.log.read_bytes())
    pid = second.pid
    first.must("key", "retire", "short-lived", "2")
    second.thaw()
    tap.ok(wait_until(lambda: not alive(pid)), "and when it wakes it ends", second.log.read_text()[-1000:])
    tap.ok(hammer.drain() and hammer.codes == [], "it answers nothing of what was asked before", hammer.codes)
    second.process.wait()
    tap.is_(second.process.returncode, 76, "with the exit code that says so")
    tap.ok(load.goes_on(time.monotonic(), TAKEN_OVER + 20), "clients go on", load.errors[-1:])
    second.start(ready=False)
    tap.ok(wait_until(lambda: waits(second)), "it waits again")

    # the store is away
    left = json.loads(first.must("status", "--json"))["store"]["lease_seconds_left"]
    tap.ok(0 < left <= LEASE * 0.9, f"status says how long the lease holds: {left} s")
    store.control("stop", "-m", "immediate")
    at = time.monotonic()
    tap.ok(load.goes_on(at + 1, LEASE), "without the store values are still read")
    refused = first.nae("key", "create", "another", "--type", "aes-256-gcm")
    tap.like(refused.stderr, "store_unavailable", "a change is refused")
    pid = first.pid
    tap.ok(wait_until(lambda: not alive(pid), LEASE + 10), "and when the lease ends without it, nobody is served", first.log.read_text()[-1000:])
    tap.ok(time.monotonic() - at > LEASE / 2, "not before")
    store.control("start")
    first.start(ready=False)
    tap.ok(load.goes_on(time.monotonic(), TAKEN_OVER + 20), "when it is back one takes over", load.errors[-1:])

    # a clean stop gives the lease back
    in_charge, other = (first, second) if ready(first) else (second, first)
    in_charge.stop()
    at = time.monotonic()
    tap.ok(load.goes_on(at, TAKEN_OVER + 20), "a clean stop", other.log.read_text()[-1000:])
    tap.ok(load.longest_gap(at) < LEASE, f"does not wait for the lease: {load.longest_gap(at):.2f} s", in_charge.log.read_text()[-1500:],
           other.log.read_text()[-3000:])
    load.stop()
    tap.is_(load.wrong, [], "no answer was wrong")
    print(f"# {len(load.good)} answers, {len(load.errors)} errors while nobody was in charge", flush=True)
    other.stop()
    for server in (first, second):
        verified = run(NAE, "audit", "verify", "--directory", server.path / "audit",
                       "--public-key", server.path / "audit" / "audit-public.pem")
        tap.ok(verified.returncode == 0, f"the audit log of {server.path.name} is whole", verified.stdout, verified.stderr)
    verified = run(KEY_SERVER, "verify-store", "--config", first.config)
    tap.ok(verified.returncode == 0, "and so is the store", verified.stderr)

    # a new one, from the beginning
    program(stack, "createdb", "-h", stack.path, "-p", "5440", "fresh")
    words = ("--listen", "127.0.0.1:0", "--store", url.replace("/postgres?", "/fresh?"), "--node", "ks1")
    made = run(KEY_SERVER, "init", "--directory", stack.path / "fresh", *words)
    tap.ok(made.returncode == 0, "init makes a store in a PostgreSQL", made.stderr)
    fresh = KeyServer(stack.path / "fresh")
    fresh.start()
    tap.ok("in-postgresql" in fresh.must("key", "create", "in-postgresql", "--type", "aes-256-gcm"), "which is served from")
    tap.ok(not list(fresh.path.glob("keys.db*")), "and is in no file")
    fresh.stop()
    made = run(KEY_SERVER, "init", "--directory", stack.path / "another", *words)
    tap.ok("already_initialised" in made.stderr and not (stack.path / "another").exists(), "and is not overwritten", made.stderr)
    backed_up = run(KEY_SERVER, "backup", "--config", fresh.config, "--out", stack.path / "copy.db")
    tap.like(backed_up.stderr, "pg_basebackup", "backup says what to use instead")
    store.control("stop", "-m", "immediate")
