-- nae.user_token: who may set it, from where, how long it holds, and that it is never shown.
-- Issuers are the key server's matter (tests/end_to_end/user_token.t); here no issuer is known.
BEGIN;
SELECT plan(30);
SELECT 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl' AS token \gset
SELECT 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl' AS other \gset
CREATE FUNCTION pg_temp.shown() RETURNS text LANGUAGE sql AS $$SELECT current_setting('nae.user_token')$$;
-- Whether a call is refused for its token says whether there is one.
CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM public.nae_random(1);
  RETURN 'no user';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;
SET LOCAL ROLE nae_all;

-- refused values, none of which is quoted
SELECT is(pg_temp.shown(), '', 'nothing is set at first');
SELECT throws_ok($$SELECT set_config('nae.user_token', 'a.b', false)$$, '22023',
  'parameter "nae.user_token" takes a JSON Web Token in compact form', 'two parts');
SELECT throws_ok($$SELECT set_config('nae.user_token', 'a.b.c.d', false)$$, '22023',
  'parameter "nae.user_token" takes a JSON Web Token in compact form', 'four parts');
SELECT throws_ok($$SELECT set_config('nae.user_token', 'Bearer a.b.c', false)$$, '22023',
  'parameter "nae.user_token" takes a JSON Web Token in compact form', 'a header of HTTP');
SELECT throws_ok($$SELECT set_config('nae.user_token', E'a.b.c\n', false)$$, '22023',
  'parameter "nae.user_token" takes a JSON Web Token in compact form', 'a line break');
SELECT throws_ok($$SELECT set_config('nae.user_token', 'a.b.' || repeat('c', 65532), false)$$, '22023',
  'parameter "nae.user_token" takes at most 65535 bytes', '65536 bytes');
SELECT lives_ok($$SELECT set_config('nae.user_token', 'a.b.' || repeat('c', 65531), true)$$, '65535 bytes');
RESET nae.user_token;
SELECT is(pg_temp.state(), 'no user', 'a refused or reset token is none');

-- never shown
SELECT set_config('nae.user_token', :'token', true) AS answer \gset
SELECT is(:'answer'::text, 'set', 'set_config does not answer it');
SELECT is(pg_temp.shown(), 'set', 'current_setting does not');
SELECT is((SELECT count(*) FROM pg_settings WHERE name = 'nae.user_token'), 0::bigint, 'it is in no list');
SELECT throws_ok($$SELECT set_config('nae.user_token', current_setting('nae.user_token'), true)$$, '22023',
  'parameter "nae.user_token" takes a JSON Web Token in compact form', 'what is shown cannot be set');
SELECT is(pg_temp.state(), 'NE00A', 'the key server is shown it and knows no issuer');
SELECT is(pg_temp.state(), 'NE00A', 'each time');
SELECT is((SELECT value FROM nae_agent_stats() WHERE name = 'clients') IS NOT NULL, true,
  'what the agent answers itself needs no user');

-- it comes and goes with transactions
SAVEPOINT before;
RESET nae.user_token;
SELECT is(pg_temp.state(), 'no user', 'reset');
ROLLBACK TO before;
SELECT is(pg_temp.state(), 'NE00A', 'a reset that is rolled back');
SELECT set_config('nae.user_token', '', true);
SELECT is(pg_temp.state(), 'no user', 'an empty one is none');
SAVEPOINT before;
SELECT is(set_config('nae.user_token', :'other', false), 'set', 'set in a subtransaction');
SELECT is(pg_temp.state(), 'NE00A', 'it is there');
ROLLBACK TO before;
SELECT is(pg_temp.state(), 'no user', 'and gone with it');
SELECT is(pg_temp.shown(), '', 'in what is shown, too');

-- where it must not come from
RESET ROLE;
SELECT throws_ok(format('ALTER ROLE nae_all SET nae.user_token = %L', :'token'), '22023',
  'parameter "nae.user_token" can only be set within a session', 'not a role');
SELECT throws_ok(format('ALTER DATABASE nae_test SET nae.user_token = %L', :'token'), '22023',
  'parameter "nae.user_token" can only be set within a session', 'not a database');
SELECT throws_ok(format('CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql SET nae.user_token = %L AS $f$SELECT 1$f$', :'token'),
  '22023', 'parameter "nae.user_token" can only be set within a session', 'not a function');
SELECT lives_ok($$CREATE FUNCTION pg_temp.without_user() RETURNS text LANGUAGE sql SET nae.user_token = ''
  AS 'SELECT pg_temp.state()'$$, 'a function may do without a user');
GRANT USAGE ON SCHEMA public TO nae_all;
SET LOCAL ROLE nae_all;
SELECT set_config('nae.user_token', :'token', true);
SELECT is(pg_temp.without_user(), 'no user', 'and has none');
SELECT is(pg_temp.state(), 'NE00A', 'its caller has');

-- parallel workers
SELECT set_config(CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode'
  ELSE 'debug_parallel_query' END, 'on', true);
SELECT is((SELECT current_setting('nae.user_token')), 'set', 'a worker is told that it is set, not what');
SELECT is((SELECT pg_temp.state()), 'NE00A', 'the leader keeps it');
SELECT * FROM finish();
ROLLBACK;
