"""The tables: one text for both schemas, in which {det_text} and {text:KEY} stand for a type.

Data contain canaries, CANARY matches them: values that no statement of ours writes, so that a message
or a line of the log with one of them has told a value.
"""
import re

CANARY = re.compile(r"zqk\d|7712\d\d")
KEYS = "col-rnd:aes-256-gcm col-det:aes-256-siv col-rnd-2:aes-256-gcm col-det-2:aes-256-siv"
# name: (kind of an expression, declaration)
ONE = {"id": ("int", "int PRIMARY KEY"), "p": ("text", "text"), "q": ("int", "int"),
       "t": ("text", "{det_text}"), "r": ("text", "{text}"), "s": ("text", "{det_text:col-det-2}"), "w": ("text", "{text:col-rnd-2}"),
       "a": ("digits", "{text}"), "n": ("int", "{det_int4}"), "m": ("int", "{int4}"), "h": ("big", "{det_int8}"), "g": ("big", "{int8}"),
       "y": ("num", "{det_numeric}"), "x": ("num", "{numeric}"), "e": ("date", "{det_date}"), "d": ("date", "{date}"),
       "f": ("ts", "{det_timestamptz}"), "c": ("ts", "{timestamptz}"), "u": ("uuid", "{det_uuid}"), "v": ("uuid", "{uuid}"),
       "k": ("bytea", "{det_bytea}"), "b": ("bytea", "{bytea}"), "o": ("bool", "{bool}"), "j": ("json", "{jsonb}")}
TWO = {"id": ("int", "int PRIMARY KEY"), "p": ("text", "text"), "t": ("text", "{det_text}"), "r": ("text", "{text:col-rnd-2}"),
       "n": ("int", "{det_int4:col-det-2}"), "m": ("int", "{int4}"), "x": ("num", "{numeric}"), "e": ("date", "{det_date}"),
       "u": ("uuid", "{det_uuid}"), "o": ("bool", "{bool}"), "j": ("json", "{jsonb}"), "z": ("int", "int DEFAULT 5"),
       "l": ("text", "{text} DEFAULT 'given'")}
THREE = {"id": ("int", "int"), "t": ("text", "{det_text}"), "r": ("text", "{text}"), "n": ("int", "{det_int4}"), "p": ("text", "text")}
FOUR = {"id": ("int", "int PRIMARY KEY"), "t": ("text", "{det_text}"), "aa": ("stamp", "{timestamp}"), "ab": ("stamp", "{det_timestamp}"), "ac": ("time", "{det_time}"), "ad": ("interval", "{interval}"),
        "ae": ("float", "{float8}"), "af": ("small", "{int2}"), "ag": ("small", "{det_int2}"), "ah": ("inet", "{inet}"), "ai": ("inet", "{det_inet}"), "aj": ("texts", "{text_array}"),
        "ak": ("ints", "{int4_array}"), "al": ("blank", "{bpchar}"), "am": ("blank", "{det_bpchar}")}
TABLES = {"t1": ONE, "t2": TWO, "t3": THREE, "t4": FOUR}
VIEWS = {"v1": {name: ONE[name] for name in ("id", "t", "r", "n", "m", "x", "d", "p")},
         "v2": {"t": ONE["t"], "c": ("big", ""), "n": ONE["n"]}}

WORDS = "(ARRAY['amber','birch','cedar','',NULL,'zqk'||i])[1 + {} % 6]"
SETUP = [
    f"CREATE TABLE t1 ({', '.join(f'{name} {declared}' for name, (_, declared) in ONE.items())})",
    f"CREATE TABLE t2 ({', '.join(f'{name} {declared}' for name, (_, declared) in TWO.items())}, UNIQUE (t))",
    f"CREATE TABLE t3 ({', '.join(f'{name} {declared}' for name, (_, declared) in THREE.items())}) PARTITION BY HASH (id)",
    "CREATE TABLE t3a PARTITION OF t3 FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    "CREATE TABLE t3b PARTITION OF t3 FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    f"""INSERT INTO t1 SELECT i, {WORDS.format('i')}, i % 4, {WORDS.format('i')}, {WORDS.format('(i * 5 / 3)')}, {WORDS.format('(i / 2)')}, 'zqk' || i,
        (i * 37 % 50)::text, nullif(i % 5, 3) - 1, CASE WHEN i % 6 > 0 THEN 771200 + i % 9 END, i * 10000000000, i % 3 * 771200,
        trim_scale(nullif(i % 4, 2) * 1.25 + 0.5), i * 0.75, date '2024-02-27' + i % 5, CASE WHEN i % 5 > 0 THEN date '1999-12-30' + i END,
        timestamptz '2024-02-29 12:00Z' + i % 3 * interval '1 hour', timestamptz '2001-01-01 00:00:00.5Z' + i * interval '13 days',
        md5((i % 7)::text)::uuid, md5(i::text)::uuid, decode(md5((i % 4)::text), 'hex'), convert_to('zqk' || i, 'UTF8'),
        CASE WHEN i % 7 > 0 THEN i % 2 = 0 END, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN jsonb_build_object('a', i, 'b', 'zqk' || i)
        WHEN 2 THEN jsonb_build_object('a', jsonb_build_array(1, i % 3)) ELSE '{{"a": 1}}' END FROM generate_series(1, 24) i""",
    f"""INSERT INTO t2 SELECT i, {WORDS.format('i')}, CASE i WHEN 1 THEN 'amber' WHEN 2 THEN 'birch' WHEN 3 THEN '' WHEN 4 THEN NULL ELSE 'zqk' || i END,
        {WORDS.format('(i + 1)')}, i % 4, i % 3, i * 0.75, date '2024-02-27' + i % 4, md5((i % 5)::text)::uuid, i % 3 = 0, '{{"a": 1}}', i
        FROM generate_series(1, 14) i""",
    f"INSERT INTO t3 SELECT i, {WORDS.format('i')}, {WORDS.format('(i + 2)')}, i % 3, {WORDS.format('i')} FROM generate_series(1, 12) i",
    f"CREATE TABLE t4 ({', '.join(f'{name} {declared}' for name, (_, declared) in FOUR.items())})",
    f"""INSERT INTO t4 SELECT i, {WORDS.format('i')}, timestamp '2024-02-29 12:00' + i % 5 * interval '7 hours', CASE WHEN i % 4 > 0 THEN timestamp '2024-02-28' + i % 4 * interval '1 day' END, time '09:00' + i % 3 * interval '1 hour',
        i % 4 * interval '13 hours', i * 0.5, i % 3, nullif(i % 4, 2), ('10.0.' || i % 3 || '.1')::inet, ('10.1.0.' || i % 4)::inet, ARRAY['zqk' || i, 'birch'], CASE WHEN i % 3 > 0 THEN ARRAY[i % 4, 1] END,
        {WORDS.format('i')}, {WORDS.format('(i + 1)')} FROM generate_series(1, 12) i""",
    "CREATE VIEW v1 AS SELECT id, t, r, n, m, x, d, p FROM t1 WHERE id < 20",
    "CREATE VIEW v2 AS SELECT t, count(*) AS c, max(n) AS n FROM t1 GROUP BY t",
    "CREATE INDEX ON t1 (t)",
    "CREATE FUNCTION doubled(a anyelement, OUT x anyelement, OUT y anyelement) LANGUAGE sql AS 'SELECT a, a'",
    "CREATE FUNCTION pair(anyelement, anyelement) RETURNS anyarray LANGUAGE sql AS 'SELECT ARRAY[$1, $2]'",
    "CREATE FUNCTION first_of(anyarray) RETURNS anyelement LANGUAGE sql IMMUTABLE AS 'SELECT $1[1]'",
    "CREATE FUNCTION twice(anyelement) RETURNS SETOF anyelement LANGUAGE sql AS 'VALUES ($1), ($1)'",
    "CREATE FUNCTION echo(v anyelement) RETURNS anyelement LANGUAGE plpgsql AS 'BEGIN RETURN v; END'",
    "CREATE FUNCTION joined(VARIADIC anyarray) RETURNS text LANGUAGE sql AS $$SELECT array_to_string($1, '+')$$",
    "CREATE FUNCTION shout(text) RETURNS text LANGUAGE plpgsql AS $$BEGIN RETURN $1 || '!'; END$$",
    "CREATE FUNCTION rows_below(int) RETURNS SETOF t1 LANGUAGE sql STABLE AS 'SELECT * FROM t1 WHERE id < $1'",
    "CREATE FUNCTION some_below(int) RETURNS TABLE (t text, m int) LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT z.t, z.m FROM t1 z WHERE z.id < $1; END'",
    "ANALYZE t1, t2, t3, t4",
]


def of_side(side, text):
    if side == "pln":
        text = re.sub(r"\{(\w+)_array\}", r"\1[]", text)
        return re.sub(r"\{(?:det_)?([a-z]\w*)(:[\w-]+)?\}", r"\1", text)
    text = re.sub(r"\{(\w+):([\w-]+)\}", r"nae.enc_\1('\2')", text)
    text = re.sub(r"\{(det_[a-z]\w*)\}", r"nae.enc_\1('col-det')", text)
    return re.sub(r"\{([a-z]\w*)\}", r"nae.enc_\1('col-rnd')", text)
