-- Search indexes by buckets: refusals, plans, each way to write, rotation; and ranges drawn at random, with and without the index, for
-- each kind of role. They are made by a procedure that commits: nothing here is in one transaction.
SET client_min_messages = error;
SET jit = off;  -- which the cost of a sequential scan that is switched off would bring
DROP SCHEMA IF EXISTS buckets CASCADE;
CREATE SCHEMA buckets AUTHORIZATION nae_all;
GRANT USAGE ON SCHEMA buckets TO PUBLIC;
SET ROLE nae_all;
SET search_path = buckets, public;
SELECT no_plan();
SELECT setseed(0.20261130);
CREATE TABLE wide (id int PRIMARY KEY, d nae.enc_date('col-rnd'), ts nae.enc_timestamp('col-rnd'), tz nae.enc_timestamptz('col-rnd'), i2 nae.enc_int2('col-rnd'),
  i4 nae.enc_int4('col-rnd'), i8 nae.enc_int8('col-rnd'), num nae.enc_numeric('col-rnd', 'context=money'), f4 nae.enc_float4('col-rnd'), f8 nae.enc_float8('col-rnd'),
  det nae.enc_det_int4('col-det'), note nae.enc_text('col-rnd'), moment nae.enc_time('col-rnd'), plain date);
CREATE TYPE bound AS (day date, number numeric);
-- Where values are, close to each other; and every so often one that is far off.
CREATE FUNCTION draw() RETURNS bound LANGUAGE plpgsql VOLATILE AS $$
DECLARE day date; number numeric;
BEGIN
  day := CASE floor(random() * 12)::int WHEN 0 THEN (ARRAY['infinity', '-infinity', '0044-03-15 BC', '1899-12-31', '1900-01-01', '2099-12-31', '2100-01-01', '5874897-01-01', '2000-02-29']::date[])[1 + floor(random() * 9)::int]
    WHEN 1 THEN '1850-01-01'::date + floor(random() * 100000)::int ELSE '1990-01-01'::date + floor(random() * 700)::int END;
  number := CASE floor(random() * 12)::int WHEN 0 THEN (ARRAY[0, -1, 0.0000001, -0.0000001, 'NaN', 'Infinity', '-Infinity', 32767, -32768, 999999999999999, 1e15, -1e15, 2147483647, 1e300])[1 + floor(random() * 14)::int]
    WHEN 1 THEN round((random() * 10 - 5)::numeric, 4) ELSE round((1000 + random() * 200)::numeric, 2) END;
  RETURN (day, number);
END $$;
CREATE FUNCTION within(number numeric, most numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$SELECT CASE WHEN number = 'NaN' THEN 0 ELSE greatest(-most - 1, least(most, round(number))) END$$;
CREATE FUNCTION at(day date) RETURNS timestamp LANGUAGE sql VOLATILE AS $$SELECT CASE WHEN day IN ('infinity', '-infinity') OR day > '294000-01-01' THEN day::text::date::timestamp ELSE day + random() * interval '1 day' END$$;
CREATE FUNCTION far(day date) RETURNS date LANGUAGE sql IMMUTABLE AS $$SELECT CASE WHEN day <> 'infinity' THEN least(day, '294276-12-30') ELSE day END$$;
CREATE FUNCTION narrow(number numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$SELECT CASE WHEN number NOT IN ('NaN', 'Infinity', '-Infinity') THEN greatest(-1e38, least(1e38, number)) ELSE number END$$;
INSERT INTO wide (id, d, ts, tz, i2, i4, i8, num, f4, f8)
  SELECT i, v.day, at(far(v.day)), at(far(v.day)) AT TIME ZONE 'UTC', within(v.number, 32767), within(v.number, 2147483647), within(v.number, 9223372036854775807), v.number, narrow(v.number), v.number
  FROM (SELECT i, (draw()).* FROM generate_series(1, 150) AS i) AS v(i, day, number);
INSERT INTO wide (id) VALUES (1000);
CREATE TABLE bare (LIKE wide);
INSERT INTO bare SELECT * FROM wide;
CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; result text := '';
BEGIN FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP result := result || line || E'\n'; END LOOP; RETURN result; END $$;
CREATE FUNCTION run_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; result text := '';
BEGIN FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP result := result || line || E'\n'; END LOOP; RETURN result; END $$;

-- refusals
CREATE FUNCTION refused(col text, unit text, ratio numeric, bits int, state text, message text, what text) RETURNS text LANGUAGE sql AS
  $$SELECT throws_ok(format('SELECT nae_internal.begin_search(''wide'', %L, ''bucket'', NULL, %L, NULL, 1000, %L, %L)', col, bits, unit, ratio), state, message, what)$$;
SELECT refused('note', NULL, NULL, 16, '0A000', 'values of type text are not searched by ranges', 'a text');
SELECT refused('moment', NULL, NULL, 16, '0A000', 'values of type time without time zone are not searched by ranges', 'a time of the day');
SELECT refused('plain', NULL, NULL, 16, '42809', 'column "plain" of buckets.wide is not encrypted', 'a plain column');
SELECT refused('det', NULL, NULL, 16, '0A000', 'column "det" of buckets.wide is deterministic', 'a deterministic column');
SELECT refused('d', NULL, 1.02, 16, '22023', 'buckets of type date have no ratio', 'dates by ratio');
SELECT refused('num', 'month', NULL, 16, '22023', 'buckets of type numeric have no unit', 'numbers by unit');
SELECT refused('d', 'hour', NULL, 16, '22023', 'there is no search by bucket(unit=hour, bits=16)', 'an unknown unit');
SELECT refused('d', '', NULL, 16, '22023', 'there is no search by bucket(unit=, bits=16)', 'no unit at all');
SELECT refused('num', NULL, r, 16, '22023', format('there is no search by bucket(ratio=%s, bits=16)', r), 'ratio ' || r) FROM unnest(ARRAY[1.05, 1, 2, 0, -1.02, 1.0005, 'NaN', 'Infinity']::numeric[]) AS r;
SELECT refused('d', 'month', NULL, b, '22023', format('there is no search by bucket(unit=month, bits=%s)', b), b || ' bits') FROM unnest(ARRAY[11, 33, -1]) AS b;
SELECT throws_ok($$SELECT nae_internal.begin_search('wide', 'd', 'bucket', 4, 16, NULL, 1000)$$, '22023', 'a search by bucket has no letters to choose', 'letters');
SELECT throws_ok($$SELECT nae_internal.begin_search('wide', 'note', 'word', NULL, 16, NULL, 1000, 'month')$$, '22023', 'a search by word has no unit and no ratio', 'a unit of another kind');
SELECT throws_ok($$SELECT nae_internal.begin_search('wide', 'd', 'whole', NULL, 16, NULL, 1000)$$, '0A000', 'values of type date are not searched by their parts', 'another kind of a date');

-- made
CALL nae.add_search('buckets.wide', 'd', 'bucket', unit => 'week', batch_size => 100);
CALL nae.add_search('buckets.wide', 'ts', 'bucket');
CALL nae.add_search('buckets.wide', 'tz', 'bucket', unit => 'quarter', bits => 12);
CALL nae.add_search('buckets.wide', 'i2', 'bucket');
CALL nae.add_search('buckets.wide', 'i4', 'bucket', ratio => 1.010);
CALL nae.add_search('buckets.wide', 'i8', 'bucket', ratio => 1.049, bits => 32);
CALL nae.add_search('buckets.wide', 'num', 'bucket', ratio => 1.001);
CALL nae.add_search('buckets.wide', 'f4', 'bucket');
CALL nae.add_search('buckets.wide', 'f8', 'bucket');
SELECT set_eq($$SELECT column_name::text, kind, declaration, is_complete FROM nae.search_index WHERE relation = 'wide'::regclass$$,
  $$VALUES ('d', 'bucket', 'bucket(unit=week, bits=16)', true), ('ts', 'bucket', 'bucket(unit=month, bits=16)', true), ('tz', 'bucket', 'bucket(unit=quarter, bits=12)', true), ('i2', 'bucket', 'bucket(ratio=1.02, bits=16)', true),
    ('i4', 'bucket', 'bucket(ratio=1.01, bits=16)', true), ('i8', 'bucket', 'bucket(ratio=1.049, bits=32)', true), ('num', 'bucket', 'bucket(ratio=1.001, bits=16)', true), ('f4', 'bucket', 'bucket(ratio=1.02, bits=16)', true),
    ('f8', 'bucket', 'bucket(ratio=1.02, bits=16)', true)$$, 'what there is');
SELECT is((SELECT count(*) FROM wide WHERE cardinality(d_search) <> 1 OR (d IS NULL) <> (d_search IS NULL)), 0::bigint, 'a code for each value, and none for NULL');
SELECT throws_ok($$SELECT nae_internal.begin_search('wide', 'd', 'bucket', NULL, 16, NULL, 1000, 'day')$$, '55000', 'column "d" of buckets.wide has a search index already: bucket(unit=week, bits=16)', 'two units on one column');
SELECT throws_ok($$SELECT nae_internal.begin_blind_index('wide', 'd', 'index-key', NULL, 'none', 1000)$$, '55000', NULL, 'a blind index beside one');

-- planned
SET enable_seqscan = off;
SELECT alike(plan_of('SELECT id FROM wide WHERE ' || condition), format('%%Index Cond: (%s OPERATOR(nae_internal.&&) %%', codes), condition)
  FROM (VALUES ('d BETWEEN ''1990-02-01'' AND ''1990-02-20''', 'd_search'), ('d >= ''1990-02-01'' AND d < ''1990-03-01''', 'd_search'), ('d = ''1990-02-01''', 'd_search'), ('''1990-02-01'' = d', 'd_search'),
    ('''1990-02-01'' <= d AND ''1990-03-01'' > d', 'd_search'), ('d > ''2095-01-01''', 'd_search'), ('d < ''1950-01-01''', 'd_search'), ('ts < ''1990-02-01''', 'ts_search'), ('ts > ''1990-02-01''', 'ts_search'),
    ('tz BETWEEN now() - interval ''1 year'' AND now()', 'tz_search'), ('i2 BETWEEN 1000 AND 1050', 'i2_search'), ('i4 BETWEEN 1000 AND 1050::bigint', 'i4_search'), ('i4 = 1000', 'i4_search'), ('i8 > 1000', 'i8_search'),
    ('num > 1000 AND num <= 1050.5', 'num_search'), ('f4 BETWEEN 1000 AND 1050', 'f4_search'), ('f8 BETWEEN 1000 AND 1050', 'f8_search'), ('f8 < -1000', 'f8_search'),
    ('id < 7 AND (d >= ''1990-02-01'' AND (d < ''1990-03-01'' AND i2 IS NOT NULL))', 'd_search'), ('d BETWEEN ''1990-02-01'' AND ''1990-02-20'' OR i2 BETWEEN 3 AND 5', 'd_search'), ('d = (SELECT max(plain) FROM bare)', 'd_search')) AS v(condition, codes);
SELECT unalike(plan_of('SELECT id FROM wide WHERE ' || condition), '%&&%', 'not ' || condition)
  FROM (VALUES ('d > ''1950-01-01'''), ('d < ''2050-01-01'''), ('num > 1000'), ('i4 > 0'), ('d <> ''1990-02-01'''), ('NOT (d < ''1950-01-01'')'), ('d BETWEEN ''1950-01-01'' AND plain'), ('d = plain'), ('d >= NULL'),
    ('d > ''2095-01-01''::timestamptz'), ('i4 = 5.5'), ('i4 + 1 = 5'), ('d IS NULL'),
    -- What may be another value when it is computed again.
    ('d = (SELECT plain FROM bare LIMIT 1)'), ('d = (SELECT plain FROM bare TABLESAMPLE BERNOULLI (50))'), ('d = (SELECT DISTINCT ON (id) plain FROM bare)'), ('f8 > (SELECT avg(id) FROM bare)')) AS v(condition);
SELECT is((SELECT count(*) FROM wide WHERE 0 = 0 OR i4 > 100 / 0), (SELECT count(*) FROM wide), 'a bound that nobody computes does not fail');
SELECT alike(plan_of('SELECT id FROM wide WHERE d BETWEEN ''1990-02-01'' AND ''1990-02-20'''), '%Filter: %>= %<= %', 'the condition stays');
SELECT alike(run_of('SELECT id FROM wide WHERE d BETWEEN ''1990-02-01'' AND ''1990-02-20'''), '%Search: d (bucket, 4 codes)%', 'EXPLAIN says by how many codes');
RESET ROLE;
CREATE FUNCTION asked(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE before bigint := (SELECT value::bigint FROM nae_stat_agent WHERE name = 'requests');
BEGIN EXECUTE statement; RETURN (SELECT value::bigint FROM nae_stat_agent WHERE name = 'requests') - before; END $$;
SELECT is(asked($$EXPLAIN SELECT id FROM buckets.wide WHERE d < '1930-01-01' AND i2 = 5$$), 0::bigint, 'EXPLAIN asks nobody');
GRANT EXECUTE ON FUNCTION asked TO PUBLIC; GRANT SELECT ON nae_stat_agent TO nae_all;
SET ROLE nae_all;
SELECT is(asked($$SELECT id FROM buckets.wide WHERE d > '5000-01-01' AND d < '4000-01-01' AND i2 IS NULL$$), 1::bigint, 'a range of any number of buckets is one request');
SELECT is(asked('SELECT id FROM buckets.wide WHERE ' || condition), 0::bigint, 'nobody is asked where nothing is within ' || condition)
  FROM (VALUES ('d >= (SELECT max(plain) FROM buckets.bare WHERE id < 0)'), ('d <= (SELECT max(plain) FROM buckets.bare WHERE id < 0)'),
    ('d BETWEEN ''1990-02-01'' AND (SELECT max(plain) FROM buckets.bare WHERE id < 0)')) AS v(condition);

-- ranges drawn at random
CREATE TABLE asked_for (n int PRIMARY KEY, what text, form int, low text, high text);
CREATE FUNCTION bound_of(what text, drawn bound) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT CASE what WHEN 'd' THEN drawn.day::text WHEN 'ts' THEN at(far(drawn.day))::text WHEN 'tz' THEN (at(far(drawn.day)) AT TIME ZONE 'UTC')::text WHEN 'i2' THEN within(drawn.number, 32767)::text
    WHEN 'i4' THEN within(drawn.number, 2147483647)::text WHEN 'i8' THEN within(drawn.number, 9223372036854775807)::text
    WHEN 'f4' THEN narrow(drawn.number)::text ELSE drawn.number::text END $$;
INSERT INTO asked_for SELECT n, what, n / 9 % 11, bound_of(what, draw()), CASE WHEN n % 41 > 0 THEN bound_of(what, draw()) END
  FROM (SELECT n, (ARRAY['d', 'ts', 'tz', 'i2', 'i4', 'i8', 'num', 'f4', 'f8'])[1 + n % 9] AS what FROM generate_series(1, 300) AS n) AS a;
CREATE FUNCTION type_of(what text) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$SELECT CASE what WHEN 'd' THEN 'date' WHEN 'ts' THEN 'timestamp' WHEN 'tz' THEN 'timestamptz' WHEN 'i2' THEN 'int2' WHEN 'i4' THEN 'int4' WHEN 'i8' THEN 'int8' WHEN 'num' THEN 'numeric' WHEN 'f4' THEN 'float4' ELSE 'float8' END$$;
CREATE FUNCTION condition(q asked_for, low text, high text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT format((ARRAY['%1$s BETWEEN %2$s AND %3$s', '%1$s >= %2$s AND %1$s < %3$s', '%1$s > %2$s', '%1$s <= %3$s', '%1$s = %2$s', '%2$s < %1$s AND %3$s >= %1$s', '%1$s BETWEEN %2$s AND %3$s OR %1$s = %2$s',
    'NOT (%1$s < %2$s)', '%1$s BETWEEN SYMMETRIC %2$s AND %3$s', '%1$s < %3$s AND (%1$s > %2$s AND id > 7)', '%1$s > %2$s AND %1$s > %3$s'])[1 + q.form], q.what, low, high) $$;
CREATE FUNCTION answer(relation text, q asked_for, by_parameter boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text; kind text := buckets.type_of(q.what);
BEGIN
  IF by_parameter THEN
    EXECUTE format('SELECT string_agg(id::text, '','' ORDER BY id) FROM buckets.%I WHERE %s', relation, buckets.condition(q, '$1::' || kind, '$2::' || kind)) INTO found USING q.low, q.high;
  ELSE
    EXECUTE format('SELECT string_agg(id::text, '','' ORDER BY id) FROM buckets.%I WHERE %s', relation, buckets.condition(q, format('%L::%s', q.low, kind), format('%L::%s', q.high, kind))) INTO found;
  END IF;
  RETURN coalesce(found, 'none');
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
CREATE FUNCTION differing(first int, last int, by_parameter boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE q buckets.asked_for; bare text; wide text; wrong text := '';
BEGIN
  FOR q IN SELECT * FROM buckets.asked_for WHERE n BETWEEN first AND last LOOP
    bare := buckets.answer('bare', q, by_parameter);
    wide := buckets.answer('wide', q, by_parameter);
    IF bare <> wide THEN
      wrong := wrong || format('%s: %s, not %s; ', buckets.condition(q, coalesce(q.low, 'NULL'), coalesce(q.high, 'NULL')), left(wide, 60), left(bare, 60));
    END IF;
  END LOOP;
  RETURN wrong;
END $$;
CREATE FUNCTION found() RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM buckets.asked_for AS q WHERE buckets.answer('wide', q, false) ~ '^\d+(,|$)'$$;
CREATE FUNCTION by_codes() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE q buckets.asked_for; served bigint := 0;
BEGIN
  FOR q IN SELECT * FROM buckets.asked_for LOOP
    IF buckets.plan_of(format('SELECT id FROM buckets.wide WHERE %s', buckets.condition(q, format('%L::%s', q.low, buckets.type_of(q.what)), format('%L::%s', q.high, buckets.type_of(q.what))))) LIKE '%&&%' THEN served := served + 1; END IF;
  END LOOP;
  RETURN served;
END $$;
RESET ROLE;
GRANT SELECT ON ALL TABLES IN SCHEMA buckets TO PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA buckets TO PUBLIC;
SET ROLE nae_all;
SELECT cmp_ok(by_codes(), '>', 150::bigint, 'most ranges are served by codes');
SELECT cmp_ok(found(), '>', 100::bigint, 'and many find something');
SELECT is(differing(1, 300, false), '', 'who may search: constants');
SELECT is(differing(1, 150, true), '', 'who may search: parameters');
SET plan_cache_mode = force_generic_plan;
SELECT is(differing(151, 300, true), '', 'who may search: generic plans');
RESET plan_cache_mode;
RESET ROLE; SET ROLE nae_reader; SELECT is(differing(1, 99, false), '', 'who reads');
RESET ROLE; SET ROLE nae_masked; SELECT is(differing(1, 99, false), '', 'who sees masks'); SELECT is(differing(1, 99, true), '', 'who sees masks: parameters');
RESET ROLE; SET ROLE nae_nulled; SELECT is(differing(1, 99, false), '', 'who sees NULL');
RESET ROLE; SET ROLE nae_cipher; SELECT is(differing(1, 99, false), '', 'who sees ciphertexts');
RESET ROLE; SET ROLE nae_writer; SELECT throws_ok($$SELECT id FROM buckets.wide WHERE d = '1990-02-01'$$, 'NE001', NULL, 'who may not read, is refused as without an index');
RESET ROLE; SET ROLE nae_all;

-- each way to write keeps codes = codes(value)
CREATE FUNCTION wrong() RETURNS bigint LANGUAGE sql AS $$SELECT sum(stored - authentic)::bigint FROM nae.verify_table('wide', authenticate => true) WHERE column_name LIKE '%\_search'$$;
SELECT is(wrong(), 0::bigint, 'as made');
INSERT INTO wide (id, d, num) VALUES (2001, '2001-01-01', 2001);
INSERT INTO wide (id, d, num) SELECT 2100 + i, '2001-01-01'::date + i, 2001 + i FROM generate_series(1, 30) AS i;
INSERT INTO wide (id, d) VALUES (2001, '2002-02-02'), (2002, '2002-02-02') ON CONFLICT (id) DO UPDATE SET d = EXCLUDED.d;
MERGE INTO wide USING (VALUES (2003, '2002-02-02'::date), (2002, '2002-02-03')) AS v(id, d) ON wide.id = v.id
  WHEN MATCHED THEN UPDATE SET d = v.d WHEN NOT MATCHED THEN INSERT (id, d) VALUES (v.id, v.d);
UPDATE wide SET f8 = f8 + 1 WHERE id <= 200 AND f8 BETWEEN -1e6 AND 1e6;
UPDATE wide SET tz = tz - interval '1 month', i2 = NULL WHERE id BETWEEN 100 AND 150;
COPY wide (id, d, num) FROM stdin;
3001	2002-02-02	17.5
3002	infinity	NaN
3003	0044-03-15 BC	-0.00
\.
SELECT is(wrong(), 0::bigint, 'INSERT, upsert, MERGE, UPDATE, COPY');
SELECT is((SELECT array_agg(id ORDER BY id) FROM wide WHERE d BETWEEN '2002-02-01' AND '2002-02-05'), ARRAY[2001, 2002, 2003, 3001], 'found');
SELECT is((SELECT array_agg(id ORDER BY id) FROM wide WHERE num = 0 AND id > 3000), ARRAY[3003], '-0.00 is 0');

-- an index that is not complete is not used, and rotation makes it anew
UPDATE wide SET d = NULL WHERE id = 3003;
SELECT is((SELECT d_search FROM wide WHERE id = 3003), NULL, 'NULL has no code');
ALTER TABLE wide DROP CONSTRAINT d_search_complete;
SELECT unalike(plan_of('SELECT id FROM wide WHERE d = ''1990-02-01'''), '%&&%', 'without its CHECK no statement goes by the codes');
RESET enable_seqscan;
SELECT is((SELECT count(*) FROM nae_internal.lint_searches() WHERE object = 'column buckets.wide.d_search' AND finding LIKE 'is not complete%'), 1::bigint, 'which nae.lint() tells');
CALL nae.rotate_search('buckets.wide', 'd');
SET enable_seqscan = off;
SELECT alike(plan_of('SELECT id FROM wide WHERE d = ''1990-02-01'''), '%Index Cond: (d_search OPERATOR(nae_internal.&&) %', 'coded anew it is used again');
SELECT is(wrong(), 0::bigint, 'with the codes of its values');
SELECT is((SELECT array_agg(id ORDER BY id) FROM wide WHERE d BETWEEN '2002-02-01' AND '2002-02-05'), ARRAY[2001, 2002, 2003, 3001], 'by which the same is found');
RESET enable_seqscan;
SELECT is_empty($$SELECT * FROM nae_internal.lint_searches() WHERE object LIKE 'column buckets.wide.%\_search'$$, 'and nae.lint() has nothing to say');
SELECT lives_ok($$SELECT nae.drop_search('wide', 'i4')$$, 'dropped');
SELECT hasnt_column('buckets', 'wide', 'i4_search', 'with its codes');
RESET ROLE;
SELECT * FROM finish();
DROP SCHEMA buckets CASCADE;
