"""Random expressions of a kind: what may stand for a text, a number, a date, a condition, a row, an array.

{kind} in a template is another expression of that kind. What depends on the order of evaluation (overflow,
division by zero, invalid input) is kept out, because plans of the twins differ; so are floats, whose sums
depend on the order of rows, and what says how a value is stored (pg_typeof, pg_column_size, record_image_eq,
ctid, EXPLAIN).
"""
from .binary import PLAIN
from .node import Node, Parameter

LITERALS = {
    "text": ["'amber'::text", "'birch'::text", "''::text", "'x'::text", "'Cedar'::text", "NULL::text", "'dune'::varchar"], "digits": ["'7'", "'42'::text"],
    "int": ["0", "1", "-1", "2", "'3'::int", "NULL::int", "4::smallint"], "big": ["10000000000", "3::bigint", "NULL::bigint"],
    "num": ["1.5", "0.5", "'2.25'::numeric", "1.75::numeric(6,2)", "NULL::numeric"],
    "date": ["date '2024-02-28'", "'2000-01-05'::date", "NULL::date"], "ts": ["timestamptz '2024-02-29 12:00Z'", "'2001-03-01Z'::timestamptz"],
    "uuid": ["md5('1')::uuid", "'c4ca4238-a0b9-2382-0dcc-509a6f75849b'::uuid"], "bytea": ["'\\x6162'::bytea", "decode('c4ca', 'hex')"],
    "bool": ["true", "false", "NULL::bool"], "json": ["'{\"a\": 1}'::jsonb", "'[1, 2]'::jsonb"],
    "stamp": ["timestamp '2024-02-29 12:00'", "NULL::timestamp"], "time": ["time '10:00'"], "interval": ["interval '1 day'"], "float": ["0.5::float8"], "small": ["1::smallint"],
    "inet": ["inet '10.0.1.1'"], "blank": ["'amber'::bpchar"], "texts": ["ARRAY['amber', 'x']", "'{birch,NULL}'::text[]"], "ints": ["ARRAY[1, 2]", "'{0,3}'::int[]"],
}
# Literals without a type, which take that of what they meet.
UNKNOWN = {"text": ["'amber'", "'birch'", "''", "NULL"], "int": ["'1'", "'3'", "NULL", "0", "2"], "big": ["'10000000000'", "3"], "num": ["'1.25'", "1.5", "2"],
           "date": ["'2024-02-28'", "'2000-01-05'"], "ts": ["'2024-02-29 13:00Z'"], "uuid": ["'c4ca4238-a0b9-2382-0dcc-509a6f75849b'"],
           "bytea": ["'\\x6162'"], "bool": ["'t'", "true"], "json": ["'{\"a\": 1}'"]}
ORDERED = ["text", "int", "big", "num", "date", "ts", "uuid", "bytea", "bool"]
MORE = ["stamp", "time", "interval", "float", "small", "inet", "blank"]  # mostly columns
SCALAR = ORDERED + ["json"] + MORE
SAME = ["COALESCE({%}, {%})", "COALESCE({%}, {%?})", "NULLIF({%}, {%})", "NULLIF({%}, {%?})", "CASE WHEN {bool} THEN {%} ELSE {%} END",
        "CASE WHEN {bool} THEN {%?} WHEN {bool} THEN {%} END", "CASE {any=A} WHEN {=A} THEN {%} ELSE {%} END", "(SELECT {%})", "(ARRAY[{%}, {%}])[1]",
        "(ROW({%}, {any})).f1", "echo({%})", "first_of(ARRAY[{%}])", "first_of(pair({%}, {%}))", "(doubled({%})).x", "{sub:%}", "{sub:%}",
        "(SELECT z.v FROM (VALUES ({%}), ({%})) z(v) ORDER BY z.v LIMIT 1)"]
ORDERING = ["GREATEST({%}, {%})", "LEAST({%}, {%}, {%})", "GREATEST({%}, {%?})", "LEAST({%?}, {%})"]
TEMPLATES = {
    "text": ["upper({text})", "host({inet})", "{blank}::text", "{blank} || {text}", "to_char({interval}, 'HH24')", "lower({text})", "left({text}, 4)", "{text} || {text}", "{text} || {int}", "{text} || '/'", "concat({any}, {any})", "format('%s-%s', {any}, {any})",
             "concat_ws('-', {any}, {text})", "substring({text} from 2 for 2)", "replace({text}, 'a', 'o')", "to_char({ts}, 'YYYY-MM')", "to_char({date}, 'DD.MM')",
             "to_char({num}, 'FM9990.00')", "to_char({int}, '000')", "({json} ->> 'a')", "{any}::text", "CAST({int} AS text)", "encode({bytea}, 'hex')", "md5({text})",
             "array_to_string({texts}, ',')", "joined({text}, {text})", "joined({int}, {int})", "lpad({text}, 6, 'x')", "{text}::varchar(3)", "{text}::char(4)", "split_part({text}, 'e', 1)",
             "regexp_replace({text}, '[ae]', '_')", "shout({text})", "trim(BOTH 'a' FROM {text})", "overlay({text} placing 'q' from 1)", "reverse({text})", "{row}::text",
             "row_to_json({row})::text", "to_json({any})::text", "to_jsonb({any})::text", "json_build_object('k', {any})::text", "jsonb_build_array({any}, {any})::text",
             "array_to_json({texts})::text", "quote_nullable({text})", "array_to_json(ARRAY[{row}])::text", "xmlserialize(CONTENT xmlelement(name n, {text}) AS text)"],
    "stamp": ["{stamp} + {interval}", "{ts} AT TIME ZONE 'UTC'", "date_trunc('day', {stamp})", "{date}::timestamp", "{ts}::timestamp"], "time": ["{time} + interval '1 minute'", "{stamp}::time"],
    "interval": ["{interval} * 2", "{stamp} - {stamp}", "age({stamp}, {stamp})", "{time} - {time}", "{interval} + {interval}"], "float": ["{float} * 2", "{float} + {int}", "{int}::float8", "abs({float})"],
    "small": ["{small} + {small}", "{int}::smallint", "abs({small})", "{small} % 2::smallint"], "inet": ["set_masklen({inet}, 24)", "{inet} + 1", "network({inet})::inet"], "blank": ["{text}::bpchar", "{blank}"],
    "digits": ["COALESCE({digits}, '1')"],
    "int": ["{int} + {int}", "{int} - {int}", "-{int}", "abs({int})", "{int} % 7", "{int} / 2", "length({text})", "{digits}::int", "CAST({digits} AS int)", "{bool}::int", "{date} - {date}", "extract(year FROM {date})::int",
            "date_part('month', {ts})::int", "array_length({texts}, 1)", "cardinality({ints})", "position('e' IN {text})", "ascii({text})", "num_nulls({any}, {any})", "({json} ->> 'a' IS NULL)::int",
            "CASE WHEN {bool} THEN 1 ELSE 0 END", "strpos({text}, {text})", "{int}::smallint", "sign({num})::int", "width_bucket({num}, 0, 10, 4)", "array_position({texts}, {text})", "{num}::int", "mod({int}, 3)", "gcd({int}, 4)", "{int} & 3", "{int} # {int}", "{text}::int/*risky*/", "100 / {int}/*risky*/", "{big}::int/*risky*/"],
    "big": ["{big} + {int}", "{big} - {big}", "{int}::bigint", "{small} * {big}", "{big} % 7", "abs({big})", "{big} / 3"],
    "num": ["{num} + {num}", "{num} * {int}", "{num} * {num}", "round({num}, 1)", "trunc({num})", "{int} * 1.5", "{num} - {big}", "{int}::numeric", "{big} * 0.5", "abs({num})", "{digits}::numeric", "round({int})::numeric", "sqrt({int} * {int})::numeric(8,3)", "ceil({num})",
            "extract(day FROM {ts})", "{num} / 2", "power({int}, 2)::numeric(20,2)", "{num}::numeric(8,1)", "extract(epoch FROM {ts} - {ts})", "div({num}, 2)"],
    "date": ["{date} + 1", "{stamp}::date", "{date} - 3", "{ts}::date", "{date} + {int} % 9", "date_trunc('month', {date})::date", "make_date(2024, 2, 3)", "({date} + interval '1 month')::date", "{text}::date/*risky*/"],
    "ts": ["{ts} + interval '1 day'", "{ts} + {interval}", "{stamp}::timestamptz", "{date}::timestamptz", "date_trunc('hour', {ts})", "date_trunc('month', {date})", "{ts} - interval '2 hours'", "({ts} AT TIME ZONE 'UTC')::timestamptz", "date_bin('1 day', {ts}, timestamptz '2000-01-01Z')"],
    "uuid": ["md5({text})::uuid", "{uuid}::text::uuid"],
    "bytea": ["{bytea} || {bytea}", "sha256({bytea})", "convert_to({text}, 'UTF8')", "substring({bytea} from 1 for 2)", "decode(md5({text}), 'hex')"],
    "json": ["to_jsonb({any})", "jsonb_build_object('k', {any})", "{json} || {json}", "{json} -> 'a'", "jsonb_build_array({any}, {any})", "to_jsonb({row})", "to_jsonb({texts})", "({json})['a']", "jsonb_set({json}, ARRAY['a'], to_jsonb({any}))", "jsonb_strip_nulls({json})"],
    "texts": ["ARRAY[{text}, {text}]", "ARRAY[{text}, {text?}]", "array_append({texts}, {text})", "array_remove({texts}, {text})", "array_replace({texts}, {text}, {text})", "{texts} || {text}", "{texts} || {texts}", "pair({text}, {text})", "string_to_array({text}, 'e')",
              "ARRAY(SELECT {text} UNION ALL SELECT {text} ORDER BY 1)", "array_cat({texts}, {texts})", "regexp_split_to_array({text}, 'r')", "({texts})[1:1]", "array_fill({text}, ARRAY[2])"],
    "ints": ["ARRAY[{int}, {int}]", "ARRAY[{int}, {int?}]", "array_append({ints}, {int})", "array_remove({ints}, {int})", "{ints} || {int}", "pair({int}, {int})", "array_positions({texts}, {text})", "ARRAY[{int}]::bigint[]::int[]"],
    "row": ["{whole}", "ROW({any}, {any})", "ROW({any})", "({any}, {any}, {any})", "ROW({whole})"],
    "bool": ["{bool} AND {bool}", "{bool} OR {bool}", "NOT {bool}", "{any} IS NULL", "{any} IS NOT NULL", "{text} LIKE '%e%'", "{text} ILIKE 'A%'", "{text} ~ 'r'", "{text} IN ('amber', 'birch')", "{text} IN ({text}, {text})",
             "{cmp}", "{cmp}", "{cmp}", "{stamp} < {ts}", "{stamp} >= {date}", "{time} > '09:30'", "{interval} < '1 day'", "{inet} << '10.0.0.0/15'", "{inet} = {inet}", "{small} = {int}", "{small} < {big}", "{float} > {num}", "{float} = {int}", "{blank} = {text}", "{blank} = {blank}", "{stamp} = {stamp}", "{small} IN (1, {int})", "{text} = ANY ({texts})", "{int} = ANY ({ints})", "{int} <> ALL ({ints})", "{text} < ANY (ARRAY[{text}, {text}])", "{int} IN (1, 2, {int})", "{int} BETWEEN 0 AND {int}", "{num} BETWEEN SYMMETRIC {num} AND {int}",
             "{date} < {ts}", "{ts} >= {date}", "{int} < {num}", "{num} = {int}", "{big} > {int}", "{int} = {big}", "{texts} = {texts}", "{texts} @> ARRAY[{text}]", "{ints} && {ints}", "{json} @> '{\"a\": 1}'", "{json} ? 'a'", "{json} = {json}",
             "starts_with({text}, 'a')", "{bool} IS TRUE", "{bool} IS DISTINCT FROM {bool}", "{bool} = {bool}", "{text} SIMILAR TO '(a|b)%'", "{exists}", "{exists}", "{insub}", "{insub}", "({any=A}, {any=B}) = ({=A}, {=B})", "({any=A}, {any=B}) IN (({=A}, {=B}), ({=A}, {=B}))",
             "({ord=A}, {ord=B}) < ({=A}, {=B})", "ROW({any=A}, {any=B}) IS DISTINCT FROM ROW({=A}, {=B})", "({any=A}, {any=B}) <> ({=A}, {=B?})", "{whole=W} = {=W}", "{whole} IS NOT NULL", "ROW({any}, {any}) IS NOT NULL", "{ord=A} BETWEEN {=A} AND {=A}",
             "({date}, {date}) OVERLAPS ({date}, {date})", "{text} < {text} COLLATE \"C\"", "{text} >= {text}", "{uuid} = {uuid}"],
}
COMPARISONS = ["=", "=", "=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]


class Scope:
    """What may be named: relations by alias with the kinds of their columns; `outer` is the query around."""
    def __init__(self, outer=None):
        self.relations = {}
        self.whole = []  # aliases that may stand for a row: not of a join's result
        self.outer = outer

    def columns(self, kind):
        kinds = ("text", "digits") if kind == "text" else (kind,)
        return [f"{alias}.{name}" for alias, columns in self.relations.items() for name, of in columns.items() if of in kinds]


class Expressions:
    """Draws expressions; `queries` draws the sub-selects in them."""
    def __init__(self, random, queries):
        self.random = random
        self.queries = queries
        self.parameters = 0.0  # how many of the literals are sent beside the text

    def column(self, kind, scope):
        found = scope.columns(kind)
        if scope.outer and (not found or self.random.random() < 0.15):
            found = scope.outer.columns(kind) or found
        return self.random.choice(found) if found else None

    def literal(self, kind, typed=True):
        choice = self.random.choice((LITERALS if typed or kind not in UNKNOWN else UNKNOWN)[kind])
        if self.random.random() < self.parameters and kind in UNKNOWN:
            return Parameter(PLAIN[kind], kind, LITERALS[kind][:1])
        return Node([choice], kind)

    def leaf(self, kind, scope):
        column = self.column(kind, scope)
        if kind == "row":
            return Node([f"ROW({self.column('text', scope) or 'NULL::text'})"], kind)
        if column and self.random.random() < 0.85:
            return Node([column], kind)
        if not column and kind == "text" and self.random.random() < 0.7:
            other = self.column(self.any_kind(scope), scope)
            return Node([f"{other}::text"], kind) if other else self.literal(kind)
        return self.literal(kind)

    def any_kind(self, scope):
        """Mostly one of which there is a column."""
        found = sorted({kind for columns in scope.relations.values() for kind in columns.values()} & set(SCALAR))
        return self.random.choice(found if found and self.random.random() < 0.85 else SCALAR)

    def draw(self, kind, scope, depth=2):
        if kind == "any":
            kind = self.any_kind(scope)
        if depth <= 0 or self.random.random() < 0.3:
            return self.leaf(kind, scope)
        templates = list(TEMPLATES.get(kind, []))
        if kind in SCALAR and self.random.random() < 0.35:
            templates = [text.replace("%", kind) for text in SAME]
        elif kind in ORDERED and self.random.random() < 0.12:
            templates = [text.replace("%", kind) for text in ORDERING]
        return self.fill(self.random.choice(templates), kind, scope, depth - 1)

    def fill(self, template, kind, scope, depth):
        """A template's pieces; {any=A} draws a kind that {=A} repeats, {kind?} is a literal without a type."""
        pieces, named, rest = ["("], {}, template
        while rest:
            before, _, rest = rest.partition("{")
            pieces.append(before)
            if not rest:
                break
            mark, closed, after = rest.partition("}")
            if not closed or not mark.replace("=", "").replace("?", "").replace(":", "").isalnum():
                pieces.append("{")
                continue
            rest = after
            pieces.append(self._marked(mark, named, scope, depth))
        pieces.append(")")
        column = self.column(kind, scope)
        simpler = ([column] if column else []) + LITERALS.get(kind, [])[:1]
        return Node(pieces, kind, simpler=simpler)

    def _marked(self, mark, named, scope, depth):
        unknown = mark.endswith("?")
        of, _, name = mark.rstrip("?").partition("=")
        if name:
            if of == "whole":
                named[name] = "whole"
            elif of:
                named[name] = self.any_kind(scope) if of == "any" else self.random.choice(ORDERED)
            of = named[name]
        if of == "cmp":
            kind = self.random.choice(ORDERED)
            right = self.literal(kind, False) if self.random.random() < 0.4 else self.draw(kind, scope, depth)
            return Node(["(", self.draw(kind, scope, depth), f" {self.random.choice(COMPARISONS)} ", right, ")"], "bool")
        if of == "whole":
            return Node([self.random.choice(scope.whole) if scope.whole else "ROW(1)"], "row")
        if of.startswith("sub:"):
            return self.queries.scalar(of[4:], scope, depth)
        if of == "exists":
            return self.queries.exists(scope, depth)
        if of == "insub":
            return self.queries.member(scope, depth)
        return self.literal(of, False) if unknown else self.draw(of, scope, depth)
