"""What roles see whose policy does not give the value, and the plain tables that answer the same.

A mask and NULL replace a text after it is decrypted. Grouping, comparing and IS NULL of a deterministic column look at
what is stored, as docs/columns.md says, so these statements make texts of rows that plain columns choose.
"""
from .node import Node, Sequence
from .tables import ONE, TWO

MASK = "CASE WHEN length({0}) > 2 THEN repeat('*', length({0}) - 2) || right({0}, 2) ELSE repeat('*', length({0})) END"
SEEN = {"nae_masked": MASK, "nae_nulled": "NULL::text"}
READER = "nae_reader"  # sees values: any query
TEXTS = {table: [name for name, (_, declared) in columns.items() if "text}" in declared or "text:" in declared] for table, columns in (("t1", ONE), ("t2", TWO))}


def models():
    """Statements that make a schema of views for each role on the plain side, and what the roles may read."""
    for role, seen in SEEN.items():
        yield f"CREATE SCHEMA {role}"
        for table, columns in (("t1", ONE), ("t2", TWO)):
            listed = ", ".join(f"{seen.format(name)} AS {name}" if name in TEXTS[table] else name for name in columns)
            yield f"CREATE VIEW {role}.{table} AS SELECT {listed} FROM pln.{table}"
    yield f"GRANT USAGE ON SCHEMA {', '.join(SEEN)} TO nae_all"
    yield f"GRANT SELECT ON ALL TABLES IN SCHEMA {', '.join(SEEN)} TO nae_all"
    yield f"GRANT SELECT ON ALL TABLES IN SCHEMA enc TO {READER}, {', '.join(SEEN)}"


FORMS = ["{}", "{}", "upper({})", "left({}, 3)", "{} || '/' || {}", "md5({})", "length({})", "replace({}, '*', '+')", "to_json({})::text", "reverse({})", "{}::varchar(4)", "substring({} from 2)",
         "ARRAY[{}, 'x']", "ROW({}, 1)", "CASE WHEN z.id % 2 = 0 THEN {} ELSE 'odd' END", "({} LIKE '%e')", "({} ~ '[*]')", "concat({}, '-')", "(SELECT {})", "jsonb_build_object('k', {})", "quote_literal({})", "shout({})", "echo({})"]
AGGREGATES = ["string_agg({}, ',' ORDER BY z.id)", "array_agg({} ORDER BY z.id)", "json_agg({} ORDER BY z.id)::text", "max(upper({}))", "min({} || 'x')", "string_agg(DISTINCT upper({}), ',' ORDER BY upper({}))"]


def draw(random):
    """A query over texts."""
    table = random.choice(sorted(TEXTS))
    column = lambda: random.choice([name for name in TEXTS[table] if name != "p"])

    def fill(form):
        name = f"z.{column()}"
        return Node([form.replace("{}", name)], "any", simpler=[name])

    where = Node([random.choice([" WHERE z.id < 9", " WHERE z.id % 3 = 0", " WHERE z.p = 'amber'"])], optional=True)
    source = random.choice(["{} z", "(SELECT * FROM {} OFFSET 0) z", "{} y JOIN {} z ON z.id = y.id + 1", "(SELECT * FROM {} ORDER BY id LIMIT 5) z"]).replace("{}", table)
    if random.random() < 0.3:
        return Node(["SELECT ", Sequence([fill(random.choice(AGGREGATES)) for _ in range(2)]), f" FROM {source}", where, random.choice(["", f" GROUP BY z.id % 2"])]), False
    return Node(["SELECT ", Sequence(["z.id"] + [fill(random.choice(FORMS)) for _ in range(3)]), f" FROM {source}", where, " ORDER BY z.id"]), True
