#!/usr/bin/python3 -B
# What a service manager is told through NOTIFY_SOCKET: ready only when PIN, store and audit log are good, what is
# waited for until then, and nothing by an agent that runs under PostgreSQL.
import contextlib
import os
import pwd
import signal
import socket
import subprocess
import sys

from harness import KeyServer, NAE, OWNER, Tap, give_to_owner, scratch_directory, wait_until

AGENT = NAE.parents[1] / "agent/nae-agent"


SECONDS = 20  # for a datagram that is on its way


@contextlib.contextmanager
def manager(path):
    """A socket as the service manager has it; programs that are started meanwhile are told of it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        give_to_owner(path)
        listener.settimeout(SECONDS)
        os.environ["NOTIFY_SOCKET"] = str(path)
        try:
            yield listener
        finally:
            del os.environ["NOTIFY_SOCKET"]


def pending(listener):
    """What was told and not read yet."""
    told = []
    listener.setblocking(False)
    try:
        while True:
            told.append(listener.recv(4096).decode())
    except BlockingIOError:
        return told
    finally:
        listener.settimeout(SECONDS)


def told(listener, text):
    """Reads until a datagram with `text` comes; answers those before it and that one."""
    seen = []
    while not seen or text not in seen[-1]:
        try:
            seen.append(listener.recv(4096).decode())
        except TimeoutError:
            return seen
    return seen


with Tap() as tap:
    scratch = scratch_directory()
    server = KeyServer.make(scratch / "server")
    pin = server.path / "hsm/pin"
    good = pin.read_text()

    with manager(scratch / "notify") as listener:
        pin.write_text("0123456789abcdef0123456789abcdef\n")
        server.start(ready=False)
        before = told(listener, "waiting for hsm")
        tap.ok("STATUS=waiting for hsm: " in before[-1], "a rejected PIN is the status that it tells", before)
        tap.ok(not any("READY=1" in text for text in before), "and it is not ready", before)
        tap.ok(not any(good.strip() in text or "0123456789" in text for text in before), "no PIN is told", before)
        tap.ok(wait_until(lambda: server.nae("status").returncode != 0) and not any("READY=1" in text for text in pending(listener)),
               "nor is it while it answers that it waits")
        pin.write_text(good)
        ready = told(listener, "READY=1")
        tap.is_(ready[-1], f"READY=1\nSTATUS=serving at 127.0.0.1:{server.port}", "with the right PIN it is ready")
        tap.is_(server.nae("status").returncode, 0, "and at that moment it serves")
        server.send_signal(signal.SIGTERM)
        tap.is_(told(listener, "STOPPING=1")[-1], "STOPPING=1", "SIGTERM: it says that it stops")
        server.process.wait(timeout=30)
        tap.is_(pending(listener), [], "and nothing after that")

    server.start()
    tap.is_(server.nae("status").returncode, 0, "without NOTIFY_SOCKET it serves as well")

    server.enroll("db1", scratch / "db1")
    config = scratch / "agent.toml"
    config.write_text(f'socket = "{scratch}/agent.sock"\nservers = ["127.0.0.1:{server.port}"]\n[tls]\ncertificate = "db1/db1.pem"\n'
                      f'key = "db1/db1.key"\nauthority = "db1/authority.pem"\n[[program]]\nname = "me"\nuid = "{pwd.getpwuid(os.getuid()).pw_name}"\nexecutable = "{sys.executable}"\n')
    give_to_owner(*(scratch / "db1").iterdir(), scratch / "db1", config)

    def agent(*words):
        return subprocess.Popen([AGENT, "--config", config, *words], cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **OWNER)

    with manager(scratch / "notify-agent") as listener:
        running = agent()
        heard = told(listener, "READY=1")
        tap.ok(heard == ["READY=1\nSTATUS=listening"], "the agent is ready", heard, running.poll() is not None and running.stderr.read())
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(scratch / "agent.sock"))
            tap.ok(True, "and at that moment it takes connections")
        running.terminate()
        tap.is_(told(listener, "STOPPING=1"), ["STOPPING=1"], "and says that it stops")
        running.wait(timeout=30)
        embedded = agent("--parent-death")
        tap.is_(embedded.stdout.readline(), "ready\n", "one that PostgreSQL starts tells PostgreSQL")
        embedded.terminate()
        embedded.wait(timeout=30)
        tap.is_(pending(listener), [], "and not PostgreSQL's own service manager")
    server.stop()
