"""Random PL/pgSQL and SQL functions, blocks and triggers, with what calls them."""
from .expression import Scope
from .node import Node
from .tables import TABLES

TYPE = {"text": "text", "digits": "text", "int": "int", "big": "bigint", "num": "numeric", "date": "date", "ts": "timestamptz", "uuid": "uuid", "bytea": "bytea",
        "bool": "bool", "json": "jsonb", "texts": "text[]", "ints": "int[]",
        "stamp": "timestamp", "time": "time", "interval": "interval", "float": "float8", "small": "smallint", "inet": "inet", "blank": "bpchar"}


class Procedures:
    def __init__(self, random, queries, changes):
        self.random = random
        self.queries = queries
        self.changes = changes

    def draw(self):
        """Statements, and the tables that they change."""
        form = self.random.choice(["returning", "loop", "variables", "dynamic", "language_sql", "trigger", "trigger", "block", "rows"])
        return getattr(self, f"_{form}")()

    def _kinds(self, most=3):
        return [kind if kind in TYPE else "text" for kind in self.queries.kinds(most)]

    def _table(self, kinds):
        return ", ".join(f"c{index} {TYPE[kind]}" for index, kind in enumerate(kinds))

    def _declare(self, kinds, body, language="plpgsql"):
        return Node([f"CREATE FUNCTION f(a int DEFAULT 3) RETURNS TABLE ({self._table(kinds)}) LANGUAGE {language} AS $f$ "] + body + [" $f$"])

    def _call(self, kinds):
        return Node([self.random.choice(["SELECT * FROM f()", "SELECT f()", "SELECT x.* FROM t3 z, f(z.id) x"])])

    def _returning(self):
        kinds = self._kinds()
        query = self.queries.query(kinds, None, 2)
        how = self.random.choice(["", "EXECUTE "])
        body = ["BEGIN RETURN QUERY ", query, "; END"] if not how else ["BEGIN RETURN QUERY EXECUTE $q$", query, "$q$; END"]
        return [self._declare(kinds, ["#variable_conflict use_column\n"] + body), self._call(kinds)], ()

    def _language_sql(self):
        kinds = self._kinds()
        return [self._declare(kinds, [self.queries.query(kinds, None, 2)], "sql"), self._call(kinds)], ()

    def _loop(self):
        """Over a query's or a table's rows, whose fields are used in expressions."""
        kinds = self._kinds()
        scope = Scope()
        if self.random.random() < 0.5:
            inner = self._kinds()
            source = self.queries.query(inner, None, 1)
            scope.relations["r"] = {f"c{index}": kind for index, kind in enumerate(inner)}
        else:
            table = self.random.choice(["t1", "t2"])
            source = Node([f"SELECT * FROM {table} WHERE id < 6"])
            scope.relations["r"] = {name: kind for name, (kind, _) in TABLES[table].items()}
        sets = [Node([f"c{index} := ", self.queries.expressions.draw(kind, scope, 2), "; "], optional=True) for index, kind in enumerate(kinds)]
        when = Node(["IF ", self.queries.expressions.draw("bool", scope, 1), " THEN CONTINUE; END IF; "], optional=True)
        return [self._declare(kinds, ["#variable_conflict use_column\nDECLARE r record; BEGIN FOR r IN ", source, " LOOP ", when] + sets + ["RETURN NEXT; END LOOP; END"]), self._call(kinds)], ()

    def _variables(self):
        """SELECT INTO variables of plain types, of columns' types and of a row's."""
        kinds = self._kinds()
        table = self.random.choice(["t1", "t2"])
        scope = Scope()
        scope.relations["r"] = {name: kind for name, (kind, _) in TABLES[table].items()}
        column = self.random.choice([name for name, (kind, _) in TABLES[table].items() if kind in TYPE])
        scope.relations["w"] = {"v": TABLES[table][column][0]}
        declared = self.random.choice([f"{table}.{column}%TYPE", TYPE[TABLES[table][column][0]]])
        sets = [Node([f"c{index} := ", self.queries.expressions.draw(kind, scope, 2), "; "], optional=True) for index, kind in enumerate(kinds)]
        body = [f"#variable_conflict use_column\nDECLARE r {self.random.choice([table, table + '%ROWTYPE', 'record'])}; v {declared}; BEGIN SELECT * INTO r FROM {table} WHERE id = a; ",
                f"SELECT {column} INTO v FROM {table} WHERE id = a; v := r.{column}; "] + sets + ["RETURN NEXT; END"]
        text = Node(body)
        for node in text.walk():
            node.pieces = [piece.replace("w.v", "v") if isinstance(piece, str) else piece for piece in node.pieces]
            node.simpler = [leaf.replace("w.v", "v") for leaf in node.simpler]
        return [self._declare(kinds, [text]), self._call(kinds)], ()

    def _dynamic(self):
        kinds = self._kinds(2)
        self.queries.expressions.parameters = 0.0
        query = self.queries.query(kinds, None, 1)
        using = self.random.choice(["'amber'", "'birch'::text", "1"])
        column = {"1": "z.q = $1"}.get(using, self.random.choice(["z.t = $1", "z.r = $1", "z.p = $1", "z.t IN ($1, 'x')", "z.r LIKE $1"]))
        return [self._declare(kinds, ["#variable_conflict use_column\nBEGIN RETURN QUERY EXECUTE $q$SELECT k.* FROM (", query,
                                      f") k WHERE EXISTS (SELECT FROM t1 z WHERE {column})$q$ USING {using}; END"]), self._call(kinds)], ()

    def _rows(self):
        """Functions that hand on rows of a table."""
        table = self.random.choice(["t1", "t2"])
        scope = Scope()
        scope.relations["z"] = {name: kind for name, (kind, _) in TABLES[table].items()}
        condition = self.queries.expressions.draw("bool", scope, 1)
        body = self.random.choice([("sql", ["SELECT z FROM {} z WHERE ", condition]), ("sql", ["SELECT z.* FROM {} z WHERE ", condition]), ("plpgsql", ["BEGIN RETURN QUERY SELECT * FROM {} z WHERE ", condition, "; END"]),
                                   ("plpgsql", ["DECLARE z {}; BEGIN FOR z IN SELECT * FROM {} LOOP IF ", condition, " THEN RETURN NEXT z; END IF; END LOOP; END"]),
                                   ("plpgsql", ["BEGIN RETURN QUERY UPDATE {} z SET p = 'x' WHERE ", condition, " RETURNING z.*; END"]),
                                   ("plpgsql", ["BEGIN RETURN QUERY EXECUTE $q$SELECT * FROM {} z WHERE ", condition, "$q$; END"])])
        pieces = [piece.replace("{}", table) if isinstance(piece, str) else piece for piece in body[1]]
        create = Node([f"CREATE FUNCTION f() RETURNS SETOF {table} LANGUAGE {body[0]} AS $f$ "] + pieces + [" $f$"])
        return [create, Node([self.random.choice(["SELECT * FROM f() z", "SELECT z FROM f() z", "SELECT row_to_json(z)::text FROM f() z", "SELECT f()", "SELECT (f()).t", "SELECT count(*), max(z.t) FROM f() z"])])], (table,)

    def _trigger(self):
        table = self.random.choice(["t1", "t2", "t3"])
        scope = Scope()
        for name in ("new", "old") if self.random.random() < 0.5 else ("new",):
            scope.relations[name] = {column: kind for column, (kind, _) in TABLES[table].items()}
        event = "UPDATE" if "old" in scope.relations else "INSERT OR UPDATE"
        scope.whole = list(scope.relations)
        columns = self.random.sample([name for name in TABLES[table] if name not in ("id", "a", "y") and not (table == "t2" and name == "t")], 2)
        sets = [Node([f"new.{column} := ", self.queries.expressions.draw(TABLES[table][column][0], scope, 2), "; "], optional=True) for column in columns]
        when = Node(["IF ", self.queries.expressions.draw("bool", scope, 1), " THEN RETURN NULL; END IF; "], optional=True)
        note = Node(["INSERT INTO t2 (id, p, l) SELECT 1000 + new.id, ", self.queries.expressions.draw("text", scope, 2), ", ", self.queries.expressions.draw("text", scope, 2), "; "], optional=True)
        create = Node(["CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN "] + (sets if self.random.random() < 0.8 else []) + [when, note if table != "t2" and self.random.random() < 0.4 else "", "RETURN NEW; END $f$"])
        trigger = Node([f"CREATE TRIGGER g BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION f()"])
        form = self.random.choice(["update", "from"] if event == "UPDATE" else ["insert", "select", "update"])
        return [create, trigger, getattr(self.changes, f"_{form}")(table)], tuple({table, "t2"})

    def _block(self):
        """An anonymous block that reads into variables and writes them back."""
        table = self.random.choice(["t1", "t2"])
        name = self.random.choice([name for name, (kind, _) in TABLES[table].items() if name not in ("id", "a", "y", "p", "q", "z") and not (table == "t2" and name == "t")])
        kind = TABLES[table][name][0]
        scope = Scope()
        scope.relations["r"] = {column: of for column, (of, _) in TABLES[table].items()}
        value = self.queries.expressions.draw(kind, scope, 2)
        body = Node([f"DO $d$ DECLARE r record; v {TYPE[kind]}; BEGIN FOR r IN SELECT * FROM {table} WHERE id < 9 LOOP v := ", value, f"; UPDATE {table} SET {name} = v WHERE id = r.id",
                     Node([f" RETURNING {name} INTO v; INSERT INTO t3 (id, p) VALUES (2000 + r.id, v::text)"], optional=True), "; END LOOP; END $d$"])
        return [body], (table, "t3")
