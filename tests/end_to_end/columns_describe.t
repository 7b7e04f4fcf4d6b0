#!/usr/bin/python3 -B
# What the server says a statement's parameters and results are (Parse and Describe), by which asyncpg, pgx, sqlx,
# postgrex and tokio-postgres encode: over encrypted columns the types of the plaintext twin.
import psycopg
from columns import KEYS
from harness import Stack, Tap

TYPES = {"n": "int4", "b": "int8", "i": "int2", "s": "text", "d": "date", "m": "numeric", "ts": "timestamptz", "st": "timestamp",
         "u": "uuid", "j": "jsonb", "f": "bool", "r": "bytea", "e": "float8", "ip": "inet"}
DETERMINISTIC = {"dn": "int4", "ds": "text", "dd": "date", "dts": "timestamptz", "du": "uuid", "db": "int8"}
STATEMENTS = [
    "INSERT INTO t (n, s, ds, d, m, ts, u, j, f, r, b, i, e, ip, st) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)",
    "INSERT INTO t (n, s) VALUES ($1, $2), ($3, $4)", "INSERT INTO t (n, m) SELECT $1, $2", "INSERT INTO t (id, n) VALUES ($1, $2) RETURNING n, d - $3",
    "UPDATE t SET n = $1, s = $2 WHERE ds = $3", "UPDATE t SET (n, s) = ($1, $2)", "UPDATE t SET j = $1 WHERE j ->> $2 = 'x'",
    "INSERT INTO t (ds, n) VALUES ($1, $2) ON CONFLICT (ds) DO UPDATE SET n = $3, m = EXCLUDED.m + $4",
    "MERGE INTO t USING (SELECT 1) x ON t.ds = $1 WHEN MATCHED THEN UPDATE SET n = $2 WHEN NOT MATCHED THEN INSERT (n, d) VALUES ($3, $4)",
    "SELECT 1 FROM t WHERE n = $1 AND dn = $2 AND s = $3 AND ds = $4 AND b > $5 AND e < $6 AND i = $7",
    "SELECT 1 FROM t WHERE d = $1 AND dd = $2 AND d < $3 AND d BETWEEN $4 AND $5 AND dd IN ($6, $7) AND dd = ANY ($8) AND n = ANY ($9)",
    "SELECT 1 FROM t WHERE m = $1 AND ts = $2 AND ts > $3 AND dts = $4 AND u = $5 AND j = $6 AND f = $7 AND r = $8 AND ip = $9 AND st > $10",
    "SELECT coalesce(n, $1), coalesce(d, $2), nullif(s, $3), CASE ds WHEN $4 THEN 1 END, greatest(n, $5), CASE WHEN f THEN m ELSE $6 END FROM t",
    "SELECT 1 FROM t WHERE (ds, n) = ($1, $2) AND ds IS DISTINCT FROM $3 AND s LIKE $4 AND n + $5 > 1 AND d - $6 > 3",
    "SELECT ARRAY[n, $1], ARRAY[d, $2], (n, 1) FROM t", "SELECT max(d) + $1, round(avg(n), $2), string_agg(s, $3) FROM t",
    "SELECT n FROM t UNION SELECT $1", "WITH w AS (SELECT d FROM t WHERE d > $1) SELECT * FROM w WHERE d < $2", "DELETE FROM t WHERE du IN (SELECT u FROM t WHERE n > $1)",
    "SELECT *, t FROM t LIMIT $1", "SELECT date_trunc($1, d), n * 1.5, m * n, s || ds, j -> 'a', upper(s), d + 1, -i FROM t"]


def described(connection, side, statement):
    connection.execute(f"SET search_path = {side}")
    prepared = connection.pgconn.prepare(b"", statement.encode())
    if prepared.error_message:
        return prepared.error_message.decode()
    answer = connection.pgconn.describe_prepared(b"")
    types = lambda count, one: [connection.execute("SELECT format_type(%s::oid, NULL)", (one(k),)).fetchone()[0] for k in range(count)]
    results = [(answer.ftype(k)) for k in range(answer.nfields)]
    parameters = [(answer.param_type(k)) for k in range(answer.nparams)]
    return types(len(parameters), parameters.__getitem__), types(len(results), results.__getitem__)


with Tap() as tap, Stack(keys=KEYS + " col-rnd:aes-256-gcm col-det:aes-256-siv") as stack:
    with psycopg.connect(host=str(stack.path / "run"), port=5432, user="postgres", dbname="nae_test", autocommit=True) as connection:
        connection.execute("CREATE SCHEMA enc; CREATE SCHEMA pln")
        for side in "enc", "pln":
            columns = [f"{n} {t}" if side == "pln" else f"{n} nae.enc_{t}('col-rnd')" for n, t in TYPES.items()]
            columns += [f"{n} {t}" if side == "pln" else f"{n} nae.enc_det_{t}('col-det')" for n, t in DETERMINISTIC.items()]
            connection.execute(f"CREATE TABLE {side}.t (id int PRIMARY KEY, {', '.join(columns)}, UNIQUE (ds))")
        for statement in STATEMENTS:
            wanted, got = (described(connection, side, statement) for side in ("pln", "enc"))
            if "t FROM" in statement and isinstance(wanted, tuple):  # a whole row is of no table's type
                wanted = (wanted[0], ["record" if one == "pln.t" or one == "t" else one for one in wanted[1]])
            tap.is_(got, wanted, statement)
        # A message of several statements: each is read again by itself, and an error about its words shows them.
        connection.execute("SET ROLE nae_all; SET search_path = pg_temp; CREATE TEMP TABLE t (id int, n nae.enc_int4('col-rnd')); INSERT INTO t VALUES (1, 3)")
        ask = lambda text: connection.pgconn.exec_(text.encode())
        answer = ask("SELECT 1 AS \u00e4\u00f6\u00fc; SELECT n * 1.5 AS x FROM t; SELECT n / 2 AS y FROM t WHERE n > 1.5")
        tap.is_((answer.ntuples, answer.fname(0), answer.get_value(0, 0)), (1, b"y", b"1"), "the last statement of a script")
        message = ask("SELECT n FROM t; SELECT id FROM t WHERE n > 1.5 AND nosuch = 1").error_message.decode()
        tap.ok('column "nosuch" does not exist' in message, "an error names what the client wrote", message)
