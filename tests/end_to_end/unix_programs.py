"""A host without a database: a key server, an agent, and programs that ask as the Unix user that runs them."""
import atexit
import os
import pathlib
import pwd
import re
import subprocess

from harness import BUILD, OWNER, KeyServer, alive, give_to_owner, run, scratch_directory, wait_until

AGENT = BUILD / "agent" / "nae-agent"
MODULE = BUILD / "pkcs11" / "libnae-pkcs11.so"
ENGINE = "/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so"
USER = OWNER.get("user") or pwd.getpwuid(os.geteuid()).pw_name

POLICY = """version = 2
[[device]]
name = "web1"
[[program]]
name = "{program}"
[[rule]]
name = "the-user-signs"
roles = ["unix:{user}"]
keys = ["glob:*"]
actions = ["sign", "verify", "mac", "mac-verify"]
result = "value"
[[rule]]
name = "the-user-draws"
roles = ["unix:{user}"]
actions = ["random"]
result = "value"
[[rule]]
name = "nobody-has-that"
roles = ["glob:*"]
keys = ["forbidden"]
actions = ["sign", "verify"]
result = "deny"
"""


def engine_configuration(names=""):
    """OpenSSL's, with libp11's engine over the module. `names`: the subjectAltName of certificates that it makes."""
    return f"""openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = engine
[engine]
engine_id = pkcs11
dynamic_path = {ENGINE}
MODULE_PATH = {MODULE}
init = 0
[req]
distinguished_name = name
[name]
""" + (f"[req]\nx509_extensions = names\n[names]\nsubjectAltName = {names}\n" if names else "")


class Host:
    """Programs: executables that may ask, all of them called `program` in the policy."""
    def __init__(self, *executables, keys="", program="tool"):
        self.path = scratch_directory()
        self.key_server = KeyServer.make(self.path / "keyserver")
        self.key_server.start()
        for name, kind in (word.split(":") for word in keys.split()):
            self.key_server.must("key", "create", name, "--type", kind)
        self.user = USER
        self.policy = POLICY.format(program=program, user=USER)
        self.key_server.apply_policy(self.policy)
        self.key_server.enroll("web1", self.path / "agent")
        self.socket = self.path / "agent" / "agent.sock"
        self.config = self.path / "agent" / "agent.toml"
        self.config.write_text(f"""socket = "{self.socket}"
servers = ["127.0.0.1:{self.key_server.port}"]

[tls]
certificate = "web1.pem"
key = "web1.key"
authority = "authority.pem"
""" + "".join(f"""
[[program]]
name = "{program}"
uid = "{USER}"
executable = "{pathlib.Path(path).resolve()}"
roles = "unix"
""" for path in executables))
        give_to_owner(self.path / "agent", *(self.path / "agent").iterdir())
        # What a program under test must have: the module's place, and where this host's agent listens.
        self.environment = {**os.environ, "NAE_PKCS11": f"socket={self.socket}", "HOME": str(self.path)}
        self.log = self.path / "agent.log"
        self.start_agent()

    def start_agent(self):
        with open(self.log, "ab") as log:
            self.agent = subprocess.Popen([AGENT, "--config", self.config], cwd="/", stdout=log, stderr=log,
                                          stdin=subprocess.DEVNULL, start_new_session=True, **OWNER)
        atexit.register(self.agent.kill)
        if not wait_until(lambda: self.socket.exists() and re.search("event=upstream_ready|ready", self.log.read_text())):
            raise RuntimeError(f"the agent did not start:\n{self.log.read_text()[-2000:]}")

    def stop_agent(self, kill=False):
        (self.agent.kill if kill else self.agent.terminate)()
        self.agent.wait(timeout=30)

    def run(self, *command, **options):
        return run(*command, **{"env": self.environment, **options})

    def file(self, name, text):
        path = self.path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        give_to_owner(path)
        return path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if alive(self.agent.pid):
            self.stop_agent()
        self.key_server.stop()
