-- Blind indexes; columns_blind_rotation.sql rotates their keys. They are made by a procedure that commits: nothing here is in one
-- transaction.
SET client_min_messages = error;
DROP SCHEMA IF EXISTS blind CASCADE;
CREATE SCHEMA blind AUTHORIZATION nae_all;
GRANT USAGE ON SCHEMA blind TO PUBLIC;
SET ROLE nae_all;
SET search_path = blind, public;
SELECT no_plan();
CREATE TABLE c (id int PRIMARY KEY, email nae.enc_text('col-rnd'), amount nae.enc_numeric('col-rnd'), at nae.enc_timestamptz('col-rnd'),
  raw nae.enc_bytea('col-rnd'), note text, ssn nae.enc_det_text('col-det'));
CREATE FUNCTION mail(i int) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT nullif(format('Person%s@Example.org', i), 'Person7@Example.org')$$;
INSERT INTO c SELECT i, mail(i), i * 1.50, TIMESTAMPTZ '2020-01-01 00:00+00' + i * INTERVAL '1 hour', decode(md5(i::text), 'hex') FROM generate_series(1, 1200) AS i;

-- refusals
CREATE FUNCTION refused(col text, key text, normalization text, state text, message text, what text) RETURNS text LANGUAGE sql AS
  $$SELECT throws_ok(format('SELECT nae_internal.begin_blind_index(''c'', %L, %L, NULL, %L, 1000)', col, key, normalization), state, message, what)$$;
SELECT refused('note', 'index-key', 'none', '42809', 'column "note" of blind.c is not encrypted', 'a plain column');
SELECT refused('ssn', 'index-key', 'none', '42809', 'column "ssn" of blind.c is deterministic', 'a deterministic column as it is');
SELECT refused('email', 'col-rnd', 'none', 'NE001', 'key "col-rnd" is not there, or role nae_all may not: mac', 'a key that makes no codes');
SELECT refused('email', 'none', 'none', 'NE001', 'key "none" is not there, or role nae_all may not: mac', 'no such key');
SELECT refused('email', 'index-key', 'upper', '22023', 'text values cannot be normalized by "upper"', 'an unknown normalization');
SELECT refused('amount', 'index-key', 'lower', '22023', 'numeric values cannot be normalized by "lower"', 'letters of a number');
SELECT refused('none', 'index-key', 'none', '42703', 'column "none" of blind.c does not exist', 'no such column');
SELECT throws_ok($$SELECT nae.blind_index_of('c', 'email', 'x')$$, '42704', 'column "email" of blind.c has no blind index', 'a search without one');
SELECT throws_ok($$CALL nae.add_blind_index('c', 'email', 'index-key')$$, '25001', 'nae.add_blind_index cannot run inside a transaction block', 'within a transaction');

-- searched
CALL nae.add_blind_index('blind.c', 'email', 'index-key', normalization => 'lower', batch_size => 200);
CALL nae.add_blind_index('blind.c', 'amount', 'index-key', index_column => 'amount_code');
CALL nae.add_blind_index('blind.c', 'at', 'index-key');
CALL nae.add_blind_index('blind.c', 'raw', 'index-key');
SELECT is_empty('SELECT FROM nae_internal.column_change', 'no state is left');
SELECT set_eq('SELECT column_name::text, index_column::text, key, normalization FROM nae.blind_index WHERE relation = ''c''::regclass',
  $$VALUES ('amount', 'amount_code', 'index-key', 'none'), ('at', 'at_index', 'index-key', 'none'), ('email', 'email_index', 'index-key', 'lower'), ('raw', 'raw_index', 'index-key', 'none')$$, 'what there is');
SELECT is((SELECT count(*) FROM c WHERE (email IS NULL) <> (email_index IS NULL)), 0::bigint, 'each value has a code, and no other row');
SELECT is((SELECT count(DISTINCT email_index) FROM c), 1199::bigint, 'a code for each value');
SELECT is((SELECT array_agg(id) FROM c WHERE email_index = nae.blind_index_of('c', 'email', 'PERSON77@example.ORG')), ARRAY[77], 'letters of either case');
SELECT is((SELECT array_agg(id) FROM c WHERE amount_code = nae.blind_index_of('c', 'amount', '15')), ARRAY[10], 'a number, however many zeros');
SELECT is((SELECT array_agg(id) FROM c WHERE amount_code = nae.blind_index_of('c', 'amount', '15.000')), ARRAY[10], 'here too');
SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; SET bytea_output = 'escape';
SELECT is((SELECT array_agg(id) FROM c WHERE at_index = nae.blind_index_of('c', 'at', '2020-01-01 02:00+01')), ARRAY[1], 'a time, in whatever zone');
SELECT is((SELECT array_agg(id) FROM c WHERE raw_index = nae.blind_index_of('c', 'raw', '\xc4ca4238a0b923820dcc509a6f75849b')), ARRAY[1], 'bytes, however they are shown');
INSERT INTO c (id, at, raw) VALUES (2000, '2031-05-05 05:00+00', '\xc0ffee');
RESET timezone; RESET datestyle; RESET bytea_output;
SELECT is((SELECT array_agg(id) FROM c WHERE at_index = nae.blind_index_of('c', 'at', '2031-05-05 05:00+00') AND raw_index = nae.blind_index_of('c', 'raw', '\xc0ffee')), ARRAY[2000], 'written under other settings');
SELECT is(nae.blind_index_of('c', 'email', NULL), NULL, 'NULL has none');
SET enable_seqscan = off;
CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; result text := '';
BEGIN FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP result := result || line || E'\n'; END LOOP; RETURN result; END $$;
SELECT alike(plan_of($$SELECT id FROM c WHERE email_index = nae.blind_index_of('c', 'email', 'x')$$), '%Index%c_email_index_idx%', 'by its index');
RESET enable_seqscan;

-- apart from each other
SELECT is((SELECT count(DISTINCT purpose) FROM nae.blind_index WHERE relation = 'c'::regclass), 4::bigint, 'each has a purpose of its own');
CREATE TABLE linked (id int, a nae.enc_text('col-rnd'), b nae.enc_text('col-rnd'), e nae.enc_text('col-rnd', 'context=other'));
INSERT INTO linked VALUES (1, 'same', 'same', 'same');
CALL nae.add_blind_index('blind.linked', 'a', 'index-key');
CALL nae.add_blind_index('blind.linked', 'b', 'index-key', purpose => 'shared \000 é');
CALL nae.add_blind_index('blind.linked', 'e', 'index-key', purpose => 'shared \000 é');
SELECT is((SELECT count(DISTINCT code) FROM linked, unnest(ARRAY[a_index, b_index, e_index]) AS code), 3::bigint, 'equal values of columns with different purposes or contexts have different codes');
SELECT set_eq($$SELECT column_name::text, context, purpose FROM nae.blind_index WHERE relation = 'linked'::regclass AND column_name <> 'a'$$,
  $$VALUES ('b', '', 'shared \000 é'), ('e', 'other', 'shared \000 é')$$, 'whatever stands in a purpose');
SELECT is((SELECT id FROM linked WHERE b_index = nae.blind_index_of('linked', 'b', 'same') AND e_index = nae.blind_index_of('linked', 'e', 'same')), 1, 'and each is found');
ALTER TABLE linked RENAME TO linked_before;
CREATE TABLE linked (id int, a nae.enc_text('col-rnd'), b nae.enc_text('col-rnd'));
INSERT INTO linked VALUES (1, 'same', 'same');
CALL nae.add_blind_index('blind.linked', 'a', 'index-key');
CALL nae.add_blind_index('blind.linked', 'b', 'index-key', purpose => 'shared \000 é');
SELECT isnt((SELECT a_index FROM linked), (SELECT a_index FROM linked_before), 'nor does a table link with the one whose name it took');
SELECT is((SELECT b_index FROM linked), (SELECT b_index FROM linked_before), 'one purpose, one code: such columns can be joined');
SELECT matches((SELECT string_agg(object || ' ' || finding, ';') FROM nae.lint() WHERE object LIKE '%linked%'), 'linked_before\.b_index.* have equal codes', 'which nae.lint() tells');

-- deterministic columns, normalized
CREATE TABLE login (id int PRIMARY KEY, email nae.enc_det_text('col-det'), other nae.enc_det_int4('col-det'));
INSERT INTO login SELECT i, mail(i) FROM generate_series(1, 300) AS i;
CALL nae.add_blind_index('blind.login', 'email', 'index-key', normalization => 'lower');
CREATE UNIQUE INDEX ON login (email_index);
SELECT throws_ok($$INSERT INTO login VALUES (1000, 'PERSON5@example.ORG')$$, '23505', NULL, 'unique without regard to case');
SELECT lives_ok($$INSERT INTO login VALUES (1000, 'New@x.org')$$, 'another one is not refused');
SELECT is((SELECT array_agg(id) FROM login WHERE email_index = nae.blind_index_of('login', 'email', 'nEW@X.org')), ARRAY[1000], 'and found without regard to case');
SELECT is((SELECT array_agg(id) FROM login WHERE email = 'New@x.org'), ARRAY[1000], 'and with it, by the column itself');
SELECT throws_ok($$SELECT nae_internal.begin_blind_index('login', 'other', 'index-key', NULL, 'none', 1000)$$, '42809', NULL, 'as they are, they have an index of their own');

-- kept
INSERT INTO c (id, email) VALUES (2001, 'New@example.org'), (2002, NULL), (2003, '');
SELECT is((SELECT array_agg(id) FROM c WHERE email_index = nae.blind_index_of('c', 'email', 'new@example.org')), ARRAY[2001], 'INSERT');
SELECT is((SELECT array_agg(id) FROM c WHERE email_index = nae.blind_index_of('c', 'email', '')), ARRAY[2003], 'the empty string');
UPDATE c SET email = 'changed@example.org' WHERE id = 2001;
SELECT is((SELECT array_agg(id) FROM c WHERE email_index = nae.blind_index_of('c', 'email', 'changed@example.org')), ARRAY[2001], 'UPDATE');
SELECT is((SELECT count(*) FROM c WHERE email_index = nae.blind_index_of('c', 'email', 'new@example.org')), 0::bigint, 'the old code is gone');
UPDATE c SET email = NULL WHERE id = 2001;
SELECT is((SELECT email_index FROM c WHERE id = 2001), NULL, 'to NULL');
UPDATE c SET email_index = '\x00' WHERE id = 77;
INSERT INTO c (id, email, email_index) VALUES (2004, 'mine', '\x01');
SELECT is((SELECT array_agg(id ORDER BY id) FROM c WHERE email_index IN (nae.blind_index_of('c', 'email', 'mine'), nae.blind_index_of('c', 'email', 'person77@example.org'))), ARRAY[77, 2004], 'nobody sets codes by hand');
SELECT is((SELECT email_index FROM c WHERE id = 78), (SELECT nae_internal.blind_index_code(key || ':' || version, nae_internal.blind_index_input(purpose, context, 'person78@example.org'::text))
  FROM nae.blind_index WHERE relation = 'c'::regclass AND column_name = 'email'), 'the code is that of the normalized value, under the version and purpose of the index');
SELECT is((SELECT string_agg(DISTINCT concat_ws(' ', length(email_index), get_byte(email_index, 0), nae_internal.code_version(email_index)), ';') FROM c WHERE email_index IS NOT NULL),
  (SELECT '19 180 ' || version FROM nae.blind_index WHERE relation = 'c'::regclass AND column_name = 'email'), 'codes say format and version');
SELECT is(nae.blind_index_codes('c', 'email', 'MINE'), ARRAY[nae.blind_index_of('c', 'email', 'mine')], 'one code, when nothing is under way');
SELECT is((SELECT count(DISTINCT nae_internal.blind_index_input(p, q, 'x'::text)) FROM (VALUES ('', ''), ('a', ''), ('', 'a'), ('ab', ''), ('a', 'b'), ('', 'ab')) AS v(p, q)), 6::bigint, 'purpose and context are told apart');
SELECT is(nae_internal.blind_index_input('p', '', 1.50), nae_internal.blind_index_input('p', '', 1.5), 'equal numbers');
SELECT throws_ok($$SELECT nae_internal.blind_index_input('p', '', point '(1,2)')$$, '22023', NULL, 'a type that has no code');
SELECT throws_ok($$SELECT nae_internal.blind_index_input('p', '', NULL::text) || nae_internal.blind_index_input('p', '', 'x')$$, '42804', NULL, 'nor has an unknown one');
CREATE FUNCTION marks() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.email := 'Marked ' || NEW.id; RETURN NEW; END$$;
CREATE TRIGGER marks BEFORE UPDATE OF note ON c FOR EACH ROW EXECUTE FUNCTION marks();
UPDATE c SET note = 'x' WHERE id = 80;
SELECT is((SELECT array_agg(id) FROM c WHERE email_index = nae.blind_index_of('c', 'email', 'MARKED 80')), ARRAY[80], 'what another trigger assigns is coded, whatever the UPDATE names');
SELECT is((SELECT count(*) FROM c WHERE email_index = nae.blind_index_of('c', 'email', 'person80@example.org')), 0::bigint, 'and the value before it is gone');
DROP TRIGGER marks ON c;
UPDATE c SET email = mail(80) WHERE id = 80;
CREATE TEMP TABLE was AS SELECT id, email_index AS code FROM c;
UPDATE c SET note = 'other column';
SELECT is((SELECT count(*) FROM c JOIN was USING (id) WHERE code IS DISTINCT FROM email_index), 0::bigint, 'an update of another column');
CALL nae.rotate_column('blind.c', 'email');
SELECT is((SELECT count(*) FROM c JOIN was USING (id) WHERE code IS DISTINCT FROM email_index), 0::bigint, 'a rotation keeps the codes');
SELECT throws_ok($$SELECT nae_internal.begin_decryption('c', 'email', 1000, true, false)$$, '2BP01', NULL, 'decrypting comes after dropping it');
ALTER TABLE c RENAME TO renamed; ALTER TABLE renamed RENAME email TO mail; ALTER TABLE renamed RENAME email_index TO mail_code;
SELECT is((SELECT array_agg(id) FROM renamed WHERE mail_code = nae.blind_index_of('renamed', 'mail', 'person5@example.org')), ARRAY[5], 'through renames');
INSERT INTO renamed (id, mail) VALUES (2005, 'After@rename');
SELECT is((SELECT array_agg(id) FROM renamed WHERE mail_code = nae.blind_index_of('renamed', 'mail', 'after@RENAME')), ARRAY[2005], 'written after renames');
ALTER TABLE renamed RENAME TO c; ALTER TABLE c RENAME mail TO email; ALTER TABLE c RENAME mail_code TO email_index;

-- who may what
RESET ROLE;
GRANT INSERT, UPDATE, SELECT ON c TO nae_writer, nae_masked;
BEGIN;
GRANT USAGE ON SCHEMA nae TO nae_writer;
SET LOCAL ROLE nae_writer;
SELECT lives_ok($$INSERT INTO c (id, email) VALUES (3000, 'writer@example.org')$$, 'one who may not read writes');
SET LOCAL ROLE nae_all;
SELECT is((SELECT array_agg(id) FROM c WHERE email_index = nae.blind_index_of('c', 'email', 'writer@example.org')), ARRAY[3000], 'and is found');
RESET ROLE;
SELECT is(has_function_privilege('nae_writer', 'nae.blind_index_of(regclass, name, text)', 'EXECUTE'), false, 'codes of values are for those who may ask for them');
GRANT EXECUTE ON FUNCTION nae.blind_index_of(regclass, name, text), nae_internal.blind_index_search(text, bytea) TO nae_writer;
GRANT EXECUTE ON FUNCTION nae_blind_index(text, text) TO nae_writer;
SET LOCAL ROLE nae_writer;
SELECT throws_ok($$SELECT nae.blind_index_of('c', 'email', 'x')$$, 'NE001', NULL, 'and whom the policy lets');
RESET ROLE;
CREATE TABLE nae_writers_own (email nae.enc_text('col-rnd'), email_index bytea);
ALTER TABLE nae_writers_own OWNER TO nae_writer;
SELECT t.tgfoid::regprocedure AS sync FROM pg_trigger t WHERE t.oid = (SELECT trigger_oid FROM nae.blind_index WHERE relation = 'c'::regclass AND column_name = 'email') \gset
REVOKE EXECUTE ON FUNCTION :sync FROM nae_writer;
GRANT CREATE ON SCHEMA blind TO nae_writer;
SET LOCAL ROLE nae_writer;
SELECT throws_ok(format('CREATE TRIGGER t BEFORE INSERT ON blind.nae_writers_own FOR EACH ROW EXECUTE FUNCTION %s', :'sync'), '42501', NULL, 'nobody puts its function on a table of his own');
ROLLBACK;

-- dropped
SET ROLE nae_all;
SET search_path = blind, public;
SELECT nae.drop_blind_index('c', 'email');
SELECT hasnt_column('blind'::name, 'c'::name, 'email_index'::name, 'dropped: the codes are gone');
SELECT is_empty($$SELECT FROM nae.blind_index WHERE column_name = 'email' AND relation = 'c'::regclass$$, 'and what kept them');
SELECT lives_ok($$INSERT INTO c (id, email) VALUES (4000, 'x')$$, 'the table goes on');
CALL nae.decrypt_column('blind.c', 'email');
SELECT is((SELECT count(*) FROM c WHERE email = mail(id)), 1199::bigint, 'and its column may be decrypted');
CREATE TABLE parted (id int, d date, email nae.enc_text('col-rnd')) PARTITION BY RANGE (d);
CREATE TABLE part1 PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
INSERT INTO parted SELECT i, '2020-05-05', mail(i) FROM generate_series(1, 100) AS i;
CALL nae.add_blind_index('blind.parted', 'email', 'index-key');
CREATE TABLE part2 PARTITION OF parted FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO parted VALUES (500, '2021-05-05', 'later');
SELECT is((SELECT array_agg(id ORDER BY id) FROM parted WHERE email_index IN (nae.blind_index_of('parted', 'email', 'later'), nae.blind_index_of('parted', 'email', mail(5)))), ARRAY[5, 500], 'partitions, later ones too');
SELECT nae.drop_blind_index('parted', 'email');
SELECT hasnt_column('blind'::name, 'part2'::name, 'email_index'::name, 'dropped from each');
SELECT * FROM finish();
RESET ROLE;
DROP SCHEMA blind CASCADE;
