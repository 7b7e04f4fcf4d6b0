-- What people name is in schema nae, documented and with a comment; internals are elsewhere, and for PUBLIC only where it takes
-- them; nae.grant_migration() gives the rest.
BEGIN;
SELECT plan(21);
CREATE TEMP VIEW routine AS
  SELECT p.oid, p.oid::regprocedure AS signature, p.proname::text AS name, p.pronamespace::regnamespace::text AS schema, p.prokind, p.prosrc,
         EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0) AS of_public
  FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_nae';

-- names; docs/columns.md, "Functions and views", has the same
SELECT set_eq($$SELECT name FROM routine WHERE schema = 'nae'$$, ARRAY['encrypt_column', 'decrypt_column', 'rotate_column', 'cancel_column_change', 'add_blind_index', 'rotate_blind_index', 'rotate_search', 'drop_blind_index',
  'blind_index_of', 'blind_index_codes', 'add_search', 'drop_search', 'search', 'has_codes', 'verify_table', 'damaged_rows', 'lint', 'key_version', 'rewrap', 'is_ciphertext', 'grant_migration', 'revoke_migration'], 'functions of schema nae');
SELECT set_eq($$SELECT relname::text FROM pg_class WHERE relnamespace = 'nae'::regnamespace$$, ARRAY['encrypted_type', 'encrypted_column', 'blind_index', 'search_index', 'stat_progress_column'], 'views of schema nae, and no table');
SELECT set_eq($$SELECT DISTINCT schema FROM routine$$, ARRAY['nae', 'nae_internal', 'pg_catalog', 'public'], 'schemas');
SELECT is_empty($$SELECT oid::regtype FROM pg_type t WHERE t.typnamespace = 'nae_internal'::regnamespace AND t.typtype = 'b' AND t.typelem = 0$$, 'no type of values is internal');

-- comments
SELECT is_empty($$SELECT signature FROM routine WHERE schema IN ('nae', 'public') AND obj_description(oid, 'pg_proc') IS NULL$$, 'every function has a comment');
SELECT is_empty($$SELECT t.oid::regtype FROM pg_type t WHERE t.typnamespace = 'nae'::regnamespace AND t.typtype = 'b' AND t.typelem = 0 AND obj_description(t.oid, 'pg_type') IS NULL$$, 'and every type');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_nae'
  WHERE c.relkind = 'v' AND c.relnamespace <> 'nae_internal'::regnamespace AND obj_description(c.oid, 'pg_class') IS NULL$$, 'and every view');

-- PUBLIC
SELECT set_eq($$SELECT name FROM routine WHERE of_public AND schema NOT IN ('nae_internal', 'pg_catalog')$$, ARRAY['lint', 'search', 'has_codes', 'is_ciphertext', 'key_version', 'rewrap'], 'public functions of PUBLIC');
SELECT set_eq($$SELECT name FROM routine WHERE of_public AND schema = 'nae_internal' AND prokind <> 'a'
    AND NOT EXISTS (SELECT FROM pg_operator o WHERE o.oprcode = routine.oid) AND NOT EXISTS (SELECT FROM pg_cast c WHERE c.castfunc = routine.oid) AND prosrc <> 'nae_column_pend_array'$$,
  ARRAY['plain', 'plain_row', 'search_token', 'search_for', 'search_range', 'base_type', 'trigger_arguments', 'complete_check', 'is_complete', 'search_mark', 'rows_differ', 'keeps_codes', 'may_assign', 'is_coding_text', 'is_sync_text', 'is_changing', 'blind_index_input', 'search_input', 'take_code', 'is_uncoded', 'lint_columns', 'lint_guard', 'lint_twins', 'lint_literals', 'lint_copies', 'lint_rows', 'lint_settings',
        'lint_keys', 'lint_blind_indexes', 'lint_searches', 'newest_versions', 'ciphertext_checks', 'called', 'search_declaration', 'unkept_parts', 'late_triggers', 'assigns_no_value', 'find_blind_index', 'search_code', 'coding_of', 'type_name', 'coded_text', 'normalized'],
  'internals of PUBLIC beside operators, casts and aggregates: what statements are rewritten to, and parts of what PUBLIC may call');
SELECT is_empty($$SELECT signature FROM routine WHERE schema = 'nae_internal' AND of_public AND (name ~ '_(in|out|recv|send|cmp|hash|hash_extended)$' OR name IN ('in_range', 'subscript', 'randomized_analyze', 'typmod_out', 'aggregated', 'first'))$$,
  'no support function is');
SELECT isnt_empty($$SELECT FROM routine WHERE schema = 'pg_catalog' AND of_public$$, 'stand-ins are');
SELECT is_empty($$SELECT o.oid::regoperator FROM pg_operator o JOIN routine r ON r.oid = o.oprcode WHERE NOT r.of_public$$, 'every operator is');
SELECT is_empty($$SELECT r.signature FROM pg_cast c JOIN routine r ON r.oid = c.castfunc WHERE NOT r.of_public$$, 'and every cast');

-- a role without any grant works with a table of its own, under the guard
SET LOCAL client_min_messages = warning;
CREATE ROLE nae_nobody;
CREATE SCHEMA own AUTHORIZATION nae_nobody;
SET LOCAL ROLE nae_nobody;
SET LOCAL search_path = own, public;
SELECT lives_ok($$CREATE TABLE t (id int PRIMARY KEY, s nae.enc_det_text('col-det') UNIQUE, r nae.enc_text('col-rnd')); CREATE TABLE u (s nae.enc_det_text('col-det') REFERENCES t (s));
  ALTER TABLE t ADD u nae.enc_int4('col-rnd'); ALTER TABLE t RENAME s TO s2; ALTER TABLE t ALTER u TYPE int USING NULL$$, 'it declares columns');
SELECT throws_ok($$CREATE TABLE v (s nae.enc_det_text('col-det-2') REFERENCES t (s2))$$, '42830', NULL, 'is told what cannot be');
SELECT lives_ok($$SELECT s2, r FROM t ORDER BY s2$$, 'and selects');
SELECT throws_ok($$SELECT nae_internal.begin_encryption('t', 'id', 'col-rnd', false, NULL, 1000, true, false)$$, '42501', 'permission denied for function begin_encryption', 'but migrates nothing');
SELECT throws_ok($$SELECT nae.grant_migration('nae_nobody')$$, '42501', NULL, 'nor gives itself that right');
RESET ROLE;
SELECT nae.grant_migration('nae_nobody');
SET LOCAL ROLE nae_nobody;
SELECT throws_ok($$SELECT nae_internal.begin_encryption('t', 'id', 'col-rnd', false, NULL, 1000, true, false)$$, 'NE001', NULL, 'granted, the policy is asked');
SELECT is((SELECT string_agg(column_name || ' ' || stored, ', ' ORDER BY column_name) FROM nae.verify_table('t', true)), 'r 0, s2 0', 'and the rest works');
RESET ROLE;
SELECT nae.revoke_migration('nae_nobody');
SELECT is_empty($$SELECT signature FROM routine WHERE NOT of_public AND has_function_privilege('nae_nobody', oid, 'EXECUTE')
  UNION ALL SELECT 0::regprocedure WHERE has_table_privilege('nae_nobody', 'nae_internal.column_change', 'SELECT')$$, 'and is taken back whole');
SELECT * FROM finish();
ROLLBACK;
