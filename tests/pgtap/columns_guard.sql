-- What may be declared, the CHECK that keeps plaintext out, and nae.verify_table().
BEGIN;
SELECT plan(97);
SET LOCAL client_min_messages = warning;
CREATE SCHEMA g AUTHORIZATION nae_all;
GRANT USAGE ON SCHEMA g TO PUBLIC;
SET LOCAL ROLE nae_all;
SET LOCAL search_path = g, public;
CREATE TABLE ok (id int PRIMARY KEY, ssn nae.enc_det_text('col-det') UNIQUE, note nae.enc_text('col-rnd', 'context=notes'));
CREATE FUNCTION checks_of(relation regclass) RETURNS text[] LANGUAGE sql AS $$
  SELECT array_agg(conname || ' ' || pg_get_constraintdef(oid) ORDER BY conname) FROM pg_constraint
  WHERE conrelid = relation AND contype = 'c' $$;

-- no key
SELECT throws_ok('CREATE TABLE bad (x nae.enc_text)', '42611', 'encrypted column "x" of g.bad has no key');
SELECT throws_ok('ALTER TABLE ok ADD COLUMN x nae.enc_det_int4', '42611', 'encrypted column "x" of g.ok has no key');
SELECT throws_ok('ALTER TABLE ok ALTER COLUMN note TYPE nae.enc_text USING note', '42611', 'encrypted column "note" of g.ok has no key');
SELECT throws_ok($$CREATE TABLE bad AS SELECT 'x'::nae.enc_text AS x$$, '0A000', 'encrypted column "x" of the table would have no key', 'CREATE TABLE AS');
SELECT throws_ok($$SELECT 'x'::nae.enc_text AS x INTO bad$$, '0A000', 'encrypted column "x" of the table would have no key', 'SELECT INTO');
SELECT throws_ok($$CREATE MATERIALIZED VIEW bad AS SELECT 'x'::nae.enc_text AS x$$, '0A000', 'encrypted column "x" of the table would have no key', 'a materialized view');
SELECT throws_ok('CREATE DOMAIN bad AS nae.enc_text', '42611', 'domain g.bad is over an encrypted type without a key');
SELECT throws_ok('CREATE TEMP TABLE bad (x nae.enc_text)', '42611', 'encrypted column "x" of bad has no key', 'a temporary table');
SELECT throws_ok($$CREATE TABLE bad (x nae.enc_text('a key'))$$, '22023', 'the name of the key is not well-formed');
SELECT throws_ok($$CREATE TABLE bad (x nae.enc_text('k', 'version=2'))$$, '22023', 'unknown modifier of an encrypted type');
SELECT throws_ok($$CREATE TABLE bad (x nae.enc_det_text('k', 'version=0'))$$, '22023', 'the key version of an encrypted column is no number');
SELECT throws_ok($$CREATE TABLE bad (x nae.enc_det_text('k', 'version=65536'))$$, '22023', 'the key version of an encrypted column is no number');
SELECT lives_ok($$CREATE TABLE fine (x nae.enc_det_text('k', 'version=65535'))$$, 'the last version there can be');
SELECT throws_ok(format($$CREATE TABLE bad (x nae.enc_text('k', 'context=%s'))$$, repeat('x', 129)), '22023', 'the context of an encrypted column is too long');
SELECT lives_ok(format($$CREATE TABLE fine2 (x nae.enc_text('k', 'context=%s'))$$, repeat('x', 128)), 'the longest context');
RESET ROLE;
SELECT throws_ok('CREATE SCHEMA bad CREATE TABLE bad (x nae.enc_text)', '42611', 'encrypted column "x" of bad.bad has no key', 'within CREATE SCHEMA');
SET LOCAL ROLE nae_all;

-- values inside other values
SELECT throws_ok($$CREATE TABLE bad (x nae.enc_text('k')[])$$, '0A000', 'column "x" of type nae.enc_text(''k'')[] would hold encrypted values inside other values');
SELECT throws_ok($$CREATE TYPE bad AS (x nae.enc_text('k'))$$, '0A000', 'type g.bad would hold encrypted values inside other values');
SELECT throws_ok('CREATE TABLE bad (x ok)', '0A000', 'column "x" of type g.ok would hold encrypted values inside other values', 'a table''s row type');
SELECT throws_ok('CREATE TYPE bad AS RANGE (subtype = nae.enc_det_int4)', '0A000', 'type g.bad would hold encrypted values inside other values', 'a range');
SELECT throws_ok($$CREATE DOMAIN bad AS nae.enc_text('k')[]$$, '0A000', 'type g.bad would hold encrypted values inside other values', 'a domain over an array');
CREATE TYPE pair AS (a int);
SELECT throws_ok($$ALTER TYPE pair ADD ATTRIBUTE b nae.enc_text('k')$$, '0A000', 'type g.pair would hold encrypted values inside other values', 'ALTER TYPE');

-- indexes that could find nothing
SELECT throws_ok('CREATE INDEX bad ON ok (note)', '0A000', 'index g.bad is on the randomized column "note"');
SELECT throws_ok('CREATE INDEX bad ON ok (id, note)', '0A000', 'index g.bad is on the randomized column "note"', 'its second column');
SELECT throws_ok('ALTER TABLE ok ADD CONSTRAINT bad UNIQUE (note)', '0A000', 'index g.bad is on the randomized column "note"', 'UNIQUE');
SELECT throws_ok($$CREATE TABLE bad (x nae.enc_int4('k') PRIMARY KEY)$$, '0A000', 'the primary key of g.bad is on the randomized column "x"', 'PRIMARY KEY');
SELECT throws_ok('ALTER TABLE ok ADD CONSTRAINT bad EXCLUDE (note WITH OPERATOR(nae.=~))', '0A000', NULL, 'EXCLUDE');
SELECT throws_ok($$ALTER TABLE ok ALTER COLUMN ssn TYPE nae.enc_text('col-rnd') USING ssn::text$$, '0A000', 'index g.ok_ssn_key is on the randomized column "ssn"', 'ALTER TYPE under an index');
SELECT throws_ok('CREATE INDEX bad ON ok USING hash (note)', '0A000', 'index g.bad is on the randomized column "note"', 'hash');
SELECT throws_ok('CREATE UNIQUE INDEX bad ON ok (' || e || ')', '0A000', 'index g.bad would keep what it computes from encrypted columns in clear', 'an index on ' || e) FROM unnest(ARRAY['lower(ssn)', '(note::varchar)', 'id, (ssn || id)']) e;
SELECT throws_ok('CREATE INDEX bad ON ok (id) WHERE ssn = ''x''', '0A000', 'index g.bad would keep what it computes from encrypted columns in clear', 'a partial index');
SELECT lives_ok('CREATE INDEX fine_partial ON ok (ssn) WHERE note IS NOT NULL', 'IS NULL looks at what is stored');
SELECT lives_ok('CREATE INDEX fine_index ON ok (id) INCLUDE (note)', 'INCLUDE only carries along');
SELECT lives_ok('CREATE INDEX ON ok USING hash (ssn)', 'a hash index of a deterministic column');

-- expressions that PostgreSQL runs as they are written, in which any-type functions would read ciphertext
SELECT throws_ok(format($$CREATE TABLE bad (x nae.enc_text('col-rnd') CONSTRAINT odd CHECK (%s))$$, c), '0A000', 'constraint "odd" of g.bad would look at ciphertext', c)
FROM unnest(ARRAY['concat(x) = ''a''', 'format(''%s'', x) <> ''a''', 'to_jsonb(x) IS NOT NULL', 'x = GREATEST(x, ''b'')', 'length(x) > 3 OR concat(x) = ''a''']) c;
SELECT throws_ok('ALTER TABLE ok ADD CONSTRAINT odd CHECK (concat(ssn) = ''a'') NOT VALID', '0A000', 'constraint "odd" of g.ok would look at ciphertext', 'added later');
SELECT throws_ok($$CREATE DOMAIN bad AS nae.enc_text('k') CONSTRAINT odd CHECK (concat(VALUE) = 'a')$$, '0A000', 'constraint "odd" of domain g.bad would look at ciphertext', 'of a domain');
SELECT lives_ok($$CREATE TABLE fine3 (x nae.enc_text('col-rnd') CHECK (concat(x::text) = 'a' AND length(x) < 5 AND x <> 'c' AND x IN ('a', 'b') AND x LIKE '%'))$$, 'casts and what is for text alone');
CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
SELECT throws_ok('CREATE TRIGGER bad BEFORE UPDATE ON ok FOR EACH ROW WHEN (concat(NEW.ssn) = ''a'') EXECUTE FUNCTION fires()', '0A000', 'the condition of trigger "bad" of g.ok would look at ciphertext', 'the condition of a trigger');
SELECT throws_ok('ALTER TABLE ok ALTER COLUMN note TYPE text USING to_json(note)::text', '0A000', 'the new values of column "note" would be made of ciphertext', 'USING');
SELECT throws_ok('CREATE STATISTICS bad ON ' || e || ' FROM ok', '0A000', 'the statistics would keep what was computed from encrypted columns in clear', 'statistics on ' || e) FROM unnest(ARRAY['(note::text)', '(length(note)), id', 'ssn, (ssn || ''x'')']) e;
SELECT lives_ok('CREATE STATISTICS fine4 ON ssn, id FROM ok', 'statistics of ciphertexts');
SELECT lives_ok('CREATE STATISTICS fine5 ON ssn, (id % 3) FROM ok', 'and of expressions without them');

-- partition keys
SELECT throws_ok($$CREATE TABLE bad (n nae.enc_text('k')) PARTITION BY LIST (n)$$, '0A000', 'g.bad cannot be partitioned by the encrypted column "n"');
SELECT throws_ok($$CREATE TABLE bad (n nae.enc_det_text('k')) PARTITION BY RANGE (n)$$, '0A000', 'g.bad cannot be partitioned by range by the encrypted column "n"');
SELECT lives_ok($$CREATE TABLE parted (id int, n nae.enc_det_text('col-det')) PARTITION BY HASH (n)$$, 'by hash of a deterministic one');

-- foreign keys
SELECT throws_ok($$CREATE TABLE bad (x nae.enc_det_text('col-det-2') REFERENCES ok (ssn))$$, '42830', 'foreign key "bad_x_fkey" of g.bad is between columns that are not encrypted alike', 'another key');
SELECT throws_ok($$CREATE TABLE bad (x nae.enc_det_text('col-det', 'context=c') REFERENCES ok (ssn))$$, '42830', 'foreign key "bad_x_fkey" of g.bad is between columns that are not encrypted alike', 'another context');
SELECT throws_ok($$CREATE TABLE bad (x nae.enc_det_text('col-det', 'version=2') REFERENCES ok (ssn))$$, '42830', 'foreign key "bad_x_fkey" of g.bad is between columns that are not encrypted alike', 'another version');
SELECT lives_ok($$CREATE TABLE referencing (x nae.enc_det_text('col-det') REFERENCES ok (ssn))$$, 'the same type');
SELECT throws_ok($$ALTER TABLE ok ALTER COLUMN ssn TYPE nae.enc_det_text('col-det-2') USING ssn::text$$, '42830', 'foreign key "referencing_x_fkey" of g.referencing is between columns that are not encrypted alike', 'ALTER TYPE of one side');

-- the CHECK
SELECT is(checks_of('ok'), ARRAY['note_is_ciphertext CHECK (nae.is_ciphertext(note))', 'ssn_is_ciphertext CHECK (nae.is_ciphertext(ssn))'], 'each encrypted column has its CHECK');
ALTER TABLE ok ADD COLUMN more int;
ALTER TABLE ok RENAME COLUMN note TO remark;
ALTER TABLE ok ALTER COLUMN more TYPE bigint, ADD COLUMN note nae.enc_text('col-rnd');
SELECT is(checks_of('ok'), ARRAY['note_is_ciphertext CHECK (nae.is_ciphertext(remark))', 'note_is_ciphertext1 CHECK (nae.is_ciphertext(note))', 'ssn_is_ciphertext CHECK (nae.is_ciphertext(ssn))'], 'once each, through renames and changes');
SELECT throws_ok('ALTER TABLE ok DROP CONSTRAINT note_is_ciphertext1, ADD COLUMN y nae.enc_text', '42611', NULL, 'a refused command leaves it');
ALTER TABLE ok DROP CONSTRAINT note_is_ciphertext1;
SELECT ok('note_is_ciphertext1 CHECK (nae.is_ciphertext(note))' = ANY (checks_of('ok')), 'dropped, it comes back at once');
CREATE TABLE part1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part2 (n nae.enc_det_text('col-det'), id int);
ALTER TABLE parted ATTACH PARTITION part2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE child () INHERITS (ok);
CREATE TABLE liked (LIKE ok INCLUDING ALL);
SELECT is(array_length(checks_of('part1'), 1), 1, 'a partition has its parent''s');
SELECT is(array_length(checks_of('part2'), 1), 1, 'an attached one has one');
SELECT is(array_length(checks_of('child'), 1), 3, 'a child has its parent''s');
SELECT is(array_length(checks_of('liked'), 1), 3, 'LIKE copies them, and none is added');
CREATE TABLE made AS SELECT * FROM ok;
SELECT is(array_length(checks_of('made'), 1), 3, 'CREATE TABLE AS');
-- by ALTER TABLE, of which the CHECKs become part
CREATE FUNCTION definitions_of(relation regclass) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format('%s %s %s%s', conname, pg_get_constraintdef(oid), convalidated, CASE WHEN coninhcount > 0 THEN ' inherited' END), ', ' ORDER BY conname)
  FROM pg_constraint WHERE conrelid = relation AND contype = 'c' $$;
CREATE TABLE grown (id int);
INSERT INTO grown VALUES (1), (2);
ALTER TABLE grown ADD a nae.enc_text('col-rnd'), ADD COLUMN b nae.enc_det_text('col-det') DEFAULT 'x', ADD c text;
SELECT is(definitions_of('grown'), 'a_is_ciphertext CHECK (nae.is_ciphertext(a)) t, b_is_ciphertext CHECK (nae.is_ciphertext(b)) t', 'ADD COLUMN');
SELECT results_eq('SELECT a, b FROM grown', $$VALUES (NULL, 'x'), (NULL, 'x')$$, 'with a default for the rows that are there');
ALTER TABLE grown ADD COLUMN IF NOT EXISTS a nae.enc_text('col-rnd'), ADD COLUMN IF NOT EXISTS d nae.enc_text('col-rnd');
ALTER TABLE grown ADD e nae.enc_text('col-rnd') CONSTRAINT e_is_ciphertext CHECK (nae.is_ciphertext(e)), ADD f nae.enc_text('col-rnd') CHECK (length(f) < 5);
ALTER TABLE grown ADD g nae.enc_text('col-rnd'), ADD CONSTRAINT g_is_ciphertext CHECK (id > 0);
SELECT matches(definitions_of('grown'), '^a_is_c[^,]*, b_is_c[^,]*, d_is_c[^,]* t, e_is_ciphertext CHECK \(nae.is_ciphertext\(e\)\) t, f_is_ciphertext CHECK \(nae.is_ciphertext\(f\)\) t, g_is_ciphertext CHECK \(\(id > 0\)\) t, g_is_ciphertext1 CHECK \(nae.is_ciphertext\(g\)\) t, grown_f_check', 'IF NOT EXISTS, and with CHECKs of the user''s');
CREATE TABLE grown_parts (id int) PARTITION BY LIST (id);
CREATE TABLE grown_one PARTITION OF grown_parts FOR VALUES IN (1);
INSERT INTO grown_parts VALUES (1);
CREATE FUNCTION grow(c name) RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE grown_parts ADD x nae.enc_text('col-rnd'); EXECUTE 'ALTER TABLE grown_parts RENAME x TO ' || c; END $$;
SELECT grow('y'), grow('z');
SELECT is(definitions_of('grown_one'), 'x_is_ciphertext CHECK (nae.is_ciphertext(y)) t inherited, x_is_ciphertext1 CHECK (nae.is_ciphertext(z)) t inherited', 'partitions; a statement that is used again');
CREATE TABLE grown_child (w nae.enc_text('col-rnd')) INHERITS (grown);
INSERT INTO grown_child (id, w) VALUES (3, 'w');
ALTER TABLE grown ADD w nae.enc_text('col-rnd');
SELECT ok(definitions_of('grown_child') LIKE '%w_is_ciphertext CHECK (nae.is_ciphertext(w)) t inherited', 'a child that has the column');
SELECT is((SELECT count(*) FROM nae.verify_table('grown_child') WHERE stored <> ciphertexts), 0::bigint, 'and its values');
CREATE DOMAIN code AS nae.enc_det_text('col-det');
CREATE TABLE of_domain (c code);
SELECT is(checks_of('of_domain'), ARRAY['c_is_ciphertext CHECK (nae.is_ciphertext((c)::nae.enc_det_text))'], 'a domain');
CREATE TEMP TABLE of_session (c nae.enc_text('col-rnd'));
SELECT is(array_length(checks_of('of_session'), 1), 1, 'a temporary table');
SELECT lives_ok(format($$CREATE TABLE long (%1$I nae.enc_text('k'), %2$I nae.enc_text('k'))$$, repeat('é', 31), repeat('é', 30) || 'e'), 'the longest names');
SELECT is((SELECT count(DISTINCT conname) FROM pg_constraint WHERE conrelid = 'long'::regclass), 2::bigint, 'do not make two CHECKs one');

-- into encryption and out of it by ALTER TYPE
CREATE TABLE moved (id int, c text, n numeric(8,2) DEFAULT 5);
INSERT INTO moved VALUES (1, 'one', 1.5), (2, NULL, NULL), (3, '', 0);
ALTER TABLE moved ALTER c TYPE nae.enc_text('col-rnd') USING c, ALTER n TYPE nae.enc_det_numeric('col-det');
SELECT is(checks_of('moved'), ARRAY['c_is_ciphertext CHECK (nae.is_ciphertext(c))', 'n_is_ciphertext CHECK (nae.is_ciphertext(n))'], 'ALTER TYPE into encryption adds it');
SELECT results_eq('SELECT * FROM moved ORDER BY id', $$VALUES (1, 'one', 1.5), (2, NULL, NULL), (3, '', 0)$$, 'the values are what they were');
SELECT is((SELECT string_agg(format('%s %s/%s', column_name, ciphertexts, stored), ', ') FROM nae.verify_table('moved', true)), 'c 2/2, n 2/2', 'and ciphertexts');
ALTER TABLE moved ALTER c TYPE nae.enc_text('col-rnd', 'context=other') USING c::text;
SELECT is((SELECT authentic FROM nae.verify_table('moved', true) WHERE column_name = 'c'), 2::bigint, 'ALTER TYPE to another context, by plaintexts');
INSERT INTO moved (id) VALUES (4);
SELECT is((SELECT n::text FROM moved WHERE id = 4), '5', 'a DEFAULT goes along');
ALTER TABLE moved ALTER c TYPE text USING c::text, ALTER n TYPE numeric;
SELECT is(checks_of('moved'), NULL, 'ALTER TYPE out of it drops it');
CREATE DOMAIN plain_code AS varchar(10) CHECK (VALUE <> 'no');
CREATE TABLE moved_out (a nae.enc_text('col-rnd'), b nae.enc_text('col-rnd'), c nae.enc_text('col-rnd'), d nae.enc_int4('col-rnd'), e nae.enc_int4('col-rnd'), f nae.enc_jsonb('col-rnd'), g nae.enc_bool('col-rnd'), h nae.enc_uuid('col-rnd'));
INSERT INTO moved_out VALUES ('a', 'b', 'c', 1, 2, '{}', true, '00000000-0000-0000-0000-000000000001');
ALTER TABLE moved_out ALTER a TYPE varchar(20) USING a::text, ALTER b TYPE char(3) USING b::text, ALTER c TYPE plain_code USING c::text, ALTER d TYPE smallint USING d::int, ALTER e TYPE bigint USING e::int, ALTER f TYPE jsonb USING f::jsonb, ALTER g TYPE bool USING g::bool, ALTER h TYPE uuid USING h::uuid;
SELECT is(checks_of('moved_out'), NULL, 'to whatever type');

SELECT results_eq('SELECT * FROM moved ORDER BY id', $$VALUES (1, 'one', 1.5), (2, NULL, NULL), (3, '', 0), (4, NULL, 5)$$, 'with the values');
ALTER TABLE moved ADD CONSTRAINT mine CHECK (nae.is_ciphertext(c));
SELECT is(checks_of('moved'), ARRAY['mine CHECK (nae.is_ciphertext(c))'], 'a CHECK of the user''s is left alone');
SELECT is(nae.is_ciphertext(1), NULL, 'a plain value has nothing to check');

-- verify_table
CREATE TABLE seen (id int, s nae.enc_det_text('col-det'), r nae.enc_text('col-rnd'));
INSERT INTO seen SELECT i, 'v' || i, nullif('v' || i, 'v5') FROM generate_series(1, 40) AS i;
CREATE FUNCTION seen_as(authenticate boolean) RETURNS SETOF text LANGUAGE sql AS
  $$SELECT v::text FROM nae.verify_table('seen', authenticate) AS v$$;
SELECT results_eq('SELECT * FROM seen_as(true)', ARRAY['(s,40,40,0,0,1,1,40)', '(r,39,39,0,0,1,1,39)'], 'a good table');
SELECT results_eq('SELECT * FROM seen_as(false)', ARRAY['(s,40,40,0,0,1,1,)', '(r,39,39,0,0,1,1,)'], 'without asking for keys');
RESET ROLE;
-- What no statement can do: values are put there as if their column were another one.
CREATE TABLE elsewhere (id int, s nae.enc_det_text('col-det', 'context=else'), r nae.enc_text('col-rnd-2'));
CREATE FUNCTION pretend(relation regclass, column_name name, like_relation regclass) RETURNS void LANGUAGE sql AS $$
  UPDATE pg_attribute AS a SET atttypmod = b.atttypmod FROM pg_attribute AS b
  WHERE a.attrelid = relation AND a.attname = column_name AND b.attrelid = like_relation AND b.attname = column_name $$;
GRANT INSERT, SELECT ON elsewhere TO nae_all;
SET LOCAL ROLE nae_all;
INSERT INTO elsewhere SELECT i, 'v' || i, 'v' || i FROM generate_series(41, 43) AS i;
RESET ROLE;
CREATE TABLE honest AS TABLE seen;
SELECT pretend('seen', 's', 'elsewhere'), pretend('seen', 'r', 'elsewhere');
INSERT INTO seen TABLE elsewhere;
SELECT pretend('seen', 's', 'honest'), pretend('seen', 'r', 'honest');
SET LOCAL ROLE nae_all;
SELECT results_eq('SELECT * FROM seen_as(true)', ARRAY['(s,43,40,3,0,1,1,40)', '(r,42,39,3,0,1,1,39)'], 'ciphertexts of another key or context are counted');
SELECT throws_ok('SELECT r FROM seen', 'NE022', NULL, 'reading them fails');
SELECT throws_ok(format('INSERT INTO seen (id, r) VALUES (9, %L)', nae_internal.enc_text_out(r)), 'NE022', 'a ciphertext of another key or context is not taken for one of key "col-rnd"', 'a ciphertext of another key is not taken') FROM elsewhere LIMIT 1;
DELETE FROM seen WHERE id > 40;
RESET ROLE;
-- A byte of what the column calls its own is changed.
SELECT is((SELECT encode(nae_internal.enc_text_send(r), 'hex') FROM seen WHERE id = 1) ~ '^e1', true, 'a stored value');
UPDATE seen SET r = (SELECT nae_internal.enc_text_in(('nae1:' || translate(encode(set_byte(b, length(b) - 1, get_byte(b, length(b) - 1) # 1), 'base64'), E'\n', ''))::cstring, 'nae.enc_text'::regtype, -1)
  FROM (SELECT nae_internal.enc_text_send(r) AS b) AS x) WHERE id IN (3, 30);
SET LOCAL ROLE nae_all;
SELECT results_eq('SELECT * FROM seen_as(true)', ARRAY['(s,40,40,0,0,1,1,40)', '(r,39,39,0,0,1,1,37)'], 'authentication finds what was tampered with, one by one');
SELECT results_eq('SELECT * FROM seen_as(false)', ARRAY['(s,40,40,0,0,1,1,)', '(r,39,39,0,0,1,1,)'], 'which says of itself that it is good');

-- a value that is still pending reaches no table
RESET ROLE;
UPDATE pg_attribute SET atttypmod = -1 WHERE attrelid = 'seen'::regclass AND attname = 'r';
SELECT throws_ok($$INSERT INTO seen (id, r) VALUES (50, 'canary')$$, '23514', NULL, 'a pending value in a column without a key meets the CHECK');
SELECT * FROM finish();
ROLLBACK;
