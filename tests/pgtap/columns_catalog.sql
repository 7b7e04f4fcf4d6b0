-- A statement that is valid over the plaintext types is valid over the encrypted ones, and means the same. What
-- there is to say comes from the catalog: each operator, function, aggregate and cast of pg_catalog that takes a
-- plaintext type, by itself or after a conversion, in several forms. Each is run over plain columns and over
-- encrypted ones; result type, value and class of error are to be the same.
--
-- What legitimately differs is left out below (left_out): functions that say how a value is stored.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(6);
SET LOCAL TimeZone = 'UTC';
CREATE TABLE tap.finding (kind text, expression text, sides text, plain text, encrypted text);

-- the plaintext types, and values of every type that a function may take beside them
CREATE TABLE tap.sample (type regtype PRIMARY KEY, value text, first text, second text);
INSERT INTO tap.sample VALUES
  ('text', '42', '42', 'b'), ('bytea', '\x3432', '\x3432', '\x62'), ('int4', '3', '7', '8'),
  ('int8', '3', '7', '8'), ('numeric', '1.5', '2.5', '3'), ('date', '2024-02-29', '2024-02-29', '2023-12-31'),
  ('timestamptz', '2024-02-29 12:00Z', '2024-02-29 12:00Z', '2023-12-31 01:02Z'), ('bool', 't', 't', 'f'),
  ('uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
  ('jsonb', '{"a": [1, 2]}', '{"a": [1, 2]}', '[1, "b"]');
INSERT INTO tap.sample VALUES
  ('varchar', '42'), ('bpchar', '42'), ('name', '42'), ('"char"', '4'), ('int2', '3'), ('float4', '1.5'),
  ('float8', '1.5'), ('timestamp', '2024-02-29 12:00'), ('time', '12:00'), ('timetz', '12:00Z'), ('interval', '1 day'),
  ('json', '{"a": [1, 2]}'), ('jsonpath', '$.a'), ('bit', '1'), ('varbit', '101'), ('inet', '10.0.0.1'), ('cidr', '10.0.0.0/8'),
  ('xml', '<a/>'), ('tsvector', 'a b'), ('tsquery', 'a'), ('money', '1'), ('int4range', '[1,9)'), ('numrange', '[1,9)'),
  ('daterange', '[2024-01-01,2025-01-01)'), ('tstzrange', '[2024-01-01,2025-01-01)'), ('int8range', '[1,9)'),
  ('int4multirange', '{[1,9)}'), ('datemultirange', '{[2024-01-01,2025-01-01)}'), ('nummultirange', '{[1,9)}');
INSERT INTO tap.sample SELECT t.typarray, format('{%s}', quote_ident(replace(s.value, '\', '\\')))
  FROM tap.sample s JOIN pg_type t ON t.oid = s.type WHERE t.typarray <> 0 AND s.type NOT IN ('jsonb'::regtype, 'json'::regtype);
-- those that have an encrypted type
CREATE VIEW tap.plaintext AS SELECT type, typname, 'c_' || typname AS name, value, coalesce(first, value) AS first, coalesce(second, value) AS second,
    'nae.enc_' || word AS randomized, to_regtype('nae.enc_det_' || word)::text AS deterministic
  FROM tap.sample JOIN pg_type t ON t.oid = type, LATERAL (SELECT CASE WHEN typelem <> 0 AND typlen = -1 THEN substr(typname, 2) || '_array' ELSE typname END AS word) w
  WHERE to_regtype('nae.enc_' || word) IS NOT NULL AND (word NOT LIKE '%\_array' OR word IN ('text_array', 'int4_array'));

-- tables of every plaintext type: plain, randomized, deterministic, and each under another key
CREATE FUNCTION tap.tables() RETURNS void LANGUAGE plpgsql AS $$
DECLARE kind record; columns text;
BEGIN
  FOR kind IN SELECT * FROM (VALUES ('plain', NULL, NULL), ('random', NULL, 'col-rnd'), ('same', 'col-det', 'col-rnd'),
    ('other', 'col-det-2', 'col-rnd-2')) v (name, deterministic, randomized)
  LOOP
    SELECT string_agg(format('%s %s', name, CASE WHEN kind.name = 'plain' THEN typname::text
      WHEN kind.deterministic IS NULL OR p.deterministic IS NULL THEN format('%s(%L)', p.randomized, kind.randomized)
      ELSE format('%s(%L)', p.deterministic, kind.deterministic) END), ', ' ORDER BY type::oid) INTO columns FROM tap.plaintext p;
    EXECUTE format('CREATE TABLE tap.%I (id int, %s)', kind.name, columns);
    EXECUTE (SELECT format('INSERT INTO tap.%I VALUES (1, %s), (2, %s), (3, %2$s)', kind.name,
      string_agg(quote_literal(first), ', ' ORDER BY type::oid), string_agg(quote_literal(second), ', ' ORDER BY type::oid)) FROM tap.plaintext);
  END LOOP;
END $$;
SELECT tables();

-- which columns a declared type takes: by itself, by an implicit conversion, or as any type
CREATE VIEW tap.taken AS
  SELECT p.type, d.type AS declared, p.name, p.type = d.type AS itself FROM tap.plaintext p, (SELECT DISTINCT type FROM tap.sample) d
  WHERE p.type = d.type OR EXISTS (SELECT FROM pg_cast WHERE castsource = p.type AND casttarget = d.type AND castcontext = 'i')
  UNION ALL SELECT p.type, d::regtype, p.name, p.type = 'int4'::regtype FROM plaintext p,
    unnest(ARRAY['anyelement', 'anynonarray', 'anycompatible', 'anycompatiblenonarray', '"any"']) d
  UNION ALL SELECT p.type, d::regtype, format('ARRAY[%s]', p.name), p.type = 'int4'::regtype FROM plaintext p, unnest(ARRAY['anyarray', 'anycompatiblearray']) d
  UNION ALL SELECT p.type, d::regtype, p.name, false FROM plaintext p JOIN pg_type t ON t.oid = p.type AND t.typname LIKE '\_%', unnest(ARRAY['anyarray', 'anycompatiblearray']) d
  UNION ALL SELECT p.type, t.typarray::regtype, format('ARRAY[%s]', p.name), true FROM plaintext p JOIN pg_type t ON t.oid = p.type;
CREATE FUNCTION tap.column_of(side text, name text) RETURNS text LANGUAGE sql AS 'SELECT regexp_replace(name, ''c_'', side || ''.c_'')';
-- a literal for an argument that is declared so, when any type stands for this one
CREATE FUNCTION tap.literal_of(declared oid, any_is oid, typed bool) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN typed THEN format('%L::%s', value, s.type) ELSE quote_literal(value) END FROM tap.sample s
  WHERE s.type = CASE WHEN (SELECT typtype FROM pg_type WHERE oid = declared) <> 'p' THEN declared
    WHEN declared IN ('anyarray'::regtype, 'anycompatiblearray'::regtype) THEN (SELECT CASE WHEN typarray = 0 THEN oid ELSE typarray END FROM pg_type WHERE oid = any_is)
    ELSE any_is END
$$;

-- functions, operators and aggregates with the text that calls them
CREATE TABLE tap.callable AS
  SELECT 'function' AS kind, format('%I(%%s)', proname) AS form, ARRAY(SELECT unnest(proargtypes)) AS arguments FROM pg_proc
  WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND provolatile <> 'v' AND pronargs BETWEEN 1 AND 3
    AND NOT oid IN (SELECT oprcode FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace)
    AND NOT oid IN (SELECT unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggmtransfn, aggminvtransfn, aggmfinalfn]) FROM pg_aggregate)
  UNION ALL
  SELECT 'operator', CASE WHEN oprleft = 0 THEN '' ELSE '%s ' END || replace(oprname, '%', '%%') || ' %s',
    CASE WHEN oprleft = 0 THEN ARRAY[oprright] ELSE ARRAY[oprleft, oprright] END FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace
  UNION ALL
  SELECT 'aggregate', f, ARRAY(SELECT unnest(proargtypes)) FROM pg_proc JOIN pg_aggregate ON aggfnoid = pg_proc.oid, LATERAL (
    SELECT unnest(CASE WHEN aggkind = 'n' THEN ARRAY['%I(%%s)', '%I(DISTINCT %%s)', '%I(%%s ORDER BY 1 + t.id)', '%I(%%s) FILTER (WHERE t.id <> 2)', '%I(%%s) OVER (ORDER BY t.id)']
      WHEN pronargs = 1 THEN ARRAY['%I() WITHIN GROUP (ORDER BY %%s)'] WHEN pronargs = 2 THEN ARRAY['%I(0.5) WITHIN GROUP (ORDER BY %%2$s)'] END)) u (pattern),
    LATERAL format(pattern, proname) f
  WHERE pronamespace = 'pg_catalog'::regnamespace AND pronargs BETWEEN 1 AND 3
  UNION ALL
  SELECT 'window', format('%I(%%s) OVER (ORDER BY t.id)', proname), ARRAY(SELECT unnest(proargtypes)) FROM pg_proc
  WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'w' AND pronargs BETWEEN 1 AND 3;
CREATE VIEW tap.left_out AS SELECT unnest(ARRAY['pg_typeof(%', 'pg_column_size(%', 'pg_column_compression(%', 'record_image%', 'format_type(%',
  '%\_to\_xml%', 'current\_schemas(%', 'pg\_stat\_%', 'has\_%', 'pg\_get\_%', '%\_send(%', '%\_recv(%', '%\_in(%', '%\_out(%', 'enum\_%', 'pg\_indexam%', 'pg\_index\_%']) AS pattern;

CREATE FUNCTION tap.with_arguments(form text, arguments text[]) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN form LIKE '%\%2$s%' THEN format(form, NULL, arguments[2])
    WHEN form LIKE '\%s % \%s' THEN format(form, VARIADIC arguments) ELSE format(form, array_to_string(arguments, ', ')) END
$$;
CREATE TABLE tap.candidate AS
  WITH place AS (SELECT c.*, at, t.type, t.name FROM tap.callable c, generate_subscripts(arguments, 1) at, tap.taken t
    WHERE t.declared = c.arguments[at] AND NOT EXISTS (SELECT FROM tap.left_out WHERE form LIKE pattern)),
  filled AS (SELECT kind, form, how, ARRAY(SELECT CASE WHEN n = at THEN tap.column_of('t', name)
      WHEN how = 'columns' THEN coalesce((SELECT tap.column_of(CASE WHEN kind IN ('aggregate', 'window') THEN 't' ELSE 'u' END, o.name) FROM tap.taken o
        WHERE o.declared = a AND (CASE WHEN (SELECT typtype FROM pg_type WHERE oid = a) = 'p' THEN o.type = place.type ELSE o.itself END) LIMIT 1),
        tap.literal_of(a, type, true))
      ELSE tap.literal_of(a, type, how = 'typed') END
      FROM unnest(arguments) WITH ORDINALITY x (a, n) ORDER BY n) AS filled
    FROM place, unnest(ARRAY['columns', 'typed', 'untyped']) how)
  SELECT DISTINCT kind, tap.with_arguments(form, filled) AS expression FROM filled
  WHERE array_position(filled, NULL) IS NULL;
-- casts, and what the grammar knows by itself, over each column and each pair
INSERT INTO tap.candidate
  SELECT 'cast', format('t.%s::%s', p.name, s.type) FROM plaintext p, tap.sample s
  UNION ALL SELECT 'grammar', format(form, 't.' || a.name, 'u.' || b.name, quote_literal(a.value)) FROM plaintext a, plaintext b,
    unnest(ARRAY['COALESCE(%1$s, %2$s)', 'GREATEST(%1$s, %2$s)', 'LEAST(%1$s, %2$s)', 'NULLIF(%1$s, %2$s)', 'CASE WHEN t.id = 1 THEN %1$s ELSE %2$s END',
      'CASE %1$s WHEN %2$s THEN 1 ELSE 2 END', '%1$s IN (%2$s, %1$s)', '%1$s = ANY (ARRAY[%2$s])', '%1$s <= ALL (ARRAY[%2$s, %1$s])',
      '%1$s IS DISTINCT FROM %2$s', '%1$s BETWEEN %2$s AND %1$s', '(%1$s, 1) = (%2$s, 1)', '(%1$s, %2$s) < (%2$s, %1$s)', 'ARRAY[%1$s, %2$s]',
      'ROW(%1$s, %2$s)', 'ROW(%1$s) IS NOT DISTINCT FROM ROW(%2$s)', '%1$s IN (SELECT %2$s)', '(SELECT %1$s UNION SELECT %2$s ORDER BY 1 LIMIT 1)',
      'EXISTS (SELECT %1$s INTERSECT SELECT %2$s)', '(%1$s, %2$s) IN (SELECT u.%3$s, %2$s)']) form WHERE form NOT LIKE '%u.\%3%'
  UNION ALL SELECT 'grammar', format(form, 't.' || a.name, NULL, quote_literal(a.value)) FROM plaintext a,
    unnest(ARRAY['COALESCE(%1$s, %3$s)', 'GREATEST(%1$s, %3$s)', 'LEAST(%3$s, %1$s)', 'NULLIF(%1$s, %3$s)', 'NULLIF(%3$s, %1$s)', 'CASE WHEN t.id = 2 THEN %1$s ELSE %3$s END',
      'CASE %1$s WHEN %3$s THEN 1 ELSE 2 END', '%1$s IN (%3$s, NULL)', '%1$s = ANY (ARRAY[%3$s])', '%3$s = %1$s', '%1$s IS DISTINCT FROM %3$s',
      '%1$s BETWEEN SYMMETRIC %3$s AND %3$s', '(%1$s, 1) >= (%3$s, 1)', 'ARRAY[%1$s, %3$s]', 'ARRAY[[%1$s], [%3$s]]', 'ROW(%1$s)', '(ARRAY[%1$s])[1]', '(ROW(%1$s)).f1',
      '%1$s IS NULL', 'ROW(%1$s, NULL) IS NOT NULL', '(SELECT %1$s)', 'ARRAY(SELECT %1$s)', '(t.*) = (t.*)', 'row_to_json(t)', 'to_jsonb(ROW(%1$s))',
      'array_to_json(ARRAY[t])', 'xmlforest(%1$s AS a)', 't::text', '(SELECT max(x) FROM (SELECT %1$s AS x) s)']) form;

-- the type and the text of an expression's value; an error by its SQLSTATE and message
CREATE FUNCTION tap.said(kind text, expression text, t text, u text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  -- A block of its own each time: a function keeps the type that its record had the first time.
  EXECUTE format('DO $do$ DECLARE result record; BEGIN EXECUTE %L INTO result;
      PERFORM set_config(''tap.said'', format(''%%s %%s'', pg_typeof(result.r), coalesce(left(result.r::text, 300), ''NULL'')), true); END $do$',
    format('SELECT %s AS r FROM tap.%I t%s%s LIMIT 1', expression, t,
      CASE WHEN expression LIKE '%u.c\_%' THEN format(' JOIN tap.%I u ON u.id = t.id %% 3 + 1', u) END,
      CASE WHEN kind NOT IN ('aggregate', 'window') THEN ' WHERE t.id = 1' END));
  RETURN current_setting('tap.said');
EXCEPTION WHEN OTHERS THEN RETURN format('error %s %s', SQLSTATE, SQLERRM);
END $$;
CREATE TABLE tap.answer AS SELECT kind, expression, tap.said(kind, expression, 'plain', 'plain') AS plain FROM tap.candidate ORDER BY kind, expression;
-- Of the pairs of declarations a third, chosen by the text, so that all of it takes a minute.
CREATE TABLE tap.compared AS SELECT a.*, t || ', ' || u AS sides, tap.said(kind, expression, t, u) AS encrypted
  FROM tap.answer a, (VALUES ('random', 'random', false), ('same', 'same', false), ('same', 'other', true), ('random', 'same', true), ('same', 'plain', true), ('plain', 'random', true)) v (t, u, pair)
  WHERE CASE WHEN plain ~ '^error (42|0A)' THEN t = 'random' AND u = 'random' AND kind <> 'grammar' ELSE NOT pair OR expression LIKE '%u.c\_%' AND hashtext(expression || t || u) % 3 = 0 END;
CREATE FUNCTION tap.kind_of(plain text, encrypted text) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN plain = encrypted THEN 'alike'
    WHEN encrypted ~ '^error 0A000 .*(encrypted|ciphertext|randomized|its own argument)' THEN 'refused'
    WHEN encrypted ~ '^error' AND plain ~ '^error' THEN CASE WHEN substr(plain, 7, 5) = substr(encrypted, 7, 5) THEN 'alike' ELSE 'another error' END
    WHEN encrypted ~ '^error' THEN 'fails'
    WHEN plain ~ '^error' THEN 'does not fail'
    WHEN split_part(plain, ' ', 1) <> split_part(encrypted, ' ', 1) THEN 'another type'
    ELSE 'another value' END
$$;
INSERT INTO tap.finding SELECT kind_of(plain, encrypted), expression, sides, plain, encrypted FROM compared;

-- One of each kind: what differs is told apart by its form, and an error by its message.
CREATE VIEW tap.kinds AS
  SELECT kind, count(*) AS times, min(format('%s [%s] plain: %s; encrypted: %s', expression, sides, left(plain, 80), left(encrypted, 160))) AS example
  FROM tap.finding WHERE kind <> 'alike'
  GROUP BY kind, CASE WHEN encrypted ~ '^error' THEN regexp_replace(encrypted, 'enc_\w+|: .*|\([^)]*\)', '', 'g') ELSE regexp_replace(expression, 'c_\w+|''[^'']*''', '', 'g') END;
CREATE FUNCTION tap.listed(of_kind text) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(string_agg(E'\n' || diag(times || ' times: ' || example), '' ORDER BY times DESC), '') FROM tap.kinds WHERE kind = of_kind
$$;
SELECT cmp_ok((SELECT count(*) FROM finding WHERE kind = 'alike'), '>', 10000::bigint, 'enough is compared');
SELECT is((SELECT count(*) FROM finding f WHERE f.kind = k), 0::bigint, 'no expression over encrypted columns: ' || k) || listed(k)
  FROM unnest(ARRAY['another type', 'another value']) k;
-- PostgreSQL resolves a statement over the encrypted types before the extension does over plaintexts, and does
-- not come through everywhere: functions of arrays over encrypted arrays, intervals beside a time, functions that
-- PostgreSQL has for a wider integer alone, common types of which none is among the operands. Then a cast is
-- needed (docs/columns.md). There are to be no more of these.
SELECT cmp_ok((SELECT count(*) FROM finding f WHERE f.kind = k), '<=', most, 'at most as many expressions over encrypted columns: ' || k) || CASE WHEN (SELECT count(*) FROM finding f WHERE f.kind = k) > most THEN listed(k) ELSE '' END
  FROM (VALUES ('fails', 3400::bigint), ('another error', 240::bigint), ('does not fail', 4::bigint)) AS v (k, most);
SELECT diag((SELECT string_agg(kind || ': ' || n, ', ') FROM (SELECT kind, count(*) AS n FROM finding GROUP BY kind) c)) || listed('refused');
SELECT * FROM finish();
ROLLBACK;
