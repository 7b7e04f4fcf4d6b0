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
  PERFORM nae_internal.refuse_late_triggers(i.inhrelid)
    FROM pg_inherits AS i JOIN pg_class AS p ON p.oid = i.inhrelid AND p.relname = attached
    WHERE i.inhparent = parent AND EXISTS (SELECT FROM nae_internal.coded_column AS c WHERE c.relation = parent AND c.is_search);
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

-- Triggers of the table that do not fire where they should: until they do again an UPDATE leaves codes of the value
-- before, which its CHECK does not tell. So it is dropped, and no statement goes by the codes until they are made anew.
-- What is refused would be restores with triggers disabled, which bring values and codes together.
CREATE FUNCTION nae_internal.unkept_searches(target regclass) RETURNS SETOF text
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  unkept record;
BEGIN
  FOR unkept IN
    SELECT con.conrelid::regclass AS relation, string_agg(DISTINCT format('DROP CONSTRAINT %I', con.conname), ', ') AS drops,
           string_agg(DISTINCT format('"%s"', c.column_name), ', ') AS column_names
    FROM nae_internal.coded_column AS c
    JOIN pg_trigger AS coding ON coding.oid = c.trigger_oid
    JOIN pg_trigger AS t ON t.tgrelid = c.relation AND t.tgfoid = coding.tgfoid
      AND t.tgenabled NOT IN ('A', CASE WHEN t.tgname LIKE '%\_replica' THEN 'R' ELSE 'O' END)
    JOIN pg_constraint AS con ON con.conrelid = coalesce(pg_partition_root(target), target) AND con.contype = 'c'
      AND con.convalidated AND pg_get_constraintdef(con.oid) = nae_internal.complete_check(c.column_name, c.index_column)
    WHERE c.relation = target AND c.is_search
    GROUP BY con.conrelid
  LOOP
    RAISE WARNING USING
      MESSAGE = format('search indexes of %s are used no more: of %s', unkept.relation, unkept.column_names),
      DETAIL = 'While its triggers do not fire, an update leaves codes of the value before.',
      HINT = 'Enable them, call nae.drop_search(), and CALL nae.add_search().';
    RETURN NEXT format('ALTER TABLE %s %s', unkept.relation, unkept.drops);
  END LOOP;
END
$$;

-- A subscriber is sent codes of the publisher's index, or values without codes.
CREATE FUNCTION nae_internal.refuse_subscribed(relation regclass) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  subscribed regclass;
BEGIN
  SELECT s.srrelid INTO subscribed FROM pg_subscription_rel AS s
    WHERE s.srrelid IN (SELECT relation UNION SELECT t.relid FROM pg_partition_tree(relation) AS t) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('%s is part of a subscription', subscribed),
      DETAIL = 'Rows would come with codes of another index, or with none.',
      HINT = 'Add the search index where the table is published, and bring its definition here by pg_dump.';
  END IF;
END
$$;

-- A trigger that sorts after those of a search index may assign values that they have coded already. Of the table and
-- all below it; a partition's may be its own.
CREATE FUNCTION nae_internal.refuse_late_triggers(relation regclass) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  late record;
BEGIN
  SELECT t.tgname, t.tgrelid::regclass AS relation INTO late
    FROM (SELECT relation UNION SELECT p.relid FROM pg_partition_tree(relation) AS p) AS member(oid)
    JOIN pg_trigger AS t ON t.tgrelid = member.oid
    -- BEFORE, for each row, INSERT or UPDATE.
    WHERE t.tgtype::integer & 3 = 3 AND t.tgtype::integer & 20 <> 0
      AND t.tgname > 'zzz_nae_' AND t.tgname NOT LIKE 'zzz\_nae\_%' LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('trigger "%s" of %s would fire after those of a search index', late.tgname, late.relation),
      DETAIL = 'What it assigns to a column would have the codes of another value.',
      HINT = 'Give it a name that sorts before "zzz_nae_".';
  END IF;
END
$$;

-- A trigger has been made or renamed.
CREATE FUNCTION nae_internal.guard_searched_trigger(made oid) RETURNS void
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nae_internal.refuse_late_triggers(t.tgrelid) FROM pg_trigger AS t
  WHERE t.oid = made AND EXISTS (SELECT FROM nae_internal.coded_column AS c WHERE c.relation = t.tgrelid AND c.is_search)
$$;
