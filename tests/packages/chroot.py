"""A Debian of its own below a directory, from the mirror of this machine's own packages."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess

APT = ["apt-get", "-qq", "-y", "-o", "Acquire::Check-Valid-Until=false", "--no-install-recommends"]


def mirror():
    lines = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"], capture_output=True, text=True, check=True).stdout
    return next(line for line in lines.splitlines() if line.rstrip("/").endswith("/debian"))


class Chroot:
    """Nothing is started in it but what a test starts; what was started ends with it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.services = []
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", self.path, mirror()], check=True, stdout=subprocess.DEVNULL)
        for file in ("resolv.conf", "hosts"):
            shutil.copy(f"/etc/{file}", self.path / "etc" / file)
        never = self.path / "usr/sbin/policy-rc.d"
        never.write_text("#!/bin/sh\nexit 101\n")
        never.chmod(0o755)
        subprocess.run(["mount", "-t", "proc", "proc", self.path / "proc"], check=True)

    def close(self):
        for service in self.services:
            service.stop()
        subprocess.run(["umount", self.path / "proc"], check=False)

    def run(self, *command, **options):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **options.pop("env", {})}
        return subprocess.run(["chroot", self.path, *map(str, command)], capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, **options)

    def must(self, *command, **options):
        done = self.run(*command, **options)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout + done.stderr

    def read(self, path):
        return (self.path / path.lstrip("/")).read_text()

    def start(self, unit):
        service = Service(self, unit)
        self.services.append(service)
        return service


class Service:
    """What a unit of systemd says, done by hand: its user, its program, and waiting until it says that it is ready."""

    def __init__(self, chroot, unit):
        lines = [line.partition("=") for line in chroot.read(f"/lib/systemd/system/{unit}.service").splitlines()]
        said = {name: value for name, _, value in lines if value}
        self.log = chroot.path / f"var/log/{unit}.log"
        user = said["User"]
        become = ["setpriv", f"--reuid={user}", f"--regid={said['Group']}", "--init-groups"]
        if capability := said.get("AmbientCapabilities"):
            word = capability.lower().removeprefix("cap_")
            become += [f"--inh-caps=+{word}", f"--ambient-caps=+{word}"]
        # An abstract name: the same one inside and outside.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, open(self.log, "ab") as log:
            address = f"nae-install-{os.getpid()}-{unit}"
            manager.bind("\0" + address)
            manager.settimeout(60)
            self.process = subprocess.Popen(["chroot", chroot.path, *become, *said["ExecStart"].split()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "NOTIFY_SOCKET": "@" + address})
            self.told = ""
            try:
                while "READY=1" not in self.told:
                    self.told = manager.recv(4096).decode()
            except TimeoutError:
                raise RuntimeError(f"{unit} is not ready: {self.told}\n{self.log.read_text()[-2000:]}") from None

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)
