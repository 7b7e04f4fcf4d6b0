#!/usr/bin/python3 -B
# The store behind two key servers is put back, loses its synchronous standby, and becomes a black hole. What each of them has seen of
# it counts, also after a start.
import atexit
import json
import re
import shutil
import signal
import subprocess
import time

from harness import KEY_SERVER, OWNER, Stack, Tap, give_to_owner, run, wait_until
from key_servers import LEASE, TAKEN_OVER, bring_keys, free_port, in_store, second_machine, start_store, waits


def seen(server):
    """The number of the newest change that it remembers."""
    file = server.path / "store-seen"
    return int(file.read_text().split()[1]) if file.exists() else 0


def metric(server, name):
    """Of /metrics; None when it has none of this name."""
    files = server.path / "admin"
    text = run("curl", "-s", "--max-time", "10", "--cacert", files / "authority.pem", "--cert", files / "admin.pem", "--key", files / "admin.key",
               f"https://127.0.0.1:{server.port}/metrics").stdout
    found = re.search(rf"^{name} (\S+)$", text, re.M)
    return float(found.group(1)) if found else None


def status(server):
    return json.loads(server.nae("status", "--json").stdout)


with Tap() as tap, Stack() as stack:
    first = stack.key_server
    store, url = start_store(stack, 5440)
    first.stop()
    moved = run(KEY_SERVER, "move-store", "--config", first.config, "--to", url)
    second = second_machine(first, first.path.with_name("second"), free_port())
    in_store(first, url, "ks1")
    in_store(second, url, "ks2")
    bring_keys(second)

    # put back while nobody runs: a copy of when one was in charge
    first.start()
    first.stop(signal.SIGKILL)
    store.control("stop")
    older = stack.path / "older"
    shutil.copytree(store.data, older, copy_function=shutil.copy2)
    give_to_owner(older, *older.rglob("*"))
    store.control("start")
    first.start()
    second.start(ready=False)
    tap.ok(wait_until(lambda: waits(second)), "a second key server waits", second.log.read_text()[-1000:])
    before = seen(second)
    first.must("key", "create", "made-later", "--type", "aes-256-gcm")
    tap.ok(wait_until(lambda: seen(second) > before, LEASE + 5), "and remembers what it sees of the store", before, seen(second))
    tap.ok(wait_until(lambda: seen(first) >= seen(second), LEASE + 5), "as the one in charge does", seen(first), seen(second))
    first.stop()
    second.stop()
    store.control("stop")
    shutil.rmtree(store.data)
    older.rename(store.data)
    store.control("start")
    log = len(second.log.read_text())
    second.start(ready=False)
    refused = lambda server, since: wait_until(lambda: "store_rolled_back" in server.log.read_text()[since:], TAKEN_OVER + 20)
    tap.ok(refused(second, log), "a store that was put back while nobody ran is not taken over", second.log.read_text()[log:])
    tap.like(second.nae("status").stderr, "lost change", "by the one that has seen more; its audit log knows nothing of it")
    second.stop()
    one_host, hosts = f"host={stack.path}&port=5440", f"host={stack.path},{stack.path}/nowhere&port=5440"
    first.config.write_text(first.config.read_text().replace(one_host, hosts))
    not_taken = run(KEY_SERVER, "accept-store-rollback", "--config", first.config, "--reason", "the disk died")
    tap.like(not_taken.stderr, "synchronous_standby_names is empty", "a store that takes no changes is not accepted")
    tap.ok(not any(b"store-rollback-accepted" in file.read_bytes() for file in (first.path / "audit").iterdir() if file.is_file()), "and the audit log does not say that it was")
    first.config.write_text(first.config.read_text().replace(hosts, one_host))
    accepted = run(KEY_SERVER, "accept-store-rollback", "--config", first.config, "--reason", "the disk died")
    tap.ok(accepted.returncode == 0, "it is accepted with a reason where it was in charge, also a copy in which one has the lease", accepted.stderr)
    tap.ok(any(b"store-rollback-accepted" in file.read_bytes() for file in (first.path / "audit").iterdir() if file.is_file()), "which its audit log says")
    for command in (("accept-keys", "--reason", "x"), ("verify-store",)):
        done = run(KEY_SERVER, *command, "--config", second.config)
        tap.like(done.stderr, "another change.*store_rolled_back", f"nor does {command[0]} go past that")
    first.start()
    log = len(second.log.read_text())
    second.start(ready=False)
    tap.ok(refused(second, log), "each that has seen more refuses it", second.log.read_text()[log:])
    second.stop()
    accepted = run(KEY_SERVER, "accept-store-rollback", "--config", second.config, "--reason", "the disk died")
    tap.ok(accepted.returncode == 0, "until it is accepted there too, also while another one is in charge", accepted.stderr)
    tap.like(accepted.stdout, "the disk died; the store has another change.*\n.*has no record of it: the key server ks1 is in charge", "which says what it did")
    again = run(KEY_SERVER, "accept-store-rollback", "--config", second.config, "--reason", "the disk died")
    tap.like(again.stderr, "ks1 is in charge", "once")
    second.start(ready=False)
    tap.ok(wait_until(lambda: waits(second)), "then it waits as before", second.log.read_text()[-1000:])

    # a file that nobody of the group wrote
    second.stop()
    file = second.path / "store-seen"
    text = file.read_text()
    file.write_text(text.replace(text.split()[1], "1", 1))
    log = len(second.log.read_text())
    second.start(ready=False)
    second.process.wait(30)
    tap.like(second.log.read_text()[log:], "store-seen is not what a key server of this group wrote", "what it remembers cannot be written by others")
    file.write_text(text)

    # the synchronous standby is taken away
    first.stop()
    first.config.write_text(first.config.read_text().replace(f"host={stack.path}&port=5440", f"host={stack.path},{stack.path}/nowhere&port=5440"))
    received = stack.path / "received"
    received.mkdir()
    give_to_owner(received)
    standby = subprocess.Popen([str(word) for word in (stack.psql.with_name("pg_receivewal"), "-D", received, "--synchronous", "-h", stack.path,
                                                       "-p", "5440", "-U", "postgres")], cwd="/", **OWNER)
    atexit.register(standby.kill)

    def standbys(names):
        for statement in (f"ALTER SYSTEM SET synchronous_standby_names = '{names}'", "SELECT pg_reload_conf()"):
            store.ask(statement, role=None, database="postgres")

    standbys("pg_receivewal")
    refused = run(KEY_SERVER, "check-config", "--config", first.config)
    tap.ok(wait_until(lambda: run(KEY_SERVER, "check-config", "--config", first.config).returncode == 0), "several hosts with a synchronous standby", refused.stderr)
    first.start()
    stack.reconnected()
    sealed = stack.sql("nae_all", "SELECT nae_encrypt('customer-pii', 'value')").out
    first.must("key", "create", "while-synchronous", "--type", "aes-256-gcm")
    tap.is_(metric(first, "nae_store_synchronous"), 1, "the metric says that changes outlive a machine")
    standbys("")
    tap.ok(wait_until(lambda: not status(first)["ready"]), "when it is taken away later, readiness says so")
    tap.like(status(first)["store"]["problem"], "synchronous_standby_names is empty", "and why")
    tap.is_(metric(first, "nae_store_synchronous"), 0, "and so does the metric")
    refused = first.nae("key", "create", "while-asynchronous", "--type", "aes-256-gcm")
    tap.like(refused.stderr, "a failover would forget", "a change is refused")
    time.sleep(LEASE)  # more than one renewal
    answer = stack.sql("nae_all", f"SELECT nae_decrypt_text('{sealed}'::bytea)")
    tap.ok(answer.out == "value", "values are served, for as long as the lease is renewed", answer, sealed)
    goes_on = lambda server, since: wait_until(lambda: "event=ready" in server.log.read_text()[since:], TAKEN_OVER + 20)
    first.stop()
    log = len(first.log.read_text())
    first.start(ready=False)
    tap.ok(goes_on(first, log), "one that starts then serves all the same", first.log.read_text()[log:][-2000:])
    stack.reconnected()
    answer = stack.sql("nae_all", f"SELECT nae_decrypt_text('{sealed}'::bytea)")
    tap.ok(answer.out == "value", "with what it has read", answer)
    second.config.write_text(second.config.read_text().replace(f"host={stack.path}&port=5440", f"host={stack.path},{stack.path}/nowhere&port=5440"))
    second.start(ready=False)
    tap.ok(wait_until(lambda: waits(second)), "another one waits", second.log.read_text()[-1000:])
    first.stop(signal.SIGKILL)
    log = len(second.log.read_text())
    tap.ok(goes_on(second, log), "and takes over", second.log.read_text()[log:][-2000:])
    tap.like(status(second)["store"]["problem"], "synchronous_standby_names is empty", "with what is not well")
    second.stop()
    log = len(first.log.read_text())
    first.start(ready=False)
    tap.ok(goes_on(first, log), "as the first one does again", first.log.read_text()[log:][-2000:])
    standbys("pg_receivewal")
    tap.ok(wait_until(lambda: first.nae("key", "create", "again", "--type", "aes-256-gcm").returncode == 0), "and changes again when it is back")

    first.stop()
    standbys("")
    standby.terminate()
    store.control("stop", "-m", "immediate")
