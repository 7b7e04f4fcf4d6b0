-- nae.rotate_search(): after each step, at which it may be interrupted, every row is found, also what is written between; what is refused
-- meanwhile; what it mends. It commits: nothing here is in one transaction.
\! nae key create col-rot-recode --type aes-256-gcm >/dev/null 2>&1
SET client_min_messages = error;
DROP SCHEMA IF EXISTS searchrecode CASCADE;
CREATE SCHEMA searchrecode AUTHORIZATION nae_all;
SET ROLE nae_all;
SET search_path = searchrecode, public;
SET enable_seqscan = off;
SELECT no_plan();
CREATE FUNCTION newest() RETURNS int LANGUAGE sql AS $$SELECT primary_version FROM nae_keys() WHERE name = 'col-rot-recode'$$;
CREATE FUNCTION uses(tab text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE line text; result text := '';
BEGIN FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) SELECT id FROM %s WHERE name LIKE ''Later%%''', tab) LOOP result := result || line; END LOOP; RETURN result LIKE '%name_search @>%'; END $$;
-- By the index, and by a condition that no index serves.
CREATE FUNCTION lost(tab text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE missing bigint;
BEGIN
  EXECUTE format('SELECT count(*) FROM (SELECT id FROM %1$s WHERE name || '''' LIKE ''Later%%'' EXCEPT SELECT id FROM %1$s WHERE name LIKE ''Later%%'') AS q', tab) INTO missing;
  RETURN missing;
END $$;
CREATE FUNCTION right_codes(tab regclass) RETURNS text LANGUAGE sql AS
  $$SELECT format('%s of %s, version %s', authentic, stored, newest_version) FROM nae.verify_table(tab, true) WHERE column_name = 'name_search'$$;
CREATE FUNCTION declared(tab regclass) RETURNS text LANGUAGE sql AS
  $$SELECT format('%s %s', version - newest(), is_complete) FROM nae.search_index WHERE relation = tab AND column_name = 'name'$$;
CREATE TABLE t (id int PRIMARY KEY, name nae.enc_text('col-rot-recode'), note text);
CREATE TABLE p (id int, name nae.enc_text('col-rot-recode')) PARTITION BY HASH (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE p2 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO t SELECT i, CASE WHEN i % 10 = 0 THEN NULL WHEN i % 3 = 0 THEN 'Later ' || i ELSE 'Former ' || i END FROM generate_series(1, 400) AS i;
INSERT INTO p SELECT i, CASE WHEN i % 3 = 0 THEN 'Later ' || i ELSE 'Former ' || i END FROM generate_series(1, 100) AS i;
VACUUM FULL t;
CALL nae.add_search('searchrecode.t', 'name', 'word', letters => 5, bits => 20);
CALL nae.add_search('searchrecode.p', 'name', 'word');
COMMENT ON COLUMN t.name_search IS 'codes';
GRANT SELECT (id, name_search) ON t TO nae_reader;

-- refusals
SELECT throws_ok($$SELECT nae_internal.begin_search_rotation('t', 'note', 1000)$$, '42704', 'column "note" of searchrecode.t has no search index', 'a column without an index');
SELECT throws_ok($$CALL nae.rotate_search('t', 'name')$$, '25001', 'nae.rotate_search cannot run inside a transaction block', 'within a transaction');
CALL nae.rotate_search('searchrecode.t', 'name');
SELECT is_empty('SELECT FROM nae_internal.column_change', 'of the newest version already: nothing to do');
\! nae key rotate col-rot-recode >/dev/null
SELECT is(declared('t'), '-1 t', 'the key has a newer version');
SELECT nae_internal.begin_rotation('t', 'name', NULL, 1000, true, false) \g /dev/null
SELECT throws_ok($$SELECT nae_internal.begin_search_rotation('t', 'name', 1000)$$, '55006', NULL, 'while the column itself is being changed');
SELECT nae.cancel_column_change('t', 'name') \g /dev/null

-- step by step
CREATE TABLE seen (step int, phase text, used boolean, lost bigint);
CREATE PROCEDURE step_by_step(tab text) LANGUAGE plpgsql AS $$
DECLARE done boolean;
BEGIN
  FOR step IN 1 .. 100 LOOP
    done := nae_internal.change_step(tab::regclass, 'name_search');
    COMMIT;
    EXIT WHEN done;
    -- what others write between
    EXECUTE format('INSERT INTO %s (id, name) VALUES (%s, ''Later new''), (%s, ''Former new'')', tab, 1000 + 2 * step, 1001 + 2 * step);
    EXECUTE format('UPDATE %s SET name = ''Later again'' WHERE id = %s', tab, step);
    EXECUTE format('UPDATE %s SET name = ''Former again'' WHERE id = %s', tab, 3 * step);
    EXECUTE format('UPDATE %s SET name = NULL WHERE id = %s', tab, 50 + step);
    EXECUTE format('UPDATE %s SET name_search = NULL WHERE id = %s', tab, 90 + step);
    COMMIT;
    INSERT INTO seen SELECT step, coalesce((SELECT c.phase FROM nae.stat_progress_column AS c), 'done'), uses(tab), lost(tab);
    COMMIT;
  END LOOP;
END $$;
SELECT nae_internal.begin_search_rotation('t', 'name', 50) \g /dev/null
CALL step_by_step('searchrecode.t');
SELECT set_eq('SELECT phase FROM seen', ARRAY['filling', 'constraining', 'validating', 'verifying', 'indexing', 'swapping', 'checking', 'done'], 'each phase was seen');
SELECT cmp_ok((SELECT count(*) FROM seen WHERE phase = 'filling'), '>', 2::bigint, 'and several batches');
SELECT is((SELECT sum(lost) FROM seen), 0::numeric, 'after none of the steps a row was lost');
SELECT ok((SELECT bool_and(used) FROM seen), 'codes were used after each');
SELECT is(declared('t'), '0 t', 'the index is of the newest version, and complete');
SELECT matches(right_codes('t'), '^(\d+) of \1, version ' || newest() || '$', 'each code is that of its value');
SELECT is((SELECT declaration FROM nae.search_index WHERE relation = 't'::regclass), 'word(letters=5, bits=20, unicode=15.0.0)', 'of the same kind');
SELECT is((SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'c'), 'name_is_ciphertext name_search_complete', 'its constraints are what they were');
SELECT is((SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text DESC) FROM pg_index WHERE indrelid = 't'::regclass), 't_pkey t_name_search_idx', 'and its indexes');
SELECT is((SELECT col_description('t'::regclass, attnum) || ' ' || has_column_privilege('nae_reader', 't', 'name_search', 'SELECT') FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'name_search'), 'codes true', 'its comment and privileges');
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass), 4::bigint, 'no trigger is left');
INSERT INTO t VALUES (5000, 'Later single');
INSERT INTO t SELECT 5000 + i, 'Later many' FROM generate_series(1, 50) AS i;
UPDATE t SET name = 'Later update' WHERE id = 5000;
SELECT is(lost('t'), 0::bigint, 'what is written afterwards is found');
SELECT matches(right_codes('t'), '^(\d+) of \1,', 'and right');

-- what is refused meanwhile
CALL nae.rotate_search('searchrecode.p', 'name', 10);
SELECT is(declared('p') || ', ' || right_codes('p'), '0 t, 100 of 100, version ' || newest(), 'a partitioned table');
\! nae key rotate col-rot-recode >/dev/null
SELECT nae_internal.begin_search_rotation('p', 'name', 10), nae_internal.change_step('p', 'name_search'), nae_internal.change_step('p', 'name_search') \g /dev/null
CREATE FUNCTION meanwhile(statement text) RETURNS text LANGUAGE sql AS
  $$SELECT throws_ok(statement, '55006', 'the codes of column "name" of searchrecode.p are being made anew', 'refused meanwhile: ' || statement)$$;
SELECT tgfoid::regproc AS sync FROM pg_trigger WHERE tgrelid = 'p'::regclass AND tgname = 'zzz_nae_sync_name_search_update' \gset
SELECT meanwhile('ALTER TABLE p DISABLE TRIGGER USER');
SELECT meanwhile('ALTER TABLE p1 DISABLE TRIGGER USER');
SELECT meanwhile('ALTER TABLE p1 ENABLE TRIGGER zzz_nae_sync_name_search_insert');
SELECT meanwhile('DROP TRIGGER zzz_nae_sync_name_search_update ON p');
SELECT meanwhile('CREATE OR REPLACE TRIGGER zzz_nae_sync_name_search_update BEFORE UPDATE ON p FOR EACH ROW WHEN (false) EXECUTE FUNCTION ' || :'sync' || '()');
SELECT meanwhile(format('CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NEW; END''', :'sync'));
SELECT meanwhile(format('DROP TRIGGER %I ON p', tgname)) FROM pg_trigger WHERE tgrelid = 'p'::regclass AND tgname LIKE 'zzz\_nae\_name\_search\_index%' ORDER BY tgname;
SELECT meanwhile('ALTER TABLE p DROP COLUMN name_search CASCADE');
SELECT throws_ok('ALTER TABLE p RENAME name TO other', '55006', NULL, 'no rename meanwhile');
SELECT throws_ok($$SELECT nae.drop_search('p', 'name')$$, '55006', NULL, 'nor is it dropped');
SELECT ok(uses('p'), 'the old codes are used');
SELECT is(lost('p'), 0::bigint, 'and all rows found');
SELECT id AS row FROM p WHERE name_search__nae IS NOT NULL ORDER BY id LIMIT 1 \gset
UPDATE p SET name_search__nae = (SELECT name_search__nae FROM p WHERE name_search__nae IS NOT NULL ORDER BY id DESC LIMIT 1), name = name WHERE id = :row;
CALL nae.rotate_search('searchrecode.p', 'name');
SELECT is(declared('p') || ', ' || right_codes('p'), '0 t, 100 of 100, version ' || newest(), 'the same CALL goes on, and nobody set a code by hand');
\! nae key rotate col-rot-recode >/dev/null
SELECT nae_internal.begin_search_rotation('p', 'name', 10), nae_internal.change_step('p', 'name_search'), nae_internal.change_step('p', 'name_search') \g /dev/null
SELECT nae.cancel_column_change('p', 'name_search') \g /dev/null
SELECT is(declared('p'), '-1 t', 'given up: what it was');
SELECT is(lost('p'), 0::bigint, 'and all rows found');
SELECT hasnt_column('searchrecode'::name, 'p'::name, 'name_search__nae'::name, 'and nothing else');

-- its trigger is dropped where no guard sees it
SELECT nae_internal.begin_search_rotation('p', 'name', 10), nae_internal.change_step('p', 'name_search'), nae_internal.change_step('p', 'name_search') \g /dev/null
RESET ROLE;
ALTER EVENT TRIGGER nae_guard_drops DISABLE;
DROP TRIGGER zzz_nae_name_search_index ON p;
ALTER EVENT TRIGGER nae_guard_drops ENABLE ALWAYS;
SET ROLE nae_all;
CREATE PROCEDURE to_the_swap() LANGUAGE plpgsql AS $$
BEGIN
  WHILE (SELECT phase FROM nae.stat_progress_column) <> 'swapping' LOOP
    PERFORM nae_internal.change_step('searchrecode.p', 'name_search');
    COMMIT;
  END LOOP;
END $$;
CALL to_the_swap();
SELECT throws_ok($$SELECT nae_internal.change_step('p', 'name_search')$$, '55000', 'no trigger keeps the codes of column "name" of searchrecode.p', 'without the trigger that says what is coded nothing is swapped');
SELECT nae.cancel_column_change('p', 'name_search') \g /dev/null
-- an index that is used no more
ALTER TABLE t DISABLE TRIGGER USER;
UPDATE t SET name = 'Later stale' WHERE id = 1;
ALTER TABLE t ENABLE TRIGGER USER;
SELECT ok(NOT uses('t'), 'stale codes are not used');
SELECT purpose AS stale, array_lower(name_search, 1) AS mark FROM nae.search_index, t WHERE relation = 't'::regclass AND id = 2 \gset
CALL nae.rotate_search('searchrecode.t', 'name');
SELECT ok(uses('t'), 'made anew they are');
SELECT isnt((SELECT purpose FROM nae.search_index WHERE relation = 't'::regclass), :'stale', 'in another name');
SELECT is_empty(format('SELECT FROM t WHERE array_lower(name_search, 1) = %s', :mark), 'under another mark');
SELECT is(lost('t'), 0::bigint, 'and find all rows');
SELECT matches(right_codes('t'), '^(\d+) of \1, version ' || newest() || '$', 'each is right');
SELECT is((SELECT string_agg(tgenabled::text, '' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 't'::regclass), 'OORO', 'its triggers fire where they should');
-- codes that an older library made of another version of Unicode
SELECT replace(pg_get_triggerdef(oid), 'unicode=15.0.0', 'unicode=14.0.0') AS older FROM pg_trigger WHERE tgrelid = 't'::regclass AND tgname = 'zzz_nae_name_search_index' \gset
DROP TRIGGER zzz_nae_name_search_index ON t;
:older;
SELECT nae_internal.renew_blind_indexes('t') \g /dev/null
SELECT throws_ok($$INSERT INTO t VALUES (5999, 'Later new')$$, '0A000', NULL, 'of another version of Unicode: none is made');
CALL nae.rotate_search('searchrecode.t', 'name');
INSERT INTO t VALUES (5999, 'Later new');
SELECT is(declared('t') || ' ' || (SELECT declaration FROM nae.search_index WHERE relation = 't'::regclass), '0 t word(letters=5, bits=20, unicode=15.0.0)', 'rotated to that of this library');
SELECT is(lost('t'), 0::bigint, 'and all rows found');
SELECT tgfoid::regproc AS keeper FROM pg_trigger WHERE tgrelid = 't'::regclass AND tgname = 'zzz_nae_name_search_index' \gset
CREATE OR REPLACE FUNCTION :keeper() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
UPDATE t SET name = 'Later stale' WHERE id = 2;
SELECT ok(NOT uses('t'), 'so after its function was replaced');
SELECT throws_ok($$SELECT nae_internal.begin_search_rotation('t', 'name', 1000)$$, '55000', NULL, 'which may assign whatever it likes');
SELECT nae.drop_search('t', 'name') \g /dev/null
CALL nae.add_search('searchrecode.t', 'name', 'word');
SELECT ok(uses('t'), 'dropped and added it is used again');
INSERT INTO t VALUES (6000, 'Later kept');
SELECT is(lost('t'), 0::bigint, 'and finds all rows');
SELECT is_empty('SELECT FROM nae_internal.column_change', 'no state is left');
SELECT * FROM finish();
RESET ROLE;
DROP SCHEMA searchrecode CASCADE;
