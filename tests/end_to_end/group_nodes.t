#!/usr/bin/python3 -B
# The key servers of a group by name: who is there, two of one name, one that is fenced, keys that stay on one token; and a way to the store
# that swallows everything.
import json
import re
import shutil
import signal
import sqlite3
import threading
import time

from harness import KEY_SERVER, Seconds, Stack, Tap, alive, run, wait_until
from key_servers import LEASE, Load, TAKEN_OVER, bring_keys, free_port, in_store, ready, second_machine, start_store, waits
from tcp_proxy import TcpProxy

AT_ONCE = 2  # seconds: half of one, of a machine that does other things as well


def nodes(server):
    return {node["name"]: node for node in json.loads(server.must("node", "list", "--json"))["nodes"]}


def asked(server, path):
    """Status and body of an answer over HTTP, and how long it took."""
    files = server.path / "admin"
    with Seconds() as took:
        done = run("curl", "-s", "-w", "\n%{http_code}", "--max-time", "20", "--cacert", files / "authority.pem", "--cert", files / "admin.pem",
                   "--key", files / "admin.key", f"https://127.0.0.1:{server.port}{path}")
    body, _, code = done.stdout.rpartition("\n")
    return code, body, took.passed


def set_store(server, **settings):
    text = server.config.read_text()
    for name, value in settings.items():
        text = re.sub(rf"(?m)^{name} = .*\n", "", text).replace("[store]\n", f"[store]\n{name} = {value}\n")
    server.config.write_text(text)


with Tap() as tap, Stack() as stack:
    first = stack.key_server
    store, url = start_store(stack, 5440, listen_addresses="127.0.0.1")
    first.must("key", "create", "of-before", "--type", "ed25519")

    # a store that is a file is not given up, however long it is held up
    file = sqlite3.connect(first.path / "keys.db", isolation_level=None, check_same_thread=False)
    file.execute("BEGIN IMMEDIATE")
    held_up = threading.Timer(2 * AT_ONCE, file.rollback)
    held_up.start()
    first.stop()
    held_up.join()
    file.close()
    tap.ok("event=stopped" in first.log.read_text() and "store-given-up" not in first.log.read_text(), "a stop waits for a store that is a file",
           first.log.read_text()[-1000:])
    run(KEY_SERVER, "move-store", "--config", first.config, "--to", url)
    second = second_machine(first, first.path.with_name("second"), free_port())
    in_store(first, url, "ks1")
    in_store(second, url, "ks2")
    first.start()
    bring_keys(second)
    second.start(ready=False)
    tap.ok(wait_until(lambda: waits(second)), "a second key server waits", second.log.read_text()[-1000:])
    servers = f'servers = ["127.0.0.1:{first.port}", "127.0.0.1:{second.port}"]'
    stack.configure_agent(lambda text: re.sub(r"servers = .*", servers, text))
    stack.reconnected()

    # who is there
    known = nodes(first)
    tap.is_({name: known[name]["state"] for name in ("ks1", "ks2")}, {"ks1": "in-charge", "ks2": "waiting"}, "the nodes are listed with what they do")
    tap.ok(known["ks2"]["address"].endswith(f":{second.port}") and known["ks2"]["software"].startswith("nae-keyserver"), "and what they say of themselves", known)
    first.must("key", "create", "another", "--type", "aes-256-gcm", "--protection", "hsm-only")
    tap.ok(wait_until(lambda: (n := nodes(first))["ks1"]["newest_change"] == n["ks2"]["newest_change"] > known["ks2"]["newest_change"], LEASE + 5),
           "with the newest change that each has seen", nodes(first))

    # keys that stay on a token
    refused = first.nae("key", "create", "on-a-token", "--type", "ed25519")
    tap.like(refused.stderr, "cannot give away a key of type ed25519", "in a group no key is made that its HSM cannot wrap")
    tap.like(refused.stderr, "store.shared_token", "with what says otherwise")
    tap.like(first.nae("key", "rotate", "of-before").stderr, "cannot give away", "nor is one of before rotated")
    tap.ok(json.loads(first.must("status", "--json"))["token_keys"]["ok"], "where it was made it is served")

    # two of one name
    twin = second_machine(first, first.path.with_name("twin"), free_port())
    shutil.rmtree(twin.path / "hsm/tokens")
    shutil.copytree(second.path / "hsm/tokens", twin.path / "hsm/tokens", copy_function=shutil.copy2)
    run("chown", "-R", f"--reference={second.path}", twin.path, user=None, group=None, extra_groups=None)
    twin.start(ready=False)
    with Seconds() as took:
        twin.process.wait(LEASE + 30)
    tap.like(twin.log.read_text(), f"another key server named ks1 is on this store, at .*:{first.port}", "a second key server of one name ends")
    tap.ok(ready(first), "and the first one serves on")
    second.stop(signal.SIGKILL)
    second.start(ready=False)
    tap.ok(wait_until(lambda: waits(second), LEASE + 20), "one that was killed comes back under its name", second.log.read_text()[-1000:])
    second.stop()
    tap.is_(nodes(first)["ks2"]["state"], "left", "one that was stopped has left")
    with Seconds() as took:
        second.start(ready=False)
        came_back = wait_until(lambda: waits(second))
    tap.ok(came_back and took.passed < LEASE, f"and need not wait for its name: {took.passed:.1f} s")

    # fenced
    load = Load(stack)
    tap.ok(load.goes_on(time.monotonic(), 10), "clients are served")
    tap.like(first.nae("node", "fence", "ks9", "--reason", "x", "--yes").stderr, "has no node ks9", "a node that there is not cannot be fenced")
    pid = first.pid
    done = first.nae("node", "fence", "ks1", "--reason", "its disk fails", "--yes")
    tap.ok(done.returncode == 0, "the one in charge is fenced", done.stderr)
    tap.ok(wait_until(lambda: not alive(pid), LEASE + 5), "it ends", first.log.read_text()[-1000:])
    tap.is_(first.process.wait(), 76, "with the exit code of who has no lease any more")
    at = time.monotonic()
    tap.ok(load.goes_on(at, TAKEN_OVER + 20), "and the other one takes over", second.log.read_text()[-1000:])
    load.stop()
    tap.is_(load.wrong, [], "no answer was wrong")
    first.start(ready=False)
    tap.ok(wait_until(lambda: "is fenced: its disk fails" in first.nae("status").stderr, LEASE + 20), "when it comes back it waits", first.nae("status").stderr)
    refused = run(KEY_SERVER, "accept-store-rollback", "--config", first.config, "--reason", "x")
    tap.like(refused.stderr, r"ks1, is fenced: its disk fails \(conflict\)", "nor does a command wait for a lease that it may not have")
    listed = nodes(second)
    tap.is_((listed["ks1"]["fenced"], listed["ks2"]["fenced"]), ("its disk fails", ""), "which the list says")
    refused = second.nae("node", "fence", "ks2", "--reason", "x", "--yes")
    tap.like(refused.stderr, "no other node is there", "the last one cannot be fenced")
    status = json.loads(second.nae("status", "--json").stdout)
    tap.like(status["token_keys"]["problem"], "1 versions of keys are not on this token: version 1 of key 'of-before'", "the other one says which key it cannot serve")
    tap.ok(status["ready"], "and serves all others", {part: status[part] for part in ("hsm", "store", "audit", "clock")})
    tap.like(asked(second, "/metrics")[1], r"nae_versions_not_on_token 1\b", "as its metrics do")
    tap.like(second.nae("doctor").stdout, "ND308", "and nae doctor")
    sealed = stack.sql("nae_all", "SELECT nae_encrypt('customer-pii', 'value')").out
    second.must("node", "allow", "ks1", "--reason", "a new disk")
    tap.ok(wait_until(lambda: waits(first)), "until it is let in", first.nae("status").stderr)
    second.must("audit", "verify")
    second.stop()
    tap.ok(wait_until(lambda: ready(first), TAKEN_OVER + 20), "then it takes over again", first.log.read_text()[-1000:])
    records = json.loads(first.must("audit", "query", "--event", "admin", "--action", "node-fence", "--limit", "10", "--json"))["records"]
    tap.ok([record for record in records if record["target"] == "ks1" and record["detail"] == "its disk fails"], "whose log has who fenced it, and why", records)
    verified = run(KEY_SERVER, "verify-store", "--config", second.config)
    tap.like(verified.stderr, "ks1 is in charge", "a command waits for nobody")

    # the way to the store swallows everything
    first.stop()
    proxy = TcpProxy(5440)
    set_store(first, url=f'"postgresql://postgres@127.0.0.1:{proxy.port}/postgres"', lease_s=60)
    first.start()
    stack.reconnected()
    tap.is_(stack.sql("nae_all", f"SELECT nae_decrypt_text('{sealed}'::bytea)").out, "value", "values are served over it")
    proxy.swallows = True
    proxy.forget_connections()
    since = time.monotonic()
    slowest, codes = {}, set()
    while time.monotonic() < since + 12:
        for path in ("/readyz", "/metrics", "/healthz"):
            code, body, seconds = asked(first, path)
            slowest[path] = max(slowest.get(path, 0), seconds)
            if path == "/readyz":
                codes.add(code)
                said = body
    print(f"# slowest of each: {slowest}", flush=True)
    tap.ok(max(slowest.values()) < AT_ONCE, f"health, readiness and metrics are answered at once: {slowest}")
    tap.ok("503" in codes and "has not answered for" in said, "readiness says that the store does not answer", codes, said)
    tap.is_(stack.sql("nae_all", f"SELECT nae_decrypt_text('{sealed}'::bytea)").out, "value", "values are served from memory")
    with Seconds() as took:
        first.stop()
    tap.is_(first.process.returncode, 0, "SIGTERM ends it as a stop does")
    tap.ok(took.passed < AT_ONCE, f"at once: {took.passed:.2f} s")
    tap.like(first.log.read_text()[-2000:], "event=store-given-up", "which it says")
    first.start(ready=False)
    tap.ok(wait_until(lambda: "event=waiting-to-start" in first.log.read_text()[-1500:], 30), "one that starts waits")
    with Seconds() as took:
        first.stop()
    tap.ok(took.passed < AT_ONCE, f"and ends at once as well: {took.passed:.2f} s")
    store.control("stop", "-m", "immediate")
