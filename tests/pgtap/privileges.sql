-- EXECUTE is asked for before the policy is: both must allow.
BEGIN;
SELECT plan(9);

SET LOCAL ROLE nae_stranger;
SELECT throws_ok($$SELECT nae_encrypt('customer-pii', 'x')$$, '42501', NULL, 'encrypt');
SELECT throws_ok($$SELECT nae_decrypt('\x00'::bytea)$$, '42501', NULL, 'decrypt');
SELECT throws_ok($$SELECT nae_sign('doc-p256', 'x')$$, '42501', NULL, 'sign');
SELECT throws_ok($$SELECT nae_mac('index-key', 'x')$$, '42501', NULL, 'mac');
SELECT throws_ok($$SELECT nae_random(1)$$, '42501', NULL, 'random');
SELECT throws_ok($$SELECT nae_whoami()$$, '42501', NULL, 'whoami');
SELECT throws_ok($$SELECT * FROM nae_stat_agent$$, '42501', NULL, 'statistics');

SET LOCAL ROLE nae_auditor;
SELECT throws_ok($$SELECT nae_encrypt('customer-pii', 'x')$$, 'NE001', NULL,
  'EXECUTE alone is not enough');
SELECT isnt_empty($$SELECT * FROM nae_stat_agent$$, 'a granted view is readable');

SELECT * FROM finish();
ROLLBACK;
