-- What nobody may do to the extension's own objects, a superuser neither.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE SCHEMA def AUTHORIZATION nae_all;
SELECT plan(49);
CREATE TABLE def.t (id int, d nae.enc_det_text('col-det'));
CREATE FUNCTION def.never(oid, oid) RETURNS bool LANGUAGE sql AS 'SELECT false';
ALTER TABLE def.t OWNER TO nae_all;
SET LOCAL ROLE nae_all;
INSERT INTO def.t SELECT i, 'd' || i FROM generate_series(1, 20) AS i;
RESET ROLE;
SELECT throws_ok(s, '2BP01', NULL, s) FROM unnest(ARRAY[
  'ALTER SCHEMA nae RENAME TO other', 'ALTER TYPE nae.enc_text RENAME TO other', 'ALTER TYPE nae.enc_text SET SCHEMA def',
  'ALTER TABLE nae_internal.column_key RENAME TO other', 'ALTER TABLE nae_internal.column_key RENAME typmod TO other', 'ALTER TABLE nae_internal.column_key SET SCHEMA def',
  'ALTER FUNCTION nae_internal.plain(nae.enc_text) RENAME TO other', 'ALTER FUNCTION nae_internal.plain(nae.enc_text) SET SCHEMA def', 'ALTER FUNCTION nae_internal.plain(nae.enc_text) IMMUTABLE',
  'ALTER FUNCTION nae_decrypt(bytea, bytea) RENAME TO other', 'ALTER OPERATOR nae.=~ (nae.enc_det_text, nae.enc_det_text) SET SCHEMA def',
  'ALTER TYPE nae.enc_text SET (STORAGE = extended)', 'ALTER EVENT TRIGGER nae_guard RENAME TO other', 'ALTER VIEW nae.encrypted_type RENAME TO other',
  'CREATE OR REPLACE FUNCTION nae.is_ciphertext(anyelement) RETURNS boolean LANGUAGE sql AS ''SELECT true''',
  'DROP FUNCTION nae_internal.plain(nae.enc_text)', 'DROP SCHEMA nae', 'DROP SCHEMA nae_internal', 'DROP EVENT TRIGGER nae_guard']) AS s;
SELECT throws_ok(s, '2BP01', 'schema nae belongs to extension pg_nae, and nothing else is made in it', s) FROM unnest(ARRAY[
  'CREATE FUNCTION nae.plain(text) RETURNS text LANGUAGE sql AS ''SELECT $1''', 'CREATE TABLE nae.mine (id int)', 'CREATE VIEW nae.mine AS SELECT 1 AS x',
  'CREATE TABLE nae.mine AS SELECT 1 AS x', 'CREATE TYPE nae.mine AS (x int)', 'CREATE TYPE nae.mine AS ENUM (''x'')', 'CREATE DOMAIN nae.mine AS int', 'CREATE SEQUENCE nae.mine',
  'CREATE OPERATOR nae.= (LEFTARG = nae.enc_text, RIGHTARG = nae.enc_text, FUNCTION = nae_internal.enc_text_eq)', 'CREATE AGGREGATE nae.mine(int) (SFUNC = int4pl, STYPE = int)',
  'ALTER TABLE def.t SET SCHEMA nae', 'ALTER FUNCTION def.never(oid, oid) SET SCHEMA nae', 'SET LOCAL search_path = nae; CREATE TABLE mine (id int)']) AS s;
SELECT throws_ok('CREATE FUNCTION nae_internal.plain(text) RETURNS text LANGUAGE sql AS ''SELECT $1''', '2BP01', 'schema nae_internal belongs to extension pg_nae, and nothing else is made in it', 'nor in the other schema');
SELECT throws_ok(s, '0A000', NULL, s) FROM unnest(ARRAY['ALTER EXTENSION pg_nae SET SCHEMA def', 'ALTER EXTENSION pg_nae ADD TABLE def.t', 'ALTER EXTENSION pg_nae DROP FUNCTION nae_internal.plain(nae.enc_text)']) AS s;
SELECT lives_ok(s, s) FROM unnest(ARRAY['ALTER SCHEMA nae OWNER TO CURRENT_USER', 'ALTER FUNCTION nae_internal.plain(nae.enc_text) OWNER TO CURRENT_USER', 'GRANT USAGE ON SCHEMA nae TO PUBLIC',
  'COMMENT ON TYPE nae.enc_text IS ''encrypted text, randomized''', 'ALTER EXTENSION pg_nae UPDATE', 'ALTER SCHEMA def RENAME TO def2', 'ALTER SCHEMA def2 RENAME TO def',
  'ALTER EVENT TRIGGER nae_guard ENABLE ALWAYS']) AS s;
SELECT is_empty('SELECT FROM nae.lint() WHERE object ~ ''nae_guard''', 'the guard runs');
ALTER EVENT TRIGGER nae_guard DISABLE;
SELECT matches((SELECT severity || ' ' || finding FROM nae.lint() WHERE object = 'event trigger nae_guard'), '^error is disabled', 'lint finds that it is disabled');
ALTER EVENT TRIGGER nae_guard ENABLE REPLICA;
SELECT matches((SELECT severity || ' ' || finding FROM nae.lint() WHERE object = 'event trigger nae_guard'), '^error does not run', 'and that it runs in some sessions');
ALTER EVENT TRIGGER nae_guard ENABLE;
SELECT matches((SELECT severity || ' ' || finding FROM nae.lint() WHERE object = 'event trigger nae_guard'), '^error does not run', 'or in others');
ALTER EVENT TRIGGER nae_guard ENABLE ALWAYS;
SET LOCAL ROLE nae_all;
SELECT is((SELECT count(*) FROM def.t WHERE d = 'd7'), 1::bigint, 'and columns work as before');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
