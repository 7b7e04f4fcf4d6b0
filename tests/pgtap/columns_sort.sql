-- ORDER BY, GROUP BY, DISTINCT, windows, aggregates and set operations over encrypted columns.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(166);

-- ORDER BY
SELECT same_order($$SELECT ssn FROM p ORDER BY ssn$$);
SELECT same_order($$SELECT ssn FROM p ORDER BY ssn DESC$$);
SELECT same_order($$SELECT ssn FROM p ORDER BY ssn NULLS FIRST$$);
SELECT same_order($$SELECT ssn FROM p ORDER BY ssn DESC NULLS LAST$$);
SELECT same_order($$SELECT ssn FROM p ORDER BY 1 DESC$$);
SELECT same_order($$SELECT ssn AS s FROM p ORDER BY s$$);
SELECT same_order($$SELECT id FROM p ORDER BY ssn, id$$);
SELECT same_order($$SELECT id FROM p ORDER BY name, id DESC$$);
SELECT same_order($$SELECT id, name FROM p ORDER BY name DESC NULLS LAST, ssn$$);
SELECT same_order($$SELECT id FROM p ORDER BY town COLLATE "C", id$$);
SELECT same_order($$SELECT id, town FROM p ORDER BY length(town), town, id$$);
SELECT same_order($$SELECT id FROM p ORDER BY ssn || town, id$$);
SELECT same_order($$SELECT id FROM p ORDER BY pay, id$$);
SELECT same_order($$SELECT id, pay FROM p ORDER BY pay DESC, id$$);
SELECT same_order($$SELECT id FROM p ORDER BY -age, id$$);
SELECT same_order($$SELECT id FROM p ORDER BY grp, age, born, seen, uid, raw, big$$);
SELECT same_order($$SELECT id FROM p ORDER BY ok, id$$);
SELECT same_order($$SELECT id FROM p ORDER BY doc, id$$);
SELECT same_order($$SELECT id FROM p ORDER BY ok DESC, born DESC, id$$);
SELECT same_order($$SELECT * FROM p ORDER BY town, id LIMIT 5 OFFSET 7$$);
SELECT same_order($$SELECT name FROM p ORDER BY name LIMIT 5$$);
SELECT same_order($$SELECT name, id FROM p ORDER BY name, id FETCH FIRST 3 ROWS ONLY$$);
SELECT same($$SELECT name FROM p ORDER BY name FETCH FIRST 3 ROWS WITH TIES$$);
SELECT same_order($$SELECT s.* FROM (SELECT id, ssn FROM p ORDER BY ssn LIMIT 5) s$$);
SELECT same_order($$SELECT s.ssn FROM (SELECT id, ssn FROM p ORDER BY ssn DESC NULLS LAST LIMIT 5) s ORDER BY s.ssn$$);
SELECT same_order($$SELECT s.id FROM (SELECT id, name FROM p ORDER BY name, id LIMIT 5) s$$);
SELECT same_order($$WITH s AS (SELECT id, ssn FROM p ORDER BY ssn OFFSET 3) SELECT ssn FROM s$$);
SELECT same_order($$WITH s AS MATERIALIZED (SELECT id, ssn FROM p ORDER BY ssn OFFSET 3) SELECT ssn FROM s$$);
SELECT same_order($$SELECT (SELECT ssn FROM p ORDER BY ssn DESC NULLS LAST LIMIT 1), (SELECT max(name) FROM p)$$);
SELECT same_order($$SELECT id FROM p ORDER BY (SELECT q.ssn FROM p q WHERE q.id = p.id), id$$);
SELECT same_order($$SELECT id FROM p ORDER BY CASE WHEN id < 10 THEN ssn ELSE town END, id$$);
SELECT same_order($$SELECT id FROM p ORDER BY COALESCE(ssn, 'a'), id$$);
SELECT same_order($$SELECT id, ssn FROM p ORDER BY lower(ssn) DESC, id$$);
SELECT same_order($$SELECT id, ssn, ssn AS again FROM p ORDER BY again, ssn$$);
SELECT same_order($$SELECT ARRAY(SELECT ssn FROM p WHERE id < 9 ORDER BY ssn)$$);
SELECT same_order($$SELECT ARRAY(SELECT name FROM p WHERE id < 9 ORDER BY name DESC)$$);
SELECT same_order($$SELECT DISTINCT ON (name) id FROM p ORDER BY name, id$$);
SELECT same_order($$SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY age::float8) FROM p$$);
SELECT same($$SELECT name, rank() OVER (ORDER BY count(*), name) FROM p GROUP BY name$$);

-- DISTINCT
SELECT same($$SELECT DISTINCT town FROM p$$);
SELECT same($$SELECT DISTINCT name FROM p$$);
SELECT same_order($$SELECT DISTINCT town FROM p ORDER BY town$$);
SELECT same_order($$SELECT DISTINCT name FROM p ORDER BY name DESC$$);
SELECT same($$SELECT DISTINCT town, name, grp FROM p$$);
SELECT same($$SELECT DISTINCT ok, age > 5 FROM p$$);
SELECT same($$SELECT DISTINCT lower(town) FROM p$$);
SELECT same_order($$SELECT DISTINCT ON (town) town, id FROM p ORDER BY town, id$$);
SELECT same_order($$SELECT DISTINCT ON (town) id, ssn FROM p ORDER BY town, id$$);
SELECT same_order($$SELECT DISTINCT ON (name) name, id FROM p ORDER BY name, id DESC$$);
SELECT same($$SELECT DISTINCT ON (grp) grp FROM p$$);
SELECT same($$SELECT count(*) FROM (SELECT DISTINCT town FROM p) s$$);
SELECT same($$SELECT s.town FROM (SELECT DISTINCT town FROM p) s WHERE s.town > 'B'$$);
SELECT same_order($$SELECT count(DISTINCT town), count(DISTINCT name), count(DISTINCT pay), count(DISTINCT ok), count(DISTINCT doc), count(DISTINCT uid) FROM p$$);
SELECT same($$SELECT grp, count(DISTINCT name), count(DISTINCT town) FILTER (WHERE id < 20) FROM p GROUP BY grp$$);

-- GROUP BY
SELECT same($$SELECT town, count(*) FROM p GROUP BY town$$);
SELECT same_order($$SELECT town, count(*) FROM p GROUP BY town ORDER BY town$$);
SELECT same_order($$SELECT town, count(*) FROM p GROUP BY 1 ORDER BY 2, 1$$);
SELECT same_order($$SELECT count(*) FROM p GROUP BY town ORDER BY town DESC$$);
SELECT same($$SELECT name, count(*) FROM p GROUP BY name$$);
SELECT same_order($$SELECT name, count(*) FROM p GROUP BY name ORDER BY name$$);
SELECT same_order($$SELECT count(*) FROM p GROUP BY name ORDER BY name DESC$$);
SELECT same($$SELECT count(*) FROM p GROUP BY name$$);
SELECT same($$SELECT name || '!', count(*) FROM p GROUP BY name$$);
SELECT same($$SELECT upper(name), count(*) FROM p GROUP BY upper(name)$$);
SELECT same($$SELECT name, town, count(*) FROM p GROUP BY name, town$$);
SELECT same($$SELECT town, count(*) FROM p GROUP BY town HAVING town > 'B'$$);
SELECT same($$SELECT town FROM p GROUP BY town HAVING count(*) > 8$$);
SELECT same($$SELECT name, count(*) FROM p GROUP BY name HAVING name <> 'name 3' AND max(ssn) > 's-2'$$);
SELECT same($$SELECT town = 'Ulm', count(*) FROM p GROUP BY town$$);
SELECT same($$SELECT town = 'Ulm', count(*) FROM p GROUP BY town = 'Ulm'$$);
SELECT same($$SELECT name = 'name 3', count(*) FROM p GROUP BY name$$);
SELECT same($$SELECT name, count(*) FROM p WHERE id < 30 GROUP BY name HAVING name IN ('name 3', 'name 4')$$);
SELECT same($$SELECT town, name, grp, count(*) FROM p GROUP BY GROUPING SETS ((town), (name), (grp, town), ())$$);
SELECT same($$SELECT town, name, count(*), grouping(town, name) FROM p GROUP BY ROLLUP (town, name)$$);
SELECT same($$SELECT grp, ok, count(*) FROM p GROUP BY CUBE (grp, ok)$$);
SELECT same($$SELECT ssn, name FROM p GROUP BY id$$);
SELECT same($$SELECT id, p.ssn, count(*) FROM p JOIN (VALUES (1), (2)) v (x) ON true GROUP BY p.id$$);
SELECT same($$SELECT s.town, s.n FROM (SELECT town, count(*) AS n FROM p GROUP BY town) s WHERE s.n > 5$$);
SELECT same($$SELECT s.name, s.n FROM (SELECT name, count(*) AS n FROM p GROUP BY name) s WHERE s.name < 'name 5'$$);
SELECT same($$SELECT max(s.name), count(*) FROM (SELECT name, grp FROM p GROUP BY name, grp) s GROUP BY s.grp$$);
SELECT same($$SELECT grp, sum(pay), avg(pay), min(pay), max(pay), sum(age), avg(age), min(age), sum(big), max(big) FROM p GROUP BY grp$$);
SELECT same($$SELECT (grp), ok, born FROM p GROUP BY grp, ok, born$$);
SELECT same($$SELECT uid, doc -> 'n', count(*) FROM p GROUP BY uid, doc -> 'n'$$);
SELECT same($$SELECT doc, raw, count(*) FROM p GROUP BY doc, raw$$);
SELECT same($$SELECT age + 1, count(*) FROM p GROUP BY age + 1$$);
SELECT same($$SELECT age + 1, count(*) FROM p GROUP BY age$$);

-- aggregates
SELECT same($$SELECT min(ssn), max(ssn), min(name), max(name), min(town), max(born), min(seen), max(big) FROM p$$);
SELECT same($$SELECT sum(pay), avg(pay), stddev(pay), sum(age), avg(big), sum(grp), avg(grp) FROM p$$);
SELECT same($$SELECT bool_and(ok), bool_or(ok), every(ok), count(ok), count(name), count(*) FROM p$$);
SELECT same($$SELECT count(name) FILTER (WHERE ssn > 's-3'), max(name) FILTER (WHERE ok) FROM p$$);
SELECT same_order($$SELECT string_agg(ssn, ',' ORDER BY ssn), string_agg(name, ',' ORDER BY id), string_agg(name, ',' ORDER BY name) FROM p$$);
SELECT same_order($$SELECT string_agg(ssn, ',' ORDER BY name, id) FROM p$$);
SELECT same_order($$SELECT string_agg(DISTINCT town, ',') FROM p$$);
SELECT same_order($$SELECT string_agg(DISTINCT town, ',' ORDER BY town) FROM p$$);
SELECT same_order($$SELECT array_agg(id ORDER BY ssn), array_agg(id ORDER BY name DESC, id) FROM p$$);
SELECT same_order($$SELECT array_agg(ssn ORDER BY id) FROM p$$);
SELECT same_order($$SELECT array_agg(name ORDER BY id) FROM p$$);
SELECT same_order($$SELECT sum(DISTINCT pay), avg(DISTINCT age), max(DISTINCT name) FROM p$$);
SELECT same_order($$SELECT json_agg(ssn ORDER BY id), jsonb_agg(name ORDER BY id), json_object_agg(ssn, name ORDER BY id) FILTER (WHERE ssn IS NOT NULL) FROM p$$);
SELECT same($$SELECT bit_and(age), bit_or(grp) FROM p$$);
SELECT same_order($$SELECT range_agg(daterange(born, born + 1)) FROM p$$);

-- windows
SELECT same($$SELECT id, row_number() OVER (ORDER BY ssn, id), rank() OVER (ORDER BY name), dense_rank() OVER (ORDER BY town) FROM p$$);
SELECT same($$SELECT id, count(*) OVER (PARTITION BY town), count(*) OVER (PARTITION BY name) FROM p$$);
SELECT same($$SELECT id, town, count(*) OVER (PARTITION BY town ORDER BY name, id) FROM p$$);
SELECT same($$SELECT id, town, name, row_number() OVER (PARTITION BY name ORDER BY town DESC, id) FROM p ORDER BY name$$);
SELECT same($$SELECT id, lag(ssn) OVER (ORDER BY id), lead(name, 2, 'end') OVER (ORDER BY id) FROM p$$);
SELECT same($$SELECT id, lag(ssn) OVER w, first_value(name) OVER w, last_value(town) OVER w, nth_value(ssn, 2) OVER w FROM p WINDOW w AS (PARTITION BY grp ORDER BY id)$$);
SELECT same($$SELECT id, sum(pay) OVER (ORDER BY pay), max(name) OVER (PARTITION BY grp), min(ssn) OVER (ORDER BY ssn ROWS 2 PRECEDING) FROM p$$);
SELECT same($$SELECT id, ntile(4) OVER (ORDER BY ssn, id), percent_rank() OVER (PARTITION BY ok ORDER BY born) FROM p$$);
SELECT same($$SELECT * FROM (SELECT id, ssn, row_number() OVER (PARTITION BY town ORDER BY ssn) AS n FROM p) s WHERE n = 1$$);
SELECT same($$SELECT town, sum(count(*)) OVER (ORDER BY town) FROM p GROUP BY town$$);
SELECT same($$SELECT id, count(*) OVER (ORDER BY town GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM p$$);
SELECT same($$SELECT DISTINCT town, count(*) OVER (PARTITION BY town) FROM p$$);
SELECT same_order($$SELECT ssn, row_number() OVER (ORDER BY ssn DESC) AS n FROM p ORDER BY ssn$$);
SELECT same_order($$SELECT id FROM p ORDER BY row_number() OVER (ORDER BY name, id)$$);

-- set operations
SELECT same($$SELECT ssn FROM p UNION SELECT plain FROM p$$);
SELECT same($$SELECT plain FROM p UNION SELECT ssn FROM p$$);
SELECT same($$SELECT town FROM p UNION SELECT town FROM p$$);
SELECT same($$SELECT name FROM p UNION SELECT name FROM p$$);
SELECT same($$SELECT name FROM p UNION ALL SELECT name FROM p$$);
SELECT same($$SELECT ssn, name FROM p UNION ALL SELECT town, plain FROM p$$);
SELECT same($$SELECT ssn FROM p UNION ALL SELECT 'x'$$);
SELECT same($$SELECT 'x' UNION ALL SELECT ssn FROM p$$);
SELECT same($$SELECT name FROM p UNION SELECT NULL$$);
SELECT same($$SELECT NULL UNION SELECT name FROM p$$);
SELECT same($$SELECT ssn FROM p INTERSECT SELECT plain FROM p$$);
SELECT same($$SELECT ssn FROM p INTERSECT SELECT ssn FROM p WHERE id < 9$$);
SELECT same($$SELECT name FROM p WHERE id < 20 INTERSECT ALL SELECT name FROM p WHERE id > 15$$);
SELECT same($$SELECT ssn FROM p EXCEPT SELECT plain FROM p$$);
SELECT same($$SELECT name FROM p EXCEPT SELECT 'name 3'$$);
SELECT same($$SELECT name FROM p EXCEPT ALL SELECT name FROM p WHERE id < 9$$);
SELECT same_order($$SELECT ssn FROM p UNION SELECT plain FROM p ORDER BY 1$$);
SELECT same_order($$SELECT ssn AS s FROM p UNION ALL SELECT town FROM p ORDER BY s DESC LIMIT 9$$);
SELECT same($$SELECT ssn FROM p UNION (SELECT town FROM p EXCEPT SELECT plain FROM p)$$);
SELECT same($$SELECT grp FROM p UNION SELECT id FROM p$$);
SELECT same($$SELECT id FROM p UNION SELECT grp FROM p$$);
SELECT same($$SELECT age FROM p UNION SELECT age FROM p$$);
SELECT same($$SELECT s.x FROM (SELECT ssn AS x FROM p UNION ALL SELECT ssn FROM p) s WHERE s.x = 's-3'$$);
SELECT same($$SELECT s.x FROM (SELECT town AS x FROM p UNION SELECT town FROM p) s ORDER BY s.x$$);
SELECT same($$SELECT s.x FROM (SELECT ssn AS x FROM p UNION ALL SELECT plain FROM p) s WHERE s.x = 's-4'$$);
SELECT same($$SELECT s.x FROM (SELECT name AS x FROM p UNION ALL SELECT name FROM p) s WHERE s.x = 'name 4'$$);
SELECT same($$WITH RECURSIVE r AS (SELECT 1 AS n, ssn FROM p WHERE id = 1 UNION ALL SELECT n + 1, p.ssn FROM r JOIN p ON p.id = n + 1 WHERE n < 5) SELECT * FROM r$$);
SELECT same($$VALUES ('a'), ((SELECT ssn FROM p WHERE id = 3))$$);
SELECT same($$SELECT id FROM p WHERE ssn IN (SELECT plain FROM p UNION SELECT ssn FROM p WHERE id = 5)$$);
SELECT same($$SELECT id FROM p WHERE EXISTS (SELECT ssn FROM p q WHERE q.id < 3 INTERSECT SELECT p.ssn)$$);

-- what cannot be done is said
SELECT same('SELECT count(*) FROM (SELECT DISTINCT name FROM p) s');
SELECT same($$SELECT count(*) FROM (SELECT name FROM p UNION SELECT name FROM p) s$$);
SELECT same($$SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY age) FROM p$$);
SELECT same($$SELECT mode() WITHIN GROUP (ORDER BY name) FROM p$$);
SELECT same($$SELECT array_agg(DISTINCT name) FROM p$$);
SELECT same($$SELECT array_agg(name ORDER BY name) FROM p$$);
SELECT same($$SELECT sum(age) OVER (ORDER BY age RANGE BETWEEN 3 PRECEDING AND CURRENT ROW) FROM p$$);

-- where PostgreSQL finds no operator, function or common type: by a cast to the plaintext type
SELECT refused('SELECT id FROM p ORDER BY ssn USING >', '42883', 'operator requires run-time type coercion: nae.enc_det_text > nae.enc_det_text');
SELECT same($$SELECT round(regr_slope(age, grp)::numeric, 6) FROM p$$);
SELECT same($$SELECT ssn FROM p UNION SELECT name FROM p$$);
SELECT same($$SELECT pay FROM p UNION SELECT id FROM p$$);
SELECT same_order($$SELECT id FROM p ORDER BY ssn::text USING >, id$$);
SELECT same($$SELECT round(regr_slope(age::int4, grp::int4)::numeric, 9) FROM p$$);
SELECT same($$SELECT ssn::text FROM p UNION SELECT name FROM p$$);
SELECT same_order($$(SELECT ssn::text FROM p ORDER BY ssn LIMIT 3) UNION ALL (SELECT name::text FROM p ORDER BY name DESC LIMIT 3)$$);
SELECT same($$SELECT pay::numeric FROM p UNION SELECT id FROM p$$);
SELECT same($$SELECT age::int4 FROM p UNION SELECT pay::numeric FROM p$$);
SELECT same_order($$SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY age::int4), mode() WITHIN GROUP (ORDER BY name::text) FROM p$$);
SELECT same_order($$SELECT array_agg(DISTINCT name::text), array_agg(name::text ORDER BY name::text) FROM p$$);
SELECT same($$SELECT count(*) FROM (SELECT name::text FROM p UNION SELECT name::text FROM p) s$$);
SELECT same($$SELECT id, sum(age::int4) OVER (ORDER BY age::int4 RANGE BETWEEN 3 PRECEDING AND CURRENT ROW) FROM p$$);

SELECT * FROM finish();
ROLLBACK;
