"""A Docker engine of a test's own: below a directory, without a bridge, without the network's images."""
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/packages"))
from chroot import mirror  # noqa: E402

# What the public image debian:12-slim leaves out, too.
NOT_IN_SLIM = ["usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "var/lib/apt/lists", "var/cache/apt"]


class Engine:
    """dockerd, started by hand; close() stops it and leaves nothing but the directory's other files."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir()
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{self.path}/docker.sock"}
        self.log = open(self.path / "dockerd.log", "wb")
        self.start()
        # The second version is a plugin of docker, the first, which Debian 12 has, a program.
        self.compose_command = ["docker", "compose"] if self.run("docker", "compose", "version").returncode == 0 else ["docker-compose"]

    def start(self):
        self.process = subprocess.Popen(
            ["dockerd", "-H", self.environment["DOCKER_HOST"], "--data-root", self.path / "root", "--exec-root", self.path / "exec",
             "-p", self.path / "pid", "--iptables=false", "--ip6tables=false", "--bridge=none"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 60
        while self.run("docker", "version").returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("dockerd does not start:\n" + (self.path / "dockerd.log").read_text()[-3000:])
            time.sleep(0.1)

    def restart(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.start()

    def run(self, *command, seconds=120, **options):
        return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              timeout=seconds, **{"env": self.environment, **options})

    def must(self, *command, **options):
        done = self.run(*command, **options)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
        return done.stdout

    def import_debian(self, name):
        """A Debian 12 from the mirror under the name of the public image: nothing can be pulled here."""
        tree = self.path / "debian"
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", tree, mirror()], check=True, stdout=subprocess.DEVNULL)
        for part in NOT_IN_SLIM:
            shutil.rmtree(tree / part, ignore_errors=True)
            (tree / part).mkdir(parents=True)
        with subprocess.Popen(["tar", "-C", tree, "-c", "."], stdout=subprocess.PIPE) as archive:
            subprocess.run(["docker", "import", "-", name], stdin=archive.stdout, check=True, stdout=subprocess.DEVNULL, env=self.environment)
        shutil.rmtree(tree)

    def close(self):
        for container in self.run("docker", "ps", "-aq").stdout.split():
            self.run("docker", "rm", "-fv", container)
        self.process.terminate()
        self.process.wait(timeout=60)
        self.log.close()
        subprocess.run(["umount", self.path / "exec/netns/default"], check=False, capture_output=True)
        for part in ("root", "exec"):
            shutil.rmtree(self.path / part, ignore_errors=True)


class Project:
    """One project of compose."""

    def __init__(self, engine, name, *files, **environment):
        self.engine, self.environment = engine, {**engine.environment, **environment}
        self.name = name
        self.command = [*engine.compose_command, "-p", name, *(word for file in files for word in ("-f", file))]

    def run(self, *words, **options):
        return self.engine.run(*self.command, *words, env=self.environment, **options)

    def must(self, *words, **options):
        return self.engine.must(*self.command, *words, env=self.environment, **options)

    def container(self, service):
        names = self.engine.must("docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={self.name}",
                                 "--filter", f"label=com.docker.compose.service={service}").split()
        assert len(names) == 1, f"{service}: {names}"
        return names[0]

    def exit_code(self, service, seconds=180):
        """When it has ended."""
        return int(self.engine.must("docker", "wait", self.container(service), seconds=seconds))

    def log(self, service):
        done = self.engine.run("docker", "logs", self.container(service))
        return done.stdout + done.stderr

    def inspect(self, service, what):
        return self.engine.must("docker", "inspect", "--format", "{{" + what + "}}", self.container(service)).strip()

    def execute(self, service, *command, user=None):
        return self.engine.run("docker", "exec", *(["-u", user] if user else []), self.container(service), *command)

    def what_is_left(self):
        """Containers, volumes and networks of the project, by name."""
        label = f"label=com.docker.compose.project={self.name}"
        return [line for kind in (["ps", "-a"], ["volume", "ls"], ["network", "ls"])
                for line in self.engine.must("docker", *kind, "-q", "--filter", label).split()]
