-- Encrypted columns in a database of another encoding: texts are encrypted as UTF-8.
\ir ../fixtures/latin1.sql
BEGIN;
SELECT plan(7);
GRANT pg_execute_server_program TO nae_all;
CREATE SCHEMA e AUTHORIZATION nae_all;
SET LOCAL ROLE nae_all;
SET LOCAL search_path = e, public;
CREATE TABLE t (id int, d nae.enc_det_text('col-det'), n nae.enc_text('col-rnd'), j nae.enc_jsonb('col-rnd'));
INSERT INTO t VALUES (1, 'Grüße', 'é', '{"ß": "ü"}'), (2, 'plain', NULL, '[]');
SELECT results_eq('SELECT d, n, j ->> ''ß'' FROM t WHERE id = 1', $$VALUES ('Grüße', 'é', 'ü')$$, 'written and read');
SELECT results_eq('SELECT id FROM t WHERE d = ''Grüße'' AND n = ''é''', 'VALUES (1)', 'looked up');
SELECT results_eq('SELECT length(d), upper(n), ascii(n), octet_length(d) FROM t WHERE id = 1', $$VALUES (5, upper('é'), 233, 5)$$, 'functions see the database''s encoding');
COPY t (id, d, n) FROM PROGRAM 'printf "3\tGr\303\274\303\237e\t\303\251\n"' (ENCODING 'UTF8');
COPY t (id, d, n) FROM PROGRAM 'printf "4,Gr\374\337e,\351\n"' (FORMAT csv, ENCODING 'LATIN1');
SELECT results_eq('SELECT id FROM t WHERE d = ''Grüße'' AND n = ''é'' ORDER BY id', 'VALUES (1), (3), (4)', 'COPY of either encoding');
CREATE FUNCTION complaint(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; detail text; context text;
BEGIN
  EXECUTE statement;
  RETURN 'done';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, context = PG_EXCEPTION_CONTEXT;
  RETURN concat_ws('|', SQLSTATE, message, detail, split_part(context, E'\n', 1));
END $$;
SELECT matches(complaint($$COPY t (id, n) FROM PROGRAM 'printf "5\tcanary\342\202\254\n"' (ENCODING 'UTF8')$$), '^22P05', 'a character that the encoding lacks');
SELECT doesnt_match(complaint($$COPY t (id, n) FROM PROGRAM 'printf "5\tcanary\342\202\254\n"' (ENCODING 'UTF8')$$), 'canary', 'is not quoted');
SELECT matches(complaint($$COPY t (id, n) FROM PROGRAM 'printf "5\t\303\n"' (ENCODING 'UTF8')$$), '^22021', 'no UTF-8');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
\connect :home
DROP DATABASE nae_test_latin1;
