#!/usr/bin/python3 -B
# What stands here before the key server is asked, and what a command says whose output, disk or answer is lost.
import json
import os
import pathlib
import pty
import re
import resource
import selectors
import signal
import socket
import subprocess
import termios
import threading

from harness import KEY_SERVER, NAE, OWNER, KeyServer, Tap, give_to_owner, scratch_directory


class AnswerThief:
    """Between nae and the key server: lets everything through but the answer after `spared` ones, when that has come whole."""
    def __init__(self, port, spared=0):
        self.spared = spared
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.server_port = self.listener.getsockname()[1], port
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            client = self.listener.accept()[0]
            with client, socket.create_connection(("127.0.0.1", self.server_port)) as server:
                self._steal(client, server)

    def _steal(self, client, server):
        # TLS 1.3 without tickets: after the client's second flight the server sends the answer and nothing else.
        asked = False
        client.setblocking(False)
        server.setblocking(False)
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ)
            ready.register(server, selectors.EVENT_READ)
            greeted = False
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(1 << 16)
                    if not data:
                        return
                    if key.fileobj is server and asked:
                        if self.spared == 0:
                            return
                        self.spared -= 1
                        asked = False
                        client.sendall(data)
                        continue
                    asked = asked or key.fileobj is client and greeted
                    greeted = greeted or key.fileobj is server
                    (server if key.fileobj is client else client).sendall(data)


def full_disk():
    """For a child: no file of it can grow."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def through_shell(server, words, redirection):
    return subprocess.run(["bash", "-c", f'"$0" --config "$1" {words} {redirection}', str(NAE), str(server.path / "admin/cli.toml")],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", **OWNER)


def on_terminal(server, *words, answer="", columns=80):
    """Exit code and all that a person sees who types `answer`."""
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, columns))
    process = subprocess.Popen([str(NAE), "--config", str(server.path / "admin/cli.toml"), *map(str, words)], stdin=terminal, stdout=terminal,
                               stderr=terminal, cwd="/", env={**os.environ, "TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}, **OWNER)
    os.close(terminal)
    os.write(controller, answer.encode())
    seen = b""
    try:
        while piece := os.read(controller, 1 << 16):
            seen += piece
    except OSError:  # EIO: the last one has closed it
        pass
    os.close(controller)
    return process.wait(), seen.decode().replace("\r\n", "\n")


def names(directory):
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


def check_watch(tap, server):
    """Whoever watches sees a server go and come back, until an interrupt or until nobody reads."""
    # A shell starts what runs in the background with interrupts ignored, and so are all its children.
    words = ["env", "--default-signal=INT", NAE, "--config", server.path / "admin/cli.toml", "--json", "status", "--watch", "1"]
    watching = subprocess.Popen([str(word) for word in words], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, **OWNER)
    ready = [json.loads(watching.stdout.readline())["ready"] for _ in range(2)]
    server.stop()
    tap.like(watching.stderr.readline(), "nae: cannot talk to", "status --watch says that the server is away")
    server.start()
    ready.append(json.loads(watching.stdout.readline())["ready"])
    tap.is_(ready, [True] * 3, "and shows it each second before and afterwards")
    watching.send_signal(signal.SIGINT)
    tap.is_(watching.wait(10), -signal.SIGINT, "until it is interrupted")
    left = through_shell(server, "status --watch 1", "| head -n 1")
    tap.like(left.stdout, "^server +ready", "or until its reader has left")
    for wrong in ("0", "3601", "x"):
        tap.is_(server.nae("status", "--watch", wrong).returncode, 2, f"--watch {wrong} is wrong")


def check_export_at_a_terminal(tap, server, directory):
    """Whoever exports to a file and looks on has the file that a script would have."""
    words = [NAE, "--config", server.path / "admin/cli.toml", "audit", "export", "--event", "admin"]
    ours, theirs = pty.openpty()
    with open(directory / "exported", "w+") as out:
        done = subprocess.run([str(word) for word in words], cwd="/", stdin=subprocess.DEVNULL, stdout=out, stderr=theirs, check=False, **OWNER)
        os.close(theirs)
        out.seek(0)
        exported = [json.loads(line)["seq"] for line in out]
    os.close(ours)
    by_script = [json.loads(line)["seq"] for line in server.must("audit", "export", "--event", "admin").splitlines()]
    tap.is_(done.returncode, 0, "an export at a terminal")
    tap.ok(exported and exported == by_script[:len(exported)], "is that of a script", exported[-3:], by_script[-3:])


def check_verify_at_a_terminal(tap, server):
    ours, theirs = pty.openpty()
    words = [NAE, "audit", "verify", "--directory", server.path / "audit"]
    done = subprocess.run([str(word) for word in words], cwd="/", stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, check=False, **OWNER)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    tap.is_(done.returncode, 0, "a check of a copy at a terminal")
    tap.like(shown, r"(?:\r0 of 0 MB.*?\x1b\[K)?.*The audit log is intact", "ends with what it found")


with Tap() as tap:
    scratch = scratch_directory()
    server = KeyServer.make(scratch / "server")
    server.start()
    check_watch(tap, server)
    check_export_at_a_terminal(tap, server, scratch)
    check_verify_at_a_terminal(tap, server)
    thief = AnswerThief(server.port)
    address = "https://127.0.0.1:%d"

    def certificates_of(kind, name):
        """Serials that the server knows for this name."""
        if kind == "device":
            return [d["serial"] for d in json.loads(server.must("--json", "device", "list"))["devices"] if d["name"] == name]
        admins = json.loads(server.must("--json", "admin", "list"))["admins"]
        return [c["serial"] for a in admins if a["name"] == name for c in a["certificates"]]

    enrolments = {"device": ("device", "enroll"), "admin": ("admin", "add")}
    more = {"device": (), "admin": ("--role", "auditor")}
    for kind, command in enrolments.items():
        def enroll(name, directory, *words, **options):
            return server.nae(*command, name, *more[kind], "--out", directory, *words, **options)
        told = " ".join(command)

        # What can be known before: nobody is asked.
        closed = scratch / f"{kind}-closed"
        closed.mkdir(mode=0o555)
        closed.chmod(0o555)
        give_to_owner(closed)
        for name, directory, options in (
            ("unwritable", closed, {}), ("below-unwritable", closed / "deeper", {}), ("no-directory", server.config, {}),
            ("full-disk", scratch / f"{kind}-full", {"preexec_fn": full_disk}),
        ):
            done = enroll(name, directory, **options)
            tap.is_(done.returncode, 2, f"{told}, {name}: exit code")
            tap.is_(certificates_of(kind, name), [], f"{told}, {name}: the name is not taken")
            tap.is_(names(directory) if directory.is_dir() else [], [], f"{told}, {name}: nothing is left half written")
        taken = scratch / f"{kind}-taken"
        taken.mkdir()
        give_to_owner(taken)
        for file, hint in (("taken.pem", "not overwritten"), ("authority.pem", "another authority"), ("taken.key", "no private key|yours")):
            (taken / file).write_text("precious")
            give_to_owner(taken / file)
            (taken / file).chmod(0o600)
            done = enroll("taken", taken)
            tap.ok(done.returncode == 2 and re.search(hint, done.stderr), f"{told}, {file} is there: refused", done.stderr)
            tap.is_((names(taken), (taken / file).read_text()), ([file], "precious"), f"{told}, {file} is there: as it was")
            (taken / file).unlink()
        tap.is_(certificates_of(kind, "taken"), [], f"{told}: nobody was asked")

        # The answer is lost; then the same command.
        lost = scratch / f"{kind}-lost"
        done = enroll("lost", lost, "--server", address % thief.port)
        tap.is_(done.returncode, 3, f"{told}, the answer is lost: exit code")
        tap.like(done.stderr, "whether the change was made is not known.*\n.*repeat the command", f"{told}, the answer is lost: what to do")
        tap.is_(len(certificates_of(kind, "lost")), 1, f"{told}, the answer is lost: the server has issued it")
        tap.is_(names(lost), ["lost.csr", "lost.key"], f"{told}, the answer is lost: key and request are kept")
        key = (lost / "lost.key").read_text()
        done = enroll("lost", lost)
        tap.ok(done.returncode == 0, f"{told} again: done", done.stderr)
        tap.is_(names(lost), ["authority.pem", "lost.key", "lost.pem"], f"{told} again: the three files")
        tap.is_((lost / "lost.key").read_text(), key, f"{told} again: by the same key")
        (lost / "lost.pem").unlink()
        tap.is_(enroll("lost", lost).returncode, 0, f"{told}, the certificate is lost: it is issued again")
        tap.is_(len(certificates_of(kind, "lost")), 3, f"{told}: three certificates, one key")
        tap.is_(enroll("lost", lost).returncode, 2, f"{told}, all is there: nothing is overwritten")
        tap.is_(enroll("second", lost).returncode, 0, f"{told}: a second name beside it")

        # A clear refusal leaves nothing.
        done = enroll("lost", scratch / f"{kind}-refused")
        tap.is_(done.returncode, 1, f"{told}, the name is another key's: refused")
        tap.is_(names(scratch / f"{kind}-refused"), [], f"{told}, refused: no key is left")

        # A server that is away has perhaps taken it.
        done = enroll("away", scratch / f"{kind}-away", "--server", "https://127.0.0.1:1")
        tap.is_((done.returncode, names(scratch / f"{kind}-away")), (3, ["away.csr", "away.key"]), f"{told}, the server is away: kept")
        tap.is_(enroll("away", scratch / f"{kind}-away").returncode, 0, f"{told}, the server is back: done")

    # A rotation whose answer is lost is made once, however often it is repeated.
    def versions(name):
        return [version["version"] for version in json.loads(server.must("--json", "key", "show", name))["versions"]]

    server.must("key", "create", "spare", "--type", "aes-256-gcm")
    done = server.nae("key", "rotate", "spare", "--server", address % AnswerThief(server.port, spared=1).port)
    tap.is_((done.returncode, versions("spare")), (3, [1, 2]), "key rotate, the answer is lost: the version is there")
    hint = re.search(r"^hint: Repeat it as 'nae (key rotate spare --if-newest 1)'", done.stderr, re.M)
    tap.ok(hint, "key rotate, the answer is lost: how to repeat it", done.stderr)
    again = hint.group(1).split() if hint else ["key", "show", "spare"]
    for _ in range(2):
        done = server.nae(*again)
        tap.ok(done.returncode == 0 and done.stdout.startswith("already rotated to version 2"), "repeated: it says what is there", done)
    done = server.nae(*again, "--server", address % thief.port)
    tap.is_((done.returncode, versions("spare")), (3, [1, 2]), "repeated, and lost again: no other version")
    done = server.nae(*again, "--activate-at", "2099-01-01")
    tap.ok(done.returncode == 1 and "(conflict)" in done.stderr, "another rotation of that version: refused", done.stderr)
    tap.is_(json.loads(server.must("--json", *again))["unchanged"], True, "JSON says so too")
    server.must("key", "rotate", "spare", "--activate-at", "2099-01-01")
    done = server.nae("key", "rotate", "spare", "--if-newest", "2", "--activate-at", "2099-01-01")
    tap.ok(done.stdout.startswith("already rotated to version 3"), "a planned rotation may be repeated", done)
    done = server.nae(*again)
    tap.ok(done.returncode == 1 and "is 3, not 1" in done.stderr, "two versions ago: refused", done.stderr)
    for number in ("0", "65536", "x"):
        tap.is_(server.nae("key", "rotate", "spare", "--if-newest", number).returncode, 2, f"--if-newest {number}: refused here")
    tap.is_(versions("spare"), [1, 2, 3], "three versions in all")

    # Approval: the same command, with nothing to remember.
    server.must("admin", "add", "second-operator", "--role", "operator", "--out", scratch / "second-operator")
    server.config.write_text(server.config.read_text() + '\n[approval]\nrequired = ["admin-change", "device-enroll"]\n')
    server.restart()
    waiting = scratch / "waiting"
    done = server.nae("device", "enroll", "patient", "--out", waiting)
    tap.is_((done.returncode, names(waiting)), (5, ["patient.approval", "patient.csr", "patient.key"]), "an enrolment that waits")
    tap.like(done.stdout, "then the same command again", "says what to do then")
    tap.is_(server.nae("device", "enroll", "patient", "--out", waiting).returncode, 1, "again before it is approved: not yet")
    number = (waiting / "patient.approval").read_text().split()[0]
    second = scratch / "second-operator"
    approve = ("--certificate", second / "second-operator.pem", "--key", second / "second-operator.key", "approve", number)
    done = through_shell(server, " ".join(map(str, approve)), ">/dev/full")
    tap.ok(done.returncode == 2 and "not approved" in done.stderr, "nobody approves what he was not shown", done.stderr)
    tap.is_(server.nae("device", "enroll", "patient", "--out", waiting).returncode, 1, "it was not approved")
    tap.is_(server.nae(*approve).returncode, 0, "approved")
    tap.is_(server.nae("device", "enroll", "patient", "--out", waiting).returncode, 0, "again: done")
    tap.is_(names(waiting), ["authority.pem", "patient.key", "patient.pem"], "the three files, and no note")
    refused = scratch / "rejected"
    server.nae("device", "enroll", "rejected", "--out", refused)
    number = (refused / "rejected.approval").read_text().split()[0]
    server.must("reject", number)
    done = server.nae("device", "enroll", "rejected", "--out", refused)
    tap.ok(done.returncode == 1 and "rejected" in done.stderr, "a request that was rejected", done.stderr)
    tap.is_(server.nae("device", "enroll", "rejected", "--out", refused).returncode, 5, "is made again by the next one")

    # Before what cannot be taken back a person is asked, a script is not.
    for name in ("asked-1", "asked-2"):
        server.must("key", "create", name, "--type", "aes-256-gcm")
        server.must("key", "rotate", name)
    def state(name):
        return json.loads(server.must("--json", "key", "show", name))["versions"][0]["state"]
    code, seen = on_terminal(server, "key", "restrict", "asked-1", "1", answer="n\n")
    tap.ok(code == 2 and "never becomes active again" in seen and "Go on?" in seen, "key restrict asks, and is told no", seen)
    tap.is_(state("asked-1"), "active", "then nothing is done")
    code, seen = on_terminal(server, "key", "restrict", "asked-1", "1", answer="\x04")
    tap.is_((code, state("asked-1")), (2, "active"), "no answer is no")
    tap.is_((on_terminal(server, "key", "restrict", "asked-1", "1", answer="y\n")[0], state("asked-1")), (0, "restricted"), "told yes it is done")
    code, seen = on_terminal(server, "key", "restrict", "asked-2", "1", "--yes")
    tap.ok(code == 0 and "Go on?" not in seen and state("asked-2") == "restricted", "--yes does not ask", seen)
    server.must("key", "retire", "asked-1", "1")
    code, seen = on_terminal(server, "key", "destroy", "asked-1", "1", answer="no\n")
    tap.ok(code == 2 and "is lost then" in seen and state("asked-1") == "retired", "key destroy asks", seen)
    code, seen = on_terminal(server, "device", "remove", "lost", answer="n\n")
    tap.ok(code == 2 and "certificates (3)" in seen, "device remove says how many certificates", seen)
    tap.is_(len(certificates_of("device", "lost")), 3, "device remove: nothing is done")
    code, seen = on_terminal(server, "admin", "remove", "lost", answer="n\n")
    tap.ok(code == 2 and "(auditor)" in seen, "admin remove says the roles", seen)
    tap.is_(server.nae("key", "restore", "asked-1", "1").returncode, 0, "what can be taken back is not asked about")

    # Tables for people: local times, and as wide as the terminal.
    code, seen = on_terminal(server, "key", "list")
    tap.ok(code == 0 and max(map(len, seen.splitlines())) <= 80, "key list fits 80 columns", seen)
    tap.like(seen, r"CREATED \(CET/CEST\).*\n(.*\n)*asked-1 .*\d{4}-\d\d-\d\d \d\d:\d\d", "with local times, and their zone")
    code, seen = on_terminal(server, "key", "list", columns=60)
    tap.ok(max(map(len, seen.splitlines())) <= 60 and re.search(r"^asked-1 +aes-256-gcm +2 ", seen, re.M) and "--json has them all" in seen,
           "a narrower one loses columns, and says so", seen)
    code, seen = on_terminal(server, "key", "list", columns=20)
    tap.like(seen, r"(?m)^NAME +asked-1\nTYPE +aes-256-gcm\nID ", "a very narrow one has a line for each cell")
    code, seen = on_terminal(server, "audit", "query", "--limit", "5")
    tap.ok(code == 0 and "There are older ones" in seen, "audit query says that there are more", seen)
    tap.ok("asked-1" in server.must("key", "list") and re.search(r"asked-1 .*\b[0-9a-f]{12}\b", server.must("key", "list")), "to a pipe all columns go")
    for words, cut in ((("audit", "query", "--limit", "5"), True), (("audit", "query", "--limit", "10000"), False),
                       (("key", "list", "--limit", "1"), True), (("key", "list"), False), (("approvals",), False)):
        tap.is_(json.loads(server.must("--json", *words))["truncated"], cut, f"{' '.join(words)} in JSON: truncated")
    tap.like(server.must("--json", "key", "show", "asked-1"), r'"created_at":"\d{4}-\d\d-\d\dT[0-9:.]+Z"', "JSON has times in UTC")

    # Times as people write them.
    for words in (("audit", "query", "--from", "1 hour ago"), ("audit", "query", "--from", "yesterday", "--to", "in 2 days"), ("audit", "report", "--since", "12 hours ago"),
                  ("audit", "verify", "--from", "2 days ago"), ("key", "schedule", "asked-2", "1", "retired", "--at", "in 2 days"),
                  ("key", "rotate", "asked-2", "--activate-at", "tomorrow")):
        done = server.nae(*words)
        tap.ok(done.returncode == 0, f"{' '.join(words)}", done.stderr)
    tap.is_(json.loads(server.must("--json", "audit", "query", "--from", "in 1 hour"))["records"], [], "nothing is of the future")
    for option in (("audit", "query", "--from"), ("audit", "report", "--since"), ("key", "schedule", "asked-2", "1", "retired", "--at"),
                   ("key", "rotate", "asked-2", "--activate-at"), ("audit", "verify", "--to")):
        done = server.nae(*option, "next month")
        tap.ok(done.returncode == 2 and "1 hour ago" in done.stderr, f"{' '.join(option)}: a wrong time is refused with the forms", done.stderr)

    # Output.
    tap.like(server.must("status"), "policy .*none is applied, so everything is denied", "status says that no policy is applied")
    for number in range(60):
        server.must("key", "create", f"doc-{number}-{'x' * 80}", "--type", "aes-256-gcm")
    server.must("key", "create", "doc", "--type", "ecdsa-p256")
    server.apply_policy((pathlib.Path(__file__).parents[1] / "fixtures/policy.toml").read_text())
    # The policy: from a pipe, unchanged, and nonsense.
    fixture = pathlib.Path(__file__).parents[1] / "fixtures/policy.toml"
    done = through_shell(server, "policy apply -", f"<{fixture}")
    tap.ok(done.returncode == 0 and "version 1 is in force already: unchanged" in done.stdout, "the policy in force is applied again: unchanged", done)
    tap.is_(len(json.loads(server.must("--json", "policy", "history"))["versions"]), 1, "and makes no version")
    done = through_shell(server, "policy apply -", "</dev/null")
    tap.ok(done.returncode == 2 and "standard input is empty" in done.stderr, "an empty pipe is no policy", done)
    server.config.write_text(server.config.read_text().replace('"device-enroll"]', '"device-enroll", "policy-apply"]'))
    server.restart()
    def policies_waiting():
        return [a for a in json.loads(server.must("--json", "approvals"))["approvals"] if a["operation"] == "policy-apply"]
    for name, text in (("no TOML", "][\n"), ("no policy", "version = 99\n"), ("an unknown field", fixture.read_text() + "\nnonsense = true\n")):
        (scratch / "nonsense.toml").write_text(text)
        done = server.nae("policy", "apply", scratch / "nonsense.toml")
        tap.ok(done.returncode == 1 and "policy_invalid" in done.stderr, f"{name} is refused before it waits for approval", done)
        tap.is_(policies_waiting(), [], f"{name}: nothing waits")
    tap.is_((server.nae("policy", "apply", fixture).returncode, policies_waiting()), (0, []), "nor does what is in force")
    (scratch / "nonsense.toml").write_text(fixture.read_text() + "\n# another text\n")
    tap.is_((server.nae("policy", "apply", scratch / "nonsense.toml").returncode, len(policies_waiting())), (5, 1), "another one does")

    commands = ("status", "key list", "key show doc", "key usage doc", "key export doc", "key export doc --format jwk", "key import-key",
                "device list", "admin list", "approvals", "policy show", "policy history", "policy diff", "audit query",
                "audit query --summary", "audit report", "audit export", "audit export --format csv", "audit receipt 5", "audit verify",
                "key create doc-last-{} --type aes-256-gcm", "--help", "--version", "key list --help")
    for index, words in enumerate(commands):
        for form in ("", "--json "):
            line = form + words.format(f"{index}{len(form)}")
            done = through_shell(server, line, ">/dev/full")
            tap.ok(done.returncode == 2 and "could not be written: No space left" in done.stderr, f"nae {line} to a full disk", done)
        done = through_shell(server, words.format(f"{index}-closed"), ">&-")
        tap.is_(done.returncode, 2, f"nae {words} without standard output")
    reader, writer = os.pipe()
    os.close(reader)
    for words in (["key", "list"], ["--json", "key", "list"], ["audit", "export"], ["key", "create", "piped", "--type", "aes-256-gcm"]):
        done = subprocess.run([str(NAE), "--config", str(server.path / "admin/cli.toml"), *words], stdin=subprocess.DEVNULL, stdout=writer,
                              stderr=subprocess.PIPE, text=True, cwd="/", **OWNER)
        tap.is_((done.returncode, done.stderr), (2, ""), f"nae {' '.join(words)} to a reader that left")
    os.close(writer)
    tap.is_(server.nae("key", "show", "piped").returncode, 0, "what the command does is done all the same")
    for command in ([KEY_SERVER, "check-config", "--config", server.config], [KEY_SERVER, "--version"], [KEY_SERVER, "--help"],
                    [NAE.parents[1] / "agent/nae-agent", "--version"]):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([str(word) for word in command], stdout=full, stderr=subprocess.PIPE, cwd="/", check=False, **OWNER)
        tap.is_(done.returncode, 1, f"{pathlib.Path(command[0]).name} {command[1]} to a full disk")

    # What the environment says.
    log = scratch / "tls-secrets"
    environment = {**os.environ, "SSLKEYLOGFILE": str(log)}
    for proxy in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        environment[proxy] = "http://127.0.0.1:9"
    tap.is_(server.nae("status", env=environment).returncode, 0, "no proxy of the web stands between")
    tap.ok(not log.exists(), "no secret of the connection is written where SSLKEYLOGFILE says")
    for url in (f"https://user:word@127.0.0.1:{server.port}", f"https://127.0.0.1:{server.port}/v1", f"http://127.0.0.1:{server.port}",
                f"https://127.0.0.1:{server.port}/?a=b", f"127.0.0.1:{server.port}"):
        tap.is_(server.nae("--server", url, "status").returncode, 2, f"{url} is no key server")
    tap.is_(server.nae("--server", f"https://127.0.0.1:{server.port}/", "status").returncode, 0, "a slash at the end does no harm")
    server.stop()
