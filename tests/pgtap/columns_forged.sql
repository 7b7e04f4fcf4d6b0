-- Ciphertexts of another key, made to look like those of a column: whoever may encrypt with any key can make them,
-- and a dump of another installation is full of them.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(66);
CREATE TABLE enc.w (id int PRIMARY KEY, ssn nae.enc_det_text('col-det') UNIQUE, name nae.enc_text('col-rnd'), other nae.enc_text('col-rnd-2'), n nae.enc_int4('col-rnd'));
INSERT INTO enc.w VALUES (1, 'alice', 'n', 'o', 1), (2, NULL, NULL, NULL, NULL);
GRANT ALL ON enc.w TO PUBLIC;
-- What a column of `key` would store of the value, encrypted under `by`.
CREATE FUNCTION tap.forged(key text, by text, plaintext text) RETURNS text LANGUAGE sql AS $$
  SELECT 'nae1:' || replace(encode(header || nae_encrypt(by, convert_to(plaintext, 'UTF8'), 'nae-column'::bytea || header), 'base64'), E'\n', '')
  FROM (SELECT '\xe101'::bytea || substr(sha256(key::bytea || '\x00'), 1, 4) AS header) x
$$;
SELECT tap.forged('col-rnd', 'col-rnd-2', 'forged') AS forged, tap.forged('col-rnd', 'col-rnd', 'made') AS made,
  tap.forged('col-det', 'col-det-2', 'alice') AS twice, tap.forged('col-det', 'col-det', 'bob') AS bob \gset
\ir ../fixtures/as_role.sql
RESET ROLE;
SET LOCAL search_path = enc, tap, public;
CREATE FUNCTION tap.writes(given text) RETURNS SETOF text LANGUAGE sql AS $$SELECT format(s, given) FROM unnest(ARRAY[
  'UPDATE w SET name = %L WHERE id = 2', 'UPDATE w SET name = %L::text WHERE id = 2', 'UPDATE w SET name = %L::nae.enc_text WHERE id = 2',
  'UPDATE w SET name = %L::nae.enc_text(''col-rnd'') WHERE id = 2', 'UPDATE w SET name = COALESCE(%L, name) WHERE id = 2',
  'UPDATE w SET name = v FROM (VALUES (%L::nae.enc_text)) x (v) WHERE id = 2',
  'INSERT INTO w (id, name) VALUES (3, %L)', 'INSERT INTO w (id, name) SELECT i, %L FROM generate_series(3, 9) i',
  'INSERT INTO w (id, name) VALUES (1, %L) ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name',
  'MERGE INTO w USING (VALUES (2)) x (i) ON id = i WHEN MATCHED THEN UPDATE SET name = %L',
  'DO $x$ DECLARE v nae.enc_text := %L; BEGIN UPDATE w SET name = v WHERE id = 2; END $x$']) s$$;
-- a role that may encrypt with both keys
SELECT is(as_role('nae_writer', d), 'NE021 a ciphertext of another key is not taken for one of key "col-rnd"', left(d, 60)) FROM writes(:'forged') d;
SET LOCAL nae.batch = off;
SELECT matches(as_role('nae_writer', d), '^NE021', 'row by row: ' || left(d, 60)) FROM writes(:'forged') d;
SET LOCAL nae.batch = on;
SELECT matches(as_role('nae_writer', format('INSERT INTO w (id, ssn) VALUES (3, %L)', :'twice')), '^NE021', 'a unique column does not take alice twice');
SELECT matches(as_role('nae_writer', format('INSERT INTO w (id, name) VALUES (3, %L), (4, %L)', :'made', :'forged')), '^NE021', 'a good one lets no other in');
SELECT matches(as_role('nae_writer', format('INSERT INTO w (id, name) VALUES (3, %L), (4, ''plain''), (5, %L)', :'made', :'made')), '^done', 'what the key made is taken');
SELECT is(as_role('nae_writer', format('INSERT INTO w (id, ssn) VALUES (6, %L)', :'bob')), 'done', 'of a deterministic one, too');
-- roles that are trusted with ciphertexts: what is of another key is no restored dump
SET LOCAL nae.accept_ciphertext = on;
SELECT matches(as_role('nae_reader', d), '^NE021', 'nae.accept_ciphertext: ' || left(d, 60)) FROM writes(:'forged') d;
SELECT is(as_role('nae_reader', format('UPDATE w SET name = %L WHERE id = 2', :'made')), 'done', 'what the key made is taken from who may only read');
RESET nae.accept_ciphertext;
SET LOCAL ROLE nae_all;
SELECT is((SELECT string_agg(format('%s=%s', id, name), ',' ORDER BY id) FROM w WHERE name IS NOT NULL), '1=n,2=made,3=made,4=plain,5=made', 'nothing else was written');
-- a foreign table: a file whose writer chooses the bytes
RESET ROLE;
CREATE EXTENSION IF NOT EXISTS file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FUNCTION tap.file_of(given text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DROP FOREIGN TABLE IF EXISTS enc.far;
  EXECUTE format('CREATE FOREIGN TABLE enc.far (ssn nae.enc_det_text(''col-det'')) SERVER files OPTIONS (program %L)', format('echo "%s"', given));
  GRANT SELECT ON enc.far TO PUBLIC;
END $$;
SELECT file_of(:'twice');
SELECT matches(as_role('nae_writer', 'INSERT INTO w (id, ssn) SELECT 7, ssn FROM far'), '^NE021', 'through a foreign table');
SELECT matches(as_role('nae_reader', 'SELECT ssn FROM far'), '^NE021', 'nor is it read from there');
SELECT file_of(:'bob');
SELECT is(as_role('nae_reader', 'SELECT ssn FROM far'), 'done', 'what the key made is read');
-- who has no right with the key cannot compare: told so, and it is found
SET LOCAL client_min_messages = error;
SELECT is(as_role('none', format('INSERT INTO w (id, name, ssn) VALUES (7, %L, %L)', :'forged', :'twice')), 'done', 'a superuser without a right stores it');
SET LOCAL ROLE nae_all;
SELECT throws_ok(s, 'NE021', 'the value was not encrypted under key "col-rnd"', 'is not shown: ' || s) FROM unnest(ARRAY[
  'SELECT name FROM w WHERE id = 7', 'SELECT upper(name) FROM w', 'SELECT id FROM w WHERE name LIKE ''f%''', 'SELECT nae.rewrap(name) FROM w',
  'UPDATE w SET name = nae.rewrap(name)', 'SELECT max(name) FROM w', 'SELECT array_agg(name) FROM w', 'SELECT ARRAY[name, name] FROM w WHERE id = 7', 'SELECT ARRAY[other, name] FROM w ORDER BY id DESC',
  'ALTER TABLE w ALTER name TYPE nae.enc_text(''col-rnd-2'')', 'UPDATE w SET other = name', 'DO ''DECLARE v nae.enc_text; BEGIN SELECT name INTO v FROM w WHERE id = 7; PERFORM length(v::text); END''']) s;
SET LOCAL nae.batch = off;
SELECT throws_ok(s, 'NE021', 'the value was not encrypted under key "col-rnd"', 'row by row: ' || s) FROM unnest(ARRAY['SELECT name FROM w WHERE id = 7', 'SELECT nae.rewrap(name) FROM w']) s;
SET LOCAL nae.batch = on;
SELECT is((SELECT string_agg(format('%s %s/%s/%s/%s', column_name, stored, ciphertexts, foreign_values, authentic), ', ' ORDER BY column_name) FROM nae.verify_table('w', true)),
  'n 1/1/0/1, name 6/5/1/5, other 1/1/0/1, ssn 3/2/1/2', 'verify_table counts them');
SELECT is((SELECT string_agg(format('%s %s/%s', column_name, ciphertexts, foreign_values), ', ' ORDER BY column_name) FROM nae.verify_table('w')),
  'n 1/0, name 5/1, other 1/0, ssn 2/1', 'without opening one, too');
SELECT results_eq('SELECT primary_key, reason FROM nae.damaged_rows(''w'', ''name'')', $$VALUES ('id = 7', 'is of another key than the column''s')$$, 'damaged_rows lists them');
SELECT results_eq('SELECT primary_key, reason FROM nae.damaged_rows(''w'', ''ssn'')', $$VALUES ('id = 7', 'is of another key than the column''s')$$, 'of a deterministic column, too');
SELECT is((SELECT count(*)::int FROM w WHERE ssn = 'alice'), 1, 'a search finds the one');
SELECT is((SELECT (ARRAY[name, other, name])::text FROM w WHERE id = 1), '{n,o,n}', 'values of two keys in one array are good ones');
-- Contexts whose tags are equal: what is read by its tag alone would be of either key.
SELECT lives_ok($$CREATE TABLE one (a nae.enc_text('col-rnd', 'context=c63313'))$$, 'a context');
SELECT throws_ok($$CREATE TABLE two (a nae.enc_text('col-rnd-2', 'context=c59080'))$$, 'NE050', NULL, 'another key cannot have a context of the same tag');
SELECT lives_ok($$CREATE TABLE two (a nae.enc_det_text('col-rnd', 'context=c63313'))$$, 'the same key and context can, in another kind');
RESET ROLE;
SET LOCAL client_min_messages = warning;
SELECT * FROM finish();
ROLLBACK;
