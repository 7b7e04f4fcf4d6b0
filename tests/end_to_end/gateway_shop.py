"""A shop behind nae-gateway: a stack, a web application that knows no key, and the gateway in front of it."""
import atexit
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

from harness import BUILD, OWNER, ROOT, Stack, give_to_owner, scratch_directory, wait_until

GATEWAY = BUILD / "gateway" / "nae-gateway"
KEYS = "customer-card:aes-256-siv customer-pii:aes-256-gcm"
TABLE = """
CREATE TABLE customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text,
                       card nae.enc_det_text('customer-card', 'context=shop'), note nae.enc_text('customer-pii'),
                       salary nae.enc_numeric('customer-pii'), born nae.enc_date('customer-pii'));
CREATE ROLE shop_web LOGIN;
ALTER ROLE shop_web SET nae.accept_ciphertext = on;
ALTER ROLE shop_web SET nae.transparent = off;
GRANT SELECT, INSERT ON customer TO shop_web;
CREATE ROLE back_office;
CREATE ROLE support;
GRANT SELECT ON customer TO back_office, support;
"""
RULES = """
[[program]]
name = "nae-gateway"
[[rule]]
name = "the-gateway-writes"
roles = ["shop-web"]
databases = ["shop-gateway"]
programs = ["nae-gateway"]
keys = ["glob:customer-*"]
actions = ["encrypt"]
result = "value"
[[rule]]
name = "the-back-office-reads"
roles = ["back_office"]
databases = ["nae_test"]
programs = ["postgres"]
keys = ["glob:customer-*"]
actions = ["decrypt", "encrypt"]
result = "value"
[[rule]]
name = "support-sees-the-end"
roles = ["support"]
databases = ["nae_test"]
programs = ["postgres"]
keys = ["customer-card"]
actions = ["decrypt"]
result = "mask(last=4)"
"""
ROUTES = """
[[route]]
name = "sign-up"
methods = ["POST"]
path = "/customers"
role = "shop-web"
[[route.field]]
json = "$.card"
action = "encrypt"
key = "customer-card"
context = "shop"
deterministic = true
normalization = "digits"
[[route.field]]
json = "/note"
action = "encrypt"
key = "customer-pii"
[[route.field]]
json = "/salary"
action = "encrypt"
key = "customer-pii"
type = "numeric"
[[route.field]]
json = "/born"
action = "encrypt"
key = "customer-pii"
type = "date"

[[route]]
name = "search"
methods = ["GET"]
path = "/customers"
role = "shop-web"
[[route.field]]
query = "card"
action = "encrypt"
key = "customer-card"
context = "shop"
deterministic = true
normalization = "digits"
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Application:
    """gateway_application.py, which keeps what it sees."""
    def __init__(self, stack, path):
        self.port = free_port()
        self.log = path / "application.log"
        script = path / "gateway_application.py"
        shutil.copy(ROOT / "tests/end_to_end/gateway_application.py", script)
        give_to_owner(script)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["/usr/bin/python3", "-B", script, str(self.port), stack.path / "run"], cwd="/", stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, **OWNER)
        atexit.register(self.process.kill)
        if not wait_until(lambda: answers(self.port)):
            raise RuntimeError(f"the application did not start:\n{self.log.read_text()[-2000:]}")


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def ask(port, method, path, body=None, headers=None, timeout=30):
    """Status, JSON or text of the answer, and its headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    try:
        return answer.status, json.loads(text), answer.headers
    except ValueError:
        return answer.status, text.decode(errors="replace"), answer.headers


class FrameworkShop:
    """A shop of gateway_programs/, which knows no key either; its tables are in that schema."""
    def __init__(self, shop, words, schema):
        self.port = free_port()
        self.directory = shop.path / schema
        shutil.copytree(ROOT / "tests/end_to_end/gateway_programs", self.directory)
        if words[0] == "node":
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=self.directory, check=True, capture_output=True,
                           timeout=600, stdin=subprocess.DEVNULL)
        give_to_owner(self.directory, *self.directory.iterdir())
        self.log = shop.path / f"{schema}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*words, str(self.port), str(shop.stack.path / "run"), schema], cwd=self.directory, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True, **OWNER)
        atexit.register(self.process.kill)
        if not wait_until(lambda: answers(self.port) or self.process.poll() is not None) or self.process.poll() is not None:
            raise RuntimeError(f"{words} did not start:\n{self.log.read_text()[-2000:]}")

    def stop(self):
        self.process.kill()
        self.process.wait(timeout=30)


class Gateway:
    def __init__(self, path, executable, upstream, agent_socket, routes=ROUTES, more="", top=""):
        self.port, self.metrics_port = free_port(), free_port()
        self.config, self.log, self.executable = path / "gateway.toml", path / "gateway.log", executable
        self.text = f"""name = "shop-gateway"
listen = "127.0.0.1:{self.port}"
metrics_listen = "127.0.0.1:{self.metrics_port}"
agent_socket = "{agent_socket}"
workers = 2
{top}
[upstream]
address = "127.0.0.1:{upstream}"
{more}
"""
        self.write(routes)
        self.start()

    def write(self, routes):
        self.config.write_text(self.text + routes)
        give_to_owner(self.config)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.executable, "--config", self.config], cwd="/", stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True, **OWNER)
        atexit.register(self.process.kill)
        if not wait_until(lambda: self.health() == 200 or self.process.poll() is not None) or self.process.poll() is not None:
            raise RuntimeError(f"the gateway did not start:\n{self.log.read_text()[-2000:]}")

    def health(self):
        try:
            return self.monitoring("/health")[0]
        except OSError:
            return 0

    def monitoring(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def metric(self, name):
        for line in self.monitoring("/metrics")[1].splitlines():
            if line.startswith(f"nae_gateway_{name} "):
                return float(line.split()[-1])
        return 0.0

    def reload(self):
        before = self.log.read_text().count("event=reload")
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.log.read_text().count("event=reload") > before)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)

    @contextlib.contextmanager
    def stopped(self):
        """It is not there within, and there again behind."""
        self.stop()
        yield
        self.start()

    def ask(self, *words, **options):
        return ask(self.port, *words, **options)

    def raw(self, data, seconds=10):
        """What comes back for these bytes until the end of the connection, or of the time."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            read = b""
            while chunk := connection.recv(1 << 16):
                read += chunk
            return read


class Shop:
    """`application`: gateway_application.py, with a gateway in front of it; else gateway_before() makes one. `programs`: names and executables of others that ask
    as the Unix user that runs them."""
    def __init__(self, routes=ROUTES, more="", top="", rules="", table=TABLE, application=True, keys="", programs=()):
        self.path = scratch_directory()
        self.executable = executable = self.path / "nae-gateway"
        shutil.copy(GATEWAY, executable)
        program_file = self.path / "programs.toml"
        uid = OWNER.get("user") or str(os.geteuid())
        known = [("nae-gateway", executable, ""), *((name, pathlib.Path(path).resolve(), 'roles = "unix"\n') for name, path in programs)]
        program_file.write_text("".join(f'\n[[program]]\nname = "{name}"\nuid = "{uid}"\nexecutable = "{path}"\n{more}' for name, path, more in known))
        give_to_owner(executable, program_file)
        os.environ["NAE_AGENT_CONF"] = str(program_file)
        self.stack = Stack(keys=f"{KEYS} {keys}".strip())
        self.stack.key_server.apply_policy((ROOT / "tests/fixtures/policy.toml").read_text() + RULES + rules)
        if (made := self.stack.sql(None, table)).state:
            raise RuntimeError(made)
        self.stack.reconnected()
        self.started = []
        if application:
            self.application = Application(self.stack, self.path)
            self.gateway = self.gateway_before(self.application.port, routes, more, top)

    def gateway_before(self, port, routes, more="", top=""):
        gateway = Gateway(self.path, self.executable, port, self.stack.agent_socket, routes, more, top)
        self.started.append(gateway)
        return gateway

    def __enter__(self):
        return self

    def __exit__(self, *words):
        for gateway in self.started:
            gateway.process.kill()
        if hasattr(self, "application"):
            self.application.process.kill()
        return self.stack.__exit__(*words)

    def sql(self, role, query):
        return self.stack.sql(role, query)


def files_with(paths, text):
    """Those below `paths` that have it."""
    found = []
    for top in paths:
        for file in [top] if top.is_file() else top.rglob("*"):
            if file.is_file() and not file.is_symlink() and text.encode() in file.read_bytes():
                found.append(str(file))
    return found


def memory_has(pid, text):
    """Of the process's whole memory, which stands still meanwhile. A core of node would have its reserved address space, too."""
    wanted, chunk = text.encode(), 16 << 20
    read = 0
    os.kill(pid, signal.SIGSTOP)
    try:
        with open(f"/proc/{pid}/smaps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for begin, end, resident in mappings(maps):
                tail = b""
                for at in range(begin, end if resident else begin, chunk):
                    memory.seek(at)
                    part = tail + memory.read(min(chunk, end - at))
                    read += len(part)
                    if wanted in part:
                        return True
                    tail = part[-len(wanted):]
    finally:
        os.kill(pid, signal.SIGCONT)
    if read < 1 << 20:
        raise RuntimeError(f"of process {pid} {read} bytes were read")
    return False


def mappings(smaps):
    """Begin, end and whether pages are there, of those that may be read."""
    place = None
    for line in smaps:
        if head := re.match(r"([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+ *(.*)", line):
            place = None if head[3].strip() in ("[vvar]", "[vsyscall]") else (int(head[1], 16), int(head[2], 16))
        elif re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            place = None
        elif place and line.startswith("Rss:"):
            yield *place, int(line.split()[1]) > 0
