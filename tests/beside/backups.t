#!/usr/bin/python3 -B
# pgBackRest backs a database with encrypted columns up and restores it to a point in time: no value in the repository, every value after it.
import pathlib

from twins import CANARY, SCHEMAS, asked, both, stack
from cluster import Cluster
from harness import Tap, give_to_owner, run, scratch_directory, wait_until

CONFIGURATION = """[global]
repo1-path={repository}
log-path={repository}/log
lock-path={repository}/lock
spool-path={repository}/spool
compress-type=none
start-fast=y
log-level-console=warn
[main]
pg1-path={data}
pg1-port=5432
pg1-socket-path={socket}
"""


def holds(directory, text):
    return [path for path in pathlib.Path(directory).rglob("*") if path.is_file() and text in path.read_bytes()]


scratch = scratch_directory()
configuration = scratch / "pgbackrest.conf"
with Tap() as tap, stack(f"archive_mode = on\narchive_command = 'pgbackrest --config={configuration} --stanza=main archive-push %p'\n") as made:
    repository = scratch / "repository"
    for path in (repository, repository / "log", repository / "lock", repository / "spool"):
        path.mkdir()
        give_to_owner(path)
    configuration.write_text(CONFIGURATION.format(repository=repository, data=made.path / "data", socket=made.path / "run"))
    configuration.chmod(0o644)

    def backrest(*words):
        done = run("pgbackrest", f"--config={configuration}", "--stanza=main", *words, seconds=240)
        if done.returncode != 0:
            raise RuntimeError(f"pgbackrest {words}: {done.stdout}{done.stderr}")
        return done.stdout

    session, superuser = made.session("nae_all"), made.session(None)
    both_tables = "SELECT md5(string_agg(concat_ws('|', c.*, p.item, p.price), ';' ORDER BY c.id, p.id)) FROM {s}.customer c JOIN {s}.purchase p ON p.customer_id = c.id"
    backrest("stanza-create")
    backrest("--type=full", "backup")
    for schema in SCHEMAS:
        asked(session, f"UPDATE {schema}.customer SET name = name || ' changed' WHERE id % 2 = 0", f"INSERT INTO {schema}.customer (ssn, name) VALUES ('late', '{CANARY} late')")
    asked(superuser, "SELECT 1 FROM pg_create_restore_point('wanted')")
    wanted = both(tap, lambda schema: asked(session, both_tables.format(s=schema)), "what is to come back")
    for schema in SCHEMAS:
        asked(session, f"DELETE FROM {schema}.customer", f"INSERT INTO {schema}.customer (ssn, name) VALUES ('only-in-{schema}', 'only-in-{schema}')")
    backrest("--type=incr", "backup")
    tap.like(backrest("info"), "incr backup", "a full and an incremental backup")
    backrest("check")

    restored = Cluster(made, scratch / "restored")
    restored.data.mkdir(mode=0o700)
    give_to_owner(restored.data)
    first = backrest("info").split("full backup: ")[1].split()[0]
    backrest(f"--pg1-path={restored.data}", f"--set={first}", "--type=name", "--target=wanted", "--target-action=promote", "restore")
    restored.configure(archive_mode="off", nae__agent="external", nae__agent_socket=made.agent_socket)
    restored.control("start")
    tap.ok(wait_until(lambda: restored.ask("SELECT pg_is_in_recovery()").out == "f"), "the restored server is promoted")
    both(tap, lambda schema: restored.ask(both_tables.format(s=schema)).out, "restored to the point")
    tap.is_(restored.ask(both_tables.format(s="secret")).out, wanted, "with what stood there then")
    tap.is_(restored.ask("SELECT name FROM secret.customer WHERE ssn = 'late'").out, f"{CANARY} late", "found by index")
    tap.is_(restored.ask("INSERT INTO secret.customer (ssn, name) VALUES ('new', 'new') RETURNING name").out, "new", "and written")
    restored.control("-m", "fast", "stop")
    tap.ok(holds(repository, b"only-in-plain"), "the repository holds what a plaintext column had")
    tap.is_(holds(repository, b"only-in-secret"), [], "and nothing of an encrypted one")
