-- nae.lint(): each finding with what causes it, and none without.
\! nae key create lint-det --type aes-256-siv >/dev/null 2>&1 && nae key rotate lint-det >/dev/null
BEGIN;
SELECT plan(88);
SET LOCAL client_min_messages = warning;
SET LOCAL log_parameter_max_length = 0;
SET LOCAL log_min_error_statement = 'fatal';
CREATE SCHEMA li AUTHORIZATION nae_all;
CREATE FUNCTION li.found(role name DEFAULT 'nae_all') RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('role', role, true);
  RETURN QUERY SELECT concat_ws(' | ', severity, object, finding) FROM nae.lint();
  PERFORM set_config('role', 'none', true);
END $$;
-- The findings are these, and gone when what caused them is.
CREATE FUNCTION li.finds(cause text, VARIADIC findings text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE got text[];
BEGIN
  BEGIN
    EXECUTE cause;
    got := ARRAY(SELECT li.found());
    RAISE EXCEPTION USING ERRCODE = 'NT000';
  EXCEPTION WHEN SQLSTATE 'NT000' THEN NULL;
  END;
  RETURN is(got, findings, cause);
END $$;
CREATE FUNCTION li.finds_nothing(cause text) RETURNS text LANGUAGE sql AS $$SELECT li.finds(cause, VARIADIC '{}')$$;
SET LOCAL search_path = li, public;
SELECT is_empty('SELECT found()', 'a clean database: nothing is found');

-- columns
CREATE TABLE t (id int PRIMARY KEY, ssn nae.enc_det_text('col-det') UNIQUE, note nae.enc_text('col-rnd'), note_index bytea);
ALTER TABLE t OWNER TO nae_all;
CREATE FUNCTION keeps() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION keeps_codes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
  $$BEGIN IF TG_OP = 'INSERT' THEN NEW.note_index := nae_internal.blind_index_code('index-key:65535', 'x'); END IF; RETURN NEW; END$$;
CREATE TRIGGER zzz_nae_note_blind_index_update BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION keeps_codes();
CREATE TRIGGER zzz_nae_note_blind_index BEFORE INSERT OR UPDATE OF note, note_index ON t FOR EACH ROW EXECUTE FUNCTION keeps_codes('index-key', 'none', '65535', '', 'note');
SELECT is_empty('SELECT found()', 'an indexed and a coded column: nothing is found');
SELECT finds('DROP TRIGGER zzz_nae_note_blind_index ON t', 'info | column li.t.note | is randomized: a condition on it decrypts every row');
SELECT finds('ALTER TABLE t DROP CONSTRAINT t_ssn_key', 'warning | column li.t.ssn | is deterministic, and no index begins with it');
SELECT finds('ALTER TABLE t DROP CONSTRAINT t_ssn_key; CREATE INDEX ON t (id, ssn)', 'warning | column li.t.ssn | is deterministic, and no index begins with it');
SELECT finds_nothing('ALTER TABLE t DROP CONSTRAINT t_ssn_key; CREATE INDEX ON t USING hash (ssn)');
SELECT finds('ALTER EVENT TRIGGER nae_guard DISABLE; ALTER TABLE t DROP CONSTRAINT ssn_is_ciphertext', 'error | event trigger nae_guard | is disabled: nobody looks at how encrypted columns are declared', 'warning | column li.t.ssn | has no CHECK (nae.is_ciphertext(...))');
SELECT finds($$UPDATE pg_attribute SET atttypmod = -1 WHERE attrelid = 'li.t'::regclass AND attname = 'ssn'$$, 'error | column li.t.ssn | has no key: its values are not encrypted');
SELECT finds($$CREATE TABLE part (id int, n nae.enc_det_int4('col-det')) PARTITION BY LIST (id); CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1)$$,
  'warning | column li.part.n | is deterministic, and no index begins with it');
SELECT finds_nothing('CREATE VIEW v AS SELECT * FROM t');

-- keys
SELECT finds($$CREATE TABLE k (c nae.enc_det_text('col-none') UNIQUE)$$, 'warning | column li.k.c | key "col-none" is not there, or role nae_all may do nothing with it');
SELECT finds($$CREATE TABLE k (c nae.enc_det_text('forbidden-key') UNIQUE)$$, 'warning | column li.k.c | key "forbidden-key" is not there, or role nae_all may do nothing with it');
CREATE TABLE k (c nae.enc_det_text('lint-det') UNIQUE);
SELECT alike((SELECT string_agg(f, ';') FROM found() AS f), 'warning | column li.k.c | is of version 1 of key "lint-det", whose newest is %', 'a version that is not the newest');
DROP TABLE k;
SELECT alike((SELECT string_agg(f, ';') FROM found('nae_stranger') AS f), '%info | key server | could not be asked for the keys: %', 'one who may not ask for keys is told so');

-- what is left over
SELECT finds('ALTER TABLE t ADD note_plain text', 'warning | column li.t.note_plain | may hold the plaintext of note');
SELECT finds('ALTER TABLE t ADD ssn_backup text', 'warning | column li.t.ssn_backup | may hold the plaintext of ssn');
SELECT finds('ALTER TABLE t RENAME ssn TO ssn_enc; ALTER TABLE t ADD ssn text', 'warning | column li.t.ssn | may hold the plaintext of ssn_enc');
SELECT finds_nothing('ALTER TABLE t ADD other_plain text, ADD plain text, ADD notes text');
SELECT finds_nothing($$ALTER TABLE t ADD ssn_old nae.enc_det_text('col-det'), ADD UNIQUE (ssn_old)$$);
CREATE TABLE p (id int, c text);
ALTER TABLE p OWNER TO nae_all;
SET LOCAL ROLE nae_all;
SELECT nae_internal.begin_encryption('p', 'c', 'col-det', true, NULL, 10, true, false);
SELECT nae_internal.change_step('p', 'c');
RESET ROLE;
SELECT is_empty($$SELECT found() EXCEPT VALUES ('warning | column li.p.c__nae | is deterministic, and no index begins with it')$$, 'a change that is under way');
UPDATE nae_internal.column_change SET pid = 0;
SELECT ok('warning | column li.p.c | nae.encrypt_column was interrupted while filling, at 0 %' IN (SELECT found()), 'a change that was interrupted');
SET LOCAL ROLE nae_all;
SELECT nae.cancel_column_change('p', 'c');
RESET ROLE;

-- plaintexts in the catalogs
CREATE FUNCTION holds(what text) RETURNS text LANGUAGE sql AS $$SELECT format('warning | %s | holds a plaintext that is never encrypted', what)$$;
SELECT finds($$ALTER TABLE t ALTER ssn SET DEFAULT 'none'$$, holds('default value for column ssn of table li.t'));
SELECT finds($$ALTER TABLE t ALTER ssn SET DEFAULT ''$$, holds('default value for column ssn of table li.t'));
SELECT finds($$CREATE VIEW v AS SELECT 'x'::nae.enc_text AS x$$, holds('rule _RETURN on view li.v'));
SELECT finds($$CREATE FUNCTION f() RETURNS nae.enc_text LANGUAGE sql RETURN 'x'::nae.enc_text$$, holds('function li.f()'));
SELECT finds($$CREATE TRIGGER w BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.ssn OPERATOR(nae.=~) 'x') EXECUTE FUNCTION keeps()$$, holds('trigger w on table li.t'));
SELECT finds($$ALTER TABLE t ADD CONSTRAINT c CHECK (ssn OPERATOR(nae.<>~) 'x')$$, holds('constraint c on table li.t'));
SELECT finds($$CREATE INDEX i ON t (id) WHERE ssn OPERATOR(nae.<>~) 'x'$$, holds('index li.i'));
SELECT finds($$CREATE POLICY y ON t USING (ssn OPERATOR(nae.<>~) 'x')$$, holds('policy y on table li.t'));
SELECT finds_nothing($$ALTER TABLE t ALTER id SET DEFAULT 5; CREATE VIEW v AS SELECT 'x'::text AS x$$);

-- what copies rows
CREATE FUNCTION copies(body text) RETURNS text LANGUAGE sql AS
  $$SELECT format('CREATE FUNCTION w() RETURNS trigger LANGUAGE plpgsql AS %L; CREATE TRIGGER w AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION w()', 'DECLARE r text; BEGIN ' || body || ' RETURN NEW; END')$$;
SELECT finds(copies(b), 'warning | trigger w on li.t | its function li.w() puts decrypted rows in clear where it writes or sends them') FROM unnest(ARRAY[
  'INSERT INTO log VALUES (to_jsonb(NEW));', 'INSERT INTO log VALUES (row_to_json(new.*));', 'INSERT INTO log VALUES (hstore(OLD) - hstore(NEW));',
  'INSERT INTO log VALUES (NEW::text);', 'INSERT INTO log VALUES ((NEW.*)::text);', 'INSERT INTO log SELECT NEW.*;', 'INSERT INTO log SELECT (OLD).*;', 'PERFORM pg_notify(''c'', NEW.note);',
  'EXECUTE ''INSERT INTO log SELECT $1.*'' USING NEW;', 'NOTIFY c;', 'r := format(''%s'', NEW);']) b;
SELECT finds_nothing(copies(b)) FROM unnest(ARRAY['', 'NEW.note := OLD.note;', 'IF OLD.* IS DISTINCT FROM NEW.* THEN NEW.id := 1; END IF;', 'INSERT INTO log VALUES (NEW.id, to_jsonb(NEW.id));', 'EXECUTE ''x'' USING NEW.id;']) b;
SELECT finds($$CREATE FUNCTION n() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(''c'', note::text) FROM t; END'$$, 'warning | function li.n() | notifies of rows of li.t, which has encrypted columns');
SELECT finds_nothing($$CREATE FUNCTION n() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(''c'', ''done''); END'$$);
-- what is asked row by row
CREATE FUNCTION decrypts(body text) RETURNS text LANGUAGE sql AS
  $$SELECT format('CREATE FUNCTION w() RETURNS trigger LANGUAGE plpgsql AS %L; CREATE TRIGGER w BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION w()', 'BEGIN ' || body || ' RETURN NEW; END')$$;
SELECT finds(format('ALTER TABLE t ADD CONSTRAINT c CHECK (%s)', c), 'info | constraint c on li.t | decrypts: COPY into the table asks the key server for each row') FROM unnest(ARRAY['length(note) < 50', 'note::text ~ $$^x$$', 'note < $$x$$', 'id > 5 OR ssn LIKE $$x%$$']) c;
SELECT finds_nothing(format('ALTER TABLE t ADD CONSTRAINT c CHECK (%s)', c)) FROM unnest(ARRAY['id > 5', 'note IS NOT NULL']) c;
SELECT finds(decrypts(b), 'info | trigger w on li.t | its function li.w() decrypts note: each row asks the key server') FROM unnest(ARRAY[
  'NEW.id := length(NEW.note);', 'IF new.note LIKE ''x%'' THEN NEW.id := 1; END IF;', 'NEW.note := OLD.note || ''x'';', 'PERFORM NEW.note::int;', 'IF coalesce(NEW."note", '''') > '''' THEN NEW.id := 2; END IF;']) b;
SELECT finds_nothing(decrypts(b)) FROM unnest(ARRAY['NEW.note := OLD.note;', 'NEW.id := length(NEW.note_index);', 'IF NEW.note IS NULL THEN NEW.id := 1; END IF;', 'NEW.id := abs(NEW.id);']) b;
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
SELECT finds($$CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw; CREATE FOREIGN TABLE f (id int, a nae.enc_det_text('col-det'), b nae.enc_det_text('col-det')) SERVER far$$,
  'warning | column li.f.a | is deterministic, and no index begins with it', 'warning | column li.f.b | is deterministic, and no index begins with it',
  'info | foreign table li.f | has encrypted columns: conditions on them are evaluated here, over all of its rows');
SELECT finds('ALTER EVENT TRIGGER nae_guard DISABLE', 'error | event trigger nae_guard | is disabled: nobody looks at how encrypted columns are declared');
SELECT finds_nothing('ALTER EVENT TRIGGER nae_guard ENABLE ALWAYS');

-- settings
CREATE FUNCTION setting(name text, value text, severity text, finding text) RETURNS text LANGUAGE sql AS
  $$SELECT finds(format('SET LOCAL %s = %L', name, value), format('%s | setting %s = %s | %s', severity, name, value, finding))$$;
SELECT setting('log_statement', 'all', 'warning', 'statements are logged with the literals in them');
SELECT setting('log_statement', 'mod', 'warning', 'statements are logged with the literals in them');
SELECT setting('log_min_duration_statement', '0', 'warning', 'statements are logged with the literals in them');
SELECT setting('log_min_duration_sample', '10', 'warning', 'statements are logged with the literals in them');
SELECT setting('log_transaction_sample_rate', '0.5', 'warning', 'statements are logged with the literals in them');
SELECT setting('log_min_error_statement', 'error', 'info', 'statements that fail are logged with the literals in them');
SELECT setting('log_parameter_max_length', '-1', 'warning', 'the parameters of logged statements are logged');
SELECT setting('log_parameter_max_length', '100', 'warning', 'the parameters of logged statements are logged');
SELECT setting('log_parameter_max_length_on_error', '100', 'warning', 'the parameters of logged statements are logged');
SELECT setting('debug_print_parse', 'on', 'warning', 'parsed statements are logged with the constants in them');
SELECT setting('debug_print_rewritten', 'on', 'warning', 'parsed statements are logged with the constants in them');
SELECT setting('debug_print_plan', 'on', 'warning', 'parsed statements are logged with the constants in them');
SELECT setting('nae.transparent', 'off', 'info', 'this session sees ciphertext of encrypted columns');
SELECT setting('nae.hide_values', 'off', 'warning', 'errors of PostgreSQL quote decrypted values, to clients and in the log');
SELECT setting('nae.accept_ciphertext', 'on', 'info', 'roles that may not encrypt can store ciphertexts of their own');
SELECT finds_nothing('SET LOCAL log_statement = ddl');
SELECT finds_nothing('SET LOCAL log_min_error_statement = panic');
SELECT finds('ALTER ROLE nae_clerk SET nae.transparent = off', 'info | role nae_clerk | nae.transparent is off: sessions see ciphertext of encrypted columns');
SELECT finds('ALTER DATABASE nae_test SET nae.transparent = off', 'info | database nae_test | nae.transparent is off: sessions see ciphertext of encrypted columns');
SELECT finds_nothing('ALTER ROLE nae_clerk SET nae.transparent = on');

-- what is worst comes first
CREATE TABLE w (a nae.enc_text('col-rnd'), b nae.enc_det_text('col-none'), b_plain text);
UPDATE pg_attribute SET atttypmod = -1 WHERE attrelid = 'li.w'::regclass AND attname = 'a';
SELECT is((SELECT string_agg(DISTINCT split_part(f, ' | ', 1), ' ' ORDER BY split_part(f, ' | ', 1)) FROM found() AS f), 'error info warning', 'of each severity');
SELECT is((SELECT array_agg(array_position(ARRAY['error', 'warning', 'info'], split_part(f, ' | ', 1)) ORDER BY n) FROM found() WITH ORDINALITY AS x(f, n)),
          (SELECT array_agg(s ORDER BY s) FROM (SELECT array_position(ARRAY['error', 'warning', 'info'], split_part(f, ' | ', 1)) AS s FROM found() AS f) AS y), 'the worst first');
SELECT * FROM finish();
ROLLBACK;
