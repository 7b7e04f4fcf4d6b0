#!/usr/bin/python3 -B
# The plan checker sees what it is for: faults of the surgery on plans that were mended, made again in a build
# for tests. Each is refused before anything runs, and where that is no error the statement runs without batches.
import os
import shutil
import subprocess

from harness import ROOT, Stack, Tap, scratch_directory

KEYS = "index-key:hmac-sha-256 col-rnd:aes-256-gcm col-det:aes-256-siv"
SETUP = f"""
CREATE TABLE many (id int PRIMARY KEY, ok bool, n nae.enc_int8('col-rnd'), note nae.enc_text('col-rnd'), plain text);
INSERT INTO many SELECT i, i % 2 = 0, i, 'n' || i % 5, 'n' || i % 5 FROM generate_series(1, 40) i;
CREATE TABLE few (id int, note nae.enc_text('col-rnd'));
INSERT INTO few VALUES (1, 'n1'), (2, 'n2'), (3, NULL);
CREATE TABLE keyed (id int, a nae.enc_det_text('col-det'), b nae.enc_det_text('col-det', 'context=other'));
INSERT INTO keyed VALUES (1, 'x', 'x'), (2, 'x', 'y');
CREATE TABLE wide (id int, {', '.join(f"c{i} nae.enc_int4('col-rnd')" for i in range(90))});
INSERT INTO wide (id, c0, c89) VALUES (1, 1, 1);
ANALYZE many, few;
SET enable_hashagg = off; SET enable_material = off; SET enable_indexscan = off; SET enable_bitmapscan = off;
SET enable_mergejoin = off
"""
CORRELATED = """SELECT a.id, (SELECT string_agg(q.x, ',' ORDER BY q.x) FROM (VALUES (1), (2)) v(i) LEFT JOIN
  (SELECT ok, max(encode(nae_mac('index-key', b.plain || a.id), 'hex')) AS x FROM many b GROUP BY ok OFFSET 0) q ON true)
  FROM few a ORDER BY a.id"""
JOIN = "SELECT count(*) FROM many a JOIN many b ON upper(a.note) = lower(b.note) || ''"
# A sub-select that decrypts nothing: what it is compared by does.
HANDED_ON = "SELECT note FROM few UNION ALL SELECT note FROM few"
# The fault, what the checker says, and a statement that meets it.
PLANTED = [
    ("calls of sub-plans", "a node below reads a parameter that this one does not pass on",
     f"SELECT count(note IN ({HANDED_ON})) FROM many"),
    ("calls of sub-plans", "a node below reads a parameter that this one does not pass on",
     f"SELECT count(a.id) FROM many a JOIN many b ON a.ok = (b.note IN ({HANDED_ON}))"),
    ("silent parameters", "a parameter is read whose changes are not signalled", CORRELATED),
    ("wide rows", "a row has too many columns",
     f"SELECT {', '.join(f'w{i}.*' for i in range(10))} FROM wide w0 {' '.join(f'JOIN wide w{i} USING (id)' for i in range(1, 10))} "
     "ORDER BY w1.id + w2.id"),
    ("sorted below its key", "rows are sorted or grouped by a column of another type",
     "SELECT n FROM many ORDER BY n"),
    ("next column", "a column is read that the node below does not emit", "SELECT max(upper(note)) FROM many"),
    ("first column", "a column is read as one of another type", "SELECT max(note) FROM many"),
    ("short hash", "a column is read that the node below does not emit", JOIN),
    ("run of a window", "a run of a window ends by something else than a window function",
     "SELECT max(note), count(note) FROM (SELECT note, row_number() OVER (ORDER BY id) AS n FROM many) q WHERE n <= 5"),
    ("argument for result", "a column is read as one of another type", "SELECT n FROM many ORDER BY id"),
]
# The same of the rewriting of queries, and what the checker of queries says (columns/typing.hpp).
MISTYPED = [
    ("waiting group", "a column is read as one of another type or key",
     "SELECT count(*) FROM (SELECT note FROM many GROUP BY note) s WHERE note IS NOT NULL"),
    ("waiting group", "a column is read as one of another type or key",
     "INSERT INTO few SELECT 9, note FROM (SELECT note FROM many GROUP BY note) s WHERE false"),
    ("stored keys", "a key is compared as one of another type", "SELECT n FROM many ORDER BY n"),
    ("stored keys", "a key is compared as one of another type", "SELECT DISTINCT note FROM many"),
    ("stored arguments", "function json_agg is given an encrypted value that it is not declared for",
     "SELECT json_agg(n) FROM (SELECT n FROM many WHERE id < 3) s"),
    ("stored arguments", "function concat is given an encrypted value that it is not declared for",
     "SELECT id FROM few WHERE concat(note) = 'n1'"),
    ("other keys", "ciphertexts are compared that need not be of one key", "SELECT id FROM keyed WHERE a = b"),
    ("waiting value", 'column "note" would be written with a value that is not encrypted for it',
     "UPDATE few SET note = 'x' WHERE false"),
]


def build():
    """The extension as tests want it, beside the checkout, whose objects are those that are installed."""
    copy = scratch_directory()
    copy.chmod(0o755)
    for folder in ("pg_nae", "libnae"):
        shutil.copytree(ROOT / folder, copy / folder)
    shutil.copy(ROOT / "VERSION", copy)
    extension = copy / "pg_nae"
    compiler = "ccache g++" if shutil.which("ccache") else "g++"
    # Not the one of the PATH, which may be a stack's copy, without headers.
    postgresql = os.environ.get("PG_CONFIG", "/usr/lib/postgresql/15/bin/pg_config")
    environment = {**os.environ, "CCACHE_BASEDIR": str(copy), "CCACHE_NOHASHDIR": "1", "PG_CONFIG": postgresql}
    subprocess.run(["make", "-s", "-C", extension, "clean"], check=True, capture_output=True)
    subprocess.run(["make", "-s", "-C", extension, f"-j{os.cpu_count()}", "NAE_CHECK_FATAL=1", f"CXX={compiler}"],
                   check=True, stdout=subprocess.DEVNULL, env=environment)
    return extension


os.environ["NAE_EXTENSION"] = str(build())
with Tap() as tap, Stack(keys=KEYS) as stack:
    stack.sql(None, "GRANT CREATE ON SCHEMA public TO nae_all; GRANT SELECT ON nae_stat_batch TO nae_all; "
                    "GRANT EXECUTE ON FUNCTION nae_batch_stats() TO nae_all")
    session = stack.session("nae_all")
    tap.is_(session.ask(SETUP).state, "", "set up")
    for fault, words, query in PLANTED:
        session.ask("SET nae.plant = ''; SET nae.check_fatal = on; SET nae.batch = off")
        expected = session.ask(query)
        session.ask("SET nae.batch = on")
        tap.is_(session.ask(query).text, expected.text, f"{fault}: without it the plan is right")
        session.ask(f"SET nae.plant = '{fault}'")
        refused = session.ask(query)
        tap.is_((refused.state, refused.message.partition(" (node")[0]), ("XX000", f"batched plan refused: {words}"),
                f"{fault}: refused")
        session.ask("SET nae.check_fatal = off")
        before = int(session.ask("SELECT refused_plans FROM nae_stat_batch").out)
        tap.is_(session.ask(query).text, expected.text, f"{fault}: runs without batches where that is no error")
        tap.ok(int(session.ask("SELECT refused_plans FROM nae_stat_batch").out) > before, f"{fault}: and is counted")
    _, told, after = (stack.path / "postgresql.log").read_text().partition("LOG:  batched plan refused: ")
    tap.ok(told and "LOG:  batched plan refused: " not in after, "the log tells of the first")
    tap.ok("few" not in after.partition("HINT:")[0], "and not of the statement", after[:300])
    for fault, words, query in MISTYPED:
        session.ask("SET nae.plant = ''")
        tap.is_(session.ask(query).state, "", f"{fault}: without it the statement runs: {query}")
        session.ask(f"SET nae.plant = '{fault}'")
        refused = session.ask(query)
        tap.is_((refused.state, refused.message), ("0A000", words), f"{fault}: refused: {query}")
