-- The effective role at execution decides; so do the memberships it inherits.
BEGIN;
SELECT plan(29);

CREATE TEMP TABLE sealed (value bytea);
GRANT ALL ON sealed TO PUBLIC;

-- separation of powers
SET LOCAL ROLE nae_clerk;
INSERT INTO sealed SELECT nae_encrypt('customer-pii', 'secret');
SELECT pass('a clerk encrypts');
SELECT throws_ok('SELECT nae_decrypt(value) FROM sealed', 'NE001', NULL, 'a clerk does not decrypt');
SELECT throws_like('SELECT nae_decrypt(value) FROM sealed', '%nae_clerk%decrypt%customer-pii%',
  'the denial names role, action and key');
SELECT throws_ok('SELECT nae_rewrap(value) FROM sealed', 'NE001', NULL, 'encrypt does not imply rewrap');
SELECT throws_ok($$SELECT nae_verify('doc-p256', 'm', nae_sign('doc-p256', 'm'))$$, 'NE001', NULL,
  'sign does not imply verify');
SELECT throws_ok($$SELECT nae_hash('sha256', 'm')$$, 'NE001', NULL, 'no rule for hash');
SELECT throws_ok($$SELECT nae_random(1)$$, 'NE001', NULL, 'no rule for random');

SET LOCAL ROLE nae_analyst;
SELECT is((SELECT nae_decrypt_text(value) FROM sealed), 'secret', 'an analyst decrypts');
SELECT throws_ok($$SELECT nae_encrypt('customer-pii', 'x')$$, 'NE001', NULL,
  'an analyst does not encrypt');
SELECT lives_ok('SELECT nae_rewrap(value) FROM sealed', 'an analyst rewraps');

SET LOCAL ROLE nae_auditor;
SELECT throws_ok('SELECT nae_decrypt(value) FROM sealed', 'NE001', NULL, 'an auditor decrypts nothing');
SELECT throws_ok($$SELECT nae_mac('index-key', 'x')$$, 'NE001', NULL, 'nor makes a code');
SELECT throws_ok($$SELECT nae_encrypt('no-such-key', 'x')$$, 'NE001', NULL,
  'who may do nothing does not learn which keys exist');

RESET ROLE;
SELECT throws_ok('SELECT nae_decrypt(value) FROM sealed', 'NE001', NULL,
  'a superuser is nobody to the policy');

-- memberships
SET LOCAL ROLE nae_member;
SELECT lives_ok($$SELECT nae_encrypt('customer-pii', 'x')$$, 'a member inherits');
SET LOCAL ROLE nae_grandchild;
SELECT lives_ok($$SELECT nae_encrypt('customer-pii', 'x')$$, 'a member of a member inherits');
SET LOCAL ROLE nae_loner;
SELECT throws_ok($$SELECT nae_encrypt('customer-pii', 'x')$$, 'NE001', NULL,
  'NOINHERIT inherits nothing');
RESET ROLE;
REVOKE nae_clerk FROM nae_member;
SET LOCAL ROLE nae_grandchild;
SELECT throws_ok($$SELECT nae_encrypt('customer-pii', 'x')$$, 'NE001', NULL,
  'a membership that was revoked counts no more');
RESET ROLE;
GRANT nae_clerk TO nae_member;
SET LOCAL ROLE nae_grandchild;
SELECT lives_ok($$SELECT nae_encrypt('customer-pii', 'x')$$, 'one that was granted counts at once');
RESET ROLE;

-- one plan, several roles
PREPARE reading AS SELECT nae_decrypt_text(value) FROM sealed;
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL ROLE nae_analyst;
SELECT results_eq('EXECUTE reading', $$VALUES ('secret')$$, 'a prepared statement as analyst');
SET LOCAL ROLE nae_clerk;
SELECT throws_ok('EXECUTE reading', 'NE001', NULL, 'the same plan as clerk');
RESET ROLE;

-- SECURITY DEFINER acts as its owner
CREATE FUNCTION pg_temp.read_one() RETURNS text LANGUAGE sql SECURITY DEFINER
  AS 'SELECT nae_decrypt_text(value) FROM sealed';
ALTER FUNCTION pg_temp.read_one() OWNER TO nae_analyst;
SET LOCAL ROLE nae_clerk;
SELECT is(pg_temp.read_one(), 'secret', 'a clerk reads through an analyst''s function');
SELECT throws_ok('SELECT nae_decrypt(value) FROM sealed', 'NE001', NULL, 'and is a clerk again after it');
RESET ROLE;
ALTER FUNCTION pg_temp.read_one() OWNER TO nae_auditor;
SET LOCAL ROLE nae_analyst;
SELECT throws_ok('SELECT pg_temp.read_one()', 'NE001', NULL,
  'an analyst does not read through an auditor''s function');
RESET ROLE;

-- SET SESSION AUTHORIZATION
SET LOCAL SESSION AUTHORIZATION nae_analyst;
SELECT is((SELECT value FROM nae_whoami() WHERE property = 'role'), 'nae_analyst', 'effective role');
SELECT is((SELECT value FROM nae_whoami() WHERE property = 'session_role'), 'nae_analyst',
  'session role');
SELECT isnt((SELECT value FROM nae_whoami() WHERE property = 'login_role'), 'nae_analyst',
  'the login role stays');
RESET SESSION AUTHORIZATION;

-- maintenance runs as the table's owner
CREATE TABLE public.trap (v text);
INSERT INTO public.trap VALUES ('x');
CREATE FUNCTION public.pretended(text) RETURNS bytea LANGUAGE sql IMMUTABLE
  AS $$SELECT public.nae_encrypt('customer-pii', $1)$$;
ALTER TABLE public.trap OWNER TO nae_all;
SELECT throws_ok('CREATE INDEX ON public.trap (public.pretended(v))', 'NE006', NULL,
  'refused in an index expression');
SELECT throws_ok($$CREATE MATERIALIZED VIEW public.leak AS SELECT public.nae_random(1)$$,
  'NE006', NULL, 'refused in a materialized view');

SELECT * FROM finish();
ROLLBACK;
