#!/usr/bin/python3 -B
# A backup of everything, by smart card: granted by k custodians' cards while the server runs, one sealed file that another
# implementation opens, and a restore of keys and store from it by k cards; cut, changed, starved and killed at each place.
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess

from custody_file import GROUP_KEY, Backup, combine, load
from harness import KEY_SERVER, NAE, OWNER, KeyServer, Tap, give_to_owner, run, scratch_directory, wait_until
from software_cards import certificates, make_cards

KEYS = 1200  # so that the store is of several blocks
STEPS = ("keys", "store", "versions", "record")

with Tap() as tap:
    scratch = scratch_directory()
    names = ("alice", "bob", "carol")

    def same(got, wanted, name, told=""):
        tap.ok(got == wanted, name, f"{got!r} is not {wanted!r}\n{told}")

    make_cards(scratch, names)
    path = scratch / "server"
    run(KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0", "--custody", "2/3",
        *certificates(scratch, names)).check_returncode()
    server = KeyServer(path)
    (scratch / "backups").mkdir()
    give_to_owner(scratch / "backups")

    def card_of(name):
        return ["--software-card", scratch / f"{name}.card", "--passphrase-file", scratch / f"{name}.pass"]

    def approve(request, name, **more):
        return server.nae("custody", "approve", request, "--yes", *card_of(name), **more)

    def spooled():
        spool = path / "backups.unfetched"
        return sorted(file.name for file in spool.iterdir()) if spool.exists() else []

    def ask(out):
        asked = server.nae("backup", "--out", out, "--json")
        same(asked.returncode, 5, "a backup is asked for, and waits for cards", asked.stdout + asked.stderr)
        return json.loads(asked.stdout)["approval"]["id"]

    # Without custodians nobody grants one.
    server.start()
    for number in range(0, KEYS, 600):
        lines = "".join(f"key create k{n} --type hmac-sha-256\n" for n in range(number, number + 600))
        (scratch / "commands").write_text(lines)
        with open(scratch / "commands") as commands:
            done = subprocess.run([NAE, "--config", path / "admin/cli.toml", "batch"], stdin=commands, capture_output=True, text=True, cwd="/", timeout=300, **OWNER)
        same(done.returncode, 0, f"keys from {number} on are made", done.stdout[-300:] + done.stderr[-300:])
    denied = server.nae("backup", "--out", scratch / "backups/none.nae")
    same((denied.returncode, "granted by custodians' cards" in denied.stderr), (1, True), "without custodians there is no backup", denied.stderr)
    (scratch / "people").mkdir()
    give_to_owner(scratch / "people")
    server.must("admin", "add", "second", "--role", "operator", "--out", scratch / "people/second")
    server.stop()
    server.config.write_text(server.config.read_text() + "[approval]\nrequired = ['admin-change', 'backup']\nby_cards = ['backup']\ncards = 2\n"
                             "custody = 'custody.nae'\n")
    server.start()

    out = scratch / "backups/monday.nae"
    request = ask(out)
    told = server.nae("backup", "--out", out)
    tap.like(told.stdout, rf"nae custody approve {request}\n.*cards of 2 custodians", "whose turn it is, is said")
    waits = server.nae("backup", "--out", out, "--granted", request)
    same((waits.returncode, out.exists()), (5, False), "before the cards there is no file", waits.stdout)
    same(approve(request, "carol").returncode, 5, "one card is not enough")
    twice = approve(request, "carol")
    same((twice.returncode, "approved this request already" in twice.stderr), (1, True), "nor is one card twice", twice.stderr)
    same((server.nae("backup", "--out", out, "--granted", request).returncode, spooled()), (5, []), "k - 1 cards make nothing")
    server.must("key", "create", "before", "--type", "aes-256-gcm")
    second = approve(request, "alice")
    same((second.returncode, "done" in second.stdout), (0, True), "the second card grants it", second.stdout + second.stderr)
    server.must("key", "create", "after", "--type", "aes-256-gcm")  # it runs on, and the backup is of the moment of the grant
    same(len(spooled()), 1, "one sealed file waits, and no copy in clear")
    other = server.nae("--certificate", scratch / "people/second/second.pem", "--key", scratch / "people/second/second.key", "backup", "--out", out, "--granted", request)
    same((other.returncode, "there is no backup" in other.stderr, out.exists()), (1, True, False), "another operator does not get what one was granted", other.stderr)
    fetched = server.nae("backup", "--out", out, "--granted", request)
    same(fetched.returncode, 0, "it is fetched", fetched.stdout + fetched.stderr)
    tap.like(fetched.stdout, rf"{KEYS + 1} keys, {KEYS + 1} versions, opened again", "the server has opened it again")
    data = out.read_bytes()
    tap.like(fetched.stdout, hashlib.sha256(data).hexdigest(), "and its digest is that of the file")
    same(stat.S_IMODE(out.stat().st_mode), 0o600, "which is for its owner")
    same((spooled(), sorted(file.name for file in (scratch / "backups").iterdir())), ([], ["monday.nae"]), "nothing else is left, here or there")
    tap.like(server.must("audit", "query", "--action", "backup", "--json"), "approved by card/carol, card/alice as " + request, "one record names both holders")
    tap.like(server.must("audit", "query", "--action", "backup", "--json"), "backup:" + hashlib.sha256(data).hexdigest(), "and what they granted")
    again = server.nae("backup", "--out", scratch / "backups/again.nae", "--granted", request)
    same((again.returncode, "there is no backup" in again.stderr), (1, True), "it is fetched once", again.stderr)
    taken = server.nae("backup", "--out", out, "--granted", request)
    same((taken.returncode, out.read_bytes() == data), (2, True), "and overwrites nothing", taken.stderr)

    # Another implementation opens it, with two cards and nothing of the server's.
    backup = Backup(data)
    tap.ok(backup.blocks >= 2, "it has several blocks", backup.blocks)
    shares = [backup.custody.share(x, load((scratch / f"{name}.key").read_bytes())) for x, name in ((1, "alice"), (3, "carol"))]
    content = backup.open(backup.custody.unwrap(combine(shares), GROUP_KEY))
    (scratch / "opened.db").write_bytes(content)
    with sqlite3.connect(scratch / "opened.db") as opened:
        got = {name for name, in opened.execute("SELECT name FROM keys")}
    same((len(got), "before" in got, "after" in got), (KEYS + 1, True, False), "by the specification alone it opens, as of the grant")

    # Where there is no room for it, or it does not get through, there is no file.
    request = ask(scratch / "backups/starved.nae")
    for name in ("alice", "bob"):
        granted = approve(request, name)
    same(granted.returncode, 0, "another one is granted", granted.stderr)
    outcomes = []
    for limit in (100, 100_000, 1_000_000, len(data) - 1):
        def starve():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        done = server.nae("backup", "--out", scratch / "backups/starved.nae", "--granted", request, preexec_fn=starve)
        outcomes.append((done.returncode, len(list((scratch / "backups").iterdir()))))
    same(outcomes, [(2, 1)] * len(outcomes), "a full disk leaves nothing")
    killed = subprocess.Popen([str(word) for word in (NAE, "--config", path / "admin/cli.toml", "backup", "--out", scratch / "backups/starved.nae", "--granted", request)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWNER)
    part = scratch / "backups/.starved.nae.part"
    while killed.poll() is None and not part.exists():
        pass
    killed.kill()
    killed.wait()
    tap.ok(not (scratch / "backups/starved.nae").exists(), "a killed one has no name")
    done = server.nae("backup", "--out", scratch / "backups/starved.nae", "--granted", request)
    same((done.returncode, part.exists()), (0, False), "and the next one goes through", done.stderr)

    # The server is killed while it makes one: nobody gets half of it, and nothing stays.
    request = ask(scratch / "backups/killed.nae")
    approve(request, "alice")
    last = subprocess.Popen([str(word) for word in (NAE, "--config", path / "admin/cli.toml", "custody", "approve", request, "--yes", *card_of("bob"))],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWNER)
    wait_until(lambda: any(name.endswith((".db", ".new", ".part")) for name in spooled()) or last.poll() is not None)
    server.stop(signal.SIGKILL)
    last.wait(timeout=60)
    tap.ok(last.returncode != 0, "a server is killed while it makes a backup", last.returncode)
    server.start()
    same(spooled(), [], "the next start leaves nothing of it")
    over = server.nae("backup", "--out", scratch / "backups/killed.nae", "--granted", request)
    same((over.returncode, "is interrupted, and there is no backup" in over.stderr), (1, True), "and says what became of the ceremony", over.stderr)
    late = approve(request, "carol")
    same(late.returncode, 1, "which takes no card any more", late.stdout + late.stderr)
    server.stop()

    # Restored: keys and store, from that one file and two cards.
    def restore(file=out, cards=("alice", "bob"), **more):
        return run(KEY_SERVER, "restore", "--config", server.config, "--backup", file, *[word for name in cards for word in card_of(name)], **more)

    custody = path / "custody.nae"
    in_custody = custody.read_bytes()

    def lose_everything():
        for token in (path / "hsm/tokens").iterdir():  # none, where a restore was killed before it made one
            shutil.rmtree(token, ignore_errors=True)
        for file in path.glob("*keys.db*"):
            file.unlink()
        custody.unlink(missing_ok=True)

    def is_empty():
        return not (list(path.glob("*keys.db*")) or custody.exists() or (path / "restore.unfinished").exists())

    kept = {file.name: file.read_bytes() for file in path.glob("keys.db*")}
    there = restore()
    same((there.returncode, "is not overwritten" in there.stderr), (1, True), "a store that is there is not overwritten", there.stderr)
    same({file.name: file.read_bytes() for file in path.glob("keys.db*")}, kept, "and stays as it was")
    neither = run(KEY_SERVER, "restore", "--config", server.config, *card_of("alice"))
    same(neither.returncode, 2, "it takes a backup or a custody file", neither.stderr)
    lose_everything()

    def refused(name, pattern, **options):
        done = restore(**options)
        tap.ok(done.returncode == 1 and re.search(pattern, done.stderr) and is_empty(), name, f"{done.returncode} {done.stdout}{done.stderr}{list(path.iterdir())}")

    refused("one card of two is denied", "1 missing", cards=("bob",))
    refused("one card twice is denied", "there twice", cards=("bob", "bob"))
    refused("no card is denied", "2 missing", cards=())

    def changed(data):
        file = scratch / "backups/changed.nae"
        file.write_bytes(data)
        give_to_owner(file)
        return file

    ends = [backup.header + n * (backup.block + 16) for n in range(backup.blocks)] + [len(data)]
    for number, end in enumerate(ends):
        if end < len(data):
            refused(f"cut behind block {number}", "cut off", file=changed(data[:end]))
        flipped = bytearray(data)
        flipped[end - 1] ^= 1
        refused(f"a byte changed before {end}", "changed|signature|no backup", file=changed(bytes(flipped)))
    for cut in (0, 11, 15, 100, backup.header - 1, len(data) - 1):
        refused(f"cut at {cut}", "cut off|begins otherwise", file=changed(data[:cut]))
    refused("longer than it was", "longer", file=changed(data + b"\0"))

    # A disk without room for it is found before a card is asked, and before anything is changed.
    if os.geteuid() == 0:  # only root can mount
        as_it_was = server.config.read_text()
        (path / "small").mkdir()
        for place, size, store in ((path / "small", "5m", "small/keys.db"), (path / "hsm/tokens", "512k", "keys.db")):
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", place], check=True)
            try:
                give_to_owner(place)
                server.config.write_text(as_it_was.replace("path = 'keys.db'", f"path = '{store}'"))
                full = restore(cards=())
                left = [file.name for file in place.iterdir() if not file.name.endswith(".lock")]
                tap.ok(full.returncode == 1 and re.search(rf"no room for a restore: it takes \d+ MiB in {place}, and \d+ MiB are free", full.stderr) and "missing" not in full.stderr,
                       f"without room in {place.name} no card is asked for", full.stderr)
                same((left, is_empty()), ([], True), f"without room in {place.name} nothing is changed")
            finally:
                server.config.write_text(as_it_was)
                subprocess.run(["umount", place], check=False)
        (path / "small").rmdir()
    outcomes = []
    for limit in (200, 5000, 500_000, backup.bytes - 1):
        def starve_restore():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        done = restore(preexec_fn=starve_restore)
        outcomes.append((done.returncode, list(path.glob("*keys.db*"))))
    same(outcomes, [(1, [])] * len(outcomes), "a restore without room fails, and leaves no store")
    lose_everything()

    # The whole disk: no custody file, no audit log, and of the group only what the auditor kept of its key.
    stopped = run(KEY_SERVER, "run", "--config", server.config)
    same((stopped.returncode, "custody.nae is not a file" in stopped.stderr), (78, True), "without its custody file no server starts", stopped.stderr)
    shutil.move(path / "audit", scratch / "audit-of-before")
    refused("nothing tells whose backup it is", "nothing tells whose file", cards=("alice", "bob"))
    whole = run(KEY_SERVER, "restore", "--config", server.config, "--backup", out, "--audit-key", scratch / "audit-of-before/audit-public.pem", *card_of("alice"), *card_of("bob"))
    same((whole.returncode, custody.exists() and custody.read_bytes() == in_custody), (0, True), "cards, that file and the audit log's public key bring back the custody file, too", whole.stdout + whole.stderr)
    same((stat.S_IMODE(custody.stat().st_mode), f"{custody}, which was not there" in whole.stdout), (0o600, True), "for its owner, and it is said", whole.stdout)
    shutil.rmtree(path / "audit", ignore_errors=True)
    shutil.move(scratch / "audit-of-before", path / "audit")
    lose_everything()

    # Killed at each step: the next one says where it stood, and nothing half done is served.
    def step_of(place=path):
        try:
            return re.search(r"^step (\w+)$", (place / "restore.unfinished").read_text(), re.M).group(1)
        except (FileNotFoundError, AttributeError):
            return None

    def restore_killed_at(step, place=path):
        """The step at which it was killed; None when it had ended before."""
        lose_everything()
        process = subprocess.Popen([str(word) for word in (KEY_SERVER, "restore", "--config", server.config, "--backup", out, *card_of("bob"), *card_of("carol"))],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWNER)
        late_enough = STEPS[STEPS.index(step):]
        while process.poll() is None and step_of(place) not in late_enough:
            pass
        process.kill()
        process.wait()
        return step_of(place)

    for step in STEPS:
        at = None
        for _ in range(20):  # one that had ended before the kill proves nothing
            at = restore_killed_at(step)
            if at is not None:
                break
        tap.ok(at in STEPS[STEPS.index(step):], f"killed at '{step}' before it was done", at)
        started = run(KEY_SERVER, "run", "--config", server.config)
        same((started.returncode, "interrupted" in started.stderr), (78, True), f"killed at '{at}': no server starts", started.stderr)
        done = restore(cards=("carol", "alice"))
        same((done.returncode, f"interrupted at its step '{at}'" in done.stdout), (0, True), f"killed at '{at}': the next one goes through, and says so", done.stdout + done.stderr)
        same(custody.read_bytes() == in_custody, True, f"killed at '{at}': and the custody file is whole")
        tap.ok(not (path / "restore.unfinished").exists() and not list(path.glob(".keys.db*")), f"killed at '{at}': nothing is left to do")

    # What a killed restore has made is removed before the next one writes: a disk that has room for one store has room for that.
    if os.geteuid() == 0:  # only root can mount
        as_it_was, small = server.config.read_text(), path / "small"
        small.mkdir()
        mib = 4 + -(-2 * len(content) // 2**20) - 1  # what find_room wants beside the store, and less than two stores
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0700", "none", small], check=True)
        try:
            give_to_owner(small)
            server.config.write_text(as_it_was.replace("path = 'keys.db'", "path = 'small/keys.db'"))
            at = None
            for _ in range(20):
                for file in (*small.glob("*keys.db*"), small / "custody.nae"):
                    file.unlink(missing_ok=True)
                at = restore_killed_at("versions", small)
                if at is not None:
                    break
            free = os.statvfs(small)
            tap.ok(at in ("versions", "record") and free.f_bavail * free.f_frsize < 4 * 2**20 + len(content), "killed with its store on a disk that has no room for a second one", (at, free, len(content)))
            done = restore(cards=("carol", "alice"))
            same((done.returncode, f"interrupted at its step '{at}'" in done.stdout), (0, True), "the next one finds room where that one is", done.stdout + done.stderr)
        finally:
            server.config.write_text(as_it_was)
            subprocess.run(["umount", small], check=False)
        small.rmdir()
        lose_everything()
        done = restore(cards=("carol", "alice"))

    # The log knows more than the backup: that is told, not passed over, and goes on with a reason.
    tap.like(done.stdout, r"store .*as it was at 20\d\d-.*missing", "what was changed since is said to be missing")
    tap.like(done.stdout, "the audit log has no record of it", "and the log says more than the store")
    started = run(KEY_SERVER, "run", "--config", server.config)
    same((started.returncode, "store_rolled_back" in started.stderr), (78, True), "no server passes over that by itself", started.stderr)
    accepted = run(KEY_SERVER, "accept-store-rollback", "--config", server.config, "--reason", "restored from monday.nae")
    same(accepted.returncode, 0, "with a reason it goes on", accepted.stderr)
    server.start()
    tap.like(server.must("key", "show", "before"), "active", "what the backup has is there")
    same(server.nae("key", "show", "after").returncode, 1, "what came later is not")
    server.stop()
