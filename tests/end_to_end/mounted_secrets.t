#!/usr/bin/python3 -B
# Secrets that others hand over, as Kubernetes, Docker and packages do: root's files, which the program's group may read, behind
# the link ..data. Key server, agent and nae take them; what others may read, or the group may write, each refuses.
import grp
import os
import pwd
import shutil

from harness import BUILD, KEY_SERVER, NAE, KeyServer, Tap, run, scratch_directory

GROUP = grp.getgrnam("postgres").gr_gid if os.geteuid() == 0 else os.getegid()
SOMEBODY = pwd.getpwnam("nobody").pw_uid
# Owner, mode, whether it is taken. Only root can give a file to another; without, those of one's own are left.
CASES = [(0, 0o440, True), (0, 0o640, True), (0, 0o444, False), (0, 0o660, False), (0, 0o460, False), (SOMEBODY, 0o440, False)]
OWN = [(os.geteuid(), 0o400, True), (os.geteuid(), 0o440, False), (os.geteuid(), 0o604, False)]


def mount(directory, **secrets):
    """As a volume of Kubernetes: NAME -> ..data/NAME, ..data -> ..VERSION. Returns the real files' directory."""
    real = directory / "..2026_11_29_18_00"
    real.mkdir(parents=True)
    (directory / "..data").symlink_to(real.name)
    for name, source in secrets.items():
        shutil.copy(source, real / name)
        (directory / name).symlink_to(f"..data/{name}")
        os.chmod(real / name, 0o644)
    for path in (directory, real):
        path.chmod(0o755)
    return real


with Tap() as tap:
    scratch = scratch_directory()
    server = KeyServer.make(scratch / "keyserver")
    volume = scratch / "volume"
    real = mount(volume, pin=server.path / "hsm/pin", server_key=server.path / "tls/server.key", admin_key=server.path / "admin/admin.key")
    text = server.config.read_text()
    with_pin = scratch / "keyserver/with-pin.toml"
    with_key = scratch / "keyserver/with-key.toml"
    with_pin.write_text(text.replace("'hsm/pin'", f"'{volume}/pin'"))
    with_key.write_text(text.replace("'tls/server.key'", f"'{volume}/server_key'"))
    agent = scratch / "agent.toml"
    agent.write_text(f'socket = "{scratch}/agent.sock"\nservers = ["localhost:1"]\n[tls]\ncertificate = "{server.path}/admin/admin.pem"\nkey = "{volume}/admin_key"\n'
                     f'authority = "{server.path}/admin/authority.pem"\n[[program]]\nname = "postgres"\nuid = 0\nexecutable = "/none"\n')
    for file in (with_pin, with_key, agent):
        file.chmod(0o644)
    admin = ["--server", "https://localhost:1", "--certificate", server.path / "admin/admin.pem", "--key", volume / "admin_key",
             "--authority", server.path / "admin/authority.pem"]
    programs = {  # what it is, its secret, the command, and what it says when it takes the secret
        "key server, PIN": ("pin", [KEY_SERVER, "check-config", "--config", with_pin], "good"),
        "key server, key": ("server_key", [KEY_SERVER, "check-config", "--config", with_key], "good"),
        "agent, key": ("admin_key", [BUILD / "agent/nae-agent", "--check-config", "--config", agent], "good"),
        "nae, key": ("admin_key", [NAE, *admin, "status"], "localhost"),  # it gets as far as asking for the server
    }
    for program, (secret, command, taken) in programs.items():
        for owner, mode, good in CASES if os.geteuid() == 0 else OWN:
            if os.geteuid() == 0:
                os.chown(real / secret, owner, GROUP)
            os.chmod(real / secret, mode)
            done = run(*command)
            said = done.stdout + done.stderr
            name = f"{program}: {'taken' if good else 'refused'} with mode {mode:04o} of {'root' if owner == 0 else 'another'}"
            if good:
                tap.ok(taken in said and "may be opened by others" not in said, name, said)
            else:
                tap.ok(done.returncode and "may be opened by others" in said, name, said)
