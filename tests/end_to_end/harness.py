"""What the end-to-end tests share: a whole stack and its parts, psql, waiting, and TAP."""
import atexit
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NAE_BUILD", ROOT / "build")).resolve()
KEY_SERVER = BUILD / "keyserver" / "nae-keyserver"
NAE = BUILD / "cli" / "nae"
# PostgreSQL refuses to run as root; then everything in a stack belongs to user postgres.
OWNER = ({"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {})
KEYS = ("customer-pii:aes-256-gcm customer-ssn:aes-256-siv index-key:hmac-sha-256 "
        "forbidden-key:aes-256-gcm doc-p256:ecdsa-p256")


# A runner whose patience ended asks first: what was started is stopped on the way out.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))


def run(*command, seconds=60, **options):
    """Runs a program as the owner of the stacks; never raises because of its exit code."""
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, errors="replace", timeout=seconds,
                          **{"cwd": "/", **OWNER, **options})


def give_to_owner(*paths):
    for path in paths:
        if OWNER:
            shutil.chown(path, "postgres", "postgres")


def scratch_directory():
    """For one test; gone at exit. Others may enter: PostgreSQL runs as another user than root."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="nae-e2e-"))
    path.chmod(0o755)
    give_to_owner(path)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def wait_until(condition, seconds=20):
    """Polls; the condition's last value, which is false after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return value


def alive(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return not re.search(r"^State:\tZ", status, re.M)


class Seconds:
    """with Seconds() as took: ...; took.passed"""
    def __enter__(self):
        self.start = time.monotonic()
        return self

    def __exit__(self, *_):
        self.passed = time.monotonic() - self.start


class Answer:
    """What psql said: rows in `out`, or the error's SQLSTATE, message and hint."""
    def __init__(self, text):
        self.text = text
        error = re.search(r"(?:ERROR|FATAL):  ([0-9A-Z]{5}): (.*)", text)
        hint = re.search(r"^HINT:  (.*)", text, re.M)
        self.state, self.message = error.groups() if error else ("", "")
        self.hint = hint.group(1) if hint else ""
        self.out = "" if error else text.strip()

    def __repr__(self):
        return self.text


class Session:
    """One psql, one backend, one role. Standard error comes in order with the rows."""
    def __init__(self, stack, role, database="nae_test"):
        command = [stack.psql, "-X", "-q", "-A", "-t", "-v", "VERBOSITY=verbose", "-h", stack.path / "run",
                   "-p", "5432", "-U", "postgres", "-d", database]
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.asked = 0
        self.read = b""
        self.ask(f"SET ROLE {role}" if role else "RESET ROLE")
        self.pid = int(self.ask("SELECT pg_backend_pid()").out)

    def send(self, query):
        self.asked += 1
        self.process.stdin.write(f"{query}\n;\n\\echo answered {self.asked}\n".encode())
        self.process.stdin.flush()

    def answer(self, seconds=30):
        """Of what was sent; TimeoutError when it does not come."""
        end = f"answered {self.asked}\n".encode()
        deadline = time.monotonic() + seconds
        while end not in self.read:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"no answer within {seconds} s; so far: {self.read!r}")
            chunk = os.read(self.process.stdout.fileno(), 1 << 16)
            if not chunk:  # the server ended the session
                break
            self.read += chunk
        text, _, self.read = self.read.partition(end)
        return Answer(text.decode(errors="replace"))

    def ask(self, query, seconds=30):
        self.send(query)
        return self.answer(seconds)

    def close(self):
        self.process.kill()
        self.process.communicate()


class KeyServer:
    """A key server in a directory of its own."""
    def __init__(self, path, log=None):
        self.path = path
        self.config = path / "nae-keyserver.toml"
        self.log = log or path.with_name(path.name + ".log")
        self.pid_file = path.with_name(path.name + ".pid")
        self.under = []  # a program that runs it, with its options
        self.environment = {}  # beside what the test has, from the next start() on

    @classmethod
    def make(cls, path):
        made = run(KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0")
        if made.returncode != 0:
            raise RuntimeError(f"nae-keyserver init: {made.stderr}")
        return cls(path)

    @property
    def pid(self):
        return int(self.pid_file.read_text())

    @property
    def port(self):
        return int(re.search(r'^listen = ".*:(\d+)"', self.config.read_text(), re.M).group(1))

    def start(self, ready=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.under, KEY_SERVER, "run", "--config", self.config], cwd="/", stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                                            env={**os.environ, **self.environment}, **OWNER)
        atexit.register(self.process.kill)
        self.pid_file.write_text(f"{self.process.pid}\n")
        if ready and not wait_until(lambda: self.nae("status").returncode == 0):
            raise RuntimeError(f"the key server did not start:\n{self.log.read_text()[-2000:]}")

    def send_signal(self, number):
        os.kill(self.pid, number)

    def freeze(self):
        """Returns when every thread has stopped: until then one may still answer."""
        self.send_signal(signal.SIGSTOP)
        tasks = list(pathlib.Path(f"/proc/{self.pid}/task").iterdir())
        if not wait_until(lambda: all("State:\tT" in (task / "status").read_text() for task in tasks)):
            raise RuntimeError("the key server does not stop at SIGSTOP")

    def thaw(self):
        self.send_signal(signal.SIGCONT)

    def stop(self, number=signal.SIGTERM):
        pid = self.pid
        self.send_signal(number)
        if hasattr(self, "process"):
            self.process.wait(timeout=30)
        if not wait_until(lambda: not alive(pid)):
            raise RuntimeError("the key server did not stop")

    def restart(self):
        self.stop()
        self.start()

    def nae(self, *words, **options):
        return run(NAE, "--config", self.path / "admin" / "cli.toml", *words, **options)

    def must(self, *words):
        done = self.nae(*words)
        if done.returncode != 0:
            raise RuntimeError(f"nae {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done.stdout

    def audit(self, *filters):
        """Records of requests, the oldest first."""
        return json.loads(self.must("audit", "query", "--event", "request", "--limit", "10000", "--json", *filters))["records"]

    def apply_policy(self, text):
        file = self.path.with_name("applied-policy.toml")
        file.write_text(text)
        file.chmod(0o644)
        self.must("policy", "apply", file)

    def enroll(self, name, directory):
        self.must("device", "enroll", name, "--out", directory)
        return directory / f"{name}.pem", directory / f"{name}.key"


class Stack:
    """scripts/stack up and down, with the database and roles of tests/fixtures."""
    def __init__(self, keys=KEYS, postgresql=""):
        self.path = scratch_directory() / "stack"
        settings = self.path.with_name("postgresql.conf")
        settings.write_text(postgresql)
        self.environment = {**os.environ, "NAE_BUILD": str(BUILD), "NAE_KEYS": keys, "NAE_PG_CONF": str(settings),
                            "NAE_POLICY": str(ROOT / "tests/fixtures/policy.toml")}
        atexit.register(self._script, "down")
        up = self._script("up")
        if up.returncode != 0:
            raise RuntimeError(f"scripts/stack up: {up.stdout}{up.stderr}")
        self.pg_ctl = next((self.path / "postgresql").glob("**/bin/pg_ctl"))
        self.psql = self.pg_ctl.with_name("psql")
        self.key_server = KeyServer(self.path / "keyserver", log=self.path / "keyserver.log")
        self.agent_config = self.path / "agent" / "agent.toml"
        self.agent_socket = self.path / "agent" / "agent.sock"
        self.sql(None, "CREATE DATABASE nae_test", database="postgres")
        self.sql(None, (ROOT / "tests/fixtures/roles.sql").read_text())

    def _script(self, verb):
        return subprocess.run([ROOT / "scripts/stack", verb, self.path], env=self.environment, capture_output=True,
                              text=True, timeout=120, stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.key_server.thaw()
        except ProcessLookupError:
            pass
        self._script("down")

    def session(self, role="nae_all", **options):
        return Session(self, role, **options)

    def sql(self, role, query, seconds=60, **options):
        """In a session of its own."""
        session = self.session(role, **options)
        try:
            return session.ask(query, seconds)
        finally:
            session.close()

    def nae(self, *words):
        return self.key_server.nae(*words)

    @property
    def agent_pid(self):
        """Of the running agent, None between two."""
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            except OSError:
                continue
            if len(words) > 1 and words[0].endswith(b"nae-agent") and str(self.agent_socket).encode() in words:
                return int(entry.name)
        return None

    def reconnected(self):
        """Waits for the agent, which tries a server that was down ever more rarely."""
        session = self.session(None)
        ready = "SELECT count(*) FROM nae_agent_stats() WHERE name LIKE 'upstream.%.state' AND value = 'ready'"
        if not wait_until(lambda: session.ask(ready).out not in ("", "0")):
            raise RuntimeError("the agent finds no key server")
        session.close()

    def configure_agent(self, change):
        """Rewrites the agent's configuration and starts it anew; returns once it listens."""
        self.agent_config.write_text(change(self.agent_config.read_text()))
        old = self.agent_pid
        os.kill(old, signal.SIGTERM)
        wait_until(lambda: not alive(old))
        run(self.pg_ctl, "-D", self.path / "data", "reload")  # makes the supervisor forget its back-off
        if not wait_until(lambda: self.agent_pid not in (None, old) and self.agent_sockets()):
            raise RuntimeError("the agent did not start again")

    def agent_sockets(self):
        """Inodes of the listening one and of each connection, as long as the kernel has them."""
        lines = map(str.split, pathlib.Path("/proc/net/unix").read_text().splitlines())
        return {words[6] for words in lines if words[-1] == str(self.agent_socket)}

    def kill_agent(self):
        """Returns when its sockets are gone: until then a dying agent may still accept a connection."""
        sockets = self.agent_sockets()
        os.kill(self.agent_pid, signal.SIGKILL)
        if not wait_until(lambda: not sockets & self.agent_sockets()):
            raise RuntimeError("the agent does not die")


class Tap:
    """Counts checks; an exception is a failed one. Leaving the block prints the plan and ends."""
    def __init__(self):
        self.number = self.failed = 0

    def ok(self, good, name, *why):
        self.number += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.number} - {name}", flush=True)
        if not good:
            for line in "\n".join(map(str, why)).splitlines():
                print(f"#   {line[:400]}", flush=True)
        return bool(good)

    def is_(self, got, wanted, name):
        return self.ok(got == wanted, name, f"got {got!r}, wanted {wanted!r}")

    def like(self, text, pattern, name):
        return self.ok(re.search(pattern, str(text)), name, f"{text!r} is not like {pattern!r}")

    def refused(self, answer, state, name, message=""):
        """An SQL error with this SQLSTATE, a hint, and a message like this."""
        good = answer.state == state and answer.hint and re.search(message, answer.message)
        return self.ok(good, name, f"wanted {state} {message!r} and a hint, got:", answer)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            self.ok(False, "the test runs to its end", "".join(traceback.format_exception(kind, error, trace)))
        print(f"1..{self.number}")
        sys.stdout.flush()
        sys.exit(1 if self.failed else 0)
