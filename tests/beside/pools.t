#!/usr/bin/python3 -B
# PgBouncer between application and PostgreSQL, one server connection for all: in session mode and in transaction mode.
import atexit
import subprocess

from programs import compare
from twins import SCHEMAS, stack
from harness import OWNER, Tap, give_to_owner, scratch_directory, wait_until

CONFIGURATION = """[databases]
nae_test = host={socket} port=5432 dbname=nae_test user=nae_all connect_query='SET search_path = {schema}, public; SET timezone = UTC'
[pgbouncer]
listen_addr =
unix_socket_dir = {directory}
listen_port = 5432
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 50
server_reset_query =
ignore_startup_parameters = options, search_path, extra_float_digits
logfile = {directory}/pgbouncer.log
pidfile = {directory}/pgbouncer.pid
"""
# What keeps statements prepared takes a session of its own: this PgBouncer does not follow them.
PROGRAMS = {"session": ["with_psycopg2.py", "with_node_postgres.cjs", "with_asyncpg.py"], "transaction": ["with_psycopg2.py"]}


def bouncer(made, mode, schema):
    """Its directory, where it listens."""
    directory = scratch_directory()
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(CONFIGURATION.format(socket=made.path / "run", directory=directory, mode=mode, schema=schema, size=4 if mode == "session" else 1))
    give_to_owner(configuration)
    process = subprocess.Popen(["pgbouncer", configuration], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWNER)
    atexit.register(process.kill)
    if not wait_until(lambda: (directory / ".s.PGSQL.5432").exists()):
        raise RuntimeError("pgbouncer does not start")
    return directory


with Tap() as tap, stack() as made:
    scratch = scratch_directory()
    for mode, programs in PROGRAMS.items():
        places = {schema: bouncer(made, mode, schema) for schema in SCHEMAS}
        for program in programs:
            compare(tap, made, program, scratch, places, f" by a pool in {mode} mode")
