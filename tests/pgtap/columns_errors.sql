-- Errors of PostgreSQL's own over decrypted values: their SQLSTATE stays, and the values are taken out of them.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(99);
SELECT tap.twin($$CREATE TABLE h (id int PRIMARY KEY, v {text}, j {text}, n {int4}, d {det_text}, plain text)$$);
SELECT tap.twin($$INSERT INTO h VALUES (1, 'canary', '{"a": canary', 5, 'canary det', 'p')$$);
SELECT tap.twin($$CREATE TABLE log (t text UNIQUE CHECK (length(t) < 20), u text NOT NULL DEFAULT 'u', p int)$$);
SELECT tap.twin($$CREATE TABLE part (t text) PARTITION BY LIST (t)$$);
-- What a statement says when it fails, all of it; the state alone in `state`.
CREATE FUNCTION tap.complaint(side text, statement text, OUT state text, OUT said text) LANGUAGE plpgsql AS $$
DECLARE m text; d text; h text; c text;
BEGIN
  PERFORM set_config('search_path', side || ', tap, public', true);
  EXECUTE statement;
  state := 'none'; said := '';
  PERFORM set_config('search_path', 'tap, public', true);
EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
  GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, c = PG_EXCEPTION_CONTEXT;
  -- The text of this statement is a context of its own: of a value in it nobody reads.
  state := SQLSTATE; said := concat_ws(' | ', m, d, h, c);
END $$;
-- Each in a statement of its own: values that were decrypted are at hand until its end.
-- On either side the same SQLSTATE; what the plaintext twin quotes is not quoted.
CREATE FUNCTION tap.hidden(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE enc record; pln record;
BEGIN
  SELECT * INTO pln FROM tap.complaint('pln', statement);
  SELECT * INTO enc FROM tap.complaint('enc', statement);
  RETURN NEXT is(enc.state, pln.state, 'the same state: ' || statement);
  RETURN NEXT ok(pln.said ~ 'cana' AND enc.said !~ 'cana', 'quoted in clear, hidden here: ' || statement) ||
    CASE WHEN pln.said !~ 'cana' OR enc.said ~ 'cana' THEN E'\n' || diag(format(E'pln: %s\nenc: %s', pln.said, enc.said)) ELSE '' END;
END $$;
SET LOCAL search_path = tap, public;

SELECT format('SELECT hidden(%L)', format('SELECT %s FROM h', e)) FROM unnest(ARRAY[
  'v::int', 'v::int8', 'v::numeric', 'v::float8', 'v::date', 'v::timestamptz', 'v::interval', 'v::bool', 'v::uuid', 'v::inet',
  'j::json', 'j::jsonb', $$(v || ' =')::tsquery$$, $$('{' || v || '}')::int[]$$, $$('[' || v || ',2)')::int4range$$, 'v::point', 'v::pg_lsn',
  'v::regclass', $$to_date(v, 'YYYY')$$, 'date_part(v, now())', 'date_trunc(v, now())', $$now() AT TIME ZONE v$$,
  'encode(''a'', v)', $$set_config(v, 'x', true)$$, $$has_table_privilege(v, 'SELECT')$$, 'd::int']) e \gexec
-- where rows are stored: the constraint is named, the row is not shown
SELECT format('SELECT hidden(%L)', s) FROM unnest(ARRAY[
  'INSERT INTO log (t) SELECT v FROM h UNION ALL SELECT v FROM h',
  'INSERT INTO log (t) SELECT repeat(v, 9) FROM h',
  'INSERT INTO log (t, u) SELECT v, NULL FROM h',
  'INSERT INTO part SELECT v FROM h',
  'INSERT INTO log (t, p) SELECT v, v::int FROM h']) s \gexec
-- functions of PL/pgSQL: variables, dynamic statements, what was caught and raised again
CREATE FUNCTION tap.block(body text) RETURNS text LANGUAGE sql AS
  $$SELECT format('DO $x$ DECLARE t text; i int; BEGIN SELECT v INTO t FROM h; %s END $x$', body)$$;
SELECT format('SELECT hidden(%L)', block(b)) FROM unnest(ARRAY[
  'i := t;', 'i := t::int;', 'PERFORM t::int;', $$EXECUTE format('SELECT %L::int', t);$$, $$EXECUTE 'SELECT ' || t;$$, $$EXECUTE 'DROP TABLE ' || t;$$,
  'EXECUTE ''SELECT $1::int'' USING t;', $$FOR i IN SELECT t::int LOOP NULL; END LOOP;$$, 'INSERT INTO log (t) VALUES (t), (t);']) b \gexec
SELECT is((complaint('enc', block('BEGIN i := t; EXCEPTION WHEN OTHERS THEN RAISE EXCEPTION ''caught: %'', SQLERRM; END;'))).said ~ 'canary', false, 'SQLERRM, raised again');
SELECT matches((complaint('enc', block('RAISE EXCEPTION ''raised: %'', t;'))).said, 'raised: canary', 'RAISE says what a person wants it to say');
SELECT matches((complaint('enc', block('ASSERT false, t;'))).said, '^canary', 'so does ASSERT');

-- what is left
SELECT is((complaint('enc', 'SELECT v::int FROM h')).said,
  E'invalid input syntax for type ...: "..." |  | The text could quote a value of an encrypted column. A superuser may SET nae.hide_values = off to see it. | '
  'SQL statement\nPL/pgSQL function complaint(text,text) line 5 at EXECUTE', 'the words are left, without what stood between them');
SELECT is((complaint('enc', block(E'EXECUTE format(''SELECT %L::int'', t || E''\\nwhile canary'');'))).said ~ 'canary', false, 'a line of a value is taken for none of a context');
SELECT matches((complaint('enc', 'INSERT INTO log (t) SELECT v FROM h UNION ALL SELECT v FROM h')).said, '^duplicate key value violates unique constraint "log_t_key"', 'a constraint is named');
SELECT matches((complaint('enc', 'INSERT INTO h VALUES (1)')).said, '"h_pkey" | Key \(id\)=\(1\) already exists', 'where nothing was decrypted the row is shown: it is ciphertext');
SELECT matches((complaint('enc', block('SET LOCAL transaction_read_only = on; CREATE TABLE x ();'))).said, '^cannot execute CREATE TABLE in a read-only transaction', 'what is about the server stays');
SELECT matches((complaint('enc', block('EXECUTE ''SELECT CASE WHEN true THEN 1 ELSE now() END'';'))).said, '^CASE types timestamp with time zone and integer cannot be matched', 'what is about types stays');
SELECT matches((complaint('enc', 'SELECT ''canary''::text::int')).said, 'canary', 'a statement without encrypted columns says what it always said');
SELECT matches((complaint('enc', 'SELECT plain::int FROM h')).said, '"p"', 'so does one that does not touch them');
-- a function that this backend has not met, in a statement that nobody divides into batches
CREATE FUNCTION tap.as_number(t text) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN t::int; END';
SET LOCAL nae.batch = off;
SELECT matches((complaint('pln', 'SELECT as_number(''number '' || plain) FROM h')).said, '"number p"', 'so does one that calls somebody''s function');
SELECT matches((complaint('enc', 'SELECT as_number(''number '' || v) FROM h')).said, '"\.\.\."', 'if it reads none of them');
RESET nae.batch;
-- what is to be encrypted
SELECT is((complaint('enc', s)).said ~ 'canary', false, 'to be encrypted: ' || s) FROM unnest(ARRAY[
  $$INSERT INTO h (id, n) VALUES (9, 'canary'::text::int)$$, $$INSERT INTO h (id, n) SELECT 9, t::int FROM (VALUES ('canary')) x (t)$$,
  $$UPDATE h SET n = to_number('canary', 'canary')$$, $$INSERT INTO h (id, n) VALUES (9, 'canary')$$]) s;
-- by name for those who look for a fault, and for superusers alone
RESET ROLE;
SET LOCAL nae.hide_values = off;
SET LOCAL ROLE nae_all;
SELECT matches((complaint('enc', 'SELECT v::int FROM h')).said, '"canary"', 'nae.hide_values = off');
SELECT throws_ok('SET nae.hide_values = on', '42501', NULL, 'is a superuser''s to set');
SELECT * FROM finish();
ROLLBACK;
