#!/usr/bin/python3 -B
# When nobody can administer any more: nae-keyserver recover-admin, offline, with a reason, recorded before it is done.
import json
import shutil
import subprocess

from harness import KEY_SERVER, NAE, KeyServer, Tap, give_to_owner, run, scratch_directory, wait_until


def request(path, name):
    """A key and a request of the administrator's own machine."""
    key, csr = path / f"{name}.key", path / f"{name}.csr"
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                    "-subj", "/CN=any", "-out", csr], check=True, capture_output=True)
    key.chmod(0o600)
    give_to_owner(key, csr)
    return key, csr


with Tap() as tap:
    path = scratch_directory()
    server = KeyServer.make(path / "keyserver")
    server.start()
    key, csr = request(path, "rescue")

    def recover(name="rescue", out="out", csr=csr, reason="the only key was lost", *options):
        return run(KEY_SERVER, "recover-admin", "--config", server.config, "--name", name, "--request", csr, "--out", path / out,
                   "--reason", reason, *options)

    def nae(name, key, out, *words):
        profile = path / f"{name}.toml"
        profile.write_text(f'server = "https://127.0.0.1:{server.port}"\ncertificate = \'{path / out / (name + ".pem")}\'\n'
                           f"key = '{key}'\nauthority = '{path / out / 'authority.pem'}'\n")
        give_to_owner(profile)
        return run(NAE, "--config", profile, *words)

    done = recover()
    tap.ok(done.returncode == 1 and "(conflict)" in done.stderr, "beside a running server nothing is done", done.stderr)
    server.must("device", "list")
    server.stop()
    tap.is_(recover(reason="").returncode, 1, "it takes a reason")
    tap.is_(recover(reason="x" * 1001).returncode, 1, "of a length that a record can hold")
    tap.is_(recover(name="no name").returncode, 1, "and a name")
    done = recover("rescue", "out", csr, "why", "--role", "king")
    tap.ok(done.returncode == 1 and "no role" in done.stderr, "and roles that there are", done.stderr)
    done = recover(name="admin")
    tap.ok(done.returncode == 1 and "belongs to another key" in done.stderr, "a name stays with its key", done.stderr)
    taken = path / "taken"
    taken.mkdir()
    (taken / "file").write_text("")
    tap.is_(recover(out="taken").returncode, 1, "no file is overwritten")
    done = recover()
    tap.ok(done.returncode == 0 and "is an administrator until" in done.stdout, "an administrator is appointed", done.stdout, done.stderr)
    tap.is_(sorted(file.name for file in (path / "out").iterdir()), ["authority.pem", "rescue.pem"], "whose key stays where it is")
    tap.is_(recover(out="again", name="other").returncode, 1, "one key is one administrator's")

    # an audit log that is not whole is not gone round
    aside = path / "aside"
    shutil.copytree(server.path / "audit", aside)
    newest = max((server.path / "audit").glob("audit-*.jsonl"))
    lines = newest.read_bytes().splitlines(keepends=True)
    newest.write_bytes(b"".join(lines[:-3]))
    second_key, second_csr = request(path, "second")
    done = recover("second", "second-out", second_csr)
    tap.ok(done.returncode == 1 and "(audit_broken)" in done.stderr, "with a log that was cut nothing is done", done.stderr)
    tap.ok(not (path / "second-out" / "second.pem").exists(), "and no certificate made")
    newest.write_bytes(b"".join(lines))

    server.start(ready=False)
    tap.ok(wait_until(lambda: nae("rescue", key, "out", "status").returncode == 0), "the new administrator is let in")
    status = json.loads(nae("rescue", key, "out", "status", "--json").stdout)
    tap.is_(status["roles"], "key-admin, policy-admin, auditor, operator", "with all four roles")
    [record] = json.loads(nae("rescue", key, "out", "audit", "query", "--event", "admin-recovered", "--json").stdout)["records"]
    tap.like(record["detail"], "by uid [0-9]+: the only key was lost; administrator rescue, new, roles auditor .*serial ",
             "the log tells who, why and what")
    tap.is_(nae("rescue", key, "out", "audit", "verify").returncode, 0, "and is whole")
    tap.is_(nae("rescue", key, "out", "admin", "remove", "admin").returncode, 0, "what was lost can be removed")

    # the same key again: a new certificate for an administrator who exists
    server.stop()
    done = recover("rescue", "renewed", csr, "the certificate has expired", "--role", "auditor")
    tap.is_(done.returncode, 0, "an administrator whose certificate has expired gets another one")
    server.start(ready=False)
    tap.ok(wait_until(lambda: nae("rescue", key, "renewed", "status").returncode == 0), "which is good")
    status = json.loads(nae("rescue", key, "renewed", "status", "--json").stdout)
    tap.is_(status["roles"], "key-admin, policy-admin, auditor, operator", "and changes no role")
    server.stop()

    # fewer roles
    third_key, third_csr = request(path, "third")
    done = recover("third", "third-out", third_csr, "an auditor only", "--role", "auditor")
    tap.is_(done.returncode, 0, "or one role alone")
    server.start(ready=False)
    tap.ok(wait_until(lambda: nae("third", third_key, "third-out", "status").returncode == 0), "is let in")
    tap.is_(nae("third", third_key, "third-out", "policy", "history").returncode, 0, "and may what the role may")
    tap.is_(nae("third", third_key, "third-out", "device", "remove", "x").returncode != 0, True, "and nothing else")
    server.stop()
