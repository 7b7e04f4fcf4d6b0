#!/usr/bin/python3 -B
# What doctor finds: nothing on a stack that is well, and each of its findings where it was made to be.
import json
import re
import sqlite3
import subprocess

from harness import BUILD, KEY_SERVER, NAE, ROOT, KeyServer, Stack, Tap, give_to_owner, run, wait_until

AGENT = BUILD / "agent/nae-agent"
TABLE = dict(re.findall(r'"(ND\d{3})", Severity::(\w+)', (ROOT / "libnae/doctor/finding.cpp").read_text()))
SHIMS = ":".join(str(BUILD / shim) for shim in ("tests/fixtures/clock_shim/libnae_clock_shim.so", "tests/faulty_disk/libnae_faulty_disk.so"))
POLICY = """version = 1
[[device]]
name = "database-host"
[[program]]
name = "postgres"
[[rule]]
name = "all"
roles = ["{}"]
keys = ["*"]
actions = ["encrypt"]
result = "value"
"""
SEEN = set()
ELSEWHERE = {"ND308": "group_nodes.t"}  # what takes several key servers


class Found:
    """What one call found: codes, and the answer as JSON."""
    def __init__(self, *command, **options):
        self.done = run(*command, "--json", **options)
        try:
            self.answer = json.loads(self.done.stdout)
        except json.JSONDecodeError:
            raise RuntimeError(f"{command}: {self.done}") from None
        self.findings = [check for check in self.answer["checks"] if "code" in check]
        self.codes = {finding["code"] for finding in self.findings}
        SEEN.update(self.codes)


def expired(directory, days):
    """A certificate that ends in so many days, and its key."""
    directory.mkdir(exist_ok=True)
    names = [directory / f"of{days}.{kind}" for kind in ("pem", "key", "csr")]
    subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=of",
                    "-keyout", names[1], "-out", names[2]], check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-req", "-in", names[2], "-signkey", names[1], "-days", str(days), "-out", names[0]],
                   check=True, capture_output=True)
    give_to_owner(directory, *names)
    return names[0]


with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm") as stack:
    server, room = stack.key_server, stack.path
    agent_text = stack.agent_config.read_text()
    agent_files = room / "agent"

    def found(what, code, made, subject=""):
        """The finding is there, as the table has it, and the exit code says whether it is an error."""
        there = [finding for finding in made.findings if finding["code"] == code and subject in finding["subject"]]
        good = there and there[0]["severity"] == TABLE[code] and there[0]["remedy"]
        worst = any(finding["severity"] == "error" for finding in made.findings)
        return tap.ok(good and made.done.returncode == int(worst), f"{code}: {what}", made.done.stdout, made.done)

    clock = room / "clock-of-the-host"

    def after(days):
        """What a program is run under that takes it for so many days later."""
        set_file(clock, f"{days * 86400}\n")
        return ("env", f"LD_PRELOAD={SHIMS.split(':')[0]}", f"NAE_TEST_CLOCK_OFFSET={clock}")

    def admin(*words, before=(), **options):
        return Found(*before, NAE, "--config", server.path / "admin/cli.toml", "doctor", *words, **options)

    def on_server(config=None, before=()):
        return Found(*before, KEY_SERVER, "doctor", "--config", config or server.config)

    def on_agent(change=lambda text: text, before=(), program=AGENT):
        config = agent_files / "examined.toml"
        config.unlink(missing_ok=True)
        config.write_text(change(agent_text))
        give_to_owner(config)
        config.chmod(0o644)
        return Found(*before, program, "doctor", "--config", config)

    def set_file(file, text):
        """At once, whoever reads it; None: no file."""
        if text is None:
            return file.unlink(missing_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(text)
        give_to_owner(fresh)
        return fresh.rename(file)

    # as init leaves it, with the card in software
    found("a software card beside the store", "ND803", on_server(), "card.pem")
    (server.path / "custody").rename(room / "safe")

    # all is well
    server.apply_policy(POLICY.format("nae_all"))
    stack.reconnected()
    for name, look in (("nae", admin), ("nae-keyserver", on_server), ("nae-agent", on_agent)):
        well = look()
        tap.ok(not well.findings and len(well.answer["checks"]) > 5 and well.done.returncode == 0, f"{name} doctor finds nothing on a stack that is well", well.done.stdout, well.done.stderr)
        tap.ok(well.answer["worst"] == "ok" and "nae.lint()" in well.answer["next"], f"{name} doctor names the next step", well.answer)
    shown = server.nae("doctor")
    tap.ok(re.search(r"^ok +key server: nae-keyserver", shown.stdout, re.M) and shown.stdout.count("\n") > 5, "and says what it looked at", shown)

    # files of a host
    found("a certificate that has ended", "ND101", on_agent(lambda text: text.replace(str(agent_files / "database-host.pem"), str(expired(room / "made", -1)))))
    month = lambda text: text.replace(str(agent_files / "database-host.pem"), str(expired(room / "made", 29)))
    tap.ok("ND102" not in on_agent(month).codes, "one of 29 days is good on its first")
    found("one that soon ends", "ND102", on_agent(month, before=after(22)))
    found("one that the agent should have renewed by now", "ND104", on_agent(before=after(300)))
    garbage = room / "made/garbage.pem"
    garbage.write_text("no certificate\n")
    found("a file that is no certificate", "ND103", on_agent(lambda text: text.replace(str(agent_files / "authority.pem"), str(garbage))))
    key = agent_files / "database-host.key"
    key.chmod(0o644)
    found("a private key that all may read", "ND105", on_agent(), "database-host.key")
    key.chmod(0o600)
    store = server.path / "keys.db"
    store.chmod(0o640)
    found("a store that others may read", "ND105", on_server(), "keys.db")
    custody = server.path / "custody.nae"
    kept = custody.read_bytes()
    custody.write_bytes(kept[:40] + bytes([kept[40] ^ 1]) + kept[41:])
    found("a custody file that was changed", "ND802", on_server(), "custody.nae")
    custody.rename(room / "custody.nae")
    found("none", "ND801", on_server(), "custody.nae")
    custody.write_bytes(kept)
    custody.chmod(0o600)
    give_to_owner(custody)
    tap.ok(not {"ND801", "ND802"} & on_server().codes, "and its own again")
    store.chmod(0o600)
    found("a configuration with a field that nobody knows", "ND110", on_agent(lambda text: "sokcet = 'x'\n" + text))
    stack.agent_config.chmod(0o664)
    found("one that others may write", "ND111", Found(AGENT, "doctor", "--config", stack.agent_config))
    stack.agent_config.chmod(0o644)
    wrong = server.path / "wrong.toml"
    wrong.write_text(server.config.read_text().replace("[audit]\n", "[audit]\nsegment_mib = 'many'\n"))
    give_to_owner(wrong)
    found("a key server's configuration of wrong type", "ND110", on_server(wrong))

    # limits of a host
    found("few descriptors", "ND701", on_server(before=("prlimit", "--nofile=200:200")))
    found("few descriptors for the agent", "ND701", on_agent(before=("prlimit", "--nofile=200:200")))
    found("no memory to lock", "ND702", on_server(before=("prlimit", "--memlock=4096:4096")))

    # the agent's socket and programs
    found("no agent", "ND703", on_agent(lambda text: text.replace("agent.sock", "other.sock")))
    found("a socket whose group the program's user is not of", "ND704", on_agent(lambda text: re.sub(r'uid = ".*"', 'uid = "nobody"', text)))
    stack.agent_socket.chmod(0o666)
    found("a socket for everybody", "ND705", on_agent())
    stack.agent_socket.chmod(0o660)
    found("a program that is not there", "ND706", on_agent(lambda text: re.sub(r'executable = ".*"', 'executable = "/opt/none"', text)))
    changed = on_agent(lambda text: text + f'sha256 = ["{"0" * 64}"]\n')
    found("a program that was changed", "ND707", changed)
    digest = subprocess.run(["sha256sum", re.search(r'executable = "(.*)"', agent_text)[1]], capture_output=True, text=True, check=True).stdout.split()[0]
    tap.ok(not on_agent(lambda text: text + f'sha256 = ["{digest}"]\n').findings, "one that is as configured is none")

    # another version: the same program, but for the number
    number = (ROOT / "VERSION").read_text().split()[0].encode()
    other = number[:-1] + (b"8" if number[-1:] == b"9" else b"9")
    for program, look in ((AGENT, lambda path: on_agent(program=path)),
                          (NAE, lambda path: Found(path, "--config", server.path / "admin/cli.toml", "doctor"))):
        copy = room / "bin" / f"other-{program.name}"
        copy.write_bytes(program.read_bytes().replace(number, other))
        copy.chmod(0o755)
        found(f"{program.name} of another version", "ND501", look(copy))

    # what the server says
    server.must("device", "enroll", "late", "--out", room / "late", "--valid-days", "20")
    tap.ok("ND102" not in admin().codes, "a device's certificate of 20 days is good on its first")
    found("a device's certificate that soon ends", "ND102", admin(before=after(16)), "device late")
    server.must("device", "remove", "late")
    tap.ok("ND102" not in admin().codes, "not when the device was removed")
    server.apply_policy(POLICY.format("glob:nae_*"))
    found("a pattern over roles", "ND402", admin())
    server.apply_policy(POLICY.format("nae_all"))
    (room / "people").mkdir(exist_ok=True)
    give_to_owner(room / "people")
    server.must("admin", "add", "officer", "--role", "key-admin", "--out", room / "people/officer")
    officer = room / "people/officer"
    files = {kind: next(iter(sorted(officer.glob(f"officer.{kind}")))) for kind in ("pem", "key")}
    found("what a role does not show", "ND601", admin("--certificate", files["pem"], "--key", files["key"]))

    # a server in trouble
    clock, disk, hsm = room / "clock-offset", room / "disk-faults", room / "hsm-faults"
    set_file(clock, "0\n")
    server.stop()
    found("a server that is down", "ND301", admin())
    found("and from a host", "ND301", on_agent())
    module = BUILD / "keyserver/hsm/libnae_faulty_module.so"
    text = re.sub(r"(?m)^module *=.*", f'module = "{module}"', server.config.read_text())
    server.config.write_text(text.replace("[audit]\n", "[audit]\nsegment_mib = 1\non_failure = 'alarm-and-continue'\n"))
    server.environment = {"LD_PRELOAD": SHIMS, "NAE_TEST_CLOCK_OFFSET": str(clock), "NAE_FAULTY_DISK": str(disk), "NAE_FAULTY_PKCS11": str(hsm)}
    server.start()
    stack.reconnected()
    tap.ok(not admin().findings, "the same server, its clock, HSM and disk in our hands, is well", admin().done.stdout)

    def until(code, look=admin):
        """Found once the server has noticed."""
        last = []
        wait_until(lambda: (last.append(look()), code in last[-1].codes)[1], 30)
        return last[-1]

    set_file(clock, "7200\n")
    found("a server's clock that is two hours ahead", "ND201", until("ND201"))
    found("which it does not trust", "ND202", until("ND202"))
    set_file(clock, "0\n")
    set_file(hsm, "C_Sign 0x32\nC_GetTokenInfo 0x32\nC_OpenSession 0x32\n")  # CKR_DEVICE_REMOVED
    server.nae("key", "create", "unlucky", "--type", "aes-256-gcm")
    found("an HSM that is away", "ND302", until("ND302"))
    found("heads that it does not sign", "ND307", until("ND307"))
    set_file(hsm, None)
    tap.ok(wait_until(lambda: not admin().findings, 60), "it is back", admin().done.stdout)
    with sqlite3.connect(store, timeout=20) as database:
        schema = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute("PRAGMA user_version = 9999")
    found("a store of another server", "ND303", until("ND303"))
    with sqlite3.connect(store, timeout=20) as database:
        database.execute(f"PRAGMA user_version = {schema}")
    session = stack.session("nae_all")
    encrypt = "SELECT nae_encrypt('customer-pii', 'x')"
    set_file(disk, f"write EIO {server.path / 'audit'}\n")
    tap.ok(wait_until(lambda: (session.ask(encrypt), "ND304" in admin().codes)[1]), "the log's disk fails")
    found("a log that cannot be written", "ND304", admin())
    set_file(disk, None)
    found("requests without a record", "ND306", until("ND306"))

    # a closed segment that somebody changed
    def closed():
        session.ask("DO $$BEGIN FOR n IN 1..1000 LOOP PERFORM nae_encrypt('customer-pii', n::text); END LOOP; END$$", seconds=60)
        return sorted((server.path / "audit").glob("audit-*.head.json"))

    head = wait_until(closed, 120)[0]
    segment = head.with_name(head.name.replace("head.json", "jsonl"))
    segment.write_bytes(segment.read_bytes().replace(b'"role":"nae_all"', b'"role":"nae_xyz"', 1))
    server.nae("audit", "query", "--limit", "1")
    found("a segment that somebody changed", "ND305", until("ND305"))
    session.close()

    # one that nobody has given a policy
    fresh = KeyServer.make(room / "fresh")
    fresh.start()
    found("a server without a policy", "ND401", Found(NAE, "--config", fresh.path / "admin/cli.toml", "doctor"))
    fresh.stop()

    for code, file in ELSEWHERE.items():
        tap.ok(f'"{code}"' in (ROOT / "tests/end_to_end" / file).read_text(), f"{code} is found in {file}")
    tap.is_(sorted(set(TABLE) - SEEN - set(ELSEWHERE)), [], "every finding was made for real")
