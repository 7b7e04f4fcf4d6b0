-- What a hostile or careless user hands in: values of other types, operators of their own, tables made
-- behind the guard's back. Each is answered or refused; none reads memory that is not its own.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(76);
SET LOCAL ROLE nae_all;
SET LOCAL search_path = enc, tap, public;

-- a ciphertext of one type as a value of another
CREATE TABLE h (id int, t nae.enc_text('col-rnd'), i nae.enc_int4('col-rnd'), b nae.enc_bytea('col-rnd'), n nae.enc_numeric('col-rnd'), dt nae.enc_det_text('col-det'), di nae.enc_det_int4('col-det'));
INSERT INTO h VALUES (1, 'x', 7, '\x01', 2.5, 'x', 7);
CREATE FUNCTION tap.stored(col text) RETURNS text LANGUAGE plpgsql SET nae.transparent = off AS $$
DECLARE result text;
BEGIN
  EXECUTE format('SELECT nae_internal.%s_out(%I) FROM enc.h', (SELECT regexp_replace(format_type(atttypid, NULL), '^nae.', '') FROM pg_attribute WHERE attrelid = 'enc.h'::regclass AND attname = col), col) INTO result;
  RETURN result;
END $$;
SELECT matches(stored(c), '^nae1:', 'the ciphertext of ' || c) FROM unnest(ARRAY['t', 'i', 'b', 'n', 'dt', 'di']) c;
SELECT throws_ok(format('INSERT INTO h (%I) VALUES (%L)', a, stored(b)), 'NE020', NULL, 'a ciphertext of ' || b || ' put into ' || a)
FROM unnest(ARRAY['t', 'i', 'b', 'n', 'dt', 'di']) a, unnest(ARRAY['t', 'i', 'b', 'n', 'dt', 'di']) b WHERE ltrim(a, 'd') <> ltrim(b, 'd');
SELECT throws_ok(format('SELECT nae_internal.plain(%L::nae.enc_%s)', stored(b), t), 'NE020', NULL, 'a ciphertext of ' || b || ' read as ' || t)
FROM unnest(ARRAY['t', 'i', 'n']) b, unnest(ARRAY['int8', 'uuid', 'jsonb', 'timestamptz', 'bool', 'date']) t;
SELECT throws_ok(format('SELECT %L::nae.enc_%s::text', 'nae1:4QHEi5L1oV8Os+FOFwABGo4JHS+nYDQKR/HfAAAEBcGkpCGOqVBuru6vlWc0Abq1Td0wX38=', t), c, NULL, 'a ciphertext of another server read as ' || t)
FROM (VALUES ('text', 'NE021'), ('int4', 'NE020'), ('numeric', 'NE020')) v (t, c);
SELECT throws_ok(format('SELECT nae_internal.%I(%s)', f, a), s, NULL, format('nae_internal.%s(%s)', f, a))
FROM (VALUES ('randomized_typmod_in', '''{}''', '22023'), ('deterministic_typmod_in', '''{}''', '22023'), ('randomized_typmod_in', '''{a,b,c,d}''', '22023'), ('randomized_typmod_in', '''{NULL}''', '22023'),
  ('randomized_typmod_in', '''{{a},{b}}''', '22023'), ('typmod_out', '-5', '22023'), ('typmod_out', '12345', '22023')) v (f, a, s);

-- operators and functions of a schema that is searched first
RESET ROLE;
CREATE SCHEMA evil AUTHORIZATION nae_all;
SET LOCAL ROLE nae_all;
CREATE FUNCTION evil.never(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE OPERATOR evil.< (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.never);
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.never);
CREATE FUNCTION tap.found_in(relation text) RETURNS bigint LANGUAGE plpgsql SET search_path = evil, pg_catalog AS $$
DECLARE found bigint;
BEGIN
  EXECUTE 'SELECT count(*) FROM enc.' || relation INTO found;
  RETURN found;
END $$;
CREATE FUNCTION tap.found_by(condition text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'CREATE OR REPLACE VIEW enc.found AS SELECT id FROM enc.h WHERE ' || condition;
  RETURN NEXT is(found_in('found'), 1::bigint, 'a view is what it was made as, whatever the search path: ' || condition);
END $$;
SELECT found_by(c) FROM unnest(ARRAY['t < ''y''', 'dt IN (''x'', ''y'')', 't = ''x''', 'dt = ''x''', 't IN (''x'', ''y'')', 't IS NOT DISTINCT FROM ''x''', 'GREATEST(t, ''a'') = ''x''', 'id IN (SELECT id FROM enc.h ORDER BY t, dt LIMIT 1)', 'NULLIF(t, ''y'') = ''x''']) c;

-- tables made of queries, where no event trigger looks
SELECT throws_ok(format('EXPLAIN (%s) CREATE TABLE %s AS SELECT t FROM h', o, 'sly'), '0A000', NULL, 'EXPLAIN (' || o || ') CREATE TABLE AS') FROM unnest(ARRAY['ANALYZE', 'COSTS off', 'ANALYZE, TIMING off']) o;
SELECT throws_ok('EXPLAIN ANALYZE CREATE MATERIALIZED VIEW sly AS SELECT t FROM h', '0A000', NULL, 'EXPLAIN ANALYZE CREATE MATERIALIZED VIEW');
SELECT throws_ok('EXPLAIN ANALYZE CREATE TABLE sly AS SELECT upper(t) FROM h', '0A000', NULL, 'EXPLAIN ANALYZE of one that keeps plaintext');
SELECT hasnt_relation('enc', 'sly', 'none of them made a table');

-- functions that read for themselves while a table is made or changed
CREATE FUNCTION reads() RETURNS text LANGUAGE plpgsql AS 'DECLARE r record; BEGIN SELECT * INTO r FROM enc.h; RETURN r.t; END';
CREATE TABLE made AS SELECT id, reads() AS r FROM h;
SELECT is(r, 'x', 'a function within CREATE TABLE AS reads plaintext') FROM made;

SELECT * FROM finish();
ROLLBACK;
