#!/usr/bin/python3 -B
# Trouble at the start: what may pass is waited for inside, alive and not ready, and noticed when it is mended;
# what a person must look at ends the server with a status that its unit does not restart on.
import json
import os
import re
import shutil
import signal
import subprocess

from harness import KEY_SERVER, KeyServer, Seconds, Tap, alive, give_to_owner, run, scratch_directory, wait_until

MOUNT = os.geteuid() == 0  # only root can
SOON = 3.0  # seconds; it takes 0.5 and one start on a machine that does nothing else

with Tap() as tap:
    scratch = scratch_directory()
    original, other = KeyServer.make(scratch / "original"), KeyServer.make(scratch / "other")

    def copy(name, mount=None):
        path = scratch / name
        path.mkdir(mode=0o700)
        if mount:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mount},mode=0700", "none", path], check=True)
        shutil.copytree(original.path, path, dirs_exist_ok=True)
        for file in [path, *path.rglob("*")]:
            give_to_owner(file)
        server = KeyServer(path)
        move(server, original.path)
        return server

    def move(server, old):
        for file in [server.path / "nae-keyserver.toml", server.path / "hsm/softhsm2.conf"]:
            file.write_text(file.read_text().replace(str(old), str(server.path)))

    def get(server, path):
        admin = server.path / "admin"
        done = run("curl", "-s", "-m", "5", "-w", "\n%{http_code}", "--cacert", admin / "authority.pem", "--cert", admin / "admin.pem",
                   "--key", admin / "admin.key", f"https://127.0.0.1:{server.port}{path}")
        body, _, status = done.stdout.rpartition("\n")
        return status, body

    def waits(server, name, code, part, mend):
        """It lives, is not ready and says why; once mended it serves within a second or so."""
        server.start(ready=False)
        def not_ready():
            status, body = get(server, "/readyz")
            return status == "503" and not json.loads(body)[part]["ok"] and json.loads(body)
        state = wait_until(not_ready)
        tap.ok(state and not state["ready"] and state[part]["problem"], f"{name}: not ready, and says that it is the {part}", state)
        tap.is_(get(server, "/healthz")[0], "200", f"{name}: it lives")
        done = server.nae("status")
        tap.ok(done.returncode != 0 and "waits to start" in done.stderr and code in done.stderr, f"{name}: nae status says {code}", done.stderr)
        tap.like(server.log.read_text(), rf"event=waiting-to-start part={part} code={code} .*hint=\"..", f"{name}: so does the log")
        mend()
        with Seconds() as took:
            ready = wait_until(lambda: get(server, "/readyz")[0] == "200")
        tap.ok(ready and took.passed < SOON, f"{name}: once it is mended the server serves ({took.passed:.1f} s)", server.log.read_text()[-600:])
        tap.ok(alive(server.pid), f"{name}: in the same process")
        tap.is_(server.nae("status").returncode, 0, f"{name}: administration as well")
        server.stop()
        tap.is_(server.process.returncode, 0, f"{name}: and stops in order")

    # the HSM
    server = copy("wrong-pin")
    pin = server.path / "hsm/pin"
    good = pin.read_text()
    pin.write_text("0123456789abcdef0123456789abcdef\n")

    def correct_pin():
        tap.ok(wait_until(lambda: "was rejected before and is not tried again" in server.log.read_text()), "a wrong PIN: tried once")
        pin.write_text(good)

    waits(server, "a wrong PIN", "hsm_pin_rejected", "hsm", correct_pin)

    server = copy("open-pin")
    (server.path / "hsm/pin").chmod(0o644)
    waits(server, "a PIN file that others may read", "file_failed", "hsm", lambda: (server.path / "hsm/pin").chmod(0o600))

    server = copy("no-token")
    tokens = server.path / "hsm/tokens"
    tokens.rename(server.path / "away")
    tokens.mkdir(mode=0o700)
    give_to_owner(tokens)

    def insert():
        tokens.rmdir()
        (server.path / "away").rename(tokens)

    waits(server, "a token that is away", "hsm_token_missing", "hsm", insert)

    server = copy("no-module")
    module = server.path / "hsm/module.so"
    module.write_text("not a library yet")
    server.config.write_text(re.sub(r"module = .*", f"module = '{module}'", server.config.read_text()))
    real = re.search(r"module = ['\"](.*)['\"]", original.config.read_text()).group(1)

    def install():
        (server.path / "hsm/new.so").symlink_to(real)
        (server.path / "hsm/new.so").rename(module)

    waits(server, "a module that is no library", "hsm_module_missing", "hsm", install)

    server = copy("foreign-token")
    shutil.move(server.path / "hsm", server.path / "hsm-own")
    shutil.copytree(other.path / "hsm", server.path / "hsm")
    for file in [server.path / "hsm", *(server.path / "hsm").rglob("*")]:
        give_to_owner(file)
    move(server, other.path)

    def exchange():
        shutil.rmtree(server.path / "hsm/tokens")
        (server.path / "hsm-own/tokens").rename(server.path / "hsm/tokens")
        (server.path / "hsm-own/pin").rename(server.path / "hsm/pin")

    waits(server, "the token of another server", "group_key_missing", "hsm", exchange)

    # disks
    if MOUNT:
        def fill(directory):
            filler = directory / "filler"
            with open(filler, "wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)):
                        pass
                except OSError:
                    pass
            return filler

        server = copy("full-disk", mount="16m")
        before = {path: path.read_bytes() for path in (server.path / "hsm/tokens").rglob("*.object")}
        filler = fill(server.path)

        def free():
            now = {path: path.read_bytes() for path in (server.path / "hsm/tokens").rglob("*.object")}
            tap.ok(now == before, "a full disk: the token was not touched")
            filler.unlink()

        waits(server, "a full disk", "store_unavailable", "store", free)
        subprocess.run(["umount", server.path], check=True)

        server = copy("full-audit")
        audit = server.path / "audit"
        shutil.copytree(audit, server.path / "old-audit")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", audit], check=True)
        shutil.copytree(server.path / "old-audit", audit, dirs_exist_ok=True)
        for file in [audit, *audit.rglob("*")]:
            give_to_owner(file)
        filler = fill(audit)
        waits(server, "a full disk of the audit log", "audit_unavailable", "audit", filler.unlink)
        subprocess.run(["umount", audit], check=True)

    # what does not pass, and being asked to stop
    def ends(server, code, status, name):
        done = run(KEY_SERVER, "run", "--config", server.config, seconds=30)
        tap.ok(done.returncode == status and f"({code})" in done.stderr, f"{name}: status {status}", done.returncode, done.stderr)

    server = copy("torn-store")
    (server.path / "keys.db").write_bytes(b"\xff" * 4096)
    ends(server, "store_corrupt", 78, "a store that is damaged")
    server = copy("typing-error")
    server.config.write_text(server.config.read_text().replace("[server]", "[server]\ntreads = 2"))
    ends(server, "config_invalid", 78, "a wrong configuration")
    server = copy("port-taken")
    original.start()
    ends(server, "conflict", 1, "a port that another process has")
    original.stop()

    server = copy("stopped")
    (server.path / "hsm/pin").chmod(0o644)
    for number in (signal.SIGTERM, signal.SIGINT):
        server.start(ready=False)
        wait_until(lambda: get(server, "/readyz")[0] == "503")
        with Seconds() as took:
            server.stop(number)
        tap.ok(server.process.returncode == 0 and took.passed < SOON, f"{number.name} ends a server that waits, in order", took.passed)
