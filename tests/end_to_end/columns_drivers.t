#!/usr/bin/python3 -B
# Applications' ways to PostgreSQL over encrypted columns: psycopg 3, JDBC and a pool that changes roles.
import atexit
import datetime
import decimal
import socket
import subprocess
import threading
import uuid

import psycopg
from columns import KEYS, TYPES, asked
from harness import OWNER, ROOT, Stack, Tap, give_to_owner, scratch_directory, wait_until
from psycopg.types.json import Jsonb

UTC = datetime.timezone.utc
VALUES = ("123-45-6789", "héllo \u20ac", decimal.Decimal("12345.6789"), b"\x00\xff\x01", -7, 1 << 40, True, datetime.date(1999, 12, 31),
          datetime.datetime(2024, 2, 29, 12, 30, 15, 123456, UTC), uuid.UUID("c4ca4238-a0b9-2382-0dcc-509a6f75849b"), {"a": [1, "x"]})
COLUMNS = ", ".join(TYPES)
TABLE = f"CREATE TABLE customer (id serial PRIMARY KEY, {', '.join(f'{n} {t}' for n, t in TYPES.items())}, UNIQUE (ssn))"
PGBOUNCER = """[databases]
nae_test = host={socket} port=5432 dbname=nae_test user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = {directory}
listen_port = 6432
auth_type = any
pool_mode = transaction
default_pool_size = 1
max_client_conn = 20
logfile = {directory}/pgbouncer.log
pidfile = {directory}/pgbouncer.pid
"""


def parameters(number):
    return (f"{number}-{VALUES[0]}", *VALUES[1:-1], Jsonb(VALUES[-1]))


def forwarded(stack):
    """A port of the loopback interface that leads to PostgreSQL's socket: JDBC knows no other."""
    listening = socket.create_server(("127.0.0.1", 0))

    def pump(source, target):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def serve():
        while True:
            client, _ = listening.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(stack.path / "run" / ".s.PGSQL.5432"))
            for ends in ((client, server), (server, client)):
                threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listening.getsockname()[1]


with Tap() as tap, Stack(keys=KEYS) as stack:
    superuser = stack.session(None)
    asked(stack.session("nae_all"), TABLE)
    where = {"host": str(stack.path / "run"), "port": 5432, "user": "postgres", "dbname": "nae_test"}
    connection = psycopg.connect(**where, autocommit=True)
    connection.execute("SET ROLE nae_all")
    connection.execute("SET timezone = 'UTC'")

    # psycopg 3
    for number, (form, prepare) in enumerate((form, prepare) for form in ("t", "b", "s") for prepare in (False, True)):
        names = f"psycopg, parameters of form %{form}{', prepared' if prepare else ''}"
        marks = ", ".join([f"%{form}"] * len(TYPES))
        cursor = connection.execute(f"INSERT INTO customer ({COLUMNS}) VALUES ({marks}) RETURNING id, {COLUMNS}", parameters(number), prepare=prepare)
        row = cursor.fetchone()
        tap.is_(row[1:], (f"{number}-{VALUES[0]}", *VALUES[1:]), f"{names}: what RETURNING gives")
        for binary in (False, True):
            for column, value in zip(TYPES, parameters(number)):
                cursor = connection.cursor(binary=binary)
                cursor.execute(f"SELECT {column} FROM customer WHERE {column} = %{form} AND id = %s", (value, row[0]), prepare=prepare)
                wanted = row[1 + list(TYPES).index(column)]
                tap.is_(cursor.fetchall(), [(wanted,)], f"{names}: {column} is found and read, {'binary' if binary else 'text'}")
    cursor = connection.execute(f"SELECT {COLUMNS} FROM customer LIMIT 0")
    tap.is_([column.type_code for column in cursor.description], [25, 25, 1700, 17, 23, 20, 16, 1082, 1184, 2950, 3802],
            "the driver sees the types of the plaintexts")
    cursor = connection.cursor()
    cursor.executemany("INSERT INTO customer (ssn, note) VALUES (%s, %s)", [(f"many-{n}", f"note {n}") for n in range(100)])
    tap.is_(connection.execute("SELECT count(*) FROM customer WHERE ssn = ANY(%s)", (["many-1", "many-99", "none"],)).fetchone(), (2,), "ANY of an array")
    with connection.pipeline():
        cursors = [connection.execute("SELECT note FROM customer WHERE ssn = %s", (f"many-{n}",)) for n in range(20)]
    tap.is_([c.fetchone()[0] for c in cursors], [f"note {n}" for n in range(20)], "a pipeline")
    for form in ("", " (FORMAT BINARY)"):
        with connection.cursor().copy(f"COPY customer (ssn, note, age) FROM STDIN{form}") as copy:
            if form:
                copy.set_types(["text", "text", "int4"])
            for n in range(50):
                copy.write_row((f"copy{form}-{n}", f"copied {n}", n))
        tap.is_(connection.execute("SELECT note, age FROM customer WHERE ssn = %s", (f"copy{form}-7",)).fetchone(), ("copied 7", 7), f"COPY FROM{form}")
        with connection.cursor().copy(f"COPY (SELECT note, age FROM customer WHERE ssn = 'copy{form}-7') TO STDOUT{form}") as copy:
            copy.set_types(["text", "int4"])
            tap.is_(list(copy.rows()), [("copied 7", 7)], f"COPY TO{form} of a query")
    with connection.transaction(), connection.cursor(name="named") as named:
        named.execute("SELECT note FROM customer WHERE ssn LIKE 'many-%' ORDER BY note")
        tap.is_(named.fetchmany(2), [("note 0",), ("note 1",)], "a cursor of the server")
    try:
        connection.execute("INSERT INTO customer (ssn) VALUES (%s)", ("many-1",))
        tap.ok(False, "a unique violation")
    except psycopg.errors.UniqueViolation as error:
        tap.ok("many-1" not in str(error), "a unique violation does not quote the value", error)
    for value in ("not a number", "9" * 30):
        try:
            connection.execute("INSERT INTO customer (age) VALUES (%s)", (value,))
            tap.ok(False, "a number that is none")
        except psycopg.DataError as error:
            tap.ok(True, f"a number that is none: {error.sqlstate}")

    # JDBC
    classes = scratch_directory()
    compiled = subprocess.run(["javac", "-encoding", "UTF-8", "-d", classes, ROOT / "tests/end_to_end/Columns.java"], capture_output=True, text=True, timeout=120)
    tap.is_(compiled.returncode, 0, f"the program compiles {compiled.stderr}")
    done = subprocess.run(["java", "-cp", f"{classes}:/usr/share/java/postgresql.jar", "Columns",
                           f"jdbc:postgresql://127.0.0.1:{forwarded(stack)}/nae_test?user=postgres&sslmode=disable"],
                          capture_output=True, text=True, timeout=240)
    for line in done.stdout.splitlines():
        tap.ok(line.startswith("ok "), line.removeprefix("not ").removeprefix("ok "))
    tap.is_(done.returncode, 0, f"JDBC to its end {done.stderr[-1500:]}")

    # a pool in transaction mode
    pool = scratch_directory()
    (pool / "pgbouncer.ini").write_text(PGBOUNCER.format(socket=stack.path / "run", directory=pool))
    give_to_owner(pool / "pgbouncer.ini")
    bouncer = subprocess.Popen(["pgbouncer", pool / "pgbouncer.ini"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, cwd="/", **OWNER)
    atexit.register(bouncer.kill)
    if not wait_until(lambda: (pool / ".s.PGSQL.6432").exists()):
        raise RuntimeError("pgbouncer does not start")
    connection.execute("DELETE FROM customer")
    connection.execute("INSERT INTO customer (id, note) VALUES (1, 'read by some')")
    asked(superuser, "GRANT SELECT, INSERT ON customer TO nae_clerk, nae_analyst", "GRANT USAGE ON SEQUENCE customer_id_seq TO nae_clerk")
    clients = [psycopg.connect(host=str(pool), port=6432, user="postgres", dbname="nae_test", autocommit=True, prepare_threshold=None) for _ in range(4)]
    backends, wrong = set(), []
    for turn in range(60):
        client, role = clients[turn % 4], ("nae_analyst", "nae_clerk", "nae_all")[turn % 3]
        with client.transaction():
            client.execute(f"SET LOCAL ROLE {role}")
            backends.add(client.execute("SELECT pg_backend_pid()").fetchone())
        for query, readers in (("SELECT note FROM customer WHERE id = 1", ("nae_analyst", "nae_all")),
                               ("SELECT id FROM customer WHERE note = 'read by some'", ("nae_analyst", "nae_all")),
                               ("INSERT INTO customer (id, note) VALUES (nextval('customer_id_seq') + 1000, 'pooled') RETURNING id", ("nae_clerk", "nae_all"))):
            got = "answered"
            try:
                with client.transaction():
                    client.execute(f"SET LOCAL ROLE {role}")
                    client.execute(query).fetchall()
            except psycopg.Error as error:
                got = error.sqlstate
            if (got == "answered") != (role in readers) or got not in ("answered", "NE001", "42501"):
                wrong.append((role, query, got))
    tap.is_((len(backends), wrong), (1, []), "one backend of a pool answers each transaction as its role may")
    try:
        clients[0].execute("SELECT note FROM customer WHERE id = 1")
        tap.ok(False, "outside of such a transaction nothing is read")
    except psycopg.Error as error:
        tap.is_(error.sqlstate, "NE001", "outside of such a transaction nothing is read")
