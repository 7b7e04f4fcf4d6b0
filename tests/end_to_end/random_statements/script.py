"""Random sequences of statements: views, tables made of queries, cursors, prepared statements, savepoints, COPY."""
from .node import Node


class Scripts:
    def __init__(self, random, queries, changes):
        self.random = random
        self.queries = queries
        self.changes = changes

    def draw(self):
        """Statements, the tables that they change, and whether the order of the last one's rows is promised."""
        form = self.random.choice(["view", "view", "table_as", "table_as", "cursor", "cursor", "prepared", "prepared", "savepoint", "copy"])
        return getattr(self, f"_{form}")()

    def _query(self, limited=None):
        kinds = self.queries.kinds()
        return self.queries.query(kinds, None, 2, limited), kinds

    def _view(self):
        query, kinds = self._query()
        reading = self.random.choice(["SELECT * FROM w", "SELECT w FROM w", "SELECT c0, count(*) FROM w GROUP BY c0", "SELECT DISTINCT c0 FROM w", "SELECT max(x1.c0::text) FROM w x1 JOIN w x2 ON x1.c0 = x2.c0",
                                      "SELECT x1.c0 FROM w x1 WHERE x1.c0 IN (SELECT c0 FROM w)"])
        kind = self.random.choice(["VIEW", "VIEW", "TEMP VIEW"])
        return [Node([f"CREATE {kind} w AS ", query]), Node([reading])], (), False

    def _table_as(self):
        query, kinds = self._query()
        make = self.random.choice([["CREATE TABLE made AS ", query], ["CREATE TEMP TABLE made AS ", query], ["CREATE TABLE made AS SELECT * FROM (", query, ") z"],
                                   ["SELECT * INTO made FROM (", query, ") z"], ["CREATE MATERIALIZED VIEW made AS ", query], ["CREATE TABLE made AS SELECT * FROM (", query, ") z WITH NO DATA"]])
        return [Node(make), Node(["SELECT * FROM made"])], ("made",), False

    def _cursor(self):
        query, _ = self._query(True)
        scroll = self.random.choice(["", "SCROLL ", "NO SCROLL "])
        fetches = ["FETCH 2 FROM k", "FETCH FORWARD 3 FROM k", "FETCH ALL FROM k", "MOVE 1 IN k"] + (["FETCH BACKWARD 1 FROM k", "FETCH ABSOLUTE 2 FROM k", "FETCH LAST FROM k", "FETCH FIRST FROM k", "FETCH BACKWARD ALL FROM k"] if scroll == "SCROLL " else [])
        return [Node([f"DECLARE k {scroll}CURSOR FOR ", query])] + [Node([self.random.choice(fetches)], optional=True) for _ in range(self.random.randint(1, 4))], (), True

    def _prepared(self):
        query, kinds = self._query()
        column = self.random.choice(["z.t = $1", "z.r = $1", "z.s = $1", "z.p = $1", "z.t = ANY (ARRAY[$1, 'birch'])", "COALESCE(z.t, $1) = z.p", "z.w > $1", "upper($1) = upper(z.t)", "(z.t, z.id) < ($1, 5)"])
        declared = self.random.choice(["", "(text)", "(varchar)", "(unknown)"])
        prepare = Node([f"PREPARE s{declared} AS SELECT z.id, z.t, k FROM t1 z, (", query, f") k WHERE {column}"])
        runs = [Node([self.random.choice(["EXECUTE s('amber')", "EXECUTE s('')", "EXECUTE s(NULL)"])], optional=True) for _ in range(2)]
        between = Node([self.random.choice(["SET LOCAL plan_cache_mode = force_generic_plan", "SET LOCAL enable_hashjoin = off", "SET LOCAL nae.batch = off", "ANALYZE t1"])], optional=True)
        return [prepare, runs[0], between, runs[1]], (), False

    def _savepoint(self):
        drawn = [self.changes.draw() for _ in range(3)]
        first, second, third = (statement for statement, _ in drawn)
        undo = self.random.choice(["ROLLBACK TO a", "RELEASE a"])
        return [first, Node(["SAVEPOINT a"]), second, Node([undo]), third], tuple({table for _, table in drawn}), False

    def _copy(self):
        query, _ = self._query()
        form = self.random.choice(["", " (FORMAT csv)", " (FORMAT csv, FORCE_QUOTE *)"])
        return [Node(["COPY (", query, f") TO STDOUT{form}"])], (), False
