"""Draws a case from a seed."""
from random import Random

from . import role, settings
from .case import Case
from .change import Changes
from .node import Sequence
from .procedure import Procedures
from .query import Queries
from .script import Scripts


class Draw:
    def __init__(self, seed, version):
        self.random = Random(seed)
        self.version = version
        self.queries = Queries(self.random)
        self.changes = Changes(self.random, self.queries)
        self.procedures = Procedures(self.random, self.queries, self.changes)
        self.scripts = Scripts(self.random, self.queries, self.changes)

    def case(self):
        shape = self.random.choice(["query"] * 10 + ["extended"] * 3 + ["change"] * 8 + ["extended_change"] * 3 + ["within"] + ["procedure"] * 4 + ["script"] * 5 + ["role"] * 2 + ["reader"])
        case = getattr(self, f"_{shape}")()
        case.shape = shape
        case.settings = settings.draw(self.random, self.version)
        return case

    def _select(self):
        if self.random.random() < 0.1:
            return self.queries.rows_of(1), False
        ordered = self.random.random() < 0.3
        query = self.queries.query(self.queries.kinds(4), None, self.random.choice([1, 2, 2, 3]), ordered)
        return query, ordered

    def _query(self):
        query, ordered = self._select()
        return Case("", Sequence([query], ";\n"), ordered)

    def _extended(self):
        self.queries.expressions.parameters = 0.6
        query, ordered = self._select()
        return Case("", Sequence([query], ";\n"), ordered, extended=True, binary=self.random.random() < 0.5, declared=self.random.random() < 0.4)

    def _change(self):
        drawn = [self.changes.draw() for _ in range(self.random.choice([1, 1, 2]))]
        return Case("", Sequence([statement for statement, _ in drawn], ";\n"), changed=tuple(sorted({table for _, table in drawn})))

    def _extended_change(self):
        self.queries.expressions.parameters = 0.6
        statement, table = self.changes.draw()
        return Case("", Sequence([statement], ";\n"), changed=(table,), extended=True, binary=self.random.random() < 0.5, declared=self.random.random() < 0.3)

    def _within(self):
        statement, table = self.changes.within()
        return Case("", Sequence([statement], ";\n"), changed=(table,))

    def _procedure(self):
        steps, changed = self.procedures.draw()
        return Case("", Sequence(steps, ";\n"), changed=changed)

    def _script(self):
        steps, changed, ordered = self.scripts.draw()
        return Case("", Sequence(steps, ";\n"), ordered, changed=changed)

    def _role(self):
        """What a role sees whose policy masks or hides."""
        query, ordered = role.draw(self.random)
        return Case("", Sequence([query], ";\n"), ordered, role=self.random.choice(sorted(role.SEEN)))

    def _reader(self):
        query, ordered = self._select()
        return Case("", Sequence([query], ";\n"), ordered, role=role.READER)
