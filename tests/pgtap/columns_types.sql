-- The eighteen encrypted types: what each gives back, and what is refused as a value.
BEGIN;
\ir ../fixtures/twins.sql
SELECT plan(178);
SELECT twin($$CREATE TABLE r (t {text}, b {bytea}, i {int4}, l {int8}, n {numeric}, o {bool}, d {date}, z {timestamptz}, u {uuid}, j {jsonb})$$);
SELECT twin($$CREATE TABLE d (t {det_text}, b {det_bytea}, i {det_int4}, l {det_int8}, n {det_numeric}, d {det_date}, z {det_timestamptz}, u {det_uuid})$$);
CREATE FUNCTION tap.kept(col text, literal text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN NEXT same_after(format('INSERT INTO r (%I) VALUES (%s)', col, literal), format('SELECT %1$I, %1$I::text FROM r', col), 'randomized ' || col || ' ' || left(literal, 60));
  IF col NOT IN ('o', 'j') THEN
    RETURN NEXT same_after(format('INSERT INTO d (%I) VALUES (%s)', col, literal), format('SELECT %1$I, %1$I::text, %1$I = %2$s FROM d WHERE %1$I = %2$s', col, literal), 'deterministic ' || col || ' ' || left(literal, 60));
  END IF;
END $$;
SELECT kept(c, l) FROM (VALUES ('t', '''x'''), ('t', ''''''), ('t', 'NULL'), ('t', '''Grüße, 東京 😀'''), ('t', '''  spaces  '''), ('t', 'E''line\nline\ttab'''),
  ('t', '''nae'''), ('t', '''nae1'''), ('t', 'repeat(''ab'', 100)'), ('t', 'repeat(''x'', 8000)'), ('t', 'repeat(md5(''x''), 3000)'), ('t', 'repeat(''y'', 1000000)'),
  ('t', '''\x41'''), ('t', 'chr(239) || ''x'''), ('t', 'chr(225)'),
  ('b', '''\x00'''), ('b', '''\x'''), ('b', '''\xef00e1ff'''), ('b', '''\xe10141414141'''), ('b', '''abc\000def'''), ('b', 'decode(repeat(''00ff'', 250000), ''hex'')'),
  ('i', '0'), ('i', '-1'), ('i', '2147483647'), ('i', '-2147483648'), ('i', '2147483648 /* 22003 */'), ('i', '''17'''), ('i', ''' 17 '''), ('i', '''x'' /* 22P02 */'), ('i', '''1.5'' /* 22P02 */'),
  ('l', '-9223372036854775808'), ('l', '9223372036854775807'), ('l', '9223372036854775808 /* 22003 */'), ('l', '0'), ('l', '-5'),
  ('n', '1.5'), ('n', '0'), ('n', '''NaN'''), ('n', '''Infinity'''), ('n', '''-Infinity'''), ('n', '1e-20'), ('n', '1e130'), ('n', '100'), ('n', '123456789012345678901234567890.123456789'),
  ('o', '''maybe'' /* 22P02 */'), ('o', 'NULL'),
  ('d', '''2000-01-01'''), ('d', '''infinity'''), ('d', '''-infinity'''), ('d', '''4713-01-01 BC'''), ('d', '''2023-02-30'' /* 22008 */'), ('d', 'DATE ''1999-12-31'''), ('d', 'TIMESTAMP ''1999-12-31 23:59'''), ('d', '''epoch'''),
  ('z', '''2000-01-01 00:00+00'''), ('z', '''infinity'''), ('z', '''-infinity'''), ('z', '''2024-06-01 12:00:00.123456+05:30'''), ('z', '''0044-03-15 12:00 BC'''), ('z', 'TIMESTAMP ''2024-06-01 12:00'''), ('z', 'DATE ''2024-06-01'''),
  ('u', '''00000000-0000-0000-0000-000000000000'''), ('u', '''{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'''), ('u', '''no'' /* 22P02 */'),
  ('j', '''{"a": [1, 2.50, null, "x\u00e9"], "b": {"c": true}}'''), ('j', '''"s"'''), ('j', '''null'''), ('j', '''[]'''), ('j', '''{"a": 1, "a": 2}'''), ('j', '''{'' /* 22P02 */'), ('j', 'to_jsonb(repeat(''z'', 100000))')) v (c, l);
-- numbers that are equal
SELECT same_after('INSERT INTO d (n) VALUES (1.50), (1.5), (0), (-0.00), (100), (1e2)', 'SELECT count(*) FROM d WHERE n = 1.500', 'numeric 1.5 is 1.50');
SELECT same_after('INSERT INTO d (n) VALUES (1.50), (1.5), (0), (-0.00), (100), (1e2)', 'SELECT count(*), count(DISTINCT n) FROM d', 'numeric: distinct');
SELECT same_after('INSERT INTO d (n) VALUES (1.50), (1.5), (0), (-0.00), (100), (1e2)', 'SELECT n * 1 > 1, count(*) FROM d GROUP BY n ORDER BY n', 'numeric: grouped');
SELECT same_after('INSERT INTO d (n) VALUES (1.50), (1.5)', 'SELECT a.n = b.n FROM d a, d b', 'numeric: joined');
SELECT same_after('CREATE UNIQUE INDEX ON d (n); INSERT INTO d (n) VALUES (1.50), (1.5)', 'SELECT n FROM d', 'numeric: unique', '23505');
-- a randomized one keeps its scale, a deterministic one has that of the number
SELECT same_after(format('INSERT INTO r (n) VALUES (%s)', l), 'SELECT n, n::text FROM r', 'randomized n ' || l)
FROM unnest(ARRAY['1.50', '0.00', '-0.00', '-12345.678900', '1.25::float8']) l;
SELECT is(answer('enc', ', tap, public', true, 'SELECT n::text FROM d ORDER BY n', false, 'INSERT INTO d VALUES (NULL, NULL, NULL, NULL, 1.50), (NULL, NULL, NULL, NULL, -0.00), (NULL, NULL, NULL, NULL, 100)'),
  E'{"n":"0"}\n{"n":"1.5"}\n{"n":"100"}', 'deterministic numbers have the scale of their value');
SELECT same_after(format('INSERT INTO r (o) VALUES (%s)', l), 'SELECT o, NOT o FROM r', 'randomized o ' || l) FROM unnest(ARRAY['true', 'false', '''yes''']) l;
SELECT same_after(format('INSERT INTO r (i) VALUES (%s)', l), 'SELECT i FROM r', 'randomized i ' || l) FROM unnest(ARRAY['1.5', '2.5', '-2.5', '1.25::float8']) l;

-- what is no value of the column
SELECT twin('CREATE TABLE x (id int, a {text}, b {text:col-rnd-2}, s {det_text}, s2 {det_text:col-det-2}, i {int4})');
CREATE TABLE enc.y (a nae.enc_text('col-rnd', 'context=y'), b nae.enc_text('col-rnd', 'context=z'));
INSERT INTO enc.x VALUES (1, 'value', 'value', 'value', 'value', 5);
CREATE FUNCTION tap.stored(col text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  SET LOCAL nae.transparent = off;
  EXECUTE format('SELECT nae_internal.%I_out(%I)::text FROM enc.x', (SELECT t.typname FROM pg_attribute JOIN pg_type t ON t.oid = atttypid WHERE attrelid = 'enc.x'::regclass AND attname = col), col) INTO result;
  SET LOCAL nae.transparent = on;
  RETURN result;
END $$;
SELECT matches(stored('a'), '^nae1:[A-Za-z0-9+/]+=*$', 'what is stored');
SELECT isnt(stored('a'), stored('b'), 'no two are alike');
CREATE FUNCTION tap.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN 'done';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT is(attempt(format('INSERT INTO enc.x (a) VALUES (%L)', stored('a'))), 'done', 'a ciphertext of the column goes back into it');
SELECT matches(attempt(format(s, stored(c))), '^NE0', s || ' of ' || c) FROM (VALUES
  ('INSERT INTO enc.x (b) VALUES (%L)', 'a'), ('INSERT INTO enc.x (s) VALUES (%L)', 's2'), ('INSERT INTO enc.y (a) VALUES (%L)', 'a'),
  ('INSERT INTO enc.x (s) VALUES (%L)', 'a'), ('INSERT INTO enc.x (i) VALUES (%L)', 'a'), ('UPDATE enc.x SET b = %L', 'a'),
  ('SELECT %L::nae.enc_text(''col-rnd-2'')', 'a'),
  ('UPDATE enc.x SET s = %L', 's2')) v (s, c);
SELECT matches(attempt(format('INSERT INTO enc.x (a) VALUES (%L)', v)), '^NE02', 'no ciphertext: ' || v)
FROM unnest(ARRAY['nae1:', 'nae1:AAAA', 'nae1:!', 'nae1:hello', 'nae1:4QHEi5L1', 'nae1:4QHEi5L1oV8Os+FOFwABGo4JHS+nYDQKR/HfAAAEBcGkpCGOqVBuru6vlWc0Abq1Td0wX38']) v;
-- a bit of the last bytes changed: well formed, not authentic
SELECT is(attempt(format('INSERT INTO enc.x (id, a) VALUES (2, %L)', 'nae1:' || encode(set_byte(b, length(b) - 1, get_byte(b, length(b) - 1) # 1), 'base64'))), 'done', 'a tampered one is not seen on the way in')
FROM decode(substr(stored('a'), 6), 'base64') b;
SELECT throws_ok('SELECT a FROM enc.x WHERE id = 2', 'NE022', NULL, 'tampered: refused on the way out');
SELECT throws_ok('SELECT upper(a) FROM enc.x', 'NE022', NULL, 'tampered: and in expressions');
SELECT throws_ok(format('CREATE TABLE enc.z (a %s)', t), s, NULL, t) FROM (VALUES ('nae.enc_text('''')', '22023'), ('nae.enc_text(''a'', ''b'')', '22023'),
  ('nae.enc_text(''col-rnd'', ''version=2'')', '22023'), ('nae.enc_det_text(''col-det'', ''version=0'')', '22023'), ('nae.enc_text(''col rnd'')', '22023')) v (t, s);
SELECT is(attempt($$INSERT INTO enc.y VALUES ('a', 'b'); INSERT INTO enc.y (a) SELECT b FROM enc.y$$), 'done', 'between contexts by the plaintext');
SELECT results_eq('SELECT a FROM enc.y', $$VALUES ('a'), ('b')$$, 'which is what is read');

SELECT * FROM finish();
ROLLBACK;
