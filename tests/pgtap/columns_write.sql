-- Statements that write encrypted columns, and what is in their plaintext twins after the same statement.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(89);
SELECT twin($$CREATE TABLE w (id int PRIMARY KEY, ssn {det_text} UNIQUE, name {text} DEFAULT 'given', other {text:col-rnd-2}, code {det_text:col-det-2} DEFAULT 'c-' || 7, n {int4} DEFAULT 7, plain text)$$);
SELECT twin($$CREATE TABLE c (ssn {det_text} PRIMARY KEY, n {int4})$$);
\set w '''SELECT * FROM w'''

SELECT same_after($$INSERT INTO w VALUES (1, 's', 'n', 'o', 'c', 3, 'p')$$, :w);
SELECT same_after($$INSERT INTO w VALUES (1, 's', 'n', 'o', 'c', 3, 'p'), (2, 't', NULL, '', 'd', DEFAULT, 'q'), (3, NULL, 'n', 'o', '', -3, 'p')$$, :w);
SELECT same_after($$INSERT INTO w (id) VALUES (1)$$, :w);
SELECT same_after($$INSERT INTO w (id, ssn, n) VALUES (1, DEFAULT, DEFAULT)$$, :w);
SELECT same_after($$INSERT INTO w (id, ssn) VALUES (1, 'a'), (2, 'a') /* 23505 */$$, :w);
SELECT same_after($$INSERT INTO w (id, name, n) VALUES (1, 17, 3.7), (2, 'x' || 3, 2::int8), (3, now()::date - now()::date, 4.5::float8)$$, :w);
SELECT same_after($$INSERT INTO w (id, n) VALUES (1, 'x') /* 22P02 */$$, :w);
SELECT same_after($$INSERT INTO w (id, n) VALUES (1, 3000000000) /* 22003 */$$, :w);
SELECT same_after($$INSERT INTO w (id, n) VALUES (1, true) /* 42804 */$$, :w);
SELECT same_after($$INSERT INTO w (id, name) SELECT i, 'n' || i FROM generate_series(1, 20) i$$, :w);
SELECT same_after($$INSERT INTO w SELECT id, ssn, name, name, town, age, plain FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, name, other) SELECT id, ssn, town FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, ssn, code) SELECT id, ssn, ssn FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, ssn, code) SELECT id, plain, name FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, plain) SELECT id, ssn FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, plain) SELECT id, pay FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, name) SELECT id, pay FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, n) SELECT grp, id FROM p WHERE id < 3$$, :w);
SELECT same_after($$INSERT INTO w (id, name) SELECT id, name FROM p ORDER BY name LIMIT 5$$, :w);
SELECT same_after($$INSERT INTO w (id, name) SELECT count(*), town FROM p GROUP BY town ORDER BY town LIMIT 1$$, :w);
SELECT same_after($$INSERT INTO w (id, code) SELECT row_number() OVER (ORDER BY town), town FROM (SELECT DISTINCT town FROM p) s$$, :w);
SELECT same_after($$INSERT INTO w (id, name) SELECT id, upper(name) FROM p UNION SELECT id + 100, ssn FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, ssn) SELECT id, ssn FROM p UNION ALL SELECT id + 100, plain || 'x' FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, name) SELECT id, name FROM p UNION ALL SELECT id + 100, name FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, name) SELECT id, COALESCE(name, 'none') FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, name) SELECT id, CASE WHEN id < 5 THEN name ELSE plain END FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, ssn, name) SELECT id, NULLIF(ssn, 's-3'), GREATEST(name, 'name 3') FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, name) SELECT id, (SELECT max(name) FROM p q WHERE q.id < p.id) FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, ssn) (VALUES (1, 'a'), (2, 'b') ORDER BY 2 DESC)$$, :w);
SELECT same_after($$INSERT INTO w (id, name) VALUES (1, 'a'::varchar), (2, 'b'::char(4))$$, :w);
SELECT same_after($$INSERT INTO w (id, name) VALUES (1, 'a'::char(4))$$, :w);
SELECT same_after($$INSERT INTO w (id, n) SELECT id, grp FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, n) SELECT id, pay::numeric FROM p$$, :w);
SELECT same_after($$INSERT INTO w (id, name) SELECT row_number() OVER (ORDER BY name), name FROM (SELECT DISTINCT name FROM p) s$$, :w);
SELECT same_after($$INSERT INTO w (id, n) SELECT id, pay FROM p$$, :w);

-- UPDATE, DELETE
CREATE FUNCTION tap.changed(statement text) RETURNS text LANGUAGE sql AS $f$
  SELECT same_after('INSERT INTO w SELECT id, ssn, name, name, town, age, plain FROM p;' || statement, 'SELECT * FROM w', statement) $f$;
SELECT changed($$UPDATE w SET name = 'new'$$);
SELECT changed($$UPDATE w SET name = 'new' WHERE ssn = 's-3'$$);
SELECT changed($$UPDATE w SET plain = 'new' WHERE name > 'name 3'$$);
SELECT changed($$UPDATE w SET name = name || '!', n = n + 1, ssn = ssn || plain$$);
SELECT changed($$UPDATE w SET ssn = name || id$$);
SELECT changed($$UPDATE w SET name = ssn, other = name, code = ssn$$);
SELECT changed($$UPDATE w SET name = other, other = name$$);
SELECT changed($$UPDATE w SET name = NULL, ssn = NULL, n = NULL$$);
SELECT changed($$UPDATE w SET name = DEFAULT, n = DEFAULT, ssn = CASE id WHEN 1 THEN 'x' END$$);
SELECT changed($$UPDATE w SET ssn = DEFAULT WHERE id = 3$$);
SELECT changed($$UPDATE w SET ssn = 's-4' WHERE id = 3 /* 23505 */$$);
SELECT changed($$UPDATE w SET id = id + 100 WHERE ssn IN ('s-3', 's-4')$$);
SELECT changed($$UPDATE w SET (name, n) = ('a', 5) WHERE id = 3$$);
SELECT changed($$UPDATE w SET (name, ssn) = (SELECT name || 'z', plain || 'z' FROM p WHERE p.id = w.id) WHERE id < 9$$);
SELECT changed($$UPDATE w SET (name, other, code) = (SELECT p.name, p.name, p.ssn FROM p WHERE p.id = w.id)$$);
SELECT changed($$UPDATE w SET (name, n) = (SELECT ssn, grp FROM p WHERE p.id = w.id)$$);
SELECT changed($$UPDATE w SET (name, n) = ROW(upper(name), DEFAULT) WHERE id = 3$$);
SELECT changed($$UPDATE w SET name = p.town, code = p.ssn FROM p WHERE p.ssn = w.plain$$);
SELECT changed($$UPDATE w SET name = v.x FROM (VALUES ('s-3', 'a'), ('s-4', 'b')) v (ssn, x) WHERE v.ssn = w.ssn$$);
SELECT changed($$UPDATE w SET n = (SELECT count(*) FROM p WHERE p.town = w.code)$$);
SELECT changed($$UPDATE w SET name = other::text, n = length(name)$$);
SELECT changed($$UPDATE w AS x SET name = CASE WHEN x.ssn LIKE '%3' THEN 'three' ELSE x.name END$$);
SELECT changed($$DELETE FROM w WHERE ssn = 's-3'$$);
SELECT changed($$DELETE FROM w WHERE name IN ('name 3', 'name 4')$$);
SELECT changed($$DELETE FROM w USING p WHERE p.plain = w.ssn$$);

-- ON CONFLICT
SELECT changed($$INSERT INTO w (id, ssn) VALUES (900, 's-3') ON CONFLICT DO NOTHING$$);
SELECT changed($$INSERT INTO w (id, ssn) VALUES (900, 's-3'), (901, 'new') ON CONFLICT (ssn) DO NOTHING$$);
SELECT changed($$INSERT INTO w (id, ssn, name) VALUES (900, 's-3', 'x'), (901, 'new', 'y') ON CONFLICT (ssn) DO UPDATE SET name = EXCLUDED.name$$);
SELECT changed($$INSERT INTO w (id, ssn, name, other) VALUES (3, 'z', 'x', 'o') ON CONFLICT (id) DO UPDATE SET (ssn, name, other) = (EXCLUDED.ssn, EXCLUDED.other, EXCLUDED.name || w.name)$$);
SELECT changed($$INSERT INTO w (id, ssn, name) VALUES (900, 's-3', 'x') ON CONFLICT (ssn) DO UPDATE SET name = w.name || EXCLUDED.name WHERE w.name <> EXCLUDED.name$$);
SELECT changed($$INSERT INTO w (id, ssn, name) VALUES (900, 's-3', 'x') ON CONFLICT ON CONSTRAINT w_ssn_key DO UPDATE SET name = 'there', code = EXCLUDED.ssn, n = w.n + 1$$);
SELECT changed($$INSERT INTO w (id, ssn, name) SELECT id + 100, plain, town FROM p ON CONFLICT (ssn) DO UPDATE SET name = EXCLUDED.name, n = w.n + length(EXCLUDED.name)$$);
SELECT changed($$INSERT INTO w (id, ssn) VALUES (900, 'a'), (901, 'a') ON CONFLICT (ssn) DO UPDATE SET n = 1 /* 21000 */$$);
SELECT changed($$INSERT INTO w (id, ssn) VALUES (3, 'a') ON CONFLICT (id) DO UPDATE SET ssn = 's-4' /* 23505 */$$);
SELECT changed($$INSERT INTO w AS t (id, ssn, name) VALUES (900, 's-3', 'x') ON CONFLICT (ssn) DO UPDATE SET name = (SELECT max(name) FROM p WHERE p.ssn <> EXCLUDED.ssn)$$);

-- MERGE
SELECT changed($$MERGE INTO w USING p ON w.ssn = p.ssn WHEN MATCHED AND w.name = 'name 3' THEN DELETE WHEN MATCHED AND p.town < 'C' THEN DO NOTHING WHEN MATCHED THEN UPDATE SET other = p.ssn, code = w.name$$);
SELECT changed($$MERGE INTO w USING (VALUES ('s-3', 'a'), ('q', 'b')) v (ssn, x) ON w.ssn = v.ssn WHEN MATCHED THEN UPDATE SET name = v.x || w.name WHEN NOT MATCHED THEN INSERT VALUES (900, v.ssn, v.x)$$);
SELECT changed($$MERGE INTO w USING p ON w.name = p.name AND w.id = p.id WHEN MATCHED THEN UPDATE SET (name, n) = ('m', 1) WHEN NOT MATCHED THEN INSERT (id, ssn) VALUES (p.id + 500, DEFAULT)$$);
SELECT changed($$MERGE INTO w USING p ON w.ssn = p.plain WHEN MATCHED THEN UPDATE SET name = p.name, n = p.grp WHEN NOT MATCHED THEN INSERT (id, ssn, name) VALUES (p.id + 100, p.plain, p.town)$$);

-- RETURNING
CREATE FUNCTION tap.returns(query text) RETURNS text LANGUAGE sql AS $f$
  SELECT same_answer(query, query, true, 'INSERT INTO w SELECT id, ssn, name, name, town, age, plain FROM p') $f$;
SELECT returns($$INSERT INTO w VALUES (900, 's', 'n', 'o', 'c', 3, 'p'), (901, DEFAULT, 'n', 'o', 'c', DEFAULT, 'p') RETURNING *$$);
SELECT returns($$INSERT INTO w (id, ssn, name) VALUES (900, 'x', 'n') RETURNING id, ssn, upper(name), ssn = 'x', ssn::varchar, n + 1$$);
SELECT returns($$INSERT INTO w (id, ssn) SELECT id + 100, ssn || 'r' FROM p RETURNING w, row_to_json(w)$$);
SELECT returns($$INSERT INTO w (id, ssn, name) VALUES (900, 's-3', 'n') ON CONFLICT (ssn) DO UPDATE SET name = EXCLUDED.name || w.name RETURNING name, w.ssn, (SELECT p.town FROM p WHERE p.ssn = w.ssn)$$);
SELECT returns($$UPDATE w SET name = 'u' || id WHERE n > 5 RETURNING *$$);
SELECT returns($$UPDATE w SET name = p.town FROM p WHERE p.plain = w.ssn RETURNING w.name, p.name, p.plain, w.ssn$$);
SELECT returns($$DELETE FROM w WHERE ssn = 's-3' RETURNING *$$);
SELECT returns($$DELETE FROM w WHERE name = 'name 3' RETURNING ssn, name AS again$$);

-- CTEs that write
SELECT returns($$WITH i AS (INSERT INTO w (id, ssn, name) VALUES (900, 'i', 'n') RETURNING *) SELECT ssn, name, n FROM i$$);
SELECT returns($$WITH d AS (DELETE FROM w WHERE id < 9 RETURNING *) SELECT max(name), count(DISTINCT name), min(ssn) FROM d$$);
SELECT returns($$WITH u AS (UPDATE w SET name = 'u' || id RETURNING ssn, name) SELECT u.name, p.name FROM u JOIN p USING (ssn) ORDER BY u.name$$);
SELECT returns($$WITH d AS (DELETE FROM w RETURNING *) INSERT INTO w SELECT id + 100, ssn, other, name, code, n, plain FROM d RETURNING *$$);
SELECT changed($$WITH m AS (INSERT INTO c SELECT ssn, n FROM w WHERE ssn IS NOT NULL RETURNING ssn, n) UPDATE w SET name = m.ssn, code = m.ssn, n = m.n + 1 FROM m WHERE m.ssn = w.ssn$$);
SELECT changed($$WITH s AS (SELECT ssn, name FROM p WHERE name > 'name 4') UPDATE w SET name = s.name || 'x' FROM s WHERE s.ssn = w.ssn$$);
SELECT changed($$WITH s AS MATERIALIZED (SELECT ssn AS a, name AS b FROM p) INSERT INTO w (id, ssn, other) SELECT row_number() OVER (ORDER BY a) + 700, a || 'x', b FROM s$$);

SELECT * FROM finish();
ROLLBACK;
