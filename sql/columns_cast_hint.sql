-- What PostgreSQL cannot resolve over an encrypted type: its own error, and a hint that names the cast.
SET ROLE nae_all;
CREATE TEMP TABLE cast_hint (id int, email nae.enc_text('col-rnd'), lower text, tags nae.enc_text_array('col-rnd'),
  age nae.enc_int4('col-rnd'), pay nae.enc_det_numeric('col-det'));
SELECT array_append(tags, 'x') FROM cast_hint;
SELECT age <@ int4range(0, 50) FROM cast_hint;
SELECT pay <@ numrange(0, 50) FROM cast_hint;
PREPARE twice AS INSERT INTO cast_hint (email, lower) VALUES ($1, lower($1));
WITH RECURSIVE r AS (SELECT email FROM cast_hint UNION ALL SELECT email || 'x' FROM r) SELECT * FROM r;
SELECT email + 1 FROM cast_hint;
-- what they mend
SELECT array_append(tags::text[], 'x') FROM cast_hint;
SELECT age::int4 <@ int4range(0, 50) FROM cast_hint;
PREPARE twice AS INSERT INTO cast_hint (email, lower) VALUES ($1::text, lower($1));
-- without an encrypted type in it, PostgreSQL's own hint
SELECT 'a'::text + 1;
DEALLOCATE twice;
DROP TABLE cast_hint;
