-- Triggers of others beside those that keep the codes of a search index, and what is done to those: wherever they stand among partitions,
-- whatever they are called, and where a publisher's rows are applied.
SET client_min_messages = error;
DROP SCHEMA IF EXISTS searchtriggers CASCADE;
CREATE SCHEMA searchtriggers AUTHORIZATION nae_all;
SET ROLE nae_all;
SET search_path = searchtriggers, public;
SET enable_seqscan = off;
SELECT no_plan();
CREATE FUNCTION uses(tab text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE line text; result text := '';
BEGIN FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) SELECT id FROM %s WHERE name LIKE ''Later%%''', tab) LOOP result := result || line; END LOOP; RETURN result LIKE '%name_search @>%'; END $$;
CREATE FUNCTION later(tab text) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE found int[]; BEGIN EXECUTE format('SELECT array_agg(id ORDER BY id) FROM %s WHERE name LIKE ''Later%%''', tab) INTO found; RETURN found; END $$;
CREATE FUNCTION assign() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'Later ' || NEW.id; RETURN NEW; END $$;

-- where a publisher's rows are applied
CREATE TABLE sent (id int PRIMARY KEY, name nae.enc_text('col-rnd'));
INSERT INTO sent SELECT i, 'Former ' || i FROM generate_series(1, 10) AS i;
CALL nae.add_search('searchtriggers.sent', 'name', 'word');
SELECT name_search::text AS stale FROM sent WHERE id = 1 \gset
UPDATE sent SET name = 'Later 1' WHERE id = 1;
RESET ROLE;
SET session_replication_role = replica;
UPDATE sent SET name_search = :'stale' WHERE id = 1;
UPDATE sent SET name_search = (SELECT name_search FROM sent WHERE id = 3) WHERE id = 2;
RESET session_replication_role;
SET ROLE nae_all;
SELECT ok(uses('sent'), 'the index is used');
SELECT is(later('sent'), ARRAY[1], 'other codes that come with the same value are not kept: it is coded');
SELECT is((SELECT authentic FROM nae.verify_table('sent', true) WHERE column_name = 'name_search'), 10::bigint, 'all codes are right');
CREATE TRIGGER assigning BEFORE UPDATE ON sent FOR EACH ROW EXECUTE FUNCTION assign();
SELECT throws_ok('ALTER TABLE sent ENABLE ALWAYS TRIGGER assigning', '55000',
  'trigger "assigning" of searchtriggers.sent would fire in replicas, where a search index keeps the codes that come', 'a trigger that assigns does not fire there: ALWAYS');
SELECT throws_ok('ALTER TABLE sent ENABLE REPLICA TRIGGER assigning', '55000', NULL, 'nor REPLICA');
SELECT lives_ok('ALTER TABLE sent DISABLE TRIGGER assigning', 'it may be disabled');
CREATE TABLE always (id int PRIMARY KEY, name nae.enc_text('col-rnd'));
CREATE TRIGGER assigning BEFORE UPDATE ON always FOR EACH ROW EXECUTE FUNCTION assign();
ALTER TABLE always ENABLE ALWAYS TRIGGER assigning;
SELECT throws_ok($$SELECT nae_internal.begin_search('always', 'name', 'word', NULL, 16, NULL, 1000)$$, '55000', NULL, 'no index where one does');
ALTER TABLE always ENABLE TRIGGER assigning;
CALL nae.add_search('searchtriggers.always', 'name', 'word');
RESET ROLE; ALTER EVENT TRIGGER nae_guard DISABLE; SET ROLE nae_all;
ALTER TABLE always ENABLE ALWAYS TRIGGER assigning;
RESET ROLE; ALTER EVENT TRIGGER nae_guard ENABLE ALWAYS; SET ROLE nae_all;
SELECT is((SELECT finding FROM nae.lint() WHERE object = 'column searchtriggers.always.name_search'),
  'trigger "assigning" of searchtriggers.always fires in replicas, where the codes that come are kept: what it assigns has the codes of another value', 'nae.lint() finds it');

-- a partition with an index under a parent that has none
CREATE FUNCTION below() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  EXECUTE 'DROP TABLE IF EXISTS below; CREATE TABLE below (id int, name nae.enc_text(''col-rnd''))';
  EXECUTE 'INSERT INTO below SELECT i, ''Former '' || i FROM generate_series(1, 20) AS i'; END $$;
CREATE TABLE above (id int, name nae.enc_text('col-rnd'), name_search int[]) PARTITION BY RANGE (id);
SELECT below();
CALL nae.add_search('searchtriggers.below', 'name', 'word');
ALTER TABLE above ATTACH PARTITION below FOR VALUES FROM (0) TO (100);
SELECT ok(uses('below'), 'a partition is searched by an index of its own');
SELECT throws_ok('CREATE TRIGGER zzzz BEFORE UPDATE ON above FOR EACH ROW EXECUTE FUNCTION assign()', '55000',
  'trigger "zzzz" of searchtriggers.below would fire after those of a search index', 'what is made above it is cloned to it');
CREATE TABLE beside (id int, name nae.enc_text('col-rnd'));
CALL nae.add_search('searchtriggers.beside', 'name', 'word');
CREATE TABLE over (id int, name nae.enc_text('col-rnd'), name_search int[]) PARTITION BY RANGE (id);
CREATE TRIGGER zzzz BEFORE UPDATE ON over FOR EACH ROW EXECUTE FUNCTION assign();
SELECT throws_ok('ALTER TABLE over ATTACH PARTITION beside FOR VALUES FROM (0) TO (100)', '55000',
  'trigger "zzzz" of searchtriggers.beside would fire after those of a search index', 'also when it is attached');
ALTER TABLE below DISABLE TRIGGER USER;
UPDATE above SET name = 'Later 7' WHERE id = 7;
ALTER TABLE below ENABLE TRIGGER USER;
SELECT ok(NOT uses('below'), 'its triggers disabled: its codes are used no more');
SELECT is(later('below'), ARRAY[7], 'and what was written meanwhile is found');
SELECT below();
CALL nae.add_search('searchtriggers.below', 'name', 'word');
ALTER TABLE above ATTACH PARTITION below FOR VALUES FROM (0) TO (100);
SELECT ok(uses('below'), 'made anew');
DROP TRIGGER zzz_nae_name_search_index_update ON below;
SELECT ok(NOT uses('below'), 'one of them dropped');
SELECT below();
CALL nae.add_search('searchtriggers.below', 'name', 'word');
ALTER TABLE above ATTACH PARTITION below FOR VALUES FROM (0) TO (100);
SELECT tgfoid::regproc AS function FROM pg_trigger WHERE tgrelid = 'below'::regclass AND tgname = 'zzz_nae_name_search_index' \gset
CREATE OR REPLACE FUNCTION :function() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
SELECT ok(NOT uses('below'), 'or its function replaced');
SELECT tgfoid::regproc AS function FROM pg_trigger WHERE tgrelid = 'beside'::regclass AND tgname = 'zzz_nae_name_search_index' \gset
CREATE OR REPLACE FUNCTION :function() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
SELECT lives_ok('ALTER TABLE beside ADD COLUMN note int, ADD CONSTRAINT small CHECK (note < 10)', 'whatever has become of it, what brings no trigger is not refused');
SELECT lives_ok('ALTER TABLE beside DROP COLUMN note', 'nor is what drops a column');
SELECT throws_ok('ALTER TABLE beside ENABLE TRIGGER ' || what, '55000', NULL, 'triggers are not enabled: ' || what)
  FROM unnest(ARRAY['ALL', 'USER', 'zzz_nae_name_search_index']) AS what;

-- names
CREATE TABLE named (id int PRIMARY KEY, name nae.enc_text('col-rnd'), note text);
INSERT INTO named SELECT i, 'Former ' || i FROM generate_series(1, 10) AS i;
CALL nae.add_search('searchtriggers.named', 'name', 'word');
SELECT throws_ok('CREATE TRIGGER zzz_nae_zzz BEFORE UPDATE ON named FOR EACH ROW EXECUTE FUNCTION assign()', '55000',
  'trigger "zzz_nae_zzz" of searchtriggers.named would fire after those of a search index', 'a trigger is not taken for one of ours by its name');
SELECT throws_ok('ALTER TRIGGER zzz_nae_name_search_index_update ON named RENAME TO aaa', '55006',
  'trigger "aaa" of searchtriggers.named keeps codes and has its name for good', 'none of ours is renamed');
SELECT throws_ok('ALTER TRIGGER zzz_nae_name_search_index ON named RENAME TO zzz_nae_other', '55006', NULL, 'within our names neither');
SELECT throws_ok('ALTER TRIGGER zzz_nae_name_search_index_replica ON named RENAME TO aaa', '55006', NULL, 'nor that of replicas');
SELECT throws_ok('ALTER TRIGGER zzz_nae_name_search_code ON named RENAME TO aaa', '55006', NULL, 'nor the one before');
CALL nae.encrypt_column('searchtriggers.named', 'note', 'col-rnd');
CALL nae.add_blind_index('searchtriggers.named', 'note', 'index-key');
SELECT ok(uses('named'), 'changes of other columns go on');

-- a CHECK of one index while another is validated
CREATE TABLE two (id int PRIMARY KEY, name nae.enc_text('col-rnd'), other nae.enc_text('col-rnd'));
INSERT INTO two SELECT i, 'Former ' || i, 'Beside ' || i FROM generate_series(1, 10) AS i;
CALL nae.add_search('searchtriggers.two', 'name', 'word');
SELECT pg_get_constraintdef(oid) AS complete FROM pg_constraint WHERE conrelid = 'two'::regclass AND conname = 'name_search_complete' \gset
ALTER TABLE two DROP CONSTRAINT name_search_complete;
SELECT nae_internal.begin_search('two', 'other', 'word', NULL, 16, NULL, 1000);
DO $$ BEGIN FOR i IN 1 .. 100 LOOP
  EXIT WHEN (SELECT phase = 'validating' FROM nae.stat_progress_column WHERE relation = 'searchtriggers.two'::regclass);
  PERFORM nae_internal.change_step('searchtriggers.two', 'other'); COMMIT; END LOOP; END $$;
ALTER TABLE two ADD CONSTRAINT again CHECK (true);
SELECT throws_ok(format('ALTER TABLE two ADD CONSTRAINT name_again %s', :'complete'), '55000', NULL, 'no CHECK by hand while another index is validated');
SELECT lives_ok(format('ALTER TABLE two ADD CONSTRAINT name_again %s NOT VALID', :'complete'), 'but one that says nothing of what there is');
SELECT throws_ok('ALTER TABLE two VALIDATE CONSTRAINT name_again', '55000', NULL, 'which is not validated');
CALL nae.add_search('searchtriggers.two', 'other', 'word');
SELECT is((SELECT string_agg(column_name || ' ' || is_complete, ', ' ORDER BY column_name) FROM nae.search_index WHERE relation = 'two'::regclass), 'name false, other true', 'the other one is complete');
SELECT * FROM finish();
RESET ROLE;
DROP SCHEMA searchtriggers CASCADE;
