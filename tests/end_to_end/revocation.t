#!/usr/bin/python3 -B
# When a command that takes a right away has returned, nobody gets an answer under the old decision: not those
# who hammer over the wire, not those who wait for the HSM, not SQL sessions, not who does not read its answers.
import subprocess
import threading
import time

import wire
from hammer import Hammer, work
from harness import NAE, OWNER, ROOT, Stack, Tap, wait_until

SIGN = 3
DENIED, KEY_STATE, DEVICE_UNKNOWN = 32, 49, 35
POLICY = (ROOT / "tests/fixtures/policy.toml").read_text() + '\n[[device]]\nname = "other-host"\n'
CLOSED = POLICY + '\n[[rule]]\nname = "closed"\nroles = ["glob:*"]\nkeys = ["glob:*"]\nactions = ["decrypt", "sign"]\nresult = "deny"\n'


class Reader(threading.Thread):
    """An SQL session that reads one value again and again."""
    def __init__(self, stack, sealed):
        super().__init__(daemon=True)
        self.session, self.sealed = stack.session("nae_all"), sealed
        self.stopped, self.asked = False, []  # (begun, SQLSTATE)
        self.start()

    def run(self):
        while not self.stopped:
            begun = time.monotonic()
            self.asked.append((begun, self.session.ask(f"SELECT nae_decrypt('{self.sealed}'::bytea)").state))

    def stop(self):
        self.stopped = True
        self.join()
        self.session.close()


def command(server, *words):
    return subprocess.Popen([str(NAE), "--config", str(server.path / "admin" / "cli.toml"), *map(str, words)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd="/", text=True, **OWNER)


def revoke(tap, name, hammers, readers, code, sqlstate, start, seconds=60):
    """Runs a command under load, and looks at what each asker was told after it returned."""
    for hammer in hammers:
        hammer.codes.clear()
    ready = time.monotonic() + 20
    while not all(len(hammer.codes) > 50 for hammer in hammers) and time.monotonic() < ready:
        work(hammers, 0.1)
    tap.ok(all(hammer.codes and not any(hammer.codes) for hammer in hammers), f"{name}: all are served before",
           [hammer.codes[-3:] for hammer in hammers])
    process = start()
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        work(hammers, 0.01)
    returned = time.monotonic()
    for hammer in hammers:
        hammer.take()  # what has reached this host by now
        hammer.codes.clear()
    tap.is_(process.wait(), 0, f"{name}: the command succeeds")
    if process.returncode:
        print("#", process.stdout.read())
    ready = time.monotonic() + 20
    while not all(len(hammer.codes) > 100 or hammer.ended for hammer in hammers) and time.monotonic() < ready:
        work(hammers, 0.1)
    late = [hammer.codes.count(0) for hammer in hammers]
    tap.is_(late, [0] * len(hammers), f"{name}: no answer of the old decision comes later")
    tap.ok(all(hammer.ended or set(hammer.codes) == {code} for hammer in hammers), f"{name}: all are refused",
           [set(hammer.codes) for hammer in hammers])
    for reader in readers:
        wait_until(lambda reader=reader: sum(begun > returned for begun, _ in reader.asked) > 5)
    states = [{state for begun, state in list(reader.asked) if begun > returned} for reader in readers]
    tap.is_(states, [{sqlstate}] * len(readers), f"{name}: nor is a later query answered")


with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm short-lived:aes-256-gcm doc-p256:ecdsa-p256") as stack:
    server = stack.key_server
    server.apply_policy(POLICY)
    session = stack.session("nae_all")
    values = {key: session.ask(f"SELECT nae_encrypt('{key}', 'secret')").out for key in ("customer-pii", "short-lived")}
    certificate, key = server.enroll("other-host", stack.path.with_name("other"))
    context = wire.tls_context(certificate.with_name("authority.pem"), certificate, key)

    def hammers(key="customer-pii", signing=True):
        decrypt = wire.crypto(bytes.fromhex(values[key][2:]), action=wire.DECRYPT, key="")
        made = [Hammer(server.port, context, "nae_all", decrypt) for _ in range(4)]
        if signing:
            made.append(Hammer(server.port, context, "nae_all", wire.crypto(b"m", action=SIGN, key="doc-p256"), in_flight=8))
        return made

    closed, opened = server.path.with_name("closed.toml"), server.path.with_name("opened.toml")
    for path, text in ((closed, CLOSED), (opened, POLICY)):
        path.write_text(text)
        path.chmod(0o644)
    all_hammers = hammers()
    readers = [Reader(stack, values["customer-pii"]) for _ in range(3)]
    for number in range(3):
        revoke(tap, f"policy {number}", all_hammers, readers, DENIED, "NE001", lambda: command(server, "policy", "apply", closed))
        server.must("policy", "apply", opened)
        wait_until(lambda: [work(all_hammers, 0.1), all(hammer.codes[-40:] == [0] * 40 for hammer in all_hammers)][1])
    for reader in readers:
        reader.stop()

    short = hammers("short-lived", signing=False)
    readers = [Reader(stack, values["short-lived"]) for _ in range(2)]
    revoke(tap, "key", short, readers, KEY_STATE, "NE011",
           lambda: command(server, "key", "states", "short-lived", "--version", 1, "--set", "retired"))
    for hammer in short:
        hammer.close()
    for reader in readers:
        reader.stop()

    # Answers that a host does not take wait in the key server; they must not outlive the right to them.
    big = session.ask("SELECT nae_encrypt('customer-pii', repeat('x', 200000))").out
    wanted = 200
    sleeper = Hammer(server.port, context, "nae_all", wire.crypto(bytes.fromhex(big[2:]), action=wire.DECRYPT, key=""), in_flight=wanted)
    wait_until(lambda: [sleeper._send(), work(all_hammers, 0.02), not sleeper.unsent][2], seconds=3)
    revoke(tap, "a host that does not read", all_hammers, [], DENIED, "", lambda: command(server, "policy", "apply", closed))
    tap.ok(sleeper.drain(), "it is cut off")
    tap.ok(len(sleeper.codes) < wanted, "and what it did not take is gone", len(sleeper.codes))
    server.must("policy", "apply", opened)
    wait_until(lambda: [work(all_hammers, 0.1), all(hammer.codes[-40:] == [0] * 40 for hammer in all_hammers)][1])

    revoke(tap, "device", all_hammers, [], DEVICE_UNKNOWN, "", lambda: command(server, "device", "remove", "other-host"))
    tap.ok(all(hammer.drain() for hammer in all_hammers), "its connections end")
    tap.is_(session.ask(f"SELECT nae_decrypt_text('{values['customer-pii']}'::bytea)").out, "secret", "another device reads on")

    # The host of SQL itself, told apart from a key server that is away.
    server.must("device", "remove", "database-host")
    read = f"SELECT nae_decrypt_text('{values['customer-pii']}'::bytea)"
    tap.ok(wait_until(lambda: session.ask(read).state == "NE004"), "a removed host hears NE004 in SQL")
    for asked, name in ((read, "reading"), ("SELECT nae_sign('doc-p256', 'x')", "signing")):
        answer = session.ask(asked)
        tap.refused(answer, "NE004", f"so does {name}", "does not let this host in.*\"database-host\" was removed")
        tap.like(answer.hint, "nae device enroll database-host", f"{name}: the hint says what mends it")
    server.stop()
    tap.ok(wait_until(lambda: session.ask(read).state == "08001"), "a key server that is away is another matter")
