#!/usr/bin/python3 -B
# A host changes its key while it works: both keys are good until one is confirmed, and nobody takes the name along.
import json
import os
import signal
import subprocess
import threading

import wire
from harness import Stack, Tap, give_to_owner, wait_until


class Key:
    """A key and its request, as a certificate manager makes them."""
    def __init__(self, directory, name):
        self.key, self.csr = directory / f"{name}.key", directory / f"{name}.csr"
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
                        "-subj", "/CN=any", "-out", self.csr], check=True, capture_output=True)
        self.key.chmod(0o600)
        give_to_owner(self.key, self.csr)

    def signed_by(self, key):
        signature = self.csr.with_suffix(f".by-{key.stem}")
        subprocess.run(["openssl", "dgst", "-sha256", "-sign", key, "-out", signature, self.csr], check=True)
        give_to_owner(signature)
        return signature


with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm") as stack:
    server, agent = stack.key_server, stack.path / "agent"
    old = agent / "database-host.pem", agent / "database-host.key"
    new, third = (Key(stack.path, name) for name in ("new", "third"))
    server.enroll("other-host", stack.path / "other")
    other_key, other_certificate = stack.path / "other/other-host.key", stack.path / "other/other-host.pem"

    def rekey(wanted, out, signature, certificate=old[0], name="database-host"):
        return server.nae("device", "rekey", name, "--out", stack.path / out, "--request", wanted.csr,
                          "--certificate", certificate, "--signature", signature)

    def good(files):
        try:
            with wire.tls_peer(server.port, wire.tls_context(agent / "authority.pem", *files)) as peer:
                peer.connection.sendall(wire.hello())
                return peer.connection.recv(16)[4:5] == bytes([wire.HELLO_REPLY])
        except OSError:
            return False

    def keys():
        listed = json.loads(server.must("device", "list", "--json"))["devices"]
        return [each["key_sha256"] for each in listed if each["name"] == "database-host" and not each["removed_at"]]

    # whose name it is
    for why, done in [
        ("without the holder's signature", rekey(new, "no", new.signed_by(new.key))),
        ("signed by another host's key", rekey(new, "no", new.signed_by(other_key))),
        ("with another host's certificate", rekey(new, "no", new.signed_by(other_key), other_certificate)),
        ("for another request than was signed", rekey(new, "no", third.signed_by(old[1]))),
        ("for a name that nobody has", rekey(new, "no", new.signed_by(old[1]), name="nobody")),
    ]:
        tap.ok(done.returncode == 1 and not (stack.path / "no" / "database-host.pem").exists(), f"no second key {why}", done.stderr)
    tap.is_(len(keys()), 1, "and none is left behind")

    # the change, while statements run
    session = stack.session("nae_all")
    failures, asked, stop = [], [0], threading.Event()

    def work():
        while not stop.is_set():
            answer = session.ask("SELECT length(nae_encrypt('customer-pii', 'x'))")
            asked[0] += 1
            if answer.out != "42":
                failures.append(answer)

    worker = threading.Thread(target=work)
    worker.start()
    done = rekey(new, "rekeyed", new.signed_by(old[1]))
    tap.is_(done.returncode, 0, "the holder's signature gives the new key a certificate")
    certificate = stack.path / "rekeyed" / "database-host.pem"
    tap.ok(good(old) and good((certificate, new.key)), "both are good")
    done = rekey(third, "no", third.signed_by(old[1]))
    tap.ok(done.returncode == 1 and "two keys already" in done.stderr, "a third is not", done.stderr)
    stack.agent_config.write_text(stack.agent_config.read_text().replace(str(old[0]), str(certificate))
                                  .replace(str(old[1]), str(new.key)))
    before = asked[0]
    os.kill(stack.agent_pid, signal.SIGHUP)
    wait_until(lambda: asked[0] > before + 50)
    newer = keys()[-1]
    done = server.nae("device", "confirm", "database-host")
    tap.is_(done.returncode, 0, "the new one is confirmed")
    before = asked[0]
    wait_until(lambda: asked[0] > before + 50)
    stop.set()
    worker.join()
    tap.is_((len(failures), asked[0] > 100), (0, True), f"of {asked[0]} statements meanwhile none fails")
    tap.is_(keys(), [newer], "the newer key is the name's")
    tap.ok(not good(old), "the old one is refused")
    tap.ok(good((certificate, new.key)), "the new one is not")
    tap.is_(server.nae("device", "confirm", "database-host").returncode, 1, "there is nothing more to confirm")

    # what was given up does not come back; a change can be taken back
    back = Key(stack.path, "back")
    subprocess.run(["openssl", "req", "-new", "-key", old[1], "-subj", "/CN=any", "-out", back.csr], check=True)
    done = rekey(back, "no", back.signed_by(new.key), certificate)
    tap.ok(done.returncode == 1 and "had this one before" in done.stderr, "the old key does not come back", done.stderr)
    tap.is_(rekey(third, "third", third.signed_by(new.key), certificate).returncode, 0, "another change begins")
    tap.is_(server.nae("device", "confirm", "database-host", "--keep", newer[:16]).returncode, 0, "and is taken back")
    tap.is_((keys(), good((certificate, new.key)), good((stack.path / "third" / "database-host.pem", third.key))),
            ([newer], True, False), "the key that was there stays")
    records = json.loads(server.must("audit", "query", "--event", "admin", "--action", "device-rekey", "--json"))["records"]
    tap.ok([r for r in records if r["verdict"] == "value" and "beside the present" in r.get("detail", "")], "all of it is recorded", records[-2:])

    # under approval a second administrator allows it
    server.must("admin", "add", "second", "--role", "operator", "--role", "key-admin", "--role", "policy-admin", "--role", "auditor",
                "--out", stack.path / "second")
    server.config.write_text(server.config.read_text() + '\n[approval]\nrequired = ["admin-change", "device-rekey"]\n')
    server.restart()
    fourth = Key(stack.path, "fourth")
    done = rekey(fourth, "fourth", fourth.signed_by(new.key), certificate)
    tap.is_(done.returncode, 5, "where [approval] names it, it waits for another operator")
    tap.is_(keys(), [newer], "and nothing is certified before")
