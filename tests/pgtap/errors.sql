-- After an error the session goes on: nested calls, subtransactions, loops, and no memory is lost.
BEGIN;
SELECT plan(16);
SET LOCAL ROLE nae_all;

CREATE FUNCTION pg_temp.try(bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN nae_decrypt_text($1);
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || nae_decrypt_text(nae_encrypt('customer-pii', 'still here'));
END $$;
SELECT is(pg_temp.try('\x00'), 'NE020 still here', 'a call in the handler of another');
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', pg_temp.try('\x00'))), 'NE020 still here',
  'as the argument of a third');
SELECT is((SELECT array_agg(pg_temp.try(CASE WHEN i % 2 = 0 THEN '\x00' ELSE nae_encrypt('customer-pii', 'i' || i) END)
    ORDER BY i) FROM generate_series(1, 4) i),
  ARRAY['i1', 'NE020 still here', 'i3', 'NE020 still here'], 'in turns with calls that succeed');

CREATE FUNCTION pg_temp.nested(depth int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  PERFORM nae_encrypt('customer-pii', depth::text);
  IF depth > 0 THEN RETURN pg_temp.nested(depth - 1); END IF;
  RETURN length(nae_decrypt('\x00'::bytea));
EXCEPTION WHEN SQLSTATE 'NE020' THEN
  IF depth < 10 THEN RAISE; END IF;
  RETURN depth;
END $$;
SELECT is(pg_temp.nested(10), 10, 'an error through eleven subtransactions');

SAVEPOINT before;
SELECT throws_ok($$SELECT nae_decrypt('\x00'::bytea)$$, 'NE020', NULL, 'fails');
ROLLBACK TO before;
SELECT is(length(nae_random(8)), 8, 'works after ROLLBACK TO');

-- A timeout leaves the request half done: the connection is closed, the next call opens another.
SET LOCAL nae.request_timeout = 1;
SELECT throws_ok($$SELECT nae_sign('doc-rsa', ARRAY(SELECT i::text FROM generate_series(1, 50) i))$$, 'NE060',
  NULL, 'a timeout');
SET LOCAL nae.request_timeout = '30s';
SELECT is(nae_decrypt_text(nae_encrypt('customer-pii', 'after')), 'after', 'works after a timeout, in the same transaction');

-- A cursor outlives the role that opened it: batches are asked in the name of that role, as its
-- privileges on tables were checked; row by row each value is asked for as who fetches.
CREATE TEMP TABLE sealed AS SELECT nae_encrypt('customer-pii', 'row ' || i) AS c FROM generate_series(1, 3) i;
GRANT ALL ON sealed TO PUBLIC;
DECLARE reader CURSOR FOR SELECT nae_decrypt_text(c) FROM sealed;
SELECT results_eq('FETCH 1 FROM reader', $$VALUES ('row 1')$$, 'a cursor');
SET LOCAL ROLE nae_clerk;
SELECT results_eq('FETCH 1 FROM reader', $$VALUES ('row 2')$$, 'the next row as who opened it');
SET LOCAL nae.batch = off;
SELECT throws_ok('SELECT nae_decrypt_text(c) FROM sealed', 'NE001', NULL, 'another role is refused');
SET LOCAL ROLE nae_all;
DECLARE row_reader CURSOR FOR SELECT nae_decrypt_text(c) FROM sealed;
SET LOCAL ROLE nae_clerk;
SELECT throws_ok('FETCH 1 FROM row_reader', 'NE001', NULL, 'row by row as who fetches');
SET LOCAL nae.batch = on;
SET LOCAL ROLE nae_all;

-- Memory. Some calls first: caches fill, the heap finds its size.
CREATE FUNCTION pg_temp.failing(times int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE failed int := 0;
BEGIN
  FOR i IN 1 .. times LOOP
    BEGIN
      PERFORM nae_decrypt('\x00'::bytea);
    EXCEPTION WHEN SQLSTATE 'NE020' THEN failed := failed + 1;
    END;
  END LOOP;
  RETURN failed;
END $$;
CREATE FUNCTION pg_temp.used() RETURNS bigint LANGUAGE sql VOLATILE AS
  $$SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts$$;
CREATE FUNCTION pg_temp.resident() RETURNS bigint LANGUAGE sql VOLATILE AS
  $$SELECT substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'VmRSS:\s+(\d+)')::bigint * 1024$$;
CREATE TEMP TABLE memory (step int, used bigint, resident bigint);
GRANT ALL ON memory TO PUBLIC;
SELECT is(pg_temp.failing(500), 500, '500 errors');
RESET ROLE;
INSERT INTO memory SELECT 0, pg_temp.used(), pg_temp.resident();
INSERT INTO memory SELECT 1, pg_temp.used(), pg_temp.resident();
SET LOCAL ROLE nae_all;
SELECT is(pg_temp.failing(2000), 2000, '2,000 errors in one statement');
DO $$ BEGIN PERFORM count(nae_encrypt('customer-pii', 'value ' || i)) FROM generate_series(1, 5000) i; END $$;
RESET ROLE;
INSERT INTO memory SELECT 2, pg_temp.used(), pg_temp.resident();
SELECT cmp_ok((SELECT b.used - a.used FROM memory a, memory b WHERE a.step = 1 AND b.step = 2), '<', 100000::bigint,
  'PostgreSQL''s memory does not grow with them');
SELECT cmp_ok((SELECT b.resident - a.resident FROM memory a, memory b WHERE a.step = 1 AND b.step = 2), '<',
  4000000 + coalesce(current_setting('nae_test.quarantined_bytes', true)::bigint, 0), 'nor does the process');

SELECT * FROM finish();
ROLLBACK;
