-- Round trips: bytea, text, arrays, aad, NULL, empty.
BEGIN;
SELECT plan(34);
SET LOCAL ROLE nae_all;

SELECT is(nae_decrypt(nae_encrypt('customer-pii', '\x00ff10'::bytea)), '\x00ff10'::bytea, 'bytea');
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', 'Grüße, 世界 🙂')), 'Grüße, 世界 🙂', 'text');
SELECT is(nae_decrypt(nae_encrypt('customer-pii', 'é'::text)), '\xc3a9'::bytea,
  'text is encrypted as UTF-8');
SELECT is(nae_decrypt(nae_encrypt('customer-ssn', '\x00ff10'::bytea)), '\x00ff10'::bytea,
  'deterministic bytea');
SELECT is(nae_decrypt_text(nae_encrypt('customer-ssn', '078-05-1120')), '078-05-1120',
  'deterministic text');
SELECT is(nae_decrypt(nae_encrypt('customer-pii', ''::bytea)), ''::bytea, 'empty bytea');
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', '')), '', 'empty text');
SELECT is(nae_decrypt_text(nae_encrypt('customer-ssn', '')), '', 'empty deterministic text');
SELECT is(length(nae_encrypt('customer-pii', '')), 41, 'overhead of a randomized ciphertext');
SELECT is(length(nae_encrypt('customer-ssn', '')), 25, 'overhead of a deterministic ciphertext');
SELECT is(length(nae_encrypt('customer-pii', repeat('x', 100))), 141, 'as long as the plaintext');

SELECT isnt(nae_encrypt('customer-pii', 'same'), nae_encrypt('customer-pii', 'same'),
  'randomized: equal values look different');
SELECT is(nae_encrypt('customer-ssn', 'same'), nae_encrypt('customer-ssn', 'same'),
  'deterministic: equal values look equal');
SELECT isnt(nae_encrypt('customer-ssn', 'same'), nae_encrypt('customer-ssn', 'same', 'aad'),
  'deterministic: aad tells them apart');
SELECT is((SELECT count(DISTINCT nae_encrypt('customer-pii', 'same')) FROM generate_series(1, 50)),
  50::bigint, 'one row, one ciphertext: nothing is folded into a constant');

-- aad
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', 'x', 'row 1'), 'row 1'), 'x', 'aad');
SELECT is(nae_decrypt_text(nae_encrypt('customer-ssn', 'x', 'row 1'), 'row 1'), 'x',
  'aad, deterministic');
SELECT throws_ok($$SELECT nae_decrypt(nae_encrypt('customer-pii', 'x', 'row 1'), 'row 2')$$, 'NE022',
  NULL, 'another aad');
SELECT throws_ok($$SELECT nae_decrypt(nae_encrypt('customer-pii', 'x', 'row 1'))$$, 'NE022', NULL,
  'no aad');
SELECT throws_ok($$SELECT nae_decrypt(nae_encrypt('customer-pii', 'x'), 'row 1')$$, 'NE022', NULL,
  'aad where there was none');
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', 'x', ''::bytea)), 'x',
  'empty aad is no aad');
SELECT throws_ok($$SELECT nae_encrypt('customer-pii', 'x', convert_to(repeat('a', 65537), 'UTF8'))$$,
  '54000', NULL, 'aad past its limit');
SELECT lives_ok($$SELECT nae_encrypt('customer-pii', 'x', convert_to(repeat('a', 65536), 'UTF8'))$$,
  'aad at its limit');

-- NULL
SELECT is(nae_encrypt('customer-pii', NULL::text), NULL, 'NULL in, NULL out');
SELECT is(nae_encrypt(NULL, 'x'), NULL, 'NULL key');
SELECT is(nae_decrypt(NULL::bytea), NULL, 'NULL ciphertext');

-- arrays
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', ARRAY['a', NULL, '', 'ü'])),
  ARRAY['a', NULL, '', 'ü'], 'text[]: NULL stays NULL, empty stays empty');
SELECT is(nae_decrypt(nae_encrypt('customer-pii', ARRAY['\x01', NULL, '']::bytea[])),
  ARRAY['\x01', NULL, '']::bytea[], 'bytea[]');
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', ARRAY[['a', 'b'], ['c', NULL]])),
  ARRAY[['a', 'b'], ['c', NULL]], 'dimensions are kept');
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', '[5:6]={a,b}'::text[])),
  '[5:6]={a,b}'::text[], 'lower bounds are kept');
SELECT is(nae_encrypt('customer-pii', '{}'::text[]), '{}'::bytea[], 'empty array');
SELECT is(nae_encrypt('customer-pii', ARRAY[NULL, NULL]::text[]), ARRAY[NULL, NULL]::bytea[],
  'array of NULL');
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', ARRAY['a', 'b'], 't'), 't'), ARRAY['a', 'b'],
  'one aad for the whole array');
SELECT throws_matching(
  $$SELECT nae_decrypt(ARRAY[nae_encrypt('customer-pii', 'a'), NULL, '\xa1'])$$,
  '^item 3: ', 'a bad item is named by its place');

SELECT * FROM finish();
ROLLBACK;
