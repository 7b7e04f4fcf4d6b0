-- Whose name a call carries, when roles change under a session and in commands that act as another.
-- From 16 on INHERIT belongs to the membership; a role has only the default for new ones.
SELECT current_setting('server_version_num')::int >= 160000 AS by_membership \gset
\if :by_membership
  \set no_inherit 'GRANT nae_clerk TO nae_k_three WITH INHERIT FALSE'
  \set inherit_again 'GRANT nae_clerk TO nae_k_three WITH INHERIT TRUE'
  \set inherit_for_now 'GRANT nae_clerk TO nae_k_two WITH INHERIT TRUE'
\else
  \set no_inherit 'ALTER ROLE nae_k_three NOINHERIT'
  \set inherit_again 'ALTER ROLE nae_k_three INHERIT'
  \set inherit_for_now 'ALTER ROLE nae_k_two INHERIT'
\endif
BEGIN;
SELECT plan(24);
CREATE ROLE nae_k_one;
CREATE ROLE nae_k_two NOINHERIT;
GRANT nae_clerk TO nae_k_one, nae_k_two;
DO $$
DECLARE signature regprocedure;
BEGIN
  FOR signature IN SELECT oid FROM pg_proc WHERE proname IN ('nae_encrypt', 'nae_whoami', 'nae_random') LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO nae_k_one, nae_k_two', signature);
  END LOOP;
END $$;
CREATE FUNCTION pg_temp.me() RETURNS text LANGUAGE sql VOLATILE AS
  $$SELECT value FROM public.nae_whoami() WHERE property = 'role'$$;

-- what changes is seen by the next call
SET LOCAL ROLE nae_k_one;
SELECT lives_ok($$SELECT nae_encrypt('customer-pii', 'x')$$, 'a member encrypts');
RESET ROLE;
ALTER ROLE nae_k_one RENAME TO nae_k_three;
SET LOCAL ROLE nae_k_three;
SELECT is(pg_temp.me(), 'nae_k_three', 'a role that was renamed has its new name');
SELECT lives_ok($$SELECT nae_encrypt('customer-pii', 'x')$$, 'and its memberships');
RESET ROLE;
:no_inherit;
SET LOCAL ROLE nae_k_three;
SELECT throws_ok($$SELECT nae_encrypt('customer-pii', 'x')$$, 'NE001', NULL, 'NOINHERIT counts at once');
RESET ROLE;
:inherit_again;
SET LOCAL ROLE nae_k_three;
SELECT lives_ok($$SELECT nae_encrypt('customer-pii', 'x')$$, 'INHERIT too');
RESET ROLE;
SAVEPOINT before;
:inherit_for_now;
SET LOCAL ROLE nae_k_two;
SELECT set_config('test.length', length(nae_encrypt('customer-pii', 'x'))::text, false) AS length \gset
ROLLBACK TO before;
SELECT is(:'length'::text, '42', 'a change that is not committed counts');
SET LOCAL ROLE nae_k_two;
SELECT throws_ok($$SELECT nae_encrypt('customer-pii', 'x')$$, 'NE001', NULL, 'and no more once it is rolled back');
RESET ROLE;

-- roles inside functions
CREATE FUNCTION pg_temp.changing() RETURNS text LANGUAGE plpgsql AS $$
DECLARE seen text;
BEGIN
  SET LOCAL ROLE nae_analyst;
  seen := pg_temp.me();
  SET LOCAL ROLE nae_clerk;
  RETURN seen || ' ' || pg_temp.me();
END $$;
SELECT is(pg_temp.changing(), 'nae_analyst nae_clerk', 'SET ROLE between two calls of one function');
RESET ROLE;
CREATE FUNCTION pg_temp.fixed() RETURNS text LANGUAGE plpgsql SET role = nae_analyst AS
  $$BEGIN RETURN pg_temp.me(); END$$;
SELECT is(pg_temp.fixed(), 'nae_analyst', 'a function with a role of its own');
SELECT is(pg_temp.me(), current_user::text, 'and the caller''s after it');
CREATE FUNCTION pg_temp.inner_one() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$SELECT pg_temp.me()$$;
ALTER FUNCTION pg_temp.inner_one() OWNER TO nae_clerk;
CREATE FUNCTION pg_temp.outer_one() RETURNS text[] LANGUAGE sql SECURITY DEFINER AS
  $$SELECT ARRAY[pg_temp.me(), pg_temp.inner_one(), pg_temp.me()]$$;
ALTER FUNCTION pg_temp.outer_one() OWNER TO nae_analyst;
SELECT is(pg_temp.outer_one(), ARRAY['nae_analyst', 'nae_clerk', 'nae_analyst'], 'SECURITY DEFINER within SECURITY DEFINER');
CREATE FUNCTION pg_temp.failing() RETURNS text LANGUAGE sql SECURITY DEFINER AS
  $$SELECT nae_encrypt('no-such-key', 'x')::text$$;
ALTER FUNCTION pg_temp.failing() OWNER TO nae_all;
SELECT throws_ok('SELECT pg_temp.failing()', 'NE010', NULL, 'an error in SECURITY DEFINER');
SELECT is(pg_temp.me(), current_user::text, 'the caller''s role after it');
-- a view runs as who reads it
CREATE TEMP VIEW whose AS SELECT value FROM nae_whoami() WHERE property = 'role';
GRANT SELECT ON whose TO nae_clerk;
SET LOCAL ROLE nae_clerk;
SELECT results_eq('SELECT value FROM whose', $$VALUES ('nae_clerk')$$, 'a view');
RESET ROLE;

-- Commands that act as the owner of a table: refused, even if the expression hides the error. What
-- they set is undone after them; what a sequence counted stays.
CREATE TABLE public.nae_k_trap (id int, v text);
INSERT INTO public.nae_k_trap SELECT i, 'x' FROM generate_series(1, 200) i;
CREATE SEQUENCE public.nae_k_answered;
CREATE SEQUENCE public.nae_k_refused;
CREATE FUNCTION public.nae_k_pretended(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  PERFORM public.nae_random(1);
  PERFORM nextval('public.nae_k_answered');
  RETURN $1;
EXCEPTION WHEN SQLSTATE 'NE006' THEN
  PERFORM nextval('public.nae_k_refused');
  RETURN $1;
END $$;
CREATE FUNCTION pg_temp.counted(OUT answered boolean, OUT refused boolean) LANGUAGE sql VOLATILE AS
  $$SELECT a.is_called, r.is_called FROM public.nae_k_answered a, public.nae_k_refused r$$;
CREATE FUNCTION pg_temp.refused_in(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM setval('public.nae_k_answered', 1, false), setval('public.nae_k_refused', 1, false);
  EXECUTE command;
  RETURN is(pg_temp.counted()::text, '(f,t)', command);
END $$;
ALTER TABLE public.nae_k_trap OWNER TO nae_all;
ALTER SEQUENCE public.nae_k_answered OWNER TO nae_all;
ALTER SEQUENCE public.nae_k_refused OWNER TO nae_all;
SELECT pg_temp.refused_in('CREATE INDEX nae_k_index ON public.nae_k_trap (public.nae_k_pretended(v))');
SELECT pg_temp.refused_in('ANALYZE public.nae_k_trap');
SELECT pg_temp.refused_in('REINDEX INDEX public.nae_k_index');
CREATE MATERIALIZED VIEW public.nae_k_view AS SELECT public.nae_k_pretended('x') WITH NO DATA;
ALTER MATERIALIZED VIEW public.nae_k_view OWNER TO nae_all;
SELECT pg_temp.refused_in('REFRESH MATERIALIZED VIEW public.nae_k_view');
SET LOCAL ROLE nae_all;
INSERT INTO public.nae_k_trap VALUES (0, 'y');
SELECT is(pg_temp.counted()::text, '(t,t)', 'INSERT acts as who inserts');
RESET ROLE;
SELECT lives_ok($$SELECT nae_envelope('\xa2010203040506ffffeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee')$$, 'reading a value needs no role');

-- A parallel worker that calls by way of a function with a wrong mark has the leader's identity.
CREATE FUNCTION public.nae_k_parallel(int) RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS
  $$BEGIN RETURN (SELECT value FROM public.nae_whoami() WHERE property = 'role'); END$$;
DROP INDEX public.nae_k_index;
SELECT set_config(CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode'
  ELSE 'debug_parallel_query' END, 'on', true) INTO TEMP discarded_5;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL ROLE nae_all;
SELECT results_eq('SELECT DISTINCT public.nae_k_parallel(id) FROM public.nae_k_trap', $$VALUES ('nae_all')$$,
  'in a parallel worker');
PREPARE plan_of_calls AS SELECT count(nae_random(1)) FROM public.nae_k_trap;
CREATE FUNCTION pg_temp.explained(query text) RETURNS SETOF text LANGUAGE plpgsql AS
  $$BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END$$;
SELECT is_empty($$SELECT * FROM pg_temp.explained('SELECT count(nae_random(1)) FROM public.nae_k_trap') line
  WHERE line LIKE '%Partial Aggregate%'$$, 'our functions stay with the leader');
RESET ROLE;

-- cost
SELECT matches((SELECT string_agg(line, E'\n') FROM pg_temp.explained(
    'SELECT nae_decrypt(v::bytea) FROM public.nae_k_trap ORDER BY id LIMIT 1') line), 'NaeBatch.*\n  ->  Limit\n    .*->  Sort',
  'under LIMIT a value is decrypted after the sort, not before');
SELECT is((SELECT count(*) FROM nae_whoami() w, generate_series(1, 3)), 3 * (SELECT count(*) FROM nae_whoami()),
  'a table of answers is read again for each row');

SELECT * FROM finish();
ROLLBACK;
