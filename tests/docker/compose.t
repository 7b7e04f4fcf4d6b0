#!/usr/bin/python3 -B
# The images and the compose files, as users get them: built from the packages, with an engine of the test's own. The base
# image comes from the mirror of this machine under the public one's name, and an override puts all services into one network
# namespace with loopback only: the rest is what users run. Needs root, dockerd, compose, debootstrap and debhelper.
#   tests/docker/compose.t [WORK]      WORK: an empty directory for all of it
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/end_to_end"), str(ROOT / "tests/docker")]
import extension  # noqa: E402
from engine import Engine, Project  # noqa: E402
from harness import Seconds, Tap, wait_until  # noqa: E402
from wire import hello  # noqa: E402

IMAGES = {"keyserver": 150, "agent": 150, "postgres": 500, "gateway": 150, "tools": 150, "demo": 300}  # the most MB each may have
SERVICES = ["init", "keyserver", "enrol", "processes", "postgres", "agent", "policy", "tour"]
WEB_SERVICES = ["web-host", "shop", "gateway", "purchase"]
WEB = ["--profile", "gateway"]
KEYS = re.compile(r"-----BEGIN (EC |RSA )?PRIVATE KEY-----")


def build(tap, engine, work):
    """In a copy of what the images are made of, because the packages are the test's own."""
    context = work / "context"
    for part in ("docker", "demo"):
        shutil.copytree(ROOT / part, context / part)
    for part in ("VERSION", ".dockerignore"):
        shutil.copy(ROOT / part, context)
    subprocess.run([ROOT / "scripts/build-packages", context / "build/packages"], check=True, stdout=subprocess.DEVNULL)
    with Seconds() as took:
        for line in engine.must(context / "docker/build", "--network=host", seconds=1800).splitlines():
            print("#", line, flush=True)
    print(f"# built in {took.passed:.0f} s")
    for image, most in IMAGES.items():
        size, user = engine.must("docker", "image", "inspect", "--format", "{{.Size}} {{.Config.User}}", f"nae/{image}").split()
        tap.ok(int(size) < most * 1_000_000, f"nae/{image} has less than {most} MB", size)
        tap.ok(user not in ("", "0", "root"), f"nae/{image} does not run as root", user)
        found = engine.must("docker", "run", "--rm", "--network=none", "--user=0", "--entrypoint=bash", f"nae/{image}", "-c",
                            "find / -xdev -type f \\( -perm /6000 -o -name '*.key' -o -name 'pin' -o -name 'so-pin' \\) -print;"
                            " grep -rlI -e '-----BEGIN .*PRIVATE KEY-----' /etc /var /opt /usr/share /usr/local || true")
        tap.is_(found, "", f"nae/{image} has no setuid file, private key or PIN")
    return context


def check_tour(tap, stack):
    tap.is_(stack.exit_code("tour"), 0, "the tour ends well")
    shown = stack.log("tour")
    for pattern in (r"importer.*may not decrypt", r"5000 \| \d{16} \| \d{16}", r"\*\*\*-\*\*-\d{4} \| \*{12}\d{4}", r"NE001: role \"support\" may not decrypt",
                    r"nae1:4Q", r"t +\| f", r"\./base/\d+/\d+\n(?s:.*)\n\(0 rows\)", r"\n +1 \| +2 \| \d{16}", r"The audit log is intact", r"disk is out of reach"):
        tap.like(shown, pattern, f"it shows {pattern}")


def check_gateway(tap, stack):
    stack.must(*WEB, "up", "-d", seconds=300)
    tap.is_(stack.exit_code("purchase"), 0, "with the gateway's profile a purchase ends well")
    shown = stack.log("purchase")
    for pattern in (r"POST /sales  buyer=Ann\+Archer&card=4111\+1111\+1111\+1111\n201 Created", r"shop, behind the gateway, saw:\nPOST /sales\n.*\n  card = nae1:",
                    r"Ann Archer \| \*{12}1111", r"Ann Archer \| 4111111111111111"):
        tap.like(shown, pattern, f"it shows {pattern}")
    tap.is_(stack.inspect("gateway", ".State.Health.Status"), "healthy", "the gateway is healthy")
    seen = stack.execute("shop", "cat", "/web/shop.log").stdout
    tap.ok("nae1:" in seen and not re.search(r"4111[ +]?1111", seen), "the shop has seen no card number", seen)
    tap.ok(stack.execute("gateway", "cat", "/etc/nae/device.key").returncode, "the gateway has no key of the device")
    os.kill(int(stack.inspect("agent", ".State.Pid")), signal.SIGKILL)
    again = wait_until(lambda: stack.engine.run("docker", "start", "-a", stack.container("purchase")).returncode == 0, 60)
    tap.ok(again, "after a crash of the agent customers buy again", stack.log("gateway")[-2000:])
    wait_until(lambda: stack.inspect("agent", ".State.Health.Status") == "healthy", 60)


def check_walls(tap, stack):
    for service in SERVICES + WEB_SERVICES:
        tap.is_(stack.inspect(service, ".HostConfig.ReadonlyRootfs"), "true", f"{service} has a read-only root file system")
        tap.like(stack.inspect(service, ".HostConfig.CapDrop"), "ALL", f"{service} has no capability that is not named")
    for service in ("keyserver", "postgres", "agent"):
        tap.is_(stack.inspect(service, ".State.Health.Status"), "healthy", f"{service} is healthy")
    pin = stack.execute("keyserver", "cat", "/var/lib/nae/hsm/pin").stdout.strip()
    everything = stack.engine.must("docker", "inspect", *(stack.container(service) for service in SERVICES + WEB_SERVICES)) + "".join(map(stack.log, SERVICES + WEB_SERVICES))
    tap.ok(len(pin) == 32 and pin not in everything and not KEYS.search(everything), "no PIN or key in an argument, an environment or a log")
    left = stack.execute("keyserver", "sh", "-c", "ls /var/lib/nae /var/lib/nae/hsm /admin").stdout.split()
    tap.ok("admin" not in left and "so-pin" not in left and "cli.toml" not in left, "the key server keeps neither administrator's key nor so-pin", left)

    read = stack.execute("agent", "cat", "/etc/nae/device.key")
    tap.like(read.stdout, KEYS, "the agent reads the device's key")
    tap.is_(stack.execute("agent", "stat", "-c", "%u:%g %a", "/etc/nae/device.key").stdout.strip(), "0:7444 640", "which is root's, for its group")
    tap.ok(stack.execute("agent", "sh", "-c", "echo >>/etc/nae/agent.toml").returncode, "it cannot write its own configuration")
    # They share processes: the number of the agent's is not 1 there.
    number = stack.execute("postgres", "sh", "-c", "grep -l ^nae-agent /proc/[0-9]*/comm").stdout.strip().split("/")[2]
    for attempt in ("cat /etc/nae/device.key", f"cat /proc/{number}/root/./etc/nae/device.key", f"cat /proc/{number}/environ", f"cat /proc/{number}/mem"):
        done = stack.execute("postgres", "sh", "-c", attempt)
        tap.ok(done.returncode and not done.stdout, f"PostgreSQL's user may not {attempt.replace(number, 'AGENT')}", done.stdout)
    other = stack.execute("postgres", "perl", "-MIO::Socket::UNIX", "-e",
                          'my $s = IO::Socket::UNIX->new("/run/nae/agent.sock") or die; print $s pack("H*", shift); $s->flush; sysread $s, my $got, 999; print $got',
                          hello().hex())
    tap.like(other.stdout, "perl.*is no program of the agent's table", "another program of PostgreSQL's user is refused")


def check_life(tap, stack):
    # By value, so that each is decrypted.
    select = ["psql", "-U", "analyst", "-d", "shop", "-At", "-c", "SELECT count(*) FROM customers WHERE card::text > ''"]
    tap.is_(stack.execute("postgres", *select).stdout.strip(), "5000", "a role reads what the tour has left")

    def reads_again(after):
        tap.is_(wait_until(lambda: stack.execute("postgres", *select).stdout.strip() == "5000", 60), True, f"it reads again after {after}")

    stack.must(*WEB, "up", "-d", seconds=300)
    tap.is_(stack.exit_code("tour"), 0, "up again runs the tour again, over the data that is there")
    tap.like(stack.log("enrol"), "has a device already", "and enrols nothing twice")
    agent = stack.inspect("agent", ".State.Pid")
    stack.must("restart", "postgres", seconds=120)
    reads_again("a restart of PostgreSQL")
    os.kill(int(stack.inspect("postgres", ".State.Pid")), signal.SIGKILL)
    reads_again("a crash of PostgreSQL")
    tap.is_(stack.inspect("agent", ".State.Pid"), agent, "for which the agent does not end")
    os.kill(int(agent), signal.SIGKILL)
    reads_again("a crash of the agent")
    for services in (["postgres", "agent"], ["agent"]):
        stack.must("restart", *services, seconds=120)
        reads_again(f"a restart of {' and '.join(services)}")
    stack.engine.restart()
    # It starts all of them at once, and does not try again one that was to join another that was not there yet.
    stack.must(*WEB, "up", "-d", "--no-deps", "keyserver", "processes", "postgres", "agent", "shop", "gateway", seconds=120)
    reads_again("a restart of Docker")
    tap.is_(stack.log("postgres").count("was not properly shut down"), 1, "which stops PostgreSQL in order: only the crash was one")
    stack.must(*WEB, "stop", seconds=120)
    stack.must(*WEB, "start", seconds=120)
    reads_again("stop and start")
    with Seconds() as took:
        stack.must(*WEB, "stop", seconds=120)
    tap.ok(took.passed < 20, "stopping takes less than 20 seconds", took.passed)
    for service in ("keyserver", "postgres", "agent", "processes", "gateway"):
        tap.is_(stack.inspect(service, ".State.ExitCode"), "0", f"{service} stops cleanly at its signal")
    stack.must(*WEB, "down", "-v", seconds=120)
    tap.is_(stack.what_is_left(), [], "down -v leaves nothing")


def check_external(tap, engine, work, context):
    """SoftHSM2 as somebody's own HSM: library, token and PIN come from outside."""
    hsm, devices, pin = work / "hsm", work / "devices", work / "pin"
    (hsm / "tokens").mkdir(parents=True)
    devices.mkdir()
    (hsm / "softhsm2.conf").write_text("directories.tokendir = /opt/hsm/tokens\nobjectstore.backend = file\n")
    engine.must("docker", "run", "--rm", "--network=none", "--user=0", "-e", "SOFTHSM2_CONF=/opt/hsm/softhsm2.conf", "-v", f"{hsm}:/opt/hsm", "nae/keyserver",
                "softhsm2-util", "--init-token", "--free", "--label", "payments", "--so-pin", "12345678", "--pin", "87654321")
    engine.must("sh", "-c", f"docker run --rm --network=none nae/keyserver cat /usr/lib/softhsm/libsofthsm2.so >{work}/hsm.so")
    subprocess.run(["chown", "-R", "7443:7443", hsm, devices], check=True)
    pin.write_text("87654321\n")
    os.chown(pin, 0, 7443)
    pin.chmod(0o440)
    stack = Project(engine, "external", context / "docker/compose.external.yaml", ROOT / "tests/docker/loopback.external.yaml", NAE_NAME="keys1.example",
                    NAE_HSM_MODULE=str(work / "hsm.so"), NAE_HSM_DIRECTORY=str(hsm), NAE_TOKEN_LABEL="payments", NAE_PIN_FILE=str(pin), NAE_DEVICES=str(devices))
    try:
        stack.must("up", "-d", seconds=300)
        tap.is_(stack.exit_code("init"), 0, "a key server is made on a token that is there")
        tap.like(stack.must("run", "--rm", "nae", "key", "create", "customer-pii", "--type", "aes-256-gcm"), "customer-pii", "and makes keys there")
        stack.must("run", "--rm", "nae", "device", "enroll", "db1", "--out", "/devices/db1")
        tap.is_(sorted(file.name for file in (devices / "db1").iterdir()), ["authority.pem", "db1.key", "db1.pem"], "a host elsewhere is enrolled")
        everything = "".join(engine.must("docker", "inspect", stack.container(service)) + stack.log(service) for service in ("init", "keyserver"))
        tap.ok("87654321" not in everything, "the PIN stands nowhere but in its file")
        stack.must("stop")
        tap.is_(stack.inspect("keyserver", ".State.ExitCode"), "0", "it stops cleanly")
        pin.chmod(0o444)
        stack.must("start", "keyserver")
        tap.ok(wait_until(lambda: "may be opened by others" in stack.log("keyserver"), 30), "a PIN that others may read is refused", stack.log("keyserver"))
    finally:
        stack.run("down", "-v")
    tap.is_(stack.what_is_left(), [], "down -v leaves nothing of it")


def main(tap, work):
    engine = Engine(work / "engine")
    try:
        engine.import_debian("debian:12-slim")
        context = build(tap, engine, work)
        stack = Project(engine, "nae", context / "docker/compose.yaml", ROOT / "tests/docker/loopback.yaml")
        try:
            with Seconds() as took:
                stack.must("up", "-d", seconds=300)
                stack.exit_code("tour")
            print(f"# from nothing to the end of the tour: {took.passed:.0f} s")
            check_tour(tap, stack)
            check_gateway(tap, stack)
            check_walls(tap, stack)
            check_life(tap, stack)
        finally:
            stack.run(*WEB, "down", "-v")
        check_external(tap, engine, work, context)
        extension.check(tap, engine, work, context)
    finally:
        engine.close()


with Tap() as tap:
    if len(sys.argv) > 1:
        main(tap, pathlib.Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
            main(tap, pathlib.Path(directory))
