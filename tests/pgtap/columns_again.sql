-- Values that one statement meets again and again: in what a sub-select is compared with, pairs of a join, the inner side
-- of a nested loop, a parameter. Answers are those of plaintext twins, whoever asks, and each stored value is
-- decrypted once.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(84);
SELECT tap.twin($$CREATE TABLE a (id int PRIMARY KEY, note {text}, n {int4}, code {det_text})$$);
SELECT tap.twin($$CREATE TABLE b (id int PRIMARY KEY, note {text}, n {int4}, code {det_text})$$);
SELECT tap.twin($$CREATE TABLE c (id int PRIMARY KEY, note {text})$$);
SELECT tap.twin($$INSERT INTO a SELECT i, CASE WHEN i % 19 <> 0 THEN 'note ' || i END, i % 15, 'c' || i % 7 FROM generate_series(1, 40) i$$);
SELECT tap.twin($$INSERT INTO b SELECT i, CASE WHEN i % 23 <> 0 THEN 'note ' || i * 2 END, i % 17, 'c' || i % 5 FROM generate_series(1, 40) i$$);
ANALYZE enc.a, enc.b, pln.a, pln.b;
SET LOCAL max_parallel_workers_per_gather = 0;

-- Answers -------------------------------------------------------------------------------------------
SELECT tap.same(q) FROM unnest(ARRAY[
  'SELECT id FROM a WHERE note NOT IN (SELECT note FROM b WHERE note IS NOT NULL)',
  'SELECT id FROM a WHERE note NOT IN (SELECT note FROM b)',
  'SELECT id FROM a WHERE note NOT IN (SELECT note FROM c)',
  'SELECT id FROM a WHERE note NOT IN (SELECT DISTINCT note FROM b WHERE note IS NOT NULL)',
  'SELECT id FROM a WHERE note NOT IN (SELECT note FROM b WHERE note IS NOT NULL UNION SELECT note FROM a WHERE id < 9)',
  'SELECT id FROM a WHERE note NOT IN (SELECT note FROM b WHERE note IS NOT NULL ORDER BY note LIMIT 9)',
  'SELECT id FROM a WHERE note NOT IN (SELECT max(note) FROM b GROUP BY code)',
  'SELECT id FROM a WHERE note <> ALL (SELECT note FROM b WHERE b.id > a.id AND note IS NOT NULL)',
  'SELECT id FROM a WHERE note < ANY (SELECT note FROM b WHERE b.n = a.n)',
  'SELECT id FROM a WHERE (note, n) NOT IN (SELECT note, n FROM b WHERE note IS NOT NULL)',
  'SELECT id FROM a WHERE upper(note) NOT IN (SELECT upper(note) FROM b WHERE note IS NOT NULL)',
  'SELECT id FROM a WHERE code NOT IN (SELECT code FROM b)',
  'SELECT id FROM a WHERE id = 5 OR note IN (SELECT note FROM b)',
  'SELECT id FROM a WHERE id % 2 = 0 OR note LIKE ''%7'' OR n IN (SELECT n FROM b WHERE id < 5)',
  'SELECT id FROM a WHERE (id % 2 = 0 AND note LIKE ''%7'') OR (id % 2 = 1 AND note LIKE ''%8'')',
  'SELECT id, id < 9 OR note > ''note 3'' AS x, note FROM a',
  'SELECT id FROM a WHERE note LIKE ''%1%'' AND (id = 5 OR n > 6)',
  'SELECT id, note IN (SELECT note FROM b) AS x FROM a',
  'SELECT count(*) FILTER (WHERE note IN (SELECT note FROM b)) AS x FROM a',
  'SELECT max(note) NOT IN (SELECT note FROM b WHERE note IS NOT NULL) AS x, n FROM a GROUP BY n',
  'SELECT n FROM a GROUP BY n HAVING n = 7 OR min(note) IN (SELECT note FROM b)',
  'SELECT id FROM a WHERE note = ANY (ARRAY(SELECT note FROM b LIMIT 15))',
  'SELECT id, ARRAY(SELECT b.note FROM b WHERE b.id <= a.id % 3 ORDER BY id) AS x FROM a',
  'SELECT count(*) FROM a JOIN b ON a.note < b.note',
  'SELECT a.id, b.id AS x FROM a JOIN b ON a.id = b.id AND a.note < b.note',
  'SELECT count(*) FROM a JOIN b ON a.id < b.id AND a.note < b.note',
  'SELECT a.id, count(b.id) FROM a LEFT JOIN b ON a.note < b.note GROUP BY a.id',
  'SELECT a.id, count(b.id) FROM a FULL JOIN b ON a.id = b.id AND a.note < b.note GROUP BY a.id',
  'SELECT a.id FROM a WHERE NOT EXISTS (SELECT FROM b WHERE b.note > a.note)',
  'SELECT a.id FROM a WHERE EXISTS (SELECT FROM b WHERE b.note || ''x'' = a.note || ''x'' AND b.n < 9)',
  'SELECT count(*) FROM a, b WHERE a.note || b.note LIKE ''%7note 1%''',
  'SELECT count(*) FROM c JOIN b ON c.note < b.note',
  'SELECT id, (SELECT count(*) FROM b WHERE b.note < a.note) AS x FROM a',
  'SELECT id, (SELECT b.note FROM b WHERE b.note > a.note ORDER BY b.note LIMIT 1) AS x FROM a',
  'SELECT id, (SELECT string_agg(b.note, '','' ORDER BY b.id) FROM b WHERE b.n = a.n) AS x FROM a',
  'SELECT a.id, l.x FROM a, LATERAL (SELECT max(b.note) AS x FROM b WHERE b.id <= a.id % 9 AND b.note <> a.note) l'
]) q;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_seqscan = off;
SELECT tap.same(q, 'nested loop: ' || q) FROM unnest(ARRAY[
  'SELECT a.id FROM a JOIN b USING (id) WHERE b.note LIKE ''%4%''',
  'SELECT a.id, b.note FROM a JOIN b USING (id) WHERE b.note LIKE ''%4%'' AND b.n > 3 AND a.n < 12',
  'SELECT a.id FROM a JOIN b USING (id) WHERE b.note > a.note',
  'SELECT a.id, b.id AS x FROM a JOIN b ON b.id = a.n WHERE b.note LIKE ''%4%''',
  'SELECT a.id FROM a LEFT JOIN b ON b.id = a.n AND b.note LIKE ''%4%'' WHERE b.id IS NULL',
  'SELECT a.id, b.id AS x, c.id AS y FROM a JOIN b ON b.id = a.n JOIN a c ON c.id = b.n WHERE b.note LIKE ''%4%'' AND c.note LIKE ''%1%''',
  'SELECT a.id FROM a JOIN b USING (id) WHERE b.note NOT IN (SELECT note FROM a WHERE note IS NOT NULL AND id < 40)',
  'SELECT a.id FROM a WHERE a.n IN (SELECT b.id FROM b WHERE b.id = a.n AND b.note LIKE ''%4%'')'
]) q;
RESET enable_seqscan;
SELECT tap.same_after($$UPDATE a SET note = b.note || 'x' FROM b WHERE b.id = a.id AND b.note LIKE '%4%'$$, 'SELECT id, note FROM a');
SELECT tap.same_after($$DELETE FROM a WHERE note NOT IN (SELECT note FROM b WHERE note IS NOT NULL)$$, 'SELECT id, note FROM a');
SELECT tap.same('SELECT a.id FROM a JOIN b USING (id) WHERE b.note LIKE ''%4%'' FOR UPDATE', 'rows that are locked');
RESET enable_hashjoin;
RESET enable_mergejoin;
SET LOCAL work_mem = '64kB';
SELECT tap.same('SELECT id FROM a WHERE id = 5 OR note NOT IN (SELECT note FROM b WHERE note IS NOT NULL)', 'more values than are kept');
SELECT tap.same('SELECT count(*) FROM a JOIN b ON a.id < b.id AND a.note < b.note', 'in a join, too');
RESET work_mem;

-- Once ----------------------------------------------------------------------------------------------
-- Values that batches have asked for, and requests of calls one by one.
SET LOCAL search_path = enc, tap, public;
SET LOCAL nae.batch = on;
CREATE FUNCTION tap.asked(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE items_before bigint; requests_before bigint; alone bigint;
BEGIN
  SELECT s.items, s.requests INTO items_before, requests_before FROM nae_batch_stats() s;
  alone := (SELECT value::bigint FROM nae_agent_stats() WHERE name = 'requests');
  EXECUTE query;
  alone := (SELECT value::bigint FROM nae_agent_stats() WHERE name = 'requests') - alone;
  SELECT s.items - items_before, alone - (s.requests - requests_before) INTO items_before, alone FROM nae_batch_stats() s;
  RETURN items_before || ' in batches, ' || alone || ' alone';
END $$;
-- What looking itself takes is none.
SELECT is(asked('SELECT 1'), '0 in batches, 0 alone', 'nothing');
-- 38 values of a, 39 of b
SELECT is(asked(query), want || ' in batches, 0 alone', query) FROM (VALUES
  ('SELECT count(*) FROM a WHERE note NOT IN (SELECT note FROM b)', 77),
  ('SELECT count(*) FROM a WHERE id = 5 OR note IN (SELECT note FROM b)', 77),
  ('SELECT count(*) FROM a WHERE id = 5 OR note LIKE ''%7''', 38),
  ('SELECT count(*) FROM a JOIN b ON a.note < b.note', 77),
  ('SELECT count(*) FROM a LEFT JOIN b ON a.note < b.note', 77),
  ('SELECT count(*) FROM a JOIN b ON a.id < b.id + 10 AND a.note < b.note', 77),
  ('SELECT count((SELECT count(*) FROM b WHERE b.note < a.note)) FROM a', 77)) v (query, want);
SELECT is(asked('SELECT count(*) FROM a WHERE note = ANY (ARRAY(SELECT note FROM b WHERE note IS NOT NULL LIMIT 15))'),
  '38 in batches, 1 alone', 'an array that a sub-select has made: once');
SELECT is(asked($$SELECT count(CASE WHEN g > 0 THEN note END) FROM (SELECT note FROM a WHERE id = 5) a, generate_series(1, 100) g$$),
  '0 in batches, 1 alone', 'one by one, the same value');
SELECT is(asked($$SELECT count(*) FROM a WHERE id < 20 AND (id = 1 AND note LIKE '%1')$$), '1 in batches, 0 alone', 'nothing that AND leaves out');
SELECT is(asked($$SELECT count(*) FROM a WHERE id < 20 AND CASE WHEN id = 1 THEN note LIKE '%1' END$$), '0 in batches, 1 alone', 'nor what CASE does');
SET LOCAL nae.batch = off;
SELECT is(asked($$SELECT count(CASE WHEN g > 0 THEN note END) FROM (SELECT note FROM a WHERE id = 5) a, generate_series(1, 10) g$$),
  '0 in batches, 10 alone', 'nae.batch = off keeps nothing');
SET LOCAL nae.batch = on;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
CREATE FUNCTION tap.trips(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE before bigint := (SELECT round_trips FROM nae_batch_stats());
BEGIN
  EXECUTE query;
  RETURN (SELECT round_trips FROM nae_batch_stats()) - before;
END $$;
SELECT cmp_ok(trips('SELECT count(*) FROM a JOIN b USING (id) WHERE b.note LIKE ''%4%'''), '<=', 3::bigint, 'a filter of the inner side of a nested loop is asked for above it');
RESET enable_hashjoin;
RESET enable_mergejoin;

-- Whoever asks --------------------------------------------------------------------------------------
RESET ROLE;
GRANT SELECT ON ALL TABLES IN SCHEMA enc TO PUBLIC;
CREATE FUNCTION tap.as_role(who text, batch bool, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line record; lines text[] := '{}';
BEGIN
  PERFORM set_config('nae.batch', batch::text, true);
  PERFORM set_config('role', who, true);
  FOR line IN EXECUTE statement LOOP lines := lines || line::text; END LOOP;
  PERFORM set_config('role', 'none', true);
  RETURN regexp_replace(array_to_string(lines, ' '), 'nae1:[A-Za-z0-9+/=]+', 'nae1', 'g');
EXCEPTION WHEN OTHERS THEN
  PERFORM set_config('role', 'none', true);
  RETURN SQLSTATE;
END $$;
SELECT is(as_role(who, true, query), as_role(who, false, query), who || ': ' || query)
FROM unnest(ARRAY['nae_masked', 'nae_nulled', 'nae_writer']) who, unnest(ARRAY[
  'SELECT a.id, a.note FROM a WHERE id < 40 AND note NOT IN (SELECT note FROM b WHERE id < 30 AND note IS NOT NULL)',
  'SELECT a.id FROM a WHERE id < 40 AND (id = 5 OR note IN (SELECT note FROM b WHERE id < 30))',
  'SELECT a.id, b.id FROM a JOIN b ON a.id < b.id AND a.note < b.note WHERE a.id < 20 AND b.id < 20']) query;
SELECT is(as_role('nae_masked', true, 'SELECT a.note, (SELECT b.note FROM b WHERE b.note = a.note LIMIT 1) FROM a WHERE id = 12'), '(*****12,*****12)', 'masks are compared with masks');
-- Another role within the statement: each sees its own, of one and the same value.
CREATE FUNCTION tap.owners(i int) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS
  'BEGIN RETURN (SELECT CASE WHEN i > 0 THEN note END FROM enc.a WHERE id = i); END';
ALTER FUNCTION tap.owners(int) OWNER TO nae_all;
CREATE FUNCTION tap.owners_sql(i int) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT CASE WHEN i > 0 THEN note END FROM enc.a WHERE id = i';
ALTER FUNCTION tap.owners_sql(int) OWNER TO nae_all;
SELECT is(as_role('nae_masked', true, 'SELECT CASE WHEN g > 0 THEN a.note END, owners(a.id), CASE WHEN g > 0 THEN a.note END, owners_sql(a.id) FROM a, generate_series(1, 2) g WHERE a.id = 12'),
  '(*****12,"note 12",*****12,"note 12") (*****12,"note 12",*****12,"note 12")', 'a function of another role shows its value, and the statement the mask');
SELECT is(as_role('nae_masked', true, 'SELECT a.id FROM a WHERE id < 20 AND (owners(a.id) = ''note 7'' OR a.note IN (SELECT note FROM a))'),
  as_role('nae_masked', false, 'SELECT a.id FROM a WHERE id < 20 AND (owners(a.id) = ''note 7'' OR a.note IN (SELECT note FROM a))'), 'in a condition, too');
-- A cursor, whose values one by one are the role's of the moment.
SET LOCAL ROLE nae_all;
DECLARE moment CURSOR FOR SELECT CASE WHEN g > 0 THEN a.note END AS note FROM enc.a, generate_series(1, 9) g WHERE a.id = 12;
SELECT results_eq('FETCH 2 FROM moment', $$VALUES ('note 12'), ('note 12')$$, 'one role');
SET LOCAL ROLE nae_masked;
SELECT results_eq('FETCH 2 FROM moment', $$VALUES ('*****12'), ('*****12')$$, 'then another one');
SET LOCAL ROLE nae_writer;
SELECT throws_ok('FETCH 2 FROM moment', 'NE001', NULL, 'then one that may not');
RESET ROLE;

-- Errors --------------------------------------------------------------------------------------------
-- Row 7 was tampered with. Its value is asked for ahead, and nobody needs it.
SET LOCAL ROLE nae_all;
SET LOCAL nae.transparent = off;
SELECT note AS stored FROM enc.a WHERE id = 7 \gset
SET LOCAL nae.transparent = on;
SELECT 'nae1:' || encode(set_byte(b, length(b) - 1, get_byte(b, length(b) - 1) # 1), 'base64') AS tampered
FROM decode(substr(:'stored', 6), 'base64') b \gset
UPDATE enc.a SET note = :'tampered' WHERE id = 7;
SELECT is((SELECT count(*) FROM enc.a WHERE id IN (7, 8) AND (id = 7 OR note LIKE '%8')), 2::bigint, 'a damaged value that no arm of OR needs');
SELECT throws_ok($$SELECT count(*) FROM enc.a WHERE id IN (7, 8) AND (id = 8 OR note LIKE '%8')$$, 'NE022', NULL, 'one that is needed');
SELECT throws_ok($$SELECT count(*) FROM enc.a WHERE note NOT IN (SELECT note FROM enc.b)$$, 'NE022', NULL, 'one that is compared with a sub-select');
SELECT throws_ok($$SELECT count(*) FROM enc.b WHERE note NOT IN (SELECT note FROM enc.a)$$, 'NE022', NULL, 'one that a sub-select puts out');
SELECT throws_ok($$SELECT count(*) FROM enc.b JOIN enc.a ON a.id < b.id AND a.note < b.note$$, 'NE022', NULL, 'one of many pairs');
SELECT is((SELECT count(*) FROM enc.a WHERE id <> 7 AND note IN (SELECT note FROM enc.a WHERE id <> 7)), 37::bigint, 'the session goes on');

SELECT * FROM finish();
ROLLBACK;
