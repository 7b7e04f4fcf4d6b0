-- Conditions on rows that are written, CHECK constraints and WHEN of triggers, over encrypted columns: they decide as over
-- plaintext twins, and what they decrypt is asked for with many rows.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(28);
SELECT tap.twin($$CREATE TABLE w (id int PRIMARY KEY, name {text} CHECK (length(name) < 9), n {int4} CHECK (n > 0 OR id = 3), mail {det_text} CHECK (mail LIKE '%@%'), plain text)$$);
SELECT tap.twin($$CREATE TABLE marks (id int, what text)$$);
SELECT tap.twin($$CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO marks VALUES (NEW.id, TG_OP); RETURN NEW; END'$$);
SELECT tap.twin($$CREATE TRIGGER small BEFORE INSERT OR UPDATE ON w FOR EACH ROW WHEN (NEW.n < 5) EXECUTE FUNCTION mark()$$);
SELECT tap.twin($$CREATE TRIGGER wide AFTER INSERT OR UPDATE ON w FOR EACH ROW WHEN (upper(NEW.name) LIKE 'A%' AND NEW.id > 2) EXECUTE FUNCTION mark()$$);
SELECT tap.twin($$CREATE TABLE s (id int, name {text}, n {int4})$$);
SELECT tap.twin($$INSERT INTO s SELECT i, 'a' || i, i FROM generate_series(1, 40) i$$);
SELECT tap.twin($$CREATE TABLE parted (id int, name {text} CHECK (name <> 'bad')) PARTITION BY LIST (id)$$);
SELECT tap.twin($$CREATE TABLE parted1 PARTITION OF parted FOR VALUES IN (1, 3)$$);
SELECT tap.twin($$CREATE TABLE parted2 (name {text} CHECK (length(name) > 1), id int)$$);
SELECT tap.twin($$ALTER TABLE parted2 ADD CONSTRAINT parted_name_check CHECK (name <> 'bad')$$);
SELECT tap.twin($$ALTER TABLE parted ATTACH PARTITION parted2 FOR VALUES IN (2, 4)$$);
\set rows '''SELECT w.*, (SELECT string_agg(what || m.id, chr(44) ORDER BY what, m.id) FROM marks m) FROM w'''

-- Decisions -----------------------------------------------------------------------------------------
SELECT tap.same_after(q, :rows, left(q, 90), e) FROM (VALUES
  ('INSERT INTO w SELECT id, name, n, ''x@y'' FROM s', NULL),
  ('INSERT INTO w SELECT i, ''a'' || i, i FROM generate_series(1, 40) i', NULL),
  ('INSERT INTO w SELECT i, repeat(''a'', i), i FROM generate_series(1, 40) i', '23514'),
  ('INSERT INTO w SELECT i, ''b'', i - 20 FROM generate_series(1, 40) i', '23514'),
  ('INSERT INTO w VALUES (3, ''b'', -1), (4, NULL, NULL)', NULL),
  ('INSERT INTO w (id, mail) SELECT i, CASE WHEN i < 30 THEN ''a@b'' ELSE ''ab'' END FROM generate_series(1, 40) i', '23514'),
  ('INSERT INTO w SELECT id, name, n FROM s; UPDATE w SET name = ''b'' || id, n = n + 1', NULL),
  ('INSERT INTO w SELECT id, name, n FROM s; UPDATE w SET name = name || repeat(''x'', id)', '23514'),
  ('INSERT INTO w SELECT id, name, n FROM s; UPDATE w SET plain = ''x'' WHERE id > 20', NULL),
  ('INSERT INTO w SELECT id, name, n FROM s; UPDATE w SET id = id + 100', NULL),
  ('INSERT INTO w SELECT id, name, n FROM s; UPDATE w SET n = s.n + 1 FROM s WHERE s.id = w.id', NULL),
  ('INSERT INTO w SELECT id, name, n FROM s; INSERT INTO w SELECT id, name || ''!'', n FROM s ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name', NULL),
  ('ALTER TABLE w DISABLE TRIGGER small; INSERT INTO w SELECT id, name, n FROM s', NULL),
  ('CREATE TRIGGER a BEFORE INSERT ON w FOR EACH ROW WHEN (NEW.name = ''a7'') EXECUTE FUNCTION mark(); INSERT INTO w SELECT id, name, n FROM s', NULL)) v (q, e);
SELECT tap.same_after(q, 'SELECT id, name, tableoid::regclass::text ~ ''1$'' FROM parted', left(q, 90), e) FROM (VALUES
  ('INSERT INTO parted SELECT 1 + i % 4, ''n'' || i FROM generate_series(1, 40) i; UPDATE parted SET name = name || ''x''', NULL),
  ('INSERT INTO parted SELECT 1 + i % 4, ''n'' || i FROM generate_series(1, 40) i; UPDATE parted SET name = ''x''', '23514'),
  ('INSERT INTO parted SELECT 1 + i % 4, CASE i WHEN 33 THEN ''bad'' ELSE ''n'' || i END FROM generate_series(1, 40) i', '23514')) v (q, e);

-- Requests ------------------------------------------------------------------------------------------
-- Values that batches have asked for, and requests of calls one by one.
SET LOCAL search_path = enc, tap, public;
SET LOCAL nae.batch = on;
CREATE FUNCTION tap.asked(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE items_before bigint; requests_before bigint; alone bigint;
BEGIN
  SELECT s.items, s.requests INTO items_before, requests_before FROM nae_batch_stats() s;
  alone := (SELECT value::bigint FROM nae_agent_stats() WHERE name = 'requests');
  EXECUTE statement;
  alone := (SELECT value::bigint FROM nae_agent_stats() WHERE name = 'requests') - alone;
  SELECT s.items - items_before, alone - (s.requests - requests_before) INTO items_before, alone FROM nae_batch_stats() s;
  RETURN items_before || ' in batches, ' || alone || ' alone';
END $$;
SELECT is(asked('SELECT 1'), '0 in batches, 0 alone', 'nothing');
SELECT is(asked($$INSERT INTO w SELECT i, 'a' || i, i + 9, i || '@y' FROM generate_series(1, 200) i$$), '1200 in batches, 0 alone', 'INSERT: three values are encrypted and decrypted');
SELECT is(asked($$UPDATE w SET name = 'b' || id, n = id + 20$$), '800 in batches, 200 alone', 'UPDATE: of a column that is not written');
SELECT is(asked($$UPDATE w SET plain = 'x'$$), '600 in batches, 0 alone', 'UPDATE of another column');
SELECT is(asked($$INSERT INTO w SELECT id + 1000, name, n, mail FROM w$$), '600 in batches, 0 alone', 'values that are copied');
SET LOCAL nae.batch = off;
SELECT is(asked($$UPDATE w SET plain = 'y' WHERE id <= 100$$), '0 in batches, 500 alone', 'without batches: each condition of each row');
SET LOCAL nae.batch = on;
CREATE FUNCTION tap.plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; result text := '';
BEGIN FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP result := result || line || E'\n'; END LOOP; RETURN result; END $$;
SELECT matches(tap.plan_of($$INSERT INTO w SELECT * FROM w$$), 'Insert on w\n +->  Custom Scan \(NaeBatch\)\n +Calls: .*plain\(w_1.name\)', 'EXPLAIN names them');
SELECT unalike(tap.plan_of($$INSERT INTO s SELECT * FROM s$$), '%NaeBatch%', 'a table without conditions');
SELECT unalike(tap.plan_of($$INSERT INTO w VALUES (1)$$), '%NaeBatch%', 'one row');

-- Rights --------------------------------------------------------------------------------------------
RESET ROLE;
GRANT INSERT, SELECT ON enc.w, enc.s TO nae_writer;
GRANT INSERT ON enc.marks TO nae_writer;
GRANT USAGE ON SCHEMA nae TO nae_writer;
SET LOCAL ROLE nae_writer;
SELECT throws_ok($$INSERT INTO w SELECT id + 5000, name, n FROM s$$, 'NE001', NULL, 'a condition decrypts in the name of who writes');
SET LOCAL nae.batch = off;
SELECT throws_ok($$INSERT INTO w SELECT id + 5000, name, n FROM s$$, 'NE001', NULL, 'here too');
SET LOCAL nae.batch = on;
SET LOCAL ROLE nae_all;

SELECT * FROM finish();
ROLLBACK;
