-- The guard does the same under whatever settings a session has.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE SCHEMA def AUTHORIZATION nae_all;
SET LOCAL search_path = def, public;
SET LOCAL ROLE nae_all;
SELECT plan(30);
-- What the guard adds and refuses, in how much time.
CREATE FUNCTION guarded(settings text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  began timestamptz := clock_timestamp();
  answer text;
BEGIN
  EXECUTE settings;
  CREATE TABLE def.s (a nae.enc_text('col-rnd'), b nae.enc_det_text('col-det') UNIQUE, c nae.enc_int4('col-rnd'), CHECK (length(a) OPERATOR(pg_catalog.<) 9));
  ALTER TABLE def.s ADD d nae.enc_date('col-rnd');
  CREATE TABLE def.s_ref (b nae.enc_det_text('col-det') REFERENCES def.s (b));
  SELECT string_agg(c.conname, ' ' ORDER BY c.conname) INTO answer FROM pg_catalog.pg_constraint c
    WHERE c.conrelid OPERATOR(pg_catalog.=) 'def.s'::regclass::oid;
  BEGIN
    CREATE TABLE def.bad (b nae.enc_det_text('col-det-2') REFERENCES def.s (b));
    answer := answer || ' taken';
  EXCEPTION WHEN invalid_foreign_key THEN NULL;
  END;
  ALTER TABLE def.s ALTER c TYPE int USING c::int;
  SELECT answer || ' ' || count(*) INTO answer FROM pg_catalog.pg_constraint c WHERE c.conrelid OPERATOR(pg_catalog.=) 'def.s'::regclass::oid;
  -- Takes the settings back too.
  RAISE EXCEPTION USING ERRCODE = 'NE999',
    MESSAGE = CASE WHEN clock_timestamp() - began < '2 s' THEN answer ELSE 'slow: ' || (clock_timestamp() - began) END;
EXCEPTION WHEN SQLSTATE 'NE999' THEN
  RETURN SQLERRM;
END $$;
\set expected 'a_is_ciphertext b_is_ciphertext c_is_ciphertext d_is_ciphertext s_a_check s_b_key 5'
SELECT is(guarded('SELECT 1'), :'expected', 'what the guard does');
SELECT is(guarded(format('SET LOCAL %I = off', name)), :'expected', name) FROM pg_settings WHERE name IN (
  'enable_nestloop', 'enable_hashjoin', 'enable_mergejoin', 'enable_indexscan', 'enable_bitmapscan', 'enable_seqscan', 'enable_material', 'enable_sort', 'enable_hashagg') ORDER BY name;
SELECT is(guarded((SELECT string_agg(format('SET LOCAL %I = off;', name), ' ') FROM pg_settings WHERE name ~ '^enable_' AND vartype = 'bool')), :'expected', 'every switch of the planner');
SELECT is(guarded(s), :'expected', s) FROM unnest(ARRAY[
  'SET LOCAL jit = on; SET LOCAL jit_above_cost = 0; SET LOCAL jit_inline_above_cost = 0; SET LOCAL jit_optimize_above_cost = 0',
  'SET LOCAL work_mem = ''64kB''; SET LOCAL hash_mem_multiplier = 1',
  'SET LOCAL random_page_cost = 1e9; SET LOCAL cpu_tuple_cost = 1e9; SET LOCAL cpu_operator_cost = 0; SET LOCAL seq_page_cost = 0',
  'SET LOCAL from_collapse_limit = 1; SET LOCAL join_collapse_limit = 1; SET LOCAL geqo_threshold = 2; SET LOCAL geqo_seed = 0.7',
  'SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL constraint_exclusion = on',
  'SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0; SET LOCAL max_parallel_workers_per_gather = 8',
  'SET LOCAL search_path = pg_temp', 'SET LOCAL search_path = ''''', 'SET LOCAL row_security = off', 'SET LOCAL quote_all_identifiers = on',
  'SET LOCAL standard_conforming_strings = off; SET LOCAL escape_string_warning = off', 'SET LOCAL transform_null_equals = on', 'SET LOCAL array_nulls = off',
  'SET LOCAL check_function_bodies = off', 'SET LOCAL nae.transparent = off',
  'SET LOCAL DateStyle = ''German''; SET LOCAL IntervalStyle = iso_8601; SET LOCAL extra_float_digits = -15; SET LOCAL bytea_output = escape']) AS s;
-- Operators and functions of others, found before PostgreSQL's.
CREATE FUNCTION def.never(oid, oid) RETURNS bool LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR def.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = def.never);
CREATE FUNCTION def.format(text, text) RETURNS text LANGUAGE sql AS $$SELECT 'another'$$;
SELECT is(guarded('SET LOCAL search_path = def, pg_catalog'), :'expected', 'names of others');
DROP OPERATOR def.= (oid, oid);
DROP FUNCTION def.format(text, text);
SELECT is(current_setting('enable_nestloop'), 'on', 'the session''s settings are left alone');
-- A superuser's session that replays what others did.
RESET ROLE;
SET LOCAL session_replication_role = replica;
SELECT throws_ok('CREATE TABLE bad (x nae.enc_text)', '42611', NULL, 'session_replication_role = replica');
SET LOCAL session_replication_role = origin;
SELECT * FROM finish();
ROLLBACK;
