-- Message authentication codes, blind indexes, hashes, random bytes.
BEGIN;
SELECT plan(33);
SET LOCAL ROLE nae_all;

SELECT is(nae_mac('index-key', 'm'), nae_mac('index-key', 'm'), 'a code is deterministic');
SELECT is(length(nae_mac('index-key', 'm')), 41, 'header and 32 bytes');
SELECT ok(nae_mac_verify('index-key', 'm', nae_mac('index-key', 'm')), 'verifies');
SELECT ok(NOT nae_mac_verify('index-key', 'n', nae_mac('index-key', 'm')), 'another message');
SELECT ok(NOT nae_mac_verify('index-key', 'm', set_byte(nae_mac('index-key', 'm'), 40,
  get_byte(nae_mac('index-key', 'm'), 40) # 1)), 'a flipped byte');
SELECT throws_ok($$SELECT nae_mac_verify('index-key', 'm', '\x00'::bytea)$$, 'NE024', NULL, 'no code of ours');
SELECT throws_ok($$SELECT nae_mac_verify('index-key', 'm', nae_sign('doc-p256', 'm'))$$, 'NE024', NULL,
  'a signature is no code');
SELECT is(nae_mac('index-key', 'é'::text), nae_mac('index-key', '\xc3a9'::bytea), 'text as UTF-8');
SELECT is(nae_mac('index-key', ARRAY['m', NULL]), ARRAY[nae_mac('index-key', 'm'), NULL], 'text[]');
SELECT is(nae_mac('index-key', ARRAY['\x6d']::bytea[]), ARRAY[nae_mac('index-key', 'm')], 'bytea[]');
SELECT is(nae_mac_verify('index-key', ARRAY['m', 'n', NULL],
    ARRAY[nae_mac('index-key', 'm'), nae_mac('index-key', 'm'), '\x00'::bytea]),
  ARRAY[true, false, NULL], 'arrays: a NULL message is not sent');
SELECT is(nae_mac('index-key', NULL::text), NULL, 'NULL');

SELECT is(nae_blind_index('index-key', 'm'), nae_blind_index('index-key', 'm'), 'a blind index is deterministic');
SELECT is(length(nae_blind_index('index-key', 'm')), 16, '16 bytes');
SELECT isnt(nae_blind_index('index-key', 'm'), nae_blind_index('index-key', 'n'), 'another value');
SELECT isnt(substr(nae_mac('index-key', 'm'), 10, 16), nae_blind_index('index-key', 'm'),
  'no part of the code: its key is another');
SELECT is(nae_blind_index('index-key', ARRAY['m', NULL, 'n']),
  ARRAY[nae_blind_index('index-key', 'm'), NULL, nae_blind_index('index-key', 'n')], 'text[]');
SELECT is(nae_blind_index('index-key', ARRAY['m'::bytea]), ARRAY[nae_blind_index('index-key', 'm')], 'bytea[]');

SELECT is(nae_hash('sha224', 'abc'::bytea), sha224('abc'), 'sha224');
SELECT is(nae_hash('sha256', 'abc'::bytea), sha256('abc'), 'sha256');
SELECT is(nae_hash('sha384', 'abc'::bytea), sha384('abc'), 'sha384');
SELECT is(nae_hash('sha512', 'abc'::bytea), sha512('abc'), 'sha512');
SELECT is(nae_hash('sha1', 'abc'::bytea), '\xa9993e364706816aba3e25717850c26c9cd0d89d'::bytea, 'sha1');
SELECT is(nae_hash('sha256', ''), sha256(''), 'of nothing');
SELECT is(nae_hash('sha256', ARRAY['a', NULL, 'é']), ARRAY[sha256('a'), NULL, sha256('\xc3a9')], 'text[]');
SELECT throws_ok($$SELECT nae_hash('md5', 'abc')$$, '0A000', NULL, 'md5');
SELECT throws_ok($$SELECT nae_hash('my secret', 'sha256')$$, '0A000', 'unknown hash algorithm',
  'swapped arguments are not quoted back');

SELECT is(length(nae_random(1)), 1, 'one byte');
SELECT is(length(nae_random(1024)), 1024, 'the most at a time');
SELECT isnt(nae_random(16), nae_random(16), 'not the same again');
SELECT throws_ok('SELECT nae_random(0)', '22023', NULL, 'none');
SELECT throws_ok('SELECT nae_random(1025)', '22023', NULL, 'one too many');
SELECT throws_ok('SELECT nae_random(-1)', '22023', NULL, 'less than none');

SELECT * FROM finish();
ROLLBACK;
