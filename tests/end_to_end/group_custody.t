#!/usr/bin/python3 -B
# A group's custodians change at one of its key servers: what another one, which follows and has the former custody.nae, says at its start,
# at a backup, at a restore and at the next ceremony; and a change, and the start that takes it up, killed at each step.
import hashlib
import pathlib
import re
import shutil
import signal
import subprocess
import types

from cluster import Cluster
from custody_file import Custody
from harness import KEY_SERVER, OWNER, KeyServer, Tap, run, scratch_directory, wait_until
from key_servers import follows, free_port, in_charge, in_store, second_machine, set_store
from software_cards import certificates, make_cards

PORT = 5449

with Tap() as tap:
    scratch = scratch_directory()
    make_cards(scratch, ("alice", "bob", "carol", "dora", "erin"))
    first = KeyServer(scratch / "first")
    path, file = first.path, first.path / "custody.nae"
    run(KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0", "--custody", "2/3", *certificates(scratch, ("alice", "bob", "carol"))).check_returncode()
    first.config.write_text(first.config.read_text() + "[approval]\nrequired = ['admin-change', 'key-create']\nby_cards = ['key-create']\ncards = 2\ncustody = 'custody.nae'\n")

    def cards_of(*names):
        return [word for name in names for word in ("--software-card", scratch / f"{name}.card", "--passphrase-file", scratch / f"{name}.pass")]

    def rotation(to, by, at=first):
        return [KEY_SERVER, "rotate-custodians", "--config", at.config, "--custody", "2/3", *certificates(scratch, to), *cards_of(*by)]

    def restore(at, by):
        return run(KEY_SERVER, "restore", "--config", at.config, "--custody", at.path / "custody.nae", *cards_of(*by))

    def leftovers(at):
        return sorted(found.name for pattern in ("custody.nae.*", ".custody.nae.*", "restore.unfinished") for found in at.path.glob(pattern))

    def tokens(at):
        return list((at.path / "hsm/tokens").iterdir())

    bindir = pathlib.Path(subprocess.run(["/usr/lib/postgresql/15/bin/pg_config", "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
    store = Cluster(types.SimpleNamespace(path=scratch, psql=bindir / "psql", pg_ctl=bindir / "pg_ctl"), scratch / "store", port=PORT)
    store.initialize()
    store.configure()
    store.control("start")

    def ask(query):
        answer = store.ask(query, role=None, database="postgres")
        if answer.state:
            raise RuntimeError(f"{query}: {answer}")
        return answer.out

    def fact():
        return ask("SELECT value FROM nae_store.meta WHERE name = 'custody'")

    def fact_of(content):
        return f"{Custody(content).generation} {hashlib.sha256(content).hexdigest()}"

    try:
        url = f"postgresql:///postgres?user=postgres&host={scratch}&port={PORT}"
        run(KEY_SERVER, "move-store", "--config", first.config, "--to", url).check_returncode()
        second = second_machine(first, scratch / "second", free_port())
        for server, name in ((first, "ks1"), (second, "ks2")):
            in_store(server, url, name)
            set_store(server, "follow = true")
        first.start()
        joined = restore(second, ("alice", "carol"))
        second.start(ready=False)
        tap.ok(wait_until(lambda: follows(second), 60), "a second key server follows", joined.stderr + second.log.read_text()[-1000:])

        # Whoever is in charge keeps the custodians from being changed elsewhere.
        first.stop()
        tap.ok(wait_until(lambda: in_charge(second), 60), "it takes over when the first one stops", second.log.read_text()[-1000:])
        before = file.read_bytes()
        for by in (("alice", "bob"), ()):
            beside = run(*rotation(("alice", "dora", "erin"), by))
            tap.ok(beside.returncode == 1 and re.search("ks2.* is in charge of the store", beside.stderr),
                   f"beside one in charge custodians are not changed, and it is named, {'by their cards' if by else 'before a card is asked'}", beside.stdout + beside.stderr)
        tap.is_((file.read_bytes() == before, leftovers(first), fact()), (True, [], ""), "and nothing of it is left")
        second.stop()
        changed = run(*rotation(("alice", "dora", "erin"), ("alice", "bob")))
        tap.ok(changed.returncode == 0, "with both stopped they are changed at the first one", changed.stderr)
        newer = file.read_bytes()
        tap.is_(fact(), fact_of(newer), "and the ledger of the group knows")
        first.start(ready=False)
        tap.ok(wait_until(lambda: in_charge(first), 60), "which starts with the new file", first.log.read_text()[-1000:])

        # The second one has the file of before.
        known = f"{re.escape(str(second.path))}/custody.nae is of generation 1, and the ledger of the store knows that generation 2 is in force, SHA-256 {hashlib.sha256(newer).hexdigest()}"
        for name, command, code in (("its start", ["run"], 78), ("a backup", ["backup", "--out", scratch / "none.db"], 1)):
            done = run(KEY_SERVER, command[0], "--config", second.config, *command[1:])
            tap.ok(done.returncode == code and re.search(known, done.stderr), f"{name} refuses a former file where another one is in charge, and says which is in force", done.stderr)
        tap.ok(not list(scratch.glob("none.db*")), "and no copy of it is made")
        done = run(*rotation(("alice", "bob", "carol"), ("bob", "carol"), at=second))
        tap.ok(done.returncode == 1 and re.search(known, done.stderr), "so is it at the next ceremony", done.stderr)
        done = run(*rotation(("alice", "bob", "carol"), (), at=second))
        tap.ok(done.returncode == 1 and re.search(known, done.stderr), "before a card is asked", done.stderr)
        shutil.copytree(second.path / "hsm/tokens", scratch / "tokens")
        for token in tokens(second):
            shutil.rmtree(token)
        for by in (("bob", "carol"), ("alice", "bob"), ()):
            done = restore(second, by)
            tap.ok(done.returncode == 1 and re.search(known, done.stderr), f"and at a restore by {' and '.join(by) or 'nobody yet'}", done.stderr)
        tap.is_((tokens(second), leftovers(second)), ([], []), "and no key comes onto its token")
        (second.path / "custody.nae").write_bytes(newer)
        done = restore(second, ("dora", "erin"))
        tap.ok(done.returncode == 0, "with the new file the new cards bring the keys back", done.stderr)
        second.start(ready=False)
        tap.ok(wait_until(lambda: follows(second), 60), "and it follows again", second.log.read_text()[-1000:])
        done = run(KEY_SERVER, "backup", "--config", second.config, "--out", scratch / "none.db")
        tap.ok(done.returncode == 1 and "backs itself up" in done.stderr, "then a backup says how such a store is backed up", done.stderr)
    finally:
        store.control("stop", "-m", "immediate")
