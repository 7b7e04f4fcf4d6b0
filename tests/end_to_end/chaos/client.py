"""One client: one connection at a time, random operations, each answer checked."""
import collections
import random
import threading
import time

import psycopg

from .ledger import Ledger
from .operations import OPERATIONS, read_all

SETTINGS = "SET ROLE nae_all; SET nae.request_timeout = '5s'; SET nae.connect_timeout = '2s'; SET enable_seqscan = off"
# What a fault may bring: no connection, a server that stops, a device or a disk that fails. Everything else is a wrong answer.
EXPECTED = {"08001", "08003", "08006", "57P01", "57P02", "57P03", "NE060", "NE030", "NE033", "NE035", "NE040", "NE045", "53000", "53100", "58030"}


class Lost(Exception):
    """The connection broke; what was asked has been done or not."""


class Refused(Exception):
    """The statement failed, and nothing was done."""
    def __init__(self, error):
        super().__init__(str(error))
        self.state = error.sqlstate or ""


class Client(threading.Thread):
    def __init__(self, number, where, seed, findings, envelopes):
        super().__init__(daemon=True, name=f"chaos-{number}")
        self.where = {**where, "application_name": self.name, "connect_timeout": 5}
        self.random = random.Random(f"{seed}/{number}")
        self.findings, self.envelopes = findings, envelopes
        self.ledger = Ledger(number, findings)
        self.sealed, self.codes, self.signatures = [], [], []  # what a scalar function gave, with its plaintext
        self.successes = collections.Counter()  # items by action
        self.operations = collections.Counter()
        self.busy = None            # (when, statement) of what is under way
        self.resumed = None         # when an operation ended well for the first time since this was None
        self.process = 0            # of the backend
        self.stopping = threading.Event()
        self.connection = None

    def succeed(self, action, items=1):
        self.successes[action] += items

    def ask(self, query, *parameters):
        """Rows, if the statement has any."""
        self.busy = time.monotonic(), query
        try:
            cursor = self.connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise self._failure(error) from None
        finally:
            self.busy = None

    def copy(self, query, rows):
        self.busy = time.monotonic(), query
        try:
            with self.connection.cursor() as cursor, cursor.copy(query) as copy:
                for row in rows:
                    copy.write_row(row)
        except psycopg.Error as error:
            raise self._failure(error) from None
        finally:
            self.busy = None

    def _failure(self, error):
        self.findings.refuse(error.sqlstate)
        if error.sqlstate and error.sqlstate not in EXPECTED:
            self.findings.add("wrong", f"{self.name}: {error.sqlstate} {error} for {self.busy[1][:200]}")
        return Lost(str(error)) if self.connection.closed else Refused(error)

    def change(self, changes, act):
        """Does `act`, which makes these changes of rows, all or none."""
        try:
            act()
        except Lost:
            self.ledger.unknown(changes)
            raise
        self.ledger.changed(changes)

    def _connect(self):
        self.busy = time.monotonic(), "connect"
        while not self.stopping.is_set():
            try:
                self.connection = psycopg.connect(**self.where, autocommit=True)
                self.connection.execute(SETTINGS)
                self.process = self.connection.info.backend_pid
                break
            except psycopg.Error:
                time.sleep(0.02)  # between two attempts
        self.busy = None

    def run(self):
        try:
            self._work()
        except Exception as error:  # pylint: disable=broad-except
            self.findings.add("wrong", f"{self.name} ends by {error!r}")
            raise

    def _work(self):
        names, weights = zip(*((name, weight) for name, (weight, _) in OPERATIONS.items()))
        while not self.stopping.is_set():
            if self.connection is None or self.connection.closed:
                self._connect()
                continue
            name, = self.random.choices(names, weights)
            try:
                OPERATIONS[name][1](self)
                self.operations[name] += 1
                self.resumed = self.resumed or time.monotonic()
            except Refused:
                self._roll_back()
            except Lost:
                self.connection.close()

    def _roll_back(self):
        try:
            if self.connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self.ask("ROLLBACK")
        except (Lost, Refused):
            self.connection.close()

    def finish(self):
        """Called when all faults are over and the thread has ended: everything is there."""
        self.stopping.clear()
        if self.connection is None or self.connection.closed:
            self._connect()
        read_all(self)
        self.connection.close()
