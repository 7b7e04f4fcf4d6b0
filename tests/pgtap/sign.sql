-- Signatures of every key type, ours and bare.
BEGIN;
SELECT plan(45);
SET LOCAL ROLE nae_all;

CREATE TEMP TABLE kinds (key text, scheme text, first_byte text);
INSERT INTO kinds VALUES
  ('doc-rsa', 'rsa-pss-sha256', 'c1'), ('doc-p256', 'ecdsa-p256-sha256', 'd1'),
  ('doc-p384', 'ecdsa-p384-sha384', 'd2'), ('doc-ed25519', 'ed25519', 'd3');
CREATE TEMP TABLE signed AS
  SELECT key, scheme, first_byte, nae_sign(key, 'contract') AS signature FROM kinds;

SELECT ok(nae_verify(key, 'contract', signature), key || ': verifies') FROM signed ORDER BY key;
SELECT ok(NOT nae_verify(key, 'Contract', signature), key || ': another message') FROM signed ORDER BY key;
SELECT ok(NOT nae_verify(key, 'contract', set_byte(signature, length(signature) - 1,
    get_byte(signature, length(signature) - 1) # 1)), key || ': a flipped byte')
  FROM signed ORDER BY key;
SELECT is(encode(substr(signature, 1, 1), 'hex'), first_byte, key || ': default scheme')
  FROM signed ORDER BY key;
SELECT is((nae_envelope(signature)).algorithm, scheme, key || ': names its scheme')
  FROM signed ORDER BY key;
SELECT ok(nae_verify(key, 'contract', (nae_envelope(signature)).payload, scheme),
    key || ': the bare signature') FROM signed ORDER BY key;
SELECT ok(NOT nae_verify(key, 'Contract', (nae_envelope(signature)).payload, scheme),
    key || ': the bare signature, another message') FROM signed ORDER BY key;

-- RSA has several schemes
SELECT ok(nae_verify('doc-rsa', 'm', nae_sign('doc-rsa', 'm', scheme)), scheme)
  FROM unnest(ARRAY['rsa-pss-sha256', 'rsa-pss-sha384', 'rsa-pss-sha512', 'rsa-pkcs1-sha256',
                    'rsa-pkcs1-sha384', 'rsa-pkcs1-sha512']) scheme;
SELECT is(nae_sign('doc-rsa', 'm', 'rsa-pkcs1-sha256'), nae_sign('doc-rsa', 'm', 'rsa-pkcs1-sha256'),
  'PKCS #1 v1.5 is deterministic');
SELECT is(nae_sign('doc-rsa', 'é'::text, 'rsa-pkcs1-sha256'),
  nae_sign('doc-rsa', '\xc3a9'::bytea, 'rsa-pkcs1-sha256'), 'text is signed as UTF-8');

-- refusals
SELECT throws_ok($$SELECT nae_sign('doc-rsa', 'm', 'rsa-pkcs1-sha1')$$, '0A000', NULL, 'SHA-1 is not signed with');
SELECT throws_ok($$SELECT nae_sign('doc-rsa', 'm', 'md5')$$, '0A000', NULL, 'unknown scheme');
SELECT throws_ok($$SELECT nae_sign('doc-rsa', 'm', 'ed25519')$$, 'NE012', NULL, 'scheme of another key type');
SELECT throws_ok($$SELECT nae_verify('doc-rsa', 'm', '\x00'::bytea)$$, 'NE024', NULL, 'no signature of ours');
SELECT ok(NOT nae_verify('doc-p256', 'contract', (SELECT signature FROM signed WHERE key = 'doc-rsa')),
  'a signature by another key');

-- arrays
SELECT is(nae_verify('doc-p256', ARRAY['a', NULL, 'c'],
    ARRAY[nae_sign('doc-p256', 'a'), nae_sign('doc-p256', 'b'), nae_sign('doc-p256', 'x')]),
  ARRAY[true, NULL, false], 'verify: text[]');
SELECT is(nae_verify('doc-p256', ARRAY['\x01', '\x02']::bytea[],
    nae_sign('doc-p256', ARRAY['\x01', '\x02']::bytea[])), ARRAY[true, true], 'sign and verify: bytea[]');
SELECT throws_ok($$SELECT nae_verify('doc-p256', ARRAY['a', 'b'], ARRAY['\x00'::bytea])$$, '22023', NULL,
  'as many signatures as messages');
SELECT is(nae_sign('doc-p256', NULL::text), NULL, 'NULL');

SELECT * FROM finish();
ROLLBACK;
