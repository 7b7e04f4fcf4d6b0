"""Random aggregates and window functions of a kind, whose results do not depend on the order of rows."""
from .node import Node

# {E} is the same expression each time, {F} a second one of the same kind.
ANY_ORDERED = ["(array_agg({E} ORDER BY {E}))[1]", "(array_agg(DISTINCT {E}))[1]", "mode() WITHIN GROUP (ORDER BY {E})", "percentile_disc(0.5) WITHIN GROUP (ORDER BY {E})",
               "(array_agg({E} ORDER BY {E} DESC))[2]", "min({E}) FILTER (WHERE {bool})", "max({E})", "min({E})", "max(DISTINCT {E})", "first_of(array_agg({E} ORDER BY {E}))",
               "(percentile_disc(ARRAY[0.2, 0.9]) WITHIN GROUP (ORDER BY {E}))[2]", "COALESCE(max({E}), {F})", "GREATEST(max({E}), min({F}))"]
AGGREGATES = {
    "text": ["string_agg({E}, ',' ORDER BY {E})", "string_agg(DISTINCT {E}, ',' ORDER BY {E})", "json_agg({E} ORDER BY {E})::text", "json_agg(DISTINCT {any})::text", "jsonb_agg(DISTINCT {any})::text", "array_agg(DISTINCT {any})::text",
             "array_to_string(array_agg({E} ORDER BY {E}), '+')", "json_agg({row=R} ORDER BY {=R})::text", "string_agg({E}, {E} ORDER BY {E})", "max({E} || 'x')", "upper(min({E}))", "array_agg({row=R} ORDER BY {=R})::text",
             "json_object_agg(DISTINCT {E}, 1) FILTER (WHERE {E} IS NOT NULL)::text", "array_agg({any=A} ORDER BY {=A})::text", "array_to_json(array_agg({row=R} ORDER BY {=R}))::text", "max({int})::text"],
    "int": ["count(*)::int", "count({any})::int", "count(DISTINCT {any})::int", "count(DISTINCT {row})::int", "sum({E})::int", "bit_and({E})", "bit_or({E})", "rank({E}) WITHIN GROUP (ORDER BY {E})::int".replace("rank({E})", "rank(1)"),
            "rank('birch') WITHIN GROUP (ORDER BY {text})::int", "dense_rank('birch', 1) WITHIN GROUP (ORDER BY {text}, {E})::int", "count(*) FILTER (WHERE {bool})::int", "sum(DISTINCT {E})::int", "regr_count({num}, {E})::int", "count(({any}, {any}))::int"],
    "big": ["sum({int})", "count(*)", "sum({int}) FILTER (WHERE {bool})", "count(DISTINCT {text})"],
    "num": ["avg({int})", "sum({E})", "avg({E})", "sum(DISTINCT {E})", "avg({big})", "sum({big})", "round(percentile_cont(0.5) WITHIN GROUP (ORDER BY {E})::numeric, 3)", "round(stddev_pop({E}), 3)", "round(corr({E}, {int})::numeric, 3)", "round(variance({int}), 3)",
            "round(percentile_cont(0.5) WITHIN GROUP (ORDER BY {int})::numeric, 3)"],
    "bool": ["bool_and({bool})", "bool_or({bool})", "every({bool})", "count(*) > 2", "max({text}) < 'c'"],
    "json": ["jsonb_agg({any=A} ORDER BY {=A})", "jsonb_agg(DISTINCT {any})", "to_jsonb(array_agg({any=A} ORDER BY {=A}))", "jsonb_agg({row=R} ORDER BY {=R})", "jsonb_build_array(max({text}), min({int}))"],
    "bytea": ["string_agg({E}, ''::bytea ORDER BY {E})", "(array_agg({E} ORDER BY {E}))[1]", "(array_agg(DISTINCT {E}))[1]"],
    "uuid": ["(array_agg({E} ORDER BY {E}))[1]", "mode() WITHIN GROUP (ORDER BY {E})", "(array_agg(DISTINCT {E}))[1]"],
    "texts": ["array_agg({text=A} ORDER BY {=A})", "array_agg(DISTINCT {text})", "max({E})", "array_agg({text=A} ORDER BY {=A} DESC NULLS LAST) FILTER (WHERE {bool})"],
    "ints": ["array_agg({int=A} ORDER BY {=A})", "array_agg(DISTINCT {int})", "min({E})"],
    "row": ["(array_agg({E} ORDER BY {E}))[1]", "ROW(max({text}), min({int}))"],
}
# All peers of a row give the same answer.
WINDOWS = {
    "text": ["max({E}) OVER (ORDER BY {E})", "first_value({E}) OVER (ORDER BY {E})", "min({E}) OVER (PARTITION BY {any})", "string_agg({E}, ',') OVER (ORDER BY {E} GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW)", "max({E}) OVER (PARTITION BY {any} ORDER BY {any})",
             "max({E}) OVER (ORDER BY {int} RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING)", "last_value({E}) OVER (PARTITION BY {E})", "nth_value({E}, 1) OVER (ORDER BY {E} DESC)", "min({E}) OVER (ORDER BY {row})", "max({E}) OVER (ORDER BY {E} RANGE UNBOUNDED PRECEDING EXCLUDE GROUP)"],
    "int": ["rank() OVER (ORDER BY {any})::int", "dense_rank() OVER (PARTITION BY {any} ORDER BY {any})::int", "count(*) OVER (PARTITION BY {any})::int", "count({any}) OVER (ORDER BY {date} RANGE BETWEEN '1 day' PRECEDING AND CURRENT ROW)::int",
            "count(*) OVER (ORDER BY {num} RANGE BETWEEN 0.75 PRECEDING AND CURRENT ROW)::int", "sum({E}) OVER (ORDER BY {any})::int", "max({E}) OVER (ORDER BY {E} RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)", "rank() OVER (ORDER BY {row})::int", "count(*) OVER (PARTITION BY {row})::int"],
    "big": ["sum({int}) OVER (PARTITION BY {any} ORDER BY {any})", "rank() OVER (ORDER BY {text})", "max({E}) OVER (PARTITION BY {any})"],
    "num": ["avg({int}) OVER (PARTITION BY {any})", "sum({E}) OVER (ORDER BY {any})", "max({E}) OVER (ORDER BY {ts} RANGE BETWEEN '1 hour' PRECEDING AND '1 hour' FOLLOWING)"],
    "date": ["max({E}) OVER (PARTITION BY {any})", "first_value({E}) OVER (ORDER BY {E})"], "ts": ["min({E}) OVER (ORDER BY {any})", "last_value({E}) OVER (ORDER BY {E})"],
    "bool": ["bool_or({E}) OVER (PARTITION BY {any})", "rank() OVER (ORDER BY {any}) = 1", "count(*) OVER (PARTITION BY {E}) = 1"],
}


class Aggregates:
    def __init__(self, random, expressions):
        self.random = random
        self.expressions = expressions

    def draw(self, kind, scope, depth):
        return self._fill(AGGREGATES.get(kind, []) if kind in ("bool", "bytea", "uuid", "json", "texts", "ints", "row") or
                          kind in AGGREGATES and self.random.random() < 0.6 else ANY_ORDERED, kind, scope, depth)

    def window(self, kind, scope, depth):
        if kind not in WINDOWS:
            return self.expressions.draw(kind, scope, depth)
        return self._fill(WINDOWS[kind], kind, scope, depth)

    def _fill(self, templates, kind, scope, depth):
        template = self.random.choice(templates)
        pieces, named = [], {}
        rest = template
        while rest:
            before, _, rest = rest.partition("{")
            pieces.append(before)
            if not rest:
                break
            mark, _, rest = rest.partition("}")
            pieces.append(self._marked(mark, named, kind, scope, depth))
        return Node(["("] + pieces + [")"], kind, simpler=[f"max({column})" for column in scope.columns(kind)[:1]])

    def _marked(self, mark, named, kind, scope, depth):
        of, _, name = mark.partition("=")
        if mark == "E":
            of, name = kind, "E"
        elif mark == "F":  # of the query's own level, but no column
            return self.expressions.literal(kind, self.random.random() < 0.5)
        if name and name in named:
            return named[name]
        if name and not of:
            return named[name]
        drawn = self.expressions.draw(of, scope, depth - 1)
        if name:
            named[name] = drawn
        return drawn
