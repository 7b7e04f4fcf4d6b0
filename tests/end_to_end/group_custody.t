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
        second.stop()
        first.stop()

        # A change killed at each step, in a group: the file is one or the other, whole, and the ledger knows of none that is not there.
        hands = [("dora", "erin"), ("bob", "carol")]  # who gives in turn: those of whom the next file knows nothing
        to = [("alice", "bob", "carol"), ("alice", "dora", "erin")]
        turn = 0  # of generation 2

        class Held:
            """A table that others read, and nobody changes: who would, waits within its transaction."""
            def __init__(self, table):
                self.psql = subprocess.Popen([str(word) for word in (bindir / "psql", "-X", "-q", "-A", "-t", "-h", scratch, "-p", PORT, "-U", "postgres", "postgres")],
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/", **OWNER)
                self.psql.stdin.write(f"BEGIN; LOCK TABLE nae_store.{table} IN SHARE MODE;\n\\echo held\n")
                self.psql.stdin.flush()
                if self.psql.stdout.readline() != "held\n":
                    raise RuntimeError(f"{table} is not held")

            def somebody_waits(self):
                return ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") != "0"

            def let_go(self):
                """Returns when nobody is at work in the store: what a killed one had begun is over."""
                self.psql.communicate("ROLLBACK;\n")
                if not wait_until(lambda: ask("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()") == "0"):
                    raise RuntimeError("somebody is still at work in the store")

        def kill_when(command, seen, held=""):
            """Whether it was killed by us, at that moment, which a process may be past before it is seen where nothing holds it."""
            table = Held(held) if held else None
            process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWNER)
            came = wait_until(lambda: process.poll() is not None or (table.somebody_waits() if table else seen()), 90)
            process.kill()
            killed = process.wait() == -signal.SIGKILL
            if not came:
                raise RuntimeError(f"the moment does not come: {command}")
            if table:
                table.let_go()
            return killed

        def logged():
            return "".join(part.read_text() for part in sorted((path / "audit").glob("audit-*.jsonl")))

        def generation():
            return Custody(file.read_bytes()).generation

        for moment, seen, held in (("the new file", lambda: list(path.glob(".custody.nae.*.new")), ""), ("the one before, aside", lambda: (path / f"custody.nae.generation-{known_then}").exists(), ""),
                                   ("the record", lambda: logged().count("custodians-changed") > records_then, ""), ("the ledger", None, "meta")):
            known_then, records_then = generation(), logged().count("custodians-changed")
            fact_then = fact()
            killed = kill_when(rotation(to[turn], hands[turn]), seen, held)
            now = generation()
            tap.ok((killed or not held) and now in (known_then, known_then + 1) and fact() in (fact_then, fact_of(file.read_bytes())), f"killed at {moment}: the file is whole, and the ledger knows of no other", (killed, now, known_then, fact()))
            if held:
                tap.is_((now, fact()), (known_then + 1, fact_then), "killed at the ledger: the new file has its name, and the ledger does not know it yet")
                break
            again = run(*rotation(to[turn], hands[turn]), seconds=90)
            if now == known_then:
                tap.ok(again.returncode == 0 and fact() == fact_of(file.read_bytes()), f"killed at {moment}: the next one goes through", again.stderr)
            else:
                tap.ok(again.returncode == 1 and "no card of this custody file" in again.stderr, f"killed at {moment}: done, and the old cards do it no second time", again.stderr)
            turn = 1 - turn
        later = file.read_bytes()
        again = run(*rotation(to[turn], hands[turn]), seconds=90)
        tap.ok(again.returncode == 1 and "no card of this custody file" in again.stderr, "killed at the ledger: done, and the old cards do it no second time", again.stderr)

        # The start that takes it up, killed: the ledger knows it, or does not, and the next start says so.
        in_force = f"event=custody-in-force generation={Custody(later).generation} sha256={hashlib.sha256(later).hexdigest()}"
        starting = [KEY_SERVER, "run", "--config", first.config]
        fact_then = fact()
        killed = kill_when(starting, None, "meta")
        tap.ok(killed and file.read_bytes() == later, "a start killed at its change of the ledger: the file is whole", killed)
        tap.is_(fact(), fact_then, "a start killed within its change of the ledger has changed nothing")

        # Meanwhile another one with the former file takes charge: the ledger knows of nothing later. The first one says what it has.
        (second.path / "custody.nae").write_bytes((path / f"custody.nae.generation-{Custody(later).generation - 1}").read_bytes())
        second.start(ready=False)
        tap.ok(wait_until(lambda: in_charge(second), 60), "until then one with the file that the ledger knows serves", second.log.read_text()[-1000:])
        told = len(first.log.read_text())
        first.start(ready=False)
        tap.ok(wait_until(lambda: follows(first), 60), "and one with the later file follows it", first.log.read_text()[-1000:])
        tap.like(first.log.read_text()[told:], in_force.replace("custody-in-force", "custody-not-in-force"), "and says that it has a later one, which is not in force")
        tap.is_(fact(), fact_then, "and changes nothing of it")
        second.stop()
        tap.ok(wait_until(lambda: in_charge(first), 60) and in_force in first.log.read_text()[told:], "when it takes over it takes it up", first.log.read_text()[told:])
        tap.is_(fact(), fact_of(later), "and the ledger knows")
        stale = run(KEY_SERVER, "run", "--config", second.config)
        tap.ok(stale.returncode == 78 and f"generation {Custody(later).generation} is in force" in stale.stderr, "from then on the other one does not start with the file of before", stale.stderr)

        # Killed right behind it: the next start has nothing to take up, and serves.
        first.stop()
        turn = 1 - turn
        killed = kill_when(rotation(to[turn], hands[turn]), None, "meta")
        latest = file.read_bytes()
        tap.ok(killed and fact() == fact_of(later) != fact_of(latest), "another change, killed at the ledger")
        killed = kill_when(starting, lambda: fact() == fact_of(latest))
        tap.ok(killed and fact() == fact_of(latest), "a start killed behind its change of the ledger", fact())
        told = len(first.log.read_text())
        first.start(ready=False)
        tap.ok(wait_until(lambda: in_charge(first), 60), "the next one serves", first.log.read_text()[-1000:])
        tap.ok("custody-in-force" not in first.log.read_text()[told:] and fact() == fact_of(latest), "and has nothing to take up")

        # A file that is put back beside one that follows is found when it is to take over.
        (second.path / "custody.nae").write_bytes(latest)
        second.start(ready=False)
        tap.ok(wait_until(lambda: follows(second), 60), "one with the newest file follows", second.log.read_text()[-1000:])
        (second.path / "custody.nae").write_bytes(later)
        told = len(second.log.read_text())
        first.stop()
        tap.is_(second.process.wait(60), 78, "one whose file was put back meanwhile does not take over")
        tap.like(second.log.read_text()[told:], f"generation {Custody(latest).generation} is in force", "and says why")
        first.start(ready=False)
        tap.ok(wait_until(lambda: in_charge(first), 60), "and keeps nobody else from it", first.log.read_text()[-1000:])
        tap.like(first.must("audit", "verify", "--json"), "seq", "in a log that is whole")
        first.stop()
        verified = run(KEY_SERVER, "verify-store", "--config", first.config)
        tap.ok(verified.returncode == 0, "as the ledger is", verified.stderr)
    finally:
        store.control("stop", "-m", "immediate")
