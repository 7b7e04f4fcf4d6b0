#!/usr/bin/python3 -B
# The custodians change: k cards give the group's keys to other cards; the former ones are refused afterwards, by name; and a
# change that is denied, starved or killed leaves one custody file or the other, whole.
import hashlib
import os
import pty
import re
import shutil
import signal
import subprocess

from custody_file import GROUP_KEY, SO_PIN, Custody, combine, load
from harness import BUILD, KEY_SERVER, NAE, OWNER, KeyServer, Tap, give_to_owner, run, scratch_directory
from software_cards import certificates, make_cards

with Tap() as tap:
    scratch = scratch_directory()
    names = ("alice", "bob", "carol", "dora", "erin")

    def same(got, wanted, name, told=""):
        tap.ok(got == wanted, name, f"{got!r} is not {wanted!r}\n{told}")

    make_cards(scratch, names)
    path = scratch / "server"
    run(KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0", "--custody", "2/3",
        *certificates(scratch, names[:3])).check_returncode()
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

    def logged():
        return "".join(part.read_text() for part in sorted((path / "audit").glob("audit-*.jsonl")))

    def leftovers():
        return sorted(found.name for found in (*path.glob("custody.nae.*"), *path.glob(".custody.nae.*")))

    def digest_of(name):
        der = subprocess.run("openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER", shell=True, input=(scratch / f"{name}.pem").read_bytes(), capture_output=True).stdout
        return hashlib.sha256(der).hexdigest()

    def at_terminal(answer, command):
        """Exit status, and all that was said, with a terminal for standard input."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([str(word) for word in (KEY_SERVER, *command)], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", **OWNER)
        os.write(ours, answer.encode() + b"\n")
        said, _ = process.communicate(timeout=60)
        os.close(ours)
        os.close(theirs)
        return process.returncode, said

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
        *certificates(scratch, names[:3])).check_returncode()
    file.write_bytes((scratch / "other/custody.nae").read_bytes())
    done = rotate("2/2", ("dora", "erin"), ("alice", "bob"))
    same((done.returncode, "another group" in done.stderr), (1, True), "another group's file is refused", done.stderr)
    file.write_bytes(first)
    # A disk that is full, or fails, at each step. SQLite says of its own what it finds.
    faults = scratch / "faults"
    failing = {**os.environ, "LD_PRELOAD": str(BUILD / "tests/faulty_disk/libnae_faulty_disk.so"), "NAE_FAULTY_DISK": str(faults)}

    def rotate_on(fault):
        faults.write_text(fault + "\n")
        faults.chmod(0o644)
        done = rotate("2/3", ("alice", "dora", "erin"), ("alice", "bob"), env=failing)
        return done.returncode, file.read_bytes() == first, leftovers(), done.stderr

    steps = {"the new file": (f"write ENOSPC {path}/.custody.nae.", f"cannot write {file}:"), "half of the new file": (f"write short {path}/.custody.nae.", f"cannot write {file}:"),
             "the new file made durable": (f"sync EIO {path}/.custody.nae.", f"cannot write {file}:"),
             "the file before, under another name": (f"write ENOSPC {path}/.custody.nae.generation-1", f"cannot write {file}.generation-1:"),
             "the audit log": (f"write ENOSPC {path}/audit", "audit"), "the store": (f"write ENOSPC {path}/keys.db", "store|ledger")}
    for step, (fault, said) in steps.items():
        code, kept, left, told = rotate_on(fault)
        tap.ok((code, kept, left) == (1, True, []) and re.search(said, told), f"a full disk at {step} leaves the custody as it was, and nothing beside it", (code, kept, left, told))
    same("custodians-changed" in logged(), False, "and nothing on record")
    code, kept, left, told = rotate_on(f"rename ENOSPC {file}")
    same((code, kept, left, f"cannot replace {file}" in told), (1, True, [], True), "a new file that does not get its name leaves the one before", told)
    tap.like(logged(), r"(?s)custodians-changed.*custodians-not-changed", "and both is on record")

    # Whose the new cards are is shown before the old ones are used; who says no to it at a terminal has done nothing.
    shown = rotate("2/3", ("alice", "dora", "erin"), ("bob",))
    tap.ok(shown.returncode == 1 and all(f"{digest_of(name)}  {name}" in shown.stderr for name in ("alice", "dora", "erin")), "the SHA-256 of each new card is shown", shown.stderr)
    for answer, code in (("n", 1), ("", 1), ("yess", 1)):
        returned, said = at_terminal(answer, rotation("2/3", ("alice", "dora", "erin"), ("alice", "bob")))
        same((returned, "not confirmed" in said, file.read_bytes() == first, leftovers()), (1, True, True, []), f"answered '{answer}', nothing is done", said)
    same(logged().count("custodians-changed"), 1, "nor recorded")

    # Killed at each step: the file is the old one or the new one, and the next try says or does the rest.
    def rotation_killed_when(seen):
        """Whether the kill came before its end: a rotation that had ended before proves nothing."""
        begin_again()
        process = subprocess.Popen([str(word) for word in (KEY_SERVER, *rotation("2/3", ("alice", "dora", "erin"), ("alice", "bob")))],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWNER)
        while process.poll() is None and not seen():
            pass
        process.kill()
        return process.wait() == -signal.SIGKILL

    before_it = {place: path / "of-before" / place.name for place in (file, *path.glob("keys.db*"), path / "audit")}
    (path / "of-before").mkdir()
    for place, kept in before_it.items():
        (shutil.copytree if place.is_dir() else shutil.copy)(place, kept)

    def begin_again():
        for place in (*path.glob("custody.nae.*"), *path.glob(".custody.nae.*"), *path.glob("keys.db*")):
            place.unlink()
        shutil.rmtree(path / "audit")
        for place, kept in before_it.items():
            (shutil.copytree if kept.is_dir() else shutil.copy)(kept, place)
            give_to_owner(place, *([*place.iterdir()] if place.is_dir() else []))

    for moment, seen in (("file", lambda: list(path.glob(".custody.nae.*.new"))), ("aside", lambda: (path / "custody.nae.generation-1").exists()),
                         ("record", lambda: "custodians-changed" in logged()), ("end", lambda: file.read_bytes() != first)):
        killed = any(rotation_killed_when(seen) for _ in range(20))
        now = Custody(file.read_bytes())
        tap.ok(killed and now.generation in (1, 2) and check("alice").returncode == 0, f"killed at '{moment}' before its end: the custody file is whole", (killed, now.generation))
        done = rotate("2/3", ("alice", "dora", "erin"), ("alice", "bob"))
        if now.generation == 2:
            same((done.returncode, "is no card of this custody file" in done.stderr), (1, True), f"killed at '{moment}': done, and the old cards do it no second time", done.stderr)
        else:
            same((done.returncode, Custody(file.read_bytes()).generation), (0, 2), f"killed at '{moment}': the next one goes through", done.stderr)
        same(leftovers(), ["custody.nae.generation-1"], f"killed at '{moment}': and nothing of the one that was killed is left")
    # Two at once, and one beside a restore: each is done, or has changed nothing.
    def together(*commands):
        processes = [subprocess.Popen([str(word) for word in (KEY_SERVER, *command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", **OWNER)
                     for command in commands]
        told = [process.communicate(timeout=60)[0] for process in processes]
        return [process.returncode for process in processes], "\n".join(told)

    begin_again()
    ended, told = together(rotation("2/3", ("alice", "dora", "erin"), ("alice", "bob")), rotation("2/2", ("carol", "erin"), ("bob", "carol")))
    now = Custody(file.read_bytes())
    same((sorted(ended), now.generation), ([0, 1], 2), "of two changes at once one is made", told)
    same([share["holder"] for share in now.shares], [["alice", "dora", "erin"], ["carol", "erin"]][ended.index(0)], "and it is the one that says so")
    begin_again()
    ended, told = together(rotation("2/3", ("alice", "dora", "erin"), ("alice", "bob")), ["restore", "--config", server.config, "--custody", file, *cards_of("bob", "carol")])
    same((ended[1], Custody(file.read_bytes()).generation), (1, 2 if ended[0] == 0 else 1), "a restore beside a change takes nothing from it", told)
    # The file has its new name and the change is on record, but the ledger does not know of it, as after a kill between the two: the next start enters it.
    begin_again()
    faults.write_text(f"sync EIO {path}$\n")
    done = rotate("2/3", ("alice", "dora", "erin"), ("alice", "bob"), env=failing)
    renamed = file.read_bytes()
    digest = hashlib.sha256(renamed).hexdigest()
    same((done.returncode, Custody(renamed).generation, "custodians-changed" in logged()), (0, 2, True), "a disk that does not keep the new file's name keeps the change", done.stderr)
    tap.like(done.stdout, "the ledger does not know it yet.*the disk failed to keep the new file's name", "but the ledger does not say that it is in force")
    before_start = len(server.log.read_text())
    server.start()
    tap.like(server.log.read_text()[before_start:], f"event=custody-in-force generation=2 sha256={digest}", "the next start finds it there, and takes it up")
    server.stop()
    file.write_bytes(first)
    give_to_owner(file)
    stale = run(KEY_SERVER, "run", "--config", server.config)
    same((stale.returncode, f"generation 2 is in force, SHA-256 {digest}" in stale.stderr), (78, True), "from then on the file of before is refused", stale.stderr)

    begin_again()
    returned, said = at_terminal("y", rotation("2/3", ("alice", "dora", "erin"), ("alice", "bob")))
    same(returned, 0, "answered 'y', it is done", said)
    tap.ok(all(f"holder now     {name} {digest_of(name)}" in said for name in ("alice", "dora", "erin")), "and says which cards have the keys", said)
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
    tap.like(logged(), r"custodians-changed.*generation 1 to 2, SHA-256 " + hashlib.sha256(second).hexdigest() + ", by the cards of alice, bob; no more: bob, carol; 2 of 3: "
             + ", ".join(f"{name} {digest_of(name)}" for name in ("alice", "dora", "erin")), "who gave, who has by which card, and who had it is recorded")
    same(server.nae("audit", "verify").returncode, 0, "in a log that is whole")
    server.stop()

    # Nor does the old file come back in the place of the new one: the ledger knows which is in force.
    file.write_bytes(first)
    give_to_owner(file)
    known = rf"{re.escape(str(file))} is of generation 1, and the ledger of the store knows that generation 2 is in force, SHA-256 {hashlib.sha256(second).hexdigest()}"
    stale = run(KEY_SERVER, "run", "--config", server.config)
    tap.ok(stale.returncode == 78 and re.search(known, stale.stderr), "a start refuses the file of before in the place of the new one, and says which is in force", stale.stderr)
    tap.like(logged(), "custody-refused.*generation 1, and the ledger", "which is on record")
    asked = rotate("2/2", ("dora", "erin"), ("alice", "bob"))
    tap.ok(asked.returncode == 1 and re.search(known, asked.stderr) and file.read_bytes() == first, "nor do its cards change it once more", asked.stderr)
    file.unlink()
    shutil.copytree(path / "hsm/tokens", scratch / "tokens-of-before")
    shutil.rmtree(next((path / "hsm/tokens").iterdir()))
    stale = run(KEY_SERVER, "restore", "--config", server.config, "--custody", path / "custody.nae.generation-1", *cards_of("bob", "carol"))
    tap.ok(stale.returncode == 1 and "the ledger of the store knows that generation 2 is in force" in stale.stderr, "nor do they bring the keys back where the new file is gone", stale.stderr)
    same((file.exists(), (path / "restore.unfinished").exists()), (False, False), "and nothing of it is left")
    for token in (path / "hsm/tokens").iterdir():
        shutil.rmtree(token)
    for token in (scratch / "tokens-of-before").iterdir():
        shutil.copytree(token, path / "hsm/tokens" / token.name)
        give_to_owner(path / "hsm/tokens" / token.name, *(path / "hsm/tokens" / token.name).iterdir())
    file.write_bytes(second)
    give_to_owner(file)
    server.start()
    tap.like(server.must("key", "show", "k"), "active", "with the new file it starts")
    server.stop()

    # Of a change that was killed before anything was on record nothing is left by the next start, either.
    begun = path / ".custody.nae.4194304-0.new"
    begun.write_bytes(second)
    give_to_owner(begun)
    server.start()
    same(begun.exists(), False, "a start removes what a killed change had written beside")
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
