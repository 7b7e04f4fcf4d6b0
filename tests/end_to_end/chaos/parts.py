"""The stack under test: its agent asks through a proxy, its key server has an HSM and a disk that can be made to fail, and
so has PostgreSQL its disk."""
import os
import re
import signal
import threading

from harness import BUILD, Stack, alive, give_to_owner, run, wait_until
from tcp_proxy import TcpProxy

KEYS = "customer-pii:aes-256-gcm customer-ssn:aes-256-siv index-key:hmac-sha-256 doc-p256:ecdsa-p256"
SETTINGS = "log_line_prefix = '%m %p %a %e '\nlog_min_error_statement = panic\nrestart_after_crash = on\nmax_wal_size = '64MB'\n"
TABLE = """
CREATE TABLE chaos (id bigint PRIMARY KEY, version int NOT NULL, token nae.enc_det_text('customer-ssn') UNIQUE,
  note nae.enc_text('customer-pii'), amount nae.enc_numeric('customer-pii', 'context=amounts'), owner int NOT NULL);
CREATE INDEX ON chaos (owner);
CREATE TABLE made (note nae.enc_text('customer-pii'), amount nae.enc_numeric('customer-pii', 'context=amounts'));
CREATE FUNCTION keep_envelopes() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO made VALUES (NEW.note, NEW.amount); RETURN NULL; END $$;
CREATE TRIGGER made AFTER INSERT OR UPDATE ON chaos FOR EACH ROW EXECUTE FUNCTION keep_envelopes();
"""


class Parts(Stack):
    def __init__(self, findings):
        self.findings = findings
        super().__init__(keys=KEYS, postgresql=SETTINGS)
        self.server = self.key_server
        self.data = self.path / "data"
        self.log = self.path / "postgresql.log"
        self.disk_faults, self.hsm_faults = self.path / "disk-faults", self.path / "hsm-faults"
        self.environment = {"LD_PRELOAD": str(BUILD / "tests/faulty_disk/libnae_faulty_disk.so"), "NAE_FAULTY_DISK": str(self.disk_faults)}
        self.where = {"host": str(self.path / "run"), "port": 5432, "user": "postgres", "dbname": "nae_test"}
        for statement in filter(None, TABLE.split(";\n")):
            answer = self.sql("nae_all", statement)
            if answer.state:
                raise RuntimeError(answer)
        module = BUILD / "keyserver/hsm/libnae_faulty_module.so"
        self.server.stop()
        text = re.sub(r"(?m)^module *=.*", f'module = "{module}"', self.server.config.read_text())
        self.server.config.write_text(text.replace("[audit]\n", "[audit]\nsegment_mib = 1\n"))  # closed and opened often
        self.server.environment = {**self.environment, "NAE_FAULTY_PKCS11": str(self.hsm_faults)}
        self.server.start()
        self.proxy = TcpProxy(self.server.port)
        self.agent_config.write_text(re.sub(r"servers = .*", f'servers = ["127.0.0.1:{self.proxy.port}"]', self.agent_config.read_text()))
        self.pg_control("-m", "fast", "stop")
        self.start_postgresql()
        self.reconnected()

    @staticmethod
    def set_faults(file, *lines):
        """None ends them. Whoever reads meanwhile sees all lines or none."""
        if not lines:
            file.unlink(missing_ok=True)
            return
        new = file.with_suffix(".new")
        new.write_text("".join(f"{line}\n" for line in lines))
        give_to_owner(new)
        new.rename(file)

    def administer(self, *words):
        """Under a fault it may be refused."""
        done = self.server.nae(*words).returncode == 0
        if not done:
            self.findings.refuse("administrator")
        return done

    def pg_control(self, *words):
        return run(self.pg_ctl, "-D", self.data, "-l", self.log, "-w", "-t", "30", *words, env={**os.environ, **self.environment})

    def start_postgresql(self):
        """Also when its predecessor died: its processes may still be going."""
        if not wait_until(lambda: self.pg_control("start").returncode == 0, 40):
            raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text()[-2000:]}")

    def postgresql_runs(self):
        """Whether it has ended because of a fault, which is no reason to start it a second time."""
        return alive(self.postmaster)

    @property
    def postmaster(self):
        try:
            return int((self.data / "postmaster.pid").read_text().splitlines()[0])
        except (FileNotFoundError, IndexError):
            return 0

    @property
    def supervisor(self):
        """None between two."""
        try:
            with open(f"/proc/{self.agent_pid}/stat", encoding="ascii") as stat:
                return int(stat.read().rpartition(")")[2].split()[1])
        except FileNotFoundError:
            return None


class Administrator(threading.Thread):
    """Rotates a key and applies the policy again, over and over. What fails under a fault may fail."""
    def __init__(self, parts, policy, random):
        super().__init__(daemon=True)
        self.parts, self.policy, self.random = parts, policy, random
        self.stopping = threading.Event()
        self.done = 0

    def run(self):
        while not self.stopping.wait(self.random.uniform(1, 4)):
            words = self.random.choice((("key", "rotate", "customer-pii"), ("policy", "apply", self.policy), ("key", "list")))
            self.done += self.parts.administer(*words)


def send(number, find):
    """To the process that `find` finds, which is answered. One that a fault before has ended is waited for: 0 and None
    would be this program's own group."""
    pid = wait_until(lambda: (found := find()) and alive(found) and found, 10)
    if not pid:
        raise RuntimeError(f"nobody there for signal {number}")
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return 0
    return pid


STOP, CONTINUE, KILL, TERM = signal.SIGSTOP, signal.SIGCONT, signal.SIGKILL, signal.SIGTERM
