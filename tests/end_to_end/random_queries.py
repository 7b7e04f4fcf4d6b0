"""Random queries, each in two spellings: over a table of ciphertexts and over its plaintext twin.

Whatever PostgreSQL promises about the one's answer it promises about the other's. Column `note` may
be NULL, `word` repeats, `amount` is text that reads as a number; `id` and `part` are plain in both.
"""
import random

COLUMNS = {"note": "text", "word": "text", "amount": "text"}
SETUP = """
CREATE TABLE twin_plain (id int PRIMARY KEY, part int, note text, word text, amount text);
INSERT INTO twin_plain
  SELECT i, i % 7, CASE WHEN i % 11 <> 0 THEN 'note ' || md5(i::text) END,
         (ARRAY['amber','birch','cedar','dune','ebony','fern'])[1 + i % 6], ((i * 7919) % 1000)::text
  FROM generate_series(1, 150) i;
CREATE TABLE twin_secret (id int, part int, note bytea, word bytea, amount bytea) PARTITION BY LIST (part);
CREATE TABLE twin_secret_even PARTITION OF twin_secret FOR VALUES IN (0, 2, 4, 6);
CREATE TABLE twin_secret_odd PARTITION OF twin_secret FOR VALUES IN (1, 3, 5);
INSERT INTO twin_secret
  SELECT id, part, nae_encrypt('customer-pii', note), nae_encrypt('customer-ssn', word),
         nae_encrypt('customer-pii', amount) FROM twin_plain;
CREATE INDEX ON twin_secret (id);
ANALYZE twin_plain, twin_secret;
"""


class Query:
    """One query; `plain` and `secret` are its spellings, `ordered` says whether its order is promised."""
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.alias = 0
        self.ordered = False
        self.template = self._statement()
        self.plain = self._spell(lambda table, column: f"{table}.{column}", "twin_plain")
        self.secret = self._spell(lambda table, column: f"nae_decrypt_text({table}.{column})", "twin_secret")

    def _spell(self, column_of, table):
        """Columns stand as {{table.column}}, the table as {{twin}}."""
        pieces = self.template.split("{{")
        text = pieces[0]
        for piece in pieces[1:]:
            mark, _, rest = piece.partition("}}")
            text += (table if mark == "twin" else column_of(*mark.split("."))) + rest
        return text

    def _pick(self, *choices):
        return self.random.choice(choices)

    def _table(self):
        self.alias += 1
        return f"t{self.alias}"

    def _text(self, table, depth=2):
        column = "{{%s.%s}}" % (table, self._pick(*COLUMNS))
        if depth == 0:
            return column
        inner = lambda: self._text(table, depth - 1)
        return self._pick(
            column, column, column, f"upper({column})", f"left({inner()}, 4)", f"coalesce({inner()}, 'none')",
            f"({inner()} || '/' || {inner()})", f"CASE WHEN {table}.id % 3 = 0 THEN {inner()} ELSE 'other' END",
            f"nullif({inner()}, 'cedar')", f"({{{{{table}.amount}}}}::int + {table}.id)::text",
            f"concat_ws('-', {inner()}, {table}.part)", "'fixed'")

    def _condition(self, table, depth=2):
        if depth == 0:
            return self._pick(f"{table}.id < {self.random.randrange(1, 150)}", f"{table}.part = {self.random.randrange(7)}")
        inner = lambda: self._condition(table, depth - 1)
        word = self._pick("amber", "birch", "dune", "zinc")
        return self._pick(
            inner(), f"{self._text(table, 1)} LIKE '%{self._pick('a', '7', 'ce', '1')}%'",
            "{{%s.word}} = '%s'" % (table, word), "{{%s.word}} IN ('%s', 'fern')" % (table, word),
            "{{%s.amount}}::int %s %d" % (table, self._pick("<", ">="), self.random.randrange(1000)),
            "{{%s.note}} IS %sNULL" % (table, self._pick("", "NOT ")),
            f"({inner()} AND {inner()})", f"({inner()} OR {inner()})", f"NOT ({inner()})",
            f"EXISTS (SELECT 1 FROM {{{{twin}}}} e WHERE e.id = {table}.id + 1 AND {{{{e.word}}}} = '{word}')",
            f"{table}.id IN (SELECT i.id FROM {{{{twin}}}} i WHERE {{{{i.word}}}} = '{word}')")

    def _select(self, columns):
        """A plain SELECT of `columns` text columns."""
        table = self._table()
        source = self._pick(f"{{{{twin}}}} {table}", f"{{{{twin}}}} {table}",
                            f"(SELECT * FROM {{{{twin}}}} ORDER BY id LIMIT {self.random.randrange(1, 140)}) {table}")
        join = ""
        if self.random.random() < 0.3:
            other = self._table()
            on = self._pick(f"{other}.id = {table}.id + 1", "{{%s.word}} = {{%s.word}} AND %s.id = %s.id" % (other, table, other, table))
            join = f" {self._pick('JOIN', 'LEFT JOIN')} {{{{twin}}}} {other} ON {on}"
        chosen = [self._text(table) for _ in range(columns)]
        where = f" WHERE {self._condition(table)}" if self.random.random() < 0.7 else ""
        return table, f"FROM {source}{join}{where}", chosen

    def _statement(self):
        shape = self._pick("rows", "rows", "ordered", "limit", "grouped", "distinct", "union", "window", "cte",
                           "lateral", "subquery", "aggregate", "values")
        table, rest, chosen = self._select(2)
        listed = ", ".join(f"{text} AS c{i}" for i, text in enumerate(chosen))
        if shape == "rows":
            return f"SELECT {table}.id, {listed} {rest}"
        if shape == "ordered":
            self.ordered = True
            return f"SELECT {table}.id, {listed} {rest} ORDER BY {chosen[0]} {self._pick('', 'DESC')} NULLS LAST, {table}.id, {chosen[1]}"
        if shape == "limit":
            self.ordered = True
            return f"SELECT {table}.id, {listed} {rest} ORDER BY {table}.id, 2, 3 LIMIT {self.random.randrange(1, 60)} OFFSET {self.random.randrange(20)}"
        if shape == "grouped":
            return (f"SELECT {chosen[0]} AS c0, count(*), min({chosen[1]}), count(DISTINCT {chosen[1]}) {rest} GROUP BY 1 "
                    f"HAVING count(*) > {self.random.randrange(3)}")
        if shape == "distinct":
            return f"SELECT DISTINCT {listed} {rest}"
        if shape == "union":
            _, rest2, chosen2 = self._select(2)
            verb = self._pick("UNION", "UNION ALL", "INTERSECT", "EXCEPT")
            return f"SELECT {', '.join(chosen)} {rest} {verb} SELECT {', '.join(chosen2)} {rest2}"
        if shape == "window":
            return (f"SELECT {table}.id, {listed}, row_number() OVER (PARTITION BY {chosen[0]} ORDER BY {table}.id, {chosen[1]}), "
                    f"lag({chosen[1]}) OVER (ORDER BY {table}.id, {chosen[0]}, {chosen[1]}) {rest}")
        if shape == "cte":
            word = self._pick("", "MATERIALIZED", "NOT MATERIALIZED")
            return (f"WITH w AS {word} (SELECT {table}.id, {listed} {rest}) SELECT a.id, a.c0, b.c1 FROM w a "
                    f"LEFT JOIN w b ON b.id = a.id + 2 WHERE a.c0 IS NOT NULL")
        if shape == "lateral":
            return (f"SELECT {table}.id, x.y {rest.replace(' WHERE ', ' CROSS JOIN LATERAL (SELECT ' + chosen[0] + ' AS y) x WHERE ', 1)}"
                    if " WHERE " in rest else f"SELECT {table}.id, x.y {rest} CROSS JOIN LATERAL (SELECT {chosen[0]} AS y) x")
        if shape == "subquery":
            return (f"SELECT {table}.id, (SELECT max({{{{s.word}}}}) FROM {{{{twin}}}} s WHERE s.part = {table}.part "
                    f"AND s.id < {self.random.randrange(2, 40)}) AS m, {listed} {rest}")
        if shape == "aggregate":
            return (f"SELECT count({chosen[0]}), min({chosen[0]}), max({chosen[1]}), string_agg({chosen[0]}, ',' ORDER BY {table}.id, {chosen[0]}), "
                    f"count(*) FILTER (WHERE {chosen[1]} > 'c') {rest}")
        return f"SELECT v.k, {listed} {rest.replace('FROM ', 'FROM (VALUES (1), (2)) v(k), ', 1) if ' JOIN ' not in rest else rest.replace('FROM ', 'FROM (VALUES (1), (2)) v(k) CROSS JOIN ', 1)}"
