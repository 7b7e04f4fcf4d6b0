-- What would leave a search index with codes that are not those of their values: the guard refuses it. Its CHECK
-- says only that there are codes.

-- A CHECK that is not inherited stands where its index was made: at the table, or above it.
CREATE FUNCTION nae_internal.with_ancestors(target regclass) RETURNS SETOF regclass
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT target UNION SELECT a.relid FROM pg_partition_ancestors(target) AS a $$;

-- A partition has just been attached. Codes that it brings were made under another index, or belong to values that
-- were updated while no trigger of this one was on it. Its size is asked, not its rows: a snapshot may not see some.
CREATE FUNCTION nae_internal.refuse_attached(parent regclass, attached name) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  searched record;
BEGIN
  PERFORM nae_internal.refuse_late_triggers_of_searched(i.inhrelid)
    FROM pg_inherits AS i JOIN pg_class AS p ON p.oid = i.inhrelid AND p.relname = attached
    WHERE i.inhparent = parent;
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

-- CHECK constraints that call nae.has_codes(): those of search indexes.
CREATE FUNCTION nae_internal.codes_checks(relation regclass) RETURNS SETOF pg_constraint
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10 ROWS 1
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT con.* FROM pg_constraint AS con
  WHERE con.conrelid = $1 AND con.contype = 'c' AND nae_internal.calls_has_codes(con.oid)
$$;

-- While an index is being made its triggers stay as they are: codes that were filled already are not looked at again.
CREATE FUNCTION nae_internal.refuse_unkept_change(relation regclass, index_columns name[]) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  change nae_internal.column_change;
BEGIN
  SELECT c.* INTO change FROM nae_internal.column_change AS c
    WHERE c.relation = refuse_unkept_change.relation AND c.kind = 'search' AND c.phase <> 'preparing'
      AND c.index_column = ANY (index_columns) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use',
      MESSAGE = format('the search index of column "%s" of %s is being made', change.column_name, change.relation),
      DETAIL = 'Without its triggers values would get codes of others.',
      HINT = 'Call nae.add_search() to its end, or give it up by nae.cancel_column_change().';
  END IF;
END
$$;

-- Until its triggers keep the codes again an UPDATE leaves codes of the value before, which a CHECK does not tell. So it
-- is dropped, and no statement goes by the codes until they are made anew. What is refused would be restores with
-- triggers disabled, which bring values and codes together.
CREATE FUNCTION nae_internal.given_up_searches(target regclass, index_columns name[]) RETURNS SETOF text
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given_up record;
BEGIN
  PERFORM nae_internal.refuse_unkept_change(a, index_columns) FROM nae_internal.with_ancestors(target) AS a;
  FOR given_up IN
    SELECT con.conrelid::regclass AS relation, string_agg(DISTINCT format('DROP CONSTRAINT IF EXISTS %I', con.conname), ', ') AS drops,
           string_agg(DISTINCT format('"%s"', a.attname), ', ') AS column_names
    FROM nae_internal.with_ancestors(target) AS r
    CROSS JOIN unnest(index_columns) AS i(name)
    JOIN nae_internal.codes_checks(r) AS con ON nae_internal.attnum(r, i.name) = ANY (con.conkey) AND con.coninhcount = 0
    JOIN pg_attribute AS a ON a.attrelid = con.conrelid AND a.attnum = ANY (con.conkey) AND a.attname <> i.name
    GROUP BY con.conrelid
  LOOP
    RAISE WARNING USING
      MESSAGE = format('search indexes of %s are used no more: of %s', given_up.relation, given_up.column_names),
      DETAIL = 'While its triggers do not fire, an update leaves codes of the value before.',
      HINT = 'Enable them, and CALL nae.rotate_search(); where they are gone or others, nae.drop_search() and CALL nae.add_search().';
    RETURN NEXT format('ALTER TABLE %s %s', given_up.relation, given_up.drops);
  END LOOP;
END
$$;

-- Triggers of the table that do not fire where they should.
CREATE FUNCTION nae_internal.unkept_searches(target regclass) RETURNS SETOF text
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nae_internal.given_up_searches(target, ARRAY(
    SELECT c.index_column
    FROM nae_internal.coded_column AS c
    JOIN pg_trigger AS coding ON coding.oid = c.trigger_oid
    JOIN pg_trigger AS t ON t.tgrelid = c.relation AND t.tgfoid = coding.tgfoid
      AND t.tgenabled NOT IN ('A', CASE WHEN t.tgname LIKE '%\_replica' THEN 'R' ELSE 'O' END)
    WHERE c.relation = target AND c.is_search))
$$;

-- While codes are made anew two triggers keep the new ones. Without them some would be of values before; nobody would
-- look at them again. Those of another session's are meant: the change drops its own.
CREATE FUNCTION nae_internal.refuse_unkept_rotation(target regclass, is_replaced boolean) RETURNS SETOF text
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  change nae_internal.column_change;
BEGIN
  FOR change IN
    SELECT c.* FROM nae_internal.column_change AS c
    WHERE c.relation IN (SELECT nae_internal.with_ancestors(target)) AND c.kind = 'recode_search' AND c.phase NOT IN ('preparing', 'checking')
      AND NOT (c.pid = pg_backend_pid() AND c.updated_at >= greatest(now(), statement_timestamp()))
  LOOP
    IF is_replaced OR (
      SELECT count(*) FROM pg_trigger AS t
      WHERE t.tgrelid = target AND t.tgenabled = 'A'
        AND t.tgname IN (nae_internal.sync_trigger(change, 'insert'), nae_internal.sync_trigger(change, 'update'))) < 2
    THEN
      RAISE EXCEPTION USING ERRCODE = 'object_in_use',
        MESSAGE = format('the codes of column "%s" of %s are being made anew', change.coded_column, change.relation),
        DETAIL = 'Without its triggers values would get codes of others.',
        HINT = 'Call nae.rotate_search() to its end, or give it up by nae.cancel_column_change() of the column of codes.';
    END IF;
  END LOOP;
END
$$;

-- The triggers that keep the codes which are replaced: at the swap they say what is to be made anew. Of blind indexes too.
CREATE FUNCTION nae_internal.refuse_dropped_coding(target regclass) RETURNS SETOF text
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  change nae_internal.column_change;
BEGIN
  FOR change IN
    SELECT c.* FROM nae_internal.column_change AS c
    WHERE c.relation IN (SELECT nae_internal.with_ancestors(target)) AND c.kind IN ('recode', 'recode_search')
      AND c.phase NOT IN ('preparing', 'checking')
      AND NOT (c.pid = pg_backend_pid() AND c.updated_at >= greatest(now(), statement_timestamp()))
  LOOP
    IF (SELECT count(*) FROM nae_internal.coding_triggers(change)) <> 1
       OR change.kind = 'recode_search' AND NOT nae_internal.is_search_kept(change.relation, change.index_column) THEN
      RAISE EXCEPTION USING ERRCODE = 'object_in_use',
        MESSAGE = format('the codes of column "%s" of %s are being made anew', change.coded_column, change.relation),
        DETAIL = 'Triggers that keep the present ones say what is to keep the new ones.',
        HINT = format('Call %s() to its end, or give it up by nae.cancel_column_change() of the column of codes.', nae_internal.called(change.kind));
    END IF;
  END LOOP;
END
$$;

-- Columns of codes of which a CHECK says that they are complete, or will. Other triggers keep those that a rotation
-- is making: refuse_unkept_rotation().
CREATE FUNCTION nae_internal.said_columns(relation regclass) RETURNS SETOF name
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT a.attname FROM nae_internal.codes_checks(relation) AS con
  JOIN pg_attribute AS a ON a.attrelid = con.conrelid AND a.attnum = ANY (con.conkey) AND a.atttypid = 'integer[]'::regtype
  WHERE NOT EXISTS (SELECT FROM nae_internal.column_change AS c WHERE c.relation = $1 AND c.shadow = a.attname)
  UNION
  SELECT c.index_column FROM nae_internal.column_change AS c WHERE c.relation = $1 AND c.kind = 'search'
$$;

-- The three that keep the codes of a column.
CREATE FUNCTION nae_internal.is_search_kept(relation regclass, index_column name) RETURNS boolean
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (
    SELECT FROM nae_internal.coded_column AS c JOIN pg_trigger AS coding ON coding.oid = c.trigger_oid
    WHERE c.relation = $1 AND c.index_column = $2 AND c.is_search
      AND (SELECT count(*) FROM pg_trigger AS t WHERE t.tgrelid = c.relation AND t.tgfoid = coding.tgfoid) >= 3)
$$;

-- A command has dropped triggers, of which one may be made anew by hand. Of tables that are still there.
CREATE FUNCTION nae_internal.dropped_searches() RETURNS SETOF text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nae_internal.given_up_searches(t.relation, ARRAY(
    SELECT said FROM nae_internal.said_columns(t.relation) AS said WHERE NOT nae_internal.is_search_kept(t.relation, said)))
  FROM (
    SELECT DISTINCT nae_internal.with_ancestors(d.relation) AS relation
    FROM pg_event_trigger_dropped_objects() AS o
    CROSS JOIN LATERAL to_regclass(format('%I.%I', o.address_names[1], o.address_names[2])) AS d(relation)
    WHERE o.object_type = 'trigger' AND o.address_names[3] LIKE 'zzz\_nae\_%' AND d.relation IS NOT NULL) AS t
  WHERE EXISTS (SELECT FROM nae_internal.codes_checks(t.relation) AS con WHERE con.coninhcount = 0)
     OR EXISTS (SELECT FROM nae_internal.column_change AS c WHERE c.relation = t.relation)
  UNION ALL
  SELECT nae_internal.refuse_unkept_rotation(d.relation, false)
  FROM pg_event_trigger_dropped_objects() AS o
  CROSS JOIN LATERAL to_regclass(format('%I.%I', o.address_names[1], o.address_names[2])) AS d(relation)
  WHERE o.object_type = 'trigger' AND o.address_names[3] LIKE 'zzz\_nae\_sync\_%' AND d.relation IS NOT NULL
  UNION ALL
  SELECT nae_internal.refuse_dropped_coding(d.relation)
  FROM pg_event_trigger_dropped_objects() AS o
  CROSS JOIN LATERAL to_regclass(format('%I.%I', o.address_names[1], o.address_names[2])) AS d(relation)
  WHERE o.object_type = 'trigger' AND o.address_names[3] LIKE 'zzz\_nae\_%' AND d.relation IS NOT NULL
$$;

-- CREATE OR REPLACE TRIGGER has put another one in the place of one of ours: it need not be what it was.
CREATE FUNCTION nae_internal.replaced_trigger(made oid) RETURNS SETOF text
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nae_internal.given_up_searches(t.tgrelid,
    ARRAY(SELECT nae_internal.said_columns(a) FROM nae_internal.with_ancestors(t.tgrelid) AS a))
  FROM pg_trigger AS t WHERE t.oid = made AND t.tgname LIKE 'zzz\_nae\_%'
  UNION ALL
  SELECT nae_internal.refuse_unkept_rotation(t.tgrelid, true) FROM pg_trigger AS t WHERE t.oid = made AND t.tgname LIKE 'zzz\_nae\_sync\_%'
$$;

-- So has CREATE OR REPLACE FUNCTION. The guard renews it itself where a column is renamed: then it is what it should be.
CREATE FUNCTION nae_internal.replaced_function(made oid) RETURNS SETOF text
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nae_internal.given_up_searches(changed.relation, ARRAY[changed.index_column])
  FROM (
    SELECT DISTINCT c.relation, c.index_column
    FROM pg_trigger AS t
    JOIN nae_internal.coded_column AS c ON c.trigger_oid = t.oid AND c.is_search
    JOIN pg_proc AS p ON p.oid = t.tgfoid
    WHERE t.tgfoid = made AND t.tgparentid = 0 AND p.prosrc <> nae_internal.blind_index_body(nae_internal.as_change(c))) AS changed
  UNION ALL
  SELECT nae_internal.refuse_unkept_rotation(t.tgrelid, true) FROM pg_trigger AS t WHERE t.tgfoid = made AND t.tgname LIKE 'zzz\_nae\_sync\_%'
$$;

-- A CHECK of a search index is made with its table, as dumps do, or by nae.add_search(), which has computed all codes.
CREATE FUNCTION nae_internal.refuse_made_check(target regclass) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (SELECT FROM nae_internal.heaps(target) AS h WHERE pg_relation_size(h) > 0) THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('%s has rows, whose codes may not be those of their values', target),
      DETAIL = 'A CHECK that calls nae.has_codes() says that searches may go by them.',
      HINT = 'nae.drop_search() and CALL nae.add_search() make codes and CHECK anew.';
  END IF;
END
$$;

CREATE FUNCTION nae_internal.refuse_validated_check(target regclass, validated name) RETURNS void
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nae_internal.refuse_made_check(target) FROM nae_internal.codes_checks(target) AS con
  WHERE con.conname = validated AND NOT EXISTS (
    SELECT FROM nae_internal.column_change AS c
    WHERE c.relation = target AND c.kind IN ('search', 'recode_search') AND c.phase = 'validating'
      AND nae_internal.attnum(target, coalesce(c.shadow, c.index_column)) = ANY (con.conkey))
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

-- What the function of a change does (create_sync_function()): it assigns one shadow column, by one expression. In a dump
-- that was taken meanwhile it comes without the change.
CREATE FUNCTION nae_internal.is_sync_text(text text) RETURNS boolean
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT $1 ~ $re$^BEGIN NEW\.([a-z0-9_]+__nae|"([^"]|"")+__nae") := ([^;'"]|'[^']*'|"[^"]*")+; RETURN NEW; END\Z$re$ $$;

-- Ours, by what its function does, whatever it is called: it assigns codes, or the shadow of a change.
CREATE FUNCTION nae_internal.assigns_no_value(coding pg_trigger) RETURNS boolean
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coding.tgfoid = 'nae_internal.take_code()'::regprocedure OR EXISTS (
    SELECT FROM pg_proc AS p WHERE p.oid = coding.tgfoid AND (
      p.prosecdef AND nae_internal.is_coding_text(p.prosrc)
      OR coding.tgname LIKE 'zzz\_nae\_sync\_%' AND nae_internal.is_sync_text(p.prosrc)
         AND NOT EXISTS (SELECT FROM nae_internal.coded_column AS c
                         WHERE c.relation = coding.tgrelid AND starts_with(p.prosrc, 'BEGIN NEW.' || quote_ident(c.column_name) || ' := '))
      OR EXISTS (SELECT FROM nae_internal.stat_writing AS c
                 WHERE p.prosrc LIKE 'BEGIN NEW.' || quote_ident(c.shadow) || ' := %; RETURN NEW; END'
                   AND (c.relation = coding.tgrelid OR c.relation IN (SELECT a.relid FROM pg_partition_ancestors(coding.tgrelid) AS a)))))
$$;

-- A trigger that sorts after those of a search index may assign values that they have coded already; so may one that
-- fires where they do not, while a publisher's rows are applied. Of the table and all below it; a partition's may be its own.
CREATE FUNCTION nae_internal.late_triggers(target regclass, OUT name name, OUT relation regclass, OUT in_replicas boolean)
  RETURNS SETOF record
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp SET jit = off  -- to compile what each trigger is asked takes longer than all else
AS $$
  SELECT t.tgname, t.tgrelid::regclass, t.tgenabled IN ('A', 'R')
  FROM (SELECT target::oid UNION SELECT p.relid FROM pg_partition_tree(target) AS p) AS member(oid)
  JOIN pg_trigger AS t ON t.tgrelid = member.oid
  -- BEFORE, for each row, INSERT or UPDATE.
  WHERE t.tgtype::integer & 3 = 3 AND t.tgtype::integer & 20 <> 0
    AND CASE WHEN t.tgname > 'zzz_nae_' OR t.tgenabled IN ('A', 'R') THEN NOT nae_internal.assigns_no_value(t) END
$$;

CREATE FUNCTION nae_internal.refuse_late_triggers(relation regclass) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  late record;
BEGIN
  SELECT t.name, t.relation, t.in_replicas INTO late FROM nae_internal.late_triggers(refuse_late_triggers.relation) AS t LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = CASE WHEN late.in_replicas
        THEN format('trigger "%s" of %s would fire in replicas, where a search index keeps the codes that come', late.name, late.relation)
        ELSE format('trigger "%s" of %s would fire after those of a search index', late.name, late.relation) END,
      DETAIL = 'What it assigns to a column would have the codes of another value.',
      HINT = CASE WHEN late.in_replicas THEN 'Let it fire on the origin alone: ALTER TABLE ... ENABLE TRIGGER.'
                  ELSE 'Give it a name that sorts before "zzz_nae_".' END;
  END IF;
END
$$;

-- Of the table, and of those below it that have an index of their own: triggers that are made above are cloned to them.
CREATE FUNCTION nae_internal.refuse_late_triggers_of_searched(target regclass) RETURNS void
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nae_internal.refuse_late_triggers(member.oid)
  FROM (SELECT target::oid UNION SELECT p.relid FROM pg_partition_tree(target) AS p) AS member(oid)
  WHERE EXISTS (SELECT FROM nae_internal.coded_column AS c WHERE c.relation = member.oid AND c.is_search)
$$;

-- Whose codes nobody keeps: searched_column.cpp goes by none over such a table.
CREATE FUNCTION nae_internal.unkept_parts(relation regclass) RETURNS SETOF regclass
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE part(oid) AS (
    SELECT i.inhrelid FROM pg_inherits AS i WHERE i.inhparent = relation
    UNION SELECT i.inhrelid FROM part AS p JOIN pg_inherits AS i ON i.inhparent = p.oid)
  SELECT c.oid::regclass FROM part AS p JOIN pg_class AS c ON c.oid = p.oid WHERE NOT c.relispartition OR c.relkind = 'f'
$$;

-- A trigger has been made or renamed.
CREATE FUNCTION nae_internal.guard_searched_trigger(made oid) RETURNS void
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT nae_internal.refuse_late_triggers_of_searched(t.tgrelid) FROM pg_trigger AS t WHERE t.oid = made $$;

-- By their names it is known which triggers keep codes, and that they fire last.
CREATE FUNCTION nae_internal.refuse_renamed_trigger(renamed oid) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ours record;
BEGIN
  SELECT t.tgname, t.tgrelid::regclass AS relation INTO ours FROM pg_trigger AS t
    WHERE t.oid = renamed AND nae_internal.assigns_no_value(t);
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use',
      MESSAGE = format('trigger "%s" of %s keeps codes and has its name for good', ours.tgname, ours.relation),
      HINT = 'nae.drop_search() and nae.drop_blind_index() drop codes with their triggers.';
  END IF;
END
$$;
