-- A database in another encoding: texts travel as UTF-8.
\ir ../fixtures/latin1.sql
BEGIN;
SELECT plan(9);
SET LOCAL ROLE nae_all;

SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', 'Grüße')), 'Grüße', 'text');
SELECT is(nae_decrypt(nae_encrypt('customer-pii', 'é'::text)), '\xc3a9'::bytea, 'is encrypted as UTF-8');
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', '\xc3a9'::bytea)), 'é', 'and read from UTF-8');
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', ARRAY['é', NULL, 'a'])), ARRAY['é', NULL, 'a'], 'text[]');
SELECT throws_ok($$SELECT nae_decrypt_text(nae_encrypt('customer-pii', '\xe4b896'::bytea))$$, '22021',
  'the decrypted text holds a character that the database''s encoding lacks', 'and is not quoted');
SELECT throws_ok($$SELECT nae_decrypt_text(nae_encrypt('customer-pii', '\xe9'::bytea))$$, '22021', NULL,
  'LATIN1 bytes are not read as text');
SELECT is(nae_blind_index('index-key', 'é'::text), nae_blind_index('index-key', '\xc3a9'::bytea),
  'an index is the same in every encoding');

RESET ROLE;
CREATE ROLE "nae_prüfer";
GRANT EXECUTE ON FUNCTION nae_random(integer), nae_whoami() TO "nae_prüfer";
SET LOCAL ROLE "nae_prüfer";
SELECT is((SELECT value FROM nae_whoami() WHERE property = 'role'), 'nae_prüfer', 'names travel as UTF-8, too');
SELECT throws_like('SELECT nae_random(1)', '%"nae_prüfer"%', 'and come back in messages');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
\connect :home
DROP DATABASE nae_test_latin1;
