-- Encrypted columns where PostgreSQL takes any type: casts, JSON, format, arrays, rows, and what joins, views and
-- sub-selects hand on.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(122);

-- casts
SELECT same($$SELECT id, ssn::text, ssn::varchar, ssn::varchar(3), ssn::char(3), name::text, name::varchar, CAST(name AS name) FROM p$$);
SELECT same($$SELECT id, pay::text, age::text, grp::text, big::text FROM p$$);
SELECT same($$SELECT id, pay::numeric(5,1) FROM p$$);
SELECT same($$SELECT id, born::text, seen::text, uid::text, raw::text, doc::text FROM p$$);
SELECT same($$SELECT id, substr(ssn, 3)::int FROM p$$);
SELECT same($$SELECT id, ssn || name, ssn || 1, 'x' || name, pay * 2, age + grp, age / 2, -age, abs(age), big % 7 FROM p WHERE id < 20$$);
SELECT same($$SELECT id, length(ssn), upper(name), substring(ssn FROM 3), position('s' IN ssn), overlay(ssn PLACING 'x' FROM 1), trim(name), md5(ssn), ascii(ssn) FROM p$$);
SELECT same($$SELECT id, born + 1, born - DATE '1970-01-01', extract(year FROM born), date_trunc('day', seen) FROM p$$);
SELECT same($$SELECT id, age(seen, seen) FROM p$$);
SELECT same($$SELECT id, seen AT TIME ZONE 'UTC', seen + INTERVAL '1 day', extract(epoch FROM seen) FROM p$$);
SELECT same($$SELECT id, doc -> 'n', doc ->> 't', doc #>> ARRAY['t'], doc @> '{"n": 1}', doc ? 'n', jsonb_typeof(doc) FROM p$$);
SELECT same($$SELECT id, doc || doc FROM p$$);
SELECT same($$SELECT id, doc - 'n'::text FROM p$$);
SELECT same($$SELECT id, k, v FROM p, jsonb_each_text(doc) AS e (k, v) WHERE id < 5$$);
SELECT same($$SELECT id, x FROM p, jsonb_to_record(doc) AS e (x int, n int)$$);
SELECT same($$SELECT id, jsonb_path_query_first(doc, '$.n') FROM p$$);
SELECT same($$SELECT id, length(raw), encode(raw, 'base64'), get_byte(raw, 0), sha256(raw) FROM p$$);
SELECT same($$SELECT id, raw || raw FROM p$$);
SELECT same($$SELECT id, round(pay), round(pay, 1), trunc(pay), pay ^ 2, sqrt(pay), to_char(pay, '999.99') FROM p$$);
SELECT same($$SELECT id, greatest(pay, 50.0) FROM p$$);
SELECT same($$SELECT id, sqrt(age * age) FROM p$$);
SELECT same($$SELECT id, generate_series(1, grp) FROM p$$);
SELECT same($$SELECT id, to_char(age, '999') FROM p$$);
SELECT same($$SELECT id, NOT ok, ok AND grp = 1, CASE WHEN ok THEN 1 END FROM p$$);
SELECT same($$SELECT id, split_part(ssn, '-', 2), regexp_replace(name, 'n', 'N'), string_to_array(name, ' '), reverse(ssn), repeat(town, 2), left(name, 3), starts_with(ssn, 's') FROM p$$);
SELECT same($$SELECT id, ssn ~ '3', regexp_matches(ssn, '(\d)'), quote_literal(name), quote_nullable(name), quote_ident(ssn), hashtext(ssn) FROM p WHERE id < 12$$);
SELECT same($$SELECT id, pg_typeof(ssn::text), pg_typeof(ssn || ''), num_nulls(ssn, name, age), num_nonnulls(ssn) FROM p$$);
SELECT same($$SELECT id, pay::int, grp::numeric, big::numeric FROM p$$);
SELECT same($$SELECT id, pay::float8, age::int8, age::float8, grp::int8, grp::int2, pay::int2, pay::int8, age::float4, big::float8 FROM p$$);
SELECT same($$SELECT id, big::int FROM p WHERE id < 3$$);
SELECT same($$SELECT id, big::int FROM p$$, error => '22003');
SELECT same($$SELECT id, ok::text, ok::int, ok::text || 'x' AS x, ok || 'x' AS y, town || ok FROM p$$);
SELECT same($$SELECT id, born::timestamp, seen::date, born::timestamptz AS b, seen::timestamp AS s, seen::time AS t, seen::timetz AS z FROM p$$);
SELECT same($$SELECT id, doc || '{"a": 1}' FROM p$$);
SELECT same($$SELECT id, raw || '\x00' FROM p$$);
SELECT same($$SELECT id, 'x' || id || raw, name || age, age || name, ssn || born, name || doc, name || raw FROM p$$);

-- functions that take any type
SELECT same($$SELECT id, to_json(ssn), to_jsonb(name), to_json(pay), to_jsonb(doc), to_json(ok), to_json(born), to_jsonb(seen) FROM p$$);
SELECT same($$SELECT id, json_build_object('a', ssn, ssn, 1), jsonb_build_object('n', name, 'd', doc), json_build_array(ssn, pay, ok), jsonb_build_array(name) FROM p WHERE ssn IS NOT NULL$$);
SELECT same($$SELECT row_to_json(p) FROM p$$);
SELECT same($$SELECT to_jsonb(p) FROM p$$);
SELECT same($$SELECT to_json(t.*) FROM p t$$);
SELECT same_order($$SELECT json_agg(p ORDER BY id), jsonb_agg(p.* ORDER BY id) FROM p$$);
SELECT same_order($$SELECT json_agg(s) FROM (SELECT ssn, name FROM p ORDER BY id) s$$);
SELECT same($$SELECT row_to_json(s) FROM (SELECT id, ssn, name AS n FROM p) s$$);
SELECT same($$SELECT row_to_json(ROW(ssn, name, 1)) FROM p$$);
SELECT same($$SELECT row_to_json(s)->>'ssn' FROM p s$$);
SELECT same($$SELECT json_build_object('row', p) FROM p$$);
SELECT same($$SELECT (SELECT row_to_json(s) FROM (SELECT p.ssn, p.name) s) FROM p$$);
SELECT same($$SELECT row_to_json(s) FROM (SELECT id, (SELECT json_agg(q.name ORDER BY q.id) FROM p q WHERE q.town = p.town) AS names FROM p) s$$);
SELECT same($$SELECT json_agg(json_build_object('ssn', ssn) ORDER BY id) FROM p$$);
SELECT same($$SELECT json_object_agg(id, p ORDER BY id) FROM p$$);
SELECT same($$SELECT format('%s %s %L', ssn, name, pay), concat(ssn, name, pay, ok), concat_ws(',', ssn, name, age, born) FROM p$$);
SELECT same($$SELECT format('%I', ssn) FROM p WHERE ssn IS NOT NULL$$);
SELECT same($$SELECT format(ssn || '%s', name), concat(VARIADIC ARRAY[ssn, name::text]) FROM p$$);
SELECT same($$SELECT concat(p) FROM p$$);
SELECT same($$SELECT p::text FROM p$$);
SELECT same($$SELECT p FROM p$$);
SELECT same($$SELECT t FROM p t WHERE t.ssn = 's-3'$$);
SELECT same($$SELECT ROW(ssn, name), ROW(p.*), (id, ssn) FROM p$$);
SELECT same($$SELECT (p).ssn, (p.*).name FROM p$$);
SELECT same($$SELECT ((SELECT q FROM p q WHERE q.id = p.id)).name FROM p$$);
SELECT same($$SELECT s FROM (SELECT id, ssn FROM p) s$$);
SELECT same($$SELECT (s.r).ssn FROM (SELECT p AS r FROM p) s$$);
SELECT same($$SELECT s.r, row_to_json(s.r) FROM (SELECT p AS r FROM p) s$$);
SELECT same($$SELECT count(p), count(p.*), count(DISTINCT p.id) FROM p$$);
SELECT same($$SELECT p IS NULL, p IS NOT NULL FROM p$$);
SELECT same($$SELECT id FROM p t WHERE t::text LIKE '%name 3%'$$);
SELECT same($$SELECT a.id, b FROM p a LEFT JOIN p b ON b.ssn = a.plain$$);
SELECT same($$SELECT row_to_json(b) FROM p a LEFT JOIN p b ON b.ssn = a.plain$$);
SELECT same($$SELECT ARRAY[ssn, name::text], ARRAY[ssn, 'x'], ARRAY[name], ARRAY[age, 1], ARRAY[pay] FROM p$$);
SELECT same($$SELECT ARRAY[ssn, plain] @> ARRAY['s-4'], 's-3' = ANY (ARRAY[ssn, plain]), array_length(ARRAY[ssn, town], 1) FROM p$$);
SELECT same($$SELECT array_append(ARRAY['x'], ssn), array_prepend(ssn, ARRAY['x']), ARRAY['x'] || ssn FROM p$$);
SELECT same($$SELECT array_append(ARRAY['x'], ssn::text), ARRAY['x'] || ssn::text, array_to_string(ARRAY[ssn, town], ',') FROM p$$);
SELECT same_order($$SELECT array_to_string(array_agg(ssn ORDER BY id), ','), array_length(array_agg(name), 1) FROM p$$);
SELECT same($$SELECT unnest(ARRAY[ssn, town]) FROM p$$);
SELECT same($$SELECT u FROM (SELECT array_agg(ssn) AS a FROM p) s, unnest(s.a) u WHERE u > 's-3'$$);
SELECT same($$SELECT (array_agg(ssn ORDER BY id))[3], (array_agg(name ORDER BY id))[1:2] FROM p$$);
SELECT same($$SELECT ARRAY(SELECT name FROM p ORDER BY id), ARRAY(SELECT ssn FROM p ORDER BY id)::text$$);
SELECT same($$SELECT xmlelement(name x, ssn), xmlforest(name AS n, age) FROM p$$);
SELECT same($$SELECT quote_literal(age), to_char(big, '9'), int4range(age, age + 5), daterange(born, born + 1), numrange(pay, NULL) FROM p$$);
SELECT same($$SELECT id, age BETWEEN 1 AND 5 FROM p$$);
SELECT same($$SELECT id, isempty(int4range(grp, grp)) FROM p$$);
SELECT same($$SELECT lower(x) FROM (SELECT COALESCE(ssn, 'N') AS x FROM p) s$$);

-- joins
SELECT same($$SELECT a.id, b.id FROM p a JOIN p b ON a.ssn = b.ssn$$);
SELECT same($$SELECT a.id, b.id FROM p a JOIN p b ON a.ssn = b.plain$$);
SELECT same($$SELECT a.id, b.id FROM p a JOIN p b ON a.name = b.name WHERE a.id < 5$$);
SELECT same($$SELECT a.id, b.id FROM p a JOIN p b ON a.name = b.town OR a.ssn = b.plain$$);
SELECT same($$SELECT town, a.id, b.id FROM p a JOIN p b USING (town) WHERE a.id < 4$$);
SELECT same($$SELECT name, a.id, b.id FROM p a JOIN p b USING (name) WHERE a.id < 4$$);
SELECT same($$SELECT * FROM (SELECT ssn, id FROM p) a NATURAL JOIN (SELECT ssn, name FROM p) b$$);
SELECT same($$SELECT ssn, a.id, b.x FROM p a FULL JOIN (SELECT plain AS ssn, id AS x FROM p) b USING (ssn)$$);
SELECT same($$SELECT ssn, a.id, b.x FROM p a RIGHT JOIN (SELECT town AS ssn, id AS x FROM p) b USING (ssn)$$);
SELECT same($$SELECT ssn, a.id, b.x FROM p a FULL JOIN (SELECT ssn, id + 1 AS x FROM p WHERE id < 9) b USING (ssn)$$);
SELECT same($$SELECT a.id FROM p a WHERE NOT EXISTS (SELECT FROM p b WHERE b.plain = a.ssn)$$);
SELECT same($$SELECT a.id, l.name FROM p a, LATERAL (SELECT name FROM p b WHERE b.town = a.town ORDER BY name, id LIMIT 1) l$$);
SELECT same($$SELECT a.id, l FROM p a, LATERAL (SELECT a.ssn AS x, a.name || 'y' AS y) l$$);
SELECT same($$SELECT a.id, x FROM p a, LATERAL upper(a.name) x$$);
SELECT same($$SELECT id, v.x, v.y FROM p, LATERAL (VALUES (ssn, 1), ('c', 2)) v (x, y)$$);
SELECT same($$SELECT a.id, v.x FROM p a JOIN (VALUES ('s-3', 1), ('s-4', 2)) v (ssn, x) ON a.ssn = v.ssn$$);
SELECT same($$SELECT a.id, v.x FROM p a JOIN (VALUES ('name 3', 1), ('name 4', 2)) v (name, x) USING (name)$$);
SELECT same($$SELECT a.id, b.id FROM p a JOIN p b ON a.grp = b.age$$);
SELECT same($$SELECT a.id, b.id FROM p a JOIN p b ON a.grp = b.id$$);
SELECT same($$SELECT a.id, b.id FROM p a JOIN p b ON a.age = b.id$$);
SELECT same($$SELECT a.id, b.id FROM p a JOIN p b ON a.big = b.age$$);
SELECT same($$SELECT a.id, b.id FROM p a JOIN p b ON a.pay = b.id$$);
SELECT same($$WITH a AS (SELECT id, ssn FROM p), b AS (SELECT plain FROM p) SELECT a.ssn FROM a JOIN b ON a.ssn = b.plain$$);
SELECT same($$SELECT s.ssn FROM (SELECT ssn FROM p OFFSET 0) s WHERE s.ssn = 's-3'$$);
SELECT same($$SELECT (SELECT name FROM p q WHERE q.ssn = p.ssn), (SELECT max(q.name) FROM p q WHERE q.town = p.town) FROM p$$);

SELECT same($$SELECT doc::json FROM p$$);

-- where PostgreSQL finds no operator, function or cast: by a cast to the plaintext type
SELECT refused('SELECT age::date FROM p', '42846', 'cannot cast type nae.enc_int4 to date');
SELECT same('SELECT age::bool, (doc -> ''n'')::int FROM p');
SELECT same($$SELECT doc['n'], doc['t'], id FROM p WHERE doc['n'] = '3'$$);
SELECT same($$SELECT to_char(born, 'YYYY') FROM p$$);
SELECT same($$SELECT age * 1.5 FROM p$$);
SELECT same($$SELECT age + pay FROM p$$);
SELECT refused('SELECT age <@ int4range(0, 50) FROM p', '42883', 'operator does not exist: nae.enc_int4 <@ int4range');
SELECT same($$SELECT greatest(pay, age) FROM p$$);
SELECT same($$SELECT id, doc::jsonb::json, doc::jsonb AS plain, (doc::jsonb)['n'], age::int4::bool FROM p$$);
SELECT same($$SELECT id, age(seen::timestamptz, born::date), to_char(born::date, 'YYYY'), (born::date, born + 3) OVERLAPS (born + 2, born + 9) FROM p$$);
SELECT same($$SELECT id, greatest(pay::numeric, age::int4), greatest(pay, age::numeric), greatest(pay::numeric, 50) FROM p$$);
SELECT same($$SELECT id, power(grp::int4, 2), width_bucket(age::int4, 0, 80, 4), round(age::int4 / 2.0, 1), age::int4 * 1.5, grp::int4 * 2.5, age::int4 + pay FROM p$$);
SELECT same($$SELECT id, age::int4 <@ int4range(0, 50), born::date <@ daterange('1970-01-01', '1980-01-01'), int4range(0, 50) @> age::int4 FROM p$$);

SELECT * FROM finish();
ROLLBACK;
