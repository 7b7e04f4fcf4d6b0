"""Random statements that write: INSERT, upsert, UPDATE, DELETE, MERGE, with RETURNING and in WITH."""
from .expression import LITERALS, Scope
from .node import Node, Sequence
from .tables import TABLES

KEYED = {"t1": "id", "t2": "t"}  # what conflicts are over


class Changes:
    def __init__(self, random, queries):
        self.random = random
        self.queries = queries

    def draw(self):
        """The statement and the table that it changes."""
        table = self.random.choice(["t1", "t2", "t2", "t3", "t4"])
        form = self.random.choice(["insert", "insert", "select", "upsert", "upsert", "update", "update", "update", "from", "row", "delete", "using", "merge", "merge"])
        if form == "upsert" and table in ("t3", "t4"):
            table = "t2"
        return getattr(self, f"_{form}")(table), table

    def _value(self, table, column, scope, depth=2):
        """What is assigned to a column."""
        kind = TABLES[table][column][0]
        if kind == "digits" or column == "id":
            return Node([LITERALS[kind][0] if kind == "digits" else str(self.random.randint(100, 200))])
        pick = self.random.random()
        if pick < 0.08:
            return Node(["DEFAULT"], simpler=["NULL"])
        drawn = self.queries.expressions.literal(kind, pick < 0.2) if pick < 0.35 else self.queries.expressions.draw(kind, scope, depth)
        if column == "y":  # deterministic: stored without trailing zeros
            return Node(["trim_scale(", drawn, ")"])
        return drawn

    def _columns(self, table, least=1):
        rest = [name for name in TABLES[table] if name != "id"]
        return ["id"] * least + self.random.sample(rest, self.random.randint(1, 4))

    def _returning(self, table, alias=None):
        if self.random.random() < 0.5:
            return Node([], optional=True)
        scope = Scope()
        scope.relations[alias or table] = {name: kind for name, (kind, _) in TABLES[table].items()}
        scope.whole.append(alias or table)
        if self.random.random() < 0.25:
            return Node([f" RETURNING {alias or table}.*"], optional=True)
        return Node([" RETURNING ", Sequence([self.queries.expressions.draw(self.random.choice(["any", "text", "row"]), scope, 2) for _ in range(2)])], optional=True)

    def _insert(self, table, conflict=""):
        columns = self._columns(table)
        rows = []
        for _ in range(self.random.choice([1, 1, 2, 3])):
            values = [self._value(table, column, Scope()) for column in columns]
            values[0] = Node([str(self.random.randint(1, 30) if conflict else self.random.randint(100, 10 ** 6))])
            rows.append(Node(["(", Sequence(values, least=len(values)), ")"]))
        return Node([f"INSERT INTO {table} ({', '.join(columns)}) VALUES ", Sequence(rows), conflict, self._returning(table)])

    def _select(self, table):
        columns = self._columns(table, 0)
        query = self.queries.query([{"digits": "int"}.get(TABLES[table][column][0], TABLES[table][column][0]) for column in columns], None, 2)
        listed = ", ".join(f"trim_scale(z.c{index})" if column == "y" else f"z.c{index}" + ("::text" if column == "a" else "") for index, column in enumerate(columns))
        named = ", ".join(f"c{index}" for index in range(len(columns)))
        return Node([f"INSERT INTO {table} (id, {', '.join(columns)}) SELECT 1000 + row_number() OVER (ORDER BY {named}), {listed} FROM (", query, f") z({named})",
                     " ON CONFLICT DO NOTHING" if self.random.random() < 0.2 and "t" not in columns else "", self._returning(table)])

    def _upsert(self, table):
        scope = Scope()
        for alias in (table, "excluded"):
            scope.relations[alias] = {name: kind for name, (kind, _) in TABLES[table].items()}
        target = self.random.choice(["id", KEYED[table]])
        sets = self._sets(table, scope)
        where = Node([" WHERE ", self.queries.expressions.draw("bool", scope, 2)] if self.random.random() < 0.3 else [], optional=True)
        conflict = Node([f" ON CONFLICT ({target}) DO UPDATE SET ", sets, where])
        columns = ["id", "t"] + self.random.sample([name for name in TABLES[table] if name not in ("id", "t")], 2)
        start = self.random.randint(1, 30)
        rows = [Node(["(", Sequence([Node([str(start + 40 * index)]), self.random.choice(["'amber'", "'birch'", "'new'"]) if index == 0 else f"'other{index}'"] +
                                    [self._value(table, column, Scope()) for column in columns[2:]], least=4), ")"]) for index in range(self.random.choice([1, 2]))]
        return Node([f"INSERT INTO {table} ({', '.join(columns)}) VALUES ", Sequence(rows), conflict, self._returning(table)])

    def _sets(self, table, scope, target=""):
        columns = self.random.sample([name for name in TABLES[table] if name != "id" and not (table == "t2" and name == "t")], self.random.randint(1, 3))
        return Sequence([Node([f"{target}{column} = ", self._value(table, column, scope)]) for column in columns])

    def _scope(self, table, alias):
        scope = Scope()
        scope.relations[alias] = {name: kind for name, (kind, _) in TABLES[table].items()}
        scope.whole.append(alias)
        return scope

    def _where(self, scope, share=0.8):
        return Node([" WHERE ", self.queries.expressions.draw("bool", scope, 2)] if self.random.random() < share else [], optional=True)

    def _update(self, table):
        scope = self._scope(table, "z")
        return Node([f"UPDATE {table} z SET ", self._sets(table, scope), self._where(scope), self._returning(table, "z")])

    def _from(self, table):
        """Each row is met once: what is joined has one row for each id."""
        scope = self._scope(table, "z")
        other = self.random.choice(["t1", "t2"])
        scope.relations["o"] = {name: kind for name, (kind, _) in TABLES[other].items()}
        return Node([f"UPDATE {table} z SET ", self._sets(table, scope), f" FROM {other} o WHERE o.id = z.id AND ", self.queries.expressions.draw("bool", scope, 2), self._returning(table, "z")])

    def _row(self, table):
        scope = self._scope(table, "z")
        columns = self.random.sample([name for name in TABLES[table] if name not in ("id", "a", "y") and not (table == "t2" and name == "t")], 2)
        kinds = [TABLES[table][column][0] for column in columns]
        if self.random.random() < 0.5:
            value = Node(["(", self.queries.query(kinds, scope, 1, False), " ORDER BY 1, 2 LIMIT 1)"])
        else:
            value = Node(["ROW(", Sequence([self.queries.expressions.draw(kind, scope, 2) for kind in kinds], least=2), ")"])
        return Node([f"UPDATE {table} z SET ({', '.join(columns)}) = ", value, self._where(scope), self._returning(table, "z")])

    def _delete(self, table):
        scope = self._scope(table, "z")
        return Node([f"DELETE FROM {table} z", self._where(scope, 1), self._returning(table, "z")])

    def _using(self, table):
        scope = self._scope(table, "z")
        inner, source = self.queries.sources.draw(None, 1)
        scope.relations.update(inner.relations)
        return Node([f"DELETE FROM {table} z USING ", Node(source.pieces[1:]), " WHERE ", self.queries.expressions.draw("bool", scope, 2)])

    def _merge(self, table):
        scope = self._scope(table, "z")
        kinds = self.queries.kinds(2)
        scope.relations["o"] = {"id": "int", **{f"c{index}": kind for index, kind in enumerate(kinds)}}
        inner, source = self.queries.sources.draw(None, 0)
        drawn = Sequence([self.queries.expressions.draw(kind, inner, 2) for kind in kinds], least=len(kinds))
        source = Node(["(SELECT row_number() OVER (ORDER BY ", drawn, ")::int, ", drawn, source, f") o({', '.join(['id'] + [f'c{index}' for index in range(len(kinds))])})"])
        when = [Node([" WHEN MATCHED AND ", self.queries.expressions.draw("bool", scope, 1), " THEN UPDATE SET ", self._sets(table, scope)], optional=True),
                Node([" WHEN MATCHED AND z.id < 5 THEN DELETE"], optional=True)]
        only = Scope()
        only.relations["o"] = scope.relations["o"]
        columns = self._columns(table)
        values = [Node(["500 + o.id"])] + [self._value(table, column, only) for column in columns[1:]]
        when.append(Node([f" WHEN NOT MATCHED THEN INSERT ({', '.join(columns)}) VALUES (", Sequence(values, least=len(values)), ")"], optional=True))
        return Node([f"MERGE INTO {table} z USING ", source, " ON z.id = o.id"] + when)

    def within(self):
        """A query over what a statement in WITH returns, and the table."""
        table = self.random.choice(["t1", "t2", "t3", "t4"])
        form = self.random.choice(["insert", "update", "delete"])
        change = getattr(self, f"_{form}")(table)
        change.pieces[-1] = Node([" RETURNING *"])
        self.queries.common["w"] = {name: kind for name, (kind, _) in TABLES[table].items()}
        query = self.queries.query(self.queries.kinds(2), None, 1)
        del self.queries.common["w"]
        return Node(["WITH w AS (", change, ") SELECT * FROM (", query, ") z"]), table
