#!/usr/bin/python3 -B
# Separated powers: every route by every role, appointing and removing, and what takes a second administrator.
import http.client
import json
import re
import signal
import socket
import sqlite3
import subprocess

import wire
from harness import KEY_SERVER, NAE, OWNER, ROOT, KeyServer, Tap, run, scratch_directory, wait_until

ROLES = ["key-admin", "policy-admin", "auditor", "operator"]
# Of keyserver/admin/route.cpp: method, path, action, who may.
ROWS = re.findall(r'^ +\{"(\w+)", +"(/v1[^"]*)", *"([\w-]+)", *(\w+),', (ROOT / "keyserver/admin/route.cpp").read_text(), re.M)
CONSTANTS = {name: set(re.findall(r"AdminRole::(\w+?)_?\b", value)) for name, value in
             re.findall(r"constexpr AdminRoles (\w+)\{([^}]*)\}", (ROOT / "keyserver/admin/route.cpp").read_text())}


class Person:
    """An administrator with a directory of his own."""
    def __init__(self, server, name, directory=None, files=None):
        self.server, self.name = server, name
        base = directory or server.path / "people" / name
        self.certificate, self.key = files or (base / f"{name}.pem", base / f"{name}.key")

    def nae(self, *words):
        return run(NAE, "--config", self.server.path / "admin/cli.toml", "--certificate", self.certificate,
                   "--key", self.key, *words)

    def get(self, path):
        return self.request("GET", path)[1].decode()

    def call(self, method, path, body=None):
        """Status and JSON of one request, as any HTTP client makes it."""
        status, answer = self.request(method, path, body)
        return status, json.loads(answer or b"null")

    def request(self, method, path, body=None):
        context = wire.tls_context(self.server.path / "tls/authority.pem", self.certificate, self.key, alpn="http/1.1")
        client = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=context, timeout=30)
        try:
            client.request(method, path, None if body is None else json.dumps(body),
                           {} if body is None else {"Content-Type": "application/json"})
            answer = client.getresponse()
            return answer.status, answer.read()
        finally:
            client.close()


def shown_certificate(server, person):
    """What the server shows to a client, DER."""
    context = wire.tls_context(server.path / "tls/authority.pem", person.certificate, person.key, alpn="http/1.1")
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        with context.wrap_socket(connection, server_hostname="127.0.0.1") as peer:
            return peer.getpeercert(binary_form=True)


def appoint(server, by, name, *roles):
    words = [word for role in roles for word in ("--role", role)]
    done = by.nae("admin", "add", name, *words, "--out", server.path / "people" / name)
    return done, Person(server, name)


def waiting_id(done):
    found = re.search(r"^waiting for approval: nae approve ([0-9a-f]{16})$", done.stdout, re.M)
    return found.group(1) if found else f"none in {done.stdout}{done.stderr}"


def require(server, *classes, expires_after_s=86400):
    """In the server's own file: no call changes it."""
    text = server.config.read_text().partition("\n[approval]")[0]
    if classes:
        text += f"\n[approval]\nrequired = {json.dumps(list(classes))}\nexpires_after_s = {expires_after_s}\n"
    server.config.write_text(text)
    server.restart()


with Tap() as tap:
    server = KeyServer.make(scratch_directory() / "keyserver")
    server.start()
    first = Person(server, "admin", files=(server.path / "admin/admin.pem", server.path / "admin/admin.key"))

    # appointing: one person a role, and the first one needs none of them any more
    people = {}
    for role in ROLES:
        done, people[role] = appoint(server, first, f"{role}-1", role)
        tap.is_(done.returncode, 0, f"the first administrator appoints one with the role {role}")
    tap.is_(first.nae("admin", "roles", "admin", "--role", "auditor").returncode, 0, "and gives up all roles but one")
    tap.is_(first.nae("key", "create", "k", "--type", "aes-256-gcm").returncode, 1, "which takes effect at once")
    key_admin, auditor = people["key-admin"], people["auditor"]
    tap.is_(key_admin.nae("key", "create", "k", "--type", "aes-256-gcm").returncode, 0, "others go on with what he did")
    listed = auditor.nae("admin", "list").stdout
    tap.ok(all(name in listed for name in ("key-admin-1", "policy-admin-1", "auditor-1", "operator-1", "admin")),
           "everybody is on the list", listed)

    # every route by every role
    tap.ok(len(ROWS) > 20 and len(CONSTANTS) > 4, "the table of routes is read", ROWS, CONSTANTS)
    wrong, missing = [], 0
    for method, path, action, who in ROWS:
        for role in ROLES:
            if role.split("-")[0] in {name.split("_")[0] for name in CONSTANTS[who]}:
                continue
            missing += 1
            status, answer = people[role].call(method, path.replace("{}", "1"))
            if (status, answer.get("code")) != (403, "admin_role_missing"):
                wrong.append((method, path, role, status, answer))
    tap.ok(missing > 20 and not wrong, f"{missing} pairs of route and role are refused with admin_role_missing", *wrong)
    refused = json.loads(auditor.nae("audit", "query", "--event", "admin", "--verdict", "deny", "--limit", "10000",
                                     "--json").stdout)["records"]
    recorded = sum(record["reason"] == "admin_role_missing" for record in refused)
    tap.ok(recorded >= missing, "and each of them is recorded", recorded, missing)

    # no way to another's power
    for words, why in [
        (["admin", "roles", "key-admin-1", "--role", "key-admin", "--role", "policy-admin"], "to himself"),
        (["admin", "add", "twin", "--role", "policy-admin", "--out", server.path / "people/twin"], "to a new name"),
        (["admin", "roles", "auditor-1", "--role", "auditor", "--role", "operator"], "to somebody else"),
        (["admin", "remove", "policy-admin-1"], "away from who has it"),
    ]:
        done = key_admin.nae(*words)
        tap.ok(done.returncode == 1 and "admin_role_missing" in done.stderr,
               f"nobody gives a role that he does not hold {why}", done.stdout, done.stderr)
    tap.ok(not (server.path / "people/twin/twin.key").exists(), "no key is left behind of what was refused")
    last = key_admin.nae("admin", "remove", "key-admin-1")
    tap.ok(last.returncode == 1 and "Give the role to somebody else first" in last.stderr, "the last one stays", last.stderr)

    # names belong to keys; renewal; removal
    done, alice = appoint(server, key_admin, "alice", "key-admin")
    tap.is_(done.returncode, 0, "a key-admin appoints another")
    again, _ = appoint(server, people["auditor"], "alice", "auditor")
    tap.is_(again.returncode, 2, "over the files of another nothing is written")
    taken = auditor.nae("admin", "add", "alice", "--role", "auditor", "--out", server.path / "people/other")
    tap.like(taken.stderr, "exists already", "nor is her name taken over")
    renewed = alice.nae("admin", "renew", "--out", server.path / "people/alice/renewed")
    tap.is_(renewed.returncode, 0, "she renews her certificate")
    new = Person(server, "alice", files=(server.path / "people/alice/renewed/alice.pem", alice.key))
    tap.is_([who.call("GET", "/v1/keys")[0] for who in (alice, new)], [200, 200], "both are good until the old one expires")
    context = wire.tls_context(server.path / "tls/authority.pem", new.certificate, new.key, alpn="http/1.1")
    open_one = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=30)
    open_one.request("GET", "/v1/keys")
    tap.is_((open_one.getresponse().read() != b"", key_admin.nae("admin", "remove", "alice").returncode), (True, 0),
            "she is removed while she is connected")
    try:
        open_one.request("GET", "/v1/keys")
        outcome = open_one.getresponse().status
    except (OSError, http.client.HTTPException):
        outcome = "closed"
    tap.ok(outcome in (403, "closed"), "and out on that connection too", outcome)
    tap.is_([who.call("GET", "/v1/keys")[0] for who in (alice, new)], [403, 403], "with every certificate of hers")
    done, impostor = appoint(server, key_admin, "alice2", "key-admin")
    key_admin.nae("admin", "add", "alice", "--role", "key-admin", "--out", server.path / "people/alice-again")
    tap.is_(new.call("GET", "/v1/keys")[1].get("code"), "certificate_rejected",
            "a name that is given again, with another key, does not revive old certificates")

    # four eyes
    bad = server.config.read_text()
    for classes in (["key-destroy"], ["admin-change", "key-peek"]):
        server.config.write_text(bad + f"\n[approval]\nrequired = {json.dumps(classes)}\n")
        checked = run(KEY_SERVER, "check-config", "--config", server.config)
        tap.ok(checked.returncode == 1 and "approval.required" in checked.stderr,
               f"a configuration that requires {classes} alone is refused", checked.stderr)
    server.config.write_text(bad)
    bob = Person(server, "alice2")
    require(server, "key-create", "key-destroy", "policy-apply", "admin-change", "device-enroll")
    tap.like(server.log.read_text(), "approvers-missing role=policy-admin", "the server warns of roles that one person has")
    asked = key_admin.nae("key", "create", "approved", "--type", "aes-256-gcm")
    number = waiting_id(asked)
    tap.ok(asked.returncode == 5 and len(number) == 16, "a call that must be approved says so and exits 5",
           asked.stdout, asked.stderr)
    tap.ok("approved" not in bob.nae("key", "list").stdout, "nothing was done yet")
    tap.like(bob.nae("approvals").stdout, f"{number} +waiting +key-admin-1", "others see that it waits")
    tap.like(bob.nae("approvals", number).stdout, "(?s)name:\n  approved\n.*aes-256-gcm", "and all of what was asked for")
    own = key_admin.nae("approve", number)
    tap.ok(own.returncode == 1 and "approval_required" in own.stderr, "who asked does not approve", own.stderr)
    tap.is_([people[role].nae("approve", number).returncode for role in ROLES if role != "key-admin"], [1, 1, 1],
            "nor does who lacks the role")
    tampered = bob.nae("approve", number, "--digest", "0" * 64)
    tap.like(tampered.stderr, "not the one that was looked at", "nor is anything approved but what was seen")
    tap.is_(bob.nae("approve", number).returncode, 0, "another key-admin approves")
    tap.ok("approved" in bob.nae("key", "list").stdout, "and it is done")
    tap.is_(bob.nae("approve", number).returncode, 1, "once")
    records = json.loads(auditor.nae("audit", "query", "--action", "key-create", "--json").stdout)["records"]
    tap.ok(records[-1]["admin"] == "key-admin-1" and f"approved by alice2 as {number}" in records[-1]["detail"],
           "both names are in the log", records[-1])

    key_admin.nae("key", "rotate", "approved")
    key_admin.nae("key", "states", "approved", "--version", "1", "--set", "retired")
    destroy = key_admin.nae("key", "states", "approved", "--version", "1", "--set", "destroyed")
    tap.is_(destroy.returncode, 5, "destroying waits where retiring does not")
    tap.is_(bob.nae("reject", waiting_id(destroy)).returncode, 0, "it is rejected")
    tap.is_(bob.nae("approve", waiting_id(destroy)).returncode, 1, "and cannot be approved any more")
    twin = key_admin.nae("admin", "add", "twin", "--role", "key-admin", "--out", server.path / "people/twin")
    tap.is_(twin.returncode, 5, "nobody appoints a helper to approve for him")
    tap.is_(bob.nae("approve", waiting_id(twin)).returncode, 0, "another approves of the new one")
    fetched = key_admin.nae("admin", "add", "twin", "--role", "key-admin", "--out", server.path / "people/twin",
                            "--approval", waiting_id(twin))
    tap.is_(fetched.returncode, 0, "whose certificate is then fetched for the key that was kept")
    twin = Person(server, "twin")
    tap.is_(twin.call("GET", "/v1/keys")[0], 200, "and works")

    lost = waiting_id(twin.nae("key", "create", "lost", "--type", "aes-256-gcm"))
    removal = waiting_id(key_admin.nae("admin", "remove", "twin"))
    tap.is_(bob.nae("approve", removal).returncode, 0, "removing him takes two as well")
    refused = bob.nae("approve", lost)
    tap.ok(refused.returncode == 1 and "admin_role_missing" in refused.stdout,
           "what he had asked for is refused when it is approved", refused.stdout, refused.stderr)
    tap.ok("lost" not in bob.nae("key", "list").stdout, "and not done")

    # a crash between approval and the end
    slow = waiting_id(key_admin.nae("key", "create", "slow", "--type", "rsa-4096"))
    store = f"file:{server.path}/keys.db?mode=ro"
    approving = subprocess.Popen([str(word) for word in (
        NAE, "--config", server.path / "admin/cli.toml", "--certificate", bob.certificate, "--key", bob.key,
        "approve", slow)], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **OWNER)

    def state(number):
        with sqlite3.connect(store, uri=True) as database:
            return database.execute("SELECT state FROM approvals WHERE id = ?", (number,)).fetchone()[0]
    killed_in = wait_until(lambda: state(slow) != 1 and state(slow))
    server.stop(9)
    approving.wait(timeout=30)
    tap.is_(killed_in, 2, "the server is killed while an approved request is being done")
    server.start()
    tap.like(bob.nae("approvals", slow).stdout, "interrupted", "afterwards it is shown as interrupted")
    tap.is_(bob.nae("approve", slow).returncode, 1, "and never done again")
    events = json.loads(auditor.nae("audit", "query", "--event", "approval-interrupted", "--json").stdout)["records"]
    tap.is_([event["detail"] for event in events], [slow], "which the log tells")

    # time
    require(server, "key-create", "admin-change", expires_after_s=1)
    late = waiting_id(key_admin.nae("key", "create", "late", "--type", "aes-256-gcm"))
    tap.ok(wait_until(lambda: "expired" in bob.nae("approvals", late).stdout), "a request expires")
    tap.is_(bob.nae("approve", late).returncode, 1, "and is not done then")
    require(server)
    tap.is_(key_admin.nae("key", "create", "late", "--type", "aes-256-gcm").returncode, 0,
            "without the requirement in its file the server asks for nobody else")

    # the server's own certificate
    def presented():
        return shown_certificate(server, key_admin)
    before = presented()
    renewed = run(KEY_SERVER, "renew-certificate", "--config", server.config)
    tap.ok(renewed.returncode == 0 and "is renewed until" in renewed.stdout, "the server's certificate is renewed beside it",
           renewed.stdout, renewed.stderr)
    tap.ok(presented() == before, "which goes on with the old one")
    server.send_signal(signal.SIGHUP)
    tap.ok(wait_until(lambda: presented() != before), "until it is told to read it")
    tap.is_(server.nae("status").returncode, 0, "the new one has the same names")
    serial = re.search(r"serial (\w+)", renewed.stdout).group(1)
    events = json.loads(auditor.nae("audit", "query", "--event", "certificate", "--json").stdout)["records"]
    tap.like(events, serial, "the log has its serial number")
    text = key_admin.get("/metrics")
    days = {kind: float(value) / 86400 for kind, value in
            re.findall(r'^nae_certificate_expiry_seconds\{certificate="(\w+)"\} (\S+)$', text, re.M)}
    tap.ok(824 < days.get("server", 0) <= 825 and 824 < days.get("admin", 0) <= 825 and days.get("authority", 0) > 3600,
           "the metrics have what is left", days)
    said = re.fullmatch(r"nae-keyserver (\S+)(?: \((\S+)\))?\n", run(KEY_SERVER, "--version").stdout)
    tap.like(text, rf'(?m)^nae_build_info\{{commit="{said[2] or ""}",version="{said[1]}"\}} 1$', "and which version and commit was built")
    done = people["operator"].nae("device", "enroll", "db1", "--out", server.path / "people/db1", "--valid-days", "29")
    server.restart()
    tap.like(key_admin.get("/metrics"), r'(?m)^nae_certificates_ending\{certificate="device"\} 0$', "a device's certificate of 29 days is good on its first")
    tap.ok("certificate-expires" not in server.log.read_text(), "and the log warns of none")
    again = people["operator"].nae("device", "renew", "db1", "--key", server.path / "people/db1/db1.key",
                                   "--out", server.path / "people/db1-renewed")
    tap.is_(again.returncode, 0, "a device is renewed for its key")
    nothing = people["operator"].nae("device", "renew", "db1", "--out", server.path / "people/none")
    tap.like(nothing.stderr, "for the key that the host has", "and for no other")
    server.stop()
