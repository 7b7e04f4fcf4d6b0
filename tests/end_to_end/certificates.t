#!/usr/bin/python3 -B
# Who may talk to whom: wrong authorities, expired and misused certificates, old TLS, wrong protocols.
import http.client
import json
import signal
import ssl
import subprocess

import wire
from harness import Stack, Tap, give_to_owner, wait_until


class Authority:
    """A certificate authority of the openssl command line."""
    def __init__(self, directory):
        self.directory = directory
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", "/CN=strangers", "-keyout", "ca.key", "-out", "ca.pem",
                     "-addext", "keyUsage=critical,keyCertSign")
        self.pem = directory / "ca.pem"
        give_to_owner(self.pem)

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], cwd=self.directory, check=True, capture_output=True)

    def issue(self, name, names, usage="clientAuth", days=1):
        """`days` below zero: expired."""
        (self.directory / "extensions").write_text(f"subjectAltName={names}\nextendedKeyUsage={usage}\n")
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                     "-days", days, "-extfile", "extensions", "-out", f"{name}.pem")
        files = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        give_to_owner(*files)
        return files


DEVICE_UNKNOWN, CERTIFICATE_REJECTED = 35, 38


def outcome(port, context):
    """Of a hello: "answered", "closed", the code of an error, or the reason of the TLS alert."""
    try:
        with wire.tls_peer(port, context) as peer:
            peer.connection.sendall(wire.hello())
            answer = peer.connection.recv(4096)
            if not answer:
                return "closed"
            return "answered" if answer[4] == wire.HELLO_REPLY else int.from_bytes(answer[16:18], "big")
    except ssl.SSLError as error:
        return error.reason or str(error)
    except OSError as error:
        return type(error).__name__


def get(port, context, path):
    client = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
    try:
        client.request("GET", path)
        answer = client.getresponse()
        return answer.status, answer.read().decode()
    finally:
        client.close()


with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm") as stack:
    server, port, agent = stack.key_server, stack.key_server.port, stack.path / "agent"
    trusted = agent / "authority.pem"
    device = agent / "database-host.pem", agent / "database-host.key"
    admin = server.path / "admin" / "admin.pem", server.path / "admin" / "admin.key"
    (stack.path / "ca").mkdir()
    strangers = Authority(stack.path / "ca")
    foreign = strangers.issue("foreign", "URI:nae://device/database-host")
    elsewhere = strangers.issue("elsewhere", "URI:nae://device/elsewhere")

    def client(files=(), **options):
        return wire.tls_context(trusted, *files, **options)

    # the key server's door
    tap.is_(outcome(port, client(device)), "answered", "an enrolled device is let in")
    tap.like(outcome(port, client()), "CERTIFICATE_REQUIRED", "without a certificate nobody is")
    tap.like(outcome(port, client(foreign)), "UNKNOWN_CA", "a certificate of another authority is refused")
    tap.is_(outcome(port, client(admin)), CERTIFICATE_REJECTED, "an admin's certificate is refused on nae/1")
    old = client(device)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    tap.like(outcome(port, old), "PROTOCOL_VERSION", "TLS 1.2 is refused")
    tap.like(outcome(port, client(device, alpn="h2")), "(?i)no.application.protocol", "another ALPN is refused")
    tap.is_(get(port, client(device, alpn=None), "/healthz")[0], 200, "none is HTTP, as monitoring sends it")
    status, body = get(port, client(device, alpn="http/1.1"), "/v1/keys")
    tap.is_(status, 403, "a device's certificate is no admin's on /v1")
    tap.ok("customer-pii" not in body and json.loads(body), "and learns nothing there", body)
    tap.is_(get(port, client(admin, alpn="http/1.1"), "/v1/keys")[0], 200, "an admin's certificate is")
    tap.like(outcome(port, wire.tls_context(strangers.pem, *device)), "CERTIFICATE_VERIFY_FAILED",
             "whoever trusts another authority does not trust this server")

    # Trusting the other authority as well: what is refused now is refused for its own sake.
    both = server.path / "tls" / "both.pem"
    both.write_text((server.path / "tls" / "authority.pem").read_text() + strangers.pem.read_text())
    give_to_owner(both)
    server.config.write_text(server.config.read_text().replace("tls/authority.pem", "tls/both.pem"))
    server.restart()
    tap.is_(outcome(port, client(elsewhere)), "answered", "once its authority is configured a certificate is good")
    tap.is_(outcome(port, client(foreign)), DEVICE_UNKNOWN, "but not for the name of a device that is enrolled here")
    tap.like(server.log.read_text(), "certificate-not-enrolled peer=database-host", "which the server's log tells")
    # An authority that is taken away takes its open connections along, and no others.
    with wire.tls_peer(port, client(elsewhere)) as theirs, wire.tls_peer(port, client(device)) as ours:
        for peer in (theirs, ours):
            peer.connection.sendall(wire.hello())
            peer.read()
        trusted_by_both = both.read_text()
        both.write_text((server.path / "tls" / "authority.pem").read_text())
        server.send_signal(signal.SIGHUP)
        tap.like(theirs.error(), "not accepted any more", "with its authority an open connection ends")
        ours.send(wire.frame(wire.PING, request=7))
        tap.is_(ours.read_past(11)[:2], (wire.PONG, 7), "others go on")
    tap.like(outcome(port, client(elsewhere)), "UNKNOWN_CA", "and a new one is refused")
    both.write_text(trusted_by_both)
    server.send_signal(signal.SIGHUP)
    tap.ok(wait_until(lambda: outcome(port, client(elsewhere)) == "answered"), "until the authority is back")
    for name, names, usage, days, expected in [
        ("expired", "URI:nae://device/database-host", "clientAuth", -1, "CERTIFICATE_EXPIRED"),
        ("server-only", "URI:nae://device/database-host", "serverAuth", 1, "CERTIFICATE|ALERT"),
        ("nameless", "DNS:database-host", "clientAuth", 1, "CERTIFICATE|ALERT"),
        ("two-faced", "URI:nae://device/database-host,URI:nae://admin/admin", "clientAuth", 1, "CERTIFICATE|ALERT"),
    ]:
        files = strangers.issue(name, names, usage, days)
        tap.like(outcome(port, client(files)), expected, f"a certificate that is {name} is refused")
    tap.like(server.log.read_text(), "certificate has expired", "the server's log gives the reason")

    # through SQL
    session = stack.session("nae_all")
    encrypt = "SELECT length(nae_encrypt('customer-pii', 'x'))"
    good = stack.agent_config.read_text()

    def agent_with(certificate=device[0], key=device[1], authority=trusted):
        stack.configure_agent(lambda _: good.replace(str(device[0]), str(certificate))
                              .replace(str(device[1]), str(key)).replace(str(trusted), str(authority)))

    stack.reconnected()
    tap.is_(session.ask(encrypt).out, "42", "SQL works")
    agent_with(authority=strangers.pem)
    tap.refused(session.ask(encrypt), "NE007", "an agent refuses a server of another authority", "certificate")
    agent_with(*strangers.issue("late", "URI:nae://device/database-host", days=-1))
    tap.refused(session.ask(encrypt), "NE007", "an agent whose certificate expired says so", "certificate has expired")
    agent_with(*server.enroll("other-host", stack.path / "other"))
    tap.refused(session.ask(encrypt), "NE001", "a device that the policy does not name is denied")
    records = wait_until(lambda: server.audit("--device", "other-host"))
    tap.is_([(r["verdict"], r["reason"]) for r in records], [("deny", "device_not_in_policy")], "and the audit says why")
    agent_with()
    tap.is_(session.ask(encrypt).out, "42", "with the old certificate all is well, in the same session")

    # the name of a device belongs to its key
    taken = server.nae("device", "enroll", "database-host", "--out", stack.path / "taken")
    tap.is_(taken.returncode, 1, "nobody enrolls another key under the name of a device")
    tap.like(taken.stderr, "remove the device first", "and is told what to do")
    tap.ok(not (stack.path / "taken" / "database-host.key").exists(), "no key is left behind")
    renewed = stack.path / "renewed"
    request = stack.path / "renewal.csr"
    subprocess.run(["openssl", "req", "-new", "-key", device[1], "-subj", "/CN=any", "-out", request], check=True)
    give_to_owner(request)
    server.nae("device", "enroll", "database-host", "--out", renewed, "--request", request)
    tap.is_(sorted(file.name for file in renewed.iterdir()), ["authority.pem", "database-host.pem"],
            "its own key is certified anew, and stays where it is")
    agent_with(certificate=renewed / "database-host.pem")
    tap.is_(session.ask(encrypt).out, "42", "the renewed certificate is good")
    tap.is_(outcome(port, client(device)), "answered", "and so is the old one")
    with wire.tls_peer(port, client(device)) as open_connection:
        open_connection.connection.sendall(wire.hello())
        open_connection.connection.recv(1024)
        server.nae("device", "remove", "database-host")
        open_connection.connection.sendall(wire.hello())
        tap.like(open_connection.connection.recv(4096).decode("latin-1"), "database-host.* was removed",
                 "a removed device is refused on an open connection")
    tap.is_(outcome(port, client(device)), DEVICE_UNKNOWN, "its old certificate is refused")
    tap.is_(outcome(port, client((renewed / "database-host.pem", device[1]))), DEVICE_UNKNOWN, "and its renewed one")
    tap.ok(session.ask(encrypt).state, "SQL on that host is refused")
    agent_with(*server.enroll("database-host", stack.path / "again"))
    tap.is_(session.ask(encrypt).out, "42", "enrolled again, it works")
