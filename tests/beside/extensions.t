#!/usr/bin/python3 -B
# Extensions that people load beside pg_nae, before it and after it: encrypted columns answer as their plaintext twins, and no log has their values.
import re
import sys

from twins import CANARY, SCHEMAS, asked, both, stack
from cluster import program
from harness import Tap, run, wait_until

PRELOADED = ["pg_nae", "pg_stat_statements", "auto_explain", "pgaudit", "plpgsql_check", "pg_cron"]
SETTINGS = """
pg_stat_statements.track = all
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_verbose = on
auto_explain.log_nested_statements = on
auto_explain.log_parameter_max_length = -1
pgaudit.log = all
pgaudit.log_relation = on
pgaudit.log_parameter = off
cron.database_name = nae_test
cron.use_background_workers = on
max_worker_processes = 20
wal_level = logical
log_min_error_statement = panic
"""
# Everyday statements; {s} is the schema. The values are in parameters: literals of a statement are what auditors ask pgaudit for.
QUERIES = {
    "a point select": "SELECT name, balance FROM {s}.customer WHERE ssn = $1",
    "an aggregate": "SELECT vip, count(*), sum(balance), max(born) FROM {s}.customer WHERE age > length($1) GROUP BY vip ORDER BY vip",
    "a join": "SELECT c.name, sum(p.price) FROM {s}.customer c JOIN {s}.purchase p ON p.customer_id = c.id WHERE c.ssn <> $1 GROUP BY c.name ORDER BY 1 LIMIT 5",
    "an update": "UPDATE {s}.customer SET balance = balance + 1 WHERE ssn = $1 RETURNING balance",
    "an upsert": "INSERT INTO {s}.customer (ssn, age) VALUES ($1, 1) ON CONFLICT (ssn) DO UPDATE SET age = EXCLUDED.age + 40 RETURNING age",
}
VALUE = f"{CANARY}-3"
FUNCTION = """CREATE OR REPLACE FUNCTION {s}.total(who text) RETURNS numeric LANGUAGE plpgsql AS $f$
DECLARE r {s}.customer%ROWTYPE; total numeric := 0; p record;
BEGIN
  SELECT * INTO r FROM {s}.customer WHERE ssn = who;
  FOR p IN SELECT price FROM {s}.purchase WHERE customer_id = r.id LOOP total := total + p.price; END LOOP;
  UPDATE {s}.customer SET balance = total WHERE id = r.id;
  RETURN total + r.balance;
END $f$"""


def restarted(made, order):
    with open(made.path / "data" / "postgresql.conf", "a") as file:
        file.write(f"\nshared_preload_libraries = '{','.join(order)}'\n")
    done = run(made.pg_ctl, "-D", made.path / "data", "-l", made.path / "postgresql.log", "-w", "-m", "fast", "restart")
    if done.returncode != 0:
        raise RuntimeError(f"{done.stdout}{done.stderr}{(made.path / 'postgresql.log').read_text()[-2000:]}")
    made.reconnected()


def log_of(made, ask):
    """What PostgreSQL writes to its log while this is asked."""
    log = made.path / "postgresql.log"
    before = log.stat().st_size
    ask()
    with open(log, errors="replace") as file:
        file.seek(before)
        return file.read()


def same_twice(tap, made, name):
    """The queries of both schemas, and what each extension saw of them."""
    session, superuser = made.session("nae_all"), made.session(None)
    asked(superuser, "SELECT pg_stat_statements_reset()")

    def queries(schema):
        return [asked(session, f"PREPARE q AS {text.format(s=schema)}", f"EXECUTE q('{VALUE}')") + asked(session, "DEALLOCATE q") for text in QUERIES.values()]
    both(tap, queries, f"{name}: everyday statements")
    written = {schema: log_of(made, lambda schema=schema: queries(schema)) for schema in SCHEMAS}

    def audited(schema):
        lines = re.findall(r"AUDIT: SESSION,\d+,\d+,(\w+),([\w ]+),(\w*),([\w.]*),", written[schema])
        # It writes a line for each function outside pg_catalog, and those that open a column are in schema nae.
        return [(kind, command, sort, where.replace(schema, "s")) for kind, command, sort, where in lines if not where.startswith("nae")]
    tap.ok(("READ", "SELECT", "TABLE", "s.customer") in audited("secret"), f"{name}: pgaudit sees the tables", *audited("secret"))
    both(tap, audited, f"{name}: pgaudit")
    tap.ok(len(re.findall(r"duration: .* plan:", written["secret"])) >= len(QUERIES), f"{name}: auto_explain writes a plan for each", written["secret"][-2000:])
    calls = re.findall(r"^\s*Calls: .*", written["secret"], re.M)
    tap.ok(calls and not any(CANARY in line for line in calls), f"{name}: and no value where a batch shows what it asks", *calls)
    # PREPARE is written as it was sent; what was planned of it is what both count.
    seen = f"SELECT query, calls, rows FROM pg_stat_statements WHERE query LIKE '%%{{s}}.%%' AND query NOT LIKE '%%pg_stat_statements%%' ORDER BY query COLLATE \"C\""
    both(tap, lambda schema: asked(superuser, seen.replace("%%", "%").format(s=schema)).replace(schema, "s"), f"{name}: pg_stat_statements")
    tap.is_(asked(superuser, f"SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%{CANARY}%' AND query !~ '^(EXECUTE|SELECT count)'"), "0",
            f"{name}: pg_stat_statements has no value")

    for schema in SCHEMAS:
        asked(session, FUNCTION.format(s=schema))
    both(tap, lambda schema: asked(session, f"SELECT {schema}.total('{VALUE}'), {schema}.total('{CANARY}-4')"), f"{name}: PL/pgSQL")
    check = "SELECT coalesce(string_agg(plpgsql_check_function, E'\\n'), 'no finding') FROM plpgsql_check_function('{s}.total(text)', extra_warnings => true)"
    both(tap, lambda schema: asked(superuser, check.format(s=schema)), f"{name}: plpgsql_check")
    wrong = "CREATE FUNCTION {s}.wrong() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN PERFORM nme FROM {s}.customer; RETURN 1; END $f$"
    asked(session, *(wrong.format(s=schema) for schema in SCHEMAS))
    both(tap, lambda schema: asked(superuser, f"SELECT plpgsql_check_function('{schema}.wrong()')").replace(schema, "s"), f"{name}: plpgsql_check of a column that is none")
    asked(session, *(f"DROP FUNCTION {schema}.wrong()" for schema in SCHEMAS))
    session.close()
    superuser.close()


def hypothetical(tap, made):
    session = made.session(None)
    # auto_explain would look for the index when the statement ends, and hypopg no longer tells it the name.
    asked(session, "SET auto_explain.log_min_duration = -1", "SET ROLE nae_all")

    def plan(schema):
        asked(session, "SET enable_seqscan = off", "SET enable_bitmapscan = off", "SELECT hypopg_reset()", f"SELECT 1 FROM hypopg_create_index('CREATE INDEX ON {schema}.customer (ref)')")
        return re.sub(r"<\d+>|\s*\(cost.*?\)|secret|plain", "", asked(session, f"EXPLAIN SELECT id FROM {schema}.customer WHERE ref = md5('3')::uuid")).splitlines()[0]
    tap.like(both(tap, plan, "hypopg: a hypothetical index"), "Index.*Scan using .*btree__customer_ref", "hypopg: it is used")
    session.close()


def partitioned(tap, made):
    """pg_partman makes partitions, moves rows into them and drops old ones."""
    superuser, session = made.session(None), made.session("nae_all")
    asked(superuser, "CREATE SCHEMA partman", "CREATE EXTENSION pg_partman SCHEMA partman", "GRANT USAGE ON SCHEMA partman TO nae_all",
          "GRANT ALL ON ALL TABLES IN SCHEMA partman TO nae_all")
    for schema, kind in zip(SCHEMAS, ("text", "nae.enc_text('customer-pii')")):
        asked(session, f"CREATE TABLE {schema}.event (at date NOT NULL, note {kind}) PARTITION BY RANGE (at)")
        asked(superuser, f"SELECT partman.create_parent('{schema}.event', 'at', 'native', 'monthly', p_start_partition => '2024-01-01', p_premake => 2)")
        asked(session, f"INSERT INTO {schema}.event SELECT date '2023-11-01' + n, '{CANARY} ' || n FROM generate_series(1, 200) n")
        # Rows before the first partition lie in the default one. Who moves them has no right to a key: they are moved as ciphertext.
        asked(superuser, "SET nae.transparent = off", f"CALL partman.partition_data_proc('{schema}.event')")
    placed = "SELECT tableoid::regclass::text, count(*), min(note), max(note) FROM {s}.event GROUP BY 1 ORDER BY 1"
    both(tap, lambda schema: asked(session, placed.format(s=schema)).replace(schema, "s"), "pg_partman: rows move into partitions")
    superuser.close()
    session.close()


def scheduled(tap, made):
    """A job of pg_cron runs in the name of who scheduled it."""
    session, superuser = made.session("nae_all"), made.session(None)
    asked(superuser, "GRANT USAGE ON SCHEMA cron TO nae_all")
    for schema in SCHEMAS:
        asked(session, f"SELECT cron.schedule('{schema}', '* * * * *', $j$INSERT INTO {schema}.customer (ssn, name) SELECT 'cron', name || ' by cron' FROM {schema}.customer "
                       f"WHERE ssn = '{VALUE}' ON CONFLICT DO NOTHING$j$)")
    ended = "SELECT count(DISTINCT jobid) FROM cron.job_run_details WHERE status IN ('succeeded', 'failed')"
    tap.ok(wait_until(lambda: asked(superuser, ended) == "2", 130), "pg_cron: both jobs run", asked(superuser, "SELECT * FROM cron.job_run_details"))
    both(tap, lambda schema: asked(session, f"SELECT name FROM {schema}.customer WHERE ssn = 'cron'"), "pg_cron: a job reads and writes")
    tap.is_(asked(superuser, "SELECT DISTINCT status FROM cron.job_run_details"), "succeeded", "pg_cron: no run failed")
    session.close()
    superuser.close()


def decoded(tap, made):
    """wal2json tells what is stored, by type and value, and a consumer can store it again."""
    superuser, session = made.session(None), made.session("nae_all")
    if asked(superuser, "SELECT count(*) FROM pg_settings WHERE name = 'output_plugin_libraries'") == "1":  # PostgreSQL's newer minor versions
        asked(superuser, "ALTER SYSTEM SET output_plugin_libraries = 'wal2json'", "SELECT pg_reload_conf()")
        wait_until(lambda: asked(superuser, "SHOW output_plugin_libraries") == "wal2json")
    asked(superuser, "SELECT 1 FROM pg_create_logical_replication_slot('json', 'wal2json')")
    for schema in SCHEMAS:
        asked(session, f"UPDATE {schema}.customer SET name = '{CANARY} decoded' WHERE id = 7", f"DELETE FROM {schema}.purchase WHERE id = 1")
    changes = "SELECT data FROM pg_logical_slot_peek_changes('json', NULL, NULL, 'format-version', '2', 'include-transaction', 'off')"
    shape = ("SELECT string_agg(concat_ws(' ', d->>'action', d->>'table', (SELECT string_agg(c->>'name', ',') FROM jsonb_array_elements(d->'columns') c)), ';') "
             f"FROM ({changes}) AS c (text), LATERAL (SELECT text::jsonb) AS l (d) WHERE d->>'schema' = '{{s}}'")
    both(tap, lambda schema: asked(superuser, shape.format(s=schema)), "wal2json: the same changes")
    stream = asked(superuser, changes.replace("peek", "get") + " AS s WHERE data LIKE '%\"secret\"%'")
    tap.ok(stream and CANARY not in stream, "wal2json: no plaintext of an encrypted column", stream)
    superuser.close()
    session.close()


with Tap() as tap, stack(f"{SETTINGS}\nshared_preload_libraries = '{','.join(PRELOADED)}'\n") as made:
    superuser = made.session(None)
    asked(superuser, *(f"CREATE EXTENSION {name}" for name in ("pg_stat_statements", "pgaudit", "plpgsql_check", "hypopg", "pg_cron")))
    asked(superuser, "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO nae_all")
    same_twice(tap, made, "pg_nae first")
    hypothetical(tap, made)
    partitioned(tap, made)
    decoded(tap, made)
    scheduled(tap, made)
    superuser.close()
    restarted(made, PRELOADED[::-1])
    same_twice(tap, made, "pg_nae last")
