"""Further servers on a stack's binaries, and PostgreSQL's programs against the stack's own."""
import os

from harness import Answer, run


def program(stack, name, *words, options="", **others):
    """One of PostgreSQL's, against the stack's server; an error ends the test."""
    environment = {**os.environ, "PGHOST": str(stack.path / "run"), "PGPORT": "5432", "PGUSER": "postgres", "PGOPTIONS": options}
    done = run(stack.psql.with_name(name), *words, env=environment, **others)
    if done.returncode != 0:
        raise RuntimeError(f"{name} {words}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


class Cluster:
    """A further server on the stack's binaries, with a data directory and a socket of its own."""
    def __init__(self, stack, data, port=5433):
        self.stack, self.data, self.port = stack, data, port
        self.log = data.with_name(data.name + ".log")

    def base_backup(self, *words):
        program(self.stack, "pg_basebackup", "-c", "fast", "-D", self.data, *words)

    def initialize(self):
        program(self.stack, "initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")

    def configure(self, **settings):
        """Beside those of the stack: the agent is the stack's or one of its own at another socket."""
        settings = {"port": self.port, "unix_socket_directories": self.data.parent, "listen_addresses": "", "fsync": "off", **settings}
        lines = [f"{name.replace('__', '.')} = '{value}'" for name, value in settings.items()]
        with open(self.data / "postgresql.conf", "a") as file:
            file.write("\n" + "\n".join(lines) + "\n")

    def control(self, *words):
        done = run(self.stack.pg_ctl, "-D", self.data, "-l", self.log, "-w", *words)
        if done.returncode != 0:
            raise RuntimeError(f"pg_ctl {words}: {self.log.read_text()[-2000:]}")

    def ask(self, *queries, role="nae_all", database="nae_test", environment=None):
        words = [word for query in (f"SET ROLE {role}" if role else "RESET ROLE", *queries) for word in ("-c", query)]
        done = run(self.stack.psql, "-X", "-q", "-A", "-t", "-v", "VERBOSITY=verbose", "-h", self.data.parent, "-p", self.port,
                   "-U", "postgres", "-d", database, *words, env={**os.environ, **(environment or {})})
        return Answer(done.stdout + done.stderr)
