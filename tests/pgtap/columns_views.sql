-- Views, materialized views and tables made from queries over encrypted columns.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(225);

-- views
SELECT twin($$CREATE VIEW v AS SELECT id, ssn, name, town, pay, grp, plain FROM p$$);
SELECT twin($$CREATE VIEW v_names (a, b, c) AS SELECT id, ssn, name FROM p$$);
SELECT twin($$CREATE VIEW v_over AS SELECT ssn, name, upper(name) AS upper, pay * 2 AS twice FROM v WHERE ssn > 's-2'$$);
SELECT twin($$CREATE VIEW v_third AS SELECT o.*, v.town FROM v_over o JOIN v USING (ssn) WHERE o.twice > 50$$);
SELECT twin($$CREATE VIEW v_filter AS SELECT id, ssn FROM p WHERE ssn IN ('s-3', 's-4') OR name = 'name 5'$$);
SELECT twin($$CREATE VIEW v_group AS SELECT town, count(*) AS n, max(name) AS last, sum(pay) AS paid FROM p GROUP BY town$$);
SELECT twin($$CREATE VIEW v_group_name AS SELECT name, count(*) AS n FROM p GROUP BY name HAVING name > 'name 2'$$);
SELECT twin($$CREATE VIEW v_distinct AS SELECT DISTINCT town FROM p$$);
SELECT twin($$CREATE VIEW v_distinct_name AS SELECT DISTINCT name FROM p$$);
SELECT twin($$CREATE VIEW v_on AS SELECT DISTINCT ON (town) town, id, ssn FROM p ORDER BY town, id$$);
SELECT twin($$CREATE VIEW v_order AS SELECT id, name FROM p ORDER BY name DESC NULLS LAST, id LIMIT 7$$);
SELECT twin($$CREATE VIEW v_json AS SELECT id, row_to_json(p) AS j, concat(ssn, name) AS c, format('%s', town) AS f FROM p$$);
SELECT twin($$CREATE VIEW v_row AS SELECT p AS r, id FROM p$$);
SELECT twin($$CREATE VIEW v_all AS SELECT id, ssn FROM p UNION ALL SELECT id + 100, ssn FROM p$$);
SELECT twin($$CREATE VIEW v_union AS SELECT ssn::text AS x FROM p UNION SELECT plain FROM p$$);
SELECT twin($$CREATE VIEW v_join AS SELECT a.id, b.name, a.ssn FROM p a LEFT JOIN p b ON a.ssn = b.plain$$);
SELECT twin($$CREATE VIEW v_window AS SELECT id, name, row_number() OVER (PARTITION BY town ORDER BY name, id) AS n FROM p$$);
SELECT twin($$CREATE VIEW v_case AS SELECT id, CASE WHEN ok THEN name ELSE ssn::text END AS c, COALESCE(name, 'none') AS d FROM p$$);
SELECT twin($$CREATE VIEW v_cte AS WITH s AS (SELECT id, name FROM p WHERE name > 'name 4') SELECT s.name, p.ssn FROM s JOIN p USING (id)$$);
SELECT twin($$CREATE RECURSIVE VIEW v_rec (n, ssn) AS SELECT id, ssn FROM p WHERE id = 1 UNION ALL SELECT n + 1, p.ssn FROM v_rec JOIN p ON p.id = n + 1 WHERE n < 6$$);
SELECT twin($$CREATE VIEW v_cast AS SELECT id, name::text AS t, born::text AS b, age::int8 AS a FROM p$$);
SELECT same('SELECT * FROM ' || v) FROM unnest(ARRAY['v', 'v_names', 'v_over', 'v_third', 'v_filter', 'v_group', 'v_group_name', 'v_distinct', 'v_distinct_name',
  'v_on', 'v_json', 'v_all', 'v_union', 'v_join', 'v_window', 'v_case', 'v_cte', 'v_rec', 'v_cast']) v;
SELECT same('SELECT row_to_json(x) FROM ' || v || ' x') FROM unnest(ARRAY['v', 'v_names', 'v_over', 'v_group', 'v_group_name', 'v_distinct', 'v_join', 'v_window', 'v_cte', 'v_rec']) v;
SELECT same('SELECT count(*) FROM ' || v) FROM unnest(ARRAY['v_third', 'v_group_name', 'v_distinct', 'v_distinct_name', 'v_on', 'v_union', 'v_row', 'v_rec']) v;
SELECT same_order('SELECT * FROM v_order');
SELECT same_order('SELECT * FROM v_order ORDER BY name, id');
SELECT same_order('SELECT * FROM v ORDER BY name DESC, id LIMIT 4');
SELECT same_order('SELECT name FROM v_group_name ORDER BY name DESC');
SELECT same('SELECT c, b FROM v_names WHERE b = ''s-3'' OR c LIKE ''%4''');
SELECT same('SELECT * FROM v_over WHERE ssn = ''s-3'' OR name = ''name 8''');
SELECT same('SELECT * FROM v_group WHERE town = ''Bonn'' AND last > ''name 1''');
SELECT same('SELECT a.ssn, b.last FROM v a JOIN v_group b USING (town)');
SELECT same('SELECT (r).ssn, (r).name FROM v_row WHERE (r).ssn > ''s-3''');
SELECT same('SELECT r FROM v_row');
SELECT same('SELECT * FROM v_row');
SELECT same('SELECT id FROM v WHERE ssn IN (SELECT ssn FROM v_filter) AND EXISTS (SELECT FROM v_distinct d WHERE d.town = v.town)');
SELECT same('SELECT max(name), count(DISTINCT town), string_agg(ssn, '','' ORDER BY id) FROM v');
SELECT same('SELECT j ->> ''name'', c FROM v_json WHERE c LIKE ''s-3%''');
SELECT same('SELECT * FROM v_rec WHERE ssn = ''s-3''');
SELECT same('SELECT * FROM v_all WHERE ssn = ''s-3''');
SELECT same('SELECT n, count(*) FROM v_window WHERE name < ''name 5'' GROUP BY n');
-- a view shows the encrypted type, and its definition is one again
SELECT is((SELECT string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'enc.v'::regclass AND attnum > 0),
  'integer, nae.enc_det_text(''col-det''), nae.enc_text(''col-rnd''), nae.enc_det_text(''col-det''), nae.enc_numeric(''col-rnd''), nae.enc_det_int4(''col-det''), text', 'the columns of a view are encrypted');
SELECT unalike(string_agg(pg_get_viewdef(oid), ' '), '%search_token%', 'what the hooks put in is in no definition')
FROM pg_class WHERE relnamespace = 'enc'::regnamespace AND relkind = 'v';
CREATE FUNCTION tap.again(view text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('search_path', 'enc, tap, public', true);
  EXECUTE format('CREATE OR REPLACE VIEW enc.%I AS %s', view, pg_get_viewdef(('enc.' || view)::regclass));
  PERFORM set_config('search_path', 'tap, public', true);
  RETURN same('SELECT row_to_json(x) FROM ' || view || ' x', 'made again from its definition: ' || view);
END $$;
SELECT again(v) FROM unnest(ARRAY['v', 'v_over', 'v_filter', 'v_group', 'v_distinct_name', 'v_json', 'v_case', 'v_window', 'v_cast', 'v_cte']) v;

-- writing through them
SELECT twin($$CREATE TABLE w (id int PRIMARY KEY, ssn {det_text} UNIQUE, name {text} DEFAULT 'given', n {int4})$$);
SELECT twin($$INSERT INTO w SELECT id, ssn, name, age FROM p WHERE id < 12$$);
SELECT twin($$CREATE VIEW u AS SELECT ssn AS s, id, name FROM w$$);
SELECT twin($$CREATE VIEW u_check AS SELECT * FROM w WHERE ssn <> 's-9' WITH CHECK OPTION$$);
SELECT twin($$CREATE VIEW u_name AS SELECT * FROM w WHERE name < 'name 7' WITH CASCADED CHECK OPTION$$);
SELECT twin($$CREATE VIEW u_local AS SELECT * FROM u_name WHERE n > 0 WITH LOCAL CHECK OPTION$$);
SELECT twin($$CREATE VIEW u_cascaded AS SELECT * FROM u WHERE s > 's-1' WITH CASCADED CHECK OPTION$$);
CREATE FUNCTION tap.written(statement text) RETURNS text LANGUAGE sql AS $f$ SELECT same_after(statement, 'SELECT * FROM w', statement) $f$;
SELECT written(s) FROM unnest(ARRAY[$$INSERT INTO u VALUES ('new', 50)$$, $$INSERT INTO u (id, s, name) VALUES (50, 'x', 'y'), (51, 'z', DEFAULT)$$, $$INSERT INTO u (id, s) SELECT id + 100, ssn || 'x' FROM p$$,
  $$UPDATE u SET name = s || 'x' WHERE s = 's-3'$$, $$UPDATE u SET name = 'x' WHERE name = 'name 4'$$, $$DELETE FROM u WHERE name > 'name 4' AND s <> 's-3'$$,
  $$INSERT INTO u (s, id) VALUES ('s-3', 77) ON CONFLICT (s) DO UPDATE SET name = EXCLUDED.s || u.name$$, $$DELETE FROM u USING p WHERE p.plain = u.s$$, $$UPDATE u SET s = 's-1' WHERE id = 2 /* 23505 */$$,
  $$INSERT INTO u_check VALUES (50, 's-8x', 'ok')$$, $$INSERT INTO u_check VALUES (50, 's-9', 'no') /* 23505 */$$, $$UPDATE u_check SET ssn = 's-9' WHERE id = 1 /* 23505 */$$, $$UPDATE u_check SET name = 'y' WHERE ssn = 's-8'$$,
  $$INSERT INTO u_name VALUES (50, 'a', 'name 3')$$, $$INSERT INTO u_name VALUES (50, 'a', 'name 9') /* 44000 */$$, $$UPDATE u_name SET name = name || 'x'$$, $$UPDATE u_name SET name = 'z' /* 44000 */$$,
  $$INSERT INTO u_local VALUES (50, 'a', 'name 3', 1)$$, $$INSERT INTO u_local VALUES (50, 'a', 'name 3', 0) /* 44000 */$$, $$INSERT INTO u_local VALUES (50, 'a', 'name 9', 1) /* 44000 */$$,
  $$INSERT INTO u_cascaded VALUES ('s-2', 50) /* 23505 */$$, $$INSERT INTO u_cascaded VALUES ('r', 50) /* 44000 */$$]) s;
SELECT same_answer(s, s, true, 'SELECT 1') FROM unnest(ARRAY[$$INSERT INTO u (id, s) VALUES (50, 'x') RETURNING *$$, $$INSERT INTO u_check VALUES (50, 'x', 'y', 3) RETURNING ssn, upper(name), u_check$$,
  $$UPDATE u_name SET name = 'a' WHERE ssn = 's-2' RETURNING name, n + 1$$, $$DELETE FROM u_local RETURNING *$$]) s;
-- security barriers, INSTEAD OF, rules
SELECT twin($$CREATE VIEW b WITH (security_barrier) AS SELECT * FROM p WHERE name > 'name 3'$$);
SELECT same(q) FROM unnest(ARRAY['SELECT * FROM b', $$SELECT id, name FROM b WHERE ssn = 's-8'$$, $$SELECT id FROM b WHERE ssn IN ('s-8', 's-4') AND pay > 20$$, 'SELECT max(town) FROM b WHERE name LIKE ''%5''', 'SELECT a.id FROM b a JOIN b c ON a.ssn = c.plain']) q;
SELECT twin($$CREATE VIEW i AS SELECT id, name, ssn FROM w$$);
SELECT twin($$CREATE FUNCTION t_instead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF TG_OP = ''INSERT'' THEN INSERT INTO w (id, name, ssn) VALUES (NEW.id, NEW.name, NEW.ssn || ''i''); ELSIF TG_OP = ''UPDATE'' THEN UPDATE w SET name = OLD.name || NEW.name WHERE id = OLD.id; ELSE DELETE FROM w WHERE ssn = OLD.ssn; RETURN OLD; END IF; RETURN NEW; END'$$);
SELECT twin($$CREATE TRIGGER t INSTEAD OF INSERT OR UPDATE OR DELETE ON i FOR EACH ROW EXECUTE FUNCTION t_instead()$$);
SELECT written(s) FROM unnest(ARRAY[$$INSERT INTO i VALUES (50, 'n', 's')$$, $$INSERT INTO i SELECT id + 100, name, ssn FROM p$$, $$UPDATE i SET name = 'u' WHERE ssn = 's-3'$$, $$DELETE FROM i WHERE name = 'name 4'$$]) s;
SELECT twin($$CREATE TABLE log (id int, name {text}, ssn {det_text}, clear text)$$);
SELECT twin($$CREATE VIEW r AS SELECT id, name, ssn FROM w$$);
SELECT twin($$CREATE RULE r_insert AS ON INSERT TO r DO INSTEAD INSERT INTO w (id, name, ssn) VALUES (NEW.id, upper(NEW.name), NEW.ssn)$$);
SELECT twin($$CREATE RULE r_update AS ON UPDATE TO w WHERE OLD.name IS DISTINCT FROM NEW.name DO ALSO INSERT INTO log VALUES (NEW.id, NEW.name, OLD.ssn)$$);
SELECT same_after(s, 'SELECT w.*, l.name AS l, l.ssn AS ls FROM w FULL JOIN log l USING (id)') FROM unnest(ARRAY[$$INSERT INTO r VALUES (50, 'n', 's')$$, $$INSERT INTO r SELECT id + 100, name, ssn FROM p /* 23505 */$$,
  $$UPDATE w SET name = 'new' WHERE ssn = 's-3'$$, $$UPDATE w SET name = name$$]) s;

-- materialized views
SELECT twin($$CREATE MATERIALIZED VIEW m AS SELECT id, ssn, name, pay, town FROM p$$);
SELECT twin($$CREATE UNIQUE INDEX ON m (id)$$);
SELECT twin($$CREATE INDEX ON m (ssn)$$);
SELECT twin($$CREATE MATERIALIZED VIEW m_join AS SELECT a.id, b.name FROM p a JOIN p b ON a.ssn = b.ssn$$);
SELECT twin($$CREATE MATERIALIZED VIEW m_count AS SELECT town, count(*) AS n FROM p GROUP BY town$$);
SELECT twin($$CREATE MATERIALIZED VIEW m_empty AS SELECT ssn, name FROM p WITH NO DATA$$);
SELECT same(q) FROM unnest(ARRAY['SELECT * FROM m', 'SELECT id FROM m WHERE ssn = ''s-3'' OR name = ''name 4''', 'SELECT row_to_json(m) FROM m', 'SELECT * FROM m_join', 'SELECT * FROM m_count', 'SELECT * FROM m_empty /* 55000 */',
  'SELECT m.name FROM m JOIN p USING (ssn) WHERE p.pay = m.pay']) q;
SELECT same_after('UPDATE p SET name = ''new'' WHERE id = 3; INSERT INTO p (id, ssn) VALUES (900, ''s''); ' || r, q) FROM unnest(ARRAY['REFRESH MATERIALIZED VIEW m', 'SELECT 1']) r, unnest(ARRAY['SELECT * FROM m', 'SELECT id FROM m WHERE ssn = ''s''']) q;
SELECT same_after('REFRESH MATERIALIZED VIEW m_empty', 'SELECT * FROM m_empty WHERE name > ''name 3''');
SELECT same_after('REFRESH MATERIALIZED VIEW m_join; REFRESH MATERIALIZED VIEW m_count', 'SELECT town, n, (SELECT count(name) FROM m_join) FROM m_count');
SELECT is((SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'enc.m'::regclass AND attnum > 1),
  'ssn nae.enc_det_text(''col-det''), name nae.enc_text(''col-rnd''), pay nae.enc_numeric(''col-rnd''), town nae.enc_det_text(''col-det'')', 'a materialized view keeps the types');
SELECT refused('CREATE MATERIALIZED VIEW bad AS SELECT upper(name) FROM p', '0A000', 'the table would keep what was computed from encrypted columns in clear');
CREATE FUNCTION tap.state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('search_path', 'enc, tap, public', true);
  EXECUTE statement;
  PERFORM set_config('search_path', 'tap, public', true);
  RETURN 'done';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;
SELECT is(state_of(s), 'NE006', s) FROM unnest(ARRAY['CREATE MATERIALIZED VIEW bad AS SELECT name::text FROM p', 'CREATE MATERIALIZED VIEW bad AS SELECT id FROM p WHERE name = ''name 3''',
  'CREATE MATERIALIZED VIEW bad AS SELECT id FROM p WHERE ssn = ''s-3''', 'CREATE MATERIALIZED VIEW bad AS SELECT id FROM p ORDER BY name', 'CREATE MATERIALIZED VIEW bad AS SELECT count(DISTINCT name) FROM p',
  'CREATE MATERIALIZED VIEW late AS SELECT max(name::text) FROM p WITH NO DATA; REFRESH MATERIALIZED VIEW late']) s;
SELECT is(state_of('CREATE MATERIALIZED VIEW bad AS SELECT row_to_json(p) FROM p'), '0A000', 'a materialized view does not keep what rows become');

-- rows within rows; a refresh that compares rows
SELECT same('SELECT row_to_json(x) FROM v_row x');
SELECT same('SELECT x FROM v_row x');
SELECT same_after('UPDATE p SET name = ''new'' WHERE id = 3; INSERT INTO p (id, ssn) VALUES (900, ''s''); ' || r, 'SELECT * FROM m') FROM unnest(ARRAY['REFRESH MATERIALIZED VIEW CONCURRENTLY m', 'REFRESH MATERIALIZED VIEW m; REFRESH MATERIALIZED VIEW CONCURRENTLY m']) r;

-- tables made from queries
CREATE FUNCTION tap.made(query text, columns text) RETURNS SETOF text LANGUAGE plpgsql AS $f$
DECLARE stored text;
BEGIN
  PERFORM set_config('search_path', 'enc, tap, public', true);
  EXECUTE 'CREATE TABLE made AS ' || query;
  SELECT string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum) INTO stored FROM pg_attribute WHERE attrelid = 'made'::regclass AND attnum > 0;
  PERFORM set_config('search_path', 'tap, public', true);
  EXECUTE 'DROP TABLE enc.made';
  RETURN NEXT is(stored, columns, 'types of ' || query);
  RETURN NEXT same_after('CREATE TABLE made AS ' || query, 'SELECT * FROM made');
  -- PL/pgSQL would take INTO for its own.
  RETURN NEXT same_after(format('CREATE FUNCTION made_by() RETURNS void LANGUAGE sql AS %L; SELECT made_by()', regexp_replace(query, ' FROM ', ' INTO made FROM ')), 'SELECT row_to_json(made) FROM made', 'SELECT INTO: ' || query) WHERE query ~ '^SELECT' AND query !~ '[(]SELECT';
END $f$;
SELECT made('SELECT ssn, name FROM p', 'nae.enc_det_text(''col-det''), nae.enc_text(''col-rnd'')');
SELECT made('SELECT * FROM p', 'integer, nae.enc_det_text(''col-det''), nae.enc_text(''col-rnd''), nae.enc_det_text(''col-det''), nae.enc_numeric(''col-rnd''), nae.enc_int4(''col-rnd''), nae.enc_det_int4(''col-det''), nae.enc_int8(''col-rnd''), nae.enc_bool(''col-rnd''), nae.enc_date(''col-rnd''), nae.enc_timestamptz(''col-rnd''), nae.enc_det_uuid(''col-det''), nae.enc_bytea(''col-rnd''), nae.enc_jsonb(''col-rnd''), text');
SELECT made('SELECT ssn AS a, plain AS b FROM v WHERE name = ''name 3''', 'nae.enc_det_text(''col-det''), text');
SELECT made('SELECT a.ssn, b.name AS x FROM p a JOIN p b ON a.ssn = b.plain', 'nae.enc_det_text(''col-det''), nae.enc_text(''col-rnd'')');
SELECT made('SELECT name FROM p a JOIN p b USING (name, id)', 'nae.enc_text(''col-rnd'')');
SELECT made('SELECT name, ssn FROM p ORDER BY name, id LIMIT 5', 'nae.enc_text(''col-rnd''), nae.enc_det_text(''col-det'')');
SELECT made('SELECT town, count(*) AS n FROM p GROUP BY town', 'nae.enc_det_text(''col-det''), bigint');
SELECT made('SELECT name FROM p UNION ALL SELECT name FROM p', 'nae.enc_text(''col-rnd'')');
SELECT made('SELECT town FROM p UNION SELECT town FROM p', 'nae.enc_det_text(''col-det'')');
SELECT made('SELECT DISTINCT name FROM p', 'nae.enc_text(''col-rnd'')');
SELECT made('WITH s AS (SELECT name FROM p WHERE id < 5) SELECT * FROM s', 'nae.enc_text(''col-rnd'')');
SELECT made('SELECT s.name FROM (SELECT name FROM p ORDER BY name LIMIT 3) s', 'nae.enc_text(''col-rnd'')');
SELECT made('SELECT name::text, pay::numeric AS pay, upper(ssn::text) AS u, max(town::text) OVER () AS m FROM p', 'text, numeric, text, text');
SELECT made('SELECT name::varchar(4), grp::int8, count(*) AS n FROM p GROUP BY name::varchar(4), grp::int8', 'character varying(4), bigint, bigint');
SELECT made('SELECT (SELECT name FROM p WHERE id = 3) AS n', 'nae.enc_text(''col-rnd'')');
SELECT made('TABLE p', (SELECT string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'enc.p'::regclass AND attnum > 0));
SELECT same_after('CREATE TABLE made AS SELECT ssn, name FROM p WITH NO DATA; INSERT INTO made VALUES (''a'', ''b'')', 'SELECT * FROM made');
SELECT same_after('CREATE TABLE made (x, y) AS SELECT ssn, name FROM p; UPDATE made SET y = x WHERE x = ''s-3''', 'SELECT * FROM made');
SELECT same_after('CREATE TEMP TABLE made ON COMMIT DROP AS SELECT ssn, name FROM p', 'SELECT * FROM made WHERE ssn = ''s-3''');
SELECT same_after('DO ''BEGIN CREATE TABLE made AS SELECT ssn, name FROM p; UPDATE made SET name = ssn; END''', 'SELECT * FROM made', 'CREATE TABLE AS in PL/pgSQL');
SELECT same_after('CREATE TABLE made (LIKE p INCLUDING ALL); INSERT INTO made SELECT * FROM p', 'SELECT * FROM made WHERE ssn > ''s-3''');
SELECT refused('CREATE TABLE made AS SELECT ' || s || ' FROM p', '0A000', 'the table would keep what was computed from encrypted columns in clear')
FROM unnest(ARRAY['max(name) AS m', 'upper(name)', 'name || ''x'' AS x', 'ssn = ''s-3'' AS x', 'grp + 1 AS x', 'length(name)', 'NULLIF(name, ''a'')', 'string_agg(name, '','')', 'lag(upper(name)) OVER ()', 'CASE WHEN ok THEN 1 END AS x']) s;
SELECT refused('CREATE TABLE made AS SELECT ' || s, '0A000', 'the table would keep what was computed from encrypted columns in clear')
FROM unnest(ARRAY['(SELECT max(name) FROM p) AS m', 'to_json(name) FROM p', 'row_to_json(p) FROM p', 'format(''%s'', name) FROM p', 'concat(name, ssn) FROM p', 'json_agg(name) AS a FROM p', 'p::text FROM p', 'u FROM p, upper(name) u', 'e.* FROM p, jsonb_each(doc) e', 'v.x FROM p, LATERAL (VALUES (upper(name))) v (x)',
  'xmlelement(name x, ssn) FROM p', 'row_to_json(s) FROM (SELECT name FROM p) s']) s;
SELECT refused('SELECT upper(name) INTO made FROM p', '0A000', 'the table would keep what was computed from encrypted columns in clear');
SELECT refused('CREATE TABLE made AS WITH s AS (SELECT upper(name) AS u FROM p) SELECT u FROM s', '0A000', 'the table would keep what was computed from encrypted columns in clear');
SELECT refused('CREATE TABLE made AS SELECT s.u FROM (SELECT upper(name) AS u FROM p) s', '0A000', 'the table would keep what was computed from encrypted columns in clear');
SELECT refused('CREATE TABLE made AS SELECT COALESCE(name, ''x'') AS x FROM p', '0A000', 'the table would keep what was computed from encrypted columns in clear');
SELECT refused('CREATE TABLE made AS SELECT p FROM p', '0A000', 'column "p" of type enc.p would hold encrypted values inside other values');
SELECT refused('CREATE TABLE made AS SELECT ARRAY[name] AS a FROM p', '0A000', 'the table would keep what was computed from encrypted columns in clear');
SET LOCAL search_path = enc, tap, public;
PREPARE decrypts AS SELECT name FROM p;
PREPARE q2 AS SELECT upper(name) AS u FROM p;
PREPARE q4 AS SELECT to_json(name) AS r FROM p;
PREPARE q5 AS SELECT (SELECT max(name) FROM p) AS r;
PREPARE q7 AS SELECT s.r FROM (SELECT upper(name) AS r FROM p) s;
PREPARE q8 AS SELECT row_to_json(p) AS r FROM p;
PREPARE q9 AS SELECT name FROM p UNION ALL SELECT name FROM p;
PREPARE computes AS SELECT name || 'x' AS x FROM p;
PREPARE casts AS SELECT name::text FROM p;
PREPARE plain AS SELECT id, plain FROM p WHERE ssn = 's-3';
SELECT refused('CREATE TABLE made AS EXECUTE ' || s, '0A000', 'a prepared statement that decrypts cannot be made into a table') FROM unnest(ARRAY['decrypts', 'computes']) s;
SELECT refused('CREATE TABLE made AS EXECUTE ' || s, '0A000', 'a prepared statement that decrypts cannot be made into a table') FROM unnest(ARRAY['q2', 'q4', 'q5', 'q7', 'q8', 'q9']) s;
SELECT is(state_of('CREATE TABLE asked_for AS EXECUTE casts'), 'done', 'of one that says so');
SELECT is(state_of('CREATE TABLE made AS EXECUTE plain'), 'done', 'of a prepared statement that puts out nothing encrypted');
SELECT results_eq('SELECT * FROM enc.made', $$VALUES (3, 's-6')$$, 'the table made of it');
SET LOCAL nae.transparent = off;
PREPARE keeps AS SELECT ssn, name FROM enc.p;
SELECT is(state_of('CREATE TABLE kept AS EXECUTE keeps'), 'done', 'of a prepared statement that was not transparent');
SELECT is(state_of('CREATE TABLE off AS SELECT ssn, name FROM p'), 'done', 'not transparent');
SELECT is(state_of('CREATE TABLE bad AS SELECT upper(name) FROM p'), '0A000', 'not transparent: refused as well');
SET LOCAL nae.transparent = on;
SELECT is(string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum), 'nae.enc_det_text(''col-det''), nae.enc_text(''col-rnd'')', r || ' keeps the types')
FROM unnest(ARRAY['enc.kept', 'enc.off']) r JOIN pg_attribute ON attrelid = r::regclass AND attnum > 0 GROUP BY r;
SELECT results_eq('SELECT ssn, name FROM enc.kept EXCEPT SELECT ssn, name FROM enc.off UNION ALL SELECT ssn, name FROM enc.off WHERE ssn = ''s-3''', $$VALUES ('s-3', 'name 1')$$, 'and the values');

SELECT * FROM finish();
ROLLBACK;
