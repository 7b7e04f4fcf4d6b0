-- While rows of one batch are handed on, the calls of the next are under way. Whatever happens in between, each
-- row has its own value, and an error comes with its own row.
BEGIN;
SELECT plan(36);
SET LOCAL client_min_messages = warning;
SET LOCAL ROLE nae_all;
SET LOCAL nae.batch_size = 20;  -- ahead from the third batch on: 16, 20, 20, ...
SET LOCAL max_parallel_workers_per_gather = 0;

CREATE TABLE public.nae_l (id int PRIMARY KEY, note bytea, ssn bytea);
INSERT INTO nae_l SELECT i, nae_encrypt('customer-pii', 'note ' || i), nae_encrypt('customer-ssn', 's' || i)
  FROM generate_series(1, 400) i;
CREATE TABLE public.nae_broken (id int PRIMARY KEY, note bytea);  -- its 30th value was tampered with
INSERT INTO nae_broken SELECT id, CASE id WHEN 30 THEN set_byte(note, length(note) - 1, get_byte(note, length(note) - 1) # 1) ELSE note END FROM nae_l;
ANALYZE nae_l;

CREATE FUNCTION pg_temp.ahead_of(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE line text; total int := 0;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
    total := total + coalesce(substring(line FROM 'Round Trips Ahead: (\d+)')::int, 0);
  END LOOP;
  RETURN total;
END $$;
-- Rows that scans of the table have handed on in this transaction.
CREATE FUNCTION pg_temp.rows_read() RETURNS bigint LANGUAGE sql VOLATILE AS
  $$SELECT pg_stat_get_xact_tuples_returned('nae_l'::regclass)$$;

-- when batches go ahead
SELECT cmp_ok(pg_temp.ahead_of('SELECT nae_decrypt(note) FROM nae_l'), '>=', 17, 'most batches of a long scan go ahead');
SELECT is(pg_temp.ahead_of('SELECT nae_decrypt(note) FROM nae_l WHERE id <= 16'), 0, 'the first one does not');
SELECT is(pg_temp.ahead_of('SELECT nae_decrypt(note) FROM nae_l LIMIT 36'), 0, 'nor what LIMIT does not want');
SELECT is(pg_temp.ahead_of('SELECT nae_sign(''doc-p256'', note) FROM nae_l WHERE id <= 80'), 0, 'nor signatures: one that is lost would be made twice');
SELECT is(pg_temp.ahead_of('SELECT id, nae_decrypt(note) FROM nae_l FOR UPDATE'), 0, 'nor rows that are locked as they are read');
SET LOCAL nae.batch_size = 1000;
SELECT is(pg_temp.ahead_of('SELECT nae_decrypt(note) FROM nae_l'), 0, 'nor batches that grow');
SET LOCAL nae.batch_size = 20;

-- the whole is what it is without
SELECT is((SELECT string_agg(nae_decrypt_text(note) || nae_decrypt_text(ssn), ',' ORDER BY id) FROM nae_l),
  (SELECT string_agg('note ' || i || 's' || i, ',' ORDER BY i) FROM generate_series(1, 400) i), 'each row has its own values');
SELECT is((SELECT count(*) FROM nae_l WHERE nae_decrypt_text(note) = 'note ' || id AND nae_decrypt_text(ssn) = 's' || id), 400::bigint, 'two batch nodes in one plan');
SELECT is((SELECT count(*) FROM (SELECT nae_decrypt_text(note) AS n, id FROM nae_l OFFSET 0) a
  JOIN (SELECT nae_decrypt_text(ssn) AS s, id FROM nae_l OFFSET 0) b USING (id) WHERE n = 'note ' || id AND s = 's' || id), 400::bigint, 'and on both sides of a join');
SELECT is((SELECT count(*) FROM nae_l WHERE nae_decrypt_text(nae_rewrap(nae_encrypt('customer-pii', nae_decrypt_text(note)))) = 'note ' || id), 400::bigint, 'calls of calls');

-- cursors, and who else asks in between
DECLARE one CURSOR FOR SELECT id, nae_decrypt_text(note) FROM nae_l ORDER BY id;
DECLARE two CURSOR FOR SELECT id, nae_decrypt_text(ssn) FROM nae_l ORDER BY id DESC;
MOVE 17 IN one;
SELECT results_eq('FETCH 3 FROM one', $$VALUES (18, 'note 18'), (19, 'note 19'), (20, 'note 20')$$, 'one batch is read ahead');
SELECT is(nae_decrypt_text(note), 'note 7', 'another statement in between') FROM nae_l WHERE id = 7;
MOVE 17 IN two;
SELECT results_eq('FETCH 20 FROM one', $$SELECT i, 'note ' || i FROM generate_series(21, 40) i$$, 'over the end of the batch');
SELECT results_eq('FETCH 3 FROM two', $$VALUES (383, 's383'), (382, 's382'), (381, 's381')$$, 'a second cursor');
SELECT is((SELECT count(*) FROM nae_keys() WHERE name = 'customer-pii'), 1::bigint, 'a lookup in between');
SELECT throws_ok($$SELECT nae_decrypt('\x00'::bytea)$$, 'NE020', NULL, 'an error in between');
SELECT results_eq('FETCH 100 FROM one', $$SELECT i, 'note ' || i FROM generate_series(41, 140) i$$, 'the first goes on after an error');
SELECT results_eq('FETCH 100 FROM two', $$SELECT i, 's' || i FROM generate_series(380, 281, -1) i$$, 'and the second');
CLOSE one;
SELECT results_eq('FETCH 1 FROM two', $$VALUES (280, 's280')$$, 'a cursor that is closed leaves the other alone');
SAVEPOINT before_inner;
DECLARE inner_one CURSOR FOR SELECT id, nae_decrypt_text(note) FROM nae_l ORDER BY id;
MOVE 17 IN inner_one;
ROLLBACK TO before_inner;
SELECT results_eq('FETCH 50 FROM two', $$SELECT i, 's' || i FROM generate_series(279, 230, -1) i$$, 'a cursor that is rolled back too');
SELECT throws_ok('FETCH inner_one', '34000', NULL, 'and it is gone');
SET LOCAL nae.user_token = 'e30.e30.c2ln';
SELECT throws_ok('FETCH 400 FROM two', 'NE00A', NULL, 'what was asked ahead is not for the next user');
ROLLBACK TO before_inner;

-- PL/pgSQL: calls of its own for each row, and subtransactions that fail
CREATE FUNCTION pg_temp.looped(fails bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r record; wrong int := 0; rows int := 0; caught int := 0;
BEGIN
  FOR r IN SELECT id, note, nae_decrypt_text(note) AS n FROM nae_l ORDER BY id LOOP
    rows := rows + 1;
    BEGIN
      IF nae_decrypt_text(nae_encrypt('customer-pii', r.n)) <> 'note ' || r.id OR r.n <> 'note ' || rows THEN wrong := wrong + 1; END IF;
      IF fails AND r.id % 3 = 0 THEN PERFORM nae_decrypt('\x00'::bytea); END IF;
      IF fails AND r.id % 3 = 1 THEN RAISE EXCEPTION 'of the caller'; END IF;
    EXCEPTION WHEN OTHERS THEN caught := caught + 1;
    END;
  END LOOP;
  RETURN format('%s rows, %s wrong, %s caught', rows, wrong, caught);
END $$;
SELECT is(pg_temp.looped(false), '400 rows, 0 wrong, 0 caught', 'calls for each row of a loop');
SELECT is(pg_temp.looped(true), '400 rows, 0 wrong, 267 caught', 'subtransactions that fail in a loop');
CREATE FUNCTION pg_temp.caught_outside() RETURNS text LANGUAGE plpgsql AS $$
DECLARE r record; seen int := 0;
BEGIN
  BEGIN
    FOR r IN SELECT nae_decrypt_text(note) FROM nae_l LOOP
      seen := seen + 1;
      IF seen = 40 THEN RAISE EXCEPTION 'enough'; END IF;
    END LOOP;
  EXCEPTION WHEN raise_exception THEN NULL;
  END;
  RETURN (SELECT string_agg(nae_decrypt_text(note), ',' ORDER BY id) FROM nae_l WHERE id < 4);
END $$;
SELECT is(pg_temp.caught_outside(), 'note 1,note 2,note 3', 'a loop that fails as a whole');
CREATE FUNCTION pg_temp.cancelled() RETURNS text LANGUAGE plpgsql AS $$
DECLARE r record; seen int := 0;
BEGIN
  FOR r IN SELECT id, nae_decrypt_text(note) AS n FROM nae_l ORDER BY id LOOP
    seen := seen + 1;
    IF r.n <> 'note ' || seen THEN RETURN 'wrong'; END IF;
    IF seen = 60 THEN
      BEGIN
        PERFORM nae_sign('doc-rsa', n.note) FROM nae_l n, generate_series(1, 50);
        RETURN 'not cancelled';
      EXCEPTION WHEN query_canceled THEN NULL;
      END;
    END IF;
  END LOOP;
  RETURN seen;
END $$;
SET LOCAL statement_timeout = '1s';
SELECT is(pg_temp.cancelled(), '400', 'a cancel inside a loop loses nothing of the loop');
SET LOCAL statement_timeout = 0;

-- errors come with their row
DECLARE broken CURSOR FOR SELECT id, nae_decrypt_text(note) FROM nae_broken ORDER BY id;
SELECT results_eq('FETCH 29 FROM broken', $$SELECT i, 'note ' || i FROM generate_series(1, 29) i$$, 'rows before an error are whole');
SAVEPOINT before_error;
SELECT throws_ok('FETCH 1 FROM broken', 'NE022', NULL, 'the row itself fails');
ROLLBACK TO before_error;
UPDATE nae_broken SET note = set_byte(note, length(note) - 1, get_byte(note, length(note) - 1) # 1) WHERE id IN (30, 50);
DECLARE later CURSOR FOR SELECT id, nae_decrypt_text(note) FROM nae_broken ORDER BY id;
SELECT results_eq('FETCH 49 FROM later', $$SELECT i, 'note ' || i FROM generate_series(1, 49) i$$, 'also in a batch that went ahead');
SELECT throws_ok('FETCH 1 FROM later', 'NE022', NULL, 'and then the row');

-- rescans with a batch under way
SELECT is((SELECT count(*) FROM generate_series(1, 5) g, LATERAL (SELECT nae_decrypt_text(note) AS n FROM nae_l WHERE id > g ORDER BY id LIMIT 60) l
  WHERE l.n LIKE 'note %'), 300::bigint, 'a lateral that is read again');
SELECT is((SELECT string_agg((SELECT string_agg(n, ',') FROM (SELECT n FROM (SELECT id, nae_decrypt_text(note) AS n FROM nae_l ORDER BY id OFFSET 0) i WHERE n > 'note 1' AND i.id > g OFFSET 38 LIMIT 1) x), ',' ORDER BY g) FROM generate_series(1, 3) g),
  'note 40,note 41,note 42', 'a subquery that stops in the middle');
SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_material = off;
SELECT is((SELECT count(*) FROM generate_series(1, 3) g CROSS JOIN (SELECT id, nae_decrypt_text(note) AS n FROM nae_l OFFSET 0) b WHERE b.n = 'note ' || b.id), 1200::bigint, 'the inner side of a nested loop');
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material;

-- LIMIT above a filter, writes, positions
SELECT is((SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM nae_l WHERE nae_decrypt_text(note) LIKE '%7' ORDER BY id LIMIT 7) q), '{7,17,27,37,47,57,67}', 'LIMIT above a filter');
UPDATE nae_l SET note = nae_rewrap(note) WHERE nae_decrypt_text(note) = 'note ' || id;
SELECT is((SELECT count(*) FROM nae_l WHERE nae_decrypt_text(note) = 'note ' || id), 400::bigint, 'UPDATE in batches');
DECLARE reader CURSOR FOR SELECT id, nae_decrypt_text(note) FROM nae_l;
MOVE 45 IN reader;
SELECT set_config('test.row', (SELECT id::text FROM nae_l WHERE ctid IS NOT NULL OFFSET 44 LIMIT 1), true) AS row \gset
UPDATE nae_l SET ssn = NULL WHERE CURRENT OF reader;
SELECT is((SELECT id::text FROM nae_l WHERE ssn IS NULL), current_setting('test.row'), 'WHERE CURRENT OF with two batches in hand');

SELECT * FROM finish();
ROLLBACK;
