-- Search indexes never lose a row that the condition itself finds: what would leave codes that are not those of their values is
-- refused, or the index is not used. Procedures that commit make them: nothing here is in one transaction.
SET client_min_messages = error;
DROP SCHEMA IF EXISTS searchguard CASCADE;
CREATE SCHEMA searchguard AUTHORIZATION nae_all;
SET ROLE nae_all;
SET search_path = searchguard, public;
SET enable_seqscan = off;
SELECT no_plan();
CREATE FUNCTION uses(tab text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE line text; result text := '';
BEGIN FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) SELECT id FROM %s WHERE name LIKE ''Later%%''', tab) LOOP result := result || line; END LOOP; RETURN result LIKE '%name_search @>%'; END $$;
CREATE FUNCTION later(tab text) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE found int[]; BEGIN EXECUTE format('SELECT array_agg(id ORDER BY id) FROM %s WHERE name LIKE ''Later%%''', tab) INTO found; RETURN found; END $$;

CREATE FUNCTION mark(tab text) RETURNS int LANGUAGE sql AS $$ SELECT nae_internal.search_mark(key || ':' || version, purpose, context, declaration) FROM nae.search_index WHERE relation = tab::regclass AND column_name = 'name' $$;
-- codes as another writer of the same index would make them
CREATE FUNCTION marked(tab text, codes text) RETURNS int[] LANGUAGE sql AS $$ SELECT format('[%1$s:%1$s]={%2$s}', mark(tab), codes)::int[] $$;
CREATE FUNCTION add_check(tab text, of text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN EXECUTE format('ALTER TABLE %s ADD CONSTRAINT name_search_complete CHECK (nae.has_codes((name IS NULL), name_search, %s))', tab, mark(of)); END $$;

CREATE FUNCTION told(object text) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(severity || ': ' || finding, '; ') FROM nae.lint() AS l WHERE l.object = 'column searchguard.' || told.object $$;

-- what is attached
CREATE TABLE parts (id int, name nae.enc_text('col-rnd')) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
INSERT INTO parts SELECT i, 'Former ' || i FROM generate_series(1, 199) AS i;
CALL nae.add_search('searchguard.parts', 'name', 'word');
SELECT ok(uses('parts'), 'a partitioned table is searched by codes');
ALTER TABLE parts DETACH PARTITION parts_2;
UPDATE parts_2 SET name = 'Later ' || id WHERE id = 150;
SELECT is(later('parts_2'), ARRAY[150], 'a partition that is none any more is searched itself');
SELECT throws_ok($$ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (100) TO (200)$$, '55000',
  'searchguard.parts_2 is not empty, and column "name" of searchguard.parts has a search index', 'detached, updated, and attached again');
CREATE TABLE staged (id int, name nae.enc_text('col-rnd'), name_search int[]);
SELECT add_check('staged', 'parts');
INSERT INTO staged VALUES (250, 'Later 250', marked('parts', 'NULL'));
SELECT throws_ok($$ALTER TABLE parts ATTACH PARTITION staged FOR VALUES FROM (200) TO (300)$$, '55000', NULL, 'a table with codes of its own');
CREATE TABLE below (id int, name nae.enc_text('col-rnd'), name_search int[]) PARTITION BY RANGE (id);
SELECT add_check('below', 'parts');
ALTER TABLE below ATTACH PARTITION staged FOR VALUES FROM (200) TO (300);
SELECT throws_ok($$ALTER TABLE parts ATTACH PARTITION below FOR VALUES FROM (200) TO (300)$$, '55000', NULL, 'or one below it');
ALTER TABLE below DETACH PARTITION staged;
DELETE FROM staged;
SELECT throws_ok($$ALTER TABLE parts ATTACH PARTITION staged FOR VALUES FROM (200) TO (300)$$, '55000', NULL, 'or one whose rows another snapshot may see');
TRUNCATE staged;
SELECT lives_ok($$ALTER TABLE parts ATTACH PARTITION staged FOR VALUES FROM (200) TO (300)$$, 'an empty one is attached');
INSERT INTO parts VALUES (260, 'Later 260');
SELECT ok(uses('parts'), 'the codes are still used');
SELECT is(later('parts'), ARRAY[260], 'and its rows found');
SELECT nae.drop_search('parts', 'name');
ALTER TABLE parts_2 DROP COLUMN name_search;
SELECT lives_ok($$ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (100) TO (200)$$, 'without an index the partition comes back');
CALL nae.add_search('searchguard.parts', 'name', 'word');
SELECT ok(uses('parts'), 'which is made anew');
SELECT is(later('parts'), ARRAY[150, 260], 'and finds all rows');
ALTER TABLE parts DETACH PARTITION parts_2;
SELECT nae.drop_search('parts', 'name');
CALL nae.add_search('searchguard.parts', 'name', 'word');
SELECT throws_ok($$ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (100) TO (200)$$, '42804', NULL, 'nor one with codes of another index');

-- what inherits
CREATE TABLE parent (id int, name nae.enc_text('col-rnd'));
INSERT INTO parent VALUES (1, 'Later 1'), (2, 'Former 2');
CALL nae.add_search('searchguard.parent', 'name', 'word');
SELECT ok(uses('parent'), 'a table without children is searched by codes');
PREPARE searching AS SELECT array_agg(id ORDER BY id) FROM parent WHERE name LIKE 'Later%';
SELECT results_eq('searching', $$VALUES (ARRAY[1])$$, 'by a plan that is kept');
CREATE TABLE child () INHERITS (parent);
INSERT INTO child VALUES (3, 'Later 3', marked('parent', 'NULL'));
SELECT ok(NOT uses('parent'), 'not with a child, which has no triggers');
SELECT is(told('parent.name_search'), 'warning: searchguard.child inherits from the table and is no partition that keeps codes here: no statement over both goes by them', 'which nae.lint() tells');
SELECT is(later('parent'), ARRAY[1, 3], 'whose rows are found');
SELECT results_eq('searching', $$VALUES (ARRAY[1, 3])$$, 'by a plan that was kept, too');
DROP TABLE child;
CREATE TABLE child AS SELECT 4 AS id, NULL::nae.enc_text('col-rnd') AS name, '{}'::int[] AS name_search WHERE false;
SELECT add_check('child', 'parent');
INSERT INTO child VALUES (4, 'Later 4', marked('parent', 'NULL'));
ALTER TABLE child INHERIT parent;
SELECT is(later('parent'), ARRAY[1, 4], 'nor with one that inherits later');
ALTER TABLE child NO INHERIT parent;
SELECT ok(uses('parent'), 'without it the codes are used again');
SELECT is(later('parent'), ARRAY[1], 'and find what is there');

-- who sees the CHECK
BEGIN;
TRUNCATE parent;
ALTER TABLE parent DROP CONSTRAINT name_search_complete;
SELECT add_check('parent', 'parent');
INSERT INTO parent VALUES (1, 'Later 1');
SELECT ok(NOT uses('parent'), 'no codes by a CHECK that is not older than each transaction that the snapshot waits for');
SELECT is(later('parent'), ARRAY[1], 'and what is there is found');
COMMIT;
SELECT ok(uses('parent'), 'once it is, they are used');

-- triggers that do not fire
CREATE TABLE one (id int PRIMARY KEY, name nae.enc_text('col-rnd'));
INSERT INTO one SELECT i, 'Former ' || i FROM generate_series(1, 10) AS i;
CALL nae.add_search('searchguard.one', 'name', 'word');
ALTER TABLE one DISABLE TRIGGER zzz_nae_name_search_index_update;
UPDATE one SET name = 'Later 1' WHERE id = 1;
ALTER TABLE one ENABLE TRIGGER zzz_nae_name_search_index_update;
SELECT ok(NOT uses('one'), 'one trigger disabled and enabled again: the codes are used no more');
SELECT is(later('one'), ARRAY[1], 'and what was written meanwhile is found');
SELECT nae.drop_search('one', 'name');
CALL nae.add_search('searchguard.one', 'name', 'word');
SELECT ok(uses('one'), 'made anew they are used');
SELECT is(later('one'), ARRAY[1], 'and right');
BEGIN;
ALTER TABLE one DISABLE TRIGGER USER;
UPDATE one SET name = 'Later 2' WHERE id = 2;
ALTER TABLE one ENABLE TRIGGER USER;
COMMIT;
SELECT ok(NOT uses('one'), 'so by DISABLE TRIGGER USER, in one transaction');
SELECT is(later('one'), ARRAY[1, 2], 'found');
SELECT nae.drop_search('one', 'name');
CALL nae.add_search('searchguard.one', 'name', 'word');
ALTER TABLE one ENABLE REPLICA TRIGGER zzz_nae_name_search_index;
ALTER TABLE one ENABLE TRIGGER zzz_nae_name_search_index;
SELECT ok(NOT uses('one'), 'so where one fires in replicas alone');
SELECT nae.drop_search('one', 'name');
CALL nae.add_search('searchguard.one', 'name', 'word');
ALTER TABLE one ADD COLUMN other int;
SELECT ok(uses('one'), 'not by another change of the table');
DROP TRIGGER zzz_nae_name_search_index_update ON one;
SELECT ok(NOT uses('one'), 'nor are they used without the trigger that codes updates');
-- what keeps the codes, dropped or replaced, and made again as it was
CREATE TABLE remade (id int PRIMARY KEY, name nae.enc_text('col-rnd'), other nae.enc_text('col-rnd'));
INSERT INTO remade SELECT i, 'Former ' || i, 'Beside ' || i FROM generate_series(1, 10) AS i;
CALL nae.add_search('searchguard.remade', 'other', 'word');
CREATE FUNCTION made_anew() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM nae.drop_search('remade', 'name'); UPDATE remade SET name = 'Former'; END $$;
CREATE FUNCTION definition(which text) RETURNS text LANGUAGE sql AS $$ SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'remade'::regclass AND tgname = 'zzz_nae_name_search_index' || which $$;
CREATE FUNCTION run(statement text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; END $$;
CALL nae.add_search('searchguard.remade', 'name', 'word');
SELECT definition('_update') AS update_trigger, definition('') AS index_trigger,
       (SELECT tgfoid::regproc FROM pg_trigger WHERE tgrelid = 'remade'::regclass AND tgname = 'zzz_nae_name_search_index') AS function \gset
SELECT ok(uses('remade'), 'used');
DROP TRIGGER zzz_nae_name_search_index_update ON remade;
UPDATE remade SET name = 'Later 1' WHERE id = 1;
SELECT run(:'update_trigger');
SELECT is(definition('_update'), :'update_trigger', 'a trigger is as it was');
SELECT ok(NOT uses('remade'), 'but was not always: the codes are used no more');
SELECT is(later('remade'), ARRAY[1], 'and what was written without it is found');
SELECT throws_ok($$SELECT add_check('remade', 'remade')$$, '55000', 'searchguard.remade has rows, whose codes may not be those of their values', 'nor is its CHECK made again');
SELECT made_anew();
CALL nae.add_search('searchguard.remade', 'name', 'word');
BEGIN;
SELECT run(format('DROP FUNCTION %s CASCADE', :'function'));
UPDATE remade SET name = 'Later 2' WHERE id = 2;
COMMIT;
SELECT ok(NOT uses('remade'), 'so where its function goes with all triggers');
SELECT is(later('remade'), ARRAY[2], 'found');
ALTER TABLE remade DROP COLUMN name_search CASCADE;
CALL nae.add_search('searchguard.remade', 'name', 'word');
SELECT (SELECT prosrc FROM pg_proc WHERE oid = t.tgfoid) AS body, tgfoid::regproc AS function FROM pg_trigger AS t WHERE tgrelid = 'remade'::regclass AND tgname = 'zzz_nae_name_search_index' \gset
SELECT run(format('CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L', :'function', 'BEGIN RETURN NEW; END'));
UPDATE remade SET name = 'Later 3' WHERE id = 3;
SELECT run(format('CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L', :'function', :'body'));
SELECT ok(NOT uses('remade'), 'so where the function was another one meanwhile');
SELECT is(later('remade'), ARRAY[2, 3], 'found');
SELECT made_anew();
CALL nae.add_search('searchguard.remade', 'name', 'word');
SELECT definition('_update') AS update_trigger \gset
SELECT run(format('CREATE OR REPLACE TRIGGER zzz_nae_name_search_index_update BEFORE UPDATE ON remade FOR EACH ROW WHEN (false) EXECUTE FUNCTION %s()', tgfoid::regproc)) FROM pg_trigger WHERE tgrelid = 'remade'::regclass AND tgname = 'zzz_nae_name_search_index';
UPDATE remade SET name = 'Later 4' WHERE id = 4;
SELECT run(replace(:'update_trigger', 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER'));
SELECT ok(NOT uses('remade'), 'so where a trigger was another one meanwhile');
SELECT is(later('remade'), ARRAY[4], 'found');
SELECT made_anew();
-- while it is being made
SELECT nae_internal.begin_search('remade', 'name', 'word', NULL, 16, NULL, 1000);
SELECT nae_internal.change_step('remade', 'name');
SELECT definition('_update') AS update_trigger \gset
SELECT throws_ok('ALTER TABLE remade DISABLE TRIGGER zzz_nae_name_search_index_update', '55006', 'the search index of column "name" of searchguard.remade is being made', 'while it is being made no trigger is disabled');
SELECT throws_ok('DROP TRIGGER zzz_nae_name_search_index_update ON remade', '55006', NULL, 'nor dropped');
SELECT throws_ok(replace(:'update_trigger', 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER'), '55006', NULL, 'nor replaced');
SELECT lives_ok($$SELECT nae.cancel_column_change('remade', 'name')$$, 'it may be given up');
CALL nae.add_search('searchguard.remade', 'name', 'word');
SELECT ok(uses('remade'), 'and made again');
SELECT is((SELECT is_complete FROM nae.search_index WHERE relation = 'remade'::regclass AND column_name = 'other'), false, 'that of another column was given up with a replaced trigger');
DROP TABLE remade;

-- of one partition
CREATE TABLE sect (id int, name nae.enc_text('col-rnd')) PARTITION BY RANGE (id);
CREATE TABLE sect_1 PARTITION OF sect FOR VALUES FROM (0) TO (100);
CREATE TABLE sect_2 PARTITION OF sect FOR VALUES FROM (100) TO (200);
INSERT INTO sect SELECT i, 'Former ' || i FROM generate_series(1, 199) AS i;
CALL nae.add_search('searchguard.sect', 'name', 'word');
ALTER TABLE sect_1 DISABLE TRIGGER USER;
UPDATE sect SET name = 'Later 7' WHERE id = 7;
ALTER TABLE sect_1 ENABLE TRIGGER USER;
SELECT ok(NOT uses('sect') AND NOT uses('sect_1'), 'triggers of one partition disabled: the codes of none are used');
SELECT is(later('sect'), ARRAY[7], 'found');
SELECT nae.drop_search('sect', 'name');
CALL nae.add_search('searchguard.sect', 'name', 'word');
-- in the role of a replica
CREATE TABLE sent (name nae.enc_text('col-rnd'));
INSERT INTO sent VALUES ('Later 8');
RESET ROLE;
SET session_replication_role = replica;
UPDATE searchguard.sect SET name = s.name FROM searchguard.sent AS s WHERE id IN (8, 108);
UPDATE searchguard.sect SET name = s.name, name_search = searchguard.marked('searchguard.sect', '5') FROM searchguard.sent AS s WHERE id = 9;
SELECT throws_ok($$UPDATE searchguard.sect SET name = s.name, name_search = '{5}' FROM searchguard.sent AS s WHERE id = 10$$, '23514', NULL, 'a replica: no codes without a mark');
SELECT throws_ok($$UPDATE searchguard.sect SET name = s.name, name_search = searchguard.marked('searchguard.parts', '5') FROM searchguard.sent AS s WHERE id = 10$$, '23514', NULL, 'nor codes of another index');
SELECT throws_ok($$UPDATE searchguard.sect SET name = s.name, name_search = '{}' FROM searchguard.sent AS s WHERE id = 10$$, '23514', NULL, 'nor none of any');
SELECT lives_ok('UPDATE searchguard.sect SET name_search = NULL WHERE id = 10', 'a value without codes is coded');
SELECT throws_ok($$INSERT INTO searchguard.sect (id, name) SELECT 11, name FROM searchguard.sent$$, '23514', NULL, 'nor a new one');
RESET session_replication_role;
SET ROLE nae_all;
SELECT is((SELECT name_search FROM sect WHERE id = 9), marked('sect', '5'), 'codes that come with a value are kept');
SELECT ok(uses('sect'), 'the index is used');
SELECT is(later('sect'), ARRAY[7, 8, 108], 'and finds values that came without codes');
-- restored, as pg_dump --disable-triggers writes it
ALTER TABLE sect DISABLE TRIGGER ALL;
INSERT INTO sect SELECT 20, name, name_search FROM sect WHERE id = 8;
ALTER TABLE sect ENABLE TRIGGER ALL;
SELECT is(later('sect'), ARRAY[7, 8, 9, 20, 108], 'rows are restored past the triggers, and all are looked at');
-- subscribed
CREATE TABLE subscribed (id int PRIMARY KEY, name nae.enc_text('col-rnd'));
RESET ROLE;
SET allow_system_table_mods = on;
INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) VALUES (1, 'searchguard.subscribed'::regclass, 'r');
SET ROLE nae_all;
SELECT throws_ok($$SELECT nae_internal.begin_search('subscribed', 'name', 'word', NULL, 16, NULL, 1000)$$, '55000', 'searchguard.subscribed is part of a subscription', 'a table of a subscription');
RESET ROLE;
DELETE FROM pg_subscription_rel WHERE srsubid = 1;
RESET allow_system_table_mods;
SET ROLE nae_all;

-- triggers of others
CREATE TABLE assigned (id int PRIMARY KEY, name nae.enc_text('col-rnd'), n int);
INSERT INTO assigned SELECT i, 'Former ' || i, 0 FROM generate_series(1, 5) AS i;
CREATE FUNCTION assign() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'Later ' || NEW.id; RETURN NEW; END $$;
CREATE TRIGGER zzzz BEFORE UPDATE ON assigned FOR EACH ROW EXECUTE FUNCTION assign();
SELECT throws_ok($$SELECT nae_internal.begin_search('assigned', 'name', 'word', NULL, 16, NULL, 1000)$$, '55000',
  'trigger "zzzz" of searchguard.assigned would fire after those of a search index', 'no index where a trigger fires after it');
ALTER TRIGGER zzzz ON assigned RENAME TO assigning;
CALL nae.add_search('searchguard.assigned', 'name', 'word');
SELECT is((SELECT sum(stored - authentic) FROM nae.verify_table('assigned', true)), 0::numeric, 'codes are of what a trigger assigns while they are filled');
SELECT ok(uses('assigned'), 'they are used');
SELECT is(later('assigned'), ARRAY[1, 2, 3, 4, 5], 'and find it');
SELECT throws_ok('ALTER TRIGGER assigning ON assigned RENAME TO zzzz', '55000', NULL, 'a trigger is not renamed to fire after it');
SELECT throws_ok('CREATE TRIGGER zzzz BEFORE INSERT ON assigned FOR EACH ROW EXECUTE FUNCTION assign()', '55000', NULL, 'nor made');
RESET ROLE; ALTER EVENT TRIGGER nae_guard DISABLE; SET ROLE nae_all;
CREATE TRIGGER zzzz BEFORE INSERT ON assigned FOR EACH ROW EXECUTE FUNCTION assign();
RESET ROLE; ALTER EVENT TRIGGER nae_guard ENABLE ALWAYS; SET ROLE nae_all;
SELECT is(told('assigned.name_search'), 'error: trigger "zzzz" of searchguard.assigned fires after those that keep its codes: what it assigns has the codes of another value', 'one that was made without the guard nae.lint() finds');
DROP TRIGGER zzzz ON assigned;
SELECT is(told('assigned.name_search'), NULL, 'and no other');
SELECT lives_ok('CREATE TRIGGER zzzz AFTER INSERT ON assigned FOR EACH ROW EXECUTE FUNCTION assign()', 'one that fires after the row is written may be');
SELECT nae.drop_search('sect', 'name');
CALL nae.add_search('searchguard.sect', 'name', 'word');
CREATE TABLE assigned_part (id int, name nae.enc_text('col-rnd'), name_search int[]);
SELECT add_check('assigned_part', 'sect');
CREATE TRIGGER zzzz BEFORE UPDATE ON assigned_part FOR EACH ROW EXECUTE FUNCTION assign();
SELECT throws_ok('ALTER TABLE sect ATTACH PARTITION assigned_part FOR VALUES FROM (300) TO (400)', '55000',
  'trigger "zzzz" of searchguard.assigned_part would fire after those of a search index', 'nor attached with a partition');
SELECT * FROM finish();
RESET ROLE;
DROP SCHEMA searchguard CASCADE;
