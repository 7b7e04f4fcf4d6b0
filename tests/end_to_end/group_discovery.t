#!/usr/bin/python3 -B
# An agent whose configuration names one key server of a group uses all of them: one that is added later gets work, the one that is named may
# be killed, one that leaves or is fenced is dropped, and nobody touches the agent.
import json
import signal
import time

import wire
from harness import KEY_SERVER, ROOT, Stack, Tap, alive, run, wait_until
from key_servers import LEASE, Load, TAKEN_OVER, bring_keys, free_port, in_store, ready, second_machine, start_store

PORT = 5448
STATE = 14


def states(server):
    return {node["name"]: node["state"] for node in json.loads(server.must("node", "list", "--json"))["nodes"]}


def follows(server, name):
    return wait_until(lambda: ready(server) and states(server).get(name) == "following", 60)


def upstreams(stack):
    """Of the agent's connections: what is said of each server, by its address."""
    servers = {}
    for line in stack.sql("nae_all", "SELECT name || '=' || coalesce(value, '') FROM nae_agent_stats()").out.splitlines():
        name, _, value = line.partition("=")
        if not name.startswith("upstream."):
            continue
        field = name.split(".")[2]
        if field == "server":
            of = servers.setdefault(value, {})
        elif field == "requests":
            of[field] = of.get(field, 0) + int(value)
        elif field != "state" or of.get("state") != "ready":
            of[field] = value
    return servers


def state_of(stack, server):
    return upstreams(stack).get(f"127.0.0.1:{server.port}", {}).get("state")


def requests(stack, server):
    return upstreams(stack).get(f"127.0.0.1:{server.port}", {}).get("requests", 0)


class Reader:
    """Reads one value again and again; every answer that is not the value is kept."""
    def __init__(self, stack, sealed):
        self.stack, self.sealed = stack, sealed
        self.bad, self.good = [], 0

    def read(self):
        answer = self.stack.sql("nae_all", f"SELECT nae_decrypt_text('{self.sealed}'::bytea)")
        if answer.out == "value":
            self.good += 1
        else:
            self.bad.append(answer)
        return not self.bad

    def until(self, holds, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read()
            if holds():
                return True
        return False


with Tap() as tap, Stack() as stack:
    first = stack.key_server
    store, url = start_store(stack, PORT)
    first.stop()
    run(KEY_SERVER, "move-store", "--config", first.config, "--to", url)
    second = second_machine(first, first.path.with_name("second"), free_port())
    third = second_machine(first, first.path.with_name("third"), free_port())
    for server, name in ((first, "ks1"), (second, "ks2"), (third, "ks3")):
        in_store(server, url, name)
        server.config.write_text(server.config.read_text().replace("[store]\n", "[store]\nfollow = true\n"))

    # where a node is reached is said, or known
    text = second.config.read_text()
    second.config.write_text(text.replace(f'listen = "127.0.0.1:{second.port}"', f'listen = "0.0.0.0:{second.port}"'))
    refused = run(KEY_SERVER, "check-config", "--config", second.config)
    tap.like(refused.stderr, "server.advertise: is required", "a node that listens everywhere must say where agents reach it")
    second.config.write_text(second.config.read_text().replace("[server]\n", f'[server]\nadvertise = "127.0.0.1:{second.port}"\n'))
    checked = run(KEY_SERVER, "check-config", "--config", second.config)
    tap.ok(checked.returncode == 0, "which it then does", checked.stderr)

    first.start()
    for server in (second, third):
        bring_keys(server)
    second.start(ready=False)
    tap.ok(follows(second, "ks2"), "ks2 follows", second.log.read_text()[-1500:])
    stack.reconnected()
    sealed = stack.sql("nae_all", "SELECT nae_encrypt('customer-pii', 'value')").out
    reader = Reader(stack, sealed)

    # the agent knows one of them
    tap.ok(f'"127.0.0.1:{first.port}"' in stack.agent_config.read_text() and str(second.port) not in stack.agent_config.read_text(),
           "the agent's configuration names one key server")
    tap.ok(wait_until(lambda: state_of(stack, second) == "ready", 30), "and it uses the other one", upstreams(stack))
    tap.ok(reader.until(lambda: requests(stack, second) > 0), "which has work", upstreams(stack))
    known = upstreams(stack)[f"127.0.0.1:{second.port}"]
    tap.is_((known["origin"], known["node"]), ("discovered", "ks2"), "it says which it has found")

    # one is added
    third.start(ready=False)
    tap.ok(follows(third, "ks3"), "a third one is started", third.log.read_text()[-1500:])
    tap.ok(reader.until(lambda: state_of(stack, third) == "ready" and requests(stack, third) > 0), "and has work, without a word to the agent", upstreams(stack))
    tap.is_(reader.bad, [], "no request failed meanwhile")

    # agents of old releases
    first.apply_policy((ROOT / "tests/fixtures/policy.toml").read_text() + '\n[[device]]\nname = "old-host"\n')
    certificate, key = first.enroll("old-host", first.path.with_name("old"))
    context = wire.tls_context(certificate.with_name("authority.pem"), certificate, key)

    def told_of_third(server):
        with wire.tls_peer(server.port, context) as peer:
            return b"ks3" in peer.send(wire.hello(highest=3)).read()[2]

    for server, versions in ((first, {1: 1, 2: 2, 3: 3}), (second, {1: 1, 2: 1, 3: 3})):
        tap.ok(wait_until(lambda: told_of_third(server), 10), f"{server.path.name} tells of the third one")
        for highest, agreed in versions.items():
            with wire.tls_peer(server.port, context) as peer:
                reply = peer.send(wire.hello(highest=highest), wire.open_context(), wire.crypto(bytes.fromhex(sealed[2:]), action=wire.DECRYPT, key="")).read()
                answers = [peer.read_past(STATE), peer.read_past(STATE)]
            said = int.from_bytes(reply[2][:2], "big")
            tap.is_((reply[0], said), (wire.HELLO_REPLY, agreed), f"an agent that speaks versions up to {highest} is answered by {server.path.name}")
            tap.is_([kind for kind, *_ in answers], [wire.CONTEXT_OPENED, wire.CRYPTO_REPLY], "and served")
            tap.is_(b"ks3" in reply[2], highest == 3, "with the group's nodes if it knows of them" if highest == 3 else "and told of no nodes")

    # the one that is named is killed
    at = time.monotonic()
    first.stop(signal.SIGKILL)
    tap.ok(reader.until(lambda: time.monotonic() > at + 2 * LEASE, 2 * LEASE + 5), "the key server that is named is killed")
    tap.is_(reader.bad, [], f"and of {reader.good} reads none failed")
    taken = lambda: [server for server in (second, third) if "event=charge-taken" in server.log.read_text()]
    tap.ok(wait_until(lambda: len(taken()) == 1, TAKEN_OVER + 30), "one of the others takes charge", second.log.read_text()[-1500:])
    chief = taken()[0]
    other = third if chief is second else second
    name_of = {second: "ks2", third: "ks3"}
    load = Load(stack)
    tap.ok(load.goes_on(at + LEASE, TAKEN_OVER + 30), "what is counted goes to whoever took charge", chief.log.read_text()[-1500:])
    load.stop()
    tap.is_(load.wrong, [], "with no wrong answer")
    tap.ok(wait_until(lambda: ready(chief) and state_of(stack, other) == "ready", 30), "both others are used", upstreams(stack))

    # one leaves
    reader = Reader(stack, sealed)
    other.stop()
    tap.is_(states(chief)[name_of[other]], "left", "one leaves")
    tap.ok(reader.until(lambda: state_of(stack, other) is None), "and is dropped", upstreams(stack))
    other.start(ready=False)
    tap.ok(follows(other, name_of[other]), "it comes back", other.log.read_text()[-1500:])
    tap.ok(reader.until(lambda: state_of(stack, other) == "ready"), "and is used again", upstreams(stack))

    # one is fenced
    pid = other.pid
    chief.must("node", "fence", name_of[other], "--reason", "its disk fails", "--yes")
    tap.ok(reader.until(lambda: state_of(stack, other) is None), "one that is fenced is dropped", upstreams(stack))
    tap.is_(reader.bad, [], "and no request failed")
    tap.ok(wait_until(lambda: not alive(pid), LEASE + 5), "it has ended")
    other.process.wait()

    # and is gone for ever
    refused = chief.nae("node", "remove", name_of[chief], "--reason", "x", "--yes")
    tap.like(refused.stderr, "is there", "a node that is there is not removed")
    removed = ("node", "remove", name_of[other], "--reason", "its machine is scrapped", "--yes")
    tap.ok(wait_until(lambda: chief.nae(*removed).returncode == 0, 2 * LEASE), "the one that was fenced and is silent is", chief.log.read_text()[-1500:])
    tap.ok(name_of[other] not in states(chief), "and is listed no more", states(chief))
    records = json.loads(chief.must("audit", "query", "--event", "admin", "--action", "node-remove", "--limit", "10", "--json"))["records"]
    tap.ok([record for record in records if record["target"] == name_of[other] and record["detail"] == "its machine is scrapped"],
           "the audit log has who removed it, and why", records)
    agent_log = (stack.path / "postgresql.log").read_text()
    tap.ok("event=server_discovered" in agent_log and "event=server_dropped" in agent_log and "discovered_server_refused" not in agent_log,
           "the agent's log has who came and who went", agent_log[-1500:])
    chief.stop()
    store.control("stop", "-m", "immediate")
