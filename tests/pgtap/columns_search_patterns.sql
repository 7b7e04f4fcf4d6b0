-- Search indexes, differential: random conditions over a column with an index and over the same ciphertexts without one give the same
-- rows, for each kind of role, with constants and with parameters.
SET client_min_messages = error;
SET jit = off;  -- which the cost of a sequential scan that is switched off would bring
DROP SCHEMA IF EXISTS patterns CASCADE;
CREATE SCHEMA patterns AUTHORIZATION nae_all;
GRANT USAGE ON SCHEMA patterns TO PUBLIC;
SET ROLE nae_all;
SET search_path = patterns, public;
SELECT no_plan();
SELECT setseed(0.7);
-- Values and patterns are of few letters, so that they meet: case, marks, ligatures, what folds to two letters, separators, wildcards.
CREATE FUNCTION letters() RETURNS text[] LANGUAGE sql IMMUTABLE AS
  $$SELECT ARRAY['a','b','A','B','ab','abcd','Abcde',' ',' ','.','@','-','1','23','4567','é','é','É','ß','SS','ẞ','İ','ı','i','I','ﬁ','fi','½','%','_','\','_x','Σ','ς','σ','山','김','Å','ﬀ','ɤ','K']$$;
CREATE FUNCTION scrap(most int) RETURNS text LANGUAGE sql VOLATILE AS
  $$SELECT coalesce(string_agg((letters())[1 + floor(random() * cardinality(letters()))::int], ''), '') FROM generate_series(1, floor(random() * (most + 1))::int)$$;
CREATE TABLE wide (id int PRIMARY KEY, w nae.enc_text('col-rnd'), h nae.enc_text('col-rnd'), d nae.enc_text('col-rnd'), l nae.enc_text('col-rnd'));
INSERT INTO wide SELECT i, v, v, v, v FROM (SELECT i, CASE WHEN i % 20 > 0 THEN scrap(6) END AS v FROM generate_series(1, 120) AS i) AS s;
CREATE TABLE bare (LIKE wide);
INSERT INTO bare SELECT * FROM wide;
CALL nae.add_search('patterns.wide', 'w', 'word', letters => 3, bits => 12);
CALL nae.add_search('patterns.wide', 'h', 'whole');
CALL nae.add_search('patterns.wide', 'd', 'domain');
CALL nae.add_search('patterns.wide', 'l', 'last4');
CREATE TABLE asked (n int, what text, op text, pattern text);
-- Of a value: parts cut out of it, and put between wildcards; or of letters alone.
CREATE FUNCTION pattern_of(value text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE p text := replace(replace(replace(value, '\', '\\'), '%', '\%'), '_', '\_'); at int;
BEGIN
  FOR i IN 1 .. floor(random() * 3)::int LOOP
    at := floor(random() * (length(p) + 1))::int;
    p := CASE floor(random() * 4)::int WHEN 0 THEN left(p, at) || '%' WHEN 1 THEN '%' || substr(p, at + 1)
           WHEN 2 THEN left(p, at) || '_' || substr(p, at + 2) ELSE left(p, at) || '%' || substr(p, at + 1 + floor(random() * 3)::int) END;
  END LOOP;
  RETURN p;
END $$;
CREATE FUNCTION op_of(n int) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT (ARRAY['LIKE', 'ILIKE', 'LIKE', 'ILIKE', '=', '^@', 'search', 'IN', 'LIKE', 'ILIKE'])[1 + n % 10]$$;
INSERT INTO asked SELECT n, (ARRAY['w', 'h', 'd', 'l'])[1 + n / 10 % 4], op_of(n),
    CASE WHEN n % 97 = 0 THEN NULL WHEN op_of(n) IN ('LIKE', 'ILIKE') THEN CASE WHEN n % 3 = 0 THEN scrap(4) ELSE pattern_of(v.value) END
         WHEN op_of(n) = 'search' THEN CASE WHEN n % 2 = 0 THEN v.value ELSE scrap(3) || '*' END
         WHEN op_of(n) = '^@' THEN left(v.value, floor(random() * 5)::int) ELSE v.value END
  FROM (SELECT n, 1 + floor(random() * 120)::int AS id FROM generate_series(1, 240) AS n) AS a JOIN LATERAL (SELECT coalesce(nae_internal.plain(b.w), '') AS value FROM bare AS b WHERE b.id = a.id) AS v ON true;
CREATE FUNCTION condition(q asked, given text) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$SELECT CASE q.op WHEN 'search' THEN format('nae.search(%s, %s)', q.what, given) WHEN 'IN' THEN format('%s IN (%s, ''ab'', NULL)', q.what, given)
                     ELSE format('%s %s %s', q.what, q.op, given) END$$;
-- The rows; or the error, of a pattern that ends within an escape.
CREATE FUNCTION answer(relation text, q asked, by_parameter boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
  IF by_parameter THEN
    EXECUTE format('SELECT string_agg(id::text, '','' ORDER BY id) FROM patterns.%I WHERE %s', relation, patterns.condition(q, '$1')) INTO found USING q.pattern;
  ELSE
    EXECUTE format('SELECT string_agg(id::text, '','' ORDER BY id) FROM patterns.%I WHERE %s', relation, patterns.condition(q, coalesce(quote_literal(q.pattern), 'NULL::text'))) INTO found;
  END IF;
  RETURN coalesce(found, 'none');
EXCEPTION WHEN invalid_escape_sequence THEN RETURN 'error';
END $$;
CREATE FUNCTION differing(most int, by_parameter boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE q patterns.asked; bare text; wide text; wrong text := '';
BEGIN
  FOR q IN SELECT * FROM patterns.asked WHERE n <= most LOOP
    bare := patterns.answer('bare', q, by_parameter);
    wide := patterns.answer('wide', q, by_parameter);
    -- An error is raised by whichever row is looked at, and none where no row is.
    IF bare <> wide AND bare <> 'error' THEN
      wrong := wrong || format('%s %s %L: %s, not %s; ', q.what, q.op, q.pattern, left(wide, 60), left(bare, 60));
    END IF;
  END LOOP;
  RETURN wrong;
END $$;
CREATE FUNCTION found(most int) RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM patterns.asked AS q WHERE n <= most AND patterns.answer('wide', q, false) NOT IN ('none', 'error')$$;
CREATE FUNCTION by_codes(most int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE q patterns.asked; line text; served bigint := 0;
BEGIN
  FOR q IN SELECT * FROM patterns.asked WHERE n <= most LOOP
    FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) SELECT id FROM patterns.wide WHERE %s', patterns.condition(q, coalesce(quote_literal(q.pattern), 'NULL::text'))) LOOP
      IF line LIKE '%@>%' THEN served := served + 1; EXIT; END IF;
    END LOOP;
  END LOOP;
  RETURN served;
END $$;
RESET ROLE;
GRANT SELECT ON ALL TABLES IN SCHEMA patterns TO PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA patterns TO PUBLIC;
SET enable_seqscan = off;
SET ROLE nae_all;
SELECT cmp_ok(by_codes(240), '>', 48::bigint, 'many conditions are served by codes');
SELECT cmp_ok(found(240), '>', 80::bigint, 'and most find something');
SELECT is(differing(240, false), '', 'who may search: constants');
SELECT is(differing(120, true), '', 'who may search: parameters');
SET plan_cache_mode = force_generic_plan;
SELECT is(differing(80, true), '', 'who may search: generic plans');
RESET plan_cache_mode;
RESET ROLE; SET ROLE nae_reader; SELECT is(differing(100, false), '', 'who reads');
RESET ROLE; SET ROLE nae_masked; SELECT is(differing(100, false), '', 'who sees masks'); SELECT is(differing(120, true), '', 'who sees masks: parameters');
RESET ROLE; SET ROLE nae_nulled; SELECT is(differing(100, false), '', 'who sees NULL');
RESET ROLE; SET ROLE nae_cipher; SELECT is(differing(100, false), '', 'who sees ciphertexts');
RESET ROLE; SET ROLE nae_writer; SELECT throws_ok($$SELECT id FROM patterns.wide WHERE w LIKE 'abcd%'$$, 'NE001', NULL, 'who may not read, is refused as without an index');
RESET ROLE;
SELECT * FROM finish();
DROP SCHEMA patterns CASCADE;
