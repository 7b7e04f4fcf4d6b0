#!/usr/bin/python3 -B
# A host renews its certificate before it ends, and is there after the first one has: without an operator, without a
# new key, and not after it was removed.
import atexit
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import urllib.request

from harness import BUILD, OWNER, KeyServer, Tap, alive, give_to_owner, run, scratch_directory, wait_until

SHIM = BUILD / "tests/fixtures/clock_shim/libnae_clock_shim.so"
AGENT = BUILD / "agent" / "nae-agent"
HOUR = 3600
DUE = 18 * HOUR        # of a day: past two thirds and a twentieth
ENDED = 25 * HOUR      # the first certificate has


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Host:
    """An agent with its files, as an enrolment left them."""
    def __init__(self, server, directory, name, environment, more=""):
        server.enroll(name, directory)
        self.directory, self.name, self.environment = directory, name, environment
        self.key, self.certificate = directory / f"{name}.key", directory / f"{name}.pem"
        self.renewed, self.log = directory / "state" / "renewed.pem", directory / "agent.log"
        self.renewed.parent.mkdir()
        self.metrics_port = free_port()
        self.config = directory / "agent.toml"
        self.config.write_text(f"""socket = "{directory}/agent.sock"
servers = ["127.0.0.1:{server.port}"]
metrics_listen = "127.0.0.1:{self.metrics_port}"
[tls]
certificate = "{self.certificate}"
key = "{self.key}"
authority = "{directory}/authority.pem"
renewed_certificate = "{self.renewed}"
{more}
[[program]]
name = "postgres"
uid = 1
executable = "/bin/true"
""")
        give_to_owner(directory, self.renewed.parent, self.config, self.key, self.certificate)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([AGENT, "--config", self.config], cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **self.environment}, **OWNER)
        atexit.register(self.process.kill)
        if not wait_until(lambda: self.metric("nae_agent_build_info") == 1):
            raise RuntimeError(f"the agent did not start: {self.log.read_text()[-2000:]}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def metric(self, name):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
                found = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", answer.read().decode(), re.M)
        except OSError:
            return None
        return max(map(float, found)) if found else None

    def doctor(self):
        done = run(AGENT, "doctor", "--json", "--config", self.config, env={**os.environ, **self.environment})
        return [check["code"] for check in json.loads(done.stdout)["checks"] if "code" in check]


def text_of(certificate):
    return run("openssl", "x509", "-in", certificate, "-noout", "-serial", "-pubkey", "-ext", "subjectAltName").stdout


with Tap() as tap:
    directory = scratch_directory()
    server = KeyServer.make(directory / "keyserver")
    offset = directory / "clock-offset"

    def set_clock(seconds):
        fresh = offset.with_suffix(".new")
        fresh.write_text(f"{seconds}\n")
        give_to_owner(fresh)
        fresh.rename(offset)

    def start_server():
        """It knows how much time passed while it was down, so that a clock of tests is to be accepted."""
        server.start()
        server.must("clock", "accept", "--reason", "a test moves it")

    def devices(name):
        return [each for each in json.loads(server.must("device", "list", "--json"))["devices"] if each["name"] == name]

    def records(name):
        answer = json.loads(server.must("audit", "query", "--event", "admin", "--action", "device-renew", "--limit", "1000", "--json"))
        return [record for record in answer["records"] if record["admin"] == f"device/{name}"]

    set_clock(0)
    server.environment = shimmed = {"LD_PRELOAD": str(SHIM), "NAE_TEST_CLOCK_OFFSET": str(offset)}
    server.start()
    server.enroll = lambda name, out: (server.must("device", "enroll", name, "--out", out, "--valid-days", "1"),)
    db1 = Host(server, directory / "db1", "db1", shimmed)
    removed = Host(server, directory / "removed", "removed", shimmed)
    manual = Host(server, directory / "manual", "manual", shimmed, "renew = false")
    stuck = Host(server, directory / "stuck", "stuck", shimmed)
    stuck.renewed.parent.chmod(0o555)
    hosts = [db1, removed, manual, stuck]
    for host in hosts:
        host.start()
    tap.ok(wait_until(lambda: all(host.metric("nae_agent_upstream_ready") == 1 for host in hosts)), "four hosts work")
    tap.ok(not db1.renewed.exists() and not records("db1"), "none asks in the first part of its certificate's life")
    tap.ok("ND104" not in db1.doctor(), "and its doctor finds nothing late", db1.doctor())
    before = text_of(db1.certificate)

    # nobody answers: it tries again
    server.stop()
    set_clock(DUE)
    db1.reload()
    tap.ok(wait_until(lambda: db1.metric("nae_agent_certificate_renewal_failures_total") == 1), "without a key server it fails")
    tap.like(db1.log.read_text(), r"event=certificate_not_renewed .*retry_in_s=\d+", "and says when it tries again")
    tap.ok("ND301" in db1.doctor(), "its doctor sees the server away", db1.doctor())
    start_server()
    server.must("device", "remove", "removed", "--yes")
    for host in hosts:
        host.reload()
    tap.ok(wait_until(lambda: db1.metric("nae_agent_certificate_renewals_total") == 1), "with one it has its next certificate",
           db1.log.read_text()[-1000:])
    after = text_of(db1.renewed)
    lines = lambda text: (re.search("serial=(.*)", text)[1], text.partition("-----BEGIN")[2].partition("-----END")[0], re.search("URI:.*", text)[0])
    (old_serial, old_key, old_uri), (serial, key, uri) = lines(before), lines(after)
    tap.is_((key, uri, serial != old_serial), (old_key, old_uri, True), "same key, same name, another certificate")
    tap.is_(text_of(db1.certificate), before, "the file of the enrolment is as it was")
    mode = db1.renewed.stat().st_mode & 0o777
    tap.is_((mode, [each.name for each in db1.renewed.parent.iterdir()]), (0o644, ["renewed.pem"]), "beside it nothing is left over")
    tap.like(db1.log.read_text(), f"(?i)event=certificate_renewed .*serial={serial}", "it is in the log")
    tap.is_(len(devices("db1")), 2, "nae device list shows both")
    record = records("db1")[-1]
    tap.ok(record["verdict"] == "value" and record["target"] == "db1" and serial.lower() in record["detail"], "and the audit log who asked", record)

    # who gets none
    tap.ok(wait_until(lambda: removed.metric("nae_agent_certificate_renewal_failures_total")), "a removed host fails")
    tap.ok(not removed.renewed.exists() and records("removed")[-1]["reason"] == "device_unknown", "it gets none, and that is recorded",
           records("removed"))
    tap.is_((manual.metric("nae_agent_certificate_renewal_failures_total"), records("manual")), (0, []), "renew = false asks for none")
    tap.ok(wait_until(lambda: stuck.metric("nae_agent_certificate_renewal_failures_total")), "one that cannot write it fails")
    tap.like(stuck.log.read_text(), r"certificate_not_renewed .*Permission denied", "and says why")
    tap.ok(wait_until(lambda: "ND104" in stuck.doctor()), "its doctor finds it late", stuck.doctor())
    stuck.renewed.parent.chmod(0o755)
    stuck.reload()
    tap.ok(wait_until(lambda: stuck.metric("nae_agent_certificate_renewals_total") == 1), "mended, it has it at the next attempt")
    tap.ok("ND104" not in stuck.doctor(), "and the doctor has no complaint", stuck.doctor())

    # by hand, as anybody with the host's key could
    def ask(host, body):
        context = ssl.create_default_context(cafile=host.directory / "authority.pem")
        context.load_cert_chain(host.certificate, host.key)
        call = urllib.request.Request(f"https://127.0.0.1:{server.port}/v1/device/certificate", json.dumps(body).encode(),
                                      {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(call, context=context, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    other = run("openssl", "req", "-new", "-key", stuck.key, "-subj", "/CN=db1").stdout
    for body in ({"request": other}, {"request": other, "name": "db1"}):
        status, answer = ask(db1, body)
        tap.ok(status in (400, 403) and "certificate" not in answer, f"db1 gets none for the key of another host ({sorted(body)})", answer)
    tap.is_(len(devices("db1")), 2, "and none was made")

    # after the end of the first
    for host in (db1, manual):
        host.stop()
    server.stop()
    set_clock(ENDED)
    start_server()
    for host in (db1, manual):
        host.start()
    tap.ok(wait_until(lambda: db1.metric("nae_agent_upstream_ready") == 1), "the renewed one outlives the first", db1.log.read_text()[-1000:])
    tap.ok(wait_until(lambda: "event=upstream_lost" in manual.log.read_text()) and manual.metric("nae_agent_upstream_ready") == 0,
           "which would have kept nobody")

    # the server's own word
    server.stop()
    server.config.write_text(server.config.read_text().replace("[server]", "[server]\ndevice_renewal = false", 1))
    set_clock(2 * DUE)
    start_server()
    db1.reload()
    tap.ok(wait_until(lambda: db1.metric("nae_agent_certificate_renewal_failures_total") == 1), "device_renewal = false refuses it")
    tap.is_(records("db1")[-1]["reason"], "denied", "and records that")
    tap.like(db1.log.read_text(), "lets no host renew its own certificate", "the host's log has the reason")
    for host in hosts:
        if alive(host.process.pid):
            host.stop()
    server.stop()
