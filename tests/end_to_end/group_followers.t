#!/usr/bin/python3 -B
# Three key servers on one PostgreSQL, of which two follow the one in charge: they answer from memory, a right that was taken away is gone on
# all of them when the call returns, whoever is stopped, cut off or killed meanwhile, and one takes over.
import json
import re
import signal
import time

import wire
from hammer import Hammer, work
from harness import KEY_SERVER, NAE, ROOT, Seconds, Stack, Tap, alive, run, wait_until
from key_servers import LEASE, Load, TAKEN_OVER, bring_keys, follows, free_port, in_store, ready, second_machine, set_store, start_store
from tcp_proxy import TcpProxy

SERVER_UNAVAILABLE = 116
POLICY = (ROOT / "tests/fixtures/policy.toml").read_text()
WAITED = LEASE + 5  # for who is not heard of any more: a lease, and a busy machine


def states(server):
    return {node["name"]: node["state"] for node in json.loads(server.must("node", "list", "--json"))["nodes"]}


class Readers:
    """A device that reads one value again and again from every key server."""
    def __init__(self, servers, device, sealed):
        certificate, key = device
        self.context = wire.tls_context(certificate.with_name("authority.pem"), certificate, key)
        self.sealed = sealed
        self.of = {server: self.reader(server) for server in servers}

    def reader(self, server, action=wire.DECRYPT, key="", value=None):
        return Hammer(server.port, self.context, "nae_all", wire.crypto(value or self.sealed, action=action, key=key))

    def all_served(self, servers):
        def served():
            work([self.of[server] for server in servers], 0.05)
            return all(len(self.of[server].codes) > 50 for server in servers)
        for server in servers:
            self.of[server].codes.clear()
        return wait_until(served) and not any(code for server in servers for code in self.of[server].codes)

    def successes_from_now_on(self, servers, seconds=1.0):
        """Of what is asked from now on, after what had been answered by now was taken."""
        hammers = [self.of[server] for server in servers]
        while any(hammer.take(ask_again=False) for hammer in hammers):
            pass
        for hammer in hammers:
            hammer.codes.clear()
            if not hammer.ended:
                hammer._say(hammer.request * 32)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not all(hammer.ended for hammer in hammers):
            work(hammers, 0.05)
        return [(server.path.name, hammer.codes.count(0)) for server, hammer in self.of.items() if server in servers and 0 in hammer.codes]


with Tap() as tap, Stack() as stack:
    first = stack.key_server
    store, url = start_store(stack, 5441, listen_addresses="127.0.0.1")
    first.stop()
    moved = run(KEY_SERVER, "move-store", "--config", first.config, "--to", url)
    tap.ok(moved.returncode == 0, "a store is moved into a PostgreSQL", moved.stderr)
    second = second_machine(first, first.path.with_name("second"), free_port())
    third = second_machine(first, first.path.with_name("third"), free_port())
    servers = [first, second, third]
    proxy = TcpProxy(5441)
    for server, name, way in ((first, "ks1", url), (second, "ks2", url), (third, "ks3", f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres")):
        in_store(server, way, name)
        set_store(server, "follow = true")
    checked = run(KEY_SERVER, "check-config", "--config", second.config)
    tap.ok(checked.returncode == 0, "check-config takes store.follow", checked.stderr)
    first.start()
    for server in (second, third):
        bring_keys(server)
        server.start(ready=False)
    for server in (second, third):
        tap.ok(wait_until(lambda: follows(server), 60), f"{server.path.name} follows", server.log.read_text()[-1500:])
    tap.is_({name: state for name, state in states(first).items() if name.startswith("ks")}, {"ks1": "in-charge", "ks2": "following", "ks3": "following"}, "the nodes are listed with what they do")
    list_of = ", ".join(f'"127.0.0.1:{server.port}"' for server in (second, third, first))
    stack.configure_agent(lambda text: re.sub(r"servers = .*", f"servers = [{list_of}]", text))
    stack.reconnected()

    # who answers what
    with_device = POLICY + '\n[[device]]\nname = "other-host"\n'
    first.apply_policy(with_device)
    device = first.enroll("other-host", stack.path.with_name("other"))
    sealed = bytes.fromhex(stack.sql("nae_all", "SELECT nae_encrypt('customer-pii', 'secret')").out[2:])
    readers = Readers(servers, device, sealed)
    tap.ok(readers.all_served(servers), "values are read on all of them", {server.path.name: hammer.codes[-3:] for server, hammer in readers.of.items()})
    writer = readers.reader(second, wire.ENCRYPT, "customer-pii", b"value")
    tap.ok(wait_until(lambda: [work([writer], 0.1), len(writer.codes) > 10][1]) and set(writer.codes) == {SERVER_UNAVAILABLE},
           "one that follows encrypts nothing, for that is counted", set(writer.codes))
    writer.close()
    load = Load(stack)
    tap.ok(load.goes_on(time.monotonic() + 3, 20) and not load.errors, "and an agent that knows all of them asks the one in charge", load.errors[-1:])
    refused = second.nae("key", "create", "another", "--type", "aes-256-gcm")
    tap.like(refused.stderr, "follows another one.*server_unavailable", "one that follows changes nothing")
    tap.like(refused.stderr, rf"ks1 at 127\.0\.0\.1:{first.port}", "and says who does")
    refused = second.nae("key", "list")
    tap.like(refused.stderr, rf"ks1 at 127\.0\.0\.1:{first.port}", "also of what it would read")
    tap.ok(ready(second) and "seq" in second.must("audit", "verify", "--json"), "of itself and of its log it answers")

    # all are well
    first.must("key", "rotate", "customer-pii")
    renewed = bytes.fromhex(stack.sql("nae_all", "SELECT nae_encrypt('customer-pii', 'secret')").out[2:])
    later = Readers(servers, device, renewed)
    tap.ok(later.all_served(servers), "a value under a version that was made just now is read on all of them",
           {server.path.name: hammer.codes[-3:] for server, hammer in later.of.items()})
    with Seconds() as took:
        first.must("key", "restrict", "customer-pii", "1")
        first.must("key", "retire", "customer-pii", "1")
    left = readers.successes_from_now_on(servers)
    tap.is_(left, [], "a version that was retired is read nowhere when the call has returned")
    tap.ok(took.passed < LEASE, f"which waits for no lease: {took.passed:.2f} s")
    print(f"# two changes, acknowledged by three, took {took.passed:.2f} s", flush=True)
    tap.ok(later.all_served(servers), "and others still are")

    # one is cut off from the store
    proxy.swallows = True
    proxy.forget_connections()
    pid = third.pid
    with Seconds() as took:
        first.apply_policy(POLICY)
    left = later.successes_from_now_on(servers)
    tap.is_(left, [], "a right that a policy takes away is gone on all when the call has returned, though one is cut off from the store")
    tap.ok(took.passed < WAITED, f"which waits for its lease and no longer: {took.passed:.2f} s")
    tap.ok(wait_until(lambda: not alive(pid), 10), "that one has ended", third.log.read_text()[-1000:])
    tap.is_(third.process.wait(), 76, "with the exit code that says so")
    with Seconds() as took:
        first.apply_policy(with_device)
    tap.ok(took.passed < LEASE, f"the next change does not wait for it again: {took.passed:.2f} s")
    proxy.swallows = False
    third.start(ready=False)
    tap.ok(wait_until(lambda: follows(third), 60), "with its way to the store back it follows again", third.log.read_text()[-1500:])

    # one is stopped in its sleep
    later = Readers(servers, device, renewed)
    tap.ok(later.all_served(servers), "all are served again")
    sleeper = later.of[second]
    pid = second.pid
    second.freeze()
    while sleeper.take():  # what it had said before; as much is asked again, of one that sleeps
        pass
    sleeper.codes.clear()
    with Seconds() as took:
        first.must("device", "remove", "other-host")
    left = later.successes_from_now_on([first, third])
    tap.is_(left, [], "a device that was removed reads nothing when the call has returned, though one sleeps")
    tap.ok(took.passed < WAITED, f"which waits for its lease and no longer: {took.passed:.2f} s")
    second.thaw()
    tap.ok(wait_until(lambda: not alive(pid)), "when it wakes it ends", second.log.read_text()[-1000:])
    tap.is_((sleeper.drain(), sleeper.codes), (True, []), "and answers nothing of what it was asked")
    tap.is_(second.process.wait(), 76, "with the exit code that says so")
    second.start(ready=False)
    tap.ok(wait_until(lambda: follows(second), 60), "it is started again and follows", second.log.read_text()[-1500:])

    # one is killed
    third.stop(signal.SIGKILL)
    with Seconds() as took:
        first.apply_policy(POLICY)
    tap.ok(took.passed < WAITED, f"one that is killed holds a change up for its lease and no longer: {took.passed:.2f} s")
    third.start(ready=False)
    tap.ok(wait_until(lambda: follows(third), 60), "it is started again and follows", third.log.read_text()[-1500:])

    # the one in charge is killed, with a change just acknowledged
    value = stack.sql("nae_all", "SELECT nae_encrypt('customer-pii', 'kept')").out
    first.must("key", "create", "made-last", "--type", "aes-256-gcm")
    first.stop(signal.SIGKILL)
    at = time.monotonic()
    unread = []
    while time.monotonic() < at + LEASE / 2:
        answer = stack.sql("nae_all", f"SELECT nae_decrypt_text('{value}'::bytea)")
        if answer.out != "kept":
            unread.append(answer)
    tap.is_(unread, [], "while nobody is in charge values are read")
    tap.ok(load.goes_on(at + 1, TAKEN_OVER + 30), "and one of those that followed takes over", second.log.read_text()[-1500:], third.log.read_text()[-1500:])
    print(f"# nothing was encrypted for {load.longest_gap(at):.2f} s of a lease of {LEASE} s", flush=True)
    chief = second if "event=charge-taken" in second.log.read_text() else third
    other = third if chief is second else second
    tap.ok(wait_until(lambda: ready(chief) and not follows(chief)), "it begins anew as the one in charge", chief.log.read_text()[-1500:])
    tap.ok("made-last" in chief.must("key", "show", "made-last"), "and has what was acknowledged last")
    first.start(ready=False)
    tap.ok(wait_until(lambda: follows(first), 60), "the one that was killed comes back and follows", first.log.read_text()[-1500:])
    tap.ok(follows(other), "and the other one never ceased to")
    load.stop()
    tap.is_(load.wrong, [], "no answer was wrong")
    print(f"# {len(load.good)} answers, {len(load.errors)} errors", flush=True)

    # clean ends
    first.stop()
    tap.is_(states(chief)["ks1"], "left", "one that is stopped has left")
    with Seconds() as took:
        chief.must("key", "rotate", "made-last")
    tap.ok(took.passed < LEASE, f"and holds nothing up: {took.passed:.2f} s")
    other.stop()
    chief.stop()
    for server in servers:
        verified = run(NAE, "audit", "verify", "--directory", server.path / "audit",
                       "--public-key", server.path / "audit" / "audit-public.pem")
        tap.ok(verified.returncode == 0, f"the audit log of {server.path.name} is whole", verified.stdout, verified.stderr)
    verified = run(KEY_SERVER, "verify-store", "--config", first.config)
    tap.ok(verified.returncode == 0, "and so is the store", verified.stderr)
    store.control("stop", "-m", "immediate")
