"""Random FROM clauses: tables, views, sub-selects, functions, and joins of them."""
from .expression import SCALAR, Scope
from .node import Node
from .tables import TABLES, VIEWS


class Sources:
    def __init__(self, random, queries):
        self.random = random
        self.queries = queries

    def draw(self, outer, depth):
        """The scope, and the clause with its FROM."""
        scope = Scope(outer)
        items = [self._item(scope, depth)]
        for _ in range(self.random.choice([0, 0, 0, 1, 1, 2]) if depth > 0 else self.random.choice([0, 0, 1])):
            items.append(Node(self._joined(scope, depth), optional=True))
        return scope, Node([" FROM "] + items)

    def _add(self, scope, alias, columns, whole=True):
        scope.relations[alias] = columns
        if whole:
            scope.whole.append(alias)

    def _item(self, scope, depth, lateral=False):
        pick = self.random.random()
        alias = self.queries.alias()
        if depth <= 0 or pick < 0.55:
            if self.queries.common and self.random.random() < 0.5:
                name = self.random.choice(sorted(self.queries.common))
                columns = self.queries.common[name]
            else:
                name = self.random.choice(["t1", "t1", "t1", "t2", "t2", "t3", "t4", "v1", "v2"])
                columns = {of: kind for of, (kind, _) in (TABLES.get(name) or VIEWS[name]).items()}
            self._add(scope, alias, columns)
            return Node([f"{name} {alias}"])
        if pick < 0.85:
            return self._sub_select(scope, alias, depth, lateral)
        return self._function(scope, alias, depth, lateral)

    def _sub_select(self, scope, alias, depth, lateral):
        kinds = self.queries.kinds()
        inner = self.queries.query(kinds, scope if lateral else scope.outer, depth - 1)
        self._add(scope, alias, {f"c{index}": kind for index, kind in enumerate(kinds)})
        listed = ", ".join(f"c{index}" for index in range(len(kinds)))
        return Node([Node(["LATERAL "] if lateral else []), "(", inner, f") {alias}({listed})"])

    def _function(self, scope, alias, depth, lateral):
        within = scope if lateral else Scope(scope.outer)
        draw = lambda kind: self.queries.expressions.draw(kind, within, depth - 1)
        form = self.random.choice(["unnest", "unnest", "both", "twice", "rows", "some", "from", "elements", "two"])
        if form == "rows":
            self._add(scope, alias, {of: kind for of, (kind, _) in TABLES["t1"].items()})
            return Node([f"rows_below({self.random.randint(2, 9)}) {alias}"])
        if form == "some":
            self._add(scope, alias, {"t": "text", "m": "int"})
            return Node([f"some_below({self.random.randint(2, 9)}) {alias}"])
        kind = self.random.choice(SCALAR)
        if form == "both":
            self._add(scope, alias, {"x": kind, "y": kind})
            return Node(["doubled(", draw(kind), f") {alias}"])
        if form == "from":
            self._add(scope, alias, {"c0": "text", "c1": "int", "c2": "big"})
            return Node(["ROWS FROM (unnest(", draw("texts"), "), unnest(", draw("ints"), f")) WITH ORDINALITY {alias}(c0, c1, c2)"])
        if form == "two":
            self._add(scope, alias, {"c0": "text", "c1": kind})
            return Node(["unnest(", draw("texts"), ", ARRAY[", draw(kind), f"]) {alias}(c0, c1)"])
        if form == "elements":
            kind = "json"
        if form == "unnest":
            kind = self.random.choice(["text", "int"])
        text = {"unnest": f"unnest({{{kind}s}})", "twice": f"twice({{{kind}}})", "elements": "jsonb_path_query({json}, '$.a')"}[form]
        before, _, rest = text.partition("{")
        mark, _, after = rest.partition("}")
        self._add(scope, alias, {"c0": kind}, False)
        return Node([before, draw(mark), after, f" {alias}(c0)"])

    def _joined(self, scope, depth):
        verb = self.random.choice(["JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", "USING", "NATURAL"])
        before = dict(scope.relations)
        if verb in ("USING", "NATURAL") and len(before) == 1:
            of = next(iter(before.values()))
            right = self.random.choice(["t1", "t2", "t3"])
            shared = [name for name in TABLES[right] if name in of and TABLES[right][name][0] == of[name]]
            if shared:
                alias = self.queries.alias()
                self._add(scope, alias, {name: kind for name, (kind, _) in TABLES[right].items()})
                join = self.random.choice(["JOIN", "LEFT JOIN", "FULL JOIN"])
                if verb == "NATURAL":
                    return [f" NATURAL {join} {right} {alias}"]
                return [f" {join} {right} {alias} USING ({', '.join(self.random.sample(shared, min(len(shared), self.random.randint(1, 2))))})"]
        lateral = verb in ("JOIN", "LEFT JOIN", "CROSS JOIN") and self.random.random() < 0.3
        item = self._item(scope, depth - 1, lateral)
        if verb in ("USING", "NATURAL", "CROSS JOIN"):
            return [" CROSS JOIN ", item]
        return [f" {verb} ", item, " ON ", self._on(scope, before, depth, verb)]

    def _on(self, scope, before, depth, verb):
        """Mostly an equality between both sides; a full join takes no other."""
        new = [alias for alias in scope.relations if alias not in before]
        pairs = [(f"{left}.{name}", f"{right}.{other}") for left in before for name, kind in before[left].items() if kind != "row"
                 for right in new for other, of in scope.relations[right].items() if of == kind]
        equality = Node([" = ".join(self.random.choice(pairs))] if pairs else ["true"], "bool", simpler=["true"])
        if verb == "FULL JOIN" or self.random.random() < 0.7:
            return equality
        return Node(["(", equality, " AND ", self.queries.expressions.draw("bool", scope, depth - 1), ")"], "bool", simpler=["true"])
