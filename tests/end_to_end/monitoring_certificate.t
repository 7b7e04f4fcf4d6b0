#!/usr/bin/python3 -B
# A certificate of monitoring reads health and metrics of the key server, and opens nothing else.
import json
import subprocess

import wire
from harness import KeyServer, Tap, scratch_directory

with Tap() as tap:
    server = KeyServer.make(scratch_directory() / "keyserver")
    server.start()
    keys, host = server.path.with_name("prometheus"), server.path.with_name("host")
    enrolled = server.must("device", "enroll", "prometheus", "--kind", "monitoring", "--out", keys)
    tap.like(enrolled, "they open nothing else", "a certificate of monitoring is enrolled")
    server.enroll("prometheus", host)
    tap.ok((host / "prometheus.pem").exists(), "a host may have the same name")

    def curl(path, *options, directory=keys):
        words = ["curl", "-sS", "--cacert", directory / "authority.pem", "--cert", directory / "prometheus.pem", "--key", directory / "prometheus.key",
                 *options, f"https://127.0.0.1:{server.port}{path}"]
        return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True).stdout

    def first_answer(directory):
        files = directory / "authority.pem", directory / "prometheus.pem", directory / "prometheus.key"
        with wire.tls_peer(server.port, wire.tls_context(*files)) as peer:
            peer.send(wire.hello(), wire.open_context(), wire.crypto(wire.column(b"x")))
            return peer.read()

    tap.like(curl("/metrics"), r"(?m)^nae_build_info\{", "it learns what was built")
    tap.ok("nae_build_info" not in curl("/metrics", directory=host), "which no database host does")
    tap.is_((curl("/healthz"), json.loads(curl("/readyz"))["ready"]), ("ok\n", True), "and health")
    body = ["-X", "POST", "-H", "Content-Type: application/json", "-d"]
    refused = [json.loads(curl(path, *options))["code"] for path, *options in (
        ("/v1/status",), ("/v1/keys",), ("/v1/audit",), ("/v1/devices/prometheus", "-X", "DELETE"),
        ("/v1/keys", *body, '{"name":"mine","type":"aes-256-gcm"}'), ("/v1/device/certificate", *body, '{"request":""}'))]
    tap.is_(refused, ["admin_role_missing"] * 6, "it administrates nothing")
    tap.is_(first_answer(host)[0], wire.HELLO_REPLY, "the agents' protocol greets a host")
    kind, _, text = first_answer(keys)
    tap.ok(kind == wire.ERROR and b"no certificate of a device" in text, "and refuses monitoring before anything is encrypted or decrypted", kind, text)
    listed = json.loads(server.must("device", "list", "--json"))["devices"]
    tap.is_(sorted((each["name"], each["kind"]) for each in listed), [("prometheus", "device"), ("prometheus", "monitoring")], "the list says what each is")
    server.must("device", "remove", "prometheus", "--kind", "monitoring", "--yes")
    tap.is_(json.loads(curl("/metrics"))["code"], "certificate_rejected", "a removed one reads nothing")
    tap.is_(curl("/healthz", directory=host), "ok\n", "and the host of that name stays")
