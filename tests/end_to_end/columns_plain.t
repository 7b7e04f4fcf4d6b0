#!/usr/bin/python3 -B
# What the extension puts into pg_catalog for encrypted types changes nothing for all others: every operator and every
# function of one or two arguments resolves over PostgreSQL's own types as it does in a database without the extension.
import os

from harness import Stack, Tap

TYPES = ("int2 int4 int8 numeric float4 float8 money text varchar bpchar name bytea bool date time timetz timestamp timestamptz interval "
         "uuid json jsonb inet cidr xml bit oid regclass int4range numrange daterange tstzrange int4multirange text[] int4[] numeric[] date[] jsonb[]").split()
# Of a call: the type of its result, or the class of its error.
SETUP = """
CREATE FUNCTION pg_temp.meaning(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  EXECUTE 'SELECT pg_typeof(' || call || ') FROM (SELECT) AS none WHERE false' INTO result;
  EXECUTE 'CREATE TEMP VIEW meant AS SELECT ' || call || ' AS x';
  SELECT format_type(atttypid, atttypmod) INTO result FROM pg_attribute WHERE attrelid = 'meant'::regclass;
  DROP VIEW meant;
  RETURN result;
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
CREATE TEMP TABLE operand (text text);
INSERT INTO operand SELECT 'NULL::' || t FROM unnest(ARRAY[%s]) AS t;
INSERT INTO operand VALUES ('''1''');
CREATE TEMP VIEW call AS
  SELECT format('%%s OPERATOR(pg_catalog.%%s) %%s', l.text, o.name, r.text) AS call
    FROM (SELECT DISTINCT oprname AS name FROM pg_operator WHERE oid < 16384 AND oprleft <> 0) o, operand l, operand r
  UNION ALL SELECT format('OPERATOR(pg_catalog.%%s) %%s', o.name, r.text)
    FROM (SELECT DISTINCT oprname AS name FROM pg_operator WHERE oid < 16384 AND oprleft = 0) o, operand r
  UNION ALL SELECT format('pg_catalog.%%I(%%s)', f.name, a.text)
    FROM (SELECT DISTINCT proname AS name FROM pg_proc WHERE oid < 16384 AND pronargs = 1 AND prokind IN ('f', 'a') AND prorettype <> 'trigger'::regtype) f, operand a
  UNION ALL SELECT format('pg_catalog.%%I(%%s, ''1'')', f.name, a.text)
    FROM (SELECT DISTINCT proname AS name FROM pg_proc WHERE oid < 16384 AND pronargs = 2 AND prokind IN ('f', 'a')) f, operand a
  UNION ALL SELECT format('pg_catalog.%%I(''1'', %%s)', f.name, a.text)
    FROM (SELECT DISTINCT proname AS name FROM pg_proc WHERE oid < 16384 AND pronargs = 2 AND prokind IN ('f', 'a')) f, operand a
  UNION ALL SELECT format('%%s(%%s, %%s)', f, l.text, r.text) FROM unnest(ARRAY['COALESCE', 'GREATEST', 'NULLIF']) AS f, operand l, operand r;
""" % ", ".join(f"'{t}'" for t in TYPES)
SHARE = 16  # so many parts are asked for by themselves: each call takes locks until its transaction ends
PARTS = range(SHARE) if os.environ.get("NAE_ALL") else (0, 5, 11)


def meanings(stack, database, part):
    session = stack.session(None, database=database)
    session.ask(SETUP)
    answer = session.ask(f"SELECT call || ' = ' || pg_temp.meaning(call) FROM call WHERE abs(hashtext(call)) % {SHARE} = {part} ORDER BY 1", 300)
    session.close()
    return answer.out.splitlines()


def differ(plain, extended):
    """An untyped literal for any array is an error (42804); with functions for encrypted ones beside it, another (42725)."""
    (call, _, meaning), (_, _, other) = plain.rpartition(" = "), extended.rpartition(" = ")
    return plain != extended and not (call.startswith("pg_catalog.") and (meaning, other) == ("42804", "42725"))


with Tap() as tap, Stack() as stack:
    compared = 0
    for part in PARTS:
        wanted, got = (meanings(stack, database, part) for database in ("postgres", "nae_test"))
        compared += len(wanted)
        different = [f"{one}, with the extension {other.rpartition(' = ')[2]}" for one, other in zip(wanted, got) if differ(one, other)]
        tap.ok(not different and len(wanted) == len(got), f"part {part}: the same with the extension", *different[:20])
    tap.ok(compared > 40000, f"{compared} calls are compared")
