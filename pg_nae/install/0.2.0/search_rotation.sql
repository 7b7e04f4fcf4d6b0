-- nae.rotate_search(): the codes of a search index under another version of the column's key.
--
-- A second column of codes is filled beside the first, as for a blind index (blind_index_rotation.sql), with a CHECK of
-- its own: until the swap searches go by the old codes, from then on by the new ones, and at no moment by codes of
-- which some are not there yet.

-- The same kind, letters and bits, of the version of Unicode that this library folds by. Buckets are of none.
CREATE FUNCTION nae_internal.renewed_declaration(declaration text) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN $1 LIKE 'bucket(%' THEN $1
    ELSE nae_internal.search_declaration(split_part($1, '(', 1), coalesce(substring($1 FROM 'letters=(\d+)')::integer, 4),
                                         substring($1 FROM 'bits=(\d+)')::integer) END
$$;

CREATE FUNCTION nae_internal.find_search_index(relation regclass, column_name name) RETURNS nae_internal.coded_column
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  kept nae_internal.coded_column;
BEGIN
  SELECT c.* INTO kept FROM nae_internal.coded_column AS c
    WHERE c.relation = find_search_index.relation AND c.column_name = find_search_index.column_name AND c.is_search;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_object',
      MESSAGE = format('column "%s" of %s has no search index', column_name, relation),
      HINT = 'CALL nae.add_search() makes one.';
  END IF;
  RETURN kept;
END
$$;

CREATE FUNCTION nae_internal.refuse_changing(relation regclass, column_name name) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (SELECT FROM nae_internal.column_change AS c
             WHERE c.relation = refuse_changing.relation AND c.column_name = refuse_changing.column_name) THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use',
      MESSAGE = format('column "%s" of %s is being changed', column_name, relation),
      HINT = 'Call that change to its end first, or give it up by nae.cancel_column_change().';
  END IF;
END
$$;

CREATE FUNCTION nae_internal.begin_search_rotation(relation regclass, column_name name, batch_size integer) RETURNS name
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  kept nae_internal.coded_column := nae_internal.find_search_index(relation, column_name);
  encrypted nae.encrypted_column;
  wanted nae_internal.column_change := nae_internal.wanted_change(relation, kept.index_column, 'recode_search', batch_size, true, false);
BEGIN
  SELECT e.* INTO encrypted FROM nae.encrypted_column AS e
    WHERE e.relation = begin_search_rotation.relation AND e.column_name = begin_search_rotation.column_name;
  wanted.new_type := 'integer[]'::regtype;
  wanted.key := encrypted.key;
  wanted.context := coalesce(encrypted.context, '');
  wanted.normalization := nae_internal.renewed_declaration(kept.normalization);
  wanted.coded_column := column_name;
  wanted.index_column := kept.index_column;
  IF nae_internal.resumes(wanted) THEN
    RETURN kept.index_column;
  END IF;
  PERFORM nae_internal.check_table(relation, kept.index_column);
  PERFORM nae_internal.refuse_changing(relation, column_name);
  PERFORM nae_internal.refuse_subscribed(relation);
  PERFORM nae_internal.refuse_late_triggers(relation);
  wanted.version := nae_internal.check_key(encrypted.key, 'aes-256-gcm', ARRAY['decrypt', 'search']);
  IF (kept.key, kept.version, kept.context, kept.normalization) = (wanted.key, wanted.version, wanted.context, wanted.normalization)
     AND nae_internal.is_complete(kept) THEN
    RAISE NOTICE 'the codes of column "%" of % are of version % already', column_name, relation, kept.version;
    RETURN kept.index_column;
  END IF;
  -- Another mark than that of codes that nobody kept for a while, whatever else is the same.
  wanted.purpose := gen_random_uuid()::text;
  PERFORM nae_internal.begin_change(wanted);
  RETURN kept.index_column;
END
$$;

CREATE PROCEDURE nae.rotate_search(relation regclass, column_name name, batch_size integer DEFAULT 20000)
  LANGUAGE plpgsql
AS $$
DECLARE
  index_column name;
BEGIN
  PERFORM nae_internal.refuse_transaction_block('nae.rotate_search');
  index_column := nae_internal.begin_search_rotation(relation, column_name, batch_size);
  COMMIT;
  CALL nae_internal.run_change(relation, index_column);
END
$$;
COMMENT ON PROCEDURE nae.rotate_search(regclass, name, integer)
  IS 'brings the codes of a search index to the newest version of its key while it is in use';

-- The CHECK of the new codes, which goes with their column through the swap -------------------------

CREATE FUNCTION nae_internal.add_shadow_codes_check(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_shadow nae_internal.column_change := change;
  check_name name := nae_internal.derived_name(change.shadow, '_complete');
BEGIN
  of_shadow.index_column := change.shadow;
  EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I, ADD CONSTRAINT %2$I %s NOT VALID', change.relation, check_name,
                 nae_internal.complete_check(nae_internal.as_coded(of_shadow)));
END
$$;

-- Before its triggers, whose end the guard would take for that of the index.
CREATE FUNCTION nae_internal.drop_old_codes_checks(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  check_name name;
BEGIN
  FOR check_name IN
    SELECT con.conname FROM nae_internal.codes_checks(change.relation) AS con
    WHERE change.kind = 'recode_search' AND nae_internal.attnum(change.relation, change.column_name) = ANY (con.conkey)
  LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', change.relation, check_name);
  END LOOP;
END
$$;

CREATE FUNCTION nae_internal.renamed_codes_check(change nae_internal.column_change) RETURNS SETOF text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', change.relation, con.conname,
                nae_internal.derived_name(change.index_column, '_complete'))
  FROM nae_internal.codes_checks(change.relation) AS con
  WHERE change.kind = 'recode_search' AND nae_internal.attnum(change.relation, change.shadow) = ANY (con.conkey)
$$;
