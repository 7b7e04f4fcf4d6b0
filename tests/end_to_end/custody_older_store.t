#!/usr/bin/python3 -B
# Stores and backups of an older release, and custodians' cards: a sealed backup of a SQLite store with the schema of before comes back by cards
# and goes into a PostgreSQL, and a token that was lost beside a PostgreSQL store with the schema of before is brought back before any start.
import json
import pathlib
import re
import shutil
import sqlite3
import subprocess
import types

from cluster import Cluster
from custody_file import AUDIT, GROUP_KEY, Backup, combine, load
from harness import KEY_SERVER, KeyServer, Tap, give_to_owner, run, scratch_directory, wait_until
from key_servers import in_charge, in_store
from software_cards import certificates, make_cards

PORT = 5450
# What the newest step of the schema has made: keyserver/store/sqlite/schema.cpp.
TO_SCHEMA_9 = "DROP TABLE key_certificates; PRAGMA user_version = 9"
# And keyserver/store/postgresql/schema.cpp.
TO_SCHEMA_1 = """
ALTER TABLE audit_head DROP CONSTRAINT audit_head_one_fkey;
CREATE TABLE before AS SELECT number, name FROM nodes;
DROP TABLE nodes;
CREATE TABLE nodes (
  number BIGINT NOT NULL PRIMARY KEY CHECK (number BETWEEN 1 AND 65535),
  name TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(name) > 0),
  run TEXT COLLATE "C" NOT NULL DEFAULT '',
  beat BIGINT NOT NULL DEFAULT 0 CHECK (beat >= 0),
  duration_ms BIGINT NOT NULL DEFAULT 1 CHECK (duration_ms > 0),
  state BIGINT NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
  version TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL DEFAULT '',
  epoch BIGINT NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  heard_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
INSERT INTO nodes (number, name) SELECT number, name FROM before;
DROP TABLE before;
ALTER TABLE audit_head ADD CONSTRAINT audit_head_one_fkey FOREIGN KEY (one) REFERENCES nodes (number);
DELETE FROM migrations;
INSERT INTO migrations (version) VALUES (1)
"""

with Tap() as tap:
    scratch = scratch_directory()
    names = ("alice", "bob", "carol")
    make_cards(scratch, names)
    server = KeyServer(scratch / "server")
    path = server.path
    run(KEY_SERVER, "init", "--directory", path, "--listen", "127.0.0.1:0", "--custody", "2/3", *certificates(scratch, names)).check_returncode()
    server.config.write_text(server.config.read_text() + "[approval]\nrequired = ['admin-change', 'backup']\nby_cards = ['backup']\ncards = 2\ncustody = 'custody.nae'\n")
    (scratch / "backups").mkdir()
    give_to_owner(scratch / "backups")
    out = scratch / "backups/newer.nae"

    def cards_of(*holders):
        return [word for name in holders for word in ("--software-card", scratch / f"{name}.card", "--passphrase-file", scratch / f"{name}.pass")]

    def tokens():
        return list((path / "hsm/tokens").iterdir())

    def lose_token():
        for token in tokens():
            shutil.rmtree(token)

    def restore(*words):
        return run(KEY_SERVER, "restore", "--config", server.config, *words)

    server.start()
    server.must("key", "create", "k", "--type", "aes-256-gcm")
    request = json.loads(server.nae("backup", "--out", out, "--json").stdout)["approval"]["id"]
    for name in ("alice", "bob"):
        server.nae("custody", "approve", request, "--yes", *cards_of(name))
    server.must("backup", "--out", out, "--granted", request)
    server.stop()

    # As a release before would have made it, by another implementation and two cards.
    backup = Backup(out.read_bytes())
    secret = combine([backup.custody.share(x, load((scratch / f"{name}.key").read_bytes())) for x, name in enumerate(names[:2], 1)])
    group_key = backup.custody.unwrap(secret, GROUP_KEY)
    (scratch / "older.db").write_bytes(backup.open(group_key))
    with sqlite3.connect(scratch / "older.db") as older:
        (newest,), = older.execute("PRAGMA user_version")
        tap.is_(newest, 10, "the schema of before is one step before that of now")
        older.executescript(TO_SCHEMA_9)
    older.close()
    sealed = scratch / "backups/older.nae"
    sealed.write_bytes(backup.sealed_again((scratch / "older.db").read_bytes(), group_key, backup.custody.unwrap(secret, AUDIT)))
    give_to_owner(sealed)

    bindir = pathlib.Path(subprocess.run(["/usr/lib/postgresql/15/bin/pg_config", "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
    store = Cluster(types.SimpleNamespace(path=scratch, psql=bindir / "psql", pg_ctl=bindir / "pg_ctl"), scratch / "store", port=PORT)
    store.initialize()
    store.configure()
    store.control("start")
    try:
        url = f"postgresql:///postgres?user=postgres&host={scratch}&port={PORT}"
        in_file = server.config.read_text()
        lose_token()
        for file in path.glob("keys.db*"):
            file.unlink()

        # Into a PostgreSQL it goes by a file, which is said before a card is asked.
        in_store(server, url, "ks1")
        in_group = server.config.read_text()
        for cards in (cards_of("alice", "bob"), ()):
            done = restore("--backup", sealed, *cards)
            tap.ok(done.returncode == 1 and re.search("the store is a PostgreSQL, and the backup is one of SQLite.*\n.*Restore into a file, and then: nae-keyserver move-store", done.stderr)
                   and not tokens() and not (path / "restore.unfinished").exists(), f"a sealed backup is not restored into a PostgreSQL, {'with' if cards else 'without'} cards, and what to do is said", done.stderr)
        server.config.write_text(in_file)
        done = restore("--backup", sealed, *cards_of("alice", "bob"))
        tap.ok(done.returncode == 0 and re.search(r"opened +1 key versions", done.stdout), "into a file it is, with the schema of before", done.stdout + done.stderr)
        accepted = run(KEY_SERVER, "accept-store-rollback", "--config", server.config, "--reason", "restored")
        tap.ok(accepted.returncode == 0, "what was recorded since is accepted as missing", accepted.stderr)
        moved = run(KEY_SERVER, "move-store", "--config", server.config, "--to", url)
        tap.ok(moved.returncode == 0, "and from there into the PostgreSQL", moved.stderr)
        server.config.write_text(in_group)
        server.start(ready=False)
        tap.ok(wait_until(lambda: in_charge(server), 60), "where the server starts with it", server.log.read_text()[-1500:])
        tap.like(server.must("key", "show", "k"), "active", "and has its keys")
        server.must("key", "rotate", "k")
        server.stop()

        # The token is lost when this release is there, and the store is still of the one before: no server can start first.
        answer = store.ask("SET search_path = nae_store", *TO_SCHEMA_1.strip().split(";\n"), role=None, database="postgres")
        tap.is_(answer.state, "", "the PostgreSQL store is given the schema of before")
        lose_token()
        done = restore("--custody", path / "custody.nae", *cards_of("bob", "carol"))
        tap.ok(done.returncode == 0 and re.search(r"opened +2 key versions", done.stdout), "beside a PostgreSQL store of an older release the cards bring the keys back", done.stdout + done.stderr)
        server.start(ready=False)
        tap.ok(wait_until(lambda: in_charge(server), 60), "and the server starts with it", server.log.read_text()[-1500:])
        tap.like(server.must("key", "show", "k"), "active", "and its keys")
        tap.like(server.must("audit", "query", "--json", "--limit", "10000"), "keys-restored.*bob, carol", "and whose cards they were is on record")
        server.stop()
        verified = run(KEY_SERVER, "verify-store", "--config", server.config)
        tap.ok(verified.returncode == 0, "the store is whole", verified.stderr)
    finally:
        store.control("stop", "-m", "immediate")
