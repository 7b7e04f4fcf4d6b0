-- What is refused before anything is written. Commits: some commands run in no transaction block.
\set ON_ERROR_STOP 0
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS def CASCADE;
CREATE SCHEMA def AUTHORIZATION nae_all;
SET search_path = def, public;
SET ROLE nae_all;
SELECT plan(25);
CREATE TABLE t (id int PRIMARY KEY, r nae.enc_text('col-rnd'), d nae.enc_det_text('col-det'), clear text);
INSERT INTO t SELECT i, 'r' || i, 'd' || i, 'c' FROM generate_series(1, 20) AS i;

-- commands that no transaction takes back -------------------------------------------------------------
CREATE FUNCTION indexes() RETURNS SETOF text LANGUAGE sql AS
  $$SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'def.t'::regclass ORDER BY 1$$;
\set refused 'index def.bad is on the randomized column "r"'
CREATE INDEX CONCURRENTLY bad ON t (r);
SELECT is(:'LAST_ERROR_MESSAGE', :'refused'::text, 'CREATE INDEX CONCURRENTLY');
CREATE UNIQUE INDEX CONCURRENTLY bad ON t (id, r);
SELECT is(:'LAST_ERROR_MESSAGE', :'refused'::text, 'UNIQUE, the second column');
CREATE INDEX CONCURRENTLY ON t (r);
SELECT is(:'LAST_ERROR_MESSAGE', 'an index of def.t is on the randomized column "r"'::text, 'without a name');
CREATE INDEX CONCURRENTLY bad ON t (lower(d));
SELECT is(:'LAST_ERROR_MESSAGE', 'index def.bad would keep what it computes from encrypted columns in clear'::text, 'of an expression');
CREATE INDEX CONCURRENTLY bad ON t (id) WHERE r = 'x';
SELECT is(:'LAST_ERROR_MESSAGE', 'index def.bad would keep what it computes from encrypted columns in clear'::text, 'with a predicate');
SELECT results_eq('SELECT indexes()', ARRAY['t_pkey'], 'leave no index behind');
CREATE INDEX CONCURRENTLY good ON t (d) INCLUDE (r);
CREATE INDEX CONCURRENTLY good_partial ON t (id) WHERE r IS NOT NULL;
REINDEX INDEX CONCURRENTLY good;
REINDEX TABLE CONCURRENTLY t;
SELECT results_eq('SELECT indexes()', ARRAY['good', 'good_partial', 't_pkey'], 'others are made');
SELECT lives_ok($$INSERT INTO t VALUES (21, 'r', 'd'), (22, 'r', 'd')$$, 'and rows can be written');

-- An index that was made when the guard did not run, rebuilt beside itself.
RESET ROLE;
ALTER EVENT TRIGGER nae_guard DISABLE;
CREATE TABLE left_over (r nae.enc_det_text('col-det'));
CREATE INDEX left_index ON left_over (r);
UPDATE pg_attribute SET atttypid = 'nae.enc_text'::regtype, atttypmod = (SELECT atttypmod FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'r')
  WHERE attrelid IN ('left_over'::regclass, 'left_index'::regclass) AND attname = 'r';
ALTER EVENT TRIGGER nae_guard ENABLE ALWAYS;
REINDEX INDEX CONCURRENTLY left_index;
SELECT is(:'LAST_ERROR_MESSAGE', 'index def.left_index is on the randomized column "r"'::text, 'REINDEX INDEX CONCURRENTLY');
REINDEX TABLE CONCURRENTLY left_over;
SELECT is(:'LAST_ERROR_MESSAGE', 'index def.left_index is on the randomized column "r"'::text, 'REINDEX TABLE CONCURRENTLY');
REINDEX SCHEMA CONCURRENTLY def;
SELECT is(:'LAST_ERROR_MESSAGE', 'index def.left_index is on the randomized column "r"'::text, 'REINDEX SCHEMA CONCURRENTLY');
REINDEX DATABASE CONCURRENTLY nae_test;
SELECT is(:'LAST_ERROR_MESSAGE', 'index def.left_index is on the randomized column "r"'::text, 'REINDEX DATABASE CONCURRENTLY');
SELECT is((SELECT count(*) FROM pg_index WHERE indrelid = 'left_over'::regclass), 1::bigint, 'leave no other index behind');
DROP TABLE left_over;
SET ROLE nae_all;

-- what would write plaintext first ------------------------------------------------------------------------
-- WAL tells: a rewrite that is taken back has written all of it. Others write too, but not that much.
CREATE FUNCTION writes(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE before pg_lsn := pg_current_wal_insert_lsn();
BEGIN
  EXECUTE statement;
  RETURN NULL;
EXCEPTION WHEN invalid_column_definition OR feature_not_supported THEN
  RETURN pg_current_wal_insert_lsn() - before > 50000;
END $$;
INSERT INTO t SELECT i, repeat('r', 1000), 'd' || i FROM generate_series(100, 300) AS i;
SELECT is(writes('ALTER TABLE t ' || a), false, a || ' writes nothing') FROM unnest(ARRAY[
  'ALTER r TYPE nae.enc_text USING r::text', 'ALTER clear TYPE nae.enc_det_text', 'ADD x nae.enc_text DEFAULT ''secret''',
  'ALTER r TYPE nae.enc_text[] USING ARRAY[r::text]', 'ADD x nae.enc_text(''col-rnd'')[]', 'ALTER r TYPE t USING ROW(1, r::text, ''d'')']) AS a;

-- what the session has read of a column, a function and an operator is not what it goes by after they changed --------
CREATE TABLE turned (id int, c text, e nae.enc_text('col-rnd'));
INSERT INTO turned VALUES (1, 'x', 'y');
CREATE FUNCTION def.joined(a text, b anyelement) RETURNS text LANGUAGE sql AS $$SELECT concat(a, b::text)$$;
CREATE FUNCTION def.read_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$BEGIN RETURN QUERY EXECUTE statement; END $$;
SELECT is(read_of('SELECT c || e || joined(c, e) FROM turned'), 'xyxy', 'a plain column beside an encrypted one');
ALTER TABLE turned ALTER c TYPE nae.enc_text('col-rnd');
SELECT is(read_of('SELECT c || e || joined(c, e) FROM turned'), 'xyxy', 'the column is encrypted');
ALTER TABLE turned ALTER c TYPE nae.enc_det_text('col-det');
SELECT is(read_of($$SELECT e || joined(c, e) FROM turned WHERE c = 'x'$$), 'yxy', 'it is of another type');
ALTER TABLE turned ALTER c TYPE nae.enc_det_text('col-det-2');
SELECT is(read_of($$SELECT e || joined(c, e) FROM turned WHERE c = 'x'$$), 'yxy', 'and of another key');
ALTER TABLE turned ALTER c TYPE text, ALTER e TYPE nae.enc_int4('col-rnd') USING 7;
SELECT is(read_of('SELECT c || e || joined(c, e) FROM turned'), 'x7x7', 'it is plain again, and the other one a number');
DROP FUNCTION joined(text, anyelement);
CREATE FUNCTION joined(a text, b int) RETURNS text LANGUAGE plpgsql AS $$BEGIN RETURN a || '-' || b; END $$;
SELECT is(read_of('SELECT c || e || joined(c, e) FROM turned'), 'x7x-7', 'the function takes another type');
RESET ROLE;
DROP SCHEMA def CASCADE;
SELECT * FROM finish();
