-- Arrays past the limits of one request, large values, many roles on one connection.
BEGIN;
SELECT plan(9);
SET LOCAL ROLE nae_all;

CREATE TEMP TABLE plain AS SELECT array_agg('value ' || i ORDER BY i) AS a FROM generate_series(1, 70000) i;
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', a)), a, '70,000 items: more than one request')
  FROM plain;
SELECT is((SELECT count(DISTINCT c) FROM plain, unnest(nae_encrypt('customer-pii', a)) c), 70000::bigint,
  'no ciphertext twice');
SELECT throws_matching(
  $$SELECT nae_decrypt(array_append(nae_encrypt('customer-pii', a), '\x00'::bytea)) FROM plain$$,
  '^item 70001: ', 'the place of a bad item counts over all requests');

SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', repeat('x', 1000000))), repeat('x', 1000000),
  'a value of a million bytes');
SET LOCAL nae.max_value_size = '20MB';
SELECT ok(nae_decrypt(nae_encrypt('customer-pii', repeat('x', 20000000))) = repeat('x', 20000000)::bytea,
  'a value of 20 million bytes');
SELECT is((SELECT sum(length(c)) FROM unnest(nae_encrypt('customer-pii',
    array_fill(repeat('x', 5000000), ARRAY[10]))) c), 50000410::bigint,
  '50 million bytes: more than one request');
SET LOCAL nae.max_value_size = '60MB';
SELECT throws_ok($$SELECT nae_encrypt('customer-pii', repeat('x', 61000000))$$, '54000', NULL,
  'a value larger than the frames of the connection');

RESET ROLE;
DO $$
BEGIN
  FOR i IN 1..100 LOOP
    EXECUTE format('CREATE ROLE nae_many_%s IN ROLE nae_clerk', i);
    EXECUTE format('GRANT EXECUTE ON FUNCTION nae_encrypt(text, text) TO nae_many_%s', i);
  END LOOP;
END $$;
SELECT lives_ok($test$
  DO $$
  BEGIN
    FOR i IN 1..100 LOOP
      EXECUTE format('SET LOCAL ROLE nae_many_%s', i);
      PERFORM nae_encrypt('customer-pii', 'x');
    END LOOP;
  END $$
  $test$, 'a hundred roles in one session');
RESET ROLE;
SET LOCAL ROLE nae_all;
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', 'x')), 'x', 'and the first is known again');

SELECT * FROM finish();
ROLLBACK;
