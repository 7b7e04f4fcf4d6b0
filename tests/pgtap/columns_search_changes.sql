-- While a change of one column walks, triggers of its table write other rows and other tables: what they write is coded as ever.
SET client_min_messages = error;
DROP SCHEMA IF EXISTS searchchange CASCADE;
CREATE SCHEMA searchchange AUTHORIZATION nae_all;
\! nae key create col-rot-beside --type aes-256-gcm >/dev/null 2>&1
SET ROLE nae_all;
SET search_path = searchchange, public;
SET enable_seqscan = off;
SELECT no_plan();
CREATE FUNCTION right_codes(tab regclass, OUT text) LANGUAGE sql AS
  $$ SELECT string_agg(stored || ' stored, ' || authentic || ' right', '; ') FROM nae.verify_table(tab, true) WHERE column_name ~ '_(search|index)$' $$;
-- Rows that a trigger writes: of another table, of this one, of a partition, and in a blind index.
CREATE TABLE other (id int PRIMARY KEY, name nae.enc_text('col-rot-beside'));
CREATE TABLE part (id int, name nae.enc_text('col-rot-beside')) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (100);
CREATE TABLE blind (id int PRIMARY KEY, name nae.enc_text('col-rot-beside'));
CREATE TABLE walked (id int PRIMARY KEY, name nae.enc_text('col-rot-beside'), n int DEFAULT 0);
INSERT INTO other SELECT i, 'Former ' || i FROM generate_series(1, 20) AS i;
INSERT INTO part SELECT i, 'Former ' || i FROM generate_series(1, 20) AS i;
INSERT INTO blind SELECT i, 'Former ' || i FROM generate_series(1, 20) AS i;
INSERT INTO walked SELECT i, 'Former ' || i FROM generate_series(1, 20) AS i;
CALL nae.add_search('searchchange.other', 'name', 'word');
CALL nae.add_search('searchchange.part', 'name', 'word');
CALL nae.add_blind_index('searchchange.blind', 'name', 'index-key');
CREATE FUNCTION spread() RETURNS trigger LANGUAGE plpgsql SET search_path = searchchange, public AS $$
BEGIN
  IF NEW.id <= 10 AND pg_trigger_depth() = 1 THEN
    UPDATE other SET name = 'Later ' || NEW.id WHERE id = NEW.id;
    INSERT INTO other VALUES (100 + NEW.id, 'Later ' || NEW.id) ON CONFLICT DO NOTHING;
    UPDATE part SET name = 'Later ' || NEW.id WHERE id = NEW.id;
    UPDATE blind SET name = 'Later' WHERE id = NEW.id;
    UPDATE walked SET name = 'Later ' || id, n = 1 WHERE id = NEW.id + 10 AND n = 0;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION formerly() RETURNS void LANGUAGE sql AS $$
  DELETE FROM other WHERE id > 100;
  UPDATE other SET name = 'Former'; UPDATE part SET name = 'Former'; UPDATE blind SET name = 'Former';
  ALTER TABLE walked DISABLE TRIGGER spread; UPDATE walked SET name = 'Former', n = 0; ALTER TABLE walked ENABLE TRIGGER spread $$;
CREATE TRIGGER spread AFTER UPDATE ON walked FOR EACH ROW EXECUTE FUNCTION spread();

CALL nae.add_search('searchchange.walked', 'name', 'word');
SELECT is((SELECT count(*) FROM walked WHERE name LIKE 'Later%'), 10::bigint, 'an index is made: rows of the table that its trigger writes are found');
SELECT is(right_codes('walked'), '20 stored, 20 right', 'all codes are those of their values');
SELECT is((SELECT count(*) FROM other WHERE name LIKE 'Later%'), 20::bigint, 'those of another table');
SELECT is(right_codes('other'), '30 stored, 30 right', 'too');
SELECT is((SELECT count(*) FROM part WHERE name LIKE 'Later%'), 10::bigint, 'those of a partition');
SELECT is((SELECT count(*) FROM blind WHERE name_index = nae.blind_index_of('blind', 'name', 'Later')), 10::bigint, 'those in a blind index');

SELECT formerly();
\! nae key rotate col-rot-beside >/dev/null
CALL nae.rotate_column('searchchange.walked', 'name');
SELECT is((SELECT count(*) FROM walked WHERE name LIKE 'Later%'), 10::bigint, 'values are rewrapped: rows of the table that its trigger writes are found');
SELECT is(right_codes('walked'), '20 stored, 20 right', 'all codes are those of their values');
SELECT is((SELECT count(*) FROM other WHERE name LIKE 'Later%'), 20::bigint, 'those of another table');
SELECT is((SELECT count(*) FROM part WHERE name LIKE 'Later%'), 10::bigint, 'those of a partition');
SELECT is((SELECT count(*) FROM blind WHERE name_index = nae.blind_index_of('blind', 'name', 'Later')), 10::bigint, 'those in a blind index');

-- What another column's change writes, and codes that a trigger sets.
SELECT formerly();
ALTER TABLE walked ADD COLUMN note text;
CALL nae.encrypt_column('searchchange.walked', 'note', 'col-rnd');
SELECT is(right_codes('walked'), '20 stored, 20 right', 'another column is encrypted');
CREATE FUNCTION rewrite() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'Later ' || NEW.id; RETURN NEW; END $$;
CREATE TRIGGER rewrite BEFORE UPDATE ON walked FOR EACH ROW EXECUTE FUNCTION rewrite();
\! nae key rotate col-rot-beside >/dev/null
CALL nae.rotate_column('searchchange.walked', 'name');
SELECT is(right_codes('walked'), '20 stored, 20 right', 'or a trigger assigns another value to a row that is rewrapped');

-- The state of a change is not believed from hand.
SELECT throws_ok($$INSERT INTO nae_internal.column_change (relation, column_name, kind, phase, new_type, verify, rewrite, batch_size, updated_at) VALUES ('walked', 'name', 'rotate', 'filling', 'bytea', true, false, 10, 'infinity')$$,
  '42501', NULL, 'no change of the future');
SELECT throws_ok($$INSERT INTO nae_internal.column_change (relation, column_name, kind, phase, new_type, verify, rewrite, batch_size, pid) VALUES ('walked', 'name', 'rotate', 'filling', 'bytea', true, false, 10, pg_backend_pid() + 1)$$,
  '42501', NULL, 'nor of another session');
CREATE TABLE forged (name text);
INSERT INTO nae_internal.column_change (relation, column_name, kind, phase, new_type, verify, rewrite, batch_size) VALUES ('forged', 'name', 'rotate', 'filling', 'bytea', true, false, 10);
BEGIN;
UPDATE nae_internal.column_change SET updated_at = clock_timestamp() WHERE relation = 'forged'::regclass;
UPDATE other SET name = 'Forged' WHERE id = 1;
COMMIT;
SELECT is((SELECT count(*) FROM other WHERE name LIKE 'Forg%'), 1::bigint, 'one of another table does not keep old codes');
DELETE FROM nae_internal.column_change WHERE relation = 'forged'::regclass;
-- What comes to a replica from where codes were given up for a while: other codes, and the same value.
SELECT name_search::text AS stale FROM other WHERE id = 2 \gset
RESET ROLE;
SET session_replication_role = replica;
UPDATE other SET name_search = :'stale' WHERE id = 1;
RESET session_replication_role;
SET ROLE nae_all;
SELECT is((SELECT count(*) FROM other WHERE name LIKE 'Forg%'), 1::bigint, 'codes that come with the same value are not kept');
SELECT * FROM finish();
RESET ROLE;
DROP SCHEMA searchchange CASCADE;
