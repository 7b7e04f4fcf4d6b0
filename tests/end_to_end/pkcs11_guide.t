#!/usr/bin/python3 -B
# Every command of docs/pkcs11-programs.md, in the page's order: programs of others use keys by the PKCS#11 module. One user is all of
# the page's users, and the test's own paths and ports stand in the place of those of an installed host.
import os
import re
import signal
import subprocess
import tempfile

from guide_blocks import follow
from harness import BUILD, OWNER, ROOT, Tap, give_to_owner, wait_until
from key_servers import free_port
from unix_programs import MODULE, USER, Host

INSTALLED = "/usr/lib/x86_64-linux-gnu/pkcs11/libnae-pkcs11.so"
PROVIDER = "usr/lib/x86_64-linux-gnu/ossl-modules/pkcs11.so"
# What nginx keeps below /var and /run, where this user may not write.
NGINX = "access_log off; client_body_temp_path {d}/t1; proxy_temp_path {d}/t2; fastcgi_temp_path {d}/t3; uwsgi_temp_path {d}/t4; scgi_temp_path {d}/t5;"


class Reader:
    def __init__(self, host, provider):
        self.host = host
        self.directory = host.path / "reader"
        self.directory.mkdir()
        give_to_owner(self.directory)
        self.environment = {**host.environment, "HOME": str(self.directory), "PATH": f"{BUILD / 'cli'}:{os.environ['PATH']}:/usr/sbin",
                            "NAE_CONFIG": str(host.key_server.path / "admin" / "cli.toml")}
        self.here = {'"unix:alice", "unix:www-data"': f'"unix:{USER}"', INSTALLED: str(MODULE), "/usr/lib/x86_64-linux-gnu/pkcs11/*": f"{MODULE.parent}/*", f"/{PROVIDER}": str(provider),
                     "nae pkcs11 init-file": f"nae pkcs11 init-file --module {MODULE}", 'alice"': f'{USER}"', 'www-data"': f'{USER}"',
                     "http {": "http {" + NGINX.format(d=self.directory), "events {}": f"events {{}} pid {self.directory}/nginx.pid; error_log {self.directory}/nginx.log;",
                     "listen 443": (https := f"listen {free_port()}"), "localhost:443": https.replace("listen ", "localhost:"),
                     "port = 5432": (database := f"port = {free_port()}"), "port=5432": database.replace(" ", "")}

    def as_here(self, body):
        return re.sub("|".join(map(re.escape, self.here)), lambda match: self.here[match[0]], body)

    def write(self, name, body):
        if name == "agent.toml":  # the host has one, in which these are new
            with open(self.host.config, "a") as file:
                file.write(self.as_here(body))
            self.host.agent.send_signal(signal.SIGHUP)
            if not wait_until(lambda: "event=reloaded" in self.host.log.read_text()):
                raise RuntimeError(f"the agent did not take the programs:\n{self.host.log.read_text()[-2000:]}")
        else:
            self.put(name, body)

    def put(self, name, body):
        file = self.directory / name
        file.write_text(self.as_here(body))
        give_to_owner(file)
        return file

    def execute(self, kind, body):
        with tempfile.TemporaryFile("w+") as out:  # what a block leaves running has the descriptor, and a pipe would not end
            done = subprocess.run(["bash", "-euo", "pipefail", self.put(f"block.{kind}", body)], stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=120,
                                  env=self.environment, cwd=self.directory, **OWNER)
            out.seek(0)
            done.stdout, done.stderr = out.read(), ""
        return done

    def end(self):
        """What a block that failed left running."""
        for name in ("nginx.pid", "data/postmaster.pid"):
            file = self.directory / name
            if file.exists() and (line := file.read_text().split("\n", 1)[0]).isdigit():
                os.kill(int(line), signal.SIGTERM if name == "nginx.pid" else signal.SIGINT)


with Tap() as tap, Host("/usr/bin/true") as host:  # an agent has a program, and the page brings its own
    packages = host.path / "packages"
    packages.mkdir()
    brought = subprocess.run([ROOT / "tests/debian/newer-packages", packages, "pkcs11-provider"], capture_output=True, text=True, timeout=300)
    tap.is_(brought.returncode, 0, f"Debian 13's pkcs11-provider is fetched {brought.stderr[-500:]}")
    reader = Reader(host, packages / "system" / PROVIDER)
    try:
        follow(tap, ROOT / "docs" / "pkcs11-programs.md", reader.write, reader.execute)
    finally:
        reader.end()
    signed = {record.get("key") for record in host.key_server.audit("--action", "sign")}
    opened = {record.get("key") for record in host.key_server.audit("--action", "decrypt") if record.get("verdict") == "value"}
    tap.is_((signed, opened), ({"web", "door"}, {"mail", "disk"}), "and the audit log has each key that signed or decrypted")
