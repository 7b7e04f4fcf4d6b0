-- EXPLAIN shows no constant and no bound parameter of a batch: auto_explain would write it to the log.
BEGIN;
SELECT plan(15);
SET LOCAL client_min_messages = warning;
SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL ROLE nae_all;
CREATE TABLE public.explained (id int PRIMARY KEY, town text, note nae.enc_text('col-rnd'), ssn nae.enc_det_text('col-det'));
INSERT INTO public.explained SELECT i, 'Riga', 'n' || i, 's' || i FROM generate_series(1, 30) i;
ANALYZE public.explained;

CREATE FUNCTION pg_temp.plan_of(query text, options text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; result text := '';
BEGIN
  FOR line IN EXECUTE format('EXPLAIN (COSTS OFF%s) %s', options, query) LOOP result := result || line || E'\n'; END LOOP;
  RETURN result;
END $$;
-- The plan has a batch in it, and not the word that the statements of this file hide.
CREATE FUNCTION pg_temp.hides(query text, what text, options text DEFAULT '') RETURNS text LANGUAGE sql AS $$
  SELECT ok(p LIKE '%NaeBatch%' AND p NOT LIKE '%SECRET%' AND p NOT LIKE '%col-rnd%', what) || CASE WHEN p LIKE '%SECRET%' THEN E'\n# ' || replace(p, E'\n', E'\n# ') ELSE '' END
  FROM pg_temp.plan_of(query, options) p $$;

PREPARE one (text, text) AS INSERT INTO explained VALUES (1001, 'x', $1, $2);
PREPARE rows (text, text) AS INSERT INTO explained VALUES (1001, 'x', $1, NULL), (1002, 'y', $2, NULL);
PREPARE change (text, text) AS UPDATE explained SET note = $1, ssn = $2 WHERE id = 1;
PREPARE upsert (text, text) AS INSERT INTO explained VALUES (1, 'x', $1, $2) ON CONFLICT (id) DO UPDATE SET note = EXCLUDED.note;
PREPARE search (text) AS SELECT id FROM explained WHERE note = $1;
PREPARE pattern (text) AS SELECT id, note FROM explained WHERE note LIKE $1 || '%' AND town = 'Riga';
PREPARE list (text[]) AS SELECT id FROM explained WHERE note = ANY ($1);
PREPARE counted (text) AS SELECT town, count(note || $1) FROM explained WHERE note <> $1 GROUP BY town;
PREPARE mac (text) AS SELECT id, nae_mac('index-key', $1 || id), nae_mac('index-key', $1) FROM explained;

SELECT pg_temp.hides($$EXECUTE one('SECRET', 'SECRET too')$$, 'INSERT of one row');
SELECT unalike(split_part(pg_temp.plan_of($$EXECUTE one('SECRET', 'SECRET too')$$, ', VERBOSE'), '->  Result', 1), '%SECRET%', 'and all that the batch node shows');
SELECT is(pg_temp.plan_of($$EXECUTE one('SECRET', 'SECRET too')$$), $$Insert on explained
  ->  Custom Scan (NaeBatch)
        Calls: nae_internal.enc_text(VALUE), nae_internal.enc_det_text(VALUE)
        ->  Result
$$, 'which says what is called');
SELECT pg_temp.hides($$EXECUTE rows('SECRET', 'SECRET too')$$, 'INSERT of rows');
SELECT pg_temp.hides($$EXECUTE change('SECRET', 'SECRET too')$$, 'UPDATE');
SELECT pg_temp.hides($$EXECUTE upsert('SECRET', 'SECRET too')$$, 'upsert');
SELECT pg_temp.hides($$EXECUTE search('SECRET')$$, 'a filter');
SELECT pg_temp.hides($$EXECUTE search('SECRET')$$, 'a filter, verbose', ', VERBOSE');
SELECT pg_temp.hides($$EXECUTE pattern('SECRET')$$, 'LIKE');
SELECT pg_temp.hides($$EXECUTE list('{SECRET,SECRET too}')$$, 'ANY of an array');
SELECT pg_temp.hides($$EXECUTE counted('SECRET')$$, 'below an aggregate');
SELECT pg_temp.hides($$EXECUTE mac('SECRET')$$, 'an argument made of a parameter and a column');
SELECT is(pg_temp.plan_of($$EXECUTE search('SECRET')$$), $$Custom Scan (NaeBatch)
  Filter: ((nae_internal.plain(note)) = VALUE)
  Calls: nae_internal.plain(note)
  ->  Seq Scan on explained
$$, 'a filter shows its columns and operators');
-- What is shown is not what runs.
SELECT is((SELECT count(*)::int FROM explained WHERE note LIKE 'n1%' AND note <> 'n1'), 10, 'filters filter by what is hidden');
SELECT matches(pg_temp.plan_of($$SELECT id FROM explained WHERE note LIKE 'n1%'$$, ', ANALYZE, TIMING OFF, SUMMARY OFF'), 'Rows Removed by Filter: 19', 'and count what they drop');
SELECT * FROM finish();
ROLLBACK;
