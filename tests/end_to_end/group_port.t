#!/usr/bin/python3 -B
# A key server that has joined the group as a follower, and then finds its port taken: it ends, and no change waits for it.
import json
import socket

from harness import KEY_SERVER, Seconds, Stack, Tap, run, wait_until
from key_servers import LEASE, bring_keys, free_port, in_store, second_machine, start_store

PORT = 5461


def state_of(server, name):
    return {node["name"]: node["state"] for node in json.loads(server.must("node", "list", "--json"))["nodes"]}.get(name)


with Tap() as tap, Stack() as stack:
    first = stack.key_server
    store, url = start_store(stack, PORT)
    first.stop()
    run(KEY_SERVER, "move-store", "--config", first.config, "--to", url)
    second = second_machine(first, first.path.with_name("second"), free_port())
    for server, name in ((first, "ks1"), (second, "ks2")):
        in_store(server, url, name)
        server.config.write_text(server.config.read_text().replace("[store]\n", "[store]\nfollow = true\n"))
    first.start()
    bring_keys(second)
    first.must("key", "create", "rotated", "--type", "aes-256-gcm")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", second.port))
        taken.listen()
        second.start(ready=False)
        with Seconds() as took:
            code = second.process.wait(60)
        said = second.log.read_text()
        tap.ok(code not in (0, 76) and code > 0, f"a follower whose port is taken ends: {code}", said[-1500:])
        tap.like(said, f"127.0.0.1:{second.port}.*[Aa]ddress already in use", "and says why")
        tap.is_(state_of(first, "ks2"), "left", "to the others it has left")
        with Seconds() as took:
            first.must("key", "rotate", "rotated")
        tap.ok(took.passed < LEASE / 2, f"a change does not wait for it: {took.passed:.2f} s of a lease of {LEASE} s")
    second.start(ready=False)
    tap.ok(wait_until(lambda: state_of(first, "ks2") == "following", 60), "with its port free it follows at once", second.log.read_text()[-1500:])
    second.stop()
    first.stop()
    store.control("stop", "-m", "immediate")
