-- Blind indexes and search indexes in nae.lint() and nae.verify_table().

-- What a code says of itself (docs/spec/envelope.md, "Blind indexes"): the version of its key; 0: format 1,
-- which names none; NULL: it is no code.
CREATE FUNCTION nae_internal.code_version(code bytea) RETURNS integer
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN octet_length(code) = 16 THEN 0
              WHEN octet_length(code) = 19 AND get_byte(code, 0) IN (180, 181)
              THEN get_byte(code, 1) * 256 + get_byte(code, 2) END
$$;

-- A key server that does not answer is a finding of nae_internal.lint_keys().
CREATE FUNCTION nae_internal.newest_versions(OUT key text, OUT version integer) RETURNS SETOF record
  LANGUAGE plpgsql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY SELECT k.name, k.primary_version FROM @extschema@.nae_keys() AS k;
EXCEPTION WHEN OTHERS THEN
  RETURN;
END
$$;

CREATE FUNCTION nae_internal.lint_blind_indexes() RETURNS SETOF nae_internal.lint_finding
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  WITH newest AS MATERIALIZED (SELECT n.key, n.version FROM nae_internal.newest_versions() AS n),
  kept AS (
    SELECT b.*, format('column %s.%I', b.relation, b.index_column) AS object
    FROM nae_internal.coded_column AS b JOIN pg_class AS c ON c.oid = b.relation AND NOT c.relispartition)
  SELECT 'warning', k.object,
         format('holds codes that name no version of key "%s": after a rotation of it nothing old is found', k.key),
         'CALL nae.rotate_blind_index().'
  FROM kept AS k WHERE k.format = 1
  UNION ALL
  SELECT 'warning', k.object,
         format('holds codes of version %s of key "%s", whose newest is %s', k.version, k.key, n.version),
         CASE WHEN k.is_search THEN 'All rows are found. CALL nae.rotate_search(), before the version is restricted.'
              ELSE 'CALL nae.rotate_blind_index().' END
  FROM kept AS k JOIN newest AS n ON n.key = k.key WHERE k.format = 2 AND k.version < n.version
  UNION ALL
  SELECT 'warning', k.object,
         format('key "%s" of its codes is not there, or role %s may do nothing with it', k.key, current_user),
         'SELECT * FROM nae_keys() shows what this role may use.'
  FROM kept AS k WHERE EXISTS (SELECT FROM newest) AND NOT EXISTS (SELECT FROM newest AS n WHERE n.key = k.key)
  UNION ALL
  -- A search index is used no more then, which lint_searches() tells.
  SELECT 'error', k.object, format('trigger "%s" of %s does not fire: its codes are of values before', t.tgname, t.tgrelid::regclass),
         'ALTER TABLE ... ENABLE TRIGGER; then nae.drop_blind_index(), and CALL nae.add_blind_index().'
  FROM kept AS k
  JOIN pg_trigger AS coding ON coding.oid = k.trigger_oid
  JOIN pg_trigger AS t ON t.tgfoid = coding.tgfoid AND t.tgenabled NOT IN ('O', 'A')
  WHERE NOT k.is_search
  UNION ALL
  SELECT 'error', k.object, 'lacks the trigger that codes updated values: its codes are of values before',
         'nae.drop_blind_index(), then CALL nae.add_blind_index().'
  FROM kept AS k
  JOIN pg_trigger AS coding ON coding.oid = k.trigger_oid
  WHERE NOT k.is_search AND k.format = 2
    AND NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = k.relation AND t.tgfoid = coding.tgfoid AND t.tgnargs = 0)
  UNION ALL
  SELECT 'error', k.object, format('trigger "%s" of %s fires after those that keep its codes: what it assigns has the codes of another value', l.name, l.relation),
         'ALTER TRIGGER ... RENAME TO a name that sorts before "zzz_nae_"; then nae.drop_blind_index(), and CALL nae.add_blind_index().'
  FROM kept AS k CROSS JOIN LATERAL nae_internal.late_triggers(k.relation) AS l WHERE NOT k.is_search AND NOT l.in_replicas
  UNION ALL
  SELECT 'info', string_agg(k.object, ', ' ORDER BY k.object), 'have equal codes for equal values',
         'Where they are not to be joined: drop all but one, and add each again without a purpose.'
  FROM kept AS k WHERE k.purpose IS NOT NULL
  GROUP BY k.key, k.purpose, k.context, k.normalization HAVING count(*) > 1
$$;

CREATE FUNCTION nae_internal.lint_searches() RETURNS SETOF nae_internal.lint_finding
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  WITH searched AS (
    SELECT s.*, format('column %s.%I', s.relation, s.index_column) AS object
    FROM nae.search_index AS s JOIN pg_class AS c ON c.oid = s.relation AND NOT c.relispartition)
  SELECT 'warning', s.object, 'is not complete: no statement goes by its codes',
         'CALL nae.add_search() again to its end; or CALL nae.rotate_search().'
  FROM searched AS s WHERE NOT s.is_complete
  UNION ALL
  SELECT 'warning', s.object,
         format('holds codes of %s, which this library does not make: no statement goes by them, and nobody can write', s.declaration),
         'CALL nae.rotate_search().'
  FROM searched AS s
  WHERE substring(s.declaration FROM 'unicode=.*')
        <> substring(nae_internal.search_declaration('whole', 0, 16) FROM 'unicode=.*')
  UNION ALL
  SELECT 'warning', s.object, format('%s inherits from the table and is no partition that keeps codes here: no statement over both goes by them', p.part),
         'Search it by itself, or ALTER TABLE ... NO INHERIT; a foreign partition keeps no CHECK that is held here.'
  FROM searched AS s CROSS JOIN LATERAL nae_internal.unkept_parts(s.relation) AS p(part)
  UNION ALL
  SELECT 'error', s.object,
         format('trigger "%s" of %s fires %s: what it assigns has the codes of another value', l.name, l.relation,
                CASE WHEN l.in_replicas THEN 'in replicas, where the codes that come are kept' ELSE 'after those that keep its codes' END),
         CASE WHEN l.in_replicas THEN 'ALTER TABLE ... ENABLE TRIGGER' ELSE 'ALTER TRIGGER ... RENAME TO a name that sorts before "zzz_nae_"' END
           || '; then nae.drop_search(), and CALL nae.add_search().'
  FROM searched AS s CROSS JOIN LATERAL nae_internal.late_triggers(s.relation) AS l
$$;

-- Columns of codes, in the words of nae.verify_table(): ciphertexts are codes of the version that the blind
-- index is of, foreign values all others. `authentic` says how many are those of their values; NULL also when
-- a value cannot be decrypted, which the line of its own column tells.
CREATE FUNCTION nae_internal.verify_blind_indexes(
    relation regclass, authenticate boolean,
    OUT column_name name, OUT stored bigint, OUT ciphertexts bigint, OUT foreign_values bigint, OUT pending bigint,
    OUT oldest_version integer, OUT newest_version integer, OUT authentic bigint)
  RETURNS SETOF record
  LANGUAGE plpgsql STABLE STRICT COST 100 ROWS 10
  SET search_path = pg_catalog, pg_temp
  SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET bytea_output = 'hex' SET extra_float_digits = 1
AS $$
DECLARE
  kept nae_internal.coded_column;
BEGIN
  FOR kept IN SELECT b.* FROM nae_internal.coded_column AS b WHERE b.relation = verify_blind_indexes.relation LOOP
    column_name := kept.index_column;
    pending := 0;
    IF kept.is_search THEN
      -- Codes of a search index say nothing of themselves.
      EXECUTE format('SELECT count(%1$I), count(%1$I), 0, $1, $1 FROM %2$s', column_name, relation)
        INTO stored, ciphertexts, foreign_values, oldest_version, newest_version USING kept.version;
    ELSE
      EXECUTE format(
        'SELECT count(%1$I), count(*) FILTER (WHERE nae_internal.code_version(%1$I) = $1),'
        ' count(%1$I) - count(*) FILTER (WHERE nae_internal.code_version(%1$I) = $1),'
        ' min(nae_internal.code_version(%1$I)), max(nae_internal.code_version(%1$I)) FROM %2$s', column_name, relation)
        INTO stored, ciphertexts, foreign_values, oldest_version, newest_version USING coalesce(kept.version, 0);
    END IF;
    authentic := NULL;
    IF authenticate THEN
      BEGIN
        EXECUTE format('SELECT count(*) FROM %s WHERE %I = %s', relation, column_name,
                       nae_internal.blind_index_expression(nae_internal.as_change(kept), '')) INTO authentic;
      EXCEPTION WHEN SQLSTATE 'NE020' OR SQLSTATE 'NE021' OR SQLSTATE 'NE022' THEN
        authentic := NULL;
      END;
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$;
