-- What roles see of the same rows of encrypted columns, and what they cannot put back.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(85);
CREATE TABLE enc.w (id int PRIMARY KEY, ssn nae.enc_det_text('col-det'), name nae.enc_text('col-rnd'), n nae.enc_int4('col-rnd'));
INSERT INTO enc.w VALUES (1, '123-45-6789', 'Ada Lovelace', 36), (2, NULL, 'Bo', NULL), (3, '987-65-4321', '', -1);
GRANT ALL ON ALL TABLES IN SCHEMA enc TO PUBLIC;
CREATE VIEW enc.v AS SELECT id, ssn, name FROM enc.w;
GRANT ALL ON enc.v TO PUBLIC;
CREATE FUNCTION tap.definer(i int) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT name FROM enc.w WHERE id = i); END';
CREATE FUNCTION tap.invoker(i int) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT name FROM enc.w WHERE id = i); END';
SET LOCAL search_path = enc, tap, public;
RESET ROLE;

-- A statement as a role: its rows, or SQLSTATE and message.
CREATE FUNCTION tap.as_role(who text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line record; lines text[] := '{}';
BEGIN
  PERFORM set_config('role', who, true);
  IF statement ~* '^(SELECT|TABLE|WITH|VALUES|EXECUTE)|RETURNING' THEN
    FOR line IN EXECUTE statement LOOP lines := lines || line::text; END LOOP;
  ELSE
    EXECUTE statement;
    lines := ARRAY['done'];
  END IF;
  PERFORM set_config('role', 'none', true);
  RETURN regexp_replace(array_to_string(lines, ' '), 'nae1:[A-Za-z0-9+/=]+', 'nae1', 'g');
EXCEPTION WHEN OTHERS THEN
  PERFORM set_config('role', 'none', true);
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
\set rows '''SELECT id, ssn, name FROM w ORDER BY id'''
SELECT is(as_role('nae_all', :rows), '(1,123-45-6789,"Ada Lovelace") (2,,Bo) (3,987-65-4321,"")', 'all');
SELECT is(as_role('nae_reader', :rows), '(1,123-45-6789,"Ada Lovelace") (2,,Bo) (3,987-65-4321,"")', 'reader');
SELECT is(as_role('nae_masked', :rows), '(1,*********89,**********ce) (2,,**) (3,*********21,"")', 'masked');
SELECT is(as_role('nae_nulled', :rows), '(1,,) (2,,) (3,,)', 'nulled');
SELECT is(as_role('nae_cipher', :rows), '(1,nae1,nae1) (2,,nae1) (3,nae1,nae1)', 'ciphertext');
SELECT matches(as_role('nae_writer', :rows), '^NE001 ', 'writer');
SELECT matches(as_role('nae_stranger', :rows), '^NE001 ', 'stranger');
SELECT matches(as_role('none', :rows), '^NE001 ', 'superuser');
SELECT is(as_role('nae_reading_member', :rows), '(1,123-45-6789,"Ada Lovelace") (2,,Bo) (3,987-65-4321,"")', 'inherits');
SELECT matches(as_role('nae_reading_loner', :rows), '^NE001 ', 'NOINHERIT');
-- the same in other shapes
SELECT is(as_role(r, 'SELECT count(*), count(ssn) FROM w'), '(3,2)', r || ' counts without a right')
FROM unnest(ARRAY['nae_all', 'nae_masked', 'nae_nulled', 'nae_cipher', 'nae_writer', 'none']) r;
SELECT is(as_role('nae_masked', q), want, 'masked: ' || q) FROM (VALUES
  ('SELECT upper(name) FROM w WHERE id = 1', '(**********CE)'), ('SELECT w FROM w WHERE id = 2', NULL),
  ('SELECT row_to_json(s) FROM (SELECT ssn, name FROM w WHERE id = 1) s', '("{""ssn"":""*********89"",""name"":""**********ce""}")'),
  ('SELECT name FROM w ORDER BY name', '("") (**) (**********ce)'), ('SELECT DISTINCT name FROM w WHERE id = 1', '(**********ce)'),
  ('SELECT ssn FROM v WHERE id = 1', '(*********89)'), ('SELECT max(ssn) FROM w', '(*********89)'),
  ('SELECT id FROM w WHERE name LIKE ''Ada%''', ''), ('SELECT id FROM w WHERE name = ''Ada Lovelace''', ''),
  ('SELECT string_agg(ssn, '','' ORDER BY id) FROM w', '("*********89,*********21")')) v (q, want) WHERE want IS NOT NULL;
SELECT matches(as_role(r, 'SELECT id FROM w WHERE ssn = ''123-45-6789'''), '^NE001 ', r || ' gets no token')
FROM unnest(ARRAY['nae_stranger', 'none', 'nae_reading_loner']) r;
SELECT is(as_role(r, 'SELECT id FROM w WHERE ssn = ''123-45-6789'''), '(1)', r || ' gets a token')
FROM unnest(ARRAY['nae_all', 'nae_reader', 'nae_writer']) r;
SELECT is(as_role('nae_nulled', 'SELECT n FROM w'), '() () ()', 'nulled: numbers');
SELECT matches(as_role('nae_masked', 'SELECT n FROM w'), '^NE', 'masked: numbers have no mask');
SELECT matches(as_role('nae_cipher', 'SELECT n FROM w'), '^NE', 'ciphertext: numbers cannot show it');

-- a char(n) is a text to a mask; JSON and arrays are none
CREATE TABLE enc.y (id int, c nae.enc_bpchar('col-rnd'), d nae.enc_det_bpchar('col-det'), j nae.enc_json('col-rnd'), a nae.enc_text_array('col-rnd'), t nae.enc_timestamp('col-rnd'));
GRANT ALL ON enc.y TO PUBLIC;
SELECT is(as_role('nae_all', $$INSERT INTO y VALUES (1, 'secret', 'secret', '"secret"', '{secret}', '2020-01-01')$$), 'done', 'types that can be masked and others');
SELECT is(as_role(r, q), w, r || ': ' || q) FROM (VALUES
  ('nae_masked', 'SELECT c, d FROM y', '(****et,****et)'), ('nae_masked', 'SELECT c::text || ''!'' FROM y', '(****et!)'), ('nae_cipher', 'SELECT c, d FROM y', '(nae1,nae1)'), ('nae_nulled', 'SELECT * FROM y', '(1,,,,,)'), ('nae_cipher', 'UPDATE y SET c = (SELECT c FROM y), d = (SELECT d FROM y)', 'done'),
  ('nae_all', 'SELECT c, d FROM y', '(secret,secret)')) v (r, q, w);
SELECT matches(as_role(r, format('SELECT %s FROM y', c)), w, r || ': ' || c) FROM unnest(ARRAY['j', 'a', 't']) c, (VALUES ('nae_masked', '^NE025 '), ('nae_cipher', '^NE001 ')) v (r, w);
SELECT matches(as_role('nae_masked', $$UPDATE y SET c = '****et'$$), '^NE026 ', 'a mask of a char(n) is not encrypted back');

-- what is written by whom
SELECT is(as_role('nae_writer', 'INSERT INTO w VALUES (10, ''s'', ''n'', 3)'), 'done', 'writer writes');
SELECT is(as_role('nae_all', 'SELECT ssn, name, n FROM w WHERE id = 10'), '(s,n,3)', 'and it is there');
SELECT matches(as_role('nae_writer', 'INSERT INTO w VALUES (11, ''s'', ''n'', 3) RETURNING name'), '^NE001 ', 'writer reads no RETURNING');
SELECT is(as_role('nae_writer', 'INSERT INTO w VALUES (12, ''s'', ''n'', 3) RETURNING id'), '(12)', 'but what is not encrypted');
SELECT is(as_role('nae_writer', 'UPDATE w SET n = 4 WHERE id = 10'), 'done', 'writer updates');
SELECT is(as_role('nae_writer', 'UPDATE w SET name = name, ssn = ssn WHERE id = 10'), 'done', 'a column assigned to itself needs no key');
SELECT is(as_role('none', 'UPDATE w SET name = name, ssn = ssn WHERE id = 10'), 'done', 'nor a role');
SELECT matches(as_role(r, 'INSERT INTO w VALUES (11, ''s'', ''n'', 3)'), '^NE001 ', r || ' writes not') FROM unnest(ARRAY['nae_reader', 'nae_stranger', 'none', 'nae_nulled']) r;
SELECT matches(as_role('nae_masked', q), '^NE026 ', 'masked: ' || q) FROM unnest(ARRAY[
  $$UPDATE w SET name = '**********ce' WHERE id = 1$$, $$INSERT INTO w (id, name) VALUES (20, '**********ce')$$,
  $$UPDATE w SET name = name::text WHERE id = 1$$, $$INSERT INTO w (id, name) SELECT 21, name::text FROM w WHERE id = 1$$,
  $$INSERT INTO w (id, name) SELECT 21, ssn FROM w WHERE id = 1$$, $$UPDATE w SET (ssn, name) = (SELECT s.ssn::text, s.name::text FROM w s WHERE s.id = 1) WHERE id = 1$$,
  $$INSERT INTO w (id, name) VALUES (1, '**********ce') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name$$]) q;
SELECT matches(as_role('nae_masked', $$DO 'DECLARE r w; BEGIN SELECT * INTO r FROM w WHERE id = 1; END'$$), 'NE', 'masked: a row variable of masks');
SELECT matches(as_role('nae_masked', $$DO 'DECLARE v text; BEGIN SELECT name INTO v FROM w WHERE id = 1; UPDATE w SET name = v WHERE id = 1; END'$$), '^NE026', 'masked: a variable put back');
SELECT is(as_role('nae_masked', $$UPDATE w SET name = name WHERE id = 1$$), 'done', 'masked: the column itself');
SELECT is(as_role('nae_masked', $$INSERT INTO w (id, name) SELECT 22, name FROM w WHERE id = 1$$), 'done', 'masked: copied as it is stored');
SELECT is(as_role('nae_all', 'SELECT id, name FROM w WHERE id IN (1, 22) ORDER BY id'), '(1,"Ada Lovelace") (22,"Ada Lovelace")', 'the value is what it was');

-- who asks
SELECT is(as_role('nae_all', 'SELECT definer(1)'), '("Ada Lovelace")', 'SECURITY DEFINER by its owner');
SELECT is(as_role('nae_stranger', 'SELECT definer(1)'), '("Ada Lovelace")', 'SECURITY DEFINER by another');
SELECT matches(as_role('nae_stranger', 'SELECT invoker(1)'), '^NE001 ', 'SECURITY INVOKER');
SELECT is(as_role('nae_masked', 'SELECT invoker(1)'), '(**********ce)', 'SECURITY INVOKER, masked');
SET SESSION AUTHORIZATION nae_reader;
PREPARE kept AS SELECT name, ssn FROM w WHERE id = 1;
PREPARE searched (text) AS SELECT id FROM w WHERE ssn = $1;
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT results_eq('kept', $$VALUES ('Ada Lovelace', '123-45-6789')$$, 'SET SESSION AUTHORIZATION');
SELECT results_eq('EXECUTE searched(''123-45-6789'')', 'VALUES (1)', 'a kept plan searches');
SET SESSION AUTHORIZATION nae_masked;
SELECT results_eq('kept', $$VALUES ('**********ce', '*********89')$$, 'a kept plan, another role');
SET SESSION AUTHORIZATION nae_stranger;
SELECT throws_ok('kept', 'NE001', NULL, 'a kept plan, a stranger');
SELECT throws_ok('EXECUTE searched(''123-45-6789'')', 'NE001', NULL, 'a kept search, a stranger');
RESET SESSION AUTHORIZATION;
SELECT throws_ok('kept', 'NE001', NULL, 'a kept plan, a superuser');
DEALLOCATE ALL;

-- nae.transparent
SET LOCAL ROLE nae_all;
SET LOCAL nae.transparent = off;
SELECT matches((SELECT string_agg(t, ' ') FROM (SELECT id::text AS t FROM w WHERE ssn = '123-45-6789') s), '1', 'off: searched as before');
SELECT is(as_role('nae_all', 'SELECT ssn, name, n FROM w WHERE id = 1'), '(nae1,nae1,nae1)', 'off: the client sees ciphertext');
SELECT is(as_role('nae_stranger', 'SELECT ssn, name, n FROM w WHERE id = 1'), '(nae1,nae1,nae1)', 'off: without a right');
SELECT is(as_role('nae_all', 'SELECT upper(name) FROM w WHERE id = 1'), '("ADA LOVELACE")', 'off: functions go on');

SELECT * FROM finish();
ROLLBACK;
