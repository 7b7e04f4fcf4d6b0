"""PostgreSQL, agent and key server of a stack run under callgrind: how many instructions each takes while a statement is answered."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/end_to_end"))
from harness import OWNER, give_to_owner, run, wait_until  # pylint: disable=wrong-import-position

# What the kernel says is run, by which the agent knows a program.
CALLGRIND = pathlib.Path("/usr/libexec/valgrind/callgrind-amd64-linux")


class Counted:
    """Restarts parts of a stack under callgrind; as they were, they are stopped at the end."""
    def __init__(self, stack):
        self.stack = stack
        self.directory = stack.path / f"counted-{type(self).__name__}"
        self.directory.mkdir()
        give_to_owner(self.directory)

    def callgrind(self, *options):
        return ["/usr/bin/valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={self.directory}/%p", *options]

    def pids(self, session):
        """Whose instructions are counted."""
        raise NotImplementedError

    def during(self, session, statement):
        """Of each of them, while the statement was answered."""
        pids = self.pids(session)
        for pid in pids:
            self._tell(pid, "zero")
        answer = session.ask(statement, 120)
        if answer.state:
            raise RuntimeError(f"{statement}: {answer!r}")
        return [self._dumped(pid) for pid in pids]

    def _dumped(self, pid):
        before = set(self.directory.glob(f"{pid}.*"))
        self._tell(pid, "dump")
        file, = set(self.directory.glob(f"{pid}.*")) - before
        return int(re.search(r"^(?:totals|summary): (\d+)", file.read_text(), re.M).group(1))

    @staticmethod
    def _tell(pid, command):
        done = run("vgdb", f"--pid={pid}", command)
        if done.returncode != 0:
            raise RuntimeError(f"vgdb {command}: {done.stdout}{done.stderr}")


class Backends(Counted):
    """All of PostgreSQL but the agent."""
    def __enter__(self):
        stack, postgres = self.stack, self.stack.pg_ctl.with_name("postgres")
        stack.agent_config.write_text(stack.agent_config.read_text().replace(f'"{postgres}"', f'"{CALLGRIND}"'))
        stop_server(stack)
        command = self.callgrind("--trace-children=yes", "--trace-children-skip=*nae-agent")
        with open(stack.path / "counted.log", "ab") as log:
            self.process = subprocess.Popen([*command, postgres, "-D", stack.path / "data"], cwd="/", stdout=log, stderr=log, stdin=subprocess.DEVNULL, **OWNER)
        question = [stack.psql, "-X", "-h", stack.path / "run", "-U", "postgres", "-c", "SELECT 1", "postgres"]
        if not wait_until(lambda: run(*question).returncode == 0, 60):
            raise RuntimeError((stack.path / "counted.log").read_text()[-2000:])
        stack.reconnected()
        return self

    def __exit__(self, *_):
        stop_server(self.stack)
        self.process.wait(60)
        stack, postgres = self.stack, self.stack.pg_ctl.with_name("postgres")
        stack.agent_config.write_text(stack.agent_config.read_text().replace(f'"{CALLGRIND}"', f'"{postgres}"'))

    def pids(self, session):
        return [session.pid]


class Services(Counted):
    """The agent and the key server, in this order. PostgreSQL is stopped before."""
    def __enter__(self):
        stack = self.stack
        stack.key_server.stop()
        stack.key_server.under = self.callgrind()
        stack.key_server.start()
        agent = stack.path / "bin" / "nae-agent"
        program = agent.rename(agent.with_name("nae-agent.counted"))
        # What the supervisor starts writes down its number, and is callgrind from then on.
        agent.write_text(f"#!/bin/sh\necho $$ >{self.directory}/agent\nexec {' '.join(self.callgrind())} {program} \"$@\"\n")
        agent.chmod(0o755)
        started = run(stack.pg_ctl, "-D", stack.path / "data", "-l", stack.path / "postgresql.log", "-w", "start")
        if started.returncode != 0:
            raise RuntimeError(started.stdout)
        stack.reconnected()
        return self

    def __exit__(self, *_):
        stop_server(self.stack)
        self.stack.key_server.stop()

    def pids(self, session):
        return [int((self.directory / "agent").read_text()), self.stack.key_server.pid]


def stop_server(stack):
    run(stack.pg_ctl, "-D", stack.path / "data", "-m", "fast", "-w", "stop")
