#!/usr/bin/python3 -B
# The Debian packages in a Debian of their own: install, a service that works, upgrade from an earlier version, remove,
# purge. No service manager runs there: what units say is done by hand. Needs root, debootstrap and debhelper.
#   tests/packages/install.t [WORK]      WORK: an empty directory for all of it
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/end_to_end"))
from chroot import APT, Chroot  # noqa: E402
from harness import Tap  # noqa: E402

PACKAGES = ["nae-keyserver", "nae-agent", "nae-gateway", "libnae-pkcs11", "nae-cli", "postgresql-15-pg-nae"]
VERSION = (ROOT / "VERSION").read_text().strip()
EARLIER = f"{VERSION}~earlier"  # no release has packages yet: the same programs under a lower version
PROFILE = {"NAE_CONFIG": "/var/lib/nae/admin/cli.toml"}
POLICY = """version = 2
[[device]]
name = "db1"
[[program]]
name = "postgres"
[[rule]]
name = "clerk"
roles = ["clerk"]
keys = ["customer-pii"]
actions = ["encrypt", "decrypt"]
result = "value"
"""
SECRET = "4111111111111111"


def build(directory, **environment):
    subprocess.run([ROOT / "scripts/build-packages", directory], check=True, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
    return [next(directory.glob(f"{name}_*.deb")) for name in PACKAGES]


def install(chroot, files):
    for file in files:
        shutil.copy(file, chroot.path / "srv")
    chroot.must(*APT, "install", *(f"/srv/{file.name}" for file in files))


def versions(chroot):
    return {line.split()[1] for name in PACKAGES for line in [chroot.run("dpkg-query", "-W", name).stdout] if len(line.split()) == 2}


def sql(chroot, text, role="clerk"):
    done = chroot.run("runuser", "-u", "postgres", "--", "psql", "-X", "-At", "-U", role, "-d", "shop", "-c", text)
    return (done.stdout + done.stderr).strip()


def check_installed(tap, chroot):
    state = (chroot.path / "var/lib/nae").stat()
    tap.is_(list((chroot.path / "var/lib/nae").iterdir()), [], "installing makes no key, PIN, certificate or store")
    tap.is_((chroot.must("stat", "-c", "%U %a", "/var/lib/nae").strip(), state.st_mode & 0o777), ("nae-keyserver 700", 0o700),
            "the key server's directory is its own")
    tap.is_(sorted(file.name for file in (chroot.path / "etc/nae").iterdir()), ["agent.toml", "audit-sink.env"], "two configuration files, no secret")
    tap.like(chroot.must("dpkg-query", "-W", "-f", "${Conffiles}", "nae-agent"), "/etc/nae/agent.toml", "which dpkg knows as such")
    for page in ("man8/nae-keyserver.8", "man5/nae-keyserver.toml.5", "man8/nae-agent.8", "man8/nae-gateway.8", "man1/nae.1"):
        tap.ok((chroot.path / f"usr/share/man/{page}.gz").exists(), f"{page} is there, compressed")
    for program in ("nae-keyserver", "nae-agent", "nae-gateway", "nae"):
        tap.like(chroot.must(program, "--version"), rf"^{program} {VERSION}", f"{program} starts and says its version")
        for file in (f"bash-completion/completions/{program}", f"zsh/vendor-completions/_{program}", f"fish/vendor_completions.d/{program}.fish"):
            tap.ok((chroot.path / "usr/share" / file).exists(), f"{file} is there")
    tap.like(chroot.read("/lib/systemd/system/postgresql@.service.d/nae-agent.conf"), "After=nae-agent.service", "clusters start after the agent")


def set_up(tap, chroot):
    """As docs/operations.md says: a key server, a host, a database."""
    chroot.must("setpriv", "--reuid=nae-keyserver", "--regid=nae-keyserver", "--init-groups",
                "nae-keyserver", "init", "--directory", "/var/lib/nae", "--listen", "127.0.0.1:0")
    server = chroot.start("nae-keyserver")
    tap.like(server.told, "READY=1\nSTATUS=serving at", "the key server serves, as its unit starts it")
    chroot.must("nae", "key", "create", "customer-pii", "--type", "aes-256-gcm", env=PROFILE)
    for template in sorted((chroot.path / "usr/share/doc/nae-keyserver/examples/policies").glob("*.toml")):
        done = chroot.run("nae", "policy", "apply", f"/{template.relative_to(chroot.path)}", "--dry-run", env=PROFILE)
        tap.is_((done.returncode, "warning" in done.stderr), (0, False), f"the key server takes {template.name}")
    (chroot.path / "srv/policy.toml").write_text(POLICY)
    chroot.must("nae", "policy", "apply", "/srv/policy.toml", env=PROFILE)
    chroot.must("nae", "device", "enroll", "db1", "--out", "/srv/db1", env=PROFILE)
    for source, name, mode, owner in (("db1.key", "device.key", "600", "nae-agent"), ("db1.pem", "device.pem", "644", "root"), ("authority.pem", "authority.pem", "644", "root")):
        chroot.must("install", "-o", owner, "-m", mode, f"/srv/db1/{source}", f"/etc/nae/{name}")
    address = chroot.read("/var/lib/nae/nae-keyserver.toml").partition('listen = "')[2].partition('"')[0]
    config = chroot.path / "etc/nae/agent.toml"
    lines = config.read_text().replace("keys1.example:7443", address).splitlines()
    config.write_text("\n".join(line for line in lines if not line.startswith("systemd_unit")) + "\n")  # nobody makes units here
    chroot.must("usermod", "-aG", "nae-agent", "postgres")
    agent = chroot.start("nae-agent")
    tap.is_(agent.told, "READY=1\nSTATUS=listening", "the agent listens, as its unit starts it")
    with open(chroot.path / "etc/postgresql/15/main/postgresql.conf", "a") as file:
        file.write("listen_addresses = ''\nshared_preload_libraries = 'pg_nae'\nnae.agent = 'external'\nnae.agent_socket = '/run/nae/agent.sock'\n")
    with open(chroot.path / "etc/postgresql/15/main/pg_hba.conf", "r+") as file:
        rules = file.read()
        file.seek(0)
        file.write("local all clerk trust\n" + rules)
    chroot.must("pg_ctlcluster", "15", "main", "start")
    for text in ("CREATE ROLE clerk LOGIN", "CREATE DATABASE shop"):
        chroot.must("runuser", "-u", "postgres", "--", "psql", "-X", "-c", text)
    tap.is_(sql(chroot, "CREATE EXTENSION pg_nae", role="postgres"), "CREATE EXTENSION", "the extension is created")
    sql(chroot, "GRANT CREATE ON SCHEMA public TO clerk", role="postgres")
    tap.is_(sql(chroot, f"CREATE TABLE cards (card nae.enc_text('customer-pii')); INSERT INTO cards VALUES ('{SECRET}')"), "CREATE TABLE\nINSERT 0 1",
            "a value is encrypted")
    return server, agent


def still_reads(tap, chroot, when):
    tap.is_(sql(chroot, "SELECT card FROM cards"), SECRET, f"{when} its role reads it")
    tap.ok(SECRET not in sql(chroot, "SELECT card FROM cards", role="postgres"), f"{when} the superuser does not")


def main(tap, work):
    earlier, new = build(work / "earlier", NAE_PACKAGE_VERSION=EARLIER), build(work / "new")
    chroot = Chroot(work / "debian")
    try:
        chroot.must(*APT, "update")
        chroot.must(*APT, "install", "postgresql-15", "softhsm2", "systemd-standalone-sysusers", "systemd-standalone-tmpfiles")
        install(chroot, earlier)
        tap.is_(versions(chroot), {EARLIER}, "the earlier packages are installed")
        check_installed(tap, chroot)
        server, agent = set_up(tap, chroot)
        still_reads(tap, chroot, "before the upgrade")

        own = chroot.read("/etc/nae/agent.toml")
        install(chroot, new)
        tap.is_(versions(chroot), {VERSION}, "the new ones are installed over them")
        tap.is_(chroot.read("/etc/nae/agent.toml"), own, "a changed configuration file stays as it is")
        tap.ok(server.process.poll() is None and agent.process.poll() is None, "no maintainer script ended what runs")
        tap.is_((server.stop(), agent.stop()), (0, 0), "what ran stops")
        chroot.must("pg_ctlcluster", "15", "main", "stop")
        server, agent = chroot.start("nae-keyserver"), chroot.start("nae-agent")
        chroot.must("pg_ctlcluster", "15", "main", "start")
        still_reads(tap, chroot, "after the upgrade")

        chroot.must("pg_ctlcluster", "15", "main", "stop")
        server.stop(), agent.stop()
        kept = sorted(str(file) for file in (chroot.path / "var/lib/nae").rglob("*"))
        chroot.must("dpkg", "--remove", *PACKAGES)
        tap.ok(not any((chroot.path / file).exists() for file in ("usr/sbin/nae-keyserver", "usr/bin/nae-agent", "usr/bin/nae", "usr/lib/postgresql/15/lib/pg_nae.so")),
               "removing takes the programs away")
        tap.is_(chroot.read("/etc/nae/agent.toml"), own, "and leaves configuration files")
        said = chroot.must("dpkg", "--purge", *PACKAGES)
        tap.ok("left as they are: keys, store and audit log in /var/lib/nae" in said, "purging says that keys, store and audit log are left", said)
        tap.ok("left as they are: the device's key" in said, "and the device's key", said)
        tap.is_(sorted(str(file) for file in (chroot.path / "var/lib/nae").rglob("*")), kept, "all of them are")
        tap.is_(sorted(file.name for file in (chroot.path / "etc/nae").iterdir()), ["authority.pem", "device.key", "device.pem"],
                "the packages' own configuration is gone")

        install(chroot, new)
        server = chroot.start("nae-keyserver")
        tap.like(chroot.must("nae", "key", "list", env=PROFILE), "customer-pii", "installed again, the key server has its keys")
        server.stop()
        chroot.must("dpkg", "--purge", *PACKAGES)
        shutil.rmtree(chroot.path / "var/lib/nae")
        shutil.rmtree(chroot.path / "etc/nae", ignore_errors=True)
        install(chroot, new)
        said = chroot.must("dpkg", "--purge", *PACKAGES)
        tap.ok(not (chroot.path / "var/lib/nae").exists() and "left as they are" not in said, "purging what was never used leaves nothing and says nothing", said)
    finally:
        chroot.run("pg_ctlcluster", "15", "main", "stop", "-m", "immediate")
        chroot.close()


with Tap() as tap:
    if len(sys.argv) > 1:
        main(tap, pathlib.Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
            os.chmod(directory, 0o755)
            main(tap, pathlib.Path(directory))
