#!/usr/bin/python3 -B
# Two servers on two copies of one store. As long as they are alike an agent uses both; of two that were changed apart, the first.
import re
import shutil
import socket

from harness import ROOT, KeyServer, Seconds, Stack, Tap, wait_until

GRACE = 2  # seconds, agent/server_group.hpp
REFUSED = "its keys, policy or devices are others than those of"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def copy(server, path, port):
    """A server of its own on a copy of everything; the original stands still."""
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(server.path, path, copy_function=shutil.copy2)
    for file in [path, *path.rglob("*")]:
        owner = server.path if file == path else server.path / file.relative_to(path)
        shutil.chown(file, owner.stat().st_uid, owner.stat().st_gid)
    for file in (path / "nae-keyserver.toml", path / "admin/cli.toml", path / "hsm/softhsm2.conf"):
        text = file.read_text().replace(str(server.path), str(path)).replace(f":{server.port}", f":{port}")
        file.write_text(text)
    return KeyServer(path)


class Pair:
    """The stack's own server and its copy, and the agent that is to use both."""
    def __init__(self, stack):
        self.stack, self.first, self.second = stack, stack.key_server, None
        self.port = free_port()
        self.session = stack.session("nae_all")
        self.both_alike()
        addresses = f'servers = ["127.0.0.1:{self.first.port}", "127.0.0.1:{self.port}"]'
        stack.configure_agent(lambda text: re.sub(r"servers = .*", addresses, text))

    def both_alike(self):
        if self.second:
            self.second.stop()
        self.first.stop()
        self.second = copy(self.first, self.first.path.with_name("second"), self.port)
        self.first.start()
        self.second.start()

    def upstreams(self, column):
        query = f"SELECT value FROM nae_agent_stats() WHERE name LIKE 'upstream.%.{column}' ORDER BY name"
        return self.session.ask(query).out.splitlines()

    def both_serve(self):
        return wait_until(lambda: self.upstreams("state") == ["ready"] * 4, 30)

    def second_is_refused(self):
        return wait_until(lambda: sum(REFUSED in error for error in self.upstreams("last_error")) == 2)

    def round_trips(self):
        """What is written can be read, wherever it was written: errors of forty times."""
        read = "SELECT nae_decrypt_text(nae_encrypt('customer-pii', 'value'))"
        return [answer for answer in (self.session.ask(read) for _ in range(40)) if answer.out != "value"]

    def alarms(self):
        return len(re.findall("event=servers-differ", (self.stack.path / "postgresql.log").read_text()))


with Tap() as tap, Stack() as stack:
    pair = Pair(stack)
    tap.ok(pair.both_serve(), "an agent uses two servers that are alike", pair.upstreams("last_error"))
    tap.is_(pair.round_trips(), [], "what is written by one can be read by the other")

    with Seconds() as took:
        pair.first.must("key", "rotate", "customer-pii")
        refused = pair.second_is_refused()
    tap.ok(refused, "a key that is rotated at one ends the use of the other", pair.upstreams("last_error"))
    tap.ok(GRACE <= took.passed < GRACE + 3, "after the time that a change takes to be known", f"took {took.passed:.1f} s")
    print(f"# the other server was given up {took.passed:.2f} s after the change began", flush=True)
    tap.is_(pair.round_trips(), [], "no value is written that the first cannot read")
    tap.is_(pair.alarms(), 1, "with one alarm")

    pair.first.stop()
    answer = pair.session.ask("SELECT nae_encrypt('customer-pii', 'value')")
    tap.refused(answer, "08001", "without the first there is none", REFUSED)
    tap.like(answer.hint, "Two copies of one store", "and the hint says what is wrong")
    tap.is_(pair.alarms(), 1, "still with one alarm")
    pair.first.start()
    stack.reconnected()
    tap.is_(pair.round_trips(), [], "when it is back it serves")

    def remove_device(server):
        server.enroll("another-host", server.path.with_name("another-host"))
        server.must("device", "remove", "another-host")

    def change_policy(server):
        server.apply_policy((ROOT / "tests/fixtures/policy.toml").read_text() + "\n# changed\n")

    changes = {"a policy that is applied": change_policy, "a device that is removed": remove_device,
               "a key that is made": lambda server: server.must("key", "create", "new-key", "--type", "aes-256-gcm")}
    for name, change in changes.items():
        pair.both_alike()
        tap.ok(pair.both_serve(), f"{name}: before it both are used", pair.upstreams("last_error"))
        change(pair.second)
        tap.ok(pair.second_is_refused(), f"{name} at the second alone ends its use", pair.upstreams("last_error"))
        tap.is_(pair.round_trips(), [], f"{name}: the first serves")
    pair.second.stop()
