-- Foreign tables with encrypted columns, of a table of this database seen from outside. Commits: the other side
-- is another session.
SET client_min_messages = error;
DROP SERVER IF EXISTS nae_here CASCADE;
DROP SCHEMA IF EXISTS frn CASCADE;
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
-- The other side hands out what it stores.
SELECT format('CREATE SERVER nae_here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L, options ''-c nae.transparent=off'')',
              split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
CREATE USER MAPPING FOR PUBLIC SERVER nae_here OPTIONS (user 'postgres', password_required 'false');
GRANT USAGE ON FOREIGN SERVER nae_here TO nae_all, nae_masked, nae_reader, nae_stranger;
CREATE SCHEMA frn AUTHORIZATION nae_all;
GRANT USAGE ON SCHEMA frn TO nae_masked, nae_reader, nae_stranger;
SET ROLE nae_all;
SET search_path = frn, public;
SELECT plan(21);
CREATE TABLE base (id int PRIMARY KEY, d nae.enc_det_text('col-det'), r nae.enc_text('col-rnd'), n nae.enc_int4('col-rnd'));
CREATE FOREIGN TABLE far (id int, d nae.enc_det_text('col-det'), r nae.enc_text('col-rnd'), n nae.enc_int4('col-rnd')) SERVER nae_here OPTIONS (schema_name 'frn', table_name 'base');
GRANT SELECT ON far TO nae_masked, nae_reader, nae_stranger;
INSERT INTO base SELECT i, 'd' || i, 'r' || i, i FROM generate_series(1, 9) AS i;
SELECT throws_ok('CREATE FOREIGN TABLE bad (id int, d nae.enc_det_text) SERVER nae_here', '42611', 'encrypted column "d" of frn.bad has no key');
SELECT throws_ok('ALTER FOREIGN TABLE far ADD x nae.enc_text', '42611', 'encrypted column "x" of frn.far has no key');
SELECT results_eq('SELECT * FROM far ORDER BY id', 'SELECT * FROM base ORDER BY id', 'all rows');
SELECT results_eq('SELECT id FROM far WHERE ' || c || ' ORDER BY id', 'SELECT id FROM base WHERE ' || c || ' ORDER BY id', c) FROM unnest(ARRAY['d = ''d3''', 'd IN (''d3'', ''d4'')', 'r LIKE ''%4'' OR n > 7', 'd || r = ''d5r5''', 'id = 7 AND d = ''d7''']) AS c;
SELECT results_eq('SELECT ' || o || ' FROM far', 'SELECT ' || o || ' FROM base', o) FROM unnest(ARRAY['count(DISTINCT r), max(r), sum(n)', 'string_agg(r, '','' ORDER BY r DESC)']) AS o;
SELECT results_eq('SELECT d, count(*) FROM far GROUP BY d ORDER BY d', 'SELECT d, count(*) FROM base GROUP BY d ORDER BY d', 'groups');
SELECT results_eq('SELECT base.id FROM base JOIN far USING (d) ORDER BY 1', 'SELECT generate_series(1, 9)', 'a join');
SELECT results_eq('WITH u AS (UPDATE far SET r = ''new'', d = ''x'' WHERE d = ''d3'' RETURNING id, d, r) SELECT * FROM u', $$VALUES (3, 'x', 'new')$$, 'UPDATE ... RETURNING');
SELECT results_eq('SELECT d, r FROM base WHERE id = 3', $$VALUES ('x', 'new')$$, 'is stored on the other side');
SELECT lives_ok('INSERT INTO far (id, d, r) VALUES (10, ''d10'', ''r10''), (11, ''d11'', NULL)', 'INSERT');
SELECT results_eq('SELECT id, d, r FROM base WHERE id > 9 ORDER BY id', $$VALUES (10, 'd10', 'r10'), (11, 'd11', NULL)$$, 'is, too');
SELECT lives_ok('DELETE FROM far WHERE d = ''d10''', 'DELETE');
SELECT is((SELECT string_agg(format('%s %s/%s', column_name, authentic, stored), ', ') FROM nae.verify_table('base', true)), 'd 10/10, r 9/9, n 9/9', 'all of it ciphertext');
SET ROLE nae_masked;
SELECT is((SELECT r FROM frn.far WHERE id = 3), '*ew', 'a role that sees masks');
SET ROLE nae_reader;
SELECT is((SELECT r FROM frn.far WHERE id = 3), 'new', 'a role that may decrypt and not encrypt: what is read is not given');
SET ROLE nae_stranger;
SELECT throws_ok('SELECT r FROM frn.far WHERE id = 3', 'NE001', NULL, 'a role without rights: who asks decides, not who connects');
RESET ROLE;
DROP SERVER nae_here CASCADE;
DROP SCHEMA frn CASCADE;
SELECT * FROM finish();
