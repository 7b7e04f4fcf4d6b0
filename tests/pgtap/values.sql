-- What a value may be: its type, its storage, its size at the limits.
BEGIN;
SELECT plan(23);
SET LOCAL ROLE nae_all;

-- types that become bytea or text
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', 'abc'::varchar(10))), 'abc', 'varchar');
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', ARRAY['abc']::varchar[])), ARRAY['abc'], 'varchar[]');
CREATE DOMAIN pg_temp.sealed AS bytea CHECK ((nae_envelope(value)).format = 'ciphertext');
SELECT is(nae_decrypt(nae_encrypt('customer-pii', '\x01'::bytea)::pg_temp.sealed), '\x01'::bytea,
  'a domain, with a check that only ciphertext gets into a column');
SELECT throws_ok($$SELECT 'plain'::bytea::pg_temp.sealed$$, 'NE020', NULL, 'the check refuses plaintext');
SELECT is(nae_decrypt(ARRAY[nae_encrypt('customer-pii', '\x01'::bytea)]::pg_temp.sealed[]), ARRAY['\x01'::bytea],
  'an array of a domain');

-- untyped literals: text where text is taken, no guess where only bytea and bytea[] are
SELECT is(nae_decrypt(nae_encrypt('customer-pii', '\x41')), '\x5c783431'::bytea, 'a literal to encrypt is text');
SELECT throws_ok($$SELECT nae_decrypt('\x00')$$, '42725', NULL, 'a literal to decrypt needs its type');
SELECT throws_ok($$SELECT nae_verify('doc-p256', 'm', '\x00')$$, '42725', NULL, 'so does a signature');
SELECT throws_ok($$SELECT nae_decrypt(bytea '\x00')$$, 'NE020', NULL, 'and then it is tried');
PREPARE untyped AS SELECT nae_decrypt_text(nae_encrypt($1, $2, $3), $3);
SELECT results_eq($$EXECUTE untyped('customer-pii', 'x', 'aad')$$, $$VALUES ('x')$$,
  'parameters without types are text, aad is bytea');

-- storage
CREATE TEMP TABLE stored (id int, plain text, external bytea, compressed bytea);
ALTER TABLE stored ALTER external SET STORAGE EXTERNAL, ALTER compressed SET STORAGE MAIN;
INSERT INTO stored SELECT 1, p, c, c
  FROM repeat('abcdefgh', 100000) p, nae_encrypt('customer-pii', repeat('abcdefgh', 100000)) c;
UPDATE stored SET compressed = convert_to(plain, 'UTF8');
SELECT cmp_ok((SELECT pg_column_size(compressed) FROM stored), '<', 100000, 'one column is compressed');
SELECT ok((SELECT nae_decrypt_text(external) = plain FROM stored), 'out of line, in pieces');
SELECT ok((SELECT nae_decrypt(nae_encrypt('customer-pii', compressed)) = compressed FROM stored), 'compressed');
SELECT ok((SELECT nae_decrypt_text(nae_encrypt('customer-pii', ARRAY[plain, plain])) = ARRAY[plain, plain] FROM stored),
  'in an array');

-- shape
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', ARRAY[[['a'], ['b']], [[NULL], ['c']]])),
  ARRAY[[['a'], ['b']], [[NULL], ['c']]], 'three dimensions');
SELECT throws_ok($$SELECT nae_verify('doc-p256', ARRAY[['a', 'b']], ARRAY['\x00', '\x00']::bytea[])$$,
  '22023', NULL, 'as many signatures as messages, in another shape');
SELECT is((SELECT count(DISTINCT u) FROM unnest(nae_encrypt('customer-pii',
    (SELECT array_agg('value ' || i) FROM generate_series(1, 150000) i))) u), 150000::bigint,
  'more items than one request takes');

-- A value at the limit comes back, too: the limit counts plaintext.
SET LOCAL nae.max_value_size = '1MB';
SELECT is(length(nae_decrypt(nae_encrypt('customer-pii', repeat('x', 1048576)))), 1048576, 'at the limit');
SELECT is(length(nae_decrypt_text(nae_encrypt('customer-pii', ARRAY[repeat('x', 1048576)]))::text), 1048578,
  'at the limit in an array');
SELECT is(length(nae_rewrap(nae_encrypt('customer-pii', repeat('x', 1048576)))), 1048617, 'at the limit to rewrap');
SELECT throws_ok($$SELECT nae_decrypt(convert_to(repeat('x', 1048576 + 42), 'UTF8'))$$, '54000', NULL,
  'a byte past the limit and its envelope');
SET LOCAL nae.max_value_size = '1kB';
SELECT is((SELECT (nae_envelope(external)).format FROM stored), 'ciphertext',
  'what is only read here may have any size');
-- The frames have a limit of their own: what leaves to be encrypted fits the frames that bring it back.
SET LOCAL nae.max_value_size = '60MB';
SELECT is((SELECT count(*) FROM generate_series(33553872, 33553876) size,
    LATERAL (SELECT CASE WHEN size <= 33553873 THEN length(nae_decrypt(nae_encrypt('customer-pii', repeat('x', size)))) END) c(back)
    WHERE back = size), 2::bigint, 'at the limit of the frames');

SELECT * FROM finish();
ROLLBACK;
