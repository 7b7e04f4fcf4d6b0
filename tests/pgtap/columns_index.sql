-- Plans over deterministic columns: indexes, joins, partitions, estimates; and that planning asks nobody.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(265);
SELECT twin($$CREATE TABLE x (id int PRIMARY KEY, ssn {det_text} CONSTRAINT x_ssn UNIQUE, grp {det_int4}, day {det_date}, uid {det_uuid}, num {det_numeric}, big {det_int8}, at {det_timestamptz}, raw {det_bytea}, name {text}, plain text)$$);
SELECT twin($$INSERT INTO x SELECT i, 's' || i, i % 20, DATE '2000-01-01' + i, md5(i::text)::uuid, i / 4.0, i * 10000000000, TIMESTAMPTZ '2020-01-01 00:00+00' + i * INTERVAL '1 hour', decode(md5(i::text), 'hex'), 'n' || i % 7, 's' || i FROM generate_series(1, 2000) i$$);
SELECT twin('CREATE INDEX x_' || c || ' ON x (' || c || ')') FROM unnest(ARRAY['grp', 'day', 'num', 'big', 'at', 'raw']) c;
SELECT twin('CREATE INDEX x_uid ON x USING hash (uid)');
SELECT twin('CREATE INDEX x_both ON x (grp, ssn) INCLUDE (name)');
SELECT twin('ANALYZE x');
-- PostgreSQL 18 would see that a table joined to itself by a unique column is one.
DO $$ BEGIN PERFORM set_config(name, 'off', true) FROM pg_settings WHERE name = 'enable_self_join_elimination'; END $$;
SET LOCAL search_path = enc, tap, public;
CREATE FUNCTION tap.plan_of(query text, options text DEFAULT 'VERBOSE, COSTS OFF') RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; result text := ''; before text := current_setting('search_path');
BEGIN
  PERFORM set_config('search_path', 'enc, tap, public', true);
  FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, query) LOOP result := result || line || E'\n'; END LOOP;
  PERFORM set_config('search_path', before, true);
  RETURN result;
END $$;
-- By the index, with nothing decrypted in the plan but what is put out; and right.
CREATE FUNCTION tap.by_index(condition text, index text, what text DEFAULT 'x') RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN NEXT matches(plan_of(format('SELECT %s.id FROM %s WHERE %s', left(what, 1), what, condition)), format('(Index Scan using|Index Only Scan using|Bitmap Index Scan on) %s', index), 'by index: ' || condition);
  RETURN NEXT doesnt_match(plan_of(format('SELECT 1 FROM %s WHERE %s', what, condition)), 'nae\.plain|Seq Scan on enc\.x( |\n)', 'nothing decrypted: ' || condition);
  RETURN NEXT same(format('SELECT count(*), min(%1$s.id), max(%1$s.id) FROM %2$s WHERE %3$s', left(what, 1), what, condition));
END $$;
SELECT by_index(c, 'x_ssn') FROM unnest(ARRAY['ssn = ''s5''', '''s5'' = ssn', 'ssn = ''s5''::varchar', 'ssn = ''s5''::text', 'ssn IN (''s5'', ''s6'')', 'ssn = ANY (ARRAY[''s5'', ''s6''])', 'ssn = ANY (''{s5,s6}'')', 'ssn = ANY (''{s5,NULL}''::text[])', 'ssn = ''s5'' OR ssn = ''s6''', 'ssn = lower(''S5'')',
  'ssn = ''s'' || 5', 'ssn = (SELECT plain FROM x y WHERE y.id = 3)', 'ssn = (SELECT ''s3'')', 'ssn IN (''s5'')', 'ssn = ''none''', 'ssn = current_setting(''nae_test.none'', true)', 'ssn IS NULL']) c;
SELECT by_index(c, i) FROM (VALUES ('grp = 5 AND ssn = ''s5''', 'x_(both|ssn)'), ('day = ''2003-03-03''', 'x_day'), ('day = DATE ''2003-03-03''', 'x_day'), ('uid = md5(''7'')::uuid', 'x_uid'), ('uid = ''8f14e45f-ceea-167a-5a36-dedd4bea2543''', 'x_uid'), ('num = 2.50', 'x_num'), ('num = 3', 'x_num'),
  ('num IN (2.5, 3)', 'x_num'), ('big = 30000000000', 'x_big'), ('at = ''2020-01-02 03:00+01''', 'x_at'), ('raw = decode(md5(''9''), ''hex'')', 'x_raw'), ('raw = ''\x45c48cce2e2d7fbdea1afc51c7c6ad26''', 'x_raw'), ('day = ''2003-03-03'' OR ssn = ''s1''', 'x_(day|ssn)')) v (c, i);
SELECT by_index(c, i) FROM (VALUES ('day IN (''2003-03-03'', ''2003-03-04'')', 'x_day'), ('day = ANY (''{2003-03-03,2003-03-04}'')', 'x_day'), ('big = 30', 'x_big'), ('num = 5', 'x_num')) v (c, i);
-- integer literals of another size; numbers that the type does not have
SELECT twin('ALTER TABLE x ADD small {det_int2}'); SELECT twin('UPDATE x SET small = id'); SELECT twin('CREATE INDEX x_small ON x (small)'); SELECT twin('ANALYZE x');
SELECT by_index(c, i) FROM (VALUES ('small = 5', 'x_small'), ('5 = small', 'x_small'), ('small = ''5''', 'x_small'), ('small = 5::int2', 'x_small'), ('small = -32768', 'x_small')) v (c, i);
SELECT same('SELECT id FROM x WHERE ' || c) FROM unnest(ARRAY['small = 5::int8', 'grp = 5::int8 AND ssn = ''s5''', 'small = 32768', 'small = 65541', 'small <> 5 AND small < 9', 'small <> 65541 AND small < 3', 'small IN (5, 65541)', 'grp = 4294967301', 'small = NULL::int', 'small IS DISTINCT FROM 5 AND small < 8']) c;
SELECT by_index('x.ssn = y.plain AND y.id = 5', 'x_ssn', 'x x, x y');
SELECT matches(plan_of(q), 'x_ssn', 'by index: ' || q) FROM unnest(ARRAY['SELECT a.id FROM x a JOIN x b ON a.ssn = b.plain WHERE b.id = 5', 'SELECT a.id FROM x a JOIN x b USING (ssn) WHERE b.id IN (5, 6)', 'SELECT id FROM x WHERE ssn IN (SELECT plain FROM x y WHERE y.id < 4)', 'SELECT id FROM x WHERE ssn IN (SELECT ssn FROM x y WHERE y.id < 4)',
  'SELECT a.id FROM (VALUES (''s1''), (''s2'')) v (k) JOIN x a ON a.ssn = v.k', 'SELECT b.id, a.name FROM x b LEFT JOIN x a ON a.ssn = b.plain WHERE b.id = 5', 'UPDATE x SET name = ''y'' WHERE ssn = ''s5''', 'DELETE FROM x WHERE ssn IN (''s5'', ''s6'')', 'SELECT id FROM x WHERE ssn = ''s5'' FOR UPDATE', 'SELECT (SELECT name FROM x WHERE ssn = ''s5'')',
  'MERGE INTO x USING (VALUES (''s5'')) v (k) ON x.ssn = v.k WHEN MATCHED THEN DELETE']) q;
SELECT same(q) FROM unnest(ARRAY['SELECT a.id FROM x a JOIN x b ON a.ssn = b.plain WHERE b.id = 5', 'SELECT a.id FROM x a JOIN x b USING (ssn) WHERE b.id IN (5, 6)', 'SELECT id FROM x WHERE ssn IN (SELECT plain FROM x y WHERE y.id < 4)', 'SELECT a.id FROM (VALUES (''s1''), (''s2'')) v (k) JOIN x a ON a.ssn = v.k', 'SELECT b.id, a.name FROM x b LEFT JOIN x a ON a.ssn = b.plain || ''0'' WHERE b.id < 9']) q;
-- what an index of ciphertexts cannot do: by plaintexts
SELECT matches(plan_of('SELECT id FROM x WHERE ' || c), 'plain\(', 'by plaintext: ' || c) || E'\n' || same('SELECT count(*), min(id) FROM x WHERE ' || c)
FROM unnest(ARRAY['ssn > ''s1998''', 'ssn LIKE ''s5''', 'ssn BETWEEN ''s5'' AND ''s6''', 'day > ''2005-01-01''', 'grp + 0 = 5', 'lower(ssn) = ''s5''', 'name = ''n5''']) c;
SELECT matches(plan_of('SELECT ssn FROM x ORDER BY ssn LIMIT 3'), 'Sort', 'order is of plaintexts') || E'\n' || same_order('SELECT ssn FROM x ORDER BY ssn LIMIT 3');
SELECT matches(plan_of('SELECT min(ssn) FROM x'), 'Aggregate', 'as are extremes') || E'\n' || same('SELECT min(ssn), max(ssn), min(day), max(num)::float8 FROM x');
SELECT doesnt_match(plan_of('SELECT grp, count(*) FROM x GROUP BY grp HAVING count(*) > 5'), 'Sort Key: .*plain\(|Group Key: .*plain\(', 'groups are of ciphertexts');
-- joins of every kind
SELECT same('SELECT count(*), sum(a.id) FROM x a JOIN x b ON a.ssn = b.ssn JOIN p ON p.grp = a.grp WHERE b.id < 300', 'joined without ' || o)
FROM unnest(ARRAY['nothing', 'enable_hashjoin', 'enable_mergejoin', 'enable_nestloop', 'enable_hashjoin enable_nestloop', 'enable_nestloop enable_mergejoin']) o, LATERAL (SELECT count(set_config(s, CASE WHEN position(s IN o) > 0 THEN 'off' ELSE 'on' END, true)) FROM unnest(ARRAY['enable_hashjoin', 'enable_mergejoin', 'enable_nestloop']) s) l;
SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on; SET LOCAL enable_nestloop = on;
SELECT matches(plan_of('SELECT count(*) FROM x a JOIN x b ON a.ssn = b.ssn'), '(Hash|Merge) Cond: \(a\.ssn OPERATOR\(nae\.=~\) b\.ssn\)|(Hash|Merge) Cond: \(b\.ssn OPERATOR\(nae\.=~\) a\.ssn\)', 'ciphertexts are joined');
-- in parallel
DO $$ BEGIN PERFORM set_config(CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END, 'on', true); END $$;
SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0; SET LOCAL max_parallel_workers_per_gather = 2;
SELECT same(q, 'in parallel: ' || q) FROM unnest(ARRAY['SELECT count(*), max(name) FROM x WHERE ssn <> ''s2''', 'SELECT id FROM x WHERE ssn IN (''s3'', ''s4'')', 'SELECT grp, count(*), sum(num)::float8 FROM x GROUP BY grp', 'SELECT count(*) FROM x a JOIN x b USING (ssn) WHERE a.name = ''n3''', 'SELECT count(*) FROM x WHERE name LIKE ''%3'' AND plain = ssn', 'SELECT count(DISTINCT name) FROM x']) q;
SELECT same_order('SELECT name, ssn FROM x ORDER BY name, ssn LIMIT 5', 'in parallel: in order');
DO $$ BEGIN PERFORM set_config(CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END, 'off', true); END $$;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;

-- prepared
SET LOCAL search_path = enc, tap, public;
PREPARE untyped AS SELECT id FROM x WHERE ssn = $1;
PREPARE typed (text) AS SELECT id FROM x WHERE ssn = $1;
PREPARE short (varchar) AS SELECT id FROM x WHERE ssn = $1;
PREPARE listed (text[]) AS SELECT id FROM x WHERE ssn = ANY ($1);
PREPARE varchars (varchar[]) AS SELECT id FROM x WHERE ssn = ANY ($1);
PREPARE several AS SELECT id FROM x WHERE ssn IN ($1, $2);
PREPARE dated AS SELECT id FROM x WHERE day = $1;
PREPARE changed AS UPDATE x SET name = $2 WHERE ssn = $1 RETURNING id;
CREATE FUNCTION tap.planned(mode text, s text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('plan_cache_mode', mode, true); RETURN matches(plan_of('EXECUTE ' || s), 'x_(ssn|day)', mode || ': by index: ' || s); END $$;
SELECT planned(mode, s) FROM unnest(ARRAY['force_generic_plan', 'force_custom_plan', 'auto']) mode,
  unnest(ARRAY['untyped(''s5'')', 'typed(''s5'')', 'short(''s5'')', 'listed(''{s5,s6}'')', 'varchars(''{s5,s6}'')', 'several(''s5'', ''s6'')', 'dated(''2000-01-06'')', 'changed(''s5'', ''y'')']) s;
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL search_path = enc, tap, public;
SELECT results_eq('EXECUTE ' || s, want, s) FROM (VALUES ('untyped(''s5'')', 'VALUES (5)'), ('typed(''s6'')', 'VALUES (6)'), ('short(''s7'')', 'VALUES (7)'), ('listed(''{s5,s6}'')', 'VALUES (5), (6)'), ('varchars(''{s8,NULL}'')', 'VALUES (8)'), ('several(''s5'', ''s5'')', 'VALUES (5)'), ('dated(''2000-01-06'')', 'VALUES (5)'), ('typed(NULL)', 'SELECT 1 WHERE false'), ('changed(''s9'', ''y'')', 'VALUES (9)')) v (s, want);
RESET plan_cache_mode;

-- estimates are of how many values there are
CREATE FUNCTION tap.estimate(condition text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE result json;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT json) SELECT id FROM enc.x WHERE ' || condition INTO result;
  RETURN result #>> '{0,Plan,Plan Rows}';
END $$;
SELECT is(estimate('ssn = ''s5'''), 1, 'one of a unique column');
SELECT ok(estimate('grp = 5') BETWEEN 80 AND 120, 'a twentieth of the rows');
SELECT ok(estimate('grp IN (1, 2, 3)') BETWEEN 100 AND 1000, 'more of them');

-- row level security: the index serves under conditions that are not leakproof
CREATE TABLE enc.s AS SELECT id, ssn, name, plain FROM enc.x;
CREATE INDEX s_ssn ON enc.s (ssn);
CREATE INDEX s_plain ON enc.s (plain);
ANALYZE enc.s;
GRANT SELECT ON enc.s, enc.x TO PUBLIC;
ALTER TABLE enc.s ENABLE ROW LEVEL SECURITY;
CREATE POLICY a_part ON enc.s TO PUBLIC USING (md5(name) <> 'x');
RESET ROLE;
SET LOCAL ROLE nae_reader;
SELECT matches(plan_of('SELECT id FROM enc.s WHERE ssn = ''s5'''), 's_ssn', 'by index under a policy');
SELECT results_eq('SELECT id FROM enc.s WHERE ssn = ''s5''', 'VALUES (5)', 'under a policy');
RESET ROLE;
DROP POLICY a_part ON enc.s;
CREATE POLICY own ON enc.s TO PUBLIC USING (ssn = current_setting('nae_test.ssn', true));
SELECT set_config('nae_test.ssn', 's77', true) IS NOT NULL AS set \gset
SET LOCAL ROLE nae_reader;
SELECT matches(plan_of('SELECT id FROM enc.s'), 's_ssn', 'a policy by index');
SELECT results_eq('SELECT id, name FROM enc.s', 'VALUES (77, ''n0'')', 'by a policy');
SELECT results_eq('SELECT id FROM enc.s WHERE plain = ''s78''', 'SELECT 1 WHERE false', 'and no other row');
RESET ROLE;

-- partitions that cannot hold what is looked for are not read
SET LOCAL ROLE nae_all;
SELECT twin($$CREATE TABLE l (id int, d {det_text}) PARTITION BY LIST (d)$$);
SELECT twin($$CREATE TABLE l$$ || i || $$ PARTITION OF l FOR VALUES IN ('d$$ || i || ''')') FROM generate_series(1, 4) i;
SELECT twin($$CREATE TABLE h (id int, d {det_text}) PARTITION BY HASH (d)$$);
SELECT twin($$CREATE TABLE h$$ || i || $$ PARTITION OF h FOR VALUES WITH (MODULUS 4, REMAINDER $$ || i || ')') FROM generate_series(0, 3) i;
SELECT twin($$INSERT INTO l SELECT i, 'd' || i % 4 + 1 FROM generate_series(1, 40) i; INSERT INTO h SELECT i, 'd' || i FROM generate_series(1, 40) i$$);
SET LOCAL search_path = enc, tap, public;
CREATE FUNCTION tap.read_partitions(query text) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM regexp_split_to_table(plan_of(query, 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF'), '\n') line WHERE line ~ 'Scan on [lh]\d' AND line !~ 'never executed' $$;
SELECT is(read_partitions(q), n::bigint, 'partitions read: ' || q) FROM (VALUES ('SELECT * FROM l WHERE d = ''d3''', 1), ('SELECT * FROM h WHERE d = ''d3''', 1), ('SELECT * FROM l WHERE d = ''q''', 0), ('SELECT * FROM l', 4), ('SELECT * FROM l WHERE d > ''d3''', 4)) v (q, n);
PREPARE pruned (text) AS SELECT id FROM l WHERE d = $1;
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT is(read_partitions('EXECUTE pruned(''d2'')'), 1::bigint, 'partitions read: a generic plan');
SELECT same(q) FROM unnest(ARRAY['SELECT * FROM l WHERE d = ''d3''', 'SELECT * FROM l WHERE d IN (''d3'', ''d1'')', 'SELECT * FROM h WHERE d IN (''d3'', ''d1'')', 'SELECT l.id FROM l JOIN h ON l.d = h.d', 'SELECT h.id FROM h JOIN x ON h.d = x.plain']) q;

-- what indexes there can be
SELECT is(tap.answer('enc', ', tap, public', true, 'SELECT 1 AS done', true, s), want, s) FROM (VALUES ('CREATE INDEX ON x (ssn) WHERE ssn IS NOT NULL', '{"done":1}'), ('CREATE INDEX ON x (ssn) WHERE id > 5', '{"done":1}'), ('CREATE INDEX ON x (plain) INCLUDE (ssn, name)', '{"done":1}'), ('CREATE INDEX ON x (ssn DESC NULLS LAST)', '{"done":1}'), ('CREATE UNIQUE INDEX ON x (uid, ssn)', '{"done":1}'), ('CREATE STATISTICS st ON ssn, grp FROM x; ANALYZE x', '{"done":1}'),
  ('CREATE INDEX ON x (ssn) WHERE grp = 1', '0A000'), ('CREATE INDEX ON x (upper(ssn))', '0A000'), ('CREATE INDEX ON x ((ssn::text))', '0A000'), ('CREATE INDEX ON x USING brin (ssn)', '42704'), ('CREATE INDEX ON x USING gist (ssn)', '42704'), ('CREATE INDEX ON x (ssn text_pattern_ops)', '42804'), ('CREATE UNIQUE INDEX ON x (grp)', '23505'), ('CREATE INDEX ON x (name)', '0A000')) v (s, want);

-- EXPLAIN asks nobody: whom the policy denies everything sees the plan, and not one row
RESET ROLE;
GRANT SELECT ON ALL TABLES IN SCHEMA enc TO PUBLIC;
CREATE FUNCTION tap.denied(who text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; n bigint;
BEGIN
  PERFORM set_config('role', who, true);
  BEGIN
    result := CASE WHEN plan_of(query) ~ 'Scan' THEN 'planned' END;
    EXECUTE 'SELECT count(s.*::text) FROM (' || query || ') s' INTO n;
    result := result || ' and read';
  EXCEPTION WHEN OTHERS THEN result := concat_ws(', ', result, SQLSTATE);
  END;
  PERFORM set_config('role', 'none', true);
  RETURN result;
END $$;
SELECT is(denied(r, q), 'planned, NE001', r || ': ' || q) FROM unnest(ARRAY['nae_stranger', 'none']) r, unnest(ARRAY['SELECT id FROM enc.x WHERE ssn = ''s5''', 'SELECT id FROM enc.x WHERE ssn IN (''s5'', ''s6'')', 'SELECT id FROM enc.x WHERE day = ''2003-03-03'' AND grp = 3', 'SELECT name FROM enc.x', 'SELECT a.id FROM enc.x a JOIN enc.x b ON a.ssn = b.plain',
  'SELECT max(name) FROM enc.x GROUP BY grp', 'SELECT id FROM enc.x WHERE name LIKE ''n%''', 'SELECT id FROM enc.l WHERE d = ''d3''', 'SELECT id FROM enc.x ORDER BY ssn LIMIT 1', 'SELECT id FROM enc.x WHERE ssn = (SELECT plain FROM enc.x y WHERE y.id = 3)']) q;

SELECT * FROM finish();
ROLLBACK;
