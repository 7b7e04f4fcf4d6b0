-- nae_envelope, nae_whoami, nae_keys, nae_stat_agent, nae_rewrap.
BEGIN;
SELECT plan(32);
SET LOCAL ROLE nae_all;

CREATE TEMP TABLE v AS SELECT nae_encrypt('customer-pii', 'secret') AS gcm,
  nae_encrypt('customer-ssn', 'secret') AS siv, nae_mac('index-key', 'm') AS mac;
SELECT results_eq('SELECT e.format, e.algorithm FROM v, nae_envelope(gcm) e',
  $$VALUES ('ciphertext', 'aes-256-gcm')$$, 'randomized');
SELECT results_eq('SELECT e.format, e.algorithm, e.salt, e.counter FROM v, nae_envelope(siv) e',
  $$VALUES ('ciphertext', 'aes-256-siv', NULL::bytea, NULL::bigint)$$, 'deterministic');
SELECT results_eq('SELECT e.format, e.algorithm FROM v, nae_envelope(mac) e',
  $$VALUES ('mac', 'hmac-sha-256')$$, 'code');
SELECT is((SELECT length(e.key_id) FROM v, nae_envelope(gcm) e), 6, 'key id');
SELECT is((SELECT length(e.salt) FROM v, nae_envelope(gcm) e), 13, 'salt and lease');
SELECT results_eq($q$SELECT e.salt, e.counter FROM nae_envelope(decode('a4a0b1c2d3e4f5000151525354556162636465666768fedcba' || repeat('00', 16), 'hex')) e$q$,
  $$VALUES ('\x51525354556162636465666768'::bytea, 16702650::bigint)$$, 'with its lease');
SELECT results_eq($q$SELECT e.salt, e.counter FROM nae_envelope(decode('a1a0b1c2d3e4f500010102030405060708090a0b0c01020304' || repeat('00', 16), 'hex')) e$q$,
  $$VALUES ('\x0102030405060708090a0b0c'::bytea, 16909060::bigint)$$, 'as earlier releases wrote it');
SELECT cmp_ok((SELECT e.key_version FROM v, nae_envelope(gcm) e), '>=', 1, 'version');
SELECT is((SELECT length(e.payload) FROM v, nae_envelope(gcm) e), 22, 'payload: ciphertext and tag');
SELECT is((SELECT length(e.payload) FROM v, nae_envelope(mac) e), 32, 'payload: the bare code');
SELECT isnt((SELECT e.key_id FROM v, nae_envelope(gcm) e), (SELECT e.key_id FROM v, nae_envelope(siv) e),
  'keys differ');

CREATE TEMP TABLE kept (secret bytea, other text);
INSERT INTO kept SELECT gcm FROM v UNION ALL SELECT gcm FROM v UNION ALL SELECT siv FROM v UNION ALL SELECT NULL;
SELECT results_eq($$SELECT k.count FROM nae_key_versions('kept', 'secret') k, v
  WHERE k.key_id = (nae_envelope(v.gcm)).key_id$$, ARRAY[2::bigint], 'values are counted by key');
SELECT is((SELECT sum(k.count)::int FROM nae_key_versions('kept', 'secret') k), 3, 'NULL is none');
SELECT throws_ok($$SELECT * FROM nae_key_versions('kept', 'missing')$$, '42703', NULL, 'no such column');
INSERT INTO kept VALUES ('plain');
SELECT throws_ok($$SELECT * FROM nae_key_versions('kept', 'secret')$$, 'NE020', NULL,
  'what is no ciphertext of ours is not passed over');
SELECT throws_ok($$SELECT nae_envelope('\x00')$$, 'NE020', NULL, 'none of the three');
SELECT throws_ok($$SELECT nae_envelope('')$$, 'NE020', NULL, 'nothing');
SELECT throws_ok('SELECT nae_envelope(substr(gcm, 1, 40)) FROM v', 'NE020', NULL, 'cut');
SELECT is(nae_envelope(NULL), NULL, 'NULL');

SELECT is((SELECT value FROM nae_whoami() WHERE property = 'role'), 'nae_all', 'role');
SELECT is((SELECT value FROM nae_whoami() WHERE property = 'database'), current_database()::text, 'database');
SELECT is((SELECT value FROM nae_whoami() WHERE property = 'program'), 'postgres', 'program');
SELECT is((SELECT value FROM nae_whoami() WHERE property = 'login_role'), session_user::text, 'login role');

SELECT results_eq(
  $$SELECT name, type, actions FROM nae_keys() WHERE name IN ('customer-pii', 'doc-p256') ORDER BY 1$$,
  $$VALUES ('customer-pii', 'aes-256-gcm', ARRAY['encrypt', 'decrypt', 'rewrap', 'search']),
           ('doc-p256', 'ecdsa-p256', ARRAY['sign', 'verify'])$$, 'keys and their actions');
SELECT results_eq($$SELECT results, rules FROM nae_keys() WHERE name = 'doc-p256'$$,
  $$VALUES (ARRAY['value', 'value'], ARRAY['one-role-does-everything', 'one-role-does-everything'])$$,
  'what comes of each, and by which rule');
SELECT is_empty($$SELECT name FROM nae_keys() WHERE origin IS DISTINCT FROM 'generated'$$, 'all were made in the HSM');
SELECT is_empty($$SELECT name FROM nae_keys() WHERE name = 'forbidden-key'$$, 'no forbidden key');
SELECT is_empty($$SELECT name FROM nae_keys() WHERE primary_version < 1 OR state IS NULL$$, 'states and versions');

SELECT is((SELECT nae_decrypt_text(nae_rewrap(gcm)) FROM v), 'secret', 'rewrapped');
SELECT isnt((SELECT nae_rewrap(gcm) FROM v), (SELECT gcm FROM v), 'a rewrapped value is a new ciphertext');

SET LOCAL ROLE nae_auditor;
SELECT is_empty('SELECT * FROM nae_keys()', 'who may do nothing sees no key');
SELECT isnt_empty('SELECT * FROM nae_stat_agent', 'statistics of the agent');

SELECT * FROM finish();
ROLLBACK;
