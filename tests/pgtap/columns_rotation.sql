-- nae.rotate_column(): random values where they stand, deterministic ones by a shadow of the new version.
-- It commits, so nothing here is in one transaction. Keys are rotated, which takes the administrator's tool:
-- psql's \! finds it as scripts/stack env says.
\! for key in rot-rnd:aes-256-gcm rot-det:aes-256-siv; do nae key create ${key%%:*} --type ${key#*:} >/dev/null 2>&1; done
SET client_min_messages = error;
DROP SCHEMA IF EXISTS rot CASCADE;
CREATE SCHEMA rot AUTHORIZATION nae_all;
SET ROLE nae_all;
SET search_path = rot, public;
SELECT plan(40);
CREATE FUNCTION newest(key text) RETURNS int LANGUAGE sql AS $$SELECT primary_version FROM nae_keys() WHERE name = key$$;
CREATE FUNCTION versions(relation regclass, col name) RETURNS text LANGUAGE sql AS
  $$SELECT format('%s..%s, %s of %s', oldest_version, newest_version, authentic, stored) FROM nae.verify_table(relation, true) WHERE column_name = col$$;
SELECT newest('rot-rnd') AS rnd, newest('rot-det') AS det \gset
\setenv OLD_RND :rnd
\setenv OLD_DET :det

-- random
CREATE TABLE r (id int PRIMARY KEY, c nae.enc_text('rot-rnd', 'context=c'), n nae.enc_numeric('rot-rnd'), p text) PARTITION BY HASH (id);
CREATE TABLE r1 PARTITION OF r FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE r2 PARTITION OF r FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO r SELECT i, nullif('c' || i, 'c7'), i / 4.0, 'c' || i FROM generate_series(1, 3000) AS i;
\! nae key rotate rot-rnd >/dev/null
SELECT is(newest('rot-rnd'), :rnd + 1, 'the key has a new version');
INSERT INTO r SELECT i, 'c' || i, 1, 'c' || i FROM generate_series(3001, 3100) AS i;
SELECT is(versions('r', 'c'), format('%s..%s, 3099 of 3099', :rnd, :rnd + 1), 'values of both versions are read together');
SELECT is(nae_internal.lost_limits('r', 'c', 'text'), NULL, 'an encrypted column has no limits of its type that could be lost');
SELECT is(nae_internal.lost_limits('r', 'n', 'numeric'), NULL, 'of no type');
CALL nae.rotate_column('rot.r', 'c', batch_size => 100);
SELECT is(versions('r', 'c'), format('%1$s..%1$s, 3099 of 3099', :rnd + 1), 'all are of the new one');
SELECT is(versions('r', 'n'), format('%s..%s, 3100 of 3100', :rnd, :rnd + 1), 'the other column is what it was');
SELECT is((SELECT count(*) FROM r WHERE c::text IS DISTINCT FROM nullif(p, 'c7')), 0::bigint, 'and say what they said');
SELECT is((SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'r'::regclass AND attnum > 0), 'id c n p', 'in their place');
CREATE TABLE after AS SELECT id, ctid AS place, tableoid AS heap FROM r;
CALL nae.rotate_column('rot.r', 'c');
SELECT set_eq('SELECT id, ctid AS place, tableoid AS heap FROM r', 'SELECT * FROM after', 'when nothing is left to do, no row is written');
SELECT is_empty('SELECT FROM nae_internal.column_change', 'no state is left');
\! nae key restrict rot-rnd $OLD_RND >/dev/null
SELECT is((SELECT count(c::text) FROM r), 3099::bigint, 'with the old version restricted: read');

-- deterministic
SELECT format('nae.enc_det_text(''rot-det'', ''version=%s'')', :det) AS det_type \gset
CREATE TABLE d (id int PRIMARY KEY, ssn :det_type NOT NULL, p text, CONSTRAINT d_u UNIQUE (ssn));
CREATE TABLE unrotated (ssn :det_type, p text);
INSERT INTO d SELECT i, 's' || i, 's' || i FROM generate_series(1, 500) AS i;
INSERT INTO unrotated SELECT 's' || i, 's' || i FROM generate_series(101, 200) AS i;
CREATE TABLE fk (ssn :det_type REFERENCES d (ssn));
CREATE FUNCTION unique_violation(statement text) RETURNS text LANGUAGE sql AS $$SELECT throws_ok(statement, '23505', NULL, 'UNIQUE refuses a duplicate: ' || statement)$$;
SELECT is(versions('d', 'ssn'), format('%1$s..%1$s, 500 of 500', :det), 'values of the declared version');
CALL nae.rotate_column('rot.d', 'ssn');
SELECT is(versions('d', 'ssn'), format('%1$s..%1$s, 500 of 500', :det), 'of the newest version already: nothing happens');
\! nae key rotate rot-det >/dev/null
SELECT is(newest('rot-det'), :det + 1, 'the key has a new version');
INSERT INTO d (id, ssn, p) VALUES (501, 's501', 's501');
SELECT is(versions('d', 'ssn'), format('%1$s..%1$s, 501 of 501', :det), 'what is inserted is of the declared version');
SELECT throws_ok($$SELECT nae_internal.begin_rotation('d', 'ssn', NULL, 1000, true, false)$$, '2BP01', 'column "ssn" of rot.d cannot be replaced: other objects depend on it', 'foreign keys are in the way');
SELECT throws_ok($$SELECT nae_internal.begin_rotation('fk', 'ssn', NULL, 1000, true, false)$$, '2BP01', 'column "ssn" of rot.fk cannot be replaced: other objects depend on it', 'on either side');
ALTER TABLE fk DROP CONSTRAINT fk_ssn_fkey;

-- step by step, to look at what is true between
SELECT nae_internal.begin_rotation('d', 'ssn', NULL, 100, true, false) \g /dev/null
SELECT nae_internal.change_step('d', 'ssn'), nae_internal.change_step('d', 'ssn') \g /dev/null
SELECT is((SELECT phase FROM nae_stat_progress_column WHERE relation = 'd'::regclass), 'filling', 'in the middle of it');
SELECT ok((SELECT count(ssn__nae) BETWEEN 1 AND 501 FROM d), 'some have a value of the new version');
SELECT is((SELECT count(*) FROM d AS a JOIN d AS b ON a.ssn = b.p AND a.id = b.id), 501::bigint, 'each value is found');
SELECT is((SELECT id FROM d WHERE ssn = 's77'), 77, 'one by itself');
SELECT is((SELECT count(*) FROM d JOIN unrotated u ON u.ssn = d.ssn WHERE u.p = d.p), 100::bigint, 'a join with the unrotated column');
SELECT unique_violation($$INSERT INTO d (id, ssn, p) VALUES (600, 's5', '')$$);
SELECT unique_violation($$UPDATE d SET ssn = 's500' WHERE id = 1$$);
INSERT INTO d (id, ssn, p) VALUES (502, 'new', 'new');
UPDATE d SET ssn = 'renamed', p = 'renamed' WHERE id = 3;
DELETE FROM d WHERE id = 4;
SELECT unique_violation($$INSERT INTO d (id, ssn, p) VALUES (600, 'renamed', '')$$);
SELECT is((SELECT count(*) FROM d WHERE ssn__nae IS NOT NULL AND ssn__nae::text <> p), 0::bigint, 'the shadow is in step');
CALL nae.rotate_column('rot.d', 'ssn');
SELECT is(versions('d', 'ssn'), format('%1$s..%1$s, 501 of 501', :det + 1), 'ends with one version');
SELECT is((SELECT version FROM nae.encrypted_column WHERE relation = 'd'::regclass AND column_name = 'ssn'), :det + 1, 'which is declared');
SELECT is((SELECT count(*) FROM d WHERE ssn = p), 501::bigint, 'each says what it said');
SELECT is((SELECT count(*) FROM d AS a JOIN d AS b ON a.ssn = b.p), 501::bigint, 'each value is found');
SELECT is((SELECT count(*) FROM d JOIN unrotated u ON u.ssn = d.ssn WHERE u.p = d.p), 100::bigint, 'a join of a rotated and an unrotated column');
SELECT is((SELECT count(*) FROM unrotated WHERE ssn IN (SELECT ssn FROM d)), 100::bigint, 'IN of a sub-select of another version');
SELECT unique_violation($$INSERT INTO d (id, ssn, p) VALUES (600, 's5', '')$$);
SELECT throws_ok($$ALTER TABLE fk ADD FOREIGN KEY (ssn) REFERENCES d (ssn)$$, '42830', NULL, 'a foreign key between two versions');
CALL nae.rotate_column('rot.fk', 'ssn', rewrite => true);
SELECT lives_ok($$ALTER TABLE fk ADD FOREIGN KEY (ssn) REFERENCES d (ssn)$$, 'and between equal ones');
CALL nae.rotate_column('rot.unrotated', 'ssn', rewrite => true);
\! nae key restrict rot-det $OLD_DET >/dev/null
SELECT lives_ok($$INSERT INTO d (id, ssn, p) VALUES (700, 's700', 's700'); INSERT INTO fk VALUES ('s700'); INSERT INTO unrotated VALUES ('s700', 's700')$$, 'with the old version restricted: written');
SELECT is((SELECT count(*) FROM d JOIN unrotated u ON u.ssn = d.ssn), 101::bigint, 'joined');
SELECT is((SELECT ssn::text FROM d WHERE ssn = 's700'), 's700', 'found and read');
SELECT unique_violation($$INSERT INTO d (id, ssn, p) VALUES (701, 's700', '')$$);
SELECT is_empty('SELECT FROM nae_internal.column_change', 'no state is left');
SELECT * FROM finish();
RESET ROLE;
DROP SCHEMA rot CASCADE;
