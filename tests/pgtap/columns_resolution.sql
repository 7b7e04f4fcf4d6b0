-- Statements are resolved as over the plaintext types: conversions, common types, rows, arrays, aggregates.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(122);

-- conversions that PostgreSQL makes by itself
SELECT same('SELECT id FROM p WHERE age > 1.5');
SELECT same('SELECT id, ' || e || ' FROM p') FROM unnest(ARRAY['COALESCE(age, 5000000000)', 'GREATEST(age, 5::bigint)', 'LEAST(grp, 5000000000)', 'COALESCE(age, big)', 'CASE WHEN ok THEN age ELSE big END', 'ARRAY[age, big]', 'to_hex(age)', 'to_hex(grp)', 'age << grp & 7',
  'age + 5000000000', 'age = 5::bigint', 'age # 1', 'age << 2', 'grp >> 1', 'factorial(abs(grp))', 'sum(age) OVER (ORDER BY id)', 'NULLIF(age, big)']) e;
SELECT same('SELECT id, pay * age, age / grp, big - age, age + big FROM p WHERE grp <> 0');
SELECT same('SELECT age % 7, big % 7, pay % 7 FROM p');
SELECT same('SELECT DATE_TRUNC(''month'', born), to_char(born, ''DD.MM'') FROM p');
SELECT same('SELECT id FROM p WHERE seen > born');
SELECT same('SELECT round(avg(age), 2), max(born) + 1, sum(age) / 2, abs(min(age)) FROM p');
SELECT same('SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY pay), percentile_disc(0.5) WITHIN GROUP (ORDER BY age), mode() WITHIN GROUP (ORDER BY name) FROM p');
SELECT same('SELECT age BETWEEN 1.5 AND 20, age IN (7, 8.0), age = ANY (ARRAY[7, 24]::bigint[]) FROM p');
SELECT same('SELECT power(age, 2), sqrt(pay), width_bucket(pay, 0, 100, 5) FROM p');
SELECT same('SELECT - age, + pay, @ age, ~ grp, age::text || 1, left(name, age % 3 + 1) FROM p');
SELECT same('SELECT id FROM p WHERE ssn = plain OR town > plain');
SELECT same('SELECT doc[''n''], doc[''x''] IS NULL FROM p');
SELECT same_after('UPDATE p SET doc[''n''] = ''77'' WHERE id < 3', 'SELECT id, doc FROM p');
SELECT same_after('UPDATE p SET age = pay, pay = age, big = grp', 'SELECT id, age, pay, big FROM p');
SELECT same_after('UPDATE p SET name = town, town = name', 'SELECT id, name, town FROM p');

-- common types
SELECT same('SELECT COALESCE(pay, 0), COALESCE(big, 0), COALESCE(name, ssn, ''x''), NULLIF(age, 7), GREATEST(pay, age), LEAST(born, seen) FROM p');
SELECT same('SELECT CASE WHEN id < 9 THEN ssn ELSE name END, CASE town WHEN ''Ulm'' THEN 1 ELSE pay END FROM p');
SELECT same('SELECT ssn FROM p UNION SELECT name FROM p UNION ALL SELECT plain FROM p');
SELECT same('SELECT count(*) FROM (SELECT name FROM p UNION SELECT town FROM p EXCEPT SELECT ''Ulm'') s');
SELECT same('SELECT pay FROM p INTERSECT SELECT age FROM p');
SELECT same('SELECT ARRAY[name, ssn, plain], ARRAY[age, pay], ARRAY[born, seen::date] FROM p');
SELECT same('SELECT (SELECT ssn UNION SELECT town ORDER BY 1 LIMIT 1) FROM p');

-- rows and arrays: order, equality, output
SELECT same('SELECT string_agg(id::text, '','' ORDER BY ROW(ssn, name), id) FROM p');
SELECT same_order('SELECT id FROM p WHERE ssn IS NOT NULL ORDER BY ARRAY[town, ssn]');
SELECT same_order('SELECT id FROM (SELECT town, id FROM p) s ORDER BY s');
SELECT same('SELECT min(ARRAY[town]), max(ARRAY[age]) FROM p');
SELECT same('SELECT greatest(ARRAY[a.town], ARRAY[b.town]) FROM p a JOIN p b ON b.id = a.id + 1');
SELECT same('SELECT array_remove(ARRAY[name, ssn], name), array_position(ARRAY[age, grp], grp) FROM p');
SELECT same('SELECT row_to_json(x) FROM (SELECT ROW(name) AS n FROM p) x');
SELECT same('SELECT (ssn, age) < (''s-2'', 5), (name, town) = (town, name), (born, pay) <> (''2001-01-01'', 5) FROM p');
SELECT same('SELECT array_to_json(array_agg(p ORDER BY id)) FROM p');
SELECT same('SELECT to_json(ARRAY(SELECT p FROM p ORDER BY id))');
SELECT same('SELECT json_agg(DISTINCT age), array_agg(DISTINCT name ORDER BY name), string_agg(DISTINCT town, '','' ORDER BY town) FROM p');
SELECT same('SELECT a.id FROM p a JOIN p b ON a = b');
SELECT same('SELECT DISTINCT ROW(name, town) FROM p');
SELECT same('SELECT (jsonb_populate_record(p, ''{"name": "zz"}'')).name, (p).town FROM p');

-- groups
SELECT same('SELECT (SELECT town FROM p WHERE id = 1) AS o, count(*) FROM p GROUP BY ROLLUP ((SELECT town FROM p WHERE id = 1))');
SELECT same('SELECT name, grp, grouping(name), count(*) FROM p GROUP BY CUBE (name, grp)');
SELECT same('SELECT name, n FROM (SELECT name, count(*) AS n FROM p GROUP BY ROLLUP (name)) s');
SELECT same('SELECT ROW(town), count(*) FROM p GROUP BY ROLLUP (ROW(town))');
SELECT same('SELECT count(*) FROM p a JOIN (SELECT GREATEST(town, town) AS town FROM p) b ON a.town = b.town');
SELECT same('SELECT count(*) FROM p WHERE town IN (SELECT GREATEST(town, town) FROM p)');
SELECT same('SELECT count(*) FROM (SELECT town FROM p UNION SELECT GREATEST(town, town) FROM p) x');
SELECT same('SELECT id, sum(age) OVER (ORDER BY born RANGE BETWEEN ''1 month'' PRECEDING AND CURRENT ROW) FROM p WHERE born IS NOT NULL');

-- what waits for encryption reaches no table and no message
SELECT same_after(s, 'SELECT id, name, age, born, pay FROM p') FROM unnest(ARRAY['INSERT INTO p (id, name) SELECT 100 + min(id), name FROM p GROUP BY name', 'UPDATE p SET name = LEAST(name, ssn)',
  'UPDATE p SET age = GREATEST(age, age)', 'UPDATE p SET born = NULLIF(born, ''2001-01-09''), name = NULLIF(name, ''x''), age = NULLIF(age, 5)',
  'INSERT INTO p (id, name) SELECT id + 100, first_value(name) OVER (PARTITION BY name ORDER BY id) FROM p', 'INSERT INTO p (id, name) SELECT DISTINCT ON (name) id + 100, name FROM p ORDER BY name, id',
  'INSERT INTO p (id, name) SELECT 100 + row_number() OVER (ORDER BY name), name FROM (SELECT name FROM p GROUP BY ROLLUP (name)) s', 'WITH w AS (SELECT name FROM p GROUP BY name) INSERT INTO p (id, name) SELECT 100 + row_number() OVER (ORDER BY name), name FROM w',
  'UPDATE p SET name = (SELECT q.name FROM p q WHERE q.id = p.id GROUP BY q.name)', 'INSERT INTO p (id, name) SELECT 100, max(name) FROM p', 'INSERT INTO p (id, name) SELECT 100 + row_number() OVER (ORDER BY name), name FROM (SELECT name FROM p UNION SELECT name FROM p) u',
  'INSERT INTO p (id, born) VALUES (1, ''2026-02-02'') ON CONFLICT (id) DO UPDATE SET born = GREATEST(p.born, excluded.born)']) AS s;
SELECT refused(s, '0A000', 'the table would keep what was computed from encrypted columns in clear') FROM unnest(ARRAY['CREATE TABLE made AS SELECT plain AS x FROM p UNION ALL SELECT ssn FROM p', 'CREATE TABLE made AS SELECT plain AS x FROM p UNION SELECT name FROM p',
  'CREATE TABLE made AS WITH RECURSIVE r AS (SELECT id, upper(name) u FROM p UNION ALL SELECT id + 1, u FROM r WHERE id < 1) SELECT u FROM r',
  'CREATE TABLE made AS SELECT xt.* FROM p, XMLTABLE(''/a'' PASSING xmlelement(name a, p.name) COLUMNS v text PATH ''.'') xt', 'CREATE TABLE made AS SELECT LEAST(town, town) AS t FROM p', 'CREATE MATERIALIZED VIEW made AS SELECT GREATEST(name, name) AS n FROM p']) AS s;
SELECT same_after('CREATE TABLE made AS SELECT name FROM p GROUP BY name; CREATE TABLE more AS SELECT name FROM (SELECT DISTINCT name FROM p) s', 'SELECT name FROM made UNION ALL SELECT name FROM more');

-- rows of functions
SET LOCAL search_path = enc, tap, public;
CREATE FUNCTION rows_sql() RETURNS SETOF p LANGUAGE sql AS 'SELECT p FROM p';
CREATE FUNCTION rows_changed() RETURNS SETOF p LANGUAGE plpgsql AS $$BEGIN RETURN QUERY UPDATE p SET plain = 'u' WHERE id < 4 RETURNING *; END$$;
CREATE TABLE two (id int, note nae.enc_text('col-rnd'));
INSERT INTO two VALUES (1, 'x');
CREATE FUNCTION rows_made() RETURNS SETOF two LANGUAGE plpgsql AS $$BEGIN RETURN QUERY SELECT id, upper(note) FROM two; END$$;
SELECT is((SELECT string_agg(name, ',' ORDER BY id) FROM rows_sql()), (SELECT string_agg(name, ',' ORDER BY id) FROM pln.p), 'a function in SQL hands on whole rows');
SELECT is((SELECT string_agg(ssn, ',' ORDER BY id) FROM rows_changed()), 's-1,s-2,s-3', 'RETURN QUERY of RETURNING');
SELECT is((SELECT note::text FROM rows_made()), 'X', 'RETURN QUERY of what is computed');
CREATE FUNCTION into_new() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN SELECT i.id, i.note || '!' INTO NEW FROM two i WHERE i.id = 1; RETURN NEW; END$$;
CREATE TABLE copied (id int, note nae.enc_text('col-rnd'));
CREATE TRIGGER into_new BEFORE INSERT ON copied FOR EACH ROW EXECUTE FUNCTION into_new();
INSERT INTO copied VALUES (7, 'y');
SELECT is((SELECT id || note FROM copied), '1x!', 'SELECT INTO NEW');
CREATE FUNCTION taking(v nae.enc_text, OUT x nae.enc_text, OUT y text) LANGUAGE sql AS 'SELECT v, v::text';
SELECT is((SELECT f.x || f.y FROM two, taking(note) f), 'xx', 'a function that takes the encrypted type');
CREATE FUNCTION doubled(a anyelement, OUT x anyelement, OUT y anyelement) LANGUAGE sql AS 'SELECT a, a';
SELECT is((SELECT f.x + f.y FROM p, doubled(p.age) f WHERE id = 1), 14, 'OUT parameters follow the plaintext');

-- the setting of the moment decides
PREPARE kept AS SELECT note FROM two;
CREATE FUNCTION kept() RETURNS SETOF text LANGUAGE plpgsql AS $$BEGIN RETURN QUERY SELECT note FROM two; END$$;
SELECT results_eq('EXECUTE kept', $$VALUES ('x'::text)$$, 'decrypted');
SELECT is(kept(), 'x', 'in PL/pgSQL too');
SET LOCAL nae.transparent = off;
SELECT throws_ok('EXECUTE kept', '0A000', 'cached plan must not change result type', 'a prepared statement keeps its output''s type');
SELECT throws_ok('SELECT kept()', '42804', NULL, 'PL/pgSQL sees the ciphertext at once');
SET LOCAL nae.transparent = on;
SELECT results_eq('EXECUTE kept', $$VALUES ('x'::text)$$, 'and both go on');
SELECT is(kept(), 'x', 'afterwards');

-- a view means the same when it is made again from its text
CREATE VIEW v AS SELECT id, age + grp AS sum, pay * 2 AS twice, COALESCE(name, 'x') AS name, born + 1 AS next, max(age) OVER (PARTITION BY town) AS most FROM p WHERE age > 1.5;
SELECT set_config('tap.view', pg_get_viewdef('v'), true);
SELECT set_config('tap.answer', (SELECT json_agg(v ORDER BY id)::text FROM v), true) IS NOT NULL AS answered;
DROP VIEW v;
DO $$BEGIN EXECUTE 'CREATE VIEW v AS ' || current_setting('tap.view'); END$$;
SELECT is((SELECT json_agg(v ORDER BY id)::text FROM v), current_setting('tap.answer'), 'a view made again from its text');

-- a row of a sub-select, which has no type of its own, wherever an expression hands it on
SELECT same(format('SELECT %s FROM (SELECT id, name, age FROM p) x', expression)) FROM unnest(ARRAY['ARRAY[x]', 'CASE WHEN id > 2 THEN x END', 'COALESCE(x, x), (SELECT x)', 'GREATEST(x, x)', 'array_agg(x ORDER BY id)', 'to_json(ARRAY[x])', 'ARRAY[x]::text, ROW(x), x IS NULL', 'first_value(x) OVER (ORDER BY id)', 'unnest(ARRAY[x])']) AS expression;
SELECT same('SELECT x, count(*) FROM (SELECT name FROM p) x GROUP BY x');
SELECT same('SELECT y, (y).name, (y).age + 1 FROM (SELECT x AS y FROM (SELECT name, age FROM p) x) z');
SELECT same('SELECT v FROM (SELECT name FROM p) x, LATERAL (VALUES (x)) v(v)');
SELECT same('WITH RECURSIVE r AS (SELECT x AS y, 1 AS n FROM (SELECT name, town FROM p) x UNION ALL SELECT y, n + 1 FROM r WHERE n < 2) SELECT y, (y).town FROM r');
SELECT same('SELECT x FROM (SELECT id FROM p) o LEFT JOIN (SELECT id, name FROM p WHERE id < 3) x ON x.id = o.id');

-- the text of RETURN QUERY EXECUTE
SELECT twin($$CREATE FUNCTION told(query text) RETURNS SETOF p LANGUAGE plpgsql AS 'BEGIN RETURN QUERY EXECUTE query USING 4; END'$$);
SELECT same('SELECT id, ssn, name, upper(town) FROM told(''SELECT * FROM p WHERE id < $1'')');
SELECT same('SELECT id, ssn, name FROM told(''SELECT id, ssn, upper(name) AS name, town, pay, age, grp, big, ok, born, seen, uid, raw, doc, plain FROM p WHERE id < $1'')');
SELECT same('SELECT id, ssn, name FROM told(''UPDATE p SET plain = $$u$$ WHERE id < $1 RETURNING *'')');
SELECT twin($$CREATE FUNCTION told_twice() RETURNS SETOF p LANGUAGE plpgsql AS 'DECLARE n text; BEGIN
  BEGIN RETURN QUERY EXECUTE ''SELECT 1/0''; EXCEPTION WHEN division_by_zero THEN EXECUTE ''SELECT max(name) FROM p'' INTO n; END;
  RETURN QUERY EXECUTE format(''SELECT * FROM told(%L) WHERE name <= %L'', ''SELECT * FROM p WHERE id <= $1'', n); END'$$);
SELECT same('SELECT id, ssn, name, town FROM told_twice()');
SELECT same('SELECT id, ssn FROM told(''SELECT * FROM p WHERE id < $1 UNION ALL SELECT * FROM p WHERE id = 9'')');

-- a key that is written like an output is one with it, whatever its functions look at
SELECT same('SELECT (SELECT count(x.name) FROM p x) AS c, count(*) FROM p WHERE age > 1.5 GROUP BY CUBE ((SELECT count(x.name) FROM p x))');
SELECT same('SELECT (SELECT count(DISTINCT x.ssn)::int FROM p x) AS c FROM p GROUP BY ROLLUP ((SELECT count(DISTINCT x.ssn)::int FROM p x)) UNION SELECT id FROM p WHERE age > 1.5');
SELECT same('SELECT num_nulls(name, age), count(*) FROM p WHERE age > 1.5 GROUP BY num_nulls(name, age) ORDER BY num_nulls(name, age)');
SELECT same('SELECT num_nulls(p.name, age), count(*) FROM p WHERE age > 1.5 GROUP BY CUBE (num_nulls(name, age)) HAVING num_nulls(name, age) IS NULL OR num_nulls(name, age) < 9');

-- a key that is read as plaintext is read so wherever the groups name it
SELECT same('SELECT ''x'', 1 UNION ALL SELECT name, grouping(name) FROM p GROUP BY GROUPING SETS ((name), ROLLUP (name)) HAVING name IS NOT NULL');
SELECT same('SELECT ''x'' AS n, 1::bigint UNION ALL SELECT name, count(*) OVER (PARTITION BY name) FROM p GROUP BY CUBE (name)');
SELECT same('SELECT ''x'' AS n, ''y'' UNION ALL SELECT name, (SELECT name FROM p y WHERE y.id = 1) || (SELECT x.name) FROM p x GROUP BY x.name');
SELECT same('SELECT ''x'' AS n, 1, ''y'' UNION ALL SELECT x.name, grouping(name), max(length(name)::text || x.name) FROM p x GROUP BY CUBE (1) HAVING name IS NULL OR x.name > ''a''');
SELECT same('SELECT ''x'' AS n UNION ALL SELECT DISTINCT name FROM p x GROUP BY x.name, grp ORDER BY n');

SET LOCAL search_path = enc, tap, public;
SET LOCAL nae.transparent = off;
SELECT x AS shown FROM (SELECT note FROM two LIMIT 1) x \gset
SELECT matches(:'shown'::text, 'nae1:', 'put out by itself it is as it is stored where the client wants that');

SELECT * FROM finish();
ROLLBACK;
