-- nae.rotate_blind_index(): the key of a blind index is rotated; searches and UNIQUE go on, and codes are made
-- anew. It commits, so nothing here is in one transaction. Keys are rotated by the administrator's tool: psql's
-- \! finds it as scripts/stack env says.
\! nae key create rot-index --type hmac-sha-256 >/dev/null 2>&1
\! nae key create rot-index-det --type aes-256-siv >/dev/null 2>&1
SET client_min_messages = error;
DROP SCHEMA IF EXISTS rotbi CASCADE;
CREATE SCHEMA rotbi AUTHORIZATION nae_all;
SET ROLE nae_all;
SET search_path = rotbi, public;
SELECT no_plan();
CREATE FUNCTION newest(key text) RETURNS int LANGUAGE sql AS $$SELECT primary_version FROM nae_keys() WHERE name = key$$;
CREATE FUNCTION codes(relation regclass, col name) RETURNS text LANGUAGE sql AS
  $$SELECT format('%s of %s, %s..%s, %s right', ciphertexts, stored, oldest_version, newest_version, authentic) FROM nae.verify_table(relation, true) WHERE column_name = col$$;
CREATE FUNCTION found(relation regclass, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE ids text;
BEGIN
  EXECUTE format('SELECT string_agg(id::text, '' '' ORDER BY id) FROM %1$s WHERE email_index = nae.blind_index_of(%1$L, ''email'', %2$L)', relation, value) INTO ids;
  RETURN ids;
END $$;
CREATE FUNCTION told(thing text) RETURNS text LANGUAGE sql AS $$SELECT string_agg(finding, ';' ORDER BY finding) FROM nae.lint() WHERE object LIKE '%' || thing$$;
CREATE FUNCTION duplicate(statement text) RETURNS text LANGUAGE sql AS $$SELECT throws_ok(statement, '23505', NULL, 'UNIQUE refuses a duplicate: ' || statement)$$;
SELECT newest('rot-index') AS v \gset
\setenv OLD :v
CREATE TABLE u (id int PRIMARY KEY, email nae.enc_text('col-rnd', 'context=u'), p text) PARTITION BY HASH (id);
CREATE TABLE u1 PARTITION OF u FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE u2 PARTITION OF u FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE t (id int PRIMARY KEY, email nae.enc_text('col-rnd'), p text);
INSERT INTO t SELECT i, nullif('E' || i, 'E7'), nullif('E' || i, 'E7') FROM generate_series(1, 1000) AS i;
INSERT INTO u SELECT i, 'U' || i FROM generate_series(1, 100) AS i;
CALL nae.add_blind_index('rotbi.t', 'email', 'rot-index', normalization => 'lower');
CALL nae.add_blind_index('rotbi.u', 'email', 'rot-index');
DROP INDEX t_email_index_idx;
CREATE UNIQUE INDEX t_unique ON t (email_index) INCLUDE (id);
ALTER TABLE t ADD CONSTRAINT coded CHECK ((email_index IS NULL) = (p IS NULL));
COMMENT ON COLUMN t.email_index IS 'codes';
GRANT SELECT (email_index) ON t TO nae_reader;
SELECT is(codes('t', 'email_index'), format('999 of 999, %1$s..%1$s, 999 right', :v), 'codes of one version');
SELECT is(told('t.email_index'), NULL, 'nothing to tell');
CALL nae.rotate_blind_index('rotbi.t', 'email');
SELECT is(codes('t', 'email_index'), format('999 of 999, %1$s..%1$s, 999 right', :v), 'nothing to rotate');

-- a rotation of the key changes nothing until the codes are made anew
\! nae key rotate rot-index >/dev/null
SELECT is(newest('rot-index'), :v + 1, 'the key has a new version');
SELECT is(found('t', 'e77'), '77', 'old rows are found');
INSERT INTO t VALUES (2000, 'New', 'New');
SELECT is(found('t', 'NEW'), '2000', 'new ones too');
SELECT duplicate($$INSERT INTO t VALUES (2001, 'e77', 'e77')$$);
SELECT duplicate($$UPDATE t SET email = 'NEW' WHERE id = 1$$);
SELECT is(told('t.email_index'), format('holds codes of version %s of key "rot-index", whose newest is %s', :v, :v + 1), 'nae.lint() tells');
SELECT is(told('u.email_index'), format('holds codes of version %s of key "rot-index", whose newest is %s', :v, :v + 1), 'of a partitioned table once');

-- refused
SELECT throws_ok(format('SELECT nae_internal.begin_recoding(''t'', ''email'', %s, 1000, true)', :v + 2), '22023', format('key "rot-index" has no version %s', :v + 2), 'a version that is not there');
SELECT throws_ok($$SELECT nae_internal.begin_recoding('t', 'p', NULL, 1000, true)$$, '42704', NULL, 'a column without a blind index');
SELECT throws_ok($$CALL nae.rotate_blind_index('t', 'email')$$, '25001', 'nae.rotate_blind_index cannot run inside a transaction block', 'within a transaction');
CREATE VIEW seen AS SELECT email_index FROM t;
SELECT throws_ok($$SELECT nae_internal.begin_recoding('t', 'email', NULL, 1000, true)$$, '2BP01', NULL, 'what depends on the codes is said before anything begins');
DROP VIEW seen;

-- step by step, to look at what is true between
VACUUM FULL t;
SELECT nae_internal.begin_recoding('t', 'email', NULL, 100, true), nae_internal.change_step('t', 'email_index'), nae_internal.change_step('t', 'email_index') \g /dev/null
SELECT is((SELECT command || ' ' || phase FROM nae_stat_progress_column WHERE relation = 't'::regclass), 'recode filling', 'in the middle of it');
SELECT ok((SELECT count(email_index__nae) BETWEEN 1 AND 999 FROM t), 'some have a code of the new version');
SELECT is((SELECT count(*) FROM t WHERE email_index = nae.blind_index_of('t', 'email', p)), 1000::bigint, 'each value is found');
SELECT duplicate($$INSERT INTO t VALUES (2001, 'e500', 'e500')$$);
INSERT INTO t VALUES (2002, 'Written', 'Written');
UPDATE t SET email = 'Changed', p = 'Changed' WHERE id = 5;
UPDATE t SET email = NULL, p = NULL WHERE id = 6;
SELECT is(concat_ws(' ', found('t', 'written'), found('t', 'changed'), found('t', 'e5')), '2002 5', 'and what is written meanwhile');
SELECT duplicate($$INSERT INTO t VALUES (2003, 'CHANGED', 'x')$$);
SELECT is((SELECT count(*) FROM t WHERE email_index__nae IS NOT NULL AND nae_internal.code_version(email_index__nae) <> :v + 1), 0::bigint, 'the new codes are of the new version');
SELECT is((SELECT array_agg(nae_internal.code_version(c) ORDER BY 1) FROM unnest(nae.blind_index_codes('t', 'email', 'x')) AS c), ARRAY[:v, :v + 1], 'both codes, for those who keep codes');
SELECT throws_ok('ALTER TABLE t RENAME email TO mail', '55006', NULL, 'no rename meanwhile');
SELECT throws_ok($$SELECT nae_internal.begin_recoding('t', 'email', 1, 100, true) WHERE nae.cancel_column_change('t', 'email') IS NULL$$, '55000', NULL, 'a change goes by the name of the column of codes');
PREPARE search AS SELECT string_agg(id::text, ' ') FROM t WHERE email_index = nae.blind_index_of('t', 'email', $1);
EXECUTE search('e77') \g /dev/null
CALL nae.rotate_blind_index('rotbi.t', 'email');
SELECT is(codes('t', 'email_index'), format('1000 of 1000, %1$s..%1$s, 1000 right', :v + 1), 'ends with one version');
SELECT is((SELECT version FROM nae.blind_index WHERE relation = 't'::regclass), :v + 1, 'which is declared');
SELECT is((SELECT count(*) FROM t WHERE email_index = nae.blind_index_of('t', 'email', p)), 1000::bigint, 'each value is found');
EXECUTE search('e77') \gset prepared_
SELECT is(:'prepared_string_agg'::text, '77', 'by a prepared statement too');
SELECT duplicate($$INSERT INTO t VALUES (2004, 'e77', 'e77')$$);
SELECT duplicate($$INSERT INTO t VALUES (2004, 'wriTTen', 'x')$$);
INSERT INTO t VALUES (2005, 'After', 'After');
SELECT is(found('t', 'aFTER'), '2005', 'written afterwards');
UPDATE t SET email_index = '\x00' WHERE id = 77;
SELECT is(found('t', 'e77'), '77', 'nobody sets codes by hand');
SELECT is(told('t.email_index'), NULL, 'nothing to tell any more');
SELECT is((SELECT pg_get_indexdef('t_unique'::regclass)), 'CREATE UNIQUE INDEX t_unique ON rotbi.t USING btree (email_index) INCLUDE (id)', 'its index is what it was');
SELECT is((SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'c'), 'coded email_is_ciphertext', 'and its constraints');
SELECT is(col_description('t'::regclass, attnum) || ' ' || has_column_privilege('nae_reader', 't', 'email_index', 'SELECT'), 'codes true', 'its comment and privileges') FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'email_index';
SELECT is_empty('SELECT FROM nae_internal.column_change', 'no state is left');
SELECT is_empty($$SELECT FROM pg_trigger WHERE tgname ~ 'nae_sync'$$, 'nor a trigger');
CALL nae.rotate_blind_index('rotbi.u', 'email', batch_size => 10);
SELECT is(codes('u', 'email_index'), format('100 of 100, %1$s..%1$s, 100 right', :v + 1), 'a partitioned table');
INSERT INTO u SELECT i, 'U' || i FROM generate_series(101, 110) AS i;
SELECT is((SELECT count(*) FROM u WHERE email_index = nae.blind_index_of('u', 'email', 'U' || id)), 110::bigint, 'in each partition');

-- back, cancelled, and the column itself rotated
SELECT nae_internal.begin_recoding('t', 'email', :v, 100, true), nae_internal.change_step('t', 'email_index'), nae_internal.change_step('t', 'email_index') \g /dev/null
SELECT nae.cancel_column_change('t', 'email_index') \g /dev/null
SELECT is(codes('t', 'email_index'), format('1001 of 1001, %1$s..%1$s, 1001 right', :v + 1), 'given up: what it was');
SELECT hasnt_column('rotbi'::name, 't'::name, 'email_index__nae'::name, 'and nothing else');
CALL nae.rotate_column('rotbi.t', 'email');
SELECT is(codes('t', 'email_index'), format('1001 of 1001, %1$s..%1$s, 1001 right', :v + 1), 'rotating the column keeps the codes');

-- a restricted version is searched, not written; codes move on from it
\! nae key rotate rot-index >/dev/null
\! nae key restrict rot-index $(($OLD + 1)) >/dev/null
SELECT is(found('t', 'e77'), '77', 'of a restricted version: found');
SELECT throws_ok($$INSERT INTO t VALUES (2006, 'x', 'x')$$, 'NE011', NULL, 'and not written');
CALL nae.rotate_blind_index('rotbi.t', 'email');
SELECT lives_ok($$INSERT INTO t VALUES (2006, 'x', 'x')$$, 'after the rotation: written');
SELECT is(codes('t', 'email_index'), format('1002 of 1002, %1$s..%1$s, 1002 right', :v + 2), 'of the newest version');

-- a deterministic column under a blind index is rotated with it
SELECT newest('rot-index-det') AS det \gset
SELECT format('nae.enc_det_text(''rot-index-det'', ''version=%s'')', :det) AS det_type \gset
CREATE TABLE d (id int PRIMARY KEY, email :det_type UNIQUE, p text);
INSERT INTO d SELECT i, 'D' || i, 'D' || i FROM generate_series(1, 200) AS i;
CALL nae.add_blind_index('rotbi.d', 'email', 'rot-index', normalization => 'lower');
\! nae key rotate rot-index-det >/dev/null
CALL nae.rotate_column('rotbi.d', 'email');
SELECT is((SELECT version FROM nae.encrypted_column WHERE relation = 'd'::regclass), :det + 1, 'the column is of the new version');
SELECT is(codes('d', 'email_index'), format('200 of 200, %1$s..%1$s, 200 right', :v + 2), 'the codes are what they were');
INSERT INTO d (id, email) VALUES (300, 'Later');
SELECT is(found('d', 'lATER') || ' ' || found('d', 'd5'), '300 5', 'and are kept');
\! nae key rotate rot-index-det >/dev/null
CALL nae.rotate_column('rotbi.d', 'email', rewrite => true);
INSERT INTO d (id, email) VALUES (301, 'Last');
SELECT is(found('d', 'lAST') || ' ' || found('d', 'd5'), '301 5', 'when the table is rewritten too');
SELECT throws_ok($$SELECT nae_internal.begin_decryption('d', 'email', 1000, true, false)$$, '2BP01', NULL, 'to be decrypted it loses it first');

-- format 1: 16 bytes, no version, no purpose
CREATE TABLE old (id int PRIMARY KEY, email nae.enc_text('col-rnd'), email_index bytea);
CREATE FUNCTION keeps() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
  $$BEGIN NEW.email_index := public.nae_blind_index('rot-index', lower((NEW.email::text))); RETURN NEW; END$$;
CREATE TRIGGER zzz_nae_email_blind_index BEFORE INSERT OR UPDATE OF email, email_index ON old FOR EACH ROW EXECUTE FUNCTION keeps('rot-index', 'lower');
INSERT INTO old SELECT i, 'O' || i FROM generate_series(1, 100) AS i;
SELECT is(found('old', 'o5'), '5', 'codes of format 1 are found');
SELECT is(codes('old', 'email_index'), '100 of 100, 0..0, 100 right', 'and counted');
SELECT lives_ok($$SELECT nae_internal.refuse_late_triggers('old')$$, 'their trigger assigns nothing else, and so may stand beside a search index');
SELECT is(told('old.email_index'), 'holds codes that name no version of key "rot-index": after a rotation of it nothing old is found', 'nae.lint() tells');
\! nae key rotate rot-index >/dev/null
INSERT INTO old VALUES (200, 'O200');
SELECT is(found('old', 'o5'), NULL, 'after a rotation of the key one code does not find them');
SELECT is((SELECT string_agg(id::text, ' ' ORDER BY id) FROM old WHERE email_index = ANY (nae.blind_index_codes('old', 'email', 'O5') || nae.blind_index_codes('old', 'email', 'O200'))), '5 200', 'all codes do');
SELECT is((SELECT id FROM old WHERE email_index = nae_blind_index(format('rot-index:%s', :v + 2), 'o5')), 5, 'and so does one of the version by which it was made');
SELECT is(codes('old', 'email_index'), '101 of 101, 0..0, 1 right', 'nae.verify_table(…, true) tells');
CALL nae.rotate_blind_index('rotbi.old', 'email');
SELECT is(codes('old', 'email_index'), format('101 of 101, %1$s..%1$s, 101 right', :v + 3), 'coded anew, in the new format');
SELECT is(found('old', 'o5') || ' ' || found('old', 'o200'), '5 200', 'each is found by one code');
INSERT INTO old VALUES (201, 'O201');
SELECT is(found('old', 'o201'), '201', 'and what is written afterwards');
SELECT is((SELECT format FROM nae.blind_index WHERE relation = 'old'::regclass), 2, 'the declaration says so');

-- triggers that do not fire, or fire too late
CREATE TABLE kept (id int PRIMARY KEY, email nae.enc_text('col-rnd'));
INSERT INTO kept VALUES (1, 'K1');
CALL nae.add_blind_index('rotbi.kept', 'email', 'rot-index');
SELECT is(told('kept.email_index'), NULL, 'nothing to tell of triggers that fire');
ALTER TABLE kept DISABLE TRIGGER zzz_nae_email_blind_index_update;
SELECT is(told('kept.email_index'), 'trigger "zzz_nae_email_blind_index_update" of rotbi.kept does not fire: its codes are of values before', 'one that does not');
ALTER TABLE kept ENABLE TRIGGER zzz_nae_email_blind_index_update;
CREATE FUNCTION assign() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.email := 'other'; RETURN NEW; END $$;
CREATE TRIGGER zzzz BEFORE UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION assign();
SELECT is(told('kept.email_index'), 'trigger "zzzz" of rotbi.kept fires after those that keep its codes: what it assigns has the codes of another value', 'one that fires after them');
DROP TRIGGER zzzz ON kept;
DROP TRIGGER zzz_nae_email_blind_index_update ON kept;
SELECT is(told('kept.email_index'), 'lacks the trigger that codes updated values: its codes are of values before', 'one that is gone');

-- settings have no part in codes
CREATE TABLE s (id int PRIMARY KEY, email nae.enc_timestamptz('col-rnd'));
SET timezone = 'Asia/Tokyo'; SET datestyle = 'German';
INSERT INTO s VALUES (1, '2024-02-03 04:05:06+00');
CALL nae.add_blind_index('rotbi.s', 'email', 'rot-index');
RESET timezone; RESET datestyle;
SELECT is(found('s', '2024-02-03 04:05:06+00'), '1', 'times, in whatever zone they were coded');
SELECT * FROM finish();
RESET ROLE;
DROP SCHEMA rotbi CASCADE;
