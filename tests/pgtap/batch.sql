-- The batch node means what row by row means: a catalogue of statements, each with batches on and off.
BEGIN;
SELECT plan(78);
SET LOCAL client_min_messages = warning;
SET LOCAL ROLE nae_all;

CREATE TABLE public.nae_b (id int PRIMARY KEY, grp int, note bytea, ssn bytea, plain text);
INSERT INTO nae_b SELECT i, i % 4, nae_encrypt('customer-pii', 'note ' || i),
    CASE WHEN i % 9 <> 0 THEN nae_encrypt('customer-ssn', 's' || i % 20) END, 's' || i % 20
  FROM generate_series(1, 120) i;
CREATE TABLE public.nae_p (id int, note bytea) PARTITION BY RANGE (id);
CREATE TABLE public.nae_p1 PARTITION OF public.nae_p FOR VALUES FROM (0) TO (60);
CREATE TABLE public.nae_p2 (gone int, note bytea, id int);
ALTER TABLE public.nae_p2 DROP COLUMN gone;
ALTER TABLE public.nae_p ATTACH PARTITION public.nae_p2 FOR VALUES FROM (60) TO (1000);
INSERT INTO public.nae_p SELECT id, note FROM public.nae_b;
CREATE TABLE public.nae_w (id int PRIMARY KEY, c bytea, n int DEFAULT 0);
CREATE SEQUENCE public.nae_s;
CREATE VIEW public.nae_v AS SELECT id, nae_decrypt_text(note) AS note, grp FROM public.nae_b;
CREATE VIEW public.nae_barrier WITH (security_barrier) AS
  SELECT id, nae_decrypt_text(note) AS note FROM public.nae_b WHERE nae_decrypt_text(ssn) = 's3';

-- Both answers of a query, sorted by nothing but what it says itself; an error by its SQLSTATE.
CREATE FUNCTION pg_temp.answer(query text, batch bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  PERFORM set_config('nae.batch', batch::text, true);
  EXECUTE format('SELECT string_agg(q::text, E''\n'') FROM (%s) q', query) INTO result;
  RETURN coalesce(result, '(none)');
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; result text := '';
BEGIN
  SET LOCAL nae.batch = on;
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP result := result || line || E'\n'; END LOOP;
  RETURN result;
END $$;
CREATE FUNCTION pg_temp.same(query text, what text) RETURNS text LANGUAGE sql AS
  $$SELECT is(pg_temp.answer(query, true), pg_temp.answer(query, false), what)$$;
-- A statement that writes: what it leaves in the table, undone each time.
CREATE FUNCTION pg_temp.left_by(statement text, batch bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  PERFORM set_config('nae.batch', batch::text, true);
  BEGIN
    EXECUTE statement;
    SELECT string_agg(format('%s %s %s', id, nae_decrypt_text(c), n), ', ' ORDER BY id) INTO result FROM public.nae_w;
    RAISE EXCEPTION USING ERRCODE = 'NT000', MESSAGE = coalesce(result, '(none)');
  EXCEPTION WHEN SQLSTATE 'NT000' THEN RETURN SQLERRM;
    WHEN OTHERS THEN RETURN SQLSTATE;
  END;
END $$;
CREATE FUNCTION pg_temp.same_left(statement text, what text) RETURNS text LANGUAGE sql AS
  $$SELECT is(pg_temp.left_by(statement, true), pg_temp.left_by(statement, false), what)$$;
CREATE FUNCTION pg_temp.round_trips() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT round_trips FROM nae_batch_stats()';

-- queries
SELECT pg_temp.same('SELECT id, nae_decrypt_text(note), nae_decrypt_text(ssn) FROM nae_b ORDER BY id', 'select list');
SELECT pg_temp.same('SELECT id, nae_decrypt_text(note) || nae_decrypt_text(ssn) || nae_decrypt_text(note) FROM nae_b ORDER BY id', 'calls in one expression');
SELECT pg_temp.same($$SELECT id FROM nae_b WHERE nae_decrypt_text(ssn) = 's3' ORDER BY id$$, 'WHERE');
SELECT pg_temp.same($$SELECT nae_decrypt_text(note) FROM nae_b WHERE nae_decrypt_text(ssn) = 's3' AND grp = 3 AND nae_decrypt_text(note) LIKE '%3' ORDER BY id$$, 'several clauses');
SELECT pg_temp.same($$SELECT nae_decrypt_text(ssn) AS s FROM nae_b WHERE nae_decrypt_text(ssn) < 's2' ORDER BY s, id$$, 'one call in WHERE, list and ORDER BY');
SELECT pg_temp.same('SELECT DISTINCT nae_decrypt_text(ssn) AS s FROM nae_b ORDER BY s', 'DISTINCT');
SELECT pg_temp.same('SELECT DISTINCT ON (grp) grp, nae_decrypt_text(note) FROM nae_b ORDER BY grp, id', 'DISTINCT ON');
SELECT pg_temp.same('SELECT nae_decrypt_text(ssn) AS s, count(*), max(nae_decrypt_text(note)) FROM nae_b GROUP BY s ORDER BY s', 'GROUP BY and an aggregate');
SELECT pg_temp.same('SELECT grp, string_agg(nae_decrypt_text(note), '','' ORDER BY id DESC), count(DISTINCT nae_decrypt_text(ssn)) FROM nae_b GROUP BY grp ORDER BY grp', 'ordered and distinct aggregates');
SELECT pg_temp.same('SELECT grp, count(nae_decrypt_text(note)) FILTER (WHERE id > 50), sum(length(nae_decrypt_text(ssn))) FROM nae_b GROUP BY ROLLUP (grp) ORDER BY grp', 'FILTER and ROLLUP');
SELECT pg_temp.same($$SELECT grp FROM nae_b GROUP BY grp HAVING nae_decrypt_text(min(ssn)) IS NOT NULL AND max(nae_decrypt_text(note)) > 'note 9' ORDER BY grp$$, 'HAVING');
SELECT pg_temp.same('SELECT sum(CASE WHEN grp = 1 THEN length(nae_decrypt_text(note)) ELSE 0 END) FROM nae_b', 'CASE in an aggregate');
SELECT pg_temp.same('SELECT id, lag(nae_decrypt_text(note)) OVER (PARTITION BY grp ORDER BY id), nae_decrypt_text(note) FROM nae_b ORDER BY id', 'window');
SELECT pg_temp.same('SELECT id, row_number() OVER (ORDER BY nae_decrypt_text(ssn), id) FROM nae_b ORDER BY id', 'window order');
SELECT pg_temp.same('SELECT nae_decrypt_text(note) AS n FROM nae_b WHERE id < 5 UNION ALL SELECT nae_decrypt_text(ssn) FROM nae_b WHERE id > 115 ORDER BY n', 'UNION ALL');
SELECT pg_temp.same('SELECT nae_decrypt_text(ssn) AS n FROM nae_b EXCEPT SELECT plain FROM nae_b WHERE id < 15 ORDER BY n', 'EXCEPT');
SELECT pg_temp.same('WITH w AS MATERIALIZED (SELECT id, nae_decrypt_text(note) AS n FROM nae_b) SELECT a.n, b.n FROM w a JOIN w b ON b.id = a.id + 1 ORDER BY a.id', 'CTE read twice');
SELECT pg_temp.same('WITH RECURSIVE r(n, d) AS (SELECT 1, nae_decrypt_text(note) FROM nae_b WHERE id = 1 UNION ALL SELECT n + 1, (SELECT nae_decrypt_text(note) FROM nae_b WHERE id = r.n + 1) FROM r WHERE n < 9) SELECT * FROM r', 'recursive CTE');
SELECT pg_temp.same('SELECT a.id, (SELECT nae_decrypt_text(b.note) FROM nae_b b WHERE b.id = a.id + 1) FROM nae_b a ORDER BY a.id', 'correlated subquery');
SELECT pg_temp.same('SELECT a.id, l.d FROM nae_b a, LATERAL (SELECT nae_decrypt_text(b.note) AS d FROM nae_b b WHERE b.id > a.id ORDER BY b.id LIMIT 2) l WHERE a.id < 20 ORDER BY 1, 2', 'lateral, rescanned');
SELECT pg_temp.same('SELECT a.id, l.id FROM nae_b a LEFT JOIN LATERAL (SELECT b.id FROM nae_b b WHERE b.id = a.id + 118 AND nae_decrypt_text(b.note) <> nae_decrypt_text(a.note) OFFSET 0) l ON true ORDER BY 1', 'lateral without rows, and a call that is the same for all of them');
SELECT pg_temp.same($$SELECT id FROM nae_b a WHERE EXISTS (SELECT FROM nae_b b WHERE b.id = a.id AND nae_decrypt_text(b.ssn) = 's5') ORDER BY id$$, 'EXISTS');
SELECT pg_temp.same('SELECT a.id, nae_decrypt_text(a.note), nae_decrypt_text(b.ssn) FROM nae_b a LEFT JOIN nae_b b ON b.id = a.id + 100 ORDER BY a.id', 'outer join');
SELECT pg_temp.same('SELECT a.id FROM nae_b a JOIN nae_b b ON nae_decrypt_text(a.ssn) = b.plain AND b.id < 10 ORDER BY 1', 'call in a join condition');
SELECT pg_temp.same('SELECT nae_decrypt_text(note), generate_series(1, 2) AS g FROM nae_b WHERE id < 4 ORDER BY id, g', 'set-returning function beside it');
SELECT pg_temp.same('SELECT id, nae_decrypt_text(note) FROM nae_p ORDER BY id', 'partitions of other shapes');
SELECT pg_temp.same('SELECT * FROM nae_v WHERE note < ''note 2'' ORDER BY grp, id LIMIT 7 OFFSET 2', 'view');
SELECT pg_temp.same('SELECT * FROM nae_barrier ORDER BY id', 'security barrier');
SELECT pg_temp.same('SELECT id, nae_decrypt_text(note) FROM nae_b ORDER BY grp FETCH FIRST 3 ROWS WITH TIES', 'WITH TIES');
SELECT pg_temp.same('SELECT nae_decrypt_text(nae_rewrap(note)) FROM nae_b ORDER BY id', 'nested calls');
SELECT pg_temp.same('SELECT array(SELECT nae_decrypt_text(note) FROM nae_b ORDER BY id)', 'array of a subquery');
SELECT pg_temp.same('SELECT b, nae_decrypt_text((b).note) FROM nae_b b WHERE id < 3 ORDER BY id', 'whole row');
SELECT pg_temp.same('SELECT ctid, tableoid::regclass, nae_decrypt_text(note) FROM nae_b ORDER BY id', 'system columns');
SELECT pg_temp.same('SELECT nae_blind_index(''index-key'', plain) = nae_blind_index(''index-key'', nae_decrypt_text(ssn)) FROM nae_b ORDER BY id', 'blind index of a decrypted value');
SELECT pg_temp.same('SELECT id FROM nae_b WHERE nae_blind_index(''index-key'', plain) = nae_blind_index(''index-key'', ''s7'') ORDER BY id', 'a call of constants');
SELECT pg_temp.same('SELECT coalesce(nae_decrypt_text(ssn), nae_decrypt_text(note)) FROM nae_b ORDER BY id', 'COALESCE');
SELECT pg_temp.same('SELECT ROW(nae_decrypt_text(note)) < ROW(nae_decrypt_text(ssn)) FROM nae_b ORDER BY id', 'row comparison');
SELECT pg_temp.same('SELECT id % 7 AS m, nae_blind_index(''index-key'', count(*)::text) FROM nae_b GROUP BY m ORDER BY m', 'a call of an aggregate without columns');
SELECT pg_temp.same('SELECT id, nae_blind_index(''index-key'', (row_number() OVER (ORDER BY id))::text) FROM nae_b ORDER BY id', 'a call of a window function without columns');

-- what is not evaluated does not fail
SELECT pg_temp.same('SELECT CASE WHEN id < 200 THEN 1 ELSE length(nae_decrypt(''\x00''::bytea)) END FROM nae_b ORDER BY id', 'CASE arm');
SELECT pg_temp.same('SELECT id < 200 OR nae_decrypt(''\x00''::bytea) IS NULL FROM nae_b ORDER BY id', 'OR arm');
SELECT pg_temp.same('SELECT nae_decrypt(CASE id WHEN 120 THEN ''\x00'' ELSE note END) FROM nae_b WHERE id <> 120 ORDER BY id', 'a row that the filter drops');
SELECT pg_temp.same('SELECT nae_decrypt(CASE id WHEN 120 THEN ''\x00'' ELSE note END) FROM nae_b ORDER BY id LIMIT 119', 'a row past LIMIT');
SELECT pg_temp.same('SELECT nae_decrypt(CASE id WHEN 120 THEN ''\x00'' ELSE note END) FROM nae_b ORDER BY id', 'a row that is emitted');
SELECT pg_temp.same('SELECT 100 / (id - 50) FROM nae_b WHERE nae_decrypt_text(note) <> ''note 50'' ORDER BY id', 'an expression of a dropped row');
SELECT pg_temp.same($$SELECT id FROM nae_b WHERE nae_decrypt_text(ssn) = 's3' AND nae_decrypt_text(CASE plain WHEN 's4' THEN '\x00' ELSE note END) IS NOT NULL ORDER BY id$$, 'a clause behind the one that drops');
SELECT pg_temp.same('SELECT nae_encrypt(''no such key!'', plain) FROM nae_b', 'an ill-formed key');
SELECT pg_temp.same('SELECT nae_encrypt(''forbidden-key'', plain) FROM nae_b', 'a denied key');
SELECT pg_temp.same('SELECT nae_verify(''doc-p256'', plain, note, ''no scheme'') FROM nae_b', 'an unknown scheme');
SELECT pg_temp.same('SELECT nae_decrypt_text(nae_encrypt(''customer-pii'', ''\xff''::bytea)) FROM nae_b', 'a value that is no text');
SELECT pg_temp.same('SELECT nae_encrypt(''customer-pii'', plain, repeat(''x'', 70000)::bytea) FROM nae_b', 'aad past its limit');
SELECT pg_temp.same('SELECT nae_encrypt(NULL, plain), nae_decrypt(note, NULL) FROM nae_b', 'NULL constants');

-- statements that write
SELECT pg_temp.same_left('INSERT INTO nae_w SELECT id, nae_encrypt(''customer-pii'', plain) FROM nae_b', 'INSERT ... SELECT');
SELECT pg_temp.same_left('INSERT INTO nae_w VALUES (1, nae_encrypt(''customer-pii'', ''a''), 1), (2, NULL, 2), (3, nae_encrypt(''customer-pii'', ''c''), 3)', 'VALUES');
SELECT pg_temp.same_left('INSERT INTO nae_w (c, id) VALUES (nae_encrypt(''customer-pii'', ''a''), 1), (nae_encrypt(''customer-ssn'', ''a''), 2), (nae_rewrap(nae_encrypt(''customer-pii'', ''b'')), 3)', 'VALUES of other calls');
SELECT pg_temp.same_left('INSERT INTO nae_w SELECT 1, nae_encrypt(''customer-pii'', ''a'') ON CONFLICT (id) DO NOTHING; INSERT INTO nae_w VALUES (1, nae_encrypt(''customer-pii'', ''b''), 5), (2, nae_encrypt(''customer-pii'', ''c''), 6) ON CONFLICT (id) DO UPDATE SET c = EXCLUDED.c, n = nae_w.n + 1', 'ON CONFLICT');
SELECT pg_temp.same_left('INSERT INTO nae_w SELECT id, note FROM nae_b; UPDATE nae_w SET c = nae_rewrap(c), n = n + 1 WHERE nae_decrypt_text(c) LIKE ''%1''', 'UPDATE of what a filter decrypts');
SELECT pg_temp.same_left('INSERT INTO nae_w SELECT id, note FROM nae_b; UPDATE nae_w SET c = b.ssn, n = length(nae_decrypt_text(b.note)) FROM nae_b b WHERE b.id = nae_w.id AND b.ssn IS NOT NULL', 'UPDATE ... FROM');
SELECT pg_temp.same_left('INSERT INTO nae_w SELECT id, note FROM nae_b; UPDATE nae_w SET (n, c) = (SELECT b.id + 1, b.ssn FROM nae_b b WHERE b.id = nae_w.id) WHERE nae_decrypt_text(c) LIKE ''%1''', 'UPDATE of several columns from a sub-select, behind a filter');
SELECT pg_temp.same_left('INSERT INTO nae_w SELECT id, note FROM nae_b; UPDATE nae_w SET (n, id) = (SELECT b.id + 1, -b.id FROM nae_b b WHERE b.id = nae_w.id), c = nae_rewrap(c)', 'the same beside a call');
SELECT pg_temp.same_left('INSERT INTO nae_w SELECT id, note FROM nae_b; DELETE FROM nae_w WHERE nae_decrypt_text(c) > ''note 3''', 'DELETE');
SELECT pg_temp.same_left('INSERT INTO nae_w SELECT id, note FROM nae_b WHERE id < 50; MERGE INTO nae_w w USING nae_b b ON w.id = b.id WHEN MATCHED AND nae_decrypt_text(w.c) LIKE ''%2'' THEN DELETE WHEN MATCHED THEN UPDATE SET c = nae_rewrap(w.c), n = 1 WHEN NOT MATCHED THEN INSERT VALUES (b.id, nae_encrypt(''customer-pii'', b.plain), 2)', 'MERGE');
SELECT pg_temp.same_left('WITH m AS (INSERT INTO nae_w SELECT id, nae_encrypt(''customer-pii'', plain) FROM nae_b RETURNING id, c) UPDATE nae_b SET grp = 9 FROM m WHERE m.id = nae_b.id AND nae_decrypt_text(m.c) = ''s3''', 'writing CTE');
SELECT pg_temp.same_left('ALTER SEQUENCE nae_s RESTART; INSERT INTO nae_w SELECT id, nae_encrypt(''customer-pii'', plain), nextval(''nae_s'') FROM nae_b WHERE grp = 1', 'side effects beside a call');
SELECT pg_temp.same_left($q$DO $x$ DECLARE r record; BEGIN FOR r IN SELECT id, nae_decrypt_text(note) AS n FROM nae_b ORDER BY id LOOP
  INSERT INTO nae_w VALUES (r.id, nae_encrypt('customer-pii', r.n)); EXIT WHEN r.id = 37; END LOOP; END $x$$q$, 'PL/pgSQL loop that ends early');
SELECT pg_temp.same_left($q$DO $x$ BEGIN INSERT INTO nae_w SELECT id, nae_encrypt('customer-pii', plain) FROM nae_b;
  BEGIN UPDATE nae_w SET c = nae_rewrap(CASE id WHEN 90 THEN '\x00' ELSE c END), n = 7; EXCEPTION WHEN SQLSTATE 'NE020' THEN UPDATE nae_w SET n = 8 WHERE nae_decrypt_text(c) = 's3'; END; END $x$$q$,
  'a subtransaction that fails in mid-batch');

-- cursors
SET LOCAL nae.batch = on;
DECLARE scrolling SCROLL CURSOR FOR SELECT id, nae_decrypt_text(note) FROM nae_b ORDER BY id;
SELECT results_eq('FETCH 3 FROM scrolling', $$VALUES (1, 'note 1'), (2, 'note 2'), (3, 'note 3')$$, 'SCROLL: on');
SELECT results_eq('FETCH BACKWARD 2 FROM scrolling', $$VALUES (2, 'note 2'), (1, 'note 1')$$, 'SCROLL: and back');
SELECT results_eq('FETCH ABSOLUTE 100 FROM scrolling', $$VALUES (100, 'note 100')$$, 'SCROLL: anywhere');
INSERT INTO nae_w SELECT id, note FROM nae_b;
DECLARE reader CURSOR FOR SELECT id, nae_decrypt_text(c) FROM nae_w;
SELECT results_eq('FETCH 2 FROM reader', $$VALUES (1, 'note 1'), (2, 'note 2')$$, 'a cursor');
UPDATE nae_w SET n = 1 WHERE CURRENT OF reader;
SELECT is((SELECT array_agg(id) FROM nae_w WHERE n = 1), ARRAY[2], 'WHERE CURRENT OF is the row fetched, not the row read');
DECLARE locker CURSOR FOR SELECT id, nae_decrypt_text(c) FROM nae_w ORDER BY id FOR UPDATE;
SELECT results_eq('FETCH 4 FROM locker', $$VALUES (1, 'note 1'), (2, 'note 2'), (3, 'note 3'), (4, 'note 4')$$, 'a cursor FOR UPDATE');
UPDATE nae_w SET n = 2 WHERE CURRENT OF locker;
SELECT is((SELECT array_agg(id) FROM nae_w WHERE n = 2), ARRAY[4], 'the same FOR UPDATE');

-- a merge join goes back in its inner input
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_nestloop = off;
SELECT matches(pg_temp.plan_of('SELECT a.id, b.n FROM (SELECT grp, id FROM nae_b WHERE id < 20 ORDER BY grp OFFSET 0) a FULL JOIN (SELECT grp, id, nae_decrypt_text(note) AS n FROM nae_b ORDER BY grp OFFSET 0) b USING (grp)'),
  'Merge Full Join[^>]*->.*->  Materialize\n *->  Custom Scan \(NaeBatch\)', 'merge join: what is read again is kept');
SELECT pg_temp.same('SELECT a.id, b.n FROM nae_b a JOIN (SELECT grp, id, nae_decrypt_text(note) AS n FROM nae_b OFFSET 0) b USING (grp) WHERE a.id < 20 ORDER BY 1, b.id', 'merge join');
RESET enable_hashjoin;
RESET enable_nestloop;

-- a plan that outlives a role asks as who executes it
PREPARE kept AS SELECT count(nae_decrypt(note)) FROM nae_b;
EXECUTE kept;
GRANT ALL ON public.nae_b TO nae_clerk;
SET LOCAL ROLE nae_clerk;
SELECT throws_ok('EXECUTE kept', 'NE001', NULL, 'a kept plan, another role');
SET LOCAL ROLE nae_all;

-- a cancelled batch leaves a usable session
CREATE FUNCTION pg_temp.cancelled() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count(nae_sign('doc-rsa', 'message ' || i)) FROM generate_series(1, 50000) i;
  RETURN 'done';
EXCEPTION WHEN query_canceled THEN RETURN 'cancelled';
END $$;
SET LOCAL statement_timeout = '1s';  -- a busy machine takes its time until the batch begins
SELECT is(pg_temp.cancelled(), 'cancelled', 'statement_timeout in mid-batch');
SET LOCAL statement_timeout = 0;
SELECT is(pg_temp.answer('SELECT count(nae_decrypt(note)) FROM nae_b', true), '(120)', 'the next statement works');

SELECT * FROM finish();
ROLLBACK;
