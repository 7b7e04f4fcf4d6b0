"""Random queries: SELECT in its shapes, set operations, common table expressions."""
import re

from .aggregate import Aggregates
from .expression import SCALAR, Expressions, Scope
from .node import Node, Sequence, text_of
from .source import Sources

NAMED = re.compile(r"\bx\d+\b")


class Queries:
    def __init__(self, random):
        self.random = random
        self.expressions = Expressions(random, self)
        self.aggregates = Aggregates(random, self.expressions)
        self.sources = Sources(random, self)
        self.aliases = 0
        self.common = {}  # what WITH defines, with the kinds of its columns

    def alias(self):
        self.aliases += 1
        return f"x{self.aliases}"

    def kinds(self, most=3):
        return [self.random.choice(SCALAR + ["texts", "text", "int", "row" if self.random.random() < 0.3 else "ints"])
                for _ in range(self.random.randint(1, most))]

    def chance(self, share):
        return self.random.random() < share

    def query(self, kinds, outer, depth, limited=None):
        """Of these kinds, as columns c0, c1, ...; ordered by all of them where it is limited."""
        shapes = ["rows"] * 6 + ["grouped"] * 4 + ["window"] * 3 + ["set"] * 4 + ["values", "first"] + (["with"] * 2 if depth > 0 else [])
        shape = self.random.choice(shapes if depth > 0 else ["rows", "rows", "grouped"])
        body = getattr(self, f"_{shape}")(kinds, outer, depth)
        limited = self.chance(0.15) if limited is None else limited
        if limited:
            places = Sequence([f"{place + 1}{self.random.choice(['', '', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'])}" for place in range(len(kinds))], least=len(kinds))
            limit = Node([f" LIMIT {self.random.randint(1, 12)}", Node([f" OFFSET {self.random.randint(1, 3)}"], optional=True)], optional=True)
            body = Node([body, " ORDER BY ", places, limit if self.chance(0.6) else ""])
        body.kind = "query:" + ",".join(kinds)
        return body

    def _columns(self, drawn):
        return Sequence([Node([one, f" AS c{index}"]) for index, one in enumerate(drawn)])

    def _where(self, scope, depth, share=0.6):
        return Node([" WHERE ", self.expressions.draw("bool", scope, depth)] if self.chance(share) else [], optional=True)

    def _rows(self, kinds, outer, depth):
        scope, source = self.sources.draw(outer, depth)
        drawn = [self.expressions.draw(kind, scope, depth) for kind in kinds]
        distinct = Node(["DISTINCT "] if self.chance(0.2) else [], optional=True)
        return Node(["SELECT ", distinct, self._columns(drawn), source, self._where(scope, depth)])

    def _window(self, kinds, outer, depth):
        scope, source = self.sources.draw(outer, depth)
        drawn = [self.aggregates.window(kind, scope, depth) if self.chance(0.7) else self.expressions.draw(kind, scope, depth) for kind in kinds]
        return Node(["SELECT ", self._columns(drawn), source, self._where(scope, depth)])

    def _grouped(self, kinds, outer, depth):
        scope, source = self.sources.draw(outer, depth)
        keys = [(kind := self.random.choice(kinds + ["text", "int", "any"]), self.expressions.draw(kind, scope, depth - 1)) for _ in range(self.random.choice([0, 1, 1, 2]))]
        # PostgreSQL 15 forgets to make a constant NULL in the total of grouping sets below a set operation.
        keys = [(kind, key) for kind, key in keys if NAMED.search(text_of(key)[0])]
        drawn = []
        for kind in kinds:
            same = [key for of, key in keys if of == kind]
            if same and self.chance(0.6):
                drawn.append(self.random.choice(same))
            elif keys and kind == "int" and self.chance(0.3):
                drawn.append(Node(["grouping(", self.random.choice(keys)[1], ")"], "int"))
            else:
                drawn.append(self.aggregates.draw(kind, scope, depth))
        having = Node([" HAVING ", self.aggregates.draw("bool", scope, depth - 1)] if self.chance(0.25) else [], optional=True)
        return Node(["SELECT ", self._columns(drawn), source, self._where(scope, depth, 0.4), self._group([key for _, key in keys]), having])

    def _group(self, keys):
        if not keys:
            return ""
        listed = Sequence(list(keys))
        form = self.random.choice(["{}", "{}", "{}", "ROLLUP ({})", "CUBE ({})", "GROUPING SETS (({}), ())", "GROUPING SETS (({}), ROLLUP ({}))"])
        pieces = [" GROUP BY "]
        for index, text in enumerate(form.split("{}")):
            pieces += [listed, text] if index else [text]
        return Node(pieces, optional=True)

    def _set(self, kinds, outer, depth):
        verb = self.random.choice(["UNION", "UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"])
        left, right = self.query(kinds, outer, depth - 1), self.query(kinds, outer, depth - 1)
        return Node(["(", left, f") {verb} (", right, ")"])

    def _first(self, kinds, outer, depth):
        """Of the rows that are equal in the first column, that which comes first by the others."""
        places = ", ".join(f"z.c{index}" for index in range(len(kinds)))
        listed = ", ".join(f"c{index}" for index in range(len(kinds)))
        return Node([f"SELECT * FROM (SELECT DISTINCT ON (z.c0) {places} FROM (", self.query(kinds, outer, depth - 1), f") z({listed}) ORDER BY {places}) z"])

    def rows_of(self, depth):
        """Whole rows, as a column or spread out."""
        scope, source = self.sources.draw(None, depth)
        alias = self.random.choice(scope.whole or ["1"])
        chosen = [self.random.choice([alias, f"{alias}.*", "*", f"ROW({alias}.*)", f"ARRAY[{alias}]", f"({alias}).*" if alias != "1" else "1"])]
        return Node(["SELECT ", Sequence(chosen + [self.expressions.draw("any", scope, 1)]), source, self._where(scope, depth)])

    def _values(self, kinds, outer, depth):
        scope = Scope(outer)
        rows = [Node(["(", Sequence([self.expressions.draw(kind, scope, depth - 1) for kind in kinds], least=len(kinds)), ")"]) for _ in range(self.random.randint(1, 3))]
        return Node(["SELECT ", Sequence([f"z.c{index}" for index in range(len(kinds))]), " FROM (VALUES ", Sequence(rows), f") z({', '.join(f'c{index}' for index in range(len(kinds)))})"])

    def _with(self, kinds, outer, depth):
        name = self.alias()
        inner = self.kinds()
        if self.chance(0.3):
            term, inner = self._recursive(name), ["int", "text"]
            opening = f"WITH RECURSIVE {name}(c0, c1) AS ("
        else:
            term = self.query(inner, outer, depth - 1)
            opening = f"WITH {name} AS {self.random.choice(['', 'MATERIALIZED ', 'NOT MATERIALIZED '])}("
        self.common[name] = {f"c{index}": kind for index, kind in enumerate(inner)}
        main = self.query(kinds, outer, depth - 1, False)
        del self.common[name]
        return Node([opening, term, ") SELECT * FROM (", main, ") z"])

    def _recursive(self, name):
        scope, source = self.sources.draw(None, 0)
        step = Scope()
        step.relations["z"] = {"c0": "int", "c1": "text"}
        first = Node(["SELECT 1, ", self.expressions.draw("text", scope, 1), source])
        return Node([first, self.random.choice([" UNION ALL ", " UNION "]), "SELECT z.c0 + 1, ", self.expressions.draw("text", step, 1), f" FROM {name} z WHERE z.c0 < 4"])

    def scalar(self, kind, scope, depth):
        return Node(["(", self.query([kind], scope, depth - 1, False), " ORDER BY 1 LIMIT 1)"] if self.chance(0.3) else
                    ["(SELECT ", self._aggregate_of(kind, scope, depth), ")"], kind)

    def _aggregate_of(self, kind, outer, depth):
        scope, source = self.sources.draw(outer, 0)
        return Node([self.aggregates.draw(kind, scope, depth - 1), source, self._where(scope, depth - 1)])

    def exists(self, scope, depth):
        return Node([self.random.choice(["EXISTS (", "NOT EXISTS ("]), self.query(["text"], scope, depth - 1), ")"], "bool")

    def member(self, scope, depth):
        kinds = [self.random.choice(SCALAR) for _ in range(self.random.choice([1, 1, 1, 2]))]
        left = Sequence([self.expressions.draw(kind, scope, depth - 1) for kind in kinds], least=len(kinds))
        verb = self.random.choice(["IN", "IN", "NOT IN", "= ANY", "<> ALL"])
        return Node(["((", left, f") {verb} (", self.query(kinds, scope, depth - 1), "))"], "bool")
