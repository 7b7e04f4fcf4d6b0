#!/usr/bin/python3 -B
# What is claimed of custody, one test each: keys are backed up and brought back only while the required smart cards are in, k of n of them,
# at one key server as at every one of a group.
import itertools
import json
import pathlib
import re
import shutil
import subprocess
import types

from cluster import Cluster
from custody_file import GROUP_KEY, Backup, combine, load
from harness import KEY_SERVER, KeyServer, Tap, give_to_owner, run, scratch_directory, wait_until
from key_servers import free_port, in_store, second_machine, waits
from software_cards import certificates, make_cards

HOLDERS = ("alice", "bob", "carol")  # two of them
PORT = 5447

with Tap() as tap:
    scratch = scratch_directory()
    make_cards(scratch, (*HOLDERS, "stranger"))
    server = KeyServer(scratch / "server")
    path = server.path
    run(KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0", "--custody", "2/3", *certificates(scratch, HOLDERS)).check_returncode()
    server.config.write_text(server.config.read_text() + "[approval]\nrequired = ['admin-change', 'backup']\nby_cards = ['backup']\ncards = 2\ncustody = 'custody.nae'\n")
    (scratch / "backups").mkdir()
    give_to_owner(scratch / "backups")
    server.start()
    server.must("key", "create", "k", "--type", "aes-256-gcm")

    def cards_of(*names):
        return [word for name in names for word in ("--software-card", scratch / f"{name}.card", "--passphrase-file", scratch / f"{name}.pass")]

    def backup_by(name, *cards):
        """What each card was answered, the answer to who fetches, and the file."""
        out = scratch / "backups" / f"{name}.nae"
        request = json.loads(server.nae("backup", "--out", out, "--json").stdout)["approval"]["id"]
        told = [server.nae("custody", "approve", request, "--yes", *cards_of(card)) for card in cards]
        fetched = server.nae("backup", "--out", out, "--granted", request)
        if fetched.returncode != 0:
            server.must("reject", request)  # the same question asked again is the same request
        return request, told, fetched, out

    def made_by(*cards):
        _, _, fetched, out = backup_by("-".join(cards) or "none", *cards)
        spooled = path / "backups.unfetched"
        return fetched.returncode == 0, out.exists(), spooled.exists() and bool(list(spooled.iterdir()))

    # Claim 24
    tap.is_(made_by(), (False, False, False), "claim 24: without the required smart cards a backup of the keys is denied")
    tap.is_(made_by("bob"), (False, False, False), "claim 24: so it is when one of them is missing, and none is begun")
    tap.is_(made_by("alice", "bob"), (True, True, False), "claim 24: with them it is made")
    backup = Backup((scratch / "backups/alice-bob.nae").read_bytes())
    shares = [backup.custody.share(x, load((scratch / f"{name}.key").read_bytes())) for x, name in ((1, "alice"), (2, "bob"))]
    tap.ok(backup.open(backup.custody.unwrap(combine(shares), GROUP_KEY)).startswith(b"SQLite format 3"), "claim 24: and what it holds opens by those cards")

    # Claim 25
    for pair in itertools.combinations(HOLDERS, 2):
        if pair != ("alice", "bob"):
            tap.is_(made_by(*pair), (True, True, False), f"claim 25: any two of the three cards will do: {' and '.join(pair)}")
    for name in HOLDERS:
        tap.is_(made_by(name), (False, False, False), f"claim 25: the card of {name} alone will not")
    _, told, fetched, out = backup_by("twice", "carol", "carol")
    tap.ok(told[1].returncode == 1 and fetched.returncode != 0 and not out.exists(), "claim 25: nor will one card twice", told[1].stderr)
    _, told, fetched, out = backup_by("another", "carol", "stranger")
    tap.ok(told[1].returncode == 1 and fetched.returncode != 0 and not out.exists(), "claim 25: nor a card that is none of the three", told[1].stderr)
    custody = backup.custody
    alone = [custody.share(x, load((scratch / f"{name}.key").read_bytes())) for x, name in enumerate(HOLDERS, 1)]
    secrets = {combine([a, b]) for a, b in itertools.combinations(alone, 2)}
    tap.ok(len(secrets) == 1 and not secrets & {combine([share]) for share in alone}, "claim 25: by themselves, not by the server's word: two shares are the secret, and one is not")

    # FIG. 3B: asked, cards presented one by one, each looked at, then done or denied; in this order on record.
    request, told, fetched, out = backup_by("in-order", "carol", "bob")
    tap.ok([done.returncode for done in told] == [5, 0] and fetched.returncode == 0, "FIG. 3B, steps 152 to 158: asked for, a card, another card, made", told[1].stderr + fetched.stderr)
    records = json.loads(server.must("audit", "query", "--limit", "10000", "--json"))["records"]
    steps = [(record["action"], record["reason"], (re.findall("card of (\\w+)", record["detail"]) or [""])[0])
             for record in records if request in json.dumps(record) and record["action"] != "approval-show"]
    shown_by = lambda name: [("approval-question", "allowed", name), ("approval-presence", "begun", "")]
    tap.is_(steps, [("backup", "waiting", ""), *shown_by("carol"), ("approval-presence", "allowed", "carol"),
                    *shown_by("bob"), ("backup", "begun", ""), ("backup", "allowed", ""), ("approval-presence", "allowed", "bob")],
            "FIG. 3B: question, each card and outcome are on record, in this order")
    tap.like(server.must("audit", "query", "--action", "backup", "--json"), f"approved by card/carol, card/bob as {request}", "FIG. 3B: with the holders, in the order of their cards")

    # Claim 26
    server.stop()
    kept = scratch / "kept"
    shutil.copytree(path / "hsm/tokens", kept)

    def lose_token():
        for token in (path / "hsm/tokens").iterdir():
            shutil.rmtree(token)

    def restored_by(*cards, to=server):
        return run(KEY_SERVER, "restore", "--config", to.config, "--custody", to.path / "custody.nae", *cards_of(*cards))

    lose_token()
    for cards, said in (((), "2 missing"), (("bob",), "1 missing"), (("bob", "bob"), "there twice"), (("bob", "stranger"), "no card of this custody file")):
        denied = restored_by(*cards)
        tap.ok(denied.returncode == 1 and re.search(said, denied.stderr) and not list((path / "hsm/tokens").iterdir()),
               f"claim 26: a restore by {' and '.join(cards) or 'no card'} is denied, and no key comes onto a token", denied.stderr)
    for pair in itertools.combinations(HOLDERS, 2):
        lose_token()
        done = restored_by(*pair)
        tap.ok(done.returncode == 0 and ", ".join(pair) in done.stdout, f"claim 26: with the cards of {' and '.join(pair)} the keys are brought back", done.stderr)
    server.start()
    tap.like(server.must("key", "show", "k"), "active", "claim 26: and are those of before")
    server.stop()

    # Claim 35
    bindir = pathlib.Path(subprocess.run(["/usr/lib/postgresql/15/bin/pg_config", "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
    binaries = types.SimpleNamespace(path=scratch, psql=bindir / "psql", pg_ctl=bindir / "pg_ctl")
    store = Cluster(binaries, scratch / "store", port=PORT)
    store.initialize()
    store.configure()
    store.control("start")
    try:
        url = f"postgresql:///postgres?user=postgres&host={scratch}&port={PORT}"
        run(KEY_SERVER, "move-store", "--config", server.config, "--to", url).check_returncode()
        second = second_machine(server, scratch / "second", free_port())
        in_store(server, url, "ks1")
        in_store(second, url, "ks2")
        server.start()
        empty = not list((second.path / "hsm/tokens").iterdir())
        for cards, said in (((), "2 missing"), (("carol",), "1 missing"), (("carol", "carol"), "there twice")):
            denied = restored_by(*cards, to=second)
            tap.ok(empty and denied.returncode == 1 and re.search(said, denied.stderr) and not list((second.path / "hsm/tokens").iterdir()),
                   f"claim 35: another key server of the group gets its keys by {' and '.join(cards) or 'no card'} no more than the first", denied.stderr)
        joined = restored_by("alice", "carol", to=second)
        tap.ok(joined.returncode == 0, "claim 35: two of the three cards bring the group's keys onto it", joined.stderr)
        second.start(ready=False)
        tap.ok(wait_until(lambda: waits(second)), "claim 35: it is one of the group", second.log.read_text()[-1000:])
        server.stop()
        tap.ok(wait_until(lambda: second.nae("key", "show", "k").returncode == 0), "claim 35: and goes on with the group's keys when the first one stops", second.log.read_text()[-1000:])
        second.stop()

        # A store that no server of this release has made a new one yet is told, and not read as one.
        former_schema = "UPDATE nae_store.migrations SET version = 3 - version"
        store.ask(former_schema, role=None, database="postgres")
        early = run(KEY_SERVER, "rotate-custodians", "--config", server.config, "--custody", "2/2", "--card", scratch / "alice.pem", "--card", scratch / "stranger.pem", *cards_of("alice", "bob"))
        store.ask(former_schema, role=None, database="postgres")
        tap.ok(early.returncode == 1 and "Start the server once first" in early.stderr, "claim 35: a store of an older release is made a new one by a start, before custodians change", early.stderr)

        # Other custodians: the ledger of the group tells each of them, whatever file is beside it.
        former = (second.path / "custody.nae").read_bytes()
        changed = run(KEY_SERVER, "rotate-custodians", "--config", server.config, "--custody", "2/2", "--card", scratch / "alice.pem", "--card", scratch / "stranger.pem", *cards_of("alice", "bob"))
        tap.ok(changed.returncode == 0, "claim 35: the group's keys go to other cards, at one key server", changed.stderr)
        refused = run(KEY_SERVER, "run", "--config", second.config)
        tap.ok(refused.returncode == 78 and "the ledger of the store knows that generation 2 is in force" in refused.stderr, "claim 35: one with the former cards' file does not start", refused.stderr)
        server.start()
        beside = run(KEY_SERVER, "run", "--config", second.config)
        tap.ok(beside.returncode == 78 and "the ledger of the store knows that generation 2 is in force" in beside.stderr, "claim 35: nor does it wait beside the one in charge, as if it could take over", beside.stderr)
        server.stop()
        (second.path / "custody.nae").write_bytes((path / "custody.nae").read_bytes())
        tap.ok((second.path / "custody.nae").read_bytes() != former, "claim 35: the new file is another one")
        second.start(ready=False)
        tap.ok(wait_until(lambda: second.nae("key", "show", "k").returncode == 0, 60), "claim 35: and starts with the file of the new ones", second.log.read_text()[-1000:])
        second.stop()
    finally:
        store.control("stop", "-m", "immediate")
