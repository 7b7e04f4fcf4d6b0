"""What went wrong, under which fault. Shared by all clients."""
import collections
import threading

KEPT = 20  # of each kind in full


class Findings:
    def __init__(self):
        self.lock = threading.Lock()
        self.fault = "none"  # the one that holds, or that was the last to end
        self.counts = collections.Counter()  # by kind and fault
        self.refused = collections.Counter()  # what failed, by fault and SQLSTATE
        self.texts = []

    def add(self, kind, text):
        """`kind`: wrong (an answer that is not the right one), lost (acknowledged, and not there), hung."""
        with self.lock:
            self.counts[kind, self.fault] += 1
            if self.of_kind(kind) <= KEPT:
                self.texts.append(f"{kind}, under or after {self.fault}: {text}")

    def refuse(self, state):
        with self.lock:
            self.refused[self.fault, state or "connection"] += 1

    def of_kind(self, kind):
        return sum(count for (found, _), count in self.counts.items() if found == kind)
