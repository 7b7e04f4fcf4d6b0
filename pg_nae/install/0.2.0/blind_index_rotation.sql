-- nae.rotate_blind_index(): the codes of a column under another version of the key, or in the newer format.
--
-- A second column of codes is filled beside the first, as for a deterministic column that is rotated: until
-- the swap every search and UNIQUE goes by the old codes, from then on by the new ones. At no moment are
-- codes of two versions in one column, where neither would find what the other has.

-- What the codes of a column are becoming. A view: who searches sees no row of the table of changes.
CREATE VIEW nae_internal.stat_recoding AS
  SELECT c.relation, c.column_name, c.version, c.context, c.purpose
  FROM nae_internal.column_change AS c WHERE c.kind = 'recode' AND c.phase NOT IN ('preparing', 'checking');
COMMENT ON VIEW nae_internal.stat_recoding IS 'blind indexes that are being coded anew, and as what';
GRANT SELECT ON nae_internal.stat_recoding TO PUBLIC;

CREATE FUNCTION nae_internal.begin_recoding(
    relation regclass, column_name name, version integer, batch_size integer, verify boolean) RETURNS name
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  kept nae.blind_index := nae_internal.find_blind_index(relation, column_name);
  encrypted nae.encrypted_column;
  wanted nae_internal.column_change := nae_internal.wanted_change(relation, kept.index_column, 'recode', batch_size, verify, false);
  newest integer;
BEGIN
  SELECT e.* INTO encrypted FROM nae.encrypted_column AS e
    WHERE e.relation = begin_recoding.relation AND e.column_name = begin_recoding.column_name;
  wanted.new_type := 'bytea'::regtype;
  wanted.key := kept.key;
  wanted.context := encrypted.context;
  wanted.normalization := kept.normalization;
  wanted.purpose := kept.purpose;
  wanted.coded_column := column_name;
  wanted.index_column := kept.index_column;
  IF nae_internal.resumes(wanted) THEN
    RETURN kept.index_column;
  END IF;
  PERFORM nae_internal.check_table(relation, kept.index_column);
  PERFORM nae_internal.check_key(encrypted.key, NULL, ARRAY['decrypt']);
  newest := nae_internal.check_key(kept.key, 'hmac-sha-256', ARRAY['mac']);
  wanted.version := coalesce(version, newest);
  wanted.purpose := coalesce(kept.purpose, gen_random_uuid()::text);
  IF (kept.format, kept.version, kept.context) = (2, wanted.version, wanted.context) THEN
    RAISE NOTICE 'the codes of column "%" of % are of version % already', column_name, relation, kept.version;
    RETURN kept.index_column;
  ELSIF wanted.version NOT BETWEEN 1 AND newest THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('key "%s" has no version %s', kept.key, wanted.version),
      HINT = format('Its newest is %s.', newest);
  END IF;
  PERFORM nae_internal.refuse_changing(relation, column_name);
  PERFORM nae_internal.begin_change(wanted);
  RETURN kept.index_column;
END
$$;

CREATE PROCEDURE nae.rotate_blind_index(
    relation regclass, column_name name, version integer DEFAULT NULL, batch_size integer DEFAULT 20000,
    verify boolean DEFAULT true)
  LANGUAGE plpgsql
AS $$
DECLARE
  index_column name;
BEGIN
  PERFORM nae_internal.refuse_transaction_block('nae.rotate_blind_index');
  index_column := nae_internal.begin_recoding(relation, column_name, version, batch_size, verify);
  COMMIT;
  CALL nae_internal.run_change(relation, index_column);
END
$$;
COMMENT ON PROCEDURE nae.rotate_blind_index(regclass, name, integer, integer, boolean)
  IS 'brings the codes of a blind index to one version of its key while it is in use';

-- The swap ----------------------------------------------------------------------------------------

-- Triggers that code the column which is replaced, or whose codes are.
CREATE FUNCTION nae_internal.coding_triggers(change nae_internal.column_change) RETURNS SETOF nae_internal.coded_column
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT b.* FROM nae_internal.coded_column AS b
  WHERE b.relation = change.relation AND change.column_name IN (b.column_name, b.index_column)
$$;

-- Without the one that says what is coded none would be made, over a column whose codes are said to be kept.
CREATE FUNCTION nae_internal.refuse_uncoded(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF change.kind IN ('recode', 'recode_search') AND (SELECT count(*) FROM nae_internal.coding_triggers(change)) <> 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('no trigger keeps the codes of column "%s" of %s', change.coded_column, change.relation),
      DETAIL = 'It was dropped or replaced while they were being made anew.',
      HINT = format('Give it up by nae.cancel_column_change(%L, %L); drop the index, and add it anew.', change.relation, change.column_name);
  END IF;
END
$$;

-- What makes them anew afterwards: of a column of codes as the change says, else as they were.
CREATE FUNCTION nae_internal.kept_blind_indexes(change nae_internal.column_change) RETURNS SETOF text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT statement
  FROM nae_internal.coding_triggers(change) AS b
  JOIN pg_trigger AS t ON t.oid = b.trigger_oid
  CROSS JOIN LATERAL (
    SELECT nae_internal.blind_index_triggers(CASE WHEN change.kind IN ('recode', 'recode_search') THEN change ELSE nae_internal.as_change(b) END, t.tgname,
                                    t.tgfoid::regproc::text)
    -- Whatever has become of the function of a search index, its CHECK will say that codes are kept.
    UNION ALL SELECT CASE WHEN change.kind = 'recode_search' THEN nae_internal.blind_index_function(change, t.tgfoid::regproc::text)
                          ELSE format('SELECT nae_internal.renew_blind_indexes(%L)', change.relation) END) AS s(statement)
$$;

CREATE FUNCTION nae_internal.drop_coding_triggers(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  function regprocedure;
BEGIN
  FOR function IN SELECT t.tgfoid FROM nae_internal.coding_triggers(change) AS b JOIN pg_trigger AS t ON t.oid = b.trigger_oid LOOP
    PERFORM nae_internal.drop_triggers(change.relation, function);
  END LOOP;
END
$$;
