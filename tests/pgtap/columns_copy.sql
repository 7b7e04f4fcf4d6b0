-- COPY into and out of tables with encrypted columns. Lines come from a program of the server, for which nae_all gets
-- the right until the end of the transaction.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(203);
RESET ROLE;
GRANT pg_execute_server_program TO nae_all, nae_writer, nae_reader, nae_masked, nae_nulled, nae_cipher, nae_stranger;
SET LOCAL ROLE nae_all;
SELECT twin($$CREATE TABLE w (id int PRIMARY KEY, ssn {det_text} UNIQUE, name {text} DEFAULT 'given', other {text:col-rnd-2}, n {int4} CHECK (n > 0), b {date}, raw {bytea}, doc {jsonb}, plain text)$$);
-- What a COPY of this form puts into w: the lines as printf(1) takes them.
CREATE FUNCTION tap.copy_of(form text, lines text) RETURNS text LANGUAGE sql AS $f$
  SELECT format('COPY %s', replace(form, 'FROM', 'FROM PROGRAM ' || quote_literal(format('printf %s', '''' || replace(lines, '''', '''\''''') || '''')))) $f$;
CREATE FUNCTION tap.copied(form text, lines text, more text DEFAULT '', error text DEFAULT NULL) RETURNS text LANGUAGE sql AS $f$
  SELECT same_after(more || copy_of(form, lines), 'SELECT * FROM w', format('COPY %s: %s', form, left(lines, 60)) || left(more, 60), error) $f$;

-- text
SELECT copied('w (id, ssn, name, n) FROM', l) FROM unnest(ARRAY['1\ta\tb\t3\n', '1\ta\tb\t3\n2\t\\N\t\\N\t\\N\n3\t\t\t4\n', '1\ta\\\\tb\t\\\\x\\\\ny\t3\n', '1\ta\tb\t3\n\\.\n2\tnot\tread\t3\n', '1\tGr\303\274\303\237e\t\360\237\230\200\t3\n', '', '1\ta\tb\t3',
  '1\ta\tb\t3\r\n2\tc\td\t4\r\n', '1\t\\\\x41\t\\\\101\\\\x\t3\n', '1\tnae\tnae1\t3\n', '1\t\\N\t \t 3 \n', '1\ta\tb''c"d\t3\n']) l;
SELECT copied('w (id, ssn, name, n) FROM', l, error => e) FROM (VALUES ('1\ta\tb\n', '22P04'), ('1\ta\tb\t3\t4\n', '22P04'), ('1\ta\tb\tx\n', '22P02'), ('1\ta\tb\t3.5\n', '22P02'), ('x\ta\tb\t3\n', '22P02'), ('1\ta\tb\t0\n', '23514'), ('1\ta\tb\t3\n2\ta\tb\t3\n', '23505'), ('1\ta\tb\t3\n1\tc\tb\t3\n', '23505'), ('\\N\ta\tb\t3\n', '23502'), ('1\ta\tb\t99999999999\n', '22003'), ('1\ta\tb\t\n', '22P02'), ('\n', '22P02'), ('1\ta\t\351\t3\n', '22021')) v (l, e);
SELECT copied('w (id, ssn, name, b, raw, doc, plain) FROM', l) FROM unnest(ARRAY['1\ta\tb\t2020-02-29\t\\\\x00ff\t{"a": [1, 2.50]}\tp\n', '1\ta\tb\t29 Feb 2020\tabc\\\\000\t"s"\t\\N\n', '1\ta\tb\tinfinity\t\t[]\t\n']) l;
SELECT copied('w (id, ssn, name, b, raw, doc, plain) FROM', l, error => e) FROM (VALUES ('1\ta\tb\t2020-02-30\t\\N\t\\N\tp\n', '22008'), ('1\ta\tb\t\\N\t\\\\xq\t\\N\tp\n', '22023'), ('1\ta\tb\t\\N\t\\N\t{\tp\n', '22P02')) v (l, e);
SELECT copied('w FROM', '1\ta\tb\tc\t3\t2020-01-01\t\\\\x41\t{}\tp\n2\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\n');
SELECT copied('w (plain, name, id) FROM', 'p\tn\t1\nq\t\\N\t2\n');
SELECT copied('w (id) FROM', '1\n2\n');
SELECT copied('w (id, id) FROM', '1\t2\n', error => '42701');
SELECT copied('w (id, none) FROM', '1\t2\n', error => '42703');
SELECT copied('w (id, name, ssn) FROM' || o, '1|a|null\n2|null|b\n3||\n') FROM unnest(ARRAY[$$ (DELIMITER '|', NULL 'null')$$, $$ (DELIMITER '|', NULL '')$$, $$ WITH DELIMITER '|' NULL AS 'null'$$]) o;
SELECT copied('w (id, name, ssn) FROM' || o, '1|a|null\n2|null|b\n3||\n', error => e) FROM (VALUES ($$ (DELIMITER ',')$$, '22P02'), ($$ (DELIMITER '||')$$, '0A000')) v (o, e);
SELECT copied('w (id, name) FROM (HEADER)', 'id\tname\n1\ta\n');
SELECT copied('w (id, name) FROM (HEADER MATCH)', 'id\tname\n1\ta\n');
SELECT copied('w (id, name) FROM (HEADER MATCH)', h || '\n1\ta\n', error => '22P04') FROM unnest(ARRAY['id\tnome', 'id']) h;
-- csv
SELECT copied('w (id, ssn, name, plain) FROM (FORMAT csv)', l) FROM unnest(ARRAY['1,a,b,c\n', '1,,"",\n2,"","",""\n', '1,"a,b","c""d","e\nf"\n', '1,"a\r\nb",c,d\r\n', '1, a , "b" ,c\n', '1,\\.,\\N,"\\."\n', '1,''a'',b,c\n', '1,a\tb,\\\\t,\\\\\\\\\n', '1,NULL,null,\n']) l;
SELECT copied('w (id, ssn, name, plain) FROM (FORMAT csv)', l, error => '22P04') FROM unnest(ARRAY['1,a,b\n', '1,a,b,c,d\n', '1,"a,b,c\n', '\n1,a,b,c\n']) l;
SELECT copied('w (id, other, name, plain) FROM (FORMAT csv, ' || o || ')', 'id,other,name,plain\n1,,"",\n2,"","x",""\n3,NULL,"NULL",NULL\n') FROM unnest(ARRAY['HEADER', 'HEADER MATCH', 'HEADER, FORCE_NULL (other, plain)', 'HEADER, FORCE_NULL (other, name), NULL ''NULL''', 'HEADER, FORCE_NOT_NULL (other, plain)', 'HEADER, FORCE_NOT_NULL (other, name, plain), FORCE_NULL (name)',
  'HEADER, NULL ''NULL''', 'HEADER, FORCE_NOT_NULL (name, plain), NULL ''NULL''']) o;
SELECT copied('w (id, other) FROM (FORMAT csv, FORCE_NULL (none))', '1,a\n', error => '42703');
SELECT copied($$w (id, ssn, name) FROM (FORMAT csv, QUOTE '"', ESCAPE '\')$$, '1,"a\\"b","c,d"\n');
SELECT copied($$w (id, ssn, name) FROM (FORMAT csv, QUOTE '|', DELIMITER ';', NULL '-')$$, '1;|a;b|;-\n2;-;|-|\n');
SELECT copied('w (id, ssn, name) FROM CSV HEADER', 'a,b,c\n1,x,y\n');
-- encodings
SELECT copied('w (id, ssn, name) FROM (ENCODING ''' || e || ''')', '1\tGr\374\337e\t\344\n') FROM unnest(ARRAY['LATIN1', 'WIN1252', 'LATIN5']) e;
SELECT copied('w (id, ssn, name) FROM (ENCODING ''UTF8'')', '1\tGr\374\337e\t\344\n', error => '22021');
SELECT copied('w (id, ssn, name) FROM (FORMAT csv, ENCODING ''LATIN1'')', '1,"Gr\374\337e",\344\n');
SELECT copied('w (id, ssn, name) FROM (ENCODING ''SJIS'')', '1\t\225\134\t\203\134\n');
-- rows chosen
SELECT copied('w (id, ssn, name, b) FROM WHERE ' || c, '1\ta\tb\t2020-01-01\n2\tb\tc\t1999-01-01\n') FROM unnest(ARRAY['b::text LIKE ''2%''', 'concat(name) = ''b''', 'name::varchar(1) = ''b''']) c;
SELECT copied('w (id, ssn, name, n) FROM WHERE ' || c, '1\ta\tb\t3\n2\tb\tc\t4\n3\t\\N\tx\t\\N\n') FROM unnest(ARRAY['id > 1', 'name > ''b''', 'ssn = ''a''', 'ssn IN (''a'', ''b'') AND n > 3', 'ssn IS NULL OR length(name) > 5', 'n + 1 = 4', 'false', 'ssn <> name']) c;
SELECT copied('w (id, ssn) FROM WHERE ssn IN (VALUES (''a''))', '1\ta\n', error => '0A000');

SELECT refused(copy_of('w (id, ssn, name, n) FROM', l), 'NE020', 'a text that begins like a ciphertext cannot be read as one') FROM unnest(ARRAY['1\tnae1:\tx\t3\n', '1\ta\tnae1:hello\t3\n']) l;

-- what a table does with rows
SELECT twin($$CREATE FUNCTION t_upper() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.name := upper(NEW.name); NEW.plain := NEW.ssn; IF NEW.ssn = ''skip'' THEN RETURN NULL; END IF; RETURN NEW; END'$$);
SELECT twin($$CREATE FUNCTION t_after() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE w SET other = NEW.name || NEW.ssn WHERE id = NEW.id; RETURN NULL; END'$$);
SELECT twin($$CREATE FUNCTION t_rows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE w SET other = (SELECT string_agg(name, '','' ORDER BY name) FROM added); RETURN NULL; END'$$);
SELECT copied('w (id, ssn, name) FROM', '1\ta\tb\n2\tskip\tc\n3\td\t\\N\n', 'CREATE TRIGGER t ' || t || ';') FROM unnest(ARRAY['BEFORE INSERT ON w FOR EACH ROW EXECUTE FUNCTION t_upper()', 'AFTER INSERT ON w FOR EACH ROW EXECUTE FUNCTION t_after()',
  'BEFORE INSERT ON w FOR EACH ROW WHEN (NEW.name > ''b'') EXECUTE FUNCTION t_upper()', 'AFTER INSERT ON w REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION t_rows()']) t;
SELECT twin($$CREATE TABLE r (id int, d {det_text}, n {text}) PARTITION BY RANGE (id)$$);
SELECT twin($$CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (0) TO (10)$$);
SELECT twin($$CREATE TABLE r2 (gone int, n {text}, d {det_text}, id int)$$);
SELECT twin($$ALTER TABLE r2 DROP gone; ALTER TABLE r ATTACH PARTITION r2 FOR VALUES FROM (10) TO (20)$$);
SELECT twin($$CREATE TABLE l (id int, d {det_text}, n {text}) PARTITION BY LIST (d)$$);
SELECT twin($$CREATE TABLE l1 PARTITION OF l FOR VALUES IN ('a', 'b'); CREATE TABLE l2 PARTITION OF l FOR VALUES IN ('c', NULL)$$);
SELECT twin($$CREATE TABLE h (id int, d {det_text}, n {text}) PARTITION BY HASH (d)$$);
SELECT twin($$CREATE TABLE h0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE h1 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 1)$$);
SELECT same_after(copy_of(t || ' (id, d, n) FROM', l), format('SELECT %s id, d, n FROM %s', CASE t WHEN 'h' THEN '' ELSE 'tableoid::regclass::text,' END, t), 'COPY into partitions: ' || t || ' ' || l, e)
FROM (VALUES ('r', '1\ta\tx\n12\tb\ty\n5\tc\tz\n19\t\\N\t\\N\n', NULL), ('l', '1\ta\tx\n12\tb\ty\n5\tc\tz\n19\t\\N\t\\N\n', NULL), ('h', '1\ta\tx\n12\tb\ty\n5\tc\tz\n19\t\\N\t\\N\n', NULL),
  ('r2', '12\ta\tx\n', NULL), ('r2', '12\ta\tx\n1\tb\ty\n', '23514'), ('l1', '12\tb\tx\n', NULL), ('l1', '1\ta\tx\n5\tc\tz\n', '23514'),
  ('r', '11\ta\tb\n', NULL), ('l', '11\ta\tb\n', NULL), ('h', '11\ta\tb\n', NULL), ('r', '12\tq\tr\n', NULL), ('r', '25\tq\tr\n', '23514'), ('l', '12\tq\tr\n', '23514'), ('h', '12\tq\tr\n', NULL), ('r2', '12\tq\tr\n', NULL)) v (t, l, e);
SELECT twin($$CREATE TABLE fk (id int, d {det_text} REFERENCES w (ssn))$$);
SELECT same_after('INSERT INTO w (id, ssn) VALUES (1, ''a''); ' || copy_of('fk FROM', l), 'SELECT * FROM fk', NULL, e) FROM (VALUES ('1\ta\n2\t\\N\n', NULL), ('1\ta\n2\tq\n', '23503')) v (l, e);
SELECT twin($$CREATE VIEW v AS SELECT id, ssn, name FROM w$$);
SELECT same_after(copy_of('v FROM', '1\ta\tb\n'), 'SELECT * FROM w', 'COPY into a view', '42809');
SELECT twin($$CREATE FUNCTION t_view() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO w (id, ssn, name) VALUES (NEW.id, NEW.ssn, upper(NEW.name)); RETURN NEW; END'$$);
SELECT same_after('CREATE TRIGGER t INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION t_view(); ' || copy_of('v FROM', '1\ta\tb\n2\tc\t\\N\n'), 'SELECT * FROM w', 'COPY into a view with a trigger');
SELECT same_after('CREATE TABLE dropped (x int, id int, d {det_text}, n {text}); ALTER TABLE dropped DROP x; ' || copy_of('dropped FROM', '1\ta\tb\n'), 'SELECT * FROM dropped', 'COPY into a table with a dropped column');
SELECT same_after('CREATE TABLE made (id int, d {det_text}, twice int GENERATED ALWAYS AS (id * 2) STORED, n {text}, s int GENERATED ALWAYS AS IDENTITY); ' || copy_of('made (id, d, n) FROM', '1\ta\tb\n2\t\\N\tc\n'), 'SELECT * FROM made', 'COPY with generated columns');
SELECT same_after('CREATE UNLOGGED TABLE u AS SELECT id, ssn, name FROM w; ' || copy_of('u FROM', '1\ta\tb\n'), 'SELECT * FROM u');
SELECT same_after('CREATE TEMP TABLE temporary ON COMMIT DROP AS SELECT id, ssn, name FROM w; ' || copy_of('temporary FROM', '1\ta\tb\n'), 'SELECT * FROM temporary');
SELECT same_after(copy_of('w (id, ssn) FROM', '1\ta\n') || ';' || copy_of('w (id, ssn, name) FROM', '2\tb\tn\n'), 'SELECT * FROM w', 'two COPY');
SELECT same_after(format('DO %L', 'BEGIN ' || copy_of('w (id, ssn) FROM', '1\ta\n') || '; ' || copy_of('w (id, n) FROM', '2\t5\n') || '; END'), 'SELECT * FROM w', 'COPY in PL/pgSQL');
SELECT same_after(format('DO %L', 'BEGIN BEGIN ' || copy_of('w (id, ssn) FROM', '1\ta\n2\ta\n') || '; EXCEPTION WHEN unique_violation THEN NULL; END; ' || copy_of('w (id, n) FROM', '2\t5\n') || '; END'), 'SELECT * FROM w', 'COPY that fails, and another');
SELECT twin($$CREATE FUNCTION t_nested() RETURNS trigger LANGUAGE plpgsql AS $t$ BEGIN IF NEW.id < 100 THEN COPY w (id, name) FROM PROGRAM 'printf "10%s\tnested" 1'; END IF; RETURN NEW; END $t$ $$);
SELECT copied('w (id, ssn) FROM', '1\ta\n', 'CREATE TRIGGER t AFTER INSERT ON w FOR EACH ROW EXECUTE FUNCTION t_nested();');
-- many: more than are asked for at once
SELECT same_after($$COPY w (id, ssn, name, n, plain) FROM PROGRAM 'seq 1 5000 | sed "s/.*/&\ts&\tn&\t&\tp&/"'$$, q, '5000 lines: ' || q)
FROM unnest(ARRAY['SELECT count(*), count(DISTINCT ssn), count(DISTINCT name), sum(n), min(name), max(ssn) FROM w', 'SELECT id FROM w WHERE ssn <> ''s'' || id OR name <> ''n'' || id OR n <> id OR plain <> ''p'' || id', 'SELECT id FROM w WHERE ssn IN (''s1'', ''s2047'', ''s2048'', ''s2049'', ''s4096'', ''s5000'')']) q;
SELECT same_after($$COPY w (id, ssn, name, n) FROM PROGRAM 'seq 1 5000 | sed "s/.*/&\ts&\tn&\t&/; 4321s/\tn4321/n4321/"'$$, 'SELECT count(*) FROM w', 'a bad line among 5000', '22P04');
SELECT same_after($$COPY w (id, name) FROM PROGRAM 'for i in 1 2 3; do printf "$i\t"; head -c 1000000 /dev/zero | tr "\\0" x; printf "\n"; done'$$, 'SELECT id, length(name), md5(name) FROM w', 'long values');

-- what is said about what cannot be read
SET LOCAL nae.batch = on;
CREATE FUNCTION tap.complaint(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; detail text; hint text; context text; state text; before text := current_setting('search_path');
BEGIN
  PERFORM set_config('search_path', 'enc, tap, public', true);
  EXECUTE statement;
  RETURN 'done';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
  PERFORM set_config('search_path', before, true);
  RETURN concat_ws('|', state, message, detail, hint, split_part(context, E'\n', 1));
END $$;
SELECT doesnt_match(complaint(copy_of('w (' || c || ') FROM', '1\t' || v || '\n')), '^done|canary', 'not quoted: ' || c || ' ' || v)
FROM (VALUES ('id, n', 'canary'), ('id, b', 'canary'), ('id, raw', '\\\\xcanary'), ('id, doc', '{"canary"'), ('id, ssn', 'nae1:canary'), ('id, name', 'nae1:canary'), ('id, n, name', '0\tcanary'), ('id, name', 'canary\tmore'), ('id, name, plain', 'canary'), ('id, name', 'canary\351')) v (c, v);
SET LOCAL nae.batch = off;
SELECT doesnt_match(complaint(copy_of('w (' || c || ') FROM', '1\t' || v || '\n')), '^done|canary', 'one by one: not quoted: ' || c || ' ' || v) FROM (VALUES ('id, n', 'canary'), ('id, b', 'canary'), ('id, name', 'nae1:canary'), ('id, name', 'canary\tmore'), ('id, name, plain', 'canary')) v (c, v);
RESET nae.batch;
SELECT unalike(complaint(copy_of('w (id, n) FROM (FORMAT csv)', '1,canary\n')), '%canary%', 'not quoted: csv');
SELECT matches(complaint(copy_of('w (id, n) FROM', '1\t1\n2\t2\n3\tx\n4\t4\n')), '^22P02.*COPY w, line 3', 'the line is named');
SELECT is(regexp_replace(complaint(copy_of(c, '1\t1\n2\t2\n3\tcanary\n4\t4\n')), '^(.....).*\|', '\1 '), want, 'the place alone is named: ' || c)
FROM (VALUES ('w (id, n) FROM', '22P02 COPY w, line 3, column n'), ('w (plain, id) FROM', '22P02 COPY w, line 3, column id'), ('w (id, n) FROM (FORMAT csv, DELIMITER E''\t'')', '22P02 COPY w, line 3, column n')) v (c, want);
SELECT is(regexp_replace(complaint(copy_of('w (id, n) FROM', '1\t1\n2\tnae1:canary\n')), '^(.....).*\|', '\1 '), 'NE020 COPY w, line 2, column n', 'the place of what is no ciphertext');
SELECT is(regexp_replace(complaint('GRANT ALL ON w TO nae_reader; SET LOCAL ROLE nae_reader; ' || copy_of('w (id, n) FROM', '1\t1\n2\t2\n')), '^(.....).*\|', '\1 '), 'NE001 COPY w, line 1, column n', 'the place of the first value that may not be encrypted');
SELECT matches(complaint(copy_of('w (id, ssn) FROM', '1\ta\n2\ta\n')), '^23505.*COPY w, line 2', 'the line of a duplicate');

-- out: a table as it is stored, a query as the role may see it
CREATE TABLE enc.c AS SELECT id, ssn, name, age AS n, born AS b FROM enc.p WHERE id < 7;
CREATE TABLE tap.lines (l text);
GRANT ALL ON tap.lines, enc.c, enc.w TO PUBLIC;
CREATE FUNCTION tap.put_out(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; before text := current_setting('search_path');
BEGIN
  PERFORM set_config('search_path', 'enc, tap, public', true);
  EXECUTE regexp_replace(statement, 'TO( \(FORMAT.*)?$', 'TO PROGRAM ''cat >nae_test_columns_copy''\1');
  DELETE FROM lines;
  COPY lines FROM PROGRAM 'tr "\t" " " <nae_test_columns_copy; rm nae_test_columns_copy';
  PERFORM set_config('search_path', before, true);
  SELECT string_agg(regexp_replace(l, 'nae1:[A-Za-z0-9+/]{20,}=*', 'nae1', 'g'), '; ') INTO result FROM tap.lines;
  RETURN result;
END $$;
SELECT is(put_out('COPY (SELECT id, ssn, name, n, b FROM c WHERE id < 3 ORDER BY name) TO'), '2 s-2 name 4 24 1970-09-04; 1 s-1 name 7 7 1970-05-04', 'a query');
SELECT is(put_out('COPY (SELECT ssn, row_to_json(c) FROM c WHERE ssn = ''s-3'') TO'), 's-3 {"id":3,"ssn":"s-3","name":"name 1","n":41,"b":"1971-01-05"}', 'a query of rows');
SELECT is(put_out('COPY (SELECT ssn, name FROM c WHERE name IN (''name 4'', ''name 7'') ORDER BY id) TO (FORMAT csv, HEADER, FORCE_QUOTE (ssn))'), 'ssn,name; "s-1",name 7; "s-2",name 4', 'csv');
SELECT is(put_out('COPY (UPDATE w SET id = id WHERE false RETURNING ssn) TO'), NULL, 'no rows');
SELECT is(put_out('COPY (INSERT INTO w (id, ssn, name) VALUES (1, ''x'', ''y''), (2, NULL, '''') RETURNING ssn, name, id) TO'), 'x y 1; N  2', 'RETURNING');
SELECT is(put_out('COPY c TO'), (SELECT string_agg(CASE WHEN id % 13 = 0 THEN '' ELSE id || ' nae1 nae1 nae1 nae1' END, '; ' ORDER BY id) FROM enc.c), 'a table: ciphertext');
SELECT is(put_out('COPY c (name, id) TO (FORMAT csv, HEADER)'), 'name,id; nae1,1; nae1,2; nae1,3; nae1,4; nae1,5; nae1,6', 'columns of a table: ciphertext');
SET LOCAL nae.transparent = off;
SELECT is(put_out('COPY (SELECT id, ssn, name FROM c WHERE id < 3) TO'), '1 nae1 nae1; 2 nae1 nae1', 'a query when not transparent');
RESET nae.transparent;
-- and back again, without and with other columns to go into
CREATE FUNCTION tap.dumped(options text, target text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format($q$COPY enc.c (id, ssn, name, n, b) TO PROGRAM 'cat >nae_test_columns_copy' %s$q$, options);
  DELETE FROM enc.back;
  EXECUTE format($q$COPY %s FROM PROGRAM 'cat nae_test_columns_copy; rm nae_test_columns_copy' %s$q$, target, options);
  RETURN 'done';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
CREATE TABLE enc.back (id int PRIMARY KEY, ssn nae.enc_det_text('col-det') UNIQUE, name nae.enc_text('col-rnd'), n nae.enc_int4('col-rnd'), b nae.enc_date('col-rnd'));
SELECT is(dumped(o, 'enc.back'), 'done', 'a dump is read back: ' || o) || E'\n' || results_eq('SELECT id, ssn, name, n, b FROM enc.back ORDER BY id', 'SELECT id, ssn, name, age, born FROM pln.p WHERE id < 7 ORDER BY id', 'its rows: ' || o)
FROM unnest(ARRAY['', '(FORMAT csv)', '(FORMAT csv, HEADER, QUOTE ''|'')', '(FORMAT binary)']) o;
CREATE TABLE enc.elsewhere (id int, ssn nae.enc_det_text('col-det-2'), name nae.enc_text('col-rnd-2'), n nae.enc_int4('col-rnd-2'), b nae.enc_date('col-rnd', 'context=other'));
CREATE TABLE enc.context (id int, ssn nae.enc_det_text('col-det'), name nae.enc_text('col-rnd'), n nae.enc_int4('col-rnd'), b nae.enc_date('col-rnd', 'context=other'));
CREATE TABLE enc.turned (id int, name nae.enc_text('col-rnd'), ssn nae.enc_det_text('col-det'), n nae.enc_int4('col-rnd'), b nae.enc_date('col-rnd'));
SELECT is(dumped(o, t), 'NE022', 'a dump of other columns is refused: ' || t || o) FROM unnest(ARRAY['', '(FORMAT csv)', '(FORMAT binary)']) o, unnest(ARRAY['enc.elsewhere', 'enc.context', 'enc.turned']) t;
SELECT is(count(*), 0::bigint, 'and leaves nothing') FROM enc.elsewhere;
-- the plaintexts' own binary form
DELETE FROM enc.back;
COPY (SELECT id, ssn, name, age, born FROM pln.p WHERE id < 7) TO PROGRAM 'cat >nae_test_columns_copy' (FORMAT binary);
COPY enc.back FROM PROGRAM 'cat nae_test_columns_copy; rm nae_test_columns_copy' (FORMAT binary);
SELECT results_eq('SELECT id, ssn, name, n, b FROM enc.back ORDER BY id', 'SELECT id, ssn, name, age, born FROM pln.p WHERE id < 7 ORDER BY id', 'binary plaintexts');
COPY (SELECT id, ssn, name, n, b FROM enc.back) TO PROGRAM 'cat >nae_test_columns_copy' (FORMAT binary);
CREATE TABLE tap.plain (id int, ssn text, name text, n int, b date);
COPY tap.plain FROM PROGRAM 'cat nae_test_columns_copy; rm nae_test_columns_copy' (FORMAT binary);
SELECT results_eq('SELECT * FROM tap.plain ORDER BY id', 'SELECT id, ssn, name, age, born FROM pln.p WHERE id < 7 ORDER BY id', 'a query in binary');
-- a table of this transaction
CREATE TABLE enc.frozen (id int, ssn nae.enc_det_text('col-det'), name nae.enc_text('col-rnd'));
COPY enc.frozen FROM PROGRAM 'printf "1\ta\tb\n2\tc\t\\\\N\n"' (FREEZE);
SELECT results_eq('SELECT id, ssn, name FROM enc.frozen ORDER BY name', $$VALUES (1, 'a', 'b'), (2, 'c', NULL)$$, 'FREEZE');

-- who
RESET ROLE;
CREATE FUNCTION tap.as_role(who text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('role', who, true);
  EXECUTE statement;
  PERFORM set_config('role', 'none', true);
  RETURN 'done';
EXCEPTION WHEN OTHERS THEN
  PERFORM set_config('role', 'none', true);
  RETURN SQLSTATE;
END $$;
GRANT USAGE ON SCHEMA nae TO PUBLIC;
SELECT is(as_role(r, copy_of('enc.w (id, ssn, name) FROM', i || '\ta' || i || '\tb\n')), want, r || ' copies in') FROM (VALUES ('nae_all', 10, 'done'), ('nae_writer', 11, 'done'), ('nae_cipher', 12, 'done'), ('nae_masked', 13, 'done'),
  ('nae_reader', 14, 'NE001'), ('nae_nulled', 15, 'NE001'), ('nae_stranger', 16, 'NE001'), ('none', 17, 'NE001')) v (r, i, want);
SELECT is(as_role('nae_reader', copy_of('enc.c (id) FROM', '20\n')), 'done', 'without encrypted columns nobody is asked');
SELECT is(as_role('nae_reader', copy_of('enc.c (id, ssn) FROM', '21\t\\N\n')), 'done', 'nor for NULLs');
SELECT is(as_role('nae_masked', copy_of('enc.w (id, name) FROM', '22\t**********ce\n')), 'NE026', 'a mask is not copied in');
SELECT is(as_role(r, 'COPY enc.c TO PROGRAM ''cat >/dev/null'''), 'done', r || ' copies a table out') FROM unnest(ARRAY['nae_reader', 'nae_writer', 'nae_stranger', 'none']) r;
SELECT is(as_role(r, 'COPY (SELECT name FROM enc.c) TO PROGRAM ''cat >/dev/null'''), want, r || ' copies a query out') FROM (VALUES ('nae_reader', 'done'), ('nae_masked', 'done'), ('nae_nulled', 'done'), ('nae_writer', 'NE001'), ('nae_stranger', 'NE001'), ('none', 'NE001')) v (r, want);
REVOKE INSERT ON enc.w FROM PUBLIC;
REVOKE pg_execute_server_program FROM nae_cipher;
SELECT is(as_role(r, copy_of('enc.w (id, ssn) FROM', '30\tx\n')), '42501', r || ' has no privilege') FROM unnest(ARRAY['nae_writer', 'nae_cipher']) r;
GRANT INSERT (id, ssn) ON enc.w TO nae_writer;
SELECT is(as_role('nae_writer', copy_of('enc.w (id, ssn) FROM', '31\tx31\n')), 'done', 'a privilege on columns');
SELECT is(as_role('nae_writer', copy_of('enc.w (id, ssn, name) FROM', '32\ty32\tz\n')), '42501', 'and not on others');

SELECT * FROM finish();
ROLLBACK;
