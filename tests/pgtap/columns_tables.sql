-- What tables have beside columns, over encrypted ones: constraints, partitions, inheritance, row level security,
-- ALTER TABLE and triggers.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(317);
-- Rows of a table after statements, on either side.
CREATE FUNCTION tap.rows_of(relation text, statements text, what text DEFAULT NULL) RETURNS text LANGUAGE sql AS
  $f$ SELECT same_after(statements, 'SELECT tableoid::regclass::text AS at, ' || relation || '.* FROM ' || relation, coalesce(what, statements)) $f$;

-- CHECK, NOT NULL, DEFAULT, UNIQUE
SELECT twin($$CREATE TABLE c (id int PRIMARY KEY, a {text} CHECK (length(a) < 5), d {det_text} NOT NULL CHECK (d IN ('a', 'b', 'c')), n {int4} CHECK (n > 0 AND n < id * 10), b {date} CHECK (b > '2000-01-01'),
  e {text} DEFAULT 'given' || 1 NOT NULL, f {det_int4} DEFAULT 7, t {timestamptz} DEFAULT '2024-01-01 00:00+00', j {jsonb} DEFAULT '{"x": 1}', CONSTRAINT mixed CHECK (a <> d OR n IS NULL), UNIQUE (d, f))$$);
SELECT rows_of('c', s) FROM unnest(ARRAY[$$INSERT INTO c (id, a, d, n) VALUES (1, 'abc', 'a', 5)$$, $$INSERT INTO c (id, a, d) VALUES (1, 'abcde', 'a') /* 23514 */$$, $$INSERT INTO c (id, d) VALUES (1, 'z') /* 23514 */$$, $$INSERT INTO c (id, d) VALUES (1, NULL) /* 23502 */$$,
  $$INSERT INTO c (id) VALUES (1) /* 23502 */$$, $$INSERT INTO c (id, d, n) VALUES (1, 'a', 0) /* 23514 */$$, $$INSERT INTO c (id, d, n) VALUES (1, 'a', 10) /* 23514 */$$, $$INSERT INTO c (id, d, b) VALUES (1, 'a', '2000-01-02'), (2, 'b', NULL)$$,
  $$INSERT INTO c (id, d, b) VALUES (1, 'a', '1999-01-02') /* 23514 */$$, $$INSERT INTO c (id, d, e) VALUES (1, 'a', NULL) /* 23502 */$$, $$INSERT INTO c (id, a, d, n) VALUES (1, 'a', 'a', 5) /* 23514 */$$, $$INSERT INTO c (id, a, d) VALUES (1, 'a', 'a')$$,
  $$INSERT INTO c (id, d) VALUES (1, 'a'), (2, 'a') /* 23505 */$$, $$INSERT INTO c (id, d, f) VALUES (1, 'a', 1), (2, 'a', 2), (3, 'a', NULL), (4, 'a', NULL)$$, $$INSERT INTO c (id, d) VALUES (1, 'a'); UPDATE c SET a = 'abcde' /* 23514 */$$,
  $$INSERT INTO c (id, d) VALUES (1, 'a'); UPDATE c SET a = 'abcd', n = 9, d = 'b'$$, $$INSERT INTO c (id, d) VALUES (1, 'a'), (2, 'b'); UPDATE c SET d = 'c', f = id$$, $$INSERT INTO c (id, d) VALUES (1, 'a'), (2, 'b'); UPDATE c SET d = 'c' /* 23505 */$$,
  $$INSERT INTO c (id, d) SELECT id, lower(left(town, 1)) FROM p WHERE town LIKE 'B%' AND id < 9$$, $$INSERT INTO c DEFAULT VALUES /* 23502 */$$, $$INSERT INTO c (id, d, e, f, t, j) VALUES (1, 'b', DEFAULT, DEFAULT, DEFAULT, DEFAULT)$$]) s;
SELECT rows_of('c', $$INSERT INTO c (id, d) VALUES (1, 'a'); ALTER TABLE c $$ || s || $$; INSERT INTO c (id, d, a) VALUES (2, 'b', 'abcd')$$, 'ALTER TABLE ' || s) FROM unnest(ARRAY['ALTER e SET DEFAULT ''new''', 'ALTER e DROP DEFAULT /* 23502 */', 'ALTER e DROP NOT NULL, ALTER e DROP DEFAULT',
  'ALTER n SET NOT NULL /* 23502 */', 'ALTER f SET NOT NULL', 'ADD CHECK (a > ''a'')', 'ADD CHECK (a > ''abcdef'') NOT VALID /* 23514 */', 'ADD CONSTRAINT v CHECK (e > ''h'') NOT VALID, VALIDATE CONSTRAINT v /* 23514 */', 'ADD CONSTRAINT v CHECK (e LIKE ''g%'') NOT VALID, VALIDATE CONSTRAINT v',
  'ADD CHECK (d = ''a'') /* 23514 */', 'DROP CONSTRAINT mixed', 'ADD UNIQUE (f) /* 23505 */']) s;
SELECT rows_of('c', $$INSERT INTO c (id, d) VALUES (1, 'a'), (2, 'b'); CREATE UNIQUE INDEX ON c (f) WHERE id > 1; INSERT INTO c (id, d) VALUES (3, 'c') /* 23505 */$$);
SELECT twin($$CREATE TABLE deferred (id int, d {det_text} UNIQUE DEFERRABLE INITIALLY DEFERRED)$$);
SELECT rows_of('deferred', s) FROM unnest(ARRAY[$$INSERT INTO deferred VALUES (1, 'a'), (2, 'a'); UPDATE deferred SET d = 'b' WHERE id = 2; SET CONSTRAINTS ALL IMMEDIATE$$, $$INSERT INTO deferred VALUES (1, 'a'), (2, 'a'); SET CONSTRAINTS ALL IMMEDIATE /* 23505 */$$]) s;
SELECT twin($$CREATE TABLE nulls (d {det_text} UNIQUE NULLS NOT DISTINCT)$$);
SELECT rows_of('nulls', 'INSERT INTO nulls VALUES (NULL), (NULL) /* 23505 */');

-- foreign keys; since 18 PostgreSQL has a code of its own for RESTRICT, 23001
SELECT twin($$CREATE TABLE parent (d {det_text} PRIMARY KEY, n {det_int4} UNIQUE, e {text})$$);
SELECT twin($$INSERT INTO parent VALUES ('a', 1, 'x'), ('b', 2, 'y'), ('c', 3, 'z')$$);
CREATE FUNCTION tap.referring(action text, statements text) RETURNS text LANGUAGE sql AS $f$
  SELECT rows_of('child', format('CREATE TABLE child (id int, d {det_text} DEFAULT ''c'' REFERENCES parent %s, n {det_int4} REFERENCES parent (n) ON DELETE CASCADE); INSERT INTO child VALUES (1, ''a'', 2), (2, ''b'', NULL), (3, NULL, 3); ', action) || statements, 'foreign key ' || action || ': ' || statements) $f$;
SELECT referring(a, s) FROM unnest(ARRAY['', 'ON DELETE CASCADE ON UPDATE CASCADE', 'ON DELETE SET NULL ON UPDATE SET NULL', 'ON DELETE SET DEFAULT ON UPDATE RESTRICT', 'ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED']) a,
  unnest(ARRAY[$$UPDATE parent SET d = 'z' WHERE d = 'a' /* none or 23503 or 23001 */$$, $$DELETE FROM parent WHERE d = 'b' /* none or 23503 or 23001 */$$, $$DELETE FROM parent WHERE d = 'b'; SET CONSTRAINTS ALL IMMEDIATE /* none or 23503 or 23001 */$$, $$UPDATE parent SET e = 'new', d = d$$]) s;
SELECT referring('', s) FROM unnest(ARRAY[$$INSERT INTO child VALUES (4, 'q') /* 23503 */$$, $$INSERT INTO child VALUES (4, DEFAULT, 1)$$, $$INSERT INTO child SELECT id + 10, d, n FROM parent, p WHERE p.id < 3$$, $$UPDATE child SET d = 'c' WHERE d = 'a'$$, $$UPDATE child SET d = 'q' WHERE d = 'a' /* 23503 */$$,
  $$INSERT INTO child (id, n) VALUES (4, 9) /* 23503 */$$, $$DELETE FROM parent WHERE e = 'z'$$, $$DELETE FROM child; DELETE FROM parent; INSERT INTO child (id, d) VALUES (1, NULL)$$, $$TRUNCATE parent CASCADE$$, $$ALTER TABLE child DROP CONSTRAINT child_d_fkey; INSERT INTO child VALUES (5, 'q')$$]) s;
SELECT rows_of('child', $$CREATE TABLE child (id int, d {det_text}); INSERT INTO child VALUES (1, 'a'), (2, 'b'); ALTER TABLE child ADD FOREIGN KEY (d) REFERENCES parent; DELETE FROM parent WHERE d = 'a' /* 23503 */$$);
SELECT rows_of('child', $$CREATE TABLE child (id int, d {det_text}); INSERT INTO child VALUES (1, 'q'); ALTER TABLE child ADD FOREIGN KEY (d) REFERENCES parent /* 23503 */$$);
SELECT rows_of('child', $$CREATE TABLE child (id int, d {det_text}); INSERT INTO child VALUES (1, 'q'); ALTER TABLE child ADD CONSTRAINT f FOREIGN KEY (d) REFERENCES parent NOT VALID; INSERT INTO child VALUES (2, 'a')$$);
SELECT rows_of('tree', $$CREATE TABLE tree (d {det_text} PRIMARY KEY, up {det_text} REFERENCES tree ON DELETE CASCADE ON UPDATE CASCADE); INSERT INTO tree VALUES ('a', NULL), ('b', 'a'), ('c', 'b'), ('d', NULL); UPDATE tree SET d = 'x' WHERE d = 'b'; DELETE FROM tree WHERE d = 'a'$$);

-- partitions
SELECT twin($$CREATE TABLE r (id int, d {det_text}, n {text}) PARTITION BY RANGE (id)$$);
SELECT twin($$CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (0) TO (20)$$);
SELECT twin($$CREATE TABLE r2 (gone int, n {text}, d {det_text}, id int)$$);
SELECT twin($$ALTER TABLE r2 DROP COLUMN gone; ALTER TABLE r ATTACH PARTITION r2 FOR VALUES FROM (20) TO (40)$$);
SELECT twin($$INSERT INTO r SELECT id, ssn, name FROM p WHERE id < 40$$);
SELECT rows_of('r', s) FROM unnest(ARRAY['SELECT 1', 'UPDATE r SET id = 39 - id', $$UPDATE r SET id = id + 20, n = n || 'moved' WHERE d = 's-3'$$, $$UPDATE r SET n = d WHERE n = 'name 4'$$, $$DELETE FROM r WHERE d IN ('s-3', 's-33')$$,
  $$INSERT INTO r VALUES (99, 'a', 'b') /* 23514 */$$, $$INSERT INTO r VALUES (5, 'a', 'b'), (25, 'c', 'd'), (6, NULL, 'e')$$, 'CREATE TABLE r3 PARTITION OF r DEFAULT; INSERT INTO r SELECT id + 100, plain, town FROM p',
  $$CREATE TABLE r3 (LIKE r INCLUDING ALL); INSERT INTO r3 VALUES (50, 'x', 'y'); ALTER TABLE r ATTACH PARTITION r3 FOR VALUES FROM (40) TO (60)$$, 'ALTER TABLE r DETACH PARTITION r2', 'ALTER TABLE r ADD COLUMN e {text} DEFAULT ''new''; INSERT INTO r (id, d) VALUES (7, ''d'')',
  'ALTER TABLE r ADD CHECK (n IS NULL OR n LIKE ''name%''); INSERT INTO r VALUES (3, ''x'', ''bad'') /* 23514 */', 'CREATE UNIQUE INDEX ON r (id, d); INSERT INTO r VALUES (3, ''s-3'', ''n'') ON CONFLICT (id, d) DO UPDATE SET n = EXCLUDED.n || r.n', 'TRUNCATE r1']) s;
SELECT same(q) FROM unnest(ARRAY['SELECT * FROM r WHERE d = ''s-33'' OR n = ''name 4''', 'SELECT max(n), min(d), count(DISTINCT n) FROM r', 'SELECT r FROM r WHERE id IN (3, 30)', 'SELECT row_to_json(r) FROM r', 'SELECT a.id, b.id FROM r a JOIN r b ON a.n = b.n WHERE a.id < 4',
  'SELECT n, count(*) FROM r GROUP BY n', 'SELECT tableoid::regclass::text, max(n) FROM r GROUP BY 1', 'SELECT a.id FROM r a JOIN p ON p.ssn = a.d WHERE p.plain = a.d']) q;
SELECT same_order('SELECT id, n FROM r ORDER BY n, id LIMIT 9');
SELECT is(state_of, '42804', 'a partition of another key is not attached') FROM (SELECT answer('enc', ', tap, public', true, 'SELECT 1', true, 'CREATE TABLE r3 (id int, d {det_text}, n {text:col-rnd-2}); ALTER TABLE r ATTACH PARTITION r3 FOR VALUES FROM (40) TO (60)') AS state_of) s;
SELECT twin($$CREATE TABLE l (id int, d {det_text}, n {text}) PARTITION BY LIST (d)$$);
SELECT twin($$CREATE TABLE l1 PARTITION OF l FOR VALUES IN ('a', 'b')$$);
SELECT twin($$CREATE TABLE l2 PARTITION OF l FOR VALUES IN ('c', NULL)$$);
SELECT twin($$CREATE TABLE l3 (n {text}, id int, d {det_text})$$);
SELECT twin($$INSERT INTO l3 VALUES ('n', 9, 'e'); ALTER TABLE l ATTACH PARTITION l3 FOR VALUES IN ('e')$$);
SELECT twin($$INSERT INTO l VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z'), (4, NULL, NULL)$$);
SELECT rows_of('l', s) FROM unnest(ARRAY['SELECT 1', $$INSERT INTO l VALUES (5, 'q', 'r') /* 23514 */$$, $$UPDATE l SET d = 'c' WHERE d = 'a'$$, $$UPDATE l SET d = NULL, n = 'moved'$$, $$UPDATE l SET d = 'q' WHERE id = 1 /* 23514 */$$, $$DELETE FROM l WHERE d IN ('a', 'e')$$, 'CREATE TABLE l4 PARTITION OF l DEFAULT; INSERT INTO l SELECT id, town, name FROM p',
  $$CREATE TABLE l4 PARTITION OF l FOR VALUES IN ('b') /* 42P17 */$$, $$CREATE TABLE l4 PARTITION OF l FOR VALUES IN ('d'); INSERT INTO l VALUES (5, 'd', 'n')$$, $$CREATE TABLE l4 (LIKE l); INSERT INTO l4 VALUES (1, 'wrong'); ALTER TABLE l ATTACH PARTITION l4 FOR VALUES IN ('f') /* 23514 */$$, 'ALTER TABLE l DETACH PARTITION l1; INSERT INTO l VALUES (7, ''a'') /* 23514 */']) s;
SELECT same(q) FROM unnest(ARRAY['SELECT * FROM l WHERE d = ''b''', 'SELECT * FROM l WHERE d IN (''b'', ''c'')', 'SELECT * FROM l WHERE d IS NULL', 'SELECT * FROM l WHERE d <> ''b''', 'SELECT * FROM l WHERE d > ''b''', 'SELECT l.id FROM l JOIN (VALUES (''a''), (''e'')) v (d) USING (d)', 'SELECT a.id FROM l a JOIN l b ON a.d = b.d', 'SELECT d, count(*) FROM l GROUP BY d']) q;
SELECT twin($$CREATE TABLE h (d {det_text} PRIMARY KEY, n {text}) PARTITION BY HASH (d)$$);
SELECT twin($$CREATE TABLE h$$ || i || $$ PARTITION OF h FOR VALUES WITH (MODULUS 3, REMAINDER $$ || i || ')') FROM generate_series(0, 2) i;
SELECT twin($$INSERT INTO h SELECT ssn, name FROM p WHERE ssn IS NOT NULL$$);
SELECT same_after(s, 'SELECT * FROM h') FROM unnest(ARRAY['SELECT 1', $$UPDATE h SET d = d || 'x'$$, $$INSERT INTO h VALUES ('s-3', 'x') ON CONFLICT (d) DO UPDATE SET n = h.n || EXCLUDED.n$$, $$INSERT INTO h VALUES ('s-3', 'x') /* 23505 */$$, $$DELETE FROM h WHERE d IN ('s-3', 's-4')$$, $$UPDATE h SET n = 'u' WHERE d = 's-5'$$,
  $$MERGE INTO h USING p ON h.d = p.plain WHEN MATCHED THEN UPDATE SET n = p.town$$]) s;
SELECT same(q) FROM unnest(ARRAY['SELECT * FROM h WHERE d = ''s-3''', 'SELECT n FROM h WHERE d IN (''s-3'', ''s-4'') OR d = ''s-5''', 'SELECT count(*) FROM h JOIN p ON p.ssn = h.d', 'SELECT count(*) FROM h JOIN p ON p.plain = h.d', 'SELECT n FROM h WHERE d = (SELECT plain FROM p WHERE id = 5)']) q;
SELECT ok(count(DISTINCT tableoid) = 3, 'rows are in every hash partition') FROM enc.h;

-- inheritance
SELECT twin($$CREATE TABLE base (id int, d {det_text}, n {text}); CREATE TABLE more (extra {text:col-rnd-2}) INHERITS (base); CREATE TABLE other (n {text}, x int, d {det_text}, id int); ALTER TABLE other INHERIT base$$);
SELECT twin($$INSERT INTO base SELECT id, ssn, name FROM p WHERE id < 5; INSERT INTO more SELECT id + 10, ssn || 'm', name, town FROM p WHERE id < 5; INSERT INTO other SELECT name, 1, ssn || 'o', id + 20 FROM p WHERE id < 5$$);
SELECT rows_of('base', s) FROM unnest(ARRAY['SELECT 1', $$UPDATE base SET n = n || 'x' WHERE d IN ('s-3', 's-3m', 's-3o')$$, $$DELETE FROM base WHERE n = 'name 4'$$, $$DELETE FROM ONLY base WHERE n = 'name 4'$$, 'ALTER TABLE base ADD COLUMN e {text} DEFAULT ''e''', 'ALTER TABLE other NO INHERIT base']) s;
SELECT same(q) FROM unnest(ARRAY['SELECT * FROM base WHERE d = ''s-3m'' OR n = ''name 1''', 'SELECT * FROM more', 'SELECT * FROM other', 'SELECT base FROM base', 'SELECT row_to_json(base) FROM base', 'SELECT n FROM ONLY base', 'SELECT more::base FROM more', 'SELECT max(n), count(DISTINCT d) FROM base']) q;
SELECT same_order('SELECT n, id FROM base ORDER BY n, id');

-- row level security
CREATE FUNCTION tap.secured(policy text, statement text) RETURNS text LANGUAGE sql AS $f$
  SELECT rows_of('p', format('ALTER TABLE p ENABLE ROW LEVEL SECURITY; ALTER TABLE p FORCE ROW LEVEL SECURITY; CREATE POLICY policy ON p %s; %s', policy, statement), policy || ': ' || statement) $f$;
SELECT secured(policy, s) FROM unnest(ARRAY[$$USING (ssn IN ('s-3', 's-4', 's-5'))$$, $$USING (name = 'name 4')$$, $$USING (ssn > 's-3' AND name < 'name 8') WITH CHECK (name <> 'bad')$$, $$USING (town = 'Ulm' OR age > 10) WITH CHECK (ssn LIKE 's-%')$$,
  $$USING (EXISTS (SELECT FROM pg_class WHERE relname = lower(ssn)) OR grp IN (0, 1))$$, $$USING (true) WITH CHECK (ssn = plain)$$, $$FOR SELECT USING (ssn = 's-' || id AND born > '1975-01-01')$$]) policy,
  unnest(ARRAY['SELECT 1', $$UPDATE p SET name = 'bad' /* none or 42501 */$$, $$UPDATE p SET name = upper(name), town = ssn WHERE ssn >= 's-3' /* none or 42501 */$$, $$DELETE FROM p WHERE ssn = 's-4'$$, $$INSERT INTO p (id, ssn, name, plain) VALUES (900, 's-900', 'name 4', 's-900') /* none or 42501 */$$, $$INSERT INTO p (id, ssn, name) SELECT id + 100, ssn || 'x', name FROM p WHERE name = 'name 4' /* none or 42501 */$$,
  $$INSERT INTO p (id, ssn, name) VALUES (3, 's-3', 'name 4') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name /* none or 42501 */$$]) s;

-- ALTER TABLE
SELECT twin($$CREATE TABLE a (gone int, id int, d {det_text}, n {text}, plain text, num int, day {date}, doc {jsonb})$$);
SELECT twin($$INSERT INTO a SELECT 1, id, ssn, name, plain, id * 3, born, doc FROM p$$);
CREATE FUNCTION tap.altered(alteration text, more text DEFAULT 'SELECT 1') RETURNS text LANGUAGE sql AS $f$ SELECT rows_of('a', format('ALTER TABLE a %s; %s', alteration, more), 'ALTER TABLE a ' || alteration) $f$;
SELECT altered(s) FROM unnest(ARRAY['DROP COLUMN gone', 'ALTER n TYPE text USING n', 'ALTER d TYPE text', 'ALTER n TYPE {text:col-rnd-2} USING n::text', 'ALTER n TYPE {det_text} USING n::text', 'ALTER d TYPE {text} USING d::text', 'ALTER d TYPE {det_text:col-det-2} USING d::text', 'ALTER plain TYPE {text}', 'ALTER plain TYPE {det_text} USING plain || ''!''',
  'ALTER num TYPE {int4}', 'ALTER num TYPE {int8} USING num * 2', 'ALTER day TYPE date', 'ALTER doc TYPE jsonb', 'ALTER doc TYPE text USING doc ->> ''t''', 'ALTER n TYPE {int4} USING length(n)', 'ALTER n TYPE int USING length(n)', 'ALTER d TYPE varchar(3) /* 22001 */',
  'ADD e {text}', 'ADD e {text} DEFAULT ''all''', 'ADD e {det_text} DEFAULT ''all'' NOT NULL', 'ADD e {text} NOT NULL /* 23502 */', 'ADD e {int4} DEFAULT 5, ADD f {date} DEFAULT ''2020-02-02''', 'ADD e {text} DEFAULT clock_timestamp()::date - clock_timestamp()::date', 'ADD e {det_int4} DEFAULT 3, ADD UNIQUE (id)', 'ADD e {det_int4} DEFAULT 3 UNIQUE /* 23505 */',
  'DROP n', 'RENAME n TO m', 'ALTER n SET STORAGE PLAIN', 'ALTER n SET DEFAULT ''x''', 'ALTER d SET NOT NULL /* 23502 */', 'ADD CHECK (n < ''name 9'') /* 23514 */', 'ADD CHECK (n < ''name 5'') /* 23514 */', 'ADD PRIMARY KEY (id), ADD UNIQUE (d)', 'SET UNLOGGED', 'REPLICA IDENTITY FULL']) s;
SELECT altered('DROP COLUMN gone', s) FROM unnest(ARRAY[$$INSERT INTO a VALUES (900, 'x', 'y')$$, $$UPDATE a SET n = d || n, d = n WHERE d > 's-3'$$, $$DELETE FROM a WHERE n = 'name 4'$$, $$ALTER TABLE a ADD gone {text} DEFAULT 'back'; UPDATE a SET gone = n WHERE d = 's-3'$$, 'ALTER TABLE a DROP d, DROP plain; UPDATE a SET n = upper(n)',
  'CREATE TABLE b AS SELECT * FROM a; DELETE FROM a; INSERT INTO a SELECT * FROM b WHERE d < ''s-3''', 'DO ''DECLARE r a; BEGIN FOR r IN SELECT * FROM a LOOP r.n := r.n || 1; INSERT INTO a VALUES (r.*); END LOOP; END''']) s;
SELECT same_after('ALTER TABLE a DROP COLUMN gone', q) FROM unnest(ARRAY['SELECT a FROM a', 'SELECT row_to_json(a) FROM a', 'SELECT (a).n FROM a', 'SELECT a::text FROM a WHERE a.d = ''s-3''', 'SELECT count(DISTINCT n) FROM a', 'SELECT x.n, y.d FROM a x LEFT JOIN a y ON x.d = y.plain']) q;
SELECT same_after('ALTER TABLE a RENAME TO z; ALTER TABLE z RENAME n TO name; ALTER TABLE z RENAME d TO key; CREATE SCHEMA IF NOT EXISTS moved; ALTER TABLE z SET SCHEMA moved', 'SELECT id, key, name FROM moved.z WHERE key = ''s-3'' OR name = ''name 4''') WHERE has_database_privilege(current_user, current_database(), 'CREATE');

-- triggers: whole rows
SELECT twin($$CREATE TABLE t (id int PRIMARY KEY, d {det_text}, n {text}, plain text); CREATE TABLE seen (no serial, what text); CREATE TABLE history (op text, at int, d {det_text}, n {text})$$);
SELECT twin($$INSERT INTO t SELECT id, ssn, name, plain FROM p WHERE id < 10$$);
SELECT twin($$CREATE FUNCTION t_differs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen (what) VALUES (''row '' || (NEW IS DISTINCT FROM OLD)), (''star '' || (NEW.* IS DISTINCT FROM OLD.*)), (''n '' || (NEW.n IS DISTINCT FROM OLD.n)), (''d '' || (NEW.d IS DISTINCT FROM OLD.d)); IF NEW IS NOT DISTINCT FROM OLD THEN RETURN NULL; END IF; RETURN NEW; END'$$);
SELECT twin($$CREATE FUNCTION t_json() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen (what) VALUES (to_jsonb(NEW)::text), (to_jsonb(NEW) ->> ''n''), (row_to_json(OLD)::text), (NEW::text), ((to_jsonb(NEW) - ''id'')::text), (format(''%s'', NEW.n)); RETURN NEW; END'$$);
SELECT twin($$CREATE FUNCTION t_history() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF TG_OP = ''DELETE'' THEN INSERT INTO history VALUES (TG_OP, OLD.id, OLD.d, OLD.n); RETURN OLD; END IF; INSERT INTO history SELECT TG_OP, NEW.id, NEW.d, NEW.n; RETURN NEW; END'$$);
SELECT twin($$CREATE FUNCTION t_copy() RETURNS trigger LANGUAGE plpgsql AS 'DECLARE r t%ROWTYPE; BEGIN r := NEW; r.n := OLD.d; NEW := r; NEW.plain := NEW.n; RETURN NEW; END'$$);
SELECT twin($$CREATE FUNCTION t_old() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'$$);
SELECT twin($$CREATE FUNCTION t_table() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen (what) SELECT o.n || f.n || row_to_json(f)::text FROM old_rows o JOIN new_rows f ON o.d = f.d; INSERT INTO history SELECT ''N'', id, d, n FROM new_rows; RETURN NULL; END'$$);
CREATE FUNCTION tap.triggered(name text, trigger text, statement text) RETURNS text LANGUAGE sql AS $f$
  SELECT same_after(format('CREATE TRIGGER tr %s; %s', trigger, statement), 'SELECT what FROM seen UNION ALL SELECT row_to_json(t)::text FROM t UNION ALL SELECT row_to_json(h)::text FROM history h', name || statement) $f$;
SELECT triggered('rows compared ' || timing || ': ', timing || ' UPDATE ON t FOR EACH ROW EXECUTE FUNCTION t_differs()', s) FROM unnest(ARRAY['BEFORE', 'AFTER']) timing,
  unnest(ARRAY['UPDATE t SET n = n', $$UPDATE t SET n = 'name 4'$$, $$UPDATE t SET d = 's-3' WHERE id = 3$$, $$UPDATE t SET n = n || '' WHERE id < 4$$, 'UPDATE t SET n = NULL, d = NULL', 'UPDATE t SET plain = plain || n']) s;
SELECT triggered('rows as JSON ' || timing || ': ', timing || ' UPDATE ON t FOR EACH ROW EXECUTE FUNCTION t_json()', s) FROM unnest(ARRAY['BEFORE', 'AFTER']) timing, unnest(ARRAY['UPDATE t SET n = n WHERE id < 3', $$UPDATE t SET n = d || 'x', d = NULL WHERE id = 3$$]) s;
SELECT triggered('history ' || timing || ': ', timing || ' INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION t_history()', s) FROM unnest(ARRAY['BEFORE', 'AFTER']) timing,
  unnest(ARRAY[$$INSERT INTO t VALUES (90, 'a', 'b')$$, $$UPDATE t SET n = 'new' WHERE d = 's-3'$$, $$DELETE FROM t WHERE n = 'name 4'$$, $$INSERT INTO t VALUES (3, 'a', 'b') ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n || t.n$$, $$MERGE INTO t USING p ON t.d = p.ssn WHEN MATCHED AND p.id < 4 THEN UPDATE SET n = p.town WHEN MATCHED AND p.id < 6 THEN DELETE WHEN NOT MATCHED AND p.id = 20 THEN INSERT VALUES (p.id, p.ssn, p.name)$$]) s;
SELECT triggered('NEW := a row: ', 'BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION t_copy()', $$UPDATE t SET d = 'n' || id$$);
SELECT triggered('RETURN OLD: ', 'BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION t_old()', $$UPDATE t SET n = 'new'$$);
SELECT triggered('transition tables: ', 'AFTER UPDATE ON t REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION t_table()', $$UPDATE t SET n = 'new' || n$$);
SELECT triggered('WHEN ' || w || ': ', 'AFTER UPDATE ON t FOR EACH ROW WHEN (' || w || ') EXECUTE FUNCTION t_json()', s) FROM unnest(ARRAY[$$NEW.n <> 'x' AND OLD.d = 's-3'$$, $$OLD.n IS DISTINCT FROM NEW.n OR OLD.d IS DISTINCT FROM NEW.d$$, $$length(NEW.n) > 6$$, $$NEW.d IN ('s-3', 's-4') AND NEW.n IS NOT NULL$$]) w,
  unnest(ARRAY['UPDATE t SET n = n', $$UPDATE t SET n = 'name 4'$$, $$UPDATE t SET n = upper(n), d = d$$]) s;
SELECT triggered('UPDATE OF: ', 'BEFORE UPDATE OF n ON t FOR EACH ROW EXECUTE FUNCTION t_history()', s) FROM unnest(ARRAY['UPDATE t SET d = d || 1', 'UPDATE t SET n = n || 1']) s;
SELECT same_after('CREATE CONSTRAINT TRIGGER tr AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.n <> OLD.n) EXECUTE FUNCTION t_history(); UPDATE t SET n = d WHERE id < 3; UPDATE t SET n = n; SET CONSTRAINTS ALL IMMEDIATE', 'SELECT * FROM history', 'a deferred constraint trigger');

-- expressions that no planner sees
SELECT altered(s) FROM unnest(ARRAY['ALTER n TYPE {text:col-rnd-2} USING n', 'ALTER n TYPE {det_text} USING n', 'ALTER d TYPE {text} USING d', 'ALTER d TYPE {det_text:col-det-2}', 'ALTER day TYPE text USING day', 'ALTER day TYPE text', 'ALTER day TYPE text USING day::text', 'ALTER n TYPE text USING concat(n::text, day::date)', 'ALTER n TYPE jsonb USING to_jsonb(n::text)']) s;
CREATE FUNCTION tap.checked(col text, expr text, val text) RETURNS text LANGUAGE sql AS $f$ SELECT same_after(format('CREATE TABLE k (id int, x %s CHECK (%s)); INSERT INTO k VALUES (1, %L)', col, expr, val), 'SELECT * FROM k', col || ' CHECK ' || expr) $f$;
SELECT checked(c, e, v) FROM (VALUES ('{date}', 'x::text LIKE ''2%''', '2020-01-01'), ('{date}', 'x::text NOT LIKE ''2%'' /* 23514 */', '2020-01-01'), ('{text}', 'x::varchar(2) = ''ab''', 'abc'), ('{text}', 'concat(x::text) = ''abc''', 'abc'), ('{text}', 'concat(x::text) <> ''abc'' /* 23514 */', 'abc'), ('{text}', 'format(''%s'', x::text) = ''abc''', 'abc'), ('{text}', 'to_json(x::text)::text = ''"abc"''', 'abc'),
 ('{jsonb}', 'x::text LIKE ''{%''', '{"a": 1}'), ('{int4}', 'x::text = ''5''', '5'), ('{int4}', 'x::text || ''a'' = ''5a''', '5'), ('{int4}', 'x::text <> ''5'' /* 23514 */', '5'), ('{text}', 'GREATEST(x::text, ''b'') = ''b''', 'abc'), ('{det_text}', 'LEAST(x::text, ''b'') <> ''abc'' /* 23514 */', 'abc')) v (c, e, v);
SELECT twin($$CREATE FUNCTION t_dynamic() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE ''INSERT INTO seen (what) SELECT $1.n || $2.d || ($1).id'' USING NEW, OLD; RETURN NEW; END'$$);
SELECT twin($$CREATE FUNCTION t_either() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN COALESCE(NEW, OLD); END'$$);
SELECT triggered('EXECUTE ... USING NEW: ', 'AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION t_dynamic()', $$UPDATE t SET n = 'new' WHERE id < 4$$);
SELECT triggered('RETURN COALESCE(NEW, OLD): ', 'BEFORE UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION t_either()', s) FROM unnest(ARRAY['UPDATE t SET n = ''new''', 'DELETE FROM t']) s;
SELECT triggered('WHEN ' || w || ': ', 'AFTER UPDATE ON t FOR EACH ROW WHEN (' || w || ') EXECUTE FUNCTION t_json()', s) FROM unnest(ARRAY['to_jsonb(NEW.n::text) <> ''"x"''', 'concat(NEW.n::text) = ''name 4''', 'NEW.n::varchar(4) = ''name''']) w, unnest(ARRAY['UPDATE t SET n = n', $$UPDATE t SET n = 'name 4'$$]) s;
-- a randomized value that was written anew is another ciphertext: only what is not written is found the same
SELECT triggered('WHEN OLD.* IS DISTINCT FROM NEW.*: ', 'AFTER UPDATE ON t FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION t_json()', s) FROM unnest(ARRAY['UPDATE t SET n = n', $$UPDATE t SET n = 'other'$$, $$UPDATE t SET d = 's-3' WHERE id = 3$$]) s;

SELECT * FROM finish();
ROLLBACK;
