-- Search indexes while the key of their column is rotated: rows of either version are found, before and after the values are encrypted
-- anew; what ends with a version, and that it says so. Keys are rotated by the administrator's tool: psql's \! finds it as
-- scripts/stack env says.
\! nae key create col-rot-search --type aes-256-gcm >/dev/null 2>&1
\! nae key create col-inside-search --type aes-256-gcm --protection hsm-only >/dev/null 2>&1
SET client_min_messages = error;
DROP SCHEMA IF EXISTS rotse CASCADE;
CREATE SCHEMA rotse AUTHORIZATION nae_all;
SET ROLE nae_all;
SET search_path = rotse, public;
SELECT no_plan();
CREATE FUNCTION newest() RETURNS int LANGUAGE sql AS $$SELECT primary_version FROM nae_keys() WHERE name = 'col-rot-search'$$;
CREATE FUNCTION told(thing text) RETURNS text LANGUAGE sql AS $$SELECT string_agg(finding, ';' ORDER BY finding) FROM nae.lint() WHERE object LIKE '%' || thing$$;
CREATE FUNCTION found(pattern text) RETURNS text LANGUAGE plpgsql AS
  $$ BEGIN RETURN (SELECT string_agg(id::text, ' ' ORDER BY id) FROM t WHERE name LIKE pattern); END $$;
-- How many rows the condition itself had to remove.
CREATE FUNCTION removed(pattern text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE line text; removed bigint := 0;
BEGIN
  FOR line IN EXECUTE format('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT id FROM t WHERE name LIKE %L', pattern) LOOP
    removed := removed + coalesce(substring(line FROM 'Rows Removed by Filter: (\d+)')::bigint, 0);
  END LOOP;
  RETURN removed;
END $$;
SELECT newest() AS v \gset
\setenv OLD :v
CREATE TABLE t (id int PRIMARY KEY, name nae.enc_text('col-rot-search'));
INSERT INTO t SELECT i, 'Old' || i % 10 || ' Person' FROM generate_series(1, 300) AS i;
CALL nae.add_search('rotse.t', 'name', 'word');
CREATE FUNCTION codes() RETURNS text LANGUAGE sql AS
  $$SELECT format('%s of %s, version %s, %s right', ciphertexts, stored, newest_version, authentic) FROM nae.verify_table('t', true) WHERE column_name = 'name_search'$$;
SET enable_seqscan = off;
SELECT is(told('t.name_search'), NULL, 'nothing to tell');
\! nae key rotate col-rot-search >/dev/null
SELECT is(newest(), :v + 1, 'rotated');
SELECT is(found('Old3 %'), (SELECT string_agg(i::text, ' ' ORDER BY i) FROM generate_series(1, 300) AS i WHERE i % 10 = 3), 'rows of the old version are found');
INSERT INTO t VALUES (1001, 'New3 Person'), (1002, 'Old3 Newer');
INSERT INTO t VALUES (1003, 'Old3 Single');
SELECT alike(found('Old3 %'), '%293 1002 1003', 'with rows that were written afterwards');
SELECT alike(told('t.name_search'), 'holds codes of version ' || :v || ' of key "col-rot-search", whose newest is ' || :v + 1, 'nae.lint() tells');
SELECT is(codes(), format('303 of 303, version %s, 303 right', :v), 'all codes are of the old one');
CALL nae.rotate_column('rotse.t', 'name');
SELECT is((SELECT oldest_version FROM nae.verify_table('t') WHERE column_name = 'name'), newest(), 'the values are of the new version');
SELECT is(codes(), format('303 of 303, version %s, 303 right', :v), 'the codes of the old one, and right');
SELECT alike(found('Old3 %'), '%293 1002 1003', 'and all are found');
\! nae key restrict col-rot-search "$OLD" >/dev/null
SELECT alike(found('Old3 %'), '%293 1002 1003', 'under a restricted version too');
SELECT cmp_ok(removed('Old3 %'), '<', 10::bigint, 'by codes');
SELECT throws_ok($$INSERT INTO t VALUES (1004, 'x')$$, 'NE011', NULL, 'which makes none');
SELECT throws_ok($$INSERT INTO t SELECT 2000 + i, 'x' FROM generate_series(1, 50) AS i$$, 'NE011', NULL, 'nor for many rows');
\! nae key retire col-rot-search "$OLD" >/dev/null
SELECT alike(found('Old3 %'), '%293 1002 1003', 'under a retired one all rows are looked at');
SELECT cmp_ok(removed('Old3 %'), '>', 200::bigint, 'which is what happens');
SELECT lives_ok($$SELECT nae.drop_search('t', 'name')$$, 'dropped');
CALL nae.add_search('rotse.t', 'name', 'word');
SELECT is(codes(), format('303 of 303, version %s, 303 right', newest()), 'and added: of the new version');
SELECT lives_ok($$INSERT INTO t VALUES (1004, 'Old3 Again')$$, 'rows can be written again');
SELECT alike(found('Old3 %'), '%1002 1003 1004', 'and are found');
CREATE TABLE inside (id int, name nae.enc_text('col-inside-search'));
SELECT throws_ok($$SELECT nae_internal.begin_search('inside', 'name', 'word', NULL, 16, NULL, 1000)$$, 'NE012', 'key "col-inside-search" is hsm-only and makes no search codes', 'a key that never leaves its HSM');
SELECT * FROM finish();
RESET ROLE;
DROP SCHEMA rotse CASCADE;
