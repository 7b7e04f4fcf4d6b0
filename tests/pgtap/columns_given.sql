-- Ciphertexts that a statement brings along: a role without a right to the key cannot store them.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(51);
CREATE TABLE enc.w (id int PRIMARY KEY, ssn nae.enc_det_text('col-det'), name nae.enc_text('col-rnd'), raw nae.enc_bytea('col-rnd'), r nae.enc_text('col-rnd-2'));
INSERT INTO enc.w VALUES (1, 's', 'n', '\x01', 'r'), (2, NULL, NULL, NULL, NULL);
GRANT ALL ON enc.w TO PUBLIC;
SET LOCAL search_path = enc, tap, public;
-- The ciphertext of a name, whose last byte was changed.
SET LOCAL nae.transparent = off;
SELECT overlay(name PLACING CASE WHEN substr(name, 60, 1) = 'A' THEN 'B' ELSE 'A' END FROM 60 FOR 1) AS bad, name AS good, ssn AS token
FROM (SELECT 'nae1:' || replace(encode(nae_internal.enc_text_send(name), 'base64'), E'\n', '') AS name, 'nae1:' || replace(encode(nae_internal.enc_det_text_send(ssn), 'base64'), E'\n', '') AS ssn
      FROM enc.w WHERE id = 1) x \gset
SET LOCAL nae.transparent = on;
RESET ROLE;
\ir ../fixtures/as_role.sql
CREATE FUNCTION tap.damages(bad text) RETURNS SETOF text LANGUAGE sql AS $$SELECT format(s, bad) FROM unnest(ARRAY[
  'UPDATE w SET name = %L WHERE id = 1', 'UPDATE w SET name = %L::text WHERE id = 1', 'UPDATE w SET name = %L::nae.enc_text WHERE id = 1',
  'UPDATE w SET name = %L::nae.enc_text(''col-rnd'') WHERE id = 1', 'UPDATE w SET name = COALESCE(%L, name) WHERE id = 1',
  'UPDATE w SET name = (SELECT %L::nae.enc_text) WHERE id = 1', 'UPDATE w SET name = v FROM (VALUES (%L::nae.enc_text)) x (v) WHERE id = 1',
  'INSERT INTO w (id, name) VALUES (3, %L)', 'INSERT INTO w (id, name) SELECT i, %L FROM generate_series(3, 9) i',
  'INSERT INTO w (id, name) VALUES (1, %L) ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name',
  'MERGE INTO w USING (VALUES (1)) x (i) ON id = i WHEN MATCHED THEN UPDATE SET name = %L',
  'DO $x$ DECLARE v nae.enc_text := %L; BEGIN UPDATE w SET name = v WHERE id = 1; END $x$']) s$$;
SELECT is(as_role('nae_stranger', d), 'NE001 role "nae_stranger" may not encrypt with key "col-rnd"', 'a stranger: ' || left(d, 60)) FROM damages(:'bad') d;
SELECT matches(as_role('nae_reader', d), '^NE001', 'who may only read: ' || left(d, 60)) FROM damages(:'bad') d LIMIT 3;
SET LOCAL nae.batch = off;
SELECT matches(as_role('nae_stranger', d), '^NE001', 'row by row: ' || left(d, 60)) FROM damages(:'bad') d;
SET LOCAL nae.batch = on;
SELECT is(as_role('nae_stranger', format('INSERT INTO w (id, ssn) VALUES (3, %L)', :'token')), 'NE001 role "nae_stranger" may not encrypt with key "col-det"', 'a deterministic one');
SELECT is((SELECT count(*)::int FROM w), 2, 'nothing was written');
SELECT is((SELECT count(*)::int FROM nae.damaged_rows('enc.w', 'name')), 0, 'nothing is damaged') FROM set_config('role', 'nae_all', true);
RESET ROLE;
-- what is stored moves without a right, as before
SELECT is(as_role('nae_stranger', 'UPDATE w SET name = (SELECT name FROM w WHERE id = 1) WHERE id = 2'), 'done', 'a copy of what is stored');
-- who may encrypt could damage the row anyway; superusers restore dumps
SELECT is(as_role(r, format('UPDATE w SET name = %L WHERE id = 2', :'good')), 'done', r || ' gives a ciphertext') FROM unnest(ARRAY['nae_writer', 'nae_all', 'none', 'nae_cipher']) r;
SELECT is(as_role('nae_cipher', 'DO ''DECLARE v text; BEGIN SELECT name INTO v FROM w WHERE id = 1; UPDATE w SET name = v WHERE id = 2; END'''), 'done', 'what was read as ciphertext is written back');
SELECT matches(as_role('none', format('UPDATE w SET r = %L WHERE id = 2', :'good')), '^NE022', 'of another key from nobody');
-- the setting
SELECT throws_ok($$SET LOCAL ROLE nae_stranger; SET LOCAL nae.accept_ciphertext = on$$, '42501', NULL, 'is not a role''s own to set');
RESET ROLE;
SET LOCAL nae.accept_ciphertext = on;
SELECT is(as_role('nae_stranger', format('UPDATE w SET name = %L WHERE id = 2', :'good')), 'done', 'nae.accept_ciphertext lets a role restore');
SELECT is(as_role('nae_stranger', format('UPDATE w SET name = %L WHERE id = 1', :'bad')), 'done', 'and damage');
-- which is found
SET LOCAL ROLE nae_all;
SELECT results_eq($$SELECT stored_in::text, row_address IS NOT NULL, primary_key, reason FROM nae.damaged_rows('enc.w', 'name')$$,
  $$VALUES ('w', true, 'id = 1', 'was changed: it cannot be authenticated')$$, 'the damaged row');
SELECT throws_ok('SELECT name FROM w', 'NE022', 'the value could not be authenticated', 'and a reader is told so');
CREATE FUNCTION tap.place_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE s text; t text; c text; x text;
BEGIN
  EXECUTE statement;
  RETURN 'done';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS s = SCHEMA_NAME, t = TABLE_NAME, c = COLUMN_NAME, x = PG_EXCEPTION_CONTEXT;
  RETURN concat_ws('.', s, t, c) || ': ' || regexp_replace(split_part(x, E'\n', 1), '\d+,\d+', 'n,n');
END $$;
SELECT is(place_of(s), 'enc.w.name: encrypted column name of table w' || r, 'the error names the column: ' || s) FROM (VALUES
  ('SELECT name FROM w', ', row with ctid (n,n)'), ('SELECT upper(name) || 1 FROM w ORDER BY 1 DESC', ', row with ctid (n,n)'),
  ('SELECT a.id FROM w AS a JOIN w AS b ON a.name = b.name || ''x''', ', row with ctid (n,n)'), ('UPDATE w SET r = name::text', ', row with ctid (n,n)'),
  ('SELECT n FROM (SELECT name AS n FROM w ORDER BY id OFFSET 0) x WHERE n LIKE ''a%''', ''), ('SELECT max(name) FROM w', ', row with ctid (n,n)')) v (s, r);
SELECT is((SELECT string_agg(name, ',') FROM w WHERE id <> 1), 'n', 'the others are readable');
SELECT throws_ok($$SELECT * FROM nae.damaged_rows('enc.w', 'id')$$, '42703', 'table enc.w has no encrypted column "id"', 'a column that is not encrypted');
SELECT throws_ok($$SET LOCAL ROLE nae_stranger; SELECT * FROM nae.damaged_rows('enc.w', 'name')$$, '42501', NULL, 'is not for PUBLIC');
SELECT * FROM finish();
ROLLBACK;
