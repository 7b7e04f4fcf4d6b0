-- Search indexes: parts of randomized values are searched by their codes, kept in a column beside (docs/search.md).
--
-- The same machinery as that of blind indexes: triggers say what belongs together and code row by row what a batch
-- has not coded. What is coded, and how, is the index's declaration: word(letters=4, bits=16, unicode=15.0.0).
-- That every row has its codes is a CHECK: while it is not there, or NOT VALID, no statement goes by the codes.

-- The condition itself, by which a column is searched for words: WHERE nae.search(name, 'paul gonz*')
CREATE FUNCTION nae.search(value text, query text) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'nae_search_words';

-- What the codes of a value are computed of: docs/spec/envelope.md, "Search indexes".
CREATE FUNCTION nae_internal.search_input(purpose text, context text, declaration text, value text) RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'nae_search_input';
-- Codes to be stored. The key is the column's, named with its version.
CREATE FUNCTION nae_internal.search_codes(key text, input bytea) RETURNS integer[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_search_codes';
-- Codes that are in every row whose value fulfils a condition: what the planner hook puts beside it. None for who may
-- not search: then all rows are looked at.
CREATE FUNCTION nae_internal.search_for(
    key text, purpose text, context text, declaration text, condition integer, searched text) RETURNS integer[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_search_for';
-- NULL: there is no such kind, or not with these letters and bits.
CREATE FUNCTION nae_internal.search_declaration(kind text, letters integer, bits integer) RETURNS text
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_search_declaration';

-- By which codes of one index are told from those of another, also where another database sends them.
CREATE FUNCTION nae_internal.search_mark(key text, purpose text, context text, declaration text) RETURNS integer
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_search_mark';
-- What the CHECK says: each row with a value has codes, and they are under the mark of this index.
CREATE FUNCTION nae.has_codes(has_no_value boolean, codes integer[], mark integer) RETURNS boolean
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_has_codes';

-- As PostgreSQL writes it.
CREATE FUNCTION nae_internal.complete_check(kept nae_internal.coded_column) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('CHECK (nae.has_codes((%I IS NULL), %I, %s))', kept.column_name, kept.index_column,
                nae_internal.search_mark(kept.key || ':' || kept.version, kept.purpose, kept.context, kept.normalization))
$$;

CREATE FUNCTION nae_internal.is_complete(kept nae_internal.coded_column) RETURNS boolean
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 100
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (SELECT FROM pg_constraint AS n
                 WHERE n.conrelid = kept.relation AND n.contype = 'c' AND n.convalidated
                   AND pg_get_constraintdef(n.oid) = nae_internal.complete_check(kept))
$$;

CREATE VIEW nae.search_index AS
  SELECT c.relation, c.column_name, c.index_column, split_part(c.normalization, '(', 1) AS kind,
         c.normalization AS declaration, c.key, c.version, c.context, c.purpose, c.trigger_oid,
         nae_internal.is_complete(c) AS is_complete
  FROM nae_internal.coded_column AS c WHERE c.is_search;
COMMENT ON VIEW nae.search_index IS 'columns with codes of parts of encrypted values; used while they are complete';
GRANT SELECT ON nae.search_index TO PUBLIC;

-- By a change (migration.sql) ---------------------------------------------------------------------

-- Once, however often rows had to be filled.
CREATE FUNCTION nae_internal.create_search_index(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS a ON a.oid = c.relam
                 WHERE i.indrelid = change.relation AND a.amname = 'gin'
                   AND i.indkey[0] = nae_internal.attnum(change.relation, change.index_column)) THEN
    EXECUTE format('CREATE INDEX ON %s USING gin (%I%s)', change.relation, change.index_column,
                   CASE WHEN change.normalization LIKE 'bucket(%' THEN ' nae_internal.bucket_ops' END);
  END IF;
END
$$;

CREATE FUNCTION nae_internal.as_coded(change nae_internal.column_change) RETURNS nae_internal.coded_column
  LANGUAGE plpgsql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  kept nae_internal.coded_column;
BEGIN
  kept.column_name := change.coded_column;
  kept.index_column := change.index_column;
  kept.key := change.key;
  kept.version := change.version;
  kept.purpose := change.purpose;
  kept.context := change.context;
  kept.normalization := change.normalization;
  RETURN kept;
END
$$;

CREATE FUNCTION nae_internal.add_complete_check(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  check_name name := nae_internal.derived_name(change.index_column, '_complete');
BEGIN
  EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I, ADD CONSTRAINT %2$I %s NOT VALID', change.relation, check_name,
                 nae_internal.complete_check(nae_internal.as_coded(change)));
END
$$;

-- false: a row was written past the triggers, and has no codes.
CREATE FUNCTION nae_internal.validate_complete_check(change nae_internal.column_change) RETURNS boolean
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  check_name name := nae_internal.derived_name(change.index_column, '_complete');
BEGIN
  EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', change.relation, check_name);
  RETURN true;
EXCEPTION WHEN check_violation THEN
  EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', change.relation, check_name);
  RETURN false;
END
$$;

-- The codes would be left behind, and searched no more.
CREATE FUNCTION nae_internal.refuse_searched(relation regclass, column_name name) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (SELECT FROM nae_internal.coded_column AS c
             WHERE c.relation = refuse_searched.relation AND c.column_name = refuse_searched.column_name AND c.is_search) THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use',
      MESSAGE = format('column "%s" of %s has a search index', column_name, relation),
      HINT = 'nae.drop_search() drops it.';
  END IF;
END
$$;

-- The calls ---------------------------------------------------------------------------------------

CREATE FUNCTION nae_internal.refuse_search(
    encrypted nae.encrypted_column, kind text, letters integer, bits integer, unit text, ratio numeric)
  RETURNS void
  LANGUAGE plpgsql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF kind = 'substring' THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = format('there is no search by %s yet', kind), HINT = 'Kinds are word, whole, domain, last4 and bucket.';
  ELSIF kind NOT IN ('word', 'whole', 'domain', 'last4', 'bucket') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('there is no search by "%s"', kind), HINT = 'Kinds are word, whole, domain, last4 and bucket.';
  ELSIF kind <> 'bucket' AND encrypted.plain_type <> 'text'::regtype THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = format('values of type %s are not searched by their parts', encrypted.plain_type),
      HINT = 'A blind index finds equal ones: CALL nae.add_blind_index(). Ranges of dates and numbers: kind bucket.';
  ELSIF encrypted.deterministic THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = format('column "%s" of %s is deterministic', encrypted.column_name, encrypted.relation),
      HINT = 'Its ciphertexts are codes of whole values already; codes of their parts beside them would tell far more.';
  ELSIF kind <> 'word' AND letters IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('a search by %s has no letters to choose', kind), HINT = 'Leave out letters.';
  ELSIF kind = 'bucket' THEN
    PERFORM nae_internal.refuse_bucket(encrypted.plain_type, unit, ratio, bits);
  ELSIF unit IS NOT NULL OR ratio IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('a search by %s has no unit and no ratio', kind), HINT = 'Leave them out; they are those of bucket.';
  ELSIF nae_internal.search_declaration(kind, coalesce(letters, 4), bits) IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('there are no codes of %s letters and %s bits', coalesce(letters, 4), bits),
      HINT = 'Codes have 12 to 32 bits, and are of the first 3 to 8 letters of a word.';
  END IF;
END
$$;

CREATE FUNCTION nae_internal.begin_search(
    relation regclass, column_name name, kind text, letters integer, bits integer, index_column name, batch_size integer,
    unit text DEFAULT NULL, ratio numeric DEFAULT NULL)
  RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted nae_internal.column_change := nae_internal.wanted_change(relation, column_name, 'search', batch_size, true, false);
  encrypted nae.encrypted_column;
BEGIN
  SELECT e.* INTO encrypted FROM nae.encrypted_column AS e
    WHERE e.relation = begin_search.relation AND e.column_name = begin_search.column_name;
  wanted.shadow := NULL;
  wanted.new_type := 'integer[]'::regtype;
  wanted.key := encrypted.key;
  wanted.context := coalesce(encrypted.context, '');
  wanted.normalization := CASE WHEN kind = 'bucket' THEN nae_internal.bucket_declaration(encrypted.plain_type, unit, ratio, bits)
                               ELSE nae_internal.search_declaration(kind, coalesce(letters, 4), bits) END;
  wanted.coded_column := column_name;
  wanted.index_column := coalesce(index_column, nae_internal.derived_name(column_name, '_search'));
  IF nae_internal.resumes(wanted) THEN
    RETURN;
  END IF;
  PERFORM nae_internal.check_table(relation, column_name);
  IF encrypted.type IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
      MESSAGE = format('column "%s" of %s is not encrypted', column_name, relation),
      HINT = 'A plain column is searched by an index of its own.';
  END IF;
  PERFORM nae_internal.refuse_search(encrypted, kind, letters, bits, unit, ratio);
  PERFORM nae_internal.refuse_nesting(relation, column_name, 'a search index');
  PERFORM nae_internal.refuse_subscribed(relation);
  PERFORM nae_internal.refuse_late_triggers(relation);
  wanted.version := nae_internal.check_key(encrypted.key, 'aes-256-gcm', ARRAY['decrypt', 'search']);
  wanted.purpose := gen_random_uuid()::text;
  -- Refused here, before anything is made: a key that makes no codes.
  PERFORM nae_internal.search_codes(encrypted.key || ':' || wanted.version, CASE
    WHEN wanted.normalization LIKE 'bucket(unit=%' THEN nae_internal.search_input(wanted.purpose, wanted.context, wanted.normalization, '2000-01-01'::date)
    WHEN kind = 'bucket' THEN nae_internal.search_input(wanted.purpose, wanted.context, wanted.normalization, 1)
    ELSE nae_internal.search_input(wanted.purpose, wanted.context, wanted.normalization, 'word whole@domain 1234'::text) END);
  PERFORM nae_internal.begin_change(wanted);
END
$$;

CREATE PROCEDURE nae.add_search(
    relation regclass, column_name name, kind text, letters integer DEFAULT NULL, bits integer DEFAULT 16,
    index_column name DEFAULT NULL, batch_size integer DEFAULT 20000, unit text DEFAULT NULL, ratio numeric DEFAULT NULL)
  LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM nae_internal.refuse_transaction_block('nae.add_search');
  PERFORM nae_internal.begin_search(relation, column_name, kind, letters, bits, index_column, batch_size, unit, ratio);
  COMMIT;
  CALL nae_internal.run_change(relation, column_name);
END
$$;
COMMENT ON PROCEDURE nae.add_search(regclass, name, text, integer, integer, name, integer, text, numeric)
  IS 'makes parts or ranges of a randomized column searchable by an index while it is in use';

CREATE FUNCTION nae.drop_search(relation regclass, column_name name) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (SELECT FROM nae_internal.column_change AS c
             WHERE c.relation = drop_search.relation AND c.column_name = drop_search.column_name AND c.kind = 'search') THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use',
      MESSAGE = format('the search index of column "%s" of %s is being made', column_name, relation),
      HINT = 'nae.cancel_column_change() gives it up.';
  END IF;
  PERFORM nae_internal.drop_codes(relation, column_name, true);
END
$$;
COMMENT ON FUNCTION nae.drop_search(regclass, name) IS 'drops the search index of a column, and its codes';
