-- What PostgreSQL cannot resolve over an encrypted type: its own error, and a hint that names the cast.
SET ROLE nae_all;
CREATE TEMP TABLE cast_hint (id int, email nae.enc_text('col-rnd'), lower text, tags nae.enc_text_array('col-rnd'),
  age nae.enc_int4('col-rnd'), pay nae.enc_det_numeric('col-det'), born nae.enc_date('col-rnd'));
INSERT INTO cast_hint VALUES (1, 'a', 'b', '{a,b}', 40, 5.5, '2020-02-29');
SELECT array_append(tags, 'x') FROM cast_hint;
SELECT array_prepend(email, tags) FROM cast_hint;
SELECT 'a' = ANY (tags) FROM cast_hint;
SELECT email <> ALL (tags) FROM cast_hint;
SELECT concat(VARIADIC tags) FROM cast_hint;
SELECT '{c}'::text[] || ARRAY[tags] FROM cast_hint;
SELECT tags @> ARRAY['x'] FROM cast_hint;
SELECT age <@ int4range(0, 50) FROM cast_hint;
SELECT daterange('2020-01-01', '2021-01-01') @> born FROM cast_hint;
SELECT pay <@ numrange(0, 50) FROM cast_hint;
PREPARE twice AS INSERT INTO cast_hint (email, lower) VALUES ($1, lower($1));
WITH RECURSIVE r AS (SELECT email FROM cast_hint UNION ALL SELECT email || 'x' FROM r) SELECT * FROM r;
SELECT email + 1 FROM cast_hint;
-- what they mend
SELECT array_append(tags::text[], 'x') FROM cast_hint;
SELECT array_prepend(email, tags::text[]) FROM cast_hint;
SELECT 'a' = ANY (tags::text[]), email <> ALL (tags::text[]), concat(VARIADIC tags::text[]) FROM cast_hint;
SELECT '{c,d}'::text[] || ARRAY[tags::text[]], tags::text[] @> ARRAY['x'] FROM cast_hint;
SELECT daterange('2020-01-01', '2021-01-01') @> born::date, pay::numeric <@ numrange(0, 50) FROM cast_hint;
SELECT age::int4 <@ int4range(0, 50) FROM cast_hint;
PREPARE twice AS INSERT INTO cast_hint (email, lower) VALUES ($1::text, lower($1));
-- ranges of encrypted values, as of plain ones
SELECT int4range(age, 50), numrange(pay, age, '[]'), daterange(born, born + 1), isempty(int4range(age, age)) FROM cast_hint;
-- without an encrypted type in it, PostgreSQL's own hint
SELECT 'a'::text + 1;
DEALLOCATE twice;
DROP TABLE cast_hint;
