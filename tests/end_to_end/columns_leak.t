#!/usr/bin/python3 -B
# A plaintext that went through encrypted columns in every way is searched in whatever PostgreSQL keeps.
import base64
import os
import secrets

from bound import BoundSession
from columns import asked
from harness import Stack, Tap, run

# Statements are PostgreSQL's to log: here all are, and the canary comes in parameters alone.
POSTGRESQL = """
shared_preload_libraries = 'pg_nae, pg_stat_statements'
log_statement = all
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_min_messages = debug1
log_temp_files = 0
work_mem = 64kB
log_error_verbosity = verbose
wal_level = logical
autovacuum = off
"""
TABLE = """CREATE TABLE note (id int PRIMARY KEY, secret nae.enc_text('customer-pii') NOT NULL CHECK (length(secret) < 100),
    unique_secret nae.enc_det_text('customer-ssn') UNIQUE, amount nae.enc_int4('customer-pii'), doc nae.enc_jsonb('customer-pii'), plain text)"""


def shapes(text):
    raw = text.encode()
    encoded = [base64.b64encode(bytes(skip) + raw)[4 * skip:-4] for skip in range(3)]
    return [raw, raw.hex().encode(), raw.hex().upper().encode(), raw.decode().encode("utf-16-le"), *encoded]


def holds(data, text):
    return any(shape in data for shape in shapes(text))


def holders(root, text):
    """Files below a directory, without the copied installation."""
    return [str(file.relative_to(root)) for file in sorted(root.rglob("*"))
            if file.is_file() and not file.is_symlink() and file.relative_to(root).parts[0] != "postgresql" and holds(file.read_bytes(), text)]


with Tap() as tap, Stack(postgresql=POSTGRESQL) as stack:
    canary, control = (f"canary {secrets.token_hex(12)}" for _ in range(2))
    session = BoundSession(stack)
    errors = []

    def ask(query, *parameters, state=None):
        got = session.ask(query, *parameters)
        if isinstance(got, str):
            errors.append(session.error)
        if (got if isinstance(got, str) else None) != state:
            raise RuntimeError(f"{query}: {got} {getattr(session, 'error', '')}")
        return got

    ask("CREATE EXTENSION pg_stat_statements")
    ask("SET ROLE nae_all")
    ask(TABLE)
    # in
    for n in range(1, 41):
        ask("INSERT INTO note VALUES ($1, $2, $3, 5, $4, $5)", str(n), canary, f"{canary} {n}", f'{{"x": "{canary}"}}', control)
    ask("INSERT INTO note VALUES ($1, $2, $3), ($4, $2, $5) RETURNING secret", "41", canary, f"{canary} 41", "42", f"{canary} 42")
    ask("INSERT INTO note SELECT n, $1 || n, $1 || n FROM generate_series(100, 2000) n", canary)
    ask("UPDATE note SET secret = $1 WHERE id < 10", canary + " updated")
    ask("UPDATE note SET secret = secret || $1 WHERE id = 11", canary)
    ask("INSERT INTO note (id, secret, unique_secret) VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE SET secret = excluded.secret", canary, canary)
    ask("MERGE INTO note USING (VALUES (43, $1::text)) AS v (id, t) ON note.id = v.id WHEN MATCHED THEN UPDATE SET secret = t "
        "WHEN NOT MATCHED THEN INSERT (id, secret) VALUES (v.id, t)", canary)
    ask("CREATE TABLE copied AS SELECT id, secret, unique_secret FROM note")
    ask("CREATE MATERIALIZED VIEW kept AS SELECT id, secret, unique_secret FROM note")
    ask("CREATE TEMP TABLE temporary AS SELECT * FROM note")
    ask("CREATE INDEX ON copied (unique_secret)")
    copy = stack.path.with_name("copied.txt")  # beside the stack: what is searched must not hold it
    copy.write_text("".join(f"{n}\t{canary} {n}\t{canary} {n}\n" for n in range(3000, 6000)))
    copy.chmod(0o644)
    psql = stack.session("nae_all")
    asked(psql, f"\\copy note (id, secret, unique_secret) FROM '{copy}'\nSELECT 1")
    copy.write_text(f"9001\t{canary} 9001\t{canary} 9001\textra\n")
    errors.append(psql.ask(f"\\copy note (id, secret, unique_secret) FROM '{copy}'\nSELECT 1").text)
    copy.write_text(f"1\t{canary} 9001\t{canary} 9001\n")
    errors.append(psql.ask(f"\\copy note (id, secret, unique_secret) FROM '{copy}'\nSELECT 1").text)
    copy.write_text(f"9001\t{canary}{'x' * 200}\t{canary} 9001\n")
    errors.append(psql.ask(f"\\copy note (id, secret, unique_secret) FROM '{copy}'\nSELECT 1").text)
    copy.write_text(f"9001\tx\tx\t{canary}\n")
    errors.append(psql.ask(f"\\copy note (id, secret, unique_secret, amount) FROM '{copy}'\nSELECT 1").text)
    # out
    tap.is_(ask("SELECT id FROM note WHERE unique_secret = $1", f"{canary} 7"), ["7"], "a search finds its row")
    ask("SELECT id FROM note WHERE secret = $1", canary)
    ask("SELECT id FROM note WHERE secret LIKE $1", canary + "%")
    ask("SELECT secret FROM note ORDER BY secret DESC")
    ask("SELECT DISTINCT unique_secret FROM note")
    ask("SELECT secret, count(*) FROM note GROUP BY secret")
    ask("SET enable_hashjoin = off")
    ask("SELECT count(*) FROM note a JOIN copied b ON a.unique_secret = b.unique_secret")
    ask("SELECT count(*) FROM note a JOIN copied b ON a.secret = b.secret WHERE a.id < 50 AND b.id < 50")
    ask("BEGIN")
    ask("DECLARE held SCROLL CURSOR WITH HOLD FOR SELECT secret FROM note")
    ask("COMMIT")
    ask("FETCH 10 FROM held")
    temporary = [str(file) for file in (stack.path / "data/base/pgsql_tmp").glob("*") if holds(file.read_bytes(), canary)]
    tap.ok(temporary, "the exception: what a query sorts or holds beyond work_mem stands in temporary files while it runs")
    ask("CLOSE held")
    # errors
    ask("INSERT INTO note VALUES ($1, $2, $3)", "9001", canary, f"{canary} 7", state="23505")
    ask("INSERT INTO note VALUES ($1, $2, $3)", "9001", canary + "x" * 200, "x", state="23514")
    ask("INSERT INTO note (id, unique_secret) VALUES ($1, $2)", "9001", canary, state="23502")
    ask("UPDATE note SET unique_secret = $1 WHERE id = 8", f"{canary} 7", state="23505")
    ask("CREATE TABLE child (s nae.enc_det_text('customer-ssn') REFERENCES note (unique_secret))")
    ask("INSERT INTO child VALUES ($1)", canary, state="23503")
    ask("CREATE TABLE range1 (id int, s nae.enc_text('customer-pii')) PARTITION BY RANGE (id)")
    ask("INSERT INTO range1 VALUES ($1, $2)", "5", canary, state="23514")
    # what PostgreSQL's own functions quote of values that were decrypted, or are to be encrypted
    ask("SELECT secret::int FROM note", state="22P02")
    ask("SELECT unique_secret::date FROM note WHERE id = 1", state="22007")
    ask("SELECT (secret || '{')::json FROM note WHERE id = 1", state="22P02")
    ask("SELECT date_part(secret, now()) FROM note WHERE id = 1", state="22023")
    ask("SELECT secret::regclass FROM note WHERE id = 1", state="42602")
    ask("INSERT INTO note (id, secret, amount) VALUES (9001, 'x', $1::text::int)", canary, state="22P02")
    ask("SELECT id FROM note WHERE amount = $1::text::int", canary, state="22P02")
    ask("INSERT INTO note (id, amount) VALUES (9001, $1)", canary, state="22P02")
    ask("SELECT id FROM note WHERE amount = $1", canary, state="22P02")
    ask("DO $$ DECLARE s text; BEGIN SELECT secret INTO s FROM note WHERE id = 1; EXECUTE format('SELECT %L::int', s); END $$", state="22P02")
    ask("DO $$ DECLARE s text; BEGIN SELECT secret INTO s FROM note WHERE id = 1; PERFORM s::int; "
        "EXCEPTION WHEN OTHERS THEN RAISE WARNING 'caught: %', SQLERRM; END $$")
    ask("BEGIN")
    ask("DECLARE c CURSOR FOR SELECT CASE WHEN id = 2 THEN secret::int ELSE 0 END FROM note WHERE id IN (1, 2) ORDER BY id")
    ask("FETCH c")
    ask("FETCH c", state="22P02")
    ask("ROLLBACK")
    ask("CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ DECLARE s text; BEGIN SELECT secret INTO s FROM note WHERE id = 1; PERFORM s::int; RETURN NULL; END $$")
    ask("CREATE CONSTRAINT TRIGGER late AFTER INSERT ON child DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late()")
    ask("INSERT INTO child VALUES (NULL)", state="22P02")
    ask("BEGIN")
    ask("SELECT secret FROM note WHERE id = 1")
    ask("SELECT $1::text::int", "no canary", state="22P02")
    tap.ok('"no canary"' in session.error, "a later statement of the transaction, without encrypted columns, says what it always said", session.error)
    ask("ROLLBACK")
    ask("BEGIN")
    ask("SELECT secret FROM note WHERE id = 1")
    ask("SELECT misspelt FROM note", state="42703")
    tap.ok('"misspelt"' in session.error, "so does one that cannot be parsed", session.error)
    ask("ROLLBACK")
    ask("CREATE TABLE many AS SELECT n FROM generate_series(1, 20000) n")
    ask("ANALYZE many")
    for setting in ("parallel_setup_cost = 0", "parallel_tuple_cost = 0", "min_parallel_table_scan_size = 0", "parallel_leader_participation = off"):
        ask(f"SET {setting}")
    parallel = "SELECT count(*) FROM many WHERE n > (SELECT secret::text FROM note WHERE id = 1)::int"
    tap.ok(any("Workers Planned" in line for line in ask(f"EXPLAIN {parallel}")), "a plan with workers", str(ask(f"EXPLAIN {parallel}")))
    ask(parallel, state="22P02")
    tap.ok("parallel worker" in session.error, "a worker's error", session.error)
    ask("ANALYZE note")
    ask("ANALYZE copied")
    ask("ANALYZE kept")
    quoting = [text for text in errors if holds(text.encode(), canary)]
    tap.is_(quoting, [], f"{len(errors)} errors do not quote the value")
    # where it could stand
    tap.is_(ask("SELECT count(*) FROM pg_stats WHERE tablename = 'note' AND attname IN ('id', 'plain')"), ["2"], "statistics of plain columns")
    ask("RESET ROLE")
    catalogs = {"pg_statistic": "SELECT string_agg(s::text, '') FROM pg_statistic s", "pg_stats": "SELECT string_agg(s::text, '') FROM pg_stats s",
                "pg_stat_statements": "SELECT string_agg(query, '') FROM pg_stat_statements",
                "pg_stat_activity": "SELECT string_agg(query, '') FROM pg_stat_activity",
                "pg_prepared_statements": "SELECT string_agg(statement, '') FROM pg_prepared_statements"}
    for name, query in catalogs.items():
        text = ask(query)[0] or ""
        tap.ok(canary not in text and canary.encode().hex() not in text, f"not in {name}", text[:300])
    tap.ok("INSERT INTO note" in ask(catalogs["pg_stat_statements"])[0], "which has the statements")
    tap.ok(control in ask(catalogs["pg_stats"])[0], "and pg_stats what is not encrypted")
    ask("SELECT pg_switch_wal()")
    ask("CHECKPOINT")
    tap.ok(any(name.startswith("data/base/") for name in holders(stack.path, control)), "what is not encrypted is found in the table's file")
    tap.ok(any(name.startswith("data/pg_wal/") for name in holders(stack.path, control)), "and in the write-ahead log")
    tap.is_(holders(stack.path, canary), [], "what is encrypted is found in no file")

    # memory: the shared one is every backend's, the private one its own
    def image(pid):
        core = stack.path.with_name("core")
        done = run("gcore", "-o", core, pid, **({"user": "root", "group": "root"} if os.geteuid() == 0 else {}))
        if done.returncode != 0:
            raise RuntimeError(f"gcore: {done.stdout}{done.stderr}")
        return core.with_name(f"core.{pid}").read_bytes()

    ask("SET ROLE nae_all")
    ask("SELECT secret FROM note WHERE id < 100")
    ask("RESET ROLE")
    ask("DISCARD ALL")
    bystander = stack.session("nae_all")
    asked(bystander, "SELECT nae_encrypt('customer-pii', 'x') IS NULL", "SELECT count(id), count(plain) FROM note")
    others = image(bystander.pid)
    tap.ok(control.encode() in others, "a core file of a backend holds the buffers that all share")
    tap.ok(not holds(others, canary), "in which there is no plaintext")
    tap.ok(holds(image(ask("SELECT pg_backend_pid()")[0]), canary), "the exception: a backend's own memory, where it worked with plaintext")
    # the exception that docs name: a literal that PostgreSQL is told to log
    literal = f"canary {secrets.token_hex(12)}"
    asked(psql, f"INSERT INTO note VALUES (9100, '{literal}', '{literal}')")
    stack.sql(None, "CHECKPOINT")
    tap.is_(holders(stack.path, literal), ["postgresql.log"], "a literal stands in the log of statements, and there alone")
    shown = stack.sql(None, "SELECT string_agg(query, '') FROM pg_stat_statements").out
    tap.ok(literal not in shown, "not in pg_stat_statements, which replaces literals")
    session.close()
