#!/usr/bin/python3 -B
# What waits for a key server that is heard of and has not the newest change: administrators' calls, which are told what they made, and a
# start, which a signal ends. That key server is a row of the store here, kept alive by hand.
import json
import subprocess
import threading

from harness import KEY_SERVER, NAE, Seconds, Stack, Tap, run, wait_until
from key_servers import LEASE, TAKEN_OVER, in_store, ready, start_store

PORT = 5442
SERVER_FAILED = 4  # exit code of nae
NAMES = [f"made-{number}" for number in range(4)]


class Ghost:
    """Follows by its own word, and applies nothing."""
    def __init__(self, store):
        self.store, self.over = store, threading.Event()
        self.say(f"INSERT INTO nae_store.nodes (number, name, run, duration_ms, state, version, address)"
                 f" SELECT max(number) + 1, 'ghost', repeat('0', 32), {LEASE * 1000}, 3, 'none', '127.0.0.1:1' FROM nae_store.nodes")
        self.thread = threading.Thread(target=self.beat)
        self.thread.start()

    def say(self, query):
        answer = self.store.ask(query, role=None, database="postgres")
        if answer.state:
            raise RuntimeError(f"{query}: {answer}")

    def beat(self):
        while not self.over.wait(0.3):
            self.say("UPDATE nae_store.nodes SET beat = beat + 1, heard_at = clock_timestamp() WHERE name = 'ghost'")

    def leave(self):
        self.over.set()
        self.thread.join()
        self.say("UPDATE nae_store.nodes SET state = 0, beat = beat + 1 WHERE name = 'ghost'")


def begin(server, *words):
    return subprocess.Popen([NAE, "--config", server.path / "admin" / "cli.toml", *map(str, words)], text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def keys(server):
    return {key["name"] for key in json.loads(server.must("key", "list", "--json"))["keys"]}


def not_ready(server):
    files = server.path / "admin"
    done = run("curl", "-s", "--max-time", "20", "--cacert", files / "authority.pem", "--cert", files / "admin.pem", "--key", files / "admin.key",
               f"https://127.0.0.1:{server.port}/readyz")
    return json.loads(done.stdout) if done.stdout else {}


with Tap() as tap, Stack() as stack:
    server = stack.key_server
    store, url = start_store(stack, PORT)
    server.stop()
    moved = run(KEY_SERVER, "move-store", "--config", server.config, "--to", url)
    tap.ok(moved.returncode == 0, "a store is moved into a PostgreSQL", moved.stderr)
    in_store(server, url, "ks1")
    server.start()
    server.must("key", "create", "rotated", "--type", "aes-256-gcm")
    ghost = Ghost(store)

    # calls
    with Seconds() as took:
        calls = [begin(server, "key", "create", name, "--type", "aes-256-gcm", "--json") for name in NAMES]
        enrolled = begin(server, "device", "enroll", "other-host", "--out", stack.path.with_name("other"))
        rotated = begin(server, "key", "rotate", "rotated")
        unwritten = begin(server, "device", "enroll", "unwritten", "--out", stack.path.with_name("unwritten"))
        made = wait_until(lambda: keys(server) >= set(NAMES), LEASE)
    tap.ok(made and all(call.poll() is None for call in calls), f"four changes are made and listed while all of them wait: {took.passed:.2f} s",
           [call.communicate() for call in calls if call.poll() is not None])
    tap.ok(wait_until((stack.path.with_name("unwritten") / "unwritten.csr").exists), "what is asked for is written first")
    (stack.path.with_name("unwritten") / "unwritten.pem").mkdir()
    told = [(call.communicate(timeout=60), call.returncode) for call in calls]
    tap.is_([code for _, code in told], [SERVER_FAILED] * len(NAMES), "none of them is a success")
    tap.is_([json.loads(out)["name"] for (out, _), _ in told], NAMES, "but each tells what it has made")
    errors = [json.loads(err)["error"] for (_, err), _ in told]
    tap.is_({error["name"] for error in errors}, {"timeout"}, "and that it may not be in force everywhere")
    tap.like(errors[0]["message"], "made and holds here.*ghost has not said so", "where is said, too")
    out, err = enrolled.communicate(timeout=60)
    tap.is_(enrolled.returncode, SERVER_FAILED, "the certificate of a device is none either")
    tap.ok((stack.path.with_name("other") / "other-host.pem").exists(), "but is there, for nobody could have it again", out, err)
    tap.like(err, "ghost has not said so.*timeout", "with the same words")
    out, err = rotated.communicate(timeout=60)
    tap.is_(rotated.returncode, SERVER_FAILED, "nor is a new version of a key")
    tap.like(err, "ghost has not said so.*\nhint: Repeat it as 'nae key rotate rotated --if-newest 1'", "which is not to be made twice")
    out, err = unwritten.communicate(timeout=60)
    tap.like(err, "unwritten.pem.*besides, .*ghost has not said so", "of a certificate that cannot be written both is said")

    # a stop ends the wait of a call
    call = begin(server, "key", "create", "made-last", "--type", "aes-256-gcm", "--json")
    tap.ok(wait_until(lambda: "made-last" in keys(server), LEASE) and call.poll() is None, "one more waits")
    with Seconds() as took:
        server.stop()
    tap.is_(server.process.returncode, 0, "a stop is a clean one")
    tap.ok(took.passed < LEASE, f"and waits for nobody: {took.passed:.2f} s")
    out, err = call.communicate(timeout=60)
    tap.is_((call.returncode, json.loads(out)["name"]), (SERVER_FAILED, "made-last"), "the call tells what it has made")
    tap.like(err, "this one stops", "and why nobody knows more")

    # a start
    before = len(server.log.read_text())
    server.start(ready=False)
    tap.ok(wait_until(lambda: "group" in not_ready(server)), "one that takes charge waits as well", server.log.read_text()[before:])
    state = not_ready(server)
    tap.like(state["group"]["problem"], "waits until every key server|may not have what this one has", "and says for whom")
    tap.ok(state["hsm"]["ok"] and state["audit"]["ok"] and not state["ready"], "and that it is nobody else", state)
    with Seconds() as took:
        server.stop()
    said = server.log.read_text()[before:]
    tap.is_(server.process.returncode, 0, "a signal ends that wait")
    tap.ok(took.passed < LEASE and "does not answer" not in said, f"at once: {took.passed:.2f} s", said)
    released = store.ask("SELECT released FROM nae_store.lease", role=None, database="postgres")
    tap.is_(released.out, "1", "and the lease is given back")

    # a start that has waited for two leases tries again, and goes on when it may
    before = len(server.log.read_text())
    server.start(ready=False)
    tap.ok(wait_until(lambda: "ghost has not said so" in server.log.read_text()[before:], 2 * LEASE + TAKEN_OVER + 20), "a wait is given up after two leases",
           server.log.read_text()[before:])
    tap.ok(not ready(server), "and nobody is served")
    ghost.leave()
    tap.ok(wait_until(lambda: ready(server), TAKEN_OVER + 20), "when the other one has left it serves", server.log.read_text()[before:])
    tap.ok(keys(server) >= {*NAMES, "made-last"}, "with all that was made")
    again = server.nae("key", "create", "made-last", "--type", "aes-256-gcm")
    tap.like(again.stderr, "conflict|exists", "the same call again finds it made")
    server.stop()
    store.control("stop", "-m", "immediate")
