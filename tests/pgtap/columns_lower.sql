-- Unique and found without regard to case, as the manual has it (docs/columns.md).
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE SCHEMA low AUTHORIZATION nae_all;
SET LOCAL search_path = low, public;
SET LOCAL ROLE nae_all;
SELECT plan(17);
CREATE FUNCTION hint_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
  EXECUTE statement;
  RETURN 'taken';
EXCEPTION WHEN feature_not_supported THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  RETURN hint;
END $$;
CREATE TABLE login (id int PRIMARY KEY, email nae.enc_det_text('col-det'), name text);
INSERT INTO login SELECT i, 'User' || i || '@X.org', 'n' FROM generate_series(1, 500) AS i;
SELECT matches(hint_of('CREATE UNIQUE INDEX ON login (' || e || ')'), 'deterministic column of its own.*Unique without regard to case.*normalization => ''lower''', 'the refusal names the ways: ' || e)
FROM unnest(ARRAY['lower(email)', '(lower(email::text))', 'lower(email) text_pattern_ops', 'name, upper(email)']) AS e;

-- a deterministic column of its own
ALTER TABLE login ADD COLUMN email_lower nae.enc_det_text('col-det', 'context=lower');
CREATE FUNCTION keep_email_lower() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.email_lower := lower(NEW.email); RETURN NEW; END $$;
CREATE TRIGGER keep_email_lower BEFORE INSERT OR UPDATE ON login FOR EACH ROW EXECUTE FUNCTION keep_email_lower();
UPDATE login SET email = email;
CREATE UNIQUE INDEX login_email ON login (email_lower);
SELECT throws_ok('INSERT INTO login VALUES (1000, ''USER7@x.org'')', '23505', NULL, 'another case of an address that is there');
SELECT throws_ok('UPDATE login SET email = ''uSER8@X.ORG'' WHERE id = 9', '23505', NULL, 'by an update');
SELECT throws_ok('UPDATE login SET email_lower = ''free'', email = ''uSER8@X.ORG'' WHERE id = 9', '23505', NULL, 'with a lie');
SELECT lives_ok('UPDATE login SET email = ''uSER8@X.ORG'' WHERE id = 8', 'its own case may change');
SELECT lives_ok('INSERT INTO login VALUES (1001, NULL), (1002, NULL)', 'NULLs are not equal');
SELECT lives_ok('INSERT INTO login VALUES (7, ''User7@X.org'') ON CONFLICT (email_lower) DO UPDATE SET name = ''met''', 'upsert');
SELECT results_eq('SELECT id, email FROM login WHERE email_lower = lower(''uSER7@x.ORG'')', $$VALUES (7, 'User7@X.org')$$, 'found');
SET LOCAL enable_seqscan = off;
CREATE FUNCTION plan_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || statement; END $$;
SELECT ok(EXISTS (SELECT FROM plan_of('SELECT id FROM login WHERE email_lower = lower(''X'')') AS p WHERE p LIKE '%using login_email on login%'), 'by the index');
SELECT is((SELECT count(*) FROM nae.verify_table('login', true) WHERE stored = authentic), 2::bigint, 'ciphertext, all of it');

-- what else there can be
CREATE TABLE member (id int PRIMARY KEY, email nae.enc_text('col-rnd'));
SELECT matches(hint_of('CREATE UNIQUE INDEX ON member (lower(email))'), 'add_blind_index', 'of a randomized column too');
SELECT is(hint_of('CREATE INDEX ON login (lower(name))'), 'taken', 'of plain columns there are such indexes');
SELECT is(hint_of('CREATE INDEX ON login (nae.key_version(email))'), 'taken', 'and of what is said of a ciphertext');
SELECT is(hint_of('CREATE INDEX ON login (lower(name)) WHERE email IS NOT NULL'), 'taken', 'and of where there is one');
SELECT * FROM finish();
ROLLBACK;
