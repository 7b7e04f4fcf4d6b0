"""One run: clients at work, faults one after the other, how long it takes until all of them work again."""
import time

from .faults import FAULTS

HUNG = 25.0    # seconds; a statement waits 5 for an answer and 2 for the agent, each a few times, on a busy machine
CALM = (0.1, 0.6)
HOLD = (0.2, 2.5)


class Run:
    def __init__(self, parts, clients, findings, random, only=""):
        self.parts, self.clients, self.findings, self.random = parts, clients, findings, random
        self.names = [name for name in FAULTS if name.startswith(only)]
        self.resumed = {}  # fault -> seconds until every client had worked again
        self.told = set()

    def watch(self, until, seconds):
        """Polls; false when that took longer. Statements without an end are told once."""
        deadline = time.monotonic() + seconds
        while not until() and time.monotonic() < deadline:
            for client in self.clients:
                busy = client.busy
                if busy and time.monotonic() - busy[0] > HUNG and (client.name, busy[0]) not in self.told:
                    self.told.add((client.name, busy[0]))
                    self.findings.add("hung", f"{client.name}: {busy[1][:200]}")
            time.sleep(0.005)  # of the poll
        return until()

    def one(self, name):
        self.findings.fault = name
        fault = FAULTS[name](self.parts, self.clients, self.random)
        next(fault)
        self.watch(lambda: False, self.random.uniform(*HOLD))
        for client in self.clients:
            client.resumed = None
        ended = time.monotonic()
        next(fault, None)
        if self.watch(lambda: all(client.resumed for client in self.clients), 2 * HUNG):
            self.resumed.setdefault(name, []).append(max(client.resumed for client in self.clients) - ended)
        else:
            late = [f"{client.name} {client.busy}" for client in self.clients if not client.resumed]
            self.findings.add("hung", f"after {2 * HUNG:.0f} s these do not work: {late}")
        self.watch(lambda: False, self.random.uniform(*CALM))

    def go(self, seconds):
        """Every fault once before any comes again."""
        end, deck = time.monotonic() + seconds, []
        while time.monotonic() < end:
            if not deck:
                deck = self.random.sample(self.names, len(self.names))
            self.one(deck.pop())
