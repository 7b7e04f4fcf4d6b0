-- Elements and functions of encrypted arrays.
BEGIN;
\ir ../fixtures/twins.sql
\ir ../fixtures/twins_types.sql
SELECT plan(103);
SET LOCAL search_path = tap, public;

-- elements and slices
SELECT same('SELECT id, ' || e || ' FROM q') FROM unnest(ARRAY['ta[1]', 'ta[2]', 'ta[99]', 'ta[id]', 'ta[NULL]', 'ta[1:2]', 'ta[2:]', 'ta[:1]', 'ta[s]', 'ta[ia[1]]', '(ta[1:2])[1]', 'ia[1] + 1', 'ia[1] * 1.5', 'na[1] + id', 'upper(ta[1])',
  'da[1] + 1', 'ba[1] AND true', 'ua[1]', 'za[1]::date', 'la[1]', 'ta[1] || ia[1]', 'COALESCE(ta[9], ''none'')', 'ja[1] ->> ''a''', 'ta[1]::varchar(1)', 'CASE WHEN ia[1] > 1 THEN ta[1] END', 'to_json(ta[1:2])']) e;
SELECT same('SELECT id FROM q WHERE ' || c) FROM unnest(ARRAY['ta[1] = ''t1''', 'ia[1] > 1', 'ia[1] IN (1, 2)', 'ta[1] LIKE ''t%''', 'ta[1] IS NULL', 'da[1] >= DATE ''2020-01-02''', 'array_length(ta, 1) > 1', 'cardinality(ia) = 2', 'EXISTS (SELECT FROM unnest(ta) u WHERE u = ''t1'')', '''t1'' IN (SELECT unnest(ta))',
  'id IN (SELECT ia[1] FROM q)', '(SELECT count(*) FROM unnest(ia) v WHERE v > 1) > 0']) c;
SELECT same(q) FROM unnest(ARRAY['SELECT ta[1], count(*) FROM q GROUP BY ta[1]', 'SELECT DISTINCT ia[1] FROM q', 'SELECT sum(ia[1]), max(ta[1]) FROM q', 'SELECT a.id, b.id FROM q a JOIN q b ON a.ta[1] = b.ta[1] WHERE a.id < 4', 'SELECT ta[1] FROM q UNION SELECT ta[2] FROM q']) q;
SELECT same_order(format('SELECT id FROM q ORDER BY %s, id', o)) FROM unnest(ARRAY['ta[1]', 'ia[1] DESC NULLS LAST', 'cardinality(ta), ta[1]']) o;

-- functions
SELECT same('SELECT id, ' || e || ' FROM q') FROM unnest(ARRAY['unnest(ta)', 'unnest(ia) + 1', 'generate_subscripts(ta, 1)', 'generate_subscripts(ta, 1, true)', 'array_length(ia, 1)', 'array_upper(ta, 1)', 'array_lower(ta, 1)', 'array_ndims(la)', 'array_dims(ta)', 'cardinality(na)', 'array_to_string(ta, '','')',
  'array_to_string(ia, '','', ''*'')', 'trim_array(ia, 0)', 'array_to_json(ta)', 'array_to_json(ia, true)', '(SELECT sum(u) FROM unnest(ia) u)', '(SELECT string_agg(u, ''-'' ORDER BY u) FROM unnest(ta) AS u)', 'ARRAY(SELECT unnest(ia) ORDER BY 1)', 'ta || ''x'' /* 22P02 */', 'ta || ''{x,y}''']) e;
SELECT same(q) FROM unnest(ARRAY['SELECT q.id, u.v FROM q, unnest(q.ta) AS u (v)', 'SELECT q.id, u.v, u.n FROM q CROSS JOIN LATERAL unnest(q.ia) WITH ORDINALITY AS u (v, n)', 'SELECT u, count(*) FROM q, unnest(ta) u GROUP BY u', 'SELECT count(DISTINCT u) FROM q, unnest(ia) u',
  'SELECT q.id, u.* FROM q, ROWS FROM (unnest(ta), unnest(ia)) AS u (a, b)', 'WITH w AS (SELECT id, unnest(ta) AS u FROM q) SELECT u, min(id) FROM w GROUP BY u', 'SELECT id, a FROM q LEFT JOIN LATERAL unnest(da) a ON a > DATE ''2020-01-01''']) q;

-- keys, rows and the greatest
SELECT same('SELECT id, ' || e || ' FROM q') FROM unnest(ARRAY['(ta, id) = (ta, id)', '(ta, id) = (''{"t1"}'', id)', '(ta, id) <> (''{"t1"}'', id)', '(ta, id) < (''{"t2"}'', id)', '(ia, ta) >= (''{1,2}'', ta)', '(id, ia) <= (id, ia)', '(ta, id) IN ((''{"t1"}'', 1), (''{"t2"}'', 2))', 'ROW(ta, ia) IS DISTINCT FROM ROW(ta, ia)',
  'max(ta) OVER ()', 'min(ia) OVER (ORDER BY id)']) e;
SELECT same(q) FROM unnest(ARRAY['SELECT max(ta), min(ta), max(ia), min(ia) FROM q', 'SELECT max(ta) FILTER (WHERE id < 3), min(na), max(da) FROM q', 'SELECT id % 2, max(ia) FROM q GROUP BY 1 ORDER BY 2', 'SELECT max(DISTINCT ta) FROM q WHERE id < 0',
  'SELECT id FROM q WHERE ta::text[] = (SELECT max(ta) FROM q)', 'SELECT ta FROM q GROUP BY ta HAVING max(ia) > ''{1,2}''', 'SELECT max(ARRAY[ia[1]]) FROM q', 'SELECT a.id, b.id FROM q a JOIN q b ON (a.ta, a.ia) = (b.ta, b.ia)', 'SELECT max(ba), max(la) FROM q']) q;

-- assignment
SELECT same_after(s, 'SELECT id, ta, ia FROM q WHERE id < 4') FROM unnest(ARRAY['UPDATE q SET ta[1] = ''new''', 'UPDATE q SET ia[2] = ia[1] + 1', 'UPDATE q SET ia[1] = 1.5', 'UPDATE q SET ta[3:4] = ''{a,b}''', 'UPDATE q SET ta[1] = ta[2], ia[1] = id', 'UPDATE q SET ia[1] = ''x'' /* 22P02 */']) s;

-- what a plain statement means does not change
SELECT is(answer('pln', ', tap, public', true, 'SELECT ' || e, false), w, 'a plain statement: ' || e) FROM (VALUES ('array_position(''{a,b}'', ''b''::text) AS v', '{"v":2}'),
  ('array_to_string(ARRAY[1,2], '','') AS v', '{"v":"1,2"}'), ('cardinality(ARRAY[[1],[2]]) AS v', '{"v":2}'), ('(ARRAY[1,2])[2] AS v', '{"v":2}'), ('(SELECT sum(u) FROM unnest(ARRAY[1,2]) u) AS v', '{"v":3}')) v (e, w);


SELECT * FROM finish();
ROLLBACK;
