-- Surgery on plans whose expressions are of several levels: what sub-selects are compared with, what
-- parameters carry, rows as wide as they can be. Each statement with batches on and off.
BEGIN;
SELECT plan(27);
SET LOCAL client_min_messages = warning;
SET LOCAL ROLE nae_all;

CREATE TABLE public.plans (id int PRIMARY KEY, ok bool, note nae.enc_text('col-rnd'), ssn nae.enc_det_text('col-det'), plain text);
INSERT INTO public.plans SELECT i, i % 2 = 0, 'n' || i % 5, CASE WHEN i % 7 <> 0 THEN 's' || i % 4 END, 'n' || i % 5
  FROM generate_series(1, 40) i;
CREATE TABLE public.few (id int, note nae.enc_text('col-rnd'), plain text);
INSERT INTO public.few VALUES (1, 'n1', 'n1'), (2, 'n2', 'n2'), (3, NULL, NULL);
ANALYZE public.plans, public.few;

CREATE FUNCTION pg_temp.answer(query text, batch bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  PERFORM set_config('nae.batch', batch::text, true);
  EXECUTE format('SELECT string_agg(q::text, E''\n'' ORDER BY q::text) FROM (%s) q', query) INTO result;
  RETURN coalesce(result, '(none)');
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
CREATE FUNCTION pg_temp.same(query text, what text) RETURNS text LANGUAGE sql AS
  $$SELECT is(pg_temp.answer(query, true), pg_temp.answer(query, false), what)$$;
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; result text := '';
BEGIN
  SET LOCAL nae.batch = on;
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP result := result || line || E'\n'; END LOOP;
  RETURN result;
END $$;

-- a sub-select in an aggregate's argument
SELECT pg_temp.same('SELECT count(note IN (SELECT note FROM few)) FROM plans', 'IN');
SELECT pg_temp.same('SELECT count(note = ANY (SELECT note FROM few WHERE few.id <= plans.id)) FROM plans', 'ANY, correlated');
SELECT pg_temp.same('SELECT count(note <> ALL (SELECT note FROM few)) FROM plans', 'ALL');
SELECT pg_temp.same('SELECT count((note, ssn) IN (SELECT note, ssn FROM plans p WHERE p.id < 9)) FROM plans', 'rows IN');
SELECT pg_temp.same('SELECT max(upper(note) || (SELECT max(few.note) FROM few WHERE few.note <= plans.note)) FROM plans', 'a sub-select over a decrypted column');
SELECT pg_temp.same('SELECT max(note) IN (SELECT note FROM few), min(note) = ANY (SELECT note FROM few) FROM plans', 'aggregates compared with a sub-select');
SELECT pg_temp.same('SELECT ok FROM plans GROUP BY ok HAVING max(note) NOT IN (SELECT note FROM few WHERE note IS NOT NULL)', 'the same in HAVING');
SELECT pg_temp.same('SELECT ok, count(*) FILTER (WHERE note IN (SELECT note FROM few)) FROM plans GROUP BY ok', 'FILTER');
SELECT pg_temp.same('SELECT ok, string_agg(note, note ORDER BY note IN (SELECT note FROM few), id) FROM plans GROUP BY ok', 'ordered by it');
SELECT pg_temp.same('SELECT count(CASE WHEN note IN (SELECT note FROM few) THEN note END) FROM plans', 'in CASE');
SELECT pg_temp.same('SELECT lag(note IN (SELECT note FROM few)) OVER (PARTITION BY ssn ORDER BY id), note FROM plans', 'in a window function');
-- a window below that ends its run by a condition on what it emits
SELECT pg_temp.same('SELECT max(note), count(note) FROM (SELECT note, row_number() OVER (ORDER BY id) AS n FROM plans) q WHERE n <= 5', 'below an aggregate');
SELECT pg_temp.same('SELECT note, n FROM (SELECT note, rank() OVER (ORDER BY id) AS n, nae_mac(''index-key'', (rank() OVER (ORDER BY id))::text) FROM plans) q WHERE n <= 5', 'divided itself');
SELECT pg_temp.same('SELECT max(note || n) FROM (SELECT note, count(*) OVER (ORDER BY id) AS n FROM plans) q WHERE n < 9', 'whose condition is read above, too');
-- in conditions of joins
SELECT pg_temp.same('SELECT a.id, b.id FROM plans a JOIN plans b ON a.ok = (b.note IN (SELECT note FROM few)) WHERE b.id < 9', 'key of a hash join');
SET LOCAL enable_hashjoin = off;
SELECT pg_temp.same('SELECT a.id, b.id FROM plans a JOIN plans b ON a.ok = (b.note IN (SELECT note FROM few)) WHERE b.id < 9', 'key of a merge join');
SET LOCAL enable_mergejoin = off;
SELECT pg_temp.same('SELECT a.id, b.id FROM plans a JOIN plans b ON a.ok = (b.note IN (SELECT note FROM few)) WHERE b.id < 9', 'condition of a nested loop');
SELECT pg_temp.same('SELECT a.id, b.id FROM plans a LEFT JOIN plans b ON b.id = a.id + 1 AND (a.note IN (SELECT note FROM few)) AND upper(b.note) > lower(a.note)', 'condition of an outer join');
RESET enable_hashjoin;
RESET enable_mergejoin;
SELECT pg_temp.same('SELECT a.note, l.n FROM plans a, LATERAL (SELECT count(b.note IN (SELECT note FROM few)) AS n FROM plans b WHERE b.note > a.note) l', 'lateral');
-- in what is written and returned
SELECT pg_temp.same($$SELECT * FROM (VALUES ('a'::text, (SELECT max(note) FROM few)), ('b', (SELECT min(note) FROM few))) v(a, b)$$, 'VALUES');
SELECT lives_ok($$UPDATE plans SET note = note || 'x', plain = plain || 'x' WHERE note IN (SELECT note FROM few) RETURNING note IN (SELECT note FROM few), note$$, 'UPDATE ... RETURNING');
SELECT is((SELECT count(*)::int FROM plans WHERE note::text IS DISTINCT FROM plain), 0, 'and the row is what it was');
SELECT lives_ok($$INSERT INTO plans (id, note, plain) VALUES (101, 'n1', 'n1'), (102, NULL, NULL), (103, 'n3', 'n3') RETURNING note, note IN (SELECT note FROM few)$$, 'INSERT ... RETURNING');

-- A parameter of another level that has moved below a Sort: each of its values takes a run of its own.
SET LOCAL enable_hashagg = off;
SET LOCAL enable_material = off;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT pg_temp.same($$SELECT a.id, (SELECT string_agg(q.x, ',' ORDER BY q.x) FROM (VALUES (1), (2)) v(i) LEFT JOIN
    (SELECT ok, max(encode(nae_mac('index-key', b.plain || a.id), 'hex')) AS x FROM plans b GROUP BY ok OFFSET 0) q ON true)
  FROM few a$$, 'a parameter in an aggregate below a nested loop');
SELECT alike(pg_temp.plan_of($$SELECT a.id, (SELECT string_agg(q.x, ',') FROM (VALUES (1), (2)) v(i) LEFT JOIN
    (SELECT ok, max(encode(nae_mac('index-key', b.plain || a.id), 'hex')) AS x FROM plans b GROUP BY ok OFFSET 0) q ON true)
  FROM few a$$), '%Nested Loop Left Join%Values Scan%GroupAggregate%Sort%NaeBatch%', 'which is batched');
RESET enable_hashagg;
RESET enable_material;
RESET enable_indexscan;
RESET enable_bitmapscan;

-- Rows as wide as they may be: each call's own place is used for what the call needs.
DO $$BEGIN
  EXECUTE 'CREATE TEMP TABLE wide (id int, ' || (SELECT string_agg(format('c%s nae.enc_int4(''col-rnd'')', i), ', ') FROM generate_series(1, 90) i) || ')';
  INSERT INTO wide (id, c1, c90) SELECT i, i, i FROM generate_series(1, 3) i;
END$$;
CREATE FUNCTION pg_temp.wide(copies int) RETURNS text LANGUAGE sql AS
  $$SELECT format('SELECT %s FROM %s ORDER BY w1.id + w2.id', string_agg(format('w%s.*', i), ', '),
      string_agg(format('wide w%s', i) || CASE WHEN i > 1 THEN ' USING (id)' ELSE '' END, ' JOIN ' ORDER BY i))
    FROM generate_series(1, copies) i$$;
SET LOCAL enable_mergejoin = off;
CREATE FUNCTION pg_temp.wide_answer(batch bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE one record; result text := '';
BEGIN
  PERFORM set_config('nae.batch', batch::text, true);
  FOR one IN EXECUTE pg_temp.wide(10) LOOP result := md5(result || one::text); END LOOP;
  RETURN result;
END $$;
SELECT is(pg_temp.wide_answer(true), pg_temp.wide_answer(false), '900 encrypted columns below a Sort');
SELECT alike(pg_temp.plan_of(pg_temp.wide(10)), '%NaeBatch%Sort%', 'in a batch');

SELECT * FROM finish();
ROLLBACK;
