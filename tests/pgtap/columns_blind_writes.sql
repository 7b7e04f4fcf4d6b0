-- Many rows written to a table with a blind index: their codes are asked for with the rows, and are those that the trigger
-- makes of each row by itself. The blind indexes are made by a procedure that commits; the rest is one transaction.
SET client_min_messages = error;
DROP SCHEMA IF EXISTS blindw CASCADE;
CREATE SCHEMA blindw AUTHORIZATION nae_all;
GRANT USAGE ON SCHEMA blindw TO PUBLIC;
SET ROLE nae_all;
SET search_path = blindw, public;
SELECT no_plan();
CREATE TABLE w (id int PRIMARY KEY, note nae.enc_text('col-rnd'), n nae.enc_numeric('col-rnd-2'), mail nae.enc_det_text('col-det'), plain text);
CALL nae.add_blind_index('blindw.w', 'note', 'index-key');
CALL nae.add_blind_index('blindw.w', 'n', 'index-key', purpose => 'number');
CALL nae.add_blind_index('blindw.w', 'mail', 'index-key', normalization => 'lower');
CREATE TABLE p (id int, note nae.enc_text('col-rnd')) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (50);
CREATE TABLE p2 (dropped int, note nae.enc_text('col-rnd'), id int);
ALTER TABLE p2 DROP dropped;
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (50) TO (1000);
CALL nae.add_blind_index('blindw.p', 'note', 'index-key', purpose => 'it''s \ "é" %s', normalization => 'lower');
CREATE TABLE parent (id int, note nae.enc_text('col-rnd'));
CALL nae.add_blind_index('blindw.parent', 'note', 'index-key');
CREATE TABLE child () INHERITS (parent);
-- Two of the same column, and one of equal codes in another table, made by another trigger.
CREATE TABLE both_ways (id serial, mail nae.enc_det_text('col-det'), low bytea);
CALL nae.add_blind_index('blindw.both_ways', 'mail', 'index-key', normalization => 'lower');
CREATE TABLE source (id int, note nae.enc_text('col-rnd'), mail nae.enc_det_text('col-det'));
INSERT INTO source SELECT i, nullif('Note ' || i % 90, 'Note 7'), nullif('Person' || i % 90 || '@X.org', 'Person8@X.org') FROM generate_series(1, 100) AS i;
CREATE TABLE log (note nae.enc_text('col-rnd'));
CALL nae.add_blind_index('blindw.log', 'note', 'index-key');
CREATE TABLE floats (id int, x nae.enc_float8('col-rnd'));
CALL nae.add_blind_index('blindw.floats', 'x', 'index-key');

BEGIN;
RESET ROLE;
SET LOCAL track_functions = 'pl';
GRANT pg_execute_server_program TO nae_all;
SET LOCAL ROLE nae_all;
-- How often triggers made a code row by row, in the transaction.
CREATE FUNCTION alone() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT coalesce(sum(pg_stat_get_xact_function_calls(f)), 0)::bigint
  FROM (SELECT DISTINCT t.tgfoid AS f FROM nae.blind_index AS b JOIN pg_trigger AS t ON t.oid = b.trigger_oid WHERE b.relation::text ~ '^(blindw\.)?[a-z_0-9]+$') AS one $$;
CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; result text := '';
BEGIN FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP result := result || line || E'\n'; END LOOP; RETURN result; END $$;
-- What a statement makes of a table, or its error: rows as they are read, with their codes.
CREATE FUNCTION outcome(statement text, of text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; state text;
BEGIN
  BEGIN
    EXECUTE statement;
    EXECUTE format('SELECT coalesce(string_agg(r::text, E''\n'' ORDER BY r::text), '''') FROM (%s) AS r', of) INTO result;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001';
  EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL; WHEN OTHERS THEN GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE; RETURN state || ' ' || SQLERRM;
  END;
  RETURN result;
END $$;
-- The same with and without batches, where triggers that keep codes are called so often.
CREATE FUNCTION same_codes(statement text, of text, what text, one_by_one bigint DEFAULT 0) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE before bigint; batched text; single text; count bigint;
BEGIN
  EXECUTE 'DISCARD PLANS';
  PERFORM set_config('nae.batch', 'off', true);
  single := outcome(statement, of);
  PERFORM set_config('nae.batch', 'on', true);
  EXECUTE 'DISCARD PLANS';
  before := alone();
  batched := outcome(statement, of);
  count := alone() - before;
  RETURN NEXT is(batched, single, what || ': the same codes');
  RETURN NEXT is(count, one_by_one, what || ': how often a trigger that keeps codes was called');
  RETURN NEXT ok(single <> '', what || ': there is something to compare');
END $$;
\set w '''SELECT id, note::text, note_index, n::numeric, n_index, mail::text, mail_index, plain FROM w'''

-- statements of many rows
SELECT same_codes($$INSERT INTO w (id, note, n, mail) SELECT i, nullif('Note ' || i % 90, 'Note 7'), i * 1.50, nullif('Person' || i % 90 || '@X.org', 'Person8@X.org') FROM generate_series(1, 100) i$$, :w, 'INSERT ... SELECT');
SELECT same_codes($$INSERT INTO w (id, note, n) VALUES (1, 'a', 1.10), (2, 'A', 1.1), (3, NULL, NULL), (4, 'a', 2)$$, :w, 'VALUES of several rows');
SELECT same_codes($$INSERT INTO w (id, note) SELECT id, note FROM source$$, :w, 'ciphertexts that are copied');
SELECT same_codes($$INSERT INTO w (id, note) SELECT id, note FROM source ORDER BY id LIMIT 50$$, :w, 'of a sort');
SELECT same_codes($$INSERT INTO w (id, note) SELECT id, note FROM source WHERE note LIKE '%1%'$$, :w, 'of rows that a filter decrypts');
SELECT same_codes($$INSERT INTO w (id, note) SELECT id, note FROM source WHERE id < 50 UNION ALL SELECT id, note FROM source WHERE id >= 50$$, :w, 'of a union');
SELECT same_codes($$WITH x AS (INSERT INTO w (id, note) SELECT i, 'n' || i FROM generate_series(1, 20) i RETURNING id, note_index) INSERT INTO w (id, plain) SELECT id + 100, encode(note_index, 'hex') FROM x$$, :w, 'inside WITH; RETURNING shows the code');
INSERT INTO w (id, note, n, mail) SELECT i, 'Note ' || i % 90, i, 'Person' || i || '@x.ORG' FROM generate_series(1, 60) i;
SELECT same_codes($$UPDATE w SET note = note || ' more'$$, :w, 'UPDATE');
SELECT same_codes($$UPDATE w SET note = s.note, n = w.id + 0.5 FROM source s WHERE s.id = w.id$$, :w, 'UPDATE of a join');
SELECT same_codes($$UPDATE w SET note = NULL, mail = upper(mail)$$, :w, 'UPDATE to NULL, and to an equal code', 120);
SELECT same_codes($$UPDATE w SET plain = 'x'$$, :w, 'UPDATE of another column');
SELECT same_codes($$UPDATE w SET note = CASE WHEN id % 2 = 0 THEN note ELSE 'odd' END$$, :w, 'UPDATE of some rows', 0);
SELECT same_codes($$INSERT INTO w (id, note) SELECT id, note FROM source ON CONFLICT (id) DO UPDATE SET note = EXCLUDED.note$$, :w, 'ON CONFLICT DO UPDATE');
SELECT same_codes($$INSERT INTO w (id, note) SELECT id, note FROM source ON CONFLICT (id) DO NOTHING$$, :w, 'ON CONFLICT DO NOTHING');
SELECT same_codes($$MERGE INTO w USING source s ON s.id = w.id WHEN MATCHED THEN UPDATE SET note = s.note WHEN NOT MATCHED THEN INSERT (id, note) VALUES (s.id, s.note)$$, :w, 'MERGE: row by row', 159);
SELECT same_codes($$INSERT INTO both_ways (mail) SELECT mail FROM source$$, 'SELECT mail::text, mail_index FROM both_ways', 'beside a serial column');
SELECT same_codes($$PREPARE ins AS INSERT INTO w (id, note) SELECT i, 'p' || i FROM generate_series(100, 110) i; EXECUTE ins; DELETE FROM w WHERE id >= 100; EXECUTE ins; DEALLOCATE ins$$, :w, 'prepared');

-- what is written by hand
SELECT same_codes($$INSERT INTO w (id, note, note_index) SELECT i, 'Note ' || i, '\xdead' FROM generate_series(100, 120) i$$, :w, 'codes that are given');
SELECT same_codes($$INSERT INTO w (id, note, note_index) SELECT 100 + i, 'Note ' || i, (SELECT note_index FROM w WHERE id = 1 + i % 2) FROM generate_series(1, 20) i$$, :w, 'codes of other rows');
SELECT same_codes($$INSERT INTO w (id, note_index) SELECT i, '\xdead' FROM generate_series(100, 120) i$$, :w, 'codes of nothing', 21);
SELECT same_codes($$UPDATE w SET note_index = '\xdead'$$, :w, 'UPDATE of the codes', 120);
SELECT same_codes($$UPDATE w SET note = 'x' || id, note_index = NULL$$, :w, 'UPDATE of both');
SELECT same_codes($$UPDATE w SET note = note, note_index = note_index$$, :w, 'UPDATE to what is there');

-- the code of one blind index is none in another
SELECT same_codes($$INSERT INTO w (id, note, mail, mail_index) SELECT 100 + i, 'Note ' || i, 'Person' || i || '@X.org', (SELECT note_index FROM w WHERE id = i) FROM generate_series(1, 20) i$$, :w, 'a code of another purpose');

-- other triggers
CREATE FUNCTION marks() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.note := 'Marked ' || NEW.id % 7; RETURN NEW; END$$;
CREATE TRIGGER marks BEFORE INSERT OR UPDATE ON w FOR EACH ROW EXECUTE FUNCTION marks();
SELECT same_codes($$INSERT INTO w (id, note) SELECT i, 'Note ' || i FROM generate_series(100, 120) i$$, :w, 'another trigger assigns', 21);
SELECT same_codes($$UPDATE w SET note = 'x'$$, :w, 'also at an UPDATE', 120);
DROP TRIGGER marks ON w;
CREATE OR REPLACE FUNCTION marks() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF NEW.id % 3 = 0 THEN RETURN NULL; END IF; INSERT INTO log SELECT 'logged ' || NEW.id || i FROM generate_series(1, 2) i; RETURN NEW; END$$;
CREATE TRIGGER marks BEFORE INSERT ON w FOR EACH ROW EXECUTE FUNCTION marks();
SELECT same_codes($$INSERT INTO w (id, note) SELECT i, 'Note ' || i FROM generate_series(100, 120) i$$, :w, 'another trigger leaves rows out, and writes others');
SELECT same_codes($$INSERT INTO w (id, note) SELECT i, 'Note ' || i FROM generate_series(100, 120) i$$, 'SELECT note::text, note_index FROM log', 'the others have codes too');
DROP TRIGGER marks ON w;
ALTER TABLE w DISABLE TRIGGER zzz_nae_note_blind_index;
SELECT same_codes($$INSERT INTO w (id, note, n) SELECT i, 'Note ' || i, i FROM generate_series(100, 120) i$$, :w, 'a disabled trigger keeps no codes');
ALTER TABLE w ENABLE TRIGGER zzz_nae_note_blind_index;
ALTER TABLE w DISABLE TRIGGER zzz_nae_note_blind_code;
SELECT same_codes($$INSERT INTO w (id, note) SELECT i, 'Note ' || i FROM generate_series(100, 120) i$$, :w, 'nobody takes codes that are known', 21);
SELECT unalike(plan_of($$INSERT INTO w (id, note) SELECT i, 'x' FROM generate_series(1, 9) i$$), '%Codes%', 'then none are asked for ahead');
ALTER TABLE w ENABLE TRIGGER zzz_nae_note_blind_code;
RESET ROLE;
SET LOCAL session_replication_role = replica;
SET LOCAL ROLE nae_all;
SELECT same_codes($$INSERT INTO w (id, note, n) SELECT i, 'Note ' || i, i FROM generate_series(100, 120) i$$, :w, 'nor does one of a replica');
RESET ROLE;
SET LOCAL session_replication_role = origin;
SET LOCAL ROLE nae_all;

ALTER TABLE w RENAME note TO "No""te"; ALTER TABLE w RENAME note_index TO "Code";
SELECT same_codes($$INSERT INTO w (id, "No""te", "Code") SELECT i, 'Note ' || i, '\x00' FROM generate_series(100, 120) i$$, 'SELECT id, "No""te"::text, "Code" FROM w', 'after renames');
ALTER TABLE w RENAME "No""te" TO note; ALTER TABLE w RENAME "Code" TO note_index;

-- partitions and children
\set p '''SELECT tableoid::regclass, id, note::text, note_index FROM p'''
SELECT same_codes($$INSERT INTO p SELECT i, 'Note ' || i % 9 FROM generate_series(1, 99) i$$, :p, 'partitions');
INSERT INTO p SELECT i, 'Note ' || i % 9 FROM generate_series(1, 99) i;
SELECT same_codes($$UPDATE p SET note = note || 'x'$$, :p, 'UPDATE of partitions');
SELECT same_codes($$UPDATE p SET id = 100 - id, note = note || 'x' WHERE id > 3$$, :p, 'UPDATE that moves rows');
INSERT INTO parent SELECT i, 'Note ' || i FROM generate_series(1, 20) i;
INSERT INTO child SELECT i, 'Note ' || i FROM generate_series(21, 40) i;
SELECT same_codes($$UPDATE parent SET note = note || 'x'$$, 'SELECT tableoid::regclass, id, note::text, note_index FROM parent', 'a child has no trigger');

-- who writes, and in whose name
RESET ROLE;
GRANT ALL ON w, source TO nae_writer, nae_masked, nae_stranger;
GRANT USAGE ON SCHEMA nae, blindw TO nae_writer, nae_masked, nae_stranger;
GRANT EXECUTE ON FUNCTION alone(), outcome(text, text), same_codes(text, text, text, bigint) TO nae_writer, nae_masked;
SET LOCAL ROLE nae_writer;
SELECT same_codes($$INSERT INTO w (id, note, n, mail) SELECT i, 'Note ' || i, i, 'm' FROM generate_series(100, 120) i$$, 'SELECT id, note_index, n_index, mail_index FROM w', 'one who may only write');
SET LOCAL ROLE nae_masked;
SELECT same_codes($$INSERT INTO w (id, note) SELECT i, 'Note ' || i FROM generate_series(100, 120) i$$, 'SELECT id, note_index FROM w', 'one who sees masks');
RESET ROLE;
SELECT t.tgfoid::regprocedure AS keeps FROM nae.blind_index b JOIN pg_trigger t ON t.oid = b.trigger_oid WHERE b.relation = 'w'::regclass AND b.column_name = 'note' \gset
ALTER FUNCTION :keeps OWNER TO nae_reader;
GRANT EXECUTE ON FUNCTION nae_internal.blind_index_code(text, bytea), nae_internal.plain(nae.enc_text, int, boolean) TO nae_reader;
SET LOCAL ROLE nae_all;
SELECT same_codes($$INSERT INTO w (id, note) SELECT i, 'Note ' || i FROM generate_series(100, 120) i$$, :w, 'an owner who may not make codes');
SELECT matches(outcome($$INSERT INTO w (id, note) SELECT i, 'Note ' || i FROM generate_series(100, 120) i$$, :w), '^NE001', 'says so');
RESET ROLE;
ALTER FUNCTION :keeps OWNER TO nae_masked;
GRANT EXECUTE ON FUNCTION nae_internal.blind_index_code(text, bytea), nae_internal.plain(nae.enc_text, int, boolean) TO nae_masked;
SET LOCAL ROLE nae_all;
SELECT same_codes($$INSERT INTO w (id, note) SELECT i, 'Note ' || i FROM generate_series(100, 120) i$$, :w, 'an owner who sees masks');
RESET ROLE;
ALTER FUNCTION :keeps OWNER TO nae_all;
REVOKE EXECUTE ON FUNCTION nae_internal.blind_index_code(text, bytea) FROM nae_all;
SET LOCAL ROLE nae_all;
SELECT same_codes($$INSERT INTO w (id, note) SELECT i, 'Note ' || i FROM generate_series(100, 120) i$$, :w, 'an owner without EXECUTE');
RESET ROLE;
GRANT EXECUTE ON FUNCTION nae_internal.blind_index_code(text, bytea) TO nae_all;
ALTER FUNCTION :keeps SECURITY INVOKER;
SET LOCAL ROLE nae_all;
SELECT same_codes($$INSERT INTO w (id, note) SELECT i, 'Note ' || i FROM generate_series(100, 120) i$$, :w, 'a function that is no one''s any more', 21);
RESET ROLE;
ALTER FUNCTION :keeps SECURITY DEFINER;
SET LOCAL ROLE nae_all;

-- Another's function that runs in his name does what it does, and codes nothing for whoever calls a trigger like ours.
CREATE FUNCTION innocent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NEW; END';
GRANT EXECUTE ON FUNCTION innocent() TO nae_writer;
RESET ROLE;
GRANT CREATE ON SCHEMA blindw TO nae_writer;
SET LOCAL ROLE nae_writer;
CREATE TABLE taken (id int, note nae.enc_text('col-rnd'), code bytea);
CREATE TRIGGER zzz_nae_note_blind_code BEFORE INSERT OR UPDATE OF note, code ON taken FOR EACH ROW EXECUTE FUNCTION nae_internal.take_code();
CREATE TRIGGER zzz_nae_note_blind_index BEFORE INSERT OR UPDATE OF note, code ON taken FOR EACH ROW EXECUTE FUNCTION innocent('index-key', 'none', '1', '', 'chosen');
INSERT INTO taken SELECT i, 'Note ' || i FROM generate_series(1, 50) i;
INSERT INTO taken SELECT i, 'Note ' || i FROM generate_series(1, 50) i;
SELECT is((SELECT count(*) || ' ' || count(code) FROM taken), '100 0', 'nobody has codes made in the name of another');
SET LOCAL ROLE nae_all;
SELECT pg_get_functiondef(:'keeps'::regprocedure) AS defined \gset
CREATE OR REPLACE FUNCTION :keeps RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN NEW.note_index := ''\x0123''; RETURN NEW; END';
SELECT same_codes($$INSERT INTO w (id, note) SELECT i, 'Note ' || i FROM generate_series(100, 120) i$$, :w, 'a function that was replaced', 21);
:defined;

-- values that cannot be read: the rows before such a row are coded, the row itself is the trigger's to refuse
CREATE TABLE forged (id int, note nae.enc_text('col-rnd'));
INSERT INTO forged SELECT i, 'Note ' || i FROM generate_series(1, 20) i;
SET LOCAL nae.transparent = off;
SELECT note AS stored FROM forged WHERE id = 15 \gset
SET LOCAL nae.transparent = on;
SELECT :'stored' AS good, 'nae1:' || encode(set_byte(b, length(b) - 1, get_byte(b, length(b) - 1) # 1), 'base64') AS tampered FROM decode(substr(:'stored', 6), 'base64') b \gset
UPDATE forged SET note = :'tampered' WHERE id = 15;
SELECT same_codes($$INSERT INTO w (id, note) SELECT id + 100, note FROM forged ORDER BY id$$, :w, 'a value that was changed');
SELECT matches(outcome($$INSERT INTO w (id, note) SELECT id + 100, note FROM forged ORDER BY id$$, :w), '^NE022', 'is refused');

-- COPY
CREATE FUNCTION lines(program text) RETURNS text LANGUAGE sql AS $$SELECT quote_literal(program)$$;
SELECT same_codes(format('COPY w (id, note, n, mail) FROM PROGRAM %s', lines($$seq 100 400 | sed 's/.*/&\tNote &\t&.50\tPerson&@X.org/'$$)), :w, 'COPY');
SET LOCAL nae.batch_size = 40;
SELECT same_codes(format('COPY w (id, note, n, mail) FROM PROGRAM %s', lines($$seq 100 400 | sed 's/.*/&\tNote &\t&.50\tPerson&@X.org/'$$)), :w, 'COPY in many batches');
SELECT same_codes(format('COPY w (id, note) FROM PROGRAM %s', lines(format('(echo "1000\t%s"; seq 100 250 | sed "s/.*/&\tNote &/"; echo "1001\t%s")', :'good', :'good'))), :w, 'COPY of plaintexts and ciphertexts');
RESET nae.batch_size;
SELECT same_codes(format('COPY w (id, note, n, mail) FROM PROGRAM %s', lines($$seq 100 120 | sed 's/.*/&\t\\N\t1.&\t\\N/'$$)), :w, 'COPY of NULL');
SELECT same_codes(format('COPY w (mail, id) FROM PROGRAM %s WHERE id %% 2 = 0', lines($$seq 100 120 | sed 's/.*/Person&@X.org\t&/'$$)), :w, 'COPY with a condition');
SELECT same_codes(format('COPY w (id, note, note_index) FROM PROGRAM %s (FORMAT csv)', lines($$seq 100 120 | sed 's/.*/&,Note &,\\xdead/'$$)), :w, 'COPY of codes that are given');
SELECT same_codes(format('COPY p (id, note) FROM PROGRAM %s', lines($$seq 1 90 | sed 's/.*/&\tNote &/'$$)), :p, 'COPY into partitions');
SELECT same_codes(format('COPY w (id, note) FROM PROGRAM %s', lines($$seq 100 120 | sed 's/.*/&\tNote &/; s/^115/1/'$$)), :w, 'COPY that fails half way', 0);
CREATE TRIGGER marks BEFORE INSERT ON w FOR EACH ROW EXECUTE FUNCTION marks();
SELECT same_codes(format('COPY w (id, note) FROM PROGRAM %s', lines($$seq 100 120 | sed 's/.*/&\tNote &/'$$)), :w, 'COPY beside another trigger');
DROP TRIGGER marks ON w;

-- how it is shown
SELECT matches(plan_of($$INSERT INTO w (id, note, n) SELECT i, 'x', i FROM generate_series(1, 9) i$$), 'Codes: n_index, note_index', 'the columns of codes');
SELECT matches(plan_of($$INSERT INTO w (id, note) SELECT id, note FROM source$$), 'NaeBatch\)\n +Codes: note_index\n', 'where nothing else is batched');
SELECT matches(plan_of($$UPDATE p SET note = 'x'$$), 'Codes: note_index\n', 'once, of however many partitions');
SELECT unalike(plan_of($$UPDATE w SET plain = 'x'$$), '%NaeBatch%', 'not where no value is written');
SELECT unalike(plan_of($$INSERT INTO w (id, note) VALUES (1, 'x')$$), '%NaeBatch%', 'nor for one row');
SELECT unalike(plan_of($$INSERT INTO child SELECT 1, 'x' FROM generate_series(1, 9) i$$), '%Codes%', 'nor without a blind index');

-- the first batch, of 16, is decrypted; then the statement's own plaintexts are taken
CREATE FUNCTION items(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE line text; result int;
BEGIN FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ' || query LOOP result := coalesce(result, substring(line FROM 'Items: (\d+)')::int); END LOOP; RETURN result; END $$;
SELECT is(items($$INSERT INTO w (id, note) SELECT 1000 + i, 'Note ' || i FROM generate_series(1, 100) i$$), 100 + 16 + 100, 'nothing is decrypted that is at hand');
SELECT is(items($$INSERT INTO w (id, note) SELECT 2000 + id, note FROM source$$), (SELECT 2 * count(note) FROM source)::int, 'what is copied is');

-- triggers
SELECT set_eq($$SELECT tgname::text FROM pg_trigger WHERE tgrelid = 'log'::regclass$$, ARRAY['zzz_nae_note_blind_code', 'zzz_nae_note_blind_index', 'zzz_nae_note_blind_index_update'], 'a blind index has three triggers');
CREATE TABLE stranger (id int, note text, code bytea);
CREATE TRIGGER t BEFORE INSERT OR UPDATE OF note, code ON stranger FOR EACH ROW EXECUTE FUNCTION nae_internal.take_code();
CREATE TRIGGER u BEFORE DELETE ON stranger FOR EACH ROW EXECUTE FUNCTION nae_internal.take_code();
INSERT INTO stranger SELECT i, 'x' FROM generate_series(1, 3) i;
SELECT is((SELECT count(code) FROM stranger), 0::bigint, 'elsewhere the trigger does nothing');
SELECT throws_ok('DELETE FROM stranger', '39P01', NULL, 'and is for no other event');
SELECT throws_ok('SELECT nae_internal.take_code()', '39P01', NULL, 'nor a function');
SELECT is(nae_internal.is_uncoded(ROW('x'::text, '\x00'::bytea), 'k', 'none', '1', '', 'p'), true, 'nothing is known outside of a statement');
SELECT is(nae_internal.is_uncoded(ROW(NULL::text, NULL::bytea), 'k', 'none', '1', '', 'p'), false, 'but that NULL has no code');
-- Two numbers that a session writes alike are two.
SET LOCAL extra_float_digits = 0;
SET LOCAL nae.batch = off;
INSERT INTO floats VALUES (1, 0.3);
UPDATE floats SET x = 0.1::float8 + 0.2::float8;
SELECT is((SELECT x_index FROM floats), nae.blind_index_of('floats', 'x', '0.30000000000000004'), 'a code of all digits, whatever the session shows');
SELECT nae.drop_blind_index('log', 'note');
SELECT is_empty($$SELECT FROM pg_trigger WHERE tgrelid = 'log'::regclass$$, 'and none without it');
SELECT * FROM finish();
ROLLBACK;
DROP SCHEMA blindw CASCADE;
