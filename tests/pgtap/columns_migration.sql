-- nae.encrypt_column() and nae.decrypt_column(). They commit, so nothing here is in one transaction; what
-- is left behind is dropped at the end. Interruptions are in tests/end_to_end/columns_migration.t.
SET client_min_messages = error;
DROP SCHEMA IF EXISTS mig CASCADE;
CREATE SCHEMA mig AUTHORIZATION nae_all;
GRANT USAGE ON SCHEMA mig TO PUBLIC;
SET ROLE nae_all;
SET search_path = mig, public;
SELECT plan(145);

-- What psql shows of a table, but for the order of its columns.
CREATE FUNCTION definition(relation regclass) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                   pg_get_expr(d.adbin, d.adrelid), a.attstattarget, array_remove(a.attoptions, (SELECT o FROM unnest(a.attoptions) AS o WHERE o ~ '^pg_attver=')), a.attacl, c.collname, col_description(a.attrelid, a.attnum))
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum LEFT JOIN pg_collation c ON c.oid = a.attcollation
  WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT concat_ws(' ', conname, pg_get_constraintdef(oid), convalidated) FROM pg_constraint WHERE conrelid = relation
  UNION ALL SELECT concat_ws(' ', pg_get_indexdef(indexrelid), indisclustered, indisreplident, obj_description(indexrelid, 'pg_class'))
    FROM pg_index WHERE indrelid = relation ORDER BY 1 $$;
CREATE FUNCTION order_of(relation regclass) RETURNS text LANGUAGE sql AS
  $$SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped$$;
CREATE FUNCTION intact(relation regclass) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format('%s %s', column_name, CASE WHEN stored = ciphertexts AND stored = authentic THEN 'intact' ELSE v::text END), ', ')
  FROM nae.verify_table(relation, true) AS v $$;

-- each type ------------------------------------------------------------------------------------------
CREATE TABLE every (id int PRIMARY KEY, a_text text, a_varchar varchar(30), a_bytea bytea, an_int4 int, an_int2 smallint, an_int8 bigint,
  a_numeric numeric, a_bool bool, a_date date, a_timestamptz timestamptz, a_uuid uuid, a_jsonb jsonb,
  a_char char(5), a_timestamp timestamp, a_time time, an_interval interval, a_float float8, a_json json, an_inet inet, an_array text[], dates date[], names varchar(5)[]);
INSERT INTO every VALUES (1, '', '', '', 0, 0, 0, 'NaN', false, '-infinity', '-infinity', '00000000-0000-0000-0000-000000000000', 'null', '', '-infinity', '00:00', '0', '-0', 'null', '0.0.0.0/0', '{}', '{}', '{}'),
  (3, E'ü\n', 'x', '\x00ff', -2147483648, -32768, -9223372036854775808, 1.50, true, '0044-03-15 BC', '2020-02-29 12:00:00.000001+00', gen_random_uuid(), '{"a": [1, "ü"]}', 'ab', '0044-03-15 BC', '24:00', '1 mon -2 days 3 s', 'NaN', '{ "a":1,"a":2}', '::1/64', '{a,NULL,""}', '{infinity}', '{a,NULL}'),
  (4, repeat('x', 100000), 'y', decode(repeat('ab', 100000), 'hex'), 2147483647, 32767, 9223372036854775807, 'Infinity', NULL, 'infinity', 'infinity', gen_random_uuid(), '[]', 'Grüße', 'infinity', '12:34:56.789', '1 day', '0.1', '[1 ]', '10.0.0.1', '[0:1]={x,y}', '{{2020-01-01},{NULL}}', NULL);
INSERT INTO every SELECT i, 'text ' || i, 'v', 'b', i, 5, i, i / 7.0, i % 2 = 0, DATE '2000-01-01' + i, now(), gen_random_uuid(), jsonb_build_object('n', i),
  'c' || i % 7, now(), TIME '12:00' + i * INTERVAL '1 min', i * INTERVAL '1 hour', i / 7.0, json_build_array(i), inet '10.0.0.0' + i, ARRAY['t' || i], ARRAY[DATE '2000-01-01' + i], ARRAY['n' || i] FROM generate_series(5, 60) AS i;
INSERT INTO every (id) VALUES (2);
CREATE TABLE every_plain AS TABLE every;
CREATE FUNCTION same_as_before(kind text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE c name; differing bigint;
BEGIN
  FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'every_plain'::regclass AND attnum > 1 AND NOT attisdropped LOOP
    EXECUTE format('SELECT count(*) FROM every e JOIN every_plain p USING (id) WHERE e.%1$I::%2$s IS DISTINCT FROM p.%1$I::%2$s', c,
                   (SELECT CASE atttypid WHEN 'json'::regtype THEN 'json::text' ELSE nae_internal.type_name(nae_internal.plain_type(atttypid)) END FROM pg_attribute WHERE attrelid = 'every_plain'::regclass AND attname = c)) INTO differing;
    RETURN NEXT is(differing, 0::bigint, format('%s %s', c, kind));
  END LOOP;
END $$;
CREATE PROCEDURE each(kind text, key text DEFAULT NULL, deterministic bool DEFAULT false) LANGUAGE plpgsql AS $$
DECLARE c name;
BEGIN
  FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'mig.every_plain'::regclass AND attnum > 1 AND NOT attisdropped
    AND NOT (deterministic AND atttypid NOT IN (SELECT nae_internal.plain_type(t.type) FROM nae.encrypted_type t WHERE t.deterministic UNION SELECT 'varchar'::regtype)) ORDER BY attnum
  LOOP
    IF kind = 'encrypt' THEN CALL nae.encrypt_column('mig.every', c, key, deterministic); ELSE CALL nae.decrypt_column('mig.every', c); END IF;
  END LOOP;
END $$;
CALL each('encrypt', 'col-rnd');
SELECT same_as_before('encrypted at random');
SELECT is((SELECT count(*) FROM nae.verify_table('every', true) WHERE stored = ciphertexts AND stored = authentic), 22::bigint, 'all of them are ciphertexts');
CALL each('decrypt');
SELECT same_as_before('decrypted');
SELECT is_empty($$SELECT FROM nae.encrypted_column WHERE relation = 'every'::regclass$$, 'none is encrypted');
ALTER TABLE every_plain DROP a_bool, DROP a_jsonb, DROP an_interval, DROP a_float, DROP a_json, DROP an_array, DROP dates, DROP names;
CALL each('encrypt', 'col-det', true);
SELECT same_as_before('encrypted deterministically');

-- what a column has ----------------------------------------------------------------------------------
CREATE FUNCTION make(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format($t$
    CREATE TABLE %1$I (id int, ssn text COLLATE "C" NOT NULL DEFAULT 'none', name text, big text,
      CONSTRAINT %1$s_p PRIMARY KEY (ssn, id), CONSTRAINT %1$s_u UNIQUE (ssn) DEFERRABLE INITIALLY DEFERRED, CONSTRAINT %1$s_len CHECK (length(ssn) < 20),
      CONSTRAINT %1$s_unchecked CHECK (ssn <> 'never'), CONSTRAINT %1$s_pair CHECK (ssn <> name));
    ALTER TABLE %1$I ALTER ssn SET STATISTICS 77, ALTER ssn SET (n_distinct = -0.5);
    CREATE INDEX %1$s_hash ON %1$I USING hash (ssn);
    CREATE INDEX %1$s_partial ON %1$I (name DESC NULLS LAST, ssn NULLS FIRST) INCLUDE (id) WITH (fillfactor = 70) WHERE id > 5;
    CREATE UNIQUE INDEX %1$s_id ON %1$I (id) INCLUDE (ssn);
    ALTER TABLE %1$I ALTER id SET NOT NULL, REPLICA IDENTITY USING INDEX %1$s_p, CLUSTER ON %1$s_id;
    ALTER TABLE %1$I DROP CONSTRAINT %1$s_unchecked, ADD CONSTRAINT %1$s_unchecked CHECK (ssn <> 'never') NOT VALID;
    COMMENT ON COLUMN %1$I.ssn IS 'it''s personal'; COMMENT ON INDEX %1$s_hash IS 'quick';
    GRANT SELECT (ssn), UPDATE (ssn) ON %1$I TO nae_clerk WITH GRANT OPTION; GRANT SELECT (ssn) ON %1$I TO PUBLIC;
    INSERT INTO %1$I SELECT i, 'ssn-' || i, nullif('n' || i %% 10, 'n3'), repeat('x', 3000) FROM generate_series(1, 2000) AS i$t$, name);
END $$;
CREATE FUNCTION without_key(relation regclass) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT translate(replace(replace(d, 'nae.enc_det_text(''col-det'')', 'text'), '::text', ''), '()', '') FROM definition(relation) AS d
  WHERE d !~ '_is_ciphertext' $$;
SELECT make('kept'), make('rewritten');
CREATE TEMP TABLE was AS SELECT relation, translate(replace(d, '::text', ''), '()', '') AS d FROM unnest(ARRAY['kept', 'rewritten']::regclass[]) AS relation, definition(relation) AS d;
CALL nae.encrypt_column('mig.kept', 'ssn', 'col-det', deterministic => true, batch_size => 100);
CALL nae.encrypt_column('mig.rewritten', 'ssn', 'col-det', deterministic => true, rewrite => true);
SELECT bag_eq($$SELECT without_key('kept')$$, $$SELECT d FROM was WHERE relation = 'kept'::regclass$$, 'everything is carried over');
SELECT bag_eq($$SELECT without_key('rewritten')$$, $$SELECT d FROM was WHERE relation = 'rewritten'::regclass$$, 'everything is carried over by a rewrite');
SELECT is(order_of('kept'), 'id name big ssn', 'the column is the last one now');
SELECT is(order_of('rewritten'), 'id ssn name big', 'after a rewrite it is where it was');
SELECT is(intact(t), 'ssn intact', t || ': every value') FROM unnest(ARRAY['kept', 'rewritten']) AS t;
SELECT results_eq(format('SELECT id, ssn, name FROM %I ORDER BY id', t), $$SELECT i, ('ssn-' || i) COLLATE "C", nullif('n' || i % 10, 'n3') FROM generate_series(1, 2000) AS i$$, t || ': says what it said') FROM unnest(ARRAY['kept', 'rewritten']) AS t;
SELECT is((SELECT string_agg(conname, ', ') FROM pg_constraint WHERE conrelid = t::regclass AND pg_get_constraintdef(oid) = 'CHECK (nae.is_ciphertext(ssn))'), 'ssn_is_ciphertext', t || ': the CHECK under its own name') FROM unnest(ARRAY['kept', 'rewritten']) AS t;
SELECT throws_ok(format($$INSERT INTO %s (id, ssn, name) VALUES (7777, 'x', 'x')$$, t), '23514', NULL, t || ': CHECK constraints hold') FROM unnest(ARRAY['kept', 'rewritten']) AS t;
SELECT throws_ok(format($$INSERT INTO %s (id, ssn) VALUES (7777, NULL)$$, t), '23502', NULL, t || ': NOT NULL holds') FROM unnest(ARRAY['kept', 'rewritten']) AS t;
SELECT throws_ok(format($$INSERT INTO %1$s (id, ssn) VALUES (7777, 'ssn-5'); SET CONSTRAINTS %1$s_u IMMEDIATE$$, t), '23505', NULL, t || ': UNIQUE holds') FROM unnest(ARRAY['kept', 'rewritten']) AS t;
SELECT lives_ok(format('INSERT INTO %s (id) VALUES (7777)', t), t || ': the DEFAULT') FROM unnest(ARRAY['kept', 'rewritten']) AS t;
SELECT is_empty($$SELECT FROM pg_trigger WHERE tgrelid IN ('kept'::regclass, 'rewritten'::regclass) AND NOT tgisinternal$$, 'no trigger is left');
SELECT is_empty($$SELECT FROM pg_proc WHERE pronamespace = 'mig'::regnamespace AND proname ~ 'nae_sync'$$, 'no function is left');
SELECT is_empty('SELECT FROM nae_internal.column_change', 'no state is left');
SELECT is_empty('SELECT FROM nae_stat_progress_column', 'nor progress');
CALL nae.decrypt_column('mig.kept', 'ssn');
CALL nae.decrypt_column('mig.rewritten', 'ssn', rewrite => true);
DELETE FROM kept WHERE id = 7777; DELETE FROM rewritten WHERE id = 7777;
SELECT bag_eq($$SELECT without_key('kept')$$, $$SELECT d FROM was WHERE relation = 'kept'::regclass$$, 'and everything comes back');
SELECT bag_eq($$SELECT without_key('rewritten')$$, $$SELECT d FROM was WHERE relation = 'rewritten'::regclass$$, 'by a rewrite too');
SELECT is(order_of('rewritten'), 'id ssn name big', 'in its place');
SELECT is_empty($$SELECT d FROM definition('kept') AS d WHERE d ~ 'nae\.' UNION SELECT d FROM definition('rewritten') AS d WHERE d ~ 'nae\.'$$, 'nothing of ours is left');
SELECT results_eq(format('SELECT id, ssn, name FROM %I ORDER BY id', t), $$SELECT i, ('ssn-' || i) COLLATE "C", nullif('n' || i % 10, 'n3') FROM generate_series(1, 2000) AS i$$, t || ': decrypted, it says what it said') FROM unnest(ARRAY['kept', 'rewritten']) AS t;

-- partitions -----------------------------------------------------------------------------------------
CREATE TABLE ev (id int, d date, note text NOT NULL, v varchar(40), UNIQUE (d, v, id)) PARTITION BY RANGE (d);
CREATE TABLE ev1 PARTITION OF ev FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY HASH (id);
CREATE TABLE ev11 PARTITION OF ev1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE ev12 PARTITION OF ev1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE ev2 (gone int, v varchar(40), note text NOT NULL, d date, id int);
ALTER TABLE ev2 DROP gone;
ALTER TABLE ev ATTACH PARTITION ev2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO ev SELECT i, DATE '2020-01-01' + i % 700, 'note ' || i, 'v' || i FROM generate_series(1, 3000) AS i;
CALL nae.encrypt_column('mig.ev', 'note', 'col-rnd', context => 'notes', batch_size => 250);
SELECT throws_like($$SELECT nae_internal.begin_encryption('ev', 'v', 'col-det', true, NULL, 1000, true, false)$$, '%cannot be kept', 'a constraint of a partitioned table needs a rewrite');
CALL nae.encrypt_column('mig.ev', 'v', 'col-det', deterministic => true, rewrite => true);
SELECT results_eq('SELECT id, note, v FROM ev ORDER BY id', $$SELECT i, 'note ' || i, 'v' || i FROM generate_series(1, 3000) AS i$$, 'partitions of other shapes');
SELECT is(intact('ev'), 'v intact, note intact', 'every value');
SELECT is((SELECT count(DISTINCT typmod) FROM nae.encrypted_column WHERE column_name = 'note' AND relation::text ~ '^ev\d*$'), 1::bigint, 'alike in each');
SELECT is((SELECT count(*) FROM pg_constraint WHERE conname ~ '^(note|v)_is_ciphertext$' AND conrelid::regclass::text ~ '^ev'), 10::bigint, 'each has the CHECKs');
SELECT throws_ok($$INSERT INTO ev (id, d, v, note) VALUES (1, '2020-01-02', 'v1', 'again')$$, '23505', NULL, 'UNIQUE over partitions holds');
CALL nae.decrypt_column('mig.ev', 'note', rewrite => true);
CALL nae.decrypt_column('mig.ev', 'v', rewrite => true);
SELECT results_eq('SELECT id, note, v FROM ev ORDER BY id', $$SELECT i, 'note ' || i, 'v' || i FROM generate_series(1, 3000) AS i$$, 'and back');

-- refusals -------------------------------------------------------------------------------------------
CREATE TYPE mood AS ENUM ('happy', 'sad');
CREATE TABLE r (m mood, id int GENERATED ALWAYS AS IDENTITY, c text, j money, g text GENERATED ALWAYS AS (c || 'x') STORED, a money[], u text, e nae.enc_text('col-rnd'), p point);
CREATE FUNCTION refused(column_name name, key text, state text, message text, what text, deterministic bool DEFAULT false, relation text DEFAULT 'r', rewrite bool DEFAULT false)
  RETURNS text LANGUAGE sql AS
  $$SELECT throws_ok(format('SELECT nae_internal.begin_encryption(%L, %L, %L, %L, NULL, 1000, true, %L)', relation, column_name, key, deterministic, rewrite), state, message, what)$$;
SELECT refused('none', 'col-rnd', '42703', 'column "none" of mig.r does not exist', 'no such column');
SELECT refused('ctid', 'col-rnd', '42703', 'column "ctid" of mig.r does not exist', 'a system column');
SELECT refused('id', 'col-rnd', '0A000', 'column "id" of mig.r is an identity column', 'an identity column');
SELECT refused('g', 'col-rnd', '0A000', 'column "g" of mig.r is a generated column', 'a generated column');
SELECT refused('c', 'col-rnd', '2BP01', 'column "c" of mig.r cannot be replaced: other objects depend on it', 'what a generated column is made of');
SELECT refused('j', 'col-rnd', '0A000', 'column "j" of mig.r is of type money, which cannot be encrypted as it is', 'a type that has no encrypted one');
SELECT refused('a', 'col-rnd', '0A000', 'column "a" of mig.r is of type money[], which cannot be encrypted as it is', 'an array of such');
SELECT throws_matching($$SELECT nae_internal.begin_encryption('r', 'm', 'col-rnd', false, NULL, 1000, true, false)$$, 'column "m" of mig.r is of type mig.mood', 'an enum');
SELECT refused('e', 'col-rnd', '42809', 'column "e" of mig.r is encrypted already', 'an encrypted column');
SELECT refused('u', 'col-none', 'NE001', 'key "col-none" is not there, or role nae_all may not: encrypt, decrypt', 'no such key');
SELECT refused('u', 'forbidden-key', 'NE001', 'key "forbidden-key" is not there, or role nae_all may not: encrypt, decrypt', 'a forbidden key');
SELECT refused('u', 'col-det', 'NE012', 'key "col-det" is of type aes-256-siv, needed is aes-256-gcm', 'a key of the other kind');
SELECT refused('u', 'col-rnd', 'NE012', 'key "col-rnd" is of type aes-256-gcm, needed is aes-256-siv', 'a key of the other kind, deterministic', true);
SELECT throws_ok($$SELECT nae_internal.begin_encryption('r', 'u', 'col-rnd', false, NULL, 0, true, false)$$, '23514', NULL, 'a batch of no rows');
SELECT throws_ok($$SELECT nae_internal.begin_encryption('r', 'u', 'col-rnd', false, NULL, 1000001, true, false)$$, '23514', NULL, 'a batch of too many rows');
CREATE TABLE flags (b bool, doc jsonb, t text, k text, x text);
SELECT refused('b', 'col-det', '0A000', 'column "b" of mig.flags is of type boolean, which cannot be encrypted deterministically', 'a deterministic bool', true, 'flags');
SELECT refused('doc', 'col-det', '0A000', 'column "doc" of mig.flags is of type jsonb, which cannot be encrypted deterministically', 'a deterministic jsonb', true, 'flags');
SELECT refused('id', 'col-rnd', '0A000', 'column "id" of mig.ev1 is inherited', 'a partition by itself', false, 'ev1');
SELECT refused('d', 'col-rnd', '0A000', 'column "d" of mig.ev is part of a partition key', 'a partition key', false, 'ev');
SELECT refused('id', 'col-rnd', '0A000', 'column "id" of mig.ev is part of a partition key', 'a partition key below', false, 'ev');
CREATE TABLE parent (c text); CREATE TABLE heir () INHERITS (parent);
SELECT refused('c', 'col-rnd', '0A000', 'column "c" of mig.parent is inherited', 'a parent', false, 'parent');
SELECT refused('c', 'col-rnd', '0A000', 'column "c" of mig.heir is inherited', 'an heir', false, 'heir');
CREATE VIEW seen AS SELECT t FROM flags;
SELECT refused('t', 'col-rnd', '42809', 'mig.seen is not a table', 'a view', false, 'seen');
SELECT refused('t', 'col-rnd', '2BP01', 'column "t" of mig.flags cannot be replaced: other objects depend on it', 'a column that a view reads', false, 'flags');
SELECT refused('t', 'col-rnd', '2BP01', 'column "t" of mig.flags cannot be replaced: other objects depend on it', 'whether it is rewritten or not', false, 'flags', true);
CREATE TABLE far (k text PRIMARY KEY); ALTER TABLE flags ADD FOREIGN KEY (k) REFERENCES far;
SELECT refused('k', 'col-det', '2BP01', 'column "k" of mig.flags cannot be replaced: other objects depend on it', 'a foreign key', true, 'flags');
SELECT refused('k', 'col-det', '2BP01', 'column "k" of mig.far cannot be replaced: other objects depend on it', 'its other side', true, 'far');
CREATE INDEX flags_x ON flags (x);
SELECT refused('x', 'col-rnd', '2BP01', 'indexes of column "x" of mig.flags cannot be kept', 'an index of a randomized column', false, 'flags');
CREATE INDEX flags_lower ON flags (lower(x)); DROP INDEX flags_x;
SELECT refused('x', 'col-det', '2BP01', 'indexes of column "x" of mig.flags cannot be kept', 'an index that computes', true, 'flags');
DROP INDEX flags_lower; CREATE INDEX flags_pattern ON flags (x text_pattern_ops);
SELECT refused('x', 'col-det', '2BP01', 'indexes of column "x" of mig.flags cannot be kept', 'another operator class, when it is rewritten', true, 'flags', true);
DROP INDEX flags_pattern;
ALTER TABLE flags ADD CHECK (x ~ '^a'), ALTER x SET DEFAULT 'abc'; ALTER TABLE flags ADD CONSTRAINT odd CHECK (x::regclass IS NOT NULL) NOT VALID;
SELECT lives_ok($$SELECT nae_internal.begin_encryption('flags', 'x', 'col-rnd', false, NULL, 1000, true, false)$$, 'a change begins');
SELECT results_eq($$SELECT command, phase, percent, rows_done, pid FROM nae_stat_progress_column WHERE column_name = 'x'$$, $$VALUES ('encrypt', 'preparing', NULL::numeric, 0::bigint, pg_backend_pid())$$, 'and is shown');
SELECT lives_ok($$SELECT nae.cancel_column_change('flags', 'x')$$, 'and is given up');
SELECT throws_ok($$SELECT nae_internal.begin_decryption('r', 'u', 1000, true, false)$$, '42809', 'column "u" of mig.r is not encrypted', 'decrypting a plain column');
SELECT throws_ok($$SELECT nae_internal.begin_rotation('r', 'u', NULL, 1000, true, false)$$, '42809', 'column "u" of mig.r is not encrypted', 'rotating a plain column');
SELECT throws_ok($$SELECT nae_internal.begin_rotation('r', 'e', NULL, 1000, true, true)$$, '22023', 'randomized values are rotated where they stand', 'rewriting for a rotation in place');
SELECT throws_ok($$SELECT nae_internal.begin_rotation('r', 'e', 7, 1000, true, false)$$, '22023', 'randomized values are rotated to the newest version of their key', 'rotating random values to some version');
SELECT throws_ok($$SELECT nae.cancel_column_change('r', 'u')$$, '55000', 'no change of column "u" of mig.r is under way', 'giving up what is not under way');
SELECT throws_ok($$CALL nae.encrypt_column('mig.r', 'u', 'col-rnd')$$, '25001', 'nae.encrypt_column cannot run inside a transaction block', 'within a transaction');
SELECT is_empty('SELECT FROM nae_internal.column_change', 'of what is refused nothing is left');

-- roles ----------------------------------------------------------------------------------------------
RESET ROLE;
BEGIN;
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
  WHERE p.pronamespace IN ('nae'::regnamespace, 'nae_internal'::regnamespace) AND a.grantee = 0 AND p.proname IN ('encrypt_column', 'decrypt_column', 'rotate_column', 'add_blind_index', 'drop_blind_index', 'run_change', 'change_step', 'cancel_column_change', 'verify_table', 'count_authentic')$$, 'nobody may call any of it unless granted');
SELECT nae.grant_migration(role) FROM unnest('{nae_writer,nae_masked,nae_nulled,nae_cipher}'::regrole[]) AS role;
CREATE TABLE owned (id int, c text, e nae.enc_text('col-rnd'));
SET ROLE nae_all;
SELECT refused('c', 'col-rnd', '42501', 'must be owner of table mig.owned', 'another one''s table', false, 'owned');
RESET ROLE;
CREATE FUNCTION as_role(role name, call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  SET LOCAL ROLE none;
  EXECUTE format('ALTER TABLE mig.owned OWNER TO %I', role);
  EXECUTE format('SET LOCAL ROLE %I', role);
  EXECUTE call;
  RETURN 'done';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
GRANT CREATE ON SCHEMA mig TO nae_writer, nae_masked, nae_nulled, nae_cipher, nae_reader;
SELECT is(as_role('nae_writer', $$SELECT nae_internal.begin_encryption('mig.owned', 'c', 'col-rnd', false, NULL, 1000, true, false)$$), 'NE001 key "col-rnd" is not there, or role nae_writer may not: decrypt', 'one who may not read cannot verify');
SELECT is(as_role('nae_writer', $$SELECT nae_internal.begin_encryption('mig.owned', 'c', 'col-rnd', false, NULL, 1000, false, false)$$), 'done', 'verify => false: whoever may write');
SELECT nae.cancel_column_change('mig.owned', 'c');
SELECT is(as_role(role, $$SELECT nae_internal.begin_decryption('mig.owned', 'e', 1000, true, false)$$), format('NE001 key "col-rnd" is not there, or role %s may not: decrypt', role), role || ' would store less than the values')
  FROM unnest(ARRAY['nae_masked', 'nae_nulled', 'nae_cipher']) AS role;
SET ROLE nae_all;
CREATE TABLE whole (c nae.enc_text('col-rnd')); INSERT INTO whole VALUES ('secret 1234'); GRANT SELECT ON whole TO nae_masked, nae_nulled, nae_cipher;
RESET ROLE;
ALTER TABLE mig.owned OWNER TO postgres;
SELECT is(as_role(role, format('SELECT nae_internal.plain(c, %s, true) FROM mig.whole', (SELECT atttypmod FROM pg_attribute WHERE attrelid = 'mig.whole'::regclass AND attname = 'c'))), 'NE001 the policy does not show this role the whole value', role || ': the whole value or none')
  FROM unnest(ARRAY['nae_masked', 'nae_nulled', 'nae_cipher']) AS role;

SELECT * FROM finish();
ROLLBACK;
DROP SCHEMA mig CASCADE;
