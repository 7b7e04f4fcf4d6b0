"""Several key servers on one PostgreSQL, and a load that says when it was answered."""
import json
import re
import shutil
import socket
import threading
import time

from cluster import Cluster
from harness import KEY_SERVER, KeyServer, run, wait_until

LEASE = 5  # seconds, the least
TAKEN_OVER = LEASE + 5  # a lease, and the start of a server on a busy machine


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_store(stack, port, **settings):
    """A PostgreSQL for the store, and its URL."""
    store = Cluster(stack, stack.path / "store", port=port)
    store.initialize()
    store.configure(**settings)
    store.control("start")
    return store, f"postgresql:///postgres?user=postgres&host={stack.path}&port={port}"


def in_store(server, url, node):
    """Its configuration with the PostgreSQL in the place of the file."""
    text = server.config.read_text()
    server.config.write_text(re.sub(r"\[store\]\n.*\n", f'[store]\nurl = "{url}"\nnode = "{node}"\nlease_s = {LEASE}\n', text))


def second_machine(first, path, port):
    """With what docs/operations.md has one copy there: no token yet, and an audit log of its own."""
    shutil.copytree(first.path, path, copy_function=shutil.copy2)
    for file in [path, *path.rglob("*")]:
        owner = first.path if file == path else first.path / file.relative_to(path)
        shutil.chown(file, owner.stat().st_uid, owner.stat().st_gid)
    for file in (path / "nae-keyserver.toml", path / "admin/cli.toml", path / "hsm/softhsm2.conf"):
        file.write_text(file.read_text().replace(str(first.path), str(path)).replace(f":{first.port}", f":{port}"))
    for file in (path / "audit").iterdir():
        if file.name != "audit-public.pem":
            file.unlink()
    for token in (path / "hsm/tokens").iterdir():
        shutil.rmtree(token)
    return KeyServer(path)


class Load:
    """One session that encrypts and reads back, again and again: when it was answered, and what was wrong."""
    def __init__(self, stack):
        self.session = stack.session("nae_all")
        self.ended, self.wrong, self.good, self.errors = False, [], [], []
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        number = 0
        while not self.ended:
            number += 1
            answer = self.session.ask(f"SELECT nae_decrypt_text(nae_encrypt('customer-pii', 'value {number}'))")
            if answer.out == f"value {number}":
                self.good.append(time.monotonic())
            elif answer.state:
                self.errors.append(answer)
            else:
                self.wrong.append(answer)

    def longest_gap(self, since):
        times = [since] + [at for at in self.good if at >= since]
        return max(b - a for a, b in zip(times, times[1:])) if len(times) > 1 else None

    def goes_on(self, since, seconds):
        return wait_until(lambda: self.good and self.good[-1] > since, seconds)

    def stop(self):
        self.ended = True
        self.thread.join()


def bring_keys(server):
    """The custodians open the group's keys on the server's token."""
    card = server.path / "custody"
    return run(KEY_SERVER, "restore", "--config", server.config, "--custody", server.path / "custody.nae",
               "--software-card", card / "card.pem", "--passphrase-file", card / "passphrase")


def ready(server):
    done = server.nae("status")
    return done.returncode == 0


def waits(server):
    return "is in charge of the store" in server.nae("status").stderr


def listed_as(server, state):
    """Of itself; one that begins anew meanwhile does not answer."""
    done = server.nae("node", "list", "--json")
    return done.returncode == 0 and any(node["state"] == state and f":{server.port}" in node["address"] for node in json.loads(done.stdout)["nodes"])


def follows(server):
    return ready(server) and listed_as(server, "following")


def in_charge(server):
    return ready(server) and listed_as(server, "in-charge")


def set_store(server, text):
    server.config.write_text(server.config.read_text().replace("[store]\n", f"[store]\n{text}\n"))
