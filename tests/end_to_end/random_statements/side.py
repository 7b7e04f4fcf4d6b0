"""One of the two sides: a connection whose search_path is the schema of plain or of encrypted columns."""
import dataclasses
import time

import psycopg
from psycopg import pq

SETTINGS = ("SET ROLE nae_all; SET search_path = {side}, public; SET TimeZone = 'UTC'; SET statement_timeout = '3s'; SET jit = off; "
            "SET client_min_messages = warning; SET application_name = {side}; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'")


@dataclasses.dataclass
class Outcome:
    """What a statement answered: types and rows, or an error with all that its message tells."""
    state: str = ""
    message: str = ""
    told: str = ""
    types: tuple = ()          # by name
    parameters: tuple = ()     # by OID
    rows: list = dataclasses.field(default_factory=list)
    tag: str = ""
    crashed: bool = False


class Side:
    def __init__(self, name, where):
        self.name = name
        self.where = where
        self.types = {}
        self.connect()

    def connect(self, seconds=60):
        """Returns when the server is there (again) and can ask the key server."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.connection = psycopg.connect(**self.where, user="postgres", dbname="nae_test", autocommit=True)
                self.connection.execute(SETTINGS.format(side=self.name))
                self.connection.execute("SELECT nae_random(1)")
                self.types = dict(self.connection.execute("SELECT oid, oid::regtype::text FROM pg_type").fetchall())
                return
            except psycopg.Error:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)  # between two attempts

    def type_name(self, oid):
        """Row types of the twins differ in their schema only; those of tables just made have no name here."""
        return self.types.get(oid, "made") if oid else "unknown"

    def _outcome(self, result):
        status = result.status if result else pq.ExecStatus.FATAL_ERROR
        if self.connection.pgconn.status == pq.ConnStatus.BAD:
            return Outcome(state="crash", crashed=True)
        if status == pq.ExecStatus.COPY_OUT:
            return self._copied()
        if status == pq.ExecStatus.FATAL_ERROR:
            field = lambda which: (result.error_field(which) or b"").decode(errors="replace")
            diagnostics = pq.DiagnosticField
            told = " | ".join(field(which) for which in (diagnostics.MESSAGE_PRIMARY, diagnostics.MESSAGE_DETAIL,
                                                         diagnostics.MESSAGE_HINT, diagnostics.CONTEXT, diagnostics.INTERNAL_QUERY))
            return Outcome(state=field(diagnostics.SQLSTATE), message=field(diagnostics.MESSAGE_PRIMARY), told=told)
        rows = [tuple(None if (value := result.get_value(row, column)) is None else value.decode(errors="replace")
                      for column in range(result.nfields)) for row in range(result.ntuples)]
        tag = (result.command_status or b"").decode()
        return Outcome(types=tuple(self.type_name(result.ftype(column)) for column in range(result.nfields)), rows=rows, tag=tag)

    def _copied(self):
        """Its lines are the rows."""
        lines = []
        while True:
            size, line = self.connection.pgconn.get_copy_data(0)
            if size <= 0:
                break
            lines.append((bytes(line).decode(errors="replace"),))
        outcome = self._outcome(self.connection.pgconn.get_result())
        self.connection.pgconn.get_result()
        outcome.rows = lines
        return outcome

    def ask(self, text):
        """By the simple protocol."""
        return self._outcome(self.connection.pgconn.exec_(text.encode()))

    def describe(self, text, types):
        """Parse and Describe: the types of parameters and columns."""
        parsed = self.connection.pgconn.prepare(b"", text.encode(), types)
        outcome = self._outcome(parsed)
        if outcome.state:
            return outcome
        described = self.connection.pgconn.describe_prepared(b"")
        outcome = self._outcome(described)
        if not outcome.state:
            outcome.parameters = tuple(described.param_type(index) for index in range(described.nparams))
        return outcome

    def execute(self, values, formats):
        """Bind and Execute of what was described."""
        return self._outcome(self.connection.pgconn.exec_prepared(b"", values, formats))
