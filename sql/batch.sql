-- The batch node: shapes of plans, and that they answer as row by row.
SET client_min_messages = warning;
CREATE TABLE person (id int PRIMARY KEY, town text, note bytea, ssn bytea, tag bytea);
GRANT ALL ON person TO nae_all, nae_clerk;
SET ROLE nae_all;
CREATE FUNCTION pg_temp.counted(query text) RETURNS TABLE (round_trips bigint, items bigint)
LANGUAGE plpgsql AS $$
DECLARE before record; after record;
BEGIN
  SELECT s.* INTO before FROM nae_batch_stats() s;
  EXECUTE query;
  SELECT s.* INTO after FROM nae_batch_stats() s;
  RETURN QUERY SELECT after.round_trips - before.round_trips, after.items - before.items;
END $$;
\set VERBOSITY terse

-- INSERT ... SELECT: both columns in one round trip, batches of 16, 64, 256 and the rest
EXPLAIN (COSTS OFF, VERBOSE) INSERT INTO person
SELECT i, 'town ' || i % 7, nae_encrypt('customer-pii', 'note ' || i), nae_encrypt('customer-ssn', 'ssn ' || i)
FROM generate_series(1, 500) i;
SELECT * FROM pg_temp.counted($$INSERT INTO person
SELECT i, 'town ' || i % 7, nae_encrypt('customer-pii', 'note ' || i), nae_encrypt('customer-ssn', 'ssn ' || i)
FROM generate_series(1, 500) i$$);
RESET ROLE;
ANALYZE person;
SET ROLE nae_all;

-- select list; equal calls are made once
EXPLAIN (COSTS OFF, VERBOSE)
SELECT id, nae_decrypt_text(note) || '!', upper(nae_decrypt_text(note)), nae_decrypt(ssn) FROM person;
SELECT * FROM pg_temp.counted('SELECT nae_decrypt_text(note), upper(nae_decrypt_text(note)) FROM person');

-- WHERE: what the filter drops is not decrypted for the select list
EXPLAIN (COSTS OFF)
SELECT id, nae_decrypt_text(note) FROM person WHERE town = 'town 3' AND nae_decrypt_text(ssn) LIKE '%7';
SELECT id, nae_decrypt_text(note) FROM person WHERE town = 'town 3' AND nae_decrypt_text(ssn) LIKE '%7' ORDER BY id;
-- a second clause sees what the first one left
EXPLAIN (COSTS OFF)
SELECT id FROM person WHERE nae_decrypt_text(ssn) LIKE '%7' AND nae_decrypt_text(note) LIKE 'note 4%';
SELECT * FROM pg_temp.counted($$SELECT id FROM person
WHERE nae_decrypt_text(ssn) LIKE '%7' AND nae_decrypt_text(note) LIKE 'note 4%'$$);
SELECT count(*) FROM person WHERE nae_decrypt_text(ssn) LIKE '%7' AND nae_decrypt_text(note) LIKE 'note 4%';

-- ORDER BY another column, LIMIT: ten rows are decrypted
EXPLAIN (COSTS OFF) SELECT nae_decrypt_text(note) FROM person ORDER BY town, id LIMIT 10;
SELECT * FROM pg_temp.counted('SELECT nae_decrypt_text(note) FROM person ORDER BY town, id LIMIT 10');
EXPLAIN (COSTS OFF) SELECT nae_decrypt_text(note) AS n FROM person ORDER BY n LIMIT 3;
SELECT nae_decrypt_text(note) AS n FROM person ORDER BY n LIMIT 3;

-- aggregates, with and without FILTER
EXPLAIN (COSTS OFF, VERBOSE) SELECT town, max(nae_decrypt_text(note)) FROM person GROUP BY town;
SELECT town, max(nae_decrypt_text(note)) FROM person GROUP BY town ORDER BY town LIMIT 2;
EXPLAIN (COSTS OFF) SELECT max(nae_decrypt_text(note)) FILTER (WHERE id < 3) FROM person;
SELECT max(nae_decrypt_text(note)) FILTER (WHERE id < 3) FROM person;

-- what may stay unevaluated is not evaluated ahead
EXPLAIN (COSTS OFF) SELECT CASE WHEN id < 3 THEN nae_decrypt_text(note) END FROM person;
EXPLAIN (COSTS OFF) SELECT coalesce(nae_decrypt_text(note), town) FROM person;

-- VALUES of several rows, and one row of several calls
EXPLAIN (COSTS OFF, VERBOSE) INSERT INTO person VALUES
  (1001, 'x', nae_encrypt('customer-pii', 'a'), nae_encrypt('customer-ssn', 'ssn a')),
  (1002, 'y', nae_encrypt('customer-pii', 'b'), NULL),
  (1003, 'z', NULL, nae_encrypt('customer-ssn', 'ssn c'));
SELECT * FROM pg_temp.counted($$INSERT INTO person VALUES
  (1001, 'x', nae_encrypt('customer-pii', 'a'), nae_encrypt('customer-ssn', 'ssn a')),
  (1002, 'y', nae_encrypt('customer-pii', 'b'), NULL),
  (1003, 'z', NULL, nae_encrypt('customer-ssn', 'ssn c'))$$);
SELECT id, nae_decrypt_text(note), nae_decrypt_text(ssn) FROM person WHERE id > 1000 ORDER BY id;
EXPLAIN (COSTS OFF) INSERT INTO person VALUES
  (1004, 'x', nae_encrypt('customer-pii', 'a'), nae_encrypt('customer-ssn', 'ssn d'));
EXPLAIN (COSTS OFF) INSERT INTO person VALUES (1004, 'x', nae_encrypt('customer-pii', 'a'));
EXPLAIN (COSTS OFF) INSERT INTO person (id, note) VALUES
  (nextval('pg_catalog.pg_class'::regclass), nae_encrypt('customer-pii', 'a')), (2, nae_encrypt('customer-pii', 'b'));

-- keys that differ from row to row: one request each, one round trip
SELECT * FROM pg_temp.counted($$SELECT nae_encrypt(CASE WHEN id % 2 = 0 THEN 'customer-pii' ELSE 'customer-ssn' END, town)
FROM person WHERE id <= 10$$);
-- every action, aad for each row
SELECT * FROM pg_temp.counted($$UPDATE person SET note = nae_encrypt('customer-pii', 'bound ' || id, int4send(id)),
  tag = nae_blind_index('index-key', town) WHERE id <= 10$$);
SELECT id, nae_decrypt_text(note, int4send(id)), tag = nae_blind_index('index-key', town) AS same,
       nae_mac_verify('index-key', town, nae_mac('index-key', town)) AS mac,
       nae_verify('doc-p256', town, nae_sign('doc-p256', town)) AS signature,
       nae_decrypt_text(nae_rewrap(ssn)) AS again
FROM person WHERE id <= 3 ORDER BY id;

-- a row's error comes with that row
UPDATE person SET note = '\x00' WHERE id = 5;
BEGIN;
DECLARE reader CURSOR FOR SELECT id, nae_decrypt(ssn) IS NOT NULL, nae_decrypt_text(note, int4send(id)) FROM person ORDER BY id;
FETCH 4 FROM reader;
FETCH 1 FROM reader;
ROLLBACK;
SELECT id, nae_decrypt_text(note, int4send(id)) FROM person ORDER BY id LIMIT 2;

-- switched off
SET nae.batch = off;
EXPLAIN (COSTS OFF) SELECT nae_decrypt_text(note) FROM person;
RESET nae.batch;
-- nobody's function is called by way of a batch
RESET ROLE;
SET ROLE nae_stranger;
SELECT nae_decrypt(note) FROM (VALUES ('\x00'::bytea), ('\x01')) v (note);
RESET ROLE;
DROP TABLE person;
