-- The shadow column of a change: made, kept in step, filled, compared, and put in the old column's place.

-- What the pieces of a change are called. The trigger must be the last one to see a row, and triggers
-- fire in the order of their names.
CREATE FUNCTION nae_internal.sync_trigger(change nae_internal.column_change, event text) RETURNS name
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT nae_internal.derived_name('zzz_nae_sync_' || change.column_name, '_' || event) $$;

CREATE FUNCTION nae_internal.in_step_check(change nae_internal.column_change) RETURNS name
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT nae_internal.derived_name(change.shadow, '_in_step') $$;

CREATE FUNCTION nae_internal.not_null_check(change nae_internal.column_change) RETURNS name
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT nae_internal.derived_name(change.shadow, '_not_null') $$;

CREATE FUNCTION nae_internal.function_beside(change nae_internal.column_change, prefix text) RETURNS text
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('%I.%I', n.nspname, concat_ws('_', prefix, c.oid, nae_internal.attnum(c.oid, change.column_name)))
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = change.relation
$$;

CREATE FUNCTION nae_internal.collate_clause(collation_oid oid) RETURNS text
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('COLLATE %I.%I', n.nspname, c.collname)
  FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace WHERE c.oid = collation_oid
$$;

-- Where the values come from that the shadow, or the column of codes, is filled with.
CREATE FUNCTION nae_internal.source_column(change nae_internal.column_change) RETURNS name
  LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(change.coded_column, change.column_name) $$;

-- ... and as what: codes, or the plaintext, which the shadow's type encrypts.
CREATE FUNCTION nae_internal.source_expression(change nae_internal.column_change, record text DEFAULT '') RETURNS text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN change.coded_column IS NOT NULL THEN nae_internal.blind_index_expression(change, record)
              ELSE nae_internal.plain_expression(change.relation, change.column_name, record) END
$$;

-- Preparing ---------------------------------------------------------------------------------------

-- The function lies beside the table and is its owner's. Encryption is asked for by whoever writes the
-- row: he will need that right afterwards. Where the old value must be decrypted, the owner asks: one
-- who may only write, or sees masks, could not. For that reason nobody else may put the function on a
-- table of his own.
CREATE FUNCTION nae_internal.create_sync_function(change nae_internal.column_change) RETURNS text
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  created text := nae_internal.function_beside(change, 'nae_sync');
  body text := format('BEGIN NEW.%I := %s; RETURN NEW; END', change.shadow, nae_internal.source_expression(change, 'NEW.'));
BEGIN
  EXECUTE format('CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql %s SET search_path = pg_catalog, pg_temp AS %L',
                 created, CASE change.kind WHEN 'encrypt' THEN '' ELSE 'SECURITY DEFINER' END, body);
  EXECUTE format('REVOKE ALL ON FUNCTION %s() FROM PUBLIC', created);
  RETURN created;
END
$$;

-- Byte by byte: equality of plaintexts would ask the key server, and randomized values have none.
CREATE FUNCTION nae_internal.rows_differ(record, record) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'record_image_ne';

-- An update of other columns encrypts too when the row is not filled yet: its new version may lie in
-- blocks that were filled before. ALWAYS: also for rows that logical replication
-- brings. Codes are written by the change alone, and by nobody's hand.
CREATE FUNCTION nae_internal.create_sync_triggers(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  function text := nae_internal.create_sync_function(change);
  on_insert name := nae_internal.sync_trigger(change, 'insert');
  on_update name := nae_internal.sync_trigger(change, 'update');
BEGIN
  EXECUTE format('CREATE TRIGGER %I BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION %s()',
                 on_insert, change.relation, function);
  EXECUTE format('CREATE TRIGGER %1$I BEFORE UPDATE ON %2$s FOR EACH ROW WHEN ('
                 'nae_internal.rows_differ(ROW(NEW.%3$I), ROW(OLD.%3$I)) OR (NEW.%3$I IS NULL) <> (NEW.%4$I IS NULL)%6$s)'
                 ' EXECUTE FUNCTION %5$s()', on_update, change.relation, nae_internal.source_column(change), change.shadow, function,
                 CASE WHEN change.coded_column IS NOT NULL
                   THEN format(' OR nae_internal.rows_differ(ROW(NEW.%1$I), ROW(OLD.%1$I)) AND NOT nae_internal.is_changing()', change.shadow) END);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I, ENABLE ALWAYS TRIGGER %I',
                 change.relation, on_insert, on_update);
END
$$;

-- The trigger's function has both columns by name: after a rename nobody could write. Called by the guard.
CREATE FUNCTION nae_internal.refuse_renames(target regclass) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  change nae_internal.column_change;
BEGIN
  SELECT c.* INTO change FROM nae_internal.column_change AS c
    JOIN pg_trigger AS t ON t.tgrelid = target AND t.tgname = nae_internal.sync_trigger(c, 'insert')
    WHERE c.relation = target
      AND nae_internal.attnum(target, c.column_name) + nae_internal.attnum(target, c.shadow) + nae_internal.attnum(target, nae_internal.source_column(c)) IS NULL
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use',
      MESSAGE = format('column "%s" of %s is being changed and cannot be renamed', change.column_name, target),
      HINT = format('Call %s() to its end, or give it up by nae.cancel_column_change().', nae_internal.called(change.kind));
  END IF;
END
$$;

-- NOT VALID: a table that is in use is not read under an exclusive lock. The guard (guard.sql) finds the
-- CHECK and adds none.
CREATE FUNCTION nae_internal.create_shadow(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  encrypted boolean := change.key IS NOT NULL AND change.coded_column IS NULL;  -- codes are not
  type text := nae_internal.type_with_key(change.new_type, CASE WHEN encrypted THEN change.key END, change.context, change.version);
  collate_clause text := (SELECT nae_internal.collate_clause(a.attcollation) FROM pg_attribute AS a
                          WHERE a.attrelid = change.relation AND a.attname = change.column_name);
  guarded text := CASE WHEN encrypted
    THEN format(', ADD CONSTRAINT %I CHECK (nae.is_ciphertext(%I)) NOT VALID',
                nae_internal.ciphertext_check_name(change.relation, change.shadow), change.shadow) END;
BEGIN
  EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s %s %s',
                 change.relation, change.shadow, type, collate_clause, guarded);
  EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', change.relation, change.shadow,
                 format('shadow of column %s while %s is under way', change.column_name, nae_internal.called(change.kind)));
  PERFORM nae_internal.create_sync_triggers(change);
END
$$;

CREATE FUNCTION nae_internal.drop_sync_triggers(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  dropped record;
BEGIN
  FOR dropped IN SELECT t.tgname, t.tgfoid::regprocedure AS function FROM pg_trigger AS t
    WHERE t.tgrelid = change.relation
      AND t.tgname IN (nae_internal.sync_trigger(change, 'insert'), nae_internal.sync_trigger(change, 'update'))
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', dropped.tgname, change.relation);
    IF NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgfoid = dropped.function) THEN
      EXECUTE format('DROP FUNCTION %s', dropped.function);
    END IF;
  END LOOP;
END
$$;

-- Walking over the table ---------------------------------------------------------------------------

CREATE FUNCTION nae_internal.batch_blocks(heap regclass, batch_size integer) RETURNS bigint
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$
  -- Before the first ANALYZE: as if a block held a hundred rows.
  SELECT greatest(1, CASE WHEN c.reltuples > 0 THEN batch_size * c.relpages / c.reltuples
                          ELSE batch_size / 100 END)::bigint
  FROM pg_class AS c WHERE c.oid = heap
$$;

-- Where the next batch is; heap NULL: at the end. A table is walked as long as it was when the walk over
-- it began: what is written later, by ourselves too, needs nothing any more.
CREATE FUNCTION nae_internal.next_stretch(INOUT change nae_internal.column_change) RETURNS nae_internal.column_change
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  WHILE change.heap IS NULL OR change.next_block >= change.heap_blocks LOOP
    SELECT h INTO change.heap FROM nae_internal.heaps(change.relation) AS h
      WHERE change.heap IS NULL OR h::oid > change.heap::oid ORDER BY h::oid LIMIT 1;
    EXIT WHEN change.heap IS NULL;
    change.next_block := 0;
    change.heap_blocks := nae_internal.heap_blocks(change.heap);
  END LOOP;
END
$$;

-- row_security: an owner whom policies bind would miss rows; now that is an error.
CREATE FUNCTION nae_internal.run_batch(statement text, first_block bigint, past_last bigint) RETURNS bigint
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
  SET row_security = off
AS $$
DECLARE
  met bigint;
BEGIN
  EXECUTE statement USING format('(%s,0)', first_block)::tid, format('(%s,0)', past_last)::tid;
  GET DIAGNOSTICS met = ROW_COUNT;
  RETURN met;
END
$$;

-- One batch: the rows that meet the condition are assigned to or, when there is nothing to assign, one
-- of them is looked for. Answers how many; NULL: the whole table has been walked over.
CREATE FUNCTION nae_internal.walk(change nae_internal.column_change, condition text, assignment text DEFAULT NULL) RETURNS bigint
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  stretch nae_internal.column_change := nae_internal.next_stretch(change);
  -- Looking locks no rows: five batches at once.
  past_last bigint := least(stretch.heap_blocks, stretch.next_block + nae_internal.batch_blocks(stretch.heap, change.batch_size)
                                                 * CASE WHEN assignment IS NULL THEN 5 ELSE 1 END);
  met bigint;
BEGIN
  IF stretch.heap IS NULL THEN
    RETURN NULL;
  END IF;
  met := nae_internal.run_batch(
    concat(coalesce('UPDATE ONLY ' || stretch.heap || ' SET ' || assignment, 'SELECT FROM ONLY ' || stretch.heap),
           ' WHERE ctid >= $1 AND ctid < $2 AND (', condition, ')', CASE WHEN assignment IS NULL THEN ' LIMIT 1' END),
    stretch.next_block, past_last);
  UPDATE nae_internal.column_change AS c
    SET heap = stretch.heap, heap_blocks = stretch.heap_blocks, next_block = past_last,
        blocks_done = blocks_done + (past_last - stretch.next_block),
        -- Others may have made the table longer since the phase began.
        blocks_total = greatest(blocks_total, blocks_done + (past_last - stretch.next_block)),
        rows_done = rows_done + CASE WHEN assignment IS NULL THEN 0 ELSE met END
    WHERE c.relation = change.relation AND c.column_name = change.column_name;
  RETURN met;
END
$$;

-- Constraints and indexes ---------------------------------------------------------------------------

-- What the swap relies on, proved while the table is in use: each row has its shadow.
CREATE FUNCTION nae_internal.add_shadow_checks(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  checks text;
BEGIN
  SELECT string_agg(format('ADD CONSTRAINT %I CHECK (%s) NOT VALID', wanted.name, wanted.expression), ', ') INTO checks
    FROM pg_attribute AS a
    CROSS JOIN LATERAL (VALUES
      (nae_internal.in_step_check(change), format('(%I IS NULL) = (%I IS NULL)', nae_internal.source_column(change), change.shadow), true),
      (nae_internal.not_null_check(change), format('%I IS NOT NULL', change.shadow), a.attnotnull)
    ) AS wanted(name, expression, needed)
    WHERE a.attrelid = change.relation AND a.attname = change.column_name AND wanted.needed
      AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = change.relation AND c.conname = wanted.name);
  IF checks IS NOT NULL THEN
    EXECUTE format('ALTER TABLE %s %s', change.relation, checks);
  END IF;
END
$$;

-- false: a row is not in step. Reads and writes go on meanwhile.
CREATE FUNCTION nae_internal.validate_shadow_checks(change nae_internal.column_change) RETURNS boolean
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  validations text;
BEGIN
  SELECT string_agg(format('VALIDATE CONSTRAINT %I', c.conname), ', ') INTO validations FROM pg_constraint AS c
    WHERE c.conrelid = change.relation AND NOT c.convalidated
      AND nae_internal.attnum(change.relation, change.shadow) = ANY (c.conkey);
  IF validations IS NOT NULL THEN  -- in one reading of the table
    EXECUTE format('ALTER TABLE %s %s', change.relation, validations);
  END IF;
  RETURN true;
EXCEPTION WHEN check_violation THEN
  RETURN false;
END
$$;

-- A key column of an index as CREATE INDEX writes it; the shadow instead of the column, in the default
-- operator class of its type. Codes of buckets have one of their own.
CREATE FUNCTION nae_internal.index_key(index regclass, place integer, column_number smallint, shadow name) RETURNS text
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN i.indkey[place - 1] = column_number THEN quote_ident(shadow)
                   || (SELECT CASE WHEN (n.nspname, o.opcname) = ('nae_internal', 'bucket_ops') THEN ' nae_internal.bucket_ops' ELSE '' END
                       FROM pg_opclass AS o JOIN pg_namespace AS n ON n.oid = o.opcnamespace WHERE o.oid = i.indclass[place - 1])
              ELSE pg_get_indexdef(index, place, true)
                   || coalesce(' ' || nae_internal.collate_clause(i.indcollation[place - 1]), '')
                   || (SELECT format(' %I.%I', n.nspname, o.opcname)
                       FROM pg_opclass AS o JOIN pg_namespace AS n ON n.oid = o.opcnamespace
                       WHERE o.oid = i.indclass[place - 1]) END
         || CASE WHEN i.indoption[place - 1] & 1 = 1 THEN ' DESC' ELSE '' END
         || CASE i.indoption[place - 1] & 3 WHEN 1 THEN ' NULLS LAST' WHEN 2 THEN ' NULLS FIRST' ELSE '' END
  FROM pg_index AS i WHERE i.indexrelid = index
$$;

CREATE FUNCTION nae_internal.shadow_index(index regclass) RETURNS name
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT nae_internal.derived_name(c.relname, '__nae') FROM pg_class AS c WHERE c.oid = index $$;

CREATE FUNCTION nae_internal.shadow_index_definition(change nae_internal.column_change, index regclass) RETURNS text
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('CREATE %s INDEX %I ON %s USING %I (%s)', CASE WHEN i.indisunique THEN 'UNIQUE' END,
                nae_internal.shadow_index(index), change.relation, am.amname,
                (SELECT string_agg(nae_internal.index_key(index, k, col.attnum, change.shadow), ', ' ORDER BY k)
                 FROM generate_series(1, i.indnkeyatts) AS k))
         || coalesce(' INCLUDE (' || (
              SELECT string_agg(CASE WHEN i.indkey[k - 1] = col.attnum THEN quote_ident(change.shadow)
                                     ELSE pg_get_indexdef(index, k, true) END, ', ' ORDER BY k)
              FROM generate_series(i.indnkeyatts + 1, i.indnatts) AS k) || ')', '')
         || CASE WHEN i.indnullsnotdistinct THEN ' NULLS NOT DISTINCT' ELSE '' END
         || coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '')
         || coalesce((SELECT format(' TABLESPACE %I', s.spcname)
                      FROM pg_tablespace AS s WHERE s.oid = c.reltablespace), '')
         || coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '')
  FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS am ON am.oid = c.relam
  CROSS JOIN (SELECT nae_internal.attnum(change.relation, change.column_name)) AS col(attnum)
  WHERE i.indexrelid = index
$$;

-- true: all are there. One in a transaction: writers wait no longer than one takes.
CREATE FUNCTION nae_internal.build_shadow_index(change nae_internal.column_change) RETURNS boolean
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  index regclass := (
    SELECT x.index FROM nae_internal.column_indexes(change.relation, change.column_name) AS x
    WHERE NOT EXISTS (SELECT FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
                      WHERE i.indrelid = change.relation AND c.relname = nae_internal.shadow_index(x.index))
    ORDER BY x.index::oid LIMIT 1);
BEGIN
  IF index IS NULL THEN
    RETURN true;
  END IF;
  IF nae_internal.try_lock(change.relation, 'SHARE') THEN
    EXECUTE nae_internal.shadow_index_definition(change, index);
  END IF;
  RETURN false;
END
$$;
