-- Search indexes: refusals, each way to write, each kind of role, what ends them. They are made by a procedure that commits: nothing
-- here is in one transaction.
SET client_min_messages = error;
DROP SCHEMA IF EXISTS searched CASCADE;
CREATE SCHEMA searched AUTHORIZATION nae_all;
GRANT USAGE ON SCHEMA searched TO PUBLIC;
SET ROLE nae_all;
SET search_path = searched, public;
SELECT no_plan();
CREATE TABLE c (id int PRIMARY KEY, name nae.enc_text('col-rnd'), email nae.enc_text('col-rnd'), phone nae.enc_text('col-rnd'),
  note nae.enc_text('col-rnd', 'context=notes'), ssn nae.enc_det_text('col-det'), n nae.enc_int4('col-rnd'), plain text);
CREATE FUNCTION name_of(i int) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT nullif((ARRAY['Paul','Anna','José','Bo','Ann-Marie'])[1 + i % 5] || ' ' || (ARRAY['Gonzalez','Gonzaga','Müller','O''Brien','Li','Straße','İnan'])[1 + i % 7] || ' ' || i, 'Bo Li 18')$$;
INSERT INTO c (id, name, email, phone, note) SELECT i, name_of(i), 'p' || i || '@' || (ARRAY['Example.org','x.net'])[1 + i % 2], '+1 555 ' || (100000 + i), name_of(i) FROM generate_series(1, 1000) AS i;
CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; result text := '';
BEGIN FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP result := result || line || E'\n'; END LOOP;
  -- since PostgreSQL 17: (InitPlan 1).col1
  RETURN replace(replace(result, '(InitPlan 1).col1', '$0'), '(InitPlan 2).col1', '$1'); END $$;
CREATE FUNCTION ids(query text) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE found int[]; BEGIN EXECUTE format('SELECT coalesce(array_agg(id ORDER BY id), ''{}'') FROM (%s) AS q', query) INTO found; RETURN found; END $$;

CREATE FUNCTION mark(col text) RETURNS int LANGUAGE sql AS $$ SELECT nae_internal.search_mark(key || ':' || version, purpose, context, declaration) FROM nae.search_index WHERE relation = 'c'::regclass AND column_name = col $$;
CREATE FUNCTION codes_check(col text) RETURNS text LANGUAGE sql AS $$ SELECT format('CHECK (nae.has_codes((%I IS NULL), %I, %s))', col, col || '_search', mark(col)) $$;
CREATE FUNCTION alter_c(change text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER TABLE c ' || change; END $$;

-- refusals
CREATE FUNCTION refused(col text, kind text, letters int, bits int, state text, message text, what text) RETURNS text LANGUAGE sql AS
  $$SELECT throws_ok(format('SELECT nae_internal.begin_search(''c'', %L, %L, %L, %L, NULL, 1000)', col, kind, letters, bits), state, message, what)$$;
SELECT refused('plain', 'word', NULL, 16, '42809', 'column "plain" of searched.c is not encrypted', 'a plain column');
SELECT refused('none', 'word', NULL, 16, '42703', 'column "none" of searched.c does not exist', 'no such column');
SELECT refused('ssn', 'word', NULL, 16, '0A000', 'column "ssn" of searched.c is deterministic', 'a deterministic column');
SELECT refused('n', 'whole', NULL, 16, '0A000', 'values of type integer are not searched by their parts', 'a number');
SELECT refused('name', 'bucket', NULL, 16, '0A000', 'values of type text are not searched by ranges', 'buckets of texts');
SELECT refused('name', 'substring', NULL, 16, '0A000', 'there is no search by substring yet', 'substrings');
SELECT refused('name', 'sound', NULL, 16, '22023', 'there is no search by "sound"', 'an unknown kind');
SELECT refused('name', 'whole', 4, 16, '22023', 'a search by whole has no letters to choose', 'letters of another kind');
SELECT refused('name', 'word', l, b, '22023', format('there are no codes of %s letters and %s bits', l, b), format('%s letters, %s bits', l, b))
  FROM (VALUES (2, 16), (9, 16), (4, 11), (4, 33), (-4, 16)) AS v(l, b);
SELECT throws_ok($$CALL nae.add_search('c', 'name', 'word')$$, '25001', 'nae.add_search cannot run inside a transaction block', 'within a transaction');

-- made
CALL nae.add_search('searched.c', 'name', 'word', batch_size => 200);
CALL nae.add_search('searched.c', 'email', 'domain');
CALL nae.add_search('searched.c', 'phone', 'last4', bits => 20, index_column => 'phone_end');
CALL nae.add_search('searched.c', 'note', 'whole', bits => 32);
SELECT is_empty('SELECT FROM nae_internal.column_change', 'no state is left');
SELECT set_eq('SELECT column_name::text, index_column::text, kind, declaration, key, version, context, is_complete FROM nae.search_index WHERE relation = ''c''::regclass',
  $$VALUES ('name', 'name_search', 'word', 'word(letters=4, bits=16, unicode=15.0.0)', 'col-rnd', (SELECT primary_version FROM nae_keys() WHERE name = 'col-rnd'), '', true),
           ('email', 'email_search', 'domain', 'domain(bits=16, unicode=15.0.0)', 'col-rnd', (SELECT primary_version FROM nae_keys() WHERE name = 'col-rnd'), '', true),
           ('phone', 'phone_end', 'last4', 'last4(bits=20, unicode=15.0.0)', 'col-rnd', (SELECT primary_version FROM nae_keys() WHERE name = 'col-rnd'), '', true),
           ('note', 'note_search', 'whole', 'whole(bits=32, unicode=15.0.0)', 'col-rnd', (SELECT primary_version FROM nae_keys() WHERE name = 'col-rnd'), 'notes', true)$$, 'what there is');
SELECT is_empty('SELECT FROM nae.blind_index WHERE relation = ''c''::regclass', 'none of them is a blind index');
SELECT is((SELECT count(*) FROM c WHERE (name IS NULL) <> (name_search IS NULL)), 0::bigint, 'each value has codes, and no other row');
SELECT is((SELECT max(cardinality(name_search)) FROM c), 5, 'a code for each word');
SELECT is((SELECT count(*) FROM c WHERE array_to_string(name_search, ',') <> array_to_string(ARRAY(SELECT DISTINCT unnest(name_search) ORDER BY 1), ',')), 0::bigint, 'in the order of the codes, each once');
SELECT is((SELECT max(u) FROM c, unnest(phone_end) AS u) < 1 << 20, true, 'of so many bits');
SELECT is((SELECT count(DISTINCT note_search) FROM c), 999::bigint, 'a code for each whole value');
SELECT refused('name', 'whole', NULL, 16, '55000', 'column "name" of searched.c has a search index already: word(letters=4, bits=16, unicode=15.0.0)', 'two kinds on one column');
SELECT throws_ok($$SELECT nae_internal.begin_blind_index('c', 'name', 'index-key', NULL, 'none', 1000)$$, '55000', NULL, 'a blind index beside one');
SELECT throws_ok($$SELECT nae_internal.begin_decryption('c', 'name', 1000, true, false)$$, '55006', 'column "name" of searched.c has a search index', 'a column that is to be plain');

-- planned
SET enable_seqscan = off;
SELECT matches(plan_of('SELECT id FROM c WHERE ' || condition), format('Index Cond: \(%s @> \$0\)', codes), condition)
  FROM (VALUES ('name LIKE ''Gonzag%''', 'name_search'), ('name ILIKE ''% GONZ%''', 'name_search'), ('name ^@ ''Paul G''', 'name_search'), ('starts_with(name, ''Paul G'')', 'name_search'),
    ('name = ''Paul Gonzalez 3''', 'name_search'), ('''Paul Gonzalez 3'' = name', 'name_search'), ('nae.search(name, ''gonz* paul'')', 'name_search'), ('email LIKE ''%@example.org''', 'email_search'),
    ('phone LIKE ''%0123''', 'phone_end'), ('note = ''Anna Müller 16''', 'note_search'), ('note LIKE ''Anna Müller 16''', 'note_search'),
    ('name LIKE ''Gonzag%''::varchar', 'name_search'), ('note = ''Anna Müller 16''::varchar(40)', 'note_search')) AS v(condition, codes);
-- as drivers send it that name the type of a text varchar
PREPARE typed(varchar) AS SELECT id FROM c WHERE name LIKE $1;
SET plan_cache_mode = force_generic_plan;
SELECT matches(plan_of('EXECUTE typed(''Gonzag%'')'), 'Index Cond: \(name_search @> \$0\)', 'a parameter of varchar');
RESET plan_cache_mode;
SELECT matches(plan_of('SELECT id FROM c WHERE name LIKE ''Gonzag%'''), 'Filter: .*name.* ~~ ', 'the condition stays');
SELECT matches(plan_of('SELECT id FROM c WHERE note IN (''Anna Müller 16'', ''x'')'), 'BitmapOr.*note_search @> \$0.*note_search @> \$1', 'IN, value by value');
SELECT matches(plan_of('SELECT id FROM c WHERE name LIKE ''Gonza%'' OR name LIKE ''Mülle%'''), 'BitmapOr', 'OR');
SELECT matches(plan_of('SELECT id FROM c WHERE note IN (''Anna Müller 16'', NULL, ''x'')'), 'BitmapOr.*note_search @> \$0.*note_search @> \$1', 'IN with a NULL, by the other values');
SELECT is(ids('SELECT id FROM c WHERE note IN (''Anna Müller 16'', NULL, ''x'')'), ids('SELECT id FROM c WHERE note IN (''Anna Müller 16'', ''x'')'), 'which finds the same');
SELECT unalike(plan_of('SELECT id FROM c WHERE ' || condition), '%_search @>%', 'not ' || condition)
  FROM (VALUES ('note IN (NULL, NULL)'), ('note NOT IN (''Anna Müller 16'', NULL)'), ('NOT (note IN (''Anna Müller 16'', NULL))'), ('(note IN (''Anna Müller 16'', NULL)) IS NULL')) AS v(condition);
SELECT is(ids('SELECT id FROM c WHERE note NOT IN (''Anna Müller 16'', NULL)'), '{}', 'NOT IN with a NULL finds nothing');
SELECT is(ids('SELECT id FROM c WHERE note IN (''Anna Müller 16'', NULL) OR id < 3'), ids('SELECT id FROM c WHERE note = ''Anna Müller 16'' OR id < 3'), 'an IN with a NULL beside another condition');
SELECT unalike(plan_of('SELECT id FROM c WHERE ' || condition), '%_search @>%', 'not ' || condition)
  FROM (VALUES ('name LIKE ''Gon%'''), ('name LIKE ''%onza%'''), ('name NOT LIKE ''Gonza%'''), ('NOT (name LIKE ''Gonza%'')'), ('name <> ''Paul Gonzalez'''), ('name ~ ''^Gonza'''), ('name LIKE NULL'),
    ('name = plain'), ('name = ANY (ARRAY[plain])'), ('note LIKE ''Anna%'''), ('name LIKE ''''')) AS v(condition);
-- in words
CREATE FUNCTION run_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; result text := '';
BEGIN FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP result := result || line || E'\n'; END LOOP; RETURN result; END $$;
SELECT matches(plan_of('SELECT id FROM c WHERE name LIKE ''Gonzag%'''), '\n +Search: name \(word\)\n', 'EXPLAIN says by what kind of codes');
SELECT matches(run_of('SELECT id FROM c WHERE name LIKE ''Paul Gonzag%'''), 'Rows Removed by Filter: \d+\n(.|\n)*Search: name \(word, 2 codes\)\n', 'and by how many, and how many rows they brought in vain');
SELECT matches(run_of('SELECT id FROM c WHERE name LIKE ''Gonzag%'''), 'Search: name \(word, 1 code\)\n', 'or one');
SELECT matches(run_of('SELECT id FROM c WHERE name LIKE ''Gonzag%'' AND email LIKE ''%@x.net'''), 'Search: (?=.*name \(word, 1 code\))(?=.*email \(domain, 1 code\))', 'of each column');
SELECT unalike(run_of('SELECT id FROM c WHERE name LIKE ''%onza%'''), '%Search:%', 'nothing where all rows are looked at');
-- parameters that are not ours point to rows of others, which are gone when the statement has run
CREATE TABLE wanted AS SELECT name_search AS codes FROM c WHERE name IS NOT NULL ORDER BY id LIMIT 20;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT alike(run_of('SELECT c.name FROM wanted AS w JOIN c ON c.name_search @> w.codes'), '%Recheck Cond: (name_search @> w.codes)%', 'codes of a joined table');
SELECT unalike(run_of('SELECT c.name FROM wanted AS w JOIN c ON c.name_search @> w.codes'), '%Search:%', 'are not those of a search');
SELECT alike(run_of('SELECT (SELECT count(*) FROM c WHERE c.name_search @> w.codes AND c.name LIKE ''Gonzag%'') FROM wanted AS w'),
  '%Search: name (word, 1 code)%', 'beside codes of an outer row those of the search are counted alone');
SELECT unalike(run_of('SELECT (SELECT count(*) FROM c WHERE c.name_search @> w.codes AND c.note LIKE ''G%'') FROM wanted AS w'), '%Search:%', 'and none where nothing is searched for');
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_seqscan;
-- nobody is asked for a plan
RESET ROLE;
CREATE FUNCTION asked(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE before bigint := (SELECT value::bigint FROM nae_stat_agent WHERE name = 'requests');
BEGIN EXECUTE statement; RETURN (SELECT value::bigint FROM nae_stat_agent WHERE name = 'requests') - before; END $$;
SELECT is(asked($$EXPLAIN SELECT id FROM searched.c WHERE name LIKE 'Gonza%' AND note = 'x'$$), 0::bigint, 'EXPLAIN asks nobody');
SET ROLE nae_all;
SELECT is(ids('SELECT id FROM c WHERE name LIKE ''Paul Gonzag%'''), ids('SELECT i AS id FROM generate_series(1, 1000) AS i WHERE name_of(i) LIKE ''Paul Gonzag%'''), 'found');
SELECT is(ids('SELECT id FROM c WHERE nae.search(name, ''jose strasse'')'), ids('SELECT i AS id FROM generate_series(1, 1000) AS i WHERE nae.search(name_of(i), ''jose strasse'')'), 'words, whatever their marks');
SELECT cmp_ok(cardinality(ids('SELECT id FROM c WHERE nae.search(name, ''jose strasse'')')), '>', 0, 'which some have');
SELECT is(ids('SELECT id FROM c WHERE nae.search(name, '''')'), '{}', 'a query without a word finds nothing');

-- parameters
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
CREATE FUNCTION by_param(pattern text) RETURNS int[] LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM c WHERE name LIKE pattern); END $$;
SELECT is(by_param(p), ids(format('SELECT i AS id FROM generate_series(1, 1000) AS i WHERE name_of(i) LIKE %L', p)), 'a parameter: ' || coalesce(p, 'NULL'))
  FROM unnest(ARRAY['Paul Gonzag%', 'Go%', '%', '', NULL, 'Paul\ G%', '%Li_']) AS p;
SELECT throws_ok($$SELECT by_param('Paul' || chr(92))$$, '22025', NULL, 'a pattern that ends within an escape');
RESET plan_cache_mode; RESET enable_seqscan;

-- each way to write keeps codes = codes(value)
CREATE FUNCTION wrong() RETURNS bigint LANGUAGE sql AS $$SELECT sum(stored - authentic)::bigint FROM nae.verify_table('c', authenticate => true) WHERE column_name LIKE '%\_search' OR column_name = 'phone_end'$$;
SELECT is(wrong(), 0::bigint, 'as made');
INSERT INTO c (id, name, note) VALUES (2001, 'One Row', 'One Row');
INSERT INTO c (id, name) VALUES (2002, 'Many Rows'), (2003, NULL), (2004, ''), (2005, '---');
SELECT is(wrong(), 0::bigint, 'INSERT');
SELECT is((SELECT array_agg(cardinality(name_search) ORDER BY id) FROM c WHERE id IN (2002, 2003, 2004, 2005)), ARRAY[2, NULL, 1, 1], 'NULL has no codes, a text without a word one that is NULL');
SELECT is((SELECT array_agg(DISTINCT array_lower(name_search, 1)) FROM c WHERE name IS NOT NULL), ARRAY[mark('name')], 'and all have the mark of their index');
SELECT is((SELECT name_search[mark('name')] FROM c WHERE id = 2004), NULL, 'of which a text without a word has nothing else');
SELECT is(ids('SELECT id FROM c WHERE name LIKE ''One R%'' OR name LIKE ''Many%'''), ARRAY[2001, 2002], 'found');
UPDATE c SET name = 'Changed Name' WHERE id = 2001;
SELECT is(ids('SELECT id FROM c WHERE name LIKE ''Changed%'''), ARRAY[2001], 'UPDATE of one row');
UPDATE c SET name = 'Renamed ' || id, phone = phone WHERE id <= 50;
SELECT is(ids('SELECT id FROM c WHERE name LIKE ''Renamed%'''), (SELECT array_agg(i) FROM generate_series(1, 50) AS i), 'UPDATE of many');
UPDATE c SET name = NULL WHERE id = 50;
UPDATE c SET plain = 'x' WHERE id <= 60;
SELECT is(wrong(), 0::bigint, 'UPDATE');
MERGE INTO c USING (VALUES (1, 'Merged One'), (3000, 'Merged New')) AS v(id, name) ON c.id = v.id
  WHEN MATCHED THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (v.id, v.name);
SELECT is(ids('SELECT id FROM c WHERE name LIKE ''Merged%'''), ARRAY[1, 3000], 'MERGE');
INSERT INTO c (id, name) VALUES (1, 'Upsert One'), (3001, 'Upsert New') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name;
SELECT is(ids('SELECT id FROM c WHERE name LIKE ''Upser%'''), ARRAY[1, 3001], 'upsert');
SELECT is(wrong(), 0::bigint, 'MERGE and upsert');
UPDATE c SET name = s.name FROM c AS s WHERE c.id = 4 AND s.id = 1;
SELECT is(ids('SELECT id FROM c WHERE name LIKE ''Upsert O%'''), ARRAY[1, 4], 'a ciphertext that is moved');
COPY c (id, name) FROM stdin;
4001	Copied Row
4002	Copied Again
4003	\N
\.
SELECT is(ids('SELECT id FROM c WHERE nae.search(name, ''copied'')'), ARRAY[4001, 4002], 'COPY');
UPDATE c SET name_search = '{1,2,3}' WHERE id = 4001;
INSERT INTO c (id, name, name_search) VALUES (4004, 'Copied by hand', '{}');
SELECT is(wrong(), 0::bigint, 'nobody sets codes by hand');
SELECT throws_ok($$DO 'BEGIN SET LOCAL session_replication_role = replica; END'$$, '42501', NULL, 'nor past the triggers');
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'Triggered ' || NEW.id; RETURN NEW; END $$;
CREATE TRIGGER shout BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION shout();
INSERT INTO c (id, name) VALUES (5001, 'a'), (5002, 'b');
SELECT is(ids('SELECT id FROM c WHERE name LIKE ''Triggered%'''), ARRAY[5001, 5002], 'what another trigger assigned');
DROP TRIGGER shout ON c;
SELECT is(wrong(), 0::bigint, 'is coded too');
RESET ROLE;
GRANT SELECT, INSERT ON c TO nae_writer, nae_reader, nae_masked, nae_nulled, nae_cipher;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA searched TO PUBLIC;
SET ROLE nae_writer;
INSERT INTO searched.c (id, name) VALUES (6001, 'Written Blind'), (6002, 'Written Twice');
INSERT INTO searched.c (id, name) VALUES (6003, 'Written Alone');
RESET ROLE; SET ROLE nae_all;
SELECT is(ids('SELECT id FROM c WHERE name LIKE ''Writt%'''), ARRAY[6001, 6002, 6003], 'written by a role that may neither read nor search');

-- a leak across columns
CREATE TABLE twins (id int, a nae.enc_text('col-rnd'), b nae.enc_text('col-rnd'));
INSERT INTO twins VALUES (1, 'same', 'same');
CALL nae.add_search('searched.twins', 'a', 'whole', bits => 32);
CALL nae.add_search('searched.twins', 'b', 'whole', bits => 32);
SELECT isnt((SELECT a_search FROM twins), (SELECT b_search FROM twins), 'equal values of two columns have different codes');

-- damage is seen
RESET ROLE;
SET session_replication_role = replica;
UPDATE c SET name_search = '{1}' WHERE id = 77;
UPDATE c SET name_search = NULL WHERE id = 78;
RESET session_replication_role;
SET ROLE nae_all;
SELECT is(wrong(), 0::bigint, 'codes that are sent beside a value that did not change are computed');
RESET ROLE;
-- as a disk might: past every trigger, and the relation's cache is told
CREATE FUNCTION set_replica_triggers(enabled "char") RETURNS void LANGUAGE sql AS $$
  UPDATE pg_trigger SET tgenabled = enabled WHERE tgrelid = 'c'::regclass AND tgenabled IN ('R', 'D');
  UPDATE pg_class SET relname = relname WHERE oid = 'c'::regclass $$;
SELECT set_replica_triggers('D');
SET session_replication_role = replica;
UPDATE c SET name_search = array_fill(1, ARRAY[1], ARRAY[array_lower(name_search, 1)]) WHERE id = 77;
RESET session_replication_role;
SET ROLE nae_all;
SELECT is(wrong(), 1::bigint, 'wrong codes are counted');
RESET ROLE; SET session_replication_role = replica;
SELECT throws_ok('UPDATE searched.c SET name_search = NULL WHERE id = 77', '23514', NULL, 'a row without codes is refused, also past the triggers');
RESET session_replication_role;
SELECT set_replica_triggers('R');
SET ROLE nae_all;

-- not complete: not used
SET enable_seqscan = off;
ALTER TABLE c DROP CONSTRAINT name_search_complete;
SELECT unalike(plan_of('SELECT id FROM c WHERE name LIKE ''Gonzag%'''), '%@>%', 'without its CHECK an index is not used');
SELECT alike((SELECT string_agg(object || ' ' || finding, ';') FROM nae.lint() WHERE object LIKE '%c.name_search%'), '%is not complete: no statement goes by its codes%', 'which nae.lint() tells');
SELECT throws_ok($$SELECT alter_c('ADD CONSTRAINT other ' || codes_check('name'))$$, '55000', 'searched.c has rows, whose codes may not be those of their values', 'nobody says by hand that it is complete');
SELECT throws_ok($$SELECT alter_c('ADD COLUMN other int ' || codes_check('name'))$$, '55000', NULL, 'nor with a new column');
SELECT throws_ok($$SELECT alter_c('ADD CONSTRAINT other ' || codes_check('name') || ' NO INHERIT')$$, '55000', NULL, 'nor for the table alone');
SELECT alter_c('ADD CONSTRAINT other ' || codes_check('name') || ' NOT VALID');
SELECT throws_ok('ALTER TABLE c VALIDATE CONSTRAINT other', '55000', NULL, 'nor by validating');
SELECT unalike(plan_of('SELECT id FROM c WHERE name LIKE ''Gonzag%'''), '%@>%', 'while it is not valid no statement goes by the codes');
ALTER TABLE c DROP CONSTRAINT other, ADD CONSTRAINT own CHECK ((name IS NULL) = (name_search IS NULL)), ADD CONSTRAINT third CHECK (nae.is_ciphertext(name)) NOT VALID;
SELECT lives_ok('ALTER TABLE c VALIDATE CONSTRAINT third', 'other constraints are made and validated');
SELECT unalike(plan_of('SELECT id FROM c WHERE name LIKE ''Gonzag%'''), '%@>%', 'none says that there are codes of this index');
ALTER TABLE c DROP CONSTRAINT own, DROP CONSTRAINT third;
SELECT nae.drop_search('c', 'name');
CALL nae.add_search('searched.c', 'name', 'word');
SELECT alike(plan_of('SELECT id FROM c WHERE name LIKE ''Gonzag%'''), '%@>%', 'made anew they are used');
ALTER TABLE c DISABLE TRIGGER USER;
SELECT unalike(plan_of('SELECT id FROM c WHERE name LIKE ''Gonzag%'''), '%@>%', 'nor while nobody keeps the codes');
ALTER TABLE c ENABLE TRIGGER USER;
SELECT unalike(plan_of('SELECT id FROM c WHERE name LIKE ''Gonzag%'''), '%@>%', 'nor afterwards');
SELECT nae.drop_search('c', 'name');
CALL nae.add_search('searched.c', 'name', 'word');
ALTER TABLE c RENAME COLUMN name TO full_name;
SELECT alike(plan_of('SELECT id FROM c WHERE full_name LIKE ''Gonzag%'''), '%name_search @>%', 'renamed');
INSERT INTO c (id, full_name) VALUES (7001, 'Renamed Column');
SELECT is(ids('SELECT id FROM c WHERE full_name LIKE ''Renamed C%'''), ARRAY[7001], 'and kept');
RESET enable_seqscan;

-- partitions
CREATE TABLE parts (id int, name nae.enc_text('col-rnd')) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (1000);
INSERT INTO parts SELECT i, name_of(i) FROM generate_series(1, 200) AS i;
CALL nae.add_search('searched.parts', 'name', 'word');
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (1000) TO (2000);
INSERT INTO parts VALUES (1, 'Parted Row'), (150, 'Parted Row'), (1500, 'Parted Row');
SELECT is(ids('SELECT id FROM parts WHERE name LIKE ''Parted%'''), ARRAY[1, 150, 1500], 'partitions');
SELECT alike(plan_of('SELECT id FROM parts_1 WHERE name LIKE ''Parted%'''), '%name_search @>%', 'one by itself too');
SET enable_seqscan = off;
SELECT alike(plan_of('SELECT id FROM parts WHERE name LIKE ''Parted%'''), '%name_search @>%', 'all of them');
RESET ROLE;
CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
SELECT nae_internal.search_mark(key || ':' || version, purpose, context, declaration) AS mark FROM nae.search_index WHERE relation = 'parts'::regclass \gset
CREATE FOREIGN TABLE parts_far (id int, name nae.enc_text('col-rnd'), name_search int[], CONSTRAINT name_is_ciphertext CHECK (nae.is_ciphertext(name)), CONSTRAINT name_search_complete CHECK (nae.has_codes((name IS NULL), name_search, :mark))) SERVER nowhere;
ALTER TABLE parts ATTACH PARTITION parts_far FOR VALUES FROM (5000) TO (6000);
SET ROLE nae_all;
SELECT unalike(plan_of('SELECT id FROM parts WHERE name LIKE ''Parted%'' AND id < 1500'), '%name_search @>%', 'not where one is on another server, whose CHECK nobody holds');
RESET ROLE; DROP FOREIGN DATA WRAPPER nowhere CASCADE; SET ROLE nae_all;
RESET enable_seqscan;
SELECT throws_ok($$SELECT nae_internal.begin_search('parts_1', 'name', 'word', NULL, 16, NULL, 1000)$$, '0A000', NULL, 'of one partition alone there is none');

-- dropped
SELECT lives_ok($$SELECT nae.drop_search('c', 'full_name')$$, 'dropped');
SELECT is_empty($$SELECT FROM nae.search_index WHERE relation = 'c'::regclass AND column_name = 'full_name'$$, 'is gone');
SELECT hasnt_column('searched', 'c', 'name_search', 'with its codes');
SELECT is(ids('SELECT id FROM c WHERE full_name LIKE ''Renamed C%'''), ARRAY[7001], 'and rows are found without');
-- given up and resumed
SELECT nae_internal.begin_search('c', 'full_name', 'word', NULL, 16, NULL, 100);
SELECT nae_internal.change_step('c', 'full_name') FROM generate_series(1, 3);
INSERT INTO c (id, full_name) VALUES (7002, 'Meanwhile Written');
RESET ROLE; SET session_replication_role = replica;
UPDATE searched.c SET full_name_search = '{1}' WHERE id IN (7, 777, 7001);
RESET session_replication_role; SET ROLE nae_all;
SELECT unalike(plan_of('SELECT id FROM c WHERE full_name LIKE ''Gonzag%'''), '%@>%', 'not used while it is being made');
SELECT throws_ok($$SELECT nae.drop_search('c', 'full_name')$$, '55006', NULL, 'nor dropped');
SELECT throws_ok($$SELECT nae_internal.begin_search('c', 'full_name', 'whole', NULL, 16, NULL, 100)$$, '55000', NULL, 'nor another kind begun');
CALL nae.add_search('searched.c', 'full_name', 'word');
SELECT is(ids('SELECT id FROM c WHERE full_name LIKE ''Meanwhile%'''), ARRAY[7002], 'called again it goes on to its end');
SELECT is((SELECT sum(stored - authentic) FROM nae.verify_table('c', authenticate => true)), 0::numeric, 'and all codes are right, also those that somebody wrote meanwhile');
SELECT is(ids('SELECT id FROM c WHERE full_name LIKE ''Renamed C%'''), ARRAY[7001], 'whose rows are found');
SELECT nae.drop_search('c', 'full_name');
SELECT nae_internal.begin_search('c', 'full_name', 'word', NULL, 16, NULL, 100);
SELECT nae_internal.change_step('c', 'full_name') FROM generate_series(1, 3);
SELECT lives_ok($$SELECT nae.cancel_column_change('c', 'full_name')$$, 'given up');
SELECT hasnt_column('searched', 'c', 'full_name_search', 'nothing is left');
SELECT * FROM finish();
RESET ROLE;
DROP SCHEMA searched CASCADE;
