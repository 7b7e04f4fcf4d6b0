#!/usr/bin/python3 -B
# The custodians change: k cards give the group's keys to other cards; the former ones are refused afterwards, by name; and a
# change that is denied, starved or killed leaves one custody file or the other, whole.
import os
import re
import resource
import shutil
import signal
import subprocess

from custody_file import GROUP_KEY, SO_PIN, Custody, combine, load
from harness import KEY_SERVER, NAE, OWNER, KeyServer, Tap, give_to_owner, run, scratch_directory

with Tap() as tap:
    scratch = scratch_directory()
    names = ("alice", "bob", "carol", "dora", "erin")

    def same(got, wanted, name, told=""):
        tap.ok(got == wanted, name, f"{got!r} is not {wanted!r}\n{told}")

    for name in names:
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", scratch / f"{name}.key", "-out",
            scratch / f"{name}.pem").check_returncode()
        (scratch / f"{name}.pass").write_text(f"of {name}\n")
        run("openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", scratch / f"{name}.key", "-out", scratch / f"{name}.card", "-passout",
            f"pass:of {name}").check_returncode()
        for file in (scratch / f"{name}.pass", scratch / f"{name}.card"):
            file.chmod(0o600)
            give_to_owner(file)
    path = scratch / "server"
    run(KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0", "--custody", "2/3",
        *[word for name in names[:3] for word in ("--card", scratch / f"{name}.pem")]).check_returncode()
    server = KeyServer(path)
    file = path / "custody.nae"
    first = file.read_bytes()

    def cards_of(*who):
        return [word for name in who for word in ("--software-card", scratch / f"{name}.card", "--passphrase-file", scratch / f"{name}.pass")]

    def rotation(quorum, to, by):
        return ["rotate-custodians", "--config", server.config, "--custody", quorum, *[word for name in to for word in ("--card", scratch / f"{name}.pem")], *cards_of(*by)]

    def rotate(quorum, to, by, **more):
        return run(KEY_SERVER, *rotation(quorum, to, by), **more)

    def check(name, of=file):
        return run(NAE, "custody", "check", of, *cards_of(name))

    def secret_of(custody, *who):
        holders = [share["holder"] for share in custody.shares]
        return combine([custody.share(holders.index(name) + 1, load((scratch / f"{name}.key").read_bytes())) for name in who])

    server.start()
    server.must("key", "create", "k", "--type", "aes-256-gcm")
    running = rotate("2/3", ("alice", "dora", "erin"), ("alice", "bob"))
    same((running.returncode, "a server is running" in running.stderr), (1, True), "beside a server nothing is changed", running.stderr)
    server.stop()

    def refused(name, pattern, *arguments, code=1):
        done = rotate(*arguments)
        tap.ok(done.returncode == code and re.search(pattern, done.stderr) and file.read_bytes() == first and not list(path.glob("custody.nae.*")), name, done.stdout + done.stderr)

    refused("one card of two is denied", "1 missing", "2/2", ("dora", "erin"), ("bob",))
    refused("one card twice is denied", "there twice", "2/2", ("dora", "erin"), ("bob", "bob"))
    refused("a stranger's card is denied", "no card of this custody file", "2/2", ("dora", "erin"), ("bob", "dora"))
    refused("fewer cards than n", "with 2 cards", "2/3", ("dora", "erin"), ("alice", "bob"), code=2)
    refused("a quorum that is none", "1 of 2", "1/2", ("dora", "erin"), ("alice", "bob"), code=2)
    shutil.copy(scratch / "dora.pem", scratch / "twin.pem")
    done = run(KEY_SERVER, "rotate-custodians", "--config", server.config, "--custody", "2/2", "--card", scratch / "dora.pem", "--card", scratch / "twin.pem", *cards_of("alice", "bob"))
    same((done.returncode, "twin" in done.stderr, file.read_bytes() == first), (1, True, True), "one new card under two names", done.stderr)
    run(KEY_SERVER, "init", "--directory", scratch / "other", "--listen", "127.0.0.1:0", "--custody", "2/3",
        *[word for name in names[:3] for word in ("--card", scratch / f"{name}.pem")]).check_returncode()
    file.write_bytes((scratch / "other/custody.nae").read_bytes())
    done = rotate("2/2", ("dora", "erin"), ("alice", "bob"))
    same((done.returncode, "another group" in done.stderr), (1, True), "another group's file is refused", done.stderr)
    file.write_bytes(first)
    outcomes = []
    for limit in (900, 1500, 1800, 2500):  # above the files of the token, which SoftHSM rewrites at each login
        def starve():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        done = rotate("2/3", ("alice", "dora", "erin"), ("alice", "bob"), preexec_fn=starve)
        outcomes.append((done.returncode, file.read_bytes() == first))
    same(outcomes, [(1, True)] * len(outcomes), "a full disk leaves the custody as it was")

    # Killed at each step: the file is the old one or the new one, and the next try says or does the rest.
    done = None
    for moment, seen in (("keys", lambda: (path / "custody.nae.generation-1").exists()), ("record", lambda: "custodians-changed" in "".join(
            part.read_text() for part in (path / "audit").glob("audit-*.jsonl"))), ("end", lambda: file.read_bytes() != first)):
        process = subprocess.Popen([str(word) for word in (KEY_SERVER, *rotation("2/3", ("alice", "dora", "erin"), ("alice", "bob")))],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWNER)
        while process.poll() is None and not seen():
            pass
        process.kill()
        process.wait()
        now = Custody(file.read_bytes())
        tap.ok(now.generation in (1, 2) and check("alice").returncode == 0, f"killed at '{moment}': the custody file is whole, of generation {now.generation}")
        if now.generation == 2:
            late = rotate("2/3", ("alice", "dora", "erin"), ("alice", "bob"))
            same((late.returncode, "is no card of this custody file" in late.stderr), (1, True), f"killed at '{moment}': done, and the old cards do it no second time", late.stderr)
            break
    if Custody(file.read_bytes()).generation == 1:
        done = rotate("2/3", ("alice", "dora", "erin"), ("alice", "bob"))
        same(done.returncode, 0, "the next one goes through", done.stderr)
    second = file.read_bytes()
    same((path / "custody.nae.generation-1").read_bytes() == first, True, "the file before is kept under another name")
    before, after = Custody(first), Custody(second)
    same((after.generation, after.k, [share["holder"] for share in after.shares]), (2, 2, ["alice", "dora", "erin"]), "two of three others have the keys")
    old, new = secret_of(before, "alice", "bob"), secret_of(after, "alice", "dora")
    tap.ok(old != new and secret_of(after, "dora", "erin") == new, "under a secret of their own, by any two")
    same([after.unwrap(new, kind) for kind in (GROUP_KEY, SO_PIN)], [before.unwrap(old, kind) for kind in (GROUP_KEY, SO_PIN)], "and the same keys")
    for name in ("alice", "dora", "erin"):
        same(check(name).returncode, 0, f"the card of {name} opens the new file")
    gone = check("bob")
    same((gone.returncode, "no card of this custody file" in gone.stderr), (2, True), "that of bob does not", gone.stderr)
    server.start()
    tap.like(server.must("key", "show", "k"), "active", "the server goes on with its keys")
    told = subprocess.run(["cat", *sorted((path / "audit").glob("audit-*.jsonl"))], capture_output=True, text=True).stdout
    tap.like(told, r"custodians-changed.*generation 1 to 2, by the cards of alice, bob; 2 of 3: alice, dora, erin; no more: bob, carol", "who gave, who has and who had it is recorded")
    same(server.nae("audit", "verify").returncode, 0, "in a log that is whole")
    server.stop()

    # The old file and its cards do not come back where the change is known.
    shutil.rmtree(next((path / "hsm/tokens").iterdir()))
    stale = run(KEY_SERVER, "restore", "--config", server.config, "--custody", path / "custody.nae.generation-1", *cards_of("bob", "carol"))
    same((stale.returncode, "generation 2 is in force, without the cards of bob, carol" in stale.stderr), (1, True), "the old cards are refused, by name", stale.stderr)
    mixed = run(KEY_SERVER, "restore", "--config", server.config, "--custody", file, *cards_of("alice", "bob"))
    same((mixed.returncode, "no card of this custody file" in mixed.stderr), (1, True), "also one of them beside a new one", mixed.stderr)
    restored = run(KEY_SERVER, "restore", "--config", server.config, "--custody", file, *cards_of("erin", "dora"))
    same(restored.returncode, 0, "the new ones bring the keys back", restored.stderr)

    def copy():
        shutil.copy(file, scratch / "copy.nae")
        give_to_owner(scratch / "copy.nae")

    # To one more, and back to fewer; a configuration that names another file is told.
    server.config.write_text(server.config.read_text() + f"[approval]\nrequired = ['admin-change', 'key-create']\nby_cards = ['key-create']\ncustody = '{scratch}/copy.nae'\n")
    copy()
    more = rotate("3/5", names, ("alice", "erin"))
    same((more.returncode, "approval.custody names another file" in more.stdout), (0, True), "to three of five", more.stdout + more.stderr)
    for command, code in (("check-config", 1), ("run", 78)):
        stale = run(KEY_SERVER, command, "--config", server.config)
        same((stale.returncode, "generation 3 is in force" in stale.stderr), (code, True), f"until then {command} refuses the copy of before", stale.stderr)
    copy()
    server.start()
    request = re.search(r"approve (\w{16})", server.nae("key", "create", "guarded", "--type", "aes-256-gcm").stdout).group(1)
    same(server.nae("custody", "approve", request, "--yes", *cards_of("carol")).returncode, 5, "a card of the third generation counts")
    server.stop()
    fewer = rotate("2/2", ("dora", "erin"), ("alice", "bob", "carol"))
    same((fewer.returncode, Custody(file.read_bytes()).generation), (0, 4), "and to two", fewer.stderr)
    copy()
    server.start()
    out = server.nae("custody", "approve", request, "--yes", *cards_of("carol"))
    same((out.returncode, "no share in the custody of generation 4" in out.stderr), (1, True), "who is out approves nothing any more", out.stderr)
    one = server.nae("custody", "approve", request, "--yes", *cards_of("dora"))
    same((one.returncode, "1 of 2 cards are missing" in one.stdout), (5, True), "and what carol has approved counts no longer", one.stdout + one.stderr)
    tap.like(one.stdout, r"card/carol.*counts no longer", "as the custodian is shown")
    same(server.nae("custody", "approve", request, "--yes", *cards_of("erin")).returncode, 0, "two cards of now do it")
    records = server.must("audit", "query", "--action", "key-create", "--json")
    tap.ok(re.search("approved by card/dora, card/erin as " + request, records) and "approved by card/carol" not in records, "and they are on record", records[-400:])
    server.stop()
