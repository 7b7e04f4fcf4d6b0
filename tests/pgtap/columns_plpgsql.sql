-- PL/pgSQL, triggers, prepared statements and cursors over encrypted columns.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(95);
SELECT twin($$CREATE TABLE w (id int PRIMARY KEY, ssn {det_text}, name {text}, other {text:col-rnd-2}, n {int4}, plain text)$$);

-- A body that notes what it sees in the table seen, on either side.
SELECT twin($$CREATE TABLE seen (n serial, what text)$$);
CREATE FUNCTION tap.body(body text, what text) RETURNS text LANGUAGE sql AS $f$
  SELECT same_after(format('DO %L', body), 'SELECT what FROM seen UNION ALL SELECT row_to_json(w)::text FROM w', what) $f$;
SELECT body($$DECLARE v text; BEGIN SELECT ssn INTO v FROM p WHERE id = 3; INSERT INTO seen (what) VALUES (v); END$$, 'SELECT INTO a text');
SELECT body($$DECLARE v text; i int; BEGIN SELECT name, age INTO v, i FROM p WHERE ssn = 's-3'; INSERT INTO seen (what) VALUES (v || i + 1); END$$, 'SELECT INTO two variables');
SELECT body($$DECLARE v p.ssn%TYPE; BEGIN SELECT ssn INTO v FROM p WHERE id = 3; INSERT INTO seen (what) VALUES (v); END$$, '%TYPE: SELECT INTO');
SELECT body($$DECLARE v p.ssn%TYPE := 's-3'; n int; BEGIN SELECT id INTO n FROM p WHERE ssn = v; INSERT INTO seen (what) VALUES (n::text || v); END$$, '%TYPE: searched for');
SELECT body($$DECLARE v p.name%TYPE := 'name 3'; n int; BEGIN SELECT count(*) INTO n FROM p WHERE name = v; INSERT INTO seen (what) VALUES (n::text || v); END$$, '%TYPE of a randomized one');
SELECT body($$DECLARE v p.name%TYPE; BEGIN v := 'x'; v := v || 'y'; INSERT INTO w (id, name) VALUES (1, v); INSERT INTO seen (what) VALUES (v); END$$, '%TYPE: assignment');
SELECT body($$DECLARE v p.name%TYPE; u p.name%TYPE; BEGIN v := 'x'; u := v; IF u = 'x' THEN INSERT INTO seen (what) VALUES ('yes'); END IF; END$$, '%TYPE: IF');
SELECT body($$DECLARE v p.age%TYPE := 3; BEGIN v := v + 1; v := v * 2; INSERT INTO w (id, n) VALUES (1, v); INSERT INTO seen (what) VALUES (v::text); END$$, '%TYPE of a number');
SELECT body($$DECLARE r p%ROWTYPE; BEGIN SELECT * INTO r FROM p WHERE id = 3; r.name := 'set'; r.ssn := r.name || '!'; INSERT INTO seen (what) VALUES (r.ssn), (r.name); END$$, '%ROWTYPE: fields set');
SELECT body($$DECLARE r w%ROWTYPE; BEGIN r.id := 9; r.name := 'set'; r.ssn := 'x'; r.n := 4; INSERT INTO w VALUES (r.*); END$$, '%ROWTYPE: INSERT of it');
SELECT body($$DECLARE r w%ROWTYPE; BEGIN r.id := 9; r.name := 'set'; INSERT INTO w SELECT r.*; END$$, '%ROWTYPE: INSERT ... SELECT of it');
SELECT body($$DECLARE r p%ROWTYPE; BEGIN SELECT * INTO r FROM p WHERE id = 3; INSERT INTO seen (what) VALUES (r.ssn), (r.name || r.age), (r.plain); END$$, '%ROWTYPE: SELECT INTO');
SELECT body($$DECLARE r p%ROWTYPE; BEGIN SELECT * INTO r FROM p WHERE id = 3; INSERT INTO seen (what) VALUES (r::text), (row_to_json(r)::text); END$$, '%ROWTYPE: as text and JSON');
SELECT body($$DECLARE r record; BEGIN SELECT * INTO r FROM p WHERE id = 3; INSERT INTO seen (what) VALUES (r.ssn), (r::text), (row_to_json(r)::text); END$$, 'record: SELECT INTO');
SELECT body($$DECLARE r record; BEGIN FOR r IN SELECT id, ssn, name FROM p WHERE name > 'name 5' ORDER BY ssn LOOP INSERT INTO seen (what) VALUES (r.ssn || r.name); INSERT INTO w (id, ssn, name) VALUES (r.id, r.ssn, r.name); END LOOP; END$$, 'FOR over a query');
SELECT body($$DECLARE r p%ROWTYPE; BEGIN FOR r IN SELECT * FROM p LOOP INSERT INTO w (id, ssn, other) VALUES (r.id, r.ssn, r.name); END LOOP; END$$, 'FOR %ROWTYPE');
SELECT body($$DECLARE s text; BEGIN FOR s IN SELECT ssn FROM p LOOP INSERT INTO seen (what) VALUES (s); CONTINUE WHEN s = 's-3'; EXIT WHEN s = 's-9'; END LOOP; END$$, 'FOR over one column');
SELECT body($$DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT ssn, name FROM p WHERE ssn = $1 OR name = $2' USING 's-3', 'name 4' LOOP INSERT INTO seen (what) VALUES (r.ssn || r.name); END LOOP; END$$, 'FOR EXECUTE USING');
SELECT body($$DECLARE v text; BEGIN EXECUTE 'SELECT max(name) FROM p WHERE ssn <> $1' INTO v USING 's-3'; INSERT INTO seen (what) VALUES (v); END$$, 'EXECUTE INTO');
SELECT body($$BEGIN EXECUTE 'INSERT INTO w (id, ssn, name, n) VALUES ($1, $2, $3, $4)' USING 1, 's', 'n'::varchar, 5; END$$, 'EXECUTE an INSERT USING');
SELECT body($$DECLARE v text; i int; BEGIN INSERT INTO w (id, ssn, name) VALUES (1, 'r', 'n') RETURNING ssn, id INTO v, i; INSERT INTO seen (what) VALUES (v || i); END$$, 'RETURNING INTO');
SELECT body($$DECLARE v text := 'var'; BEGIN INSERT INTO w (id, ssn, name, n) VALUES (1, v, v || v, length(v)); UPDATE w SET name = v WHERE ssn = v; END$$, 'variables written');
SELECT body($$BEGIN IF (SELECT ssn FROM p WHERE id = 3) = 's-3' AND EXISTS (SELECT FROM p WHERE name = 'name 3') THEN INSERT INTO seen (what) VALUES ('yes'); END IF; END$$, 'IF over sub-selects');
SELECT body($$DECLARE v text; BEGIN v := (SELECT name FROM p WHERE id = 3); INSERT INTO seen (what) VALUES (v); v := name FROM p WHERE id = 4; INSERT INTO seen (what) VALUES (v); END$$, 'assignment of a query');
SELECT body($$DECLARE a text[]; e text; BEGIN a := ARRAY(SELECT ssn FROM p WHERE id < 5 ORDER BY id); FOREACH e IN ARRAY a LOOP INSERT INTO seen (what) VALUES (e); END LOOP; INSERT INTO seen (what) SELECT id::text FROM p WHERE ssn = ANY (a); END$$, 'arrays, FOREACH, = ANY(variable)');
SELECT body($$DECLARE a text[]; BEGIN SELECT array_agg(name ORDER BY id) INTO a FROM p WHERE id < 5; INSERT INTO seen (what) VALUES (a::text), (a[2]); END$$, 'array_agg INTO');
SELECT body($$DECLARE c CURSOR (k text) FOR SELECT id, ssn FROM p WHERE ssn > k ORDER BY ssn; r record; BEGIN OPEN c('s-3'); FETCH c INTO r; INSERT INTO seen (what) VALUES (r.ssn); MOVE 2 FROM c; FETCH c INTO r; INSERT INTO seen (what) VALUES (r.ssn); CLOSE c; END$$, 'cursor with a parameter');
SELECT body($$DECLARE c refcursor; v text; BEGIN OPEN c SCROLL FOR SELECT ssn FROM p WHERE ssn IS NOT NULL ORDER BY ssn; FETCH LAST FROM c INTO v; INSERT INTO seen (what) VALUES (v); FETCH PRIOR FROM c INTO v; INSERT INTO seen (what) VALUES (v); END$$, 'refcursor, SCROLL');
SELECT body($$DECLARE c CURSOR FOR SELECT id, name FROM p FOR UPDATE; BEGIN FOR r IN c LOOP UPDATE p SET name = r.name || '!' WHERE CURRENT OF c; END LOOP; INSERT INTO seen (what) SELECT name FROM p; END$$, 'WHERE CURRENT OF');
SELECT body($$DECLARE v text; BEGIN BEGIN SELECT ssn INTO STRICT v FROM p WHERE ssn = 'none'; EXCEPTION WHEN no_data_found THEN INSERT INTO seen (what) VALUES ('none'); END; BEGIN SELECT ssn INTO STRICT v FROM p; EXCEPTION WHEN too_many_rows THEN INSERT INTO seen (what) VALUES ('many'); END; END$$, 'INTO STRICT');
SELECT body($$BEGIN PERFORM name FROM p WHERE ssn = 's-3'; IF FOUND THEN INSERT INTO seen (what) VALUES ('found'); END IF; PERFORM 1 FROM p WHERE ssn = 'none'; IF NOT FOUND THEN INSERT INTO seen (what) VALUES ('not'); END IF; END$$, 'PERFORM, FOUND');
SELECT body($$DECLARE v p.ssn%TYPE; BEGIN CASE (SELECT town FROM p WHERE id = 3) WHEN 'Ulm' THEN v := 'u'; ELSE v := 'e'; END CASE; CASE v WHEN 'u' THEN INSERT INTO seen (what) VALUES ('u'); ELSE INSERT INTO seen (what) VALUES ('e'); END CASE; END$$, 'CASE');
SELECT body($$DECLARE r record; s record; BEGIN SELECT p.*, 1 AS one INTO r FROM p WHERE id = 3; SELECT r.ssn AS a, upper(r.name) AS b INTO s; INSERT INTO seen (what) VALUES (s.a || s.b), (format('%s %s', r.ssn, r.name)), (concat(r.ssn, s.b)); END$$, 'records of records');

-- functions
SELECT twin($$CREATE FUNCTION f_setof() RETURNS SETOF p LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM p WHERE ssn > ''s-3''; END'$$);
SELECT twin($$CREATE FUNCTION f_next() RETURNS SETOF p LANGUAGE plpgsql AS 'DECLARE r p; BEGIN FOR r IN SELECT * FROM p LOOP r.name := r.name || 1; RETURN NEXT r; END LOOP; END'$$);
SELECT twin($$CREATE FUNCTION f_table() RETURNS TABLE (i int, s text, n text) LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT id, ssn, name FROM p; END'$$);
SELECT twin($$CREATE FUNCTION f_column() RETURNS SETOF text LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT name FROM p; RETURN QUERY EXECUTE ''SELECT ssn FROM p''; END'$$);
SELECT twin($$CREATE FUNCTION f_one(k text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT name FROM p WHERE ssn = k); END'$$);
SELECT twin($$CREATE FUNCTION f_row(k int) RETURNS p LANGUAGE plpgsql AS 'DECLARE r p; BEGIN SELECT * INTO r FROM p WHERE id = k; RETURN r; END'$$);
SELECT twin($$CREATE FUNCTION f_sql(k text) RETURNS text LANGUAGE sql AS 'SELECT name FROM p WHERE ssn = k'$$);
SELECT twin($$CREATE FUNCTION f_sql_set() RETURNS SETOF p LANGUAGE sql AS 'SELECT * FROM p'$$);
SELECT twin($$CREATE FUNCTION f_sql_stable() RETURNS SETOF p LANGUAGE sql STABLE AS 'SELECT * FROM p'$$);
SELECT twin($$CREATE FUNCTION f_sql_table() RETURNS TABLE (s text, n text) LANGUAGE sql STABLE AS 'SELECT ssn, name FROM p'$$);
SELECT twin($$CREATE FUNCTION f_atomic(k text) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT name FROM p WHERE ssn = k; END$$);
SELECT twin($$CREATE FUNCTION f_of(r p) RETURNS text LANGUAGE sql AS 'SELECT r.ssn || r.name'$$);
SELECT twin($$CREATE FUNCTION f_of_plpgsql(r p) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN r.ssn || r.name; END'$$);
SELECT twin($$CREATE FUNCTION f_takes(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT t || ''!'''$$);
SELECT twin($$CREATE FUNCTION f_out(k int, OUT s text, OUT n text) LANGUAGE plpgsql AS 'BEGIN SELECT ssn, name INTO s, n FROM p WHERE id = k; END'$$);
SELECT same($$SELECT * FROM f_setof()$$);
SELECT same($$SELECT ssn, name || 'x' FROM f_setof() WHERE town = 'Ulm'$$);
SELECT same($$SELECT f_setof()$$);
SELECT same($$SELECT (f_row(3)).ssn, row_to_json(f_row(3))$$);
SELECT same($$SELECT f_row(3)$$);
SELECT same($$SELECT * FROM f_next()$$);
SELECT same($$SELECT * FROM f_table()$$);
SELECT same($$SELECT * FROM f_column()$$);
SELECT same($$SELECT f_one(ssn), f_one(plain), f_one('s-3') FROM p$$);
SELECT same($$SELECT * FROM f_row(3)$$);
SELECT same($$SELECT f_sql(ssn), f_sql(plain), f_sql('s-3') FROM p$$);
SELECT same($$SELECT * FROM f_sql_set()$$);
SELECT same($$SELECT ssn FROM f_sql_stable() WHERE name = 'name 3'$$);
SELECT same($$SELECT * FROM f_sql_table() WHERE s = 's-3'$$);
SELECT same($$SELECT f_atomic(plain) FROM p$$);
SELECT same($$SELECT f_of(p), f_of_plpgsql(p), p.f_of FROM p$$);
SELECT same($$SELECT f_takes(ssn), f_takes(name), upper(f_takes(town)) FROM p$$);
SELECT same($$SELECT * FROM p, f_out(p.id) o$$);

-- triggers
SELECT twin($$CREATE FUNCTION t_set() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.name := upper(NEW.name); NEW.ssn := NEW.ssn || ''-t''; NEW.other := NEW.name; RETURN NEW; END'$$);
SELECT twin($$CREATE FUNCTION t_note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen (what) VALUES (TG_OP), (OLD.name || OLD.ssn), (NEW.name || NEW.ssn); IF NEW.name = OLD.name THEN INSERT INTO seen (what) VALUES (''same''); END IF; RETURN NULL; END'$$);
SELECT twin($$CREATE FUNCTION t_skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.ssn IN (''s-3'', ''s-4'') THEN RETURN NULL; END IF; RETURN NEW; END'$$);
SELECT twin($$CREATE FUNCTION t_rows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen (what) SELECT name || ssn FROM added ORDER BY name; RETURN NULL; END'$$);
SELECT twin($$CREATE FUNCTION t_json() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen (what) VALUES (to_jsonb(NEW) ->> ''name''), (NEW::text), (row_to_json(NEW)::text); RETURN NEW; END'$$);
SELECT twin($$CREATE FUNCTION t_differs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen (what) VALUES ((NEW IS DISTINCT FROM OLD)::text), ((NEW.name IS DISTINCT FROM OLD.name)::text); RETURN NEW; END'$$);
CREATE FUNCTION tap.triggered(name text, trigger text, statement text) RETURNS text LANGUAGE sql AS $f$
  SELECT same_after(format('INSERT INTO w VALUES (900, ''s-900'', ''n'', ''o'', 3, ''p''); CREATE TRIGGER t %s; %s', trigger, statement),
    'SELECT what FROM seen UNION ALL SELECT row_to_json(w)::text FROM w', name || statement) $f$;
SELECT triggered('sets NEW: ', 'BEFORE INSERT OR UPDATE ON w FOR EACH ROW EXECUTE FUNCTION t_set()', s)
FROM unnest(ARRAY[$$INSERT INTO w (id, ssn, name) VALUES (1, 'a', 'b')$$, $$INSERT INTO w (id, ssn, name) SELECT id, ssn, name FROM p$$,
  $$UPDATE w SET n = 1$$, $$UPDATE w SET name = 'q'$$, $$INSERT INTO w VALUES (900, 'x') ON CONFLICT (id) DO UPDATE SET name = 'conflict'$$]) s;
SELECT triggered('reads OLD and NEW: ', 'AFTER UPDATE ON w FOR EACH ROW EXECUTE FUNCTION t_note()', s)
FROM unnest(ARRAY[$$UPDATE w SET name = name$$, $$UPDATE w SET name = 'new'$$, $$UPDATE w SET ssn = NULL$$]) s;
SELECT triggered('WHEN: ', $$AFTER UPDATE ON w FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION t_note()$$, s)
FROM unnest(ARRAY[$$UPDATE w SET name = name$$, $$UPDATE w SET name = 'n'$$, $$UPDATE w SET name = 'new'$$]) s;
SELECT triggered('WHEN: ', $$BEFORE INSERT ON w FOR EACH ROW WHEN (NEW.ssn = 's-3' OR NEW.name LIKE '%4') EXECUTE FUNCTION t_set()$$, s)
FROM unnest(ARRAY[$$INSERT INTO w (id, ssn, name) SELECT id, ssn, name FROM p$$]) s;
SELECT triggered('skips: ', 'BEFORE INSERT ON w FOR EACH ROW EXECUTE FUNCTION t_skip()', $$INSERT INTO w (id, ssn, name) SELECT id, ssn, name FROM p$$);
SELECT triggered('transition table: ', 'AFTER INSERT ON w REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION t_rows()', $$INSERT INTO w (id, ssn, name) SELECT id, ssn, name FROM p$$);
SELECT triggered('UPDATE OF: ', 'AFTER UPDATE OF name ON w FOR EACH ROW EXECUTE FUNCTION t_note()', $$UPDATE w SET ssn = 'other'$$);
SELECT triggered('rows as JSON: ', timing || ' INSERT OR UPDATE ON w FOR EACH ROW EXECUTE FUNCTION t_json()', s)
FROM unnest(ARRAY['BEFORE', 'AFTER']) timing, unnest(ARRAY[$$INSERT INTO w (id, ssn, name) VALUES (1, 'a', 'b')$$, $$UPDATE w SET name = 'new'$$]) s;
SELECT triggered('NEW IS DISTINCT FROM OLD: ', timing || ' UPDATE ON w FOR EACH ROW EXECUTE FUNCTION t_differs()', s)
FROM unnest(ARRAY['BEFORE', 'AFTER']) timing, unnest(ARRAY['UPDATE w SET name = name', $$UPDATE w SET name = 'new'$$, $$UPDATE w SET name = 'n'$$, $$UPDATE w SET ssn = 's-900'$$]) s;

-- prepared statements
CREATE FUNCTION tap.prepared(head text, execute text) RETURNS text LANGUAGE sql AS $f$
  SELECT same_answer(head || '; ' || execute, execute, true, 'DEALLOCATE ALL; PREPARE q' || head) $f$;
SELECT prepared($$ AS SELECT * FROM p WHERE ssn = $1$$, $$EXECUTE q('s-3')$$);
SELECT prepared($$(text) AS SELECT id, name FROM p WHERE ssn = $1$$, $$EXECUTE q('s-3')$$);
SELECT prepared($$(varchar) AS SELECT id, name FROM p WHERE ssn = $1$$, $$EXECUTE q('s-3')$$);
SELECT prepared($$ AS SELECT id FROM p WHERE ssn IN ($1, $2)$$, $$EXECUTE q('s-3', 's-4')$$);
SELECT prepared($$ AS SELECT id FROM p WHERE ssn = ANY ($1)$$, $$EXECUTE q('{s-3,s-4}')$$);
SELECT prepared($$(text[]) AS SELECT id FROM p WHERE ssn = ANY ($1)$$, $$EXECUTE q(ARRAY['s-3', 's-4'])$$);
SELECT prepared($$ AS SELECT id FROM p WHERE name = $1 AND pay > $2$$, $$EXECUTE q('name 3', 3)$$);
SELECT prepared($$(int, int8) AS SELECT id FROM p WHERE grp = $1 OR big = $2$$, $$EXECUTE q(1, 3000000021)$$);
SELECT prepared($$ AS SELECT id FROM p WHERE grp = $1 AND born > $2 AND ok = $3$$, $$EXECUTE q(1, '1975-01-01', 't')$$);
SELECT prepared($$ AS INSERT INTO w (id, ssn, name, n) VALUES ($1, $2, $3, $4) RETURNING *$$, $$EXECUTE q(1, 's', 'n', '7')$$);
SELECT prepared($$(int, text, varchar, int2) AS INSERT INTO w (id, ssn, name, n) VALUES ($1, $2, $3, $4) RETURNING *$$, $$EXECUTE q(1, 's', 'n', 7::int2)$$);
SELECT prepared($$ AS UPDATE p SET name = $1 WHERE ssn = $2 RETURNING id, name$$, $$EXECUTE q('new', 's-3')$$);
SELECT prepared($$ AS DELETE FROM p WHERE name = $1 RETURNING id$$, $$EXECUTE q('name 3')$$);
SELECT prepared($$ AS SELECT $1 || ssn FROM p ORDER BY ssn LIMIT $2$$, $$EXECUTE q('x', 3)$$);
SELECT prepared($$ AS SELECT id FROM p WHERE ssn = $1 OR $1 IS NULL$$, $$EXECUTE q(NULL)$$);
SELECT prepared($$ AS SELECT id FROM p WHERE $1 = ssn AND plain = $1$$, $$EXECUTE q('s-3')$$);
SELECT prepared($$ AS SELECT COALESCE($1, ssn) FROM p$$, $$EXECUTE q(NULL)$$);

SELECT * FROM finish();
ROLLBACK;
