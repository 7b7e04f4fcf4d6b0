-- What must not open, must not be encrypted, must not be sent.
BEGIN;
SELECT plan(27);
SET LOCAL ROLE nae_all;

-- SQLSTATE of a call, '00000' when it succeeds.
CREATE FUNCTION pg_temp.state_of(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE call;
  RETURN '00000';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;

CREATE TEMP TABLE sealed AS
  SELECT 'randomized' AS kind, nae_encrypt('customer-pii', 'secret', 'aad') AS value
  UNION ALL SELECT 'deterministic', nae_encrypt('customer-ssn', 'secret', 'aad');

-- every single byte flipped, in three ways
CREATE TEMP TABLE flipped AS
  SELECT kind, i, mask, set_byte(value, i, get_byte(value, i) # mask) AS value
  FROM sealed, generate_series(0, length(value) - 1) i, unnest(ARRAY[1, 128, 255]) mask;
SELECT is_empty(
  $$SELECT kind, i, mask FROM flipped
    WHERE pg_temp.state_of(format('SELECT nae_decrypt(%L::bytea, ''aad'')', value))
          NOT IN ('NE020', 'NE021', 'NE022')$$,
  'every flipped byte is refused');
SELECT is_empty(
  $$SELECT kind, i, mask FROM flipped
    WHERE pg_temp.state_of(format('SELECT nae_rewrap(%L::bytea, ''aad'')', value))
          NOT IN ('NE020', 'NE021', 'NE022')$$,
  'and is not rewrapped either');
SELECT is_empty(
  $$SELECT kind, n FROM sealed, generate_series(0, length(value) - 1) n
    WHERE pg_temp.state_of(format('SELECT nae_decrypt(%L::bytea, ''aad'')', substr(value, 1, n)))
          NOT IN ('NE020', 'NE022')$$,
  'every truncation is refused');
SELECT is_empty(
  $$SELECT kind FROM sealed
    WHERE pg_temp.state_of(format('SELECT nae_decrypt(%L::bytea, ''aad'')', value || '\x00'))
          <> 'NE022'$$,
  'an appended byte is refused');

SELECT throws_ok($$SELECT nae_decrypt(''::bytea)$$, 'NE020', NULL, 'nothing is no ciphertext');
SELECT throws_ok($$SELECT nae_decrypt('plain'::bytea)$$, 'NE020', NULL, 'plaintext is no ciphertext');
SELECT throws_ok(
  $$SELECT nae_decrypt(set_byte(nae_encrypt('customer-pii', 'x'), 3, 1 # get_byte(
      nae_encrypt('customer-pii', 'x'), 3)))$$,
  'NE021', NULL, 'a ciphertext of a foreign key');

-- double encryption
SELECT throws_ok($$SELECT nae_encrypt('customer-pii', nae_encrypt('customer-pii', 'x'))$$, 'NE023',
  NULL, 'encrypting a ciphertext');
SELECT throws_ok($$SELECT nae_encrypt('customer-ssn', nae_encrypt('customer-pii', 'x'))$$, 'NE023',
  NULL, 'encrypting it under another key');
SELECT throws_matching(
  $$SELECT nae_encrypt('customer-pii', ARRAY['\x00'::bytea, nae_encrypt('customer-pii', 'x')])$$,
  '^item 2: ', 'encrypting it in an array');

-- keys
SELECT throws_ok($$SELECT nae_encrypt('no-such-key', 'x')$$, 'NE010', NULL, 'unknown key');
SELECT throws_ok($$SELECT nae_encrypt('forbidden-key', 'x')$$, 'NE001', NULL, 'forbidden key');
SELECT throws_ok($$SELECT nae_encrypt('', 'x')$$, '22023', NULL, 'empty name');
SELECT throws_ok($$SELECT nae_encrypt('my secret value', 'customer-pii')$$, '22023',
  'the name of the key is not well-formed', 'swapped arguments are not quoted back');
SELECT throws_ok($$SELECT nae_encrypt('doc-rsa', 'x')$$, 'NE012', NULL, 'a signing key does not encrypt');
SELECT throws_ok($$SELECT nae_encrypt('index-key', 'x')$$, 'NE012', NULL, 'a MAC key does not encrypt');
SELECT throws_ok($$SELECT nae_sign('customer-pii', 'x')$$, 'NE012', NULL, 'a cipher key does not sign');
SELECT throws_ok($$SELECT nae_mac('customer-pii', 'x')$$, 'NE012', NULL, 'a cipher key makes no MAC');
SELECT throws_ok($$SELECT nae_mac('doc-p256', 'x')$$, 'NE012', NULL, 'a signing key makes no MAC');

-- sizes
SELECT throws_ok($$SELECT nae_encrypt('customer-pii', repeat(repeat('x', 1000000), 1000))$$, '54000', NULL,
  'a value of a billion bytes');
SELECT throws_like($$SELECT nae_encrypt('customer-pii', repeat(repeat('x', 1000000), 1000))$$,
  '%1000000000 bytes%nae.max_value_size (16777216 bytes)%', 'the message says size and limit');
SET LOCAL nae.max_value_size = '1kB';
SELECT lives_ok($$SELECT nae_encrypt('customer-pii', repeat('x', 1024))$$, 'at nae.max_value_size');
SELECT throws_ok($$SELECT nae_encrypt('customer-pii', repeat('x', 1025))$$, '54000', NULL,
  'one byte past nae.max_value_size');
SELECT throws_matching($$SELECT nae_encrypt('customer-pii', ARRAY['a', repeat('x', 1025)])$$,
  '^item 2: ', 'too large in an array');
RESET nae.max_value_size;
SELECT throws_ok($$SET nae.max_value_size = '61441kB'$$, '22023', NULL, 'the limit has a limit');

-- text
SELECT throws_ok($$SELECT nae_decrypt_text(nae_encrypt('customer-pii', '\xff'::bytea))$$, '22021',
  'the decrypted value is not text', 'bytes that are no text, and are not quoted');
SELECT throws_ok($$SELECT nae_decrypt_text(nae_encrypt('customer-pii', '\x6100'::bytea))$$, '22021',
  NULL, 'a zero byte is no text');

SELECT * FROM finish();
ROLLBACK;
