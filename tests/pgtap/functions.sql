-- Volatility, strictness, parallel mark, cost and privileges of every function beside those of schemas nae and nae_internal.
BEGIN;
SELECT plan(10);

CREATE TEMP VIEW ours AS
  SELECT p.oid::regprocedure AS signature, p.*
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid
  JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND d.deptype = 'e'
  WHERE e.extname = 'pg_nae' AND p.pronamespace NOT IN ('nae'::regnamespace, 'nae_internal'::regnamespace, 'pg_catalog'::regnamespace);

SELECT is((SELECT count(*) FROM ours)::int, 59, 'the extension has its functions');
SELECT is_empty('SELECT signature FROM ours WHERE NOT proisstrict', 'every function is strict');
SELECT is_empty('SELECT signature FROM ours WHERE proleakproof', 'no function is leakproof');
SELECT is_empty('SELECT signature FROM ours WHERE prosecdef', 'no function is SECURITY DEFINER');
SELECT results_eq(
  $$SELECT DISTINCT proname::text COLLATE "default" FROM ours WHERE provolatile = 'v' ORDER BY 1$$,
  $$VALUES ('nae_agent_stats'), ('nae_batch_stats'), ('nae_encrypt'), ('nae_random'), ('nae_rewrap'), ('nae_sign')$$,
  'what gives another result each time is VOLATILE');
SELECT results_eq(
  $$SELECT DISTINCT proname::text COLLATE "default" FROM ours WHERE provolatile = 'i'$$,
  $$VALUES ('nae_envelope')$$,
  'only what needs no role and no key is IMMUTABLE');
SELECT results_eq(
  $$SELECT DISTINCT proname::text COLLATE "default" FROM ours WHERE proparallel = 's'$$,
  $$VALUES ('nae_envelope')$$,
  'only what needs no connection is PARALLEL SAFE');
SELECT is_empty(
  $$SELECT signature FROM ours WHERE proparallel <> 'r' AND proname <> 'nae_envelope'$$,
  'all others are PARALLEL RESTRICTED');
SELECT is_empty(
  $$SELECT signature FROM ours WHERE procost <> 100 AND proname NOT IN ('nae_envelope', 'nae_batch_stats')$$,
  'a round trip costs 100');
SELECT is_empty(
  $$SELECT signature FROM ours
    WHERE proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0)$$,
  'PUBLIC may call none');

SELECT * FROM finish();
ROLLBACK;
