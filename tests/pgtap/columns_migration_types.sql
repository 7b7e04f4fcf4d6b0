-- CALL nae.encrypt_column for types with limits, for types without an encrypted twin, and under whatever settings
-- a session has. Commits, as the procedures do.
SET client_min_messages = error;
DROP SCHEMA IF EXISTS mty CASCADE;
DROP ROLE IF EXISTS mty_owner;
CREATE SCHEMA mty AUTHORIZATION nae_all;
SET ROLE nae_all;
SET search_path = mty, public;
SELECT plan(74);

-- limits ---------------------------------------------------------------------------------------------------
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN positive_small AS positive CHECK (VALUE < 100);
CREATE TABLE narrow (id int PRIMARY KEY, vc varchar(20), ch char(5), i2 smallint, nu numeric(10,2), dom positive, dom2 positive_small,
  free_text text, free_varchar varchar, free_int int);
INSERT INTO narrow VALUES (1, 'v', 'c', 1, 1.50, 5, 6, 't', 'v', 9);
INSERT INTO narrow (id) VALUES (2);
CREATE TABLE keeping AS SELECT attname, nae_internal.lost_limits('narrow', attname, nae_internal.plain_type(atttypid)) AS command
  FROM pg_attribute WHERE attrelid = 'narrow'::regclass AND attnum > 1;
SELECT set_eq('SELECT attname::text FROM keeping WHERE command IS NULL AND attname <> ''i2'' AND attname <> ''ch''', ARRAY['free_text', 'free_varchar', 'free_int'], 'nothing is lost of a type without limits');
SELECT format('CALL nae.encrypt_column(%L, %L, key => %L)', 'mty.narrow', attname, 'col-rnd') FROM keeping ORDER BY attname \gexec
SELECT is((SELECT count(*) FROM nae.encrypted_column WHERE relation = 'narrow'::regclass), 9::bigint, 'all are encrypted');
SELECT results_eq('SELECT vc, trim(ch::text), i2::int, nu, dom, dom2 FROM narrow WHERE id = 1', $$VALUES ('v', 'c', 1, 1.50, 5, 6)$$, 'with their values');
-- Each command that the warning names, followed.
SELECT command FROM keeping WHERE command IS NOT NULL ORDER BY attname \gexec
SELECT lives_ok('INSERT INTO narrow (id, ' || c || ') VALUES (' || 10 + row_number() OVER () || ', ' || v || ')', c || ' at its limit: ' || v)
FROM (VALUES ('vc', '''12345678901234567890'''), ('ch', '''12345'''), ('i2', '32767'), ('i2', '-32768'), ('nu', '99999999.99'), ('nu', '1.1'), ('dom', '1'), ('dom2', '99'), ('vc', 'NULL'), ('nu', 'NULL'), ('dom', 'NULL')) AS x (c, v);
SELECT throws_ok('INSERT INTO narrow (id, ' || c || ') VALUES (50, ' || v || ')', state, NULL, c || ' past it: ' || v)
FROM (VALUES ('vc', '''123456789012345678901''', '23514'), ('i2', '32768', '22003'), ('nu', '100000000', '22003'), ('nu', '1.234', '23514'), ('dom', '0', '23514'), ('dom2', '100', '23514'), ('dom2', '-1', '23514')) AS x (c, v, state);

-- types without a twin: the hint can be followed ------------------------------------------------------------------
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE other (mo money, tr tstzrange, xm xml, bt bit(8), pt point, ma macaddr, en mood, pa pair, aa mood[], ts tsvector, j json, iv interval, bo bool, "odd "" name" lseg);
INSERT INTO other VALUES (4.5, '[2024-01-01,2024-02-01)', '<a/>', '10101010', '(1,2)', '08:00:2b:01:02:03', 'ok', '(1,b)', '{ok}', 'a b', '{"a": 1, "a": 2}', '1 day', true, '((1,2),(3,4))');
CREATE FUNCTION follow_hint(c name) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  hint text;
  was text;
BEGIN
  EXECUTE format('SELECT %I::text FROM mty.other', c) INTO was;
  BEGIN
    PERFORM nae_internal.begin_encryption('mty.other', c, 'col-rnd', false, NULL, 100, true, false);
    RETURN c || ' has a twin';
  EXCEPTION WHEN feature_not_supported THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  END;
  EXECUTE substring(hint FROM 'ALTER TABLE [^;]*');
  PERFORM nae_internal.begin_encryption('mty.other', c, 'col-rnd', false, NULL, 100, true, false);
  RETURN c || ' has a twin';
END $$;
SELECT is(follow_hint(attname), attname || ' has a twin', 'what the hint says of ' || attname) FROM pg_attribute WHERE attrelid = 'other'::regclass AND attnum > 0 ORDER BY attnum;
SELECT throws_like($$SELECT nae_internal.begin_encryption('mty.narrow', 'vc', 'col-rnd', false, NULL, 100, true, false)$$, 'column "vc" of mty.narrow is encrypted already', 'a column that is encrypted');
CREATE TABLE flag (b bool, j jsonb);
SELECT throws_like(format($$SELECT nae_internal.begin_encryption('mty.flag', %L, 'col-det', true, NULL, 100, true, false)$$, c), '%cannot be encrypted deterministically', 'not a deterministic ' || c) FROM unnest(ARRAY['b', 'j']) AS c;
SELECT is_empty('SELECT FROM nae_internal.column_change WHERE relation = ''flag''::regclass', 'nothing has begun');

-- Enums and citext as docs/columns.md has it: first text, then encrypted; a CHECK keeps the labels, and lower()
-- stands for citext's comparison.
RESET ROLE;
CREATE EXTENSION citext WITH SCHEMA mty;
SET ROLE nae_all;
CREATE TABLE wordly (id int PRIMARY KEY, feeling mood NOT NULL DEFAULT 'ok', name citext);
INSERT INTO wordly VALUES (1, 'sad', 'Ada'), (2, 'ok', 'BOB'), (3, DEFAULT, NULL);
ALTER TABLE wordly ALTER COLUMN feeling DROP DEFAULT, ALTER COLUMN feeling TYPE text, ALTER COLUMN feeling SET DEFAULT 'ok', ALTER COLUMN name TYPE text;
CALL nae.encrypt_column('mty.wordly', 'feeling', key => 'col-rnd');
CALL nae.encrypt_column('mty.wordly', 'name', key => 'col-det', deterministic => true);
ALTER TABLE wordly ADD CHECK (feeling::text IN ('sad', 'ok'));
SELECT results_eq('SELECT id, feeling, name FROM wordly ORDER BY id', $$VALUES (1, 'sad', 'Ada'), (2, 'ok', 'BOB'), (3, 'ok', NULL)$$, 'the labels and the words, as they were written');
SELECT is((SELECT string_agg(atttypid::regtype::text, ', ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'wordly'::regclass AND attname IN ('feeling', 'name')), 'nae.enc_text, nae.enc_det_text', 'both are encrypted');
SELECT lives_ok($$INSERT INTO wordly (id, name) VALUES (4, 'ada')$$, 'the default is a label');
SELECT throws_ok($$INSERT INTO wordly (id, feeling) VALUES (6, 'merry')$$, '23514', NULL, 'what is no label is refused');
SELECT throws_ok($$UPDATE wordly SET feeling = 'merry'$$, '23514', NULL, 'in an UPDATE too');
SELECT throws_ok($$INSERT INTO wordly (id, feeling) VALUES (6, NULL)$$, '23502', NULL, 'NOT NULL is kept');
SELECT results_eq($$SELECT id FROM wordly WHERE feeling = 'sad'$$, ARRAY[1], 'a label is found');
SELECT results_eq('SELECT feeling FROM wordly WHERE id < 3 ORDER BY feeling', ARRAY['ok', 'sad'], 'labels sort as texts');
SELECT results_eq('SELECT feeling::text::mood::text FROM wordly WHERE id < 3 ORDER BY feeling::text::mood', ARRAY['sad', 'ok'], 'and by a cast as the enum');
SELECT results_eq($$SELECT id FROM wordly WHERE lower(name) = lower('ADA') ORDER BY id$$, ARRAY[1, 4], 'lower() finds what citext found');
SELECT results_eq($$SELECT id FROM wordly WHERE name = 'ada'$$, ARRAY[4], 'without it the case counts');
SELECT results_eq($$SELECT id FROM wordly WHERE name::text::citext = 'ADA' ORDER BY id$$, ARRAY[1, 4], 'as citext it does not');
SELECT is((SELECT count(DISTINCT lower(name)) FROM wordly), 2::bigint, 'and groups are by lower()');

-- whatever the settings ---------------------------------------------------------------------------------------
CREATE TABLE hostile (id int PRIMARY KEY, t text NOT NULL DEFAULT 'none', f float8 DEFAULT 0.1 + 0.2, pad text);
CREATE INDEX hostile_t ON hostile (t);
INSERT INTO hostile SELECT i, 'value ' || i, i, repeat('x', 500) FROM generate_series(1, 3000) AS i;
CREATE TABLE outcome (settings text, took interval, same boolean, kept boolean);
CREATE PROCEDURE under(settings text[]) LANGUAGE plpgsql AS $$
DECLARE
  setting text;
  began timestamptz := clock_timestamp();
BEGIN
  FOREACH setting IN ARRAY settings LOOP EXECUTE 'SET ' || setting; END LOOP;
  CALL nae.encrypt_column('mty.hostile', 't', 'col-det', true, batch_size => 100);
  CALL nae.rotate_column('mty.hostile', 't');
  CALL nae.decrypt_column('mty.hostile', 't', batch_size => 100);
  FOREACH setting IN ARRAY settings LOOP EXECUTE 'RESET ' || split_part(setting, ' ', 1); END LOOP;
  SET search_path = mty, public;
  INSERT INTO mty.outcome SELECT array_to_string(settings, ', '), clock_timestamp() - began,
    (SELECT bool_and(t = 'value ' || id) FROM mty.hostile),
    pg_get_indexdef('mty.hostile_t'::regclass) = 'CREATE INDEX hostile_t ON mty.hostile USING btree (t)'
      AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'mty.hostile'::regclass AND attname = 't' AND attnotnull AND atthasdef);
END $$;
CALL under('{}');
SELECT format('CALL under(%L)', array_agg(name || ' = off')) FROM pg_settings WHERE name ~ '^enable_' AND vartype = 'bool' \gexec
CALL under('{enable_tidscan = off}');
CALL under('{enable_nestloop = off, enable_indexscan = off, enable_bitmapscan = off}');
CALL under(ARRAY['jit_above_cost = 0', 'jit_inline_above_cost = 0', 'jit_optimize_above_cost = 0', 'work_mem = ''64kB''', 'hash_mem_multiplier = 1']);
CALL under(ARRAY['random_page_cost = 1e9', 'cpu_tuple_cost = 1e9', 'cpu_operator_cost = 0', 'seq_page_cost = 0', 'plan_cache_mode = force_generic_plan', 'from_collapse_limit = 1', 'join_collapse_limit = 1']);
CALL under(ARRAY['parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0']);
CALL under(ARRAY['standard_conforming_strings = off', 'escape_string_warning = off', 'quote_all_identifiers = on', 'transform_null_equals = on', 'array_nulls = off', 'row_security = off']);
CALL under(ARRAY['extra_float_digits = -15', 'DateStyle = German', 'bytea_output = escape', 'nae.transparent = off', 'check_function_bodies = off']);
CALL under(ARRAY['search_path = ''''']);
CREATE FUNCTION mty.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$SELECT 'another'$$;
CREATE FUNCTION mty.never(oid, oid) RETURNS bool LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR mty.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = mty.never);
CALL under(ARRAY['search_path = mty, pg_catalog']);
DROP OPERATOR mty.= (oid, oid);
DROP FUNCTION mty.format(text, text[]);
SELECT ok(same AND kept, 'encrypted, rotated and decrypted: ' || settings) FROM outcome;
SELECT ok(took < 5 * (SELECT took FROM outcome WHERE settings = '') + interval '1 s', 'in no more time: ' || settings || ' ' || took) FROM outcome WHERE settings <> '';
SELECT is(current_setting('enable_tidscan'), 'on', 'the session''s settings are left alone');

RESET ROLE;
DROP SCHEMA mty CASCADE;
SELECT * FROM finish();
