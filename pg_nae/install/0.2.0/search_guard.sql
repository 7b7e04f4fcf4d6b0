-- What would leave a search index with codes that are not those of their values: the guard refuses it. Its CHECK
-- says only that there are codes.

-- A partition has just been attached. Codes that it brings were made under another index, or belong to values that
-- were updated while no trigger of this one was on it. Its size is asked, not its rows: a snapshot may not see some.
CREATE FUNCTION nae_internal.refuse_attached(parent regclass, attached name) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  searched record;
BEGIN
  SELECT i.inhrelid::regclass AS part, c.column_name INTO searched
    FROM pg_inherits AS i
    JOIN pg_class AS p ON p.oid = i.inhrelid AND p.relname = attached
    JOIN nae_internal.coded_column AS c ON c.relation = parent AND c.is_search
    WHERE i.inhparent = parent AND EXISTS (SELECT FROM nae_internal.heaps(p.oid) AS h WHERE pg_relation_size(h) > 0) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('%s is not empty, and column "%s" of %s has a search index', searched.part, searched.column_name, parent),
      DETAIL = 'Codes that it brings may not be those of its values: a search would miss rows.',
      HINT = 'Attach it empty (TRUNCATE), and then insert; or nae.drop_search(), attach it, and CALL nae.add_search().';
  END IF;
END
$$;
