-- The swap: the shadow column takes the old one's place and gets everything that the old one had. Each
-- function here answers statements to be executed when the old column is gone and the shadow has its name.

-- The default as an expression of the plaintext type, from which there is an assignment to either type.
CREATE FUNCTION nae_internal.kept_settings(change nae_internal.column_change) RETURNS SETOF text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('ALTER TABLE %s ALTER COLUMN %I SET %s', change.relation, change.column_name, setting)
  FROM pg_attribute AS a
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  -- Newer minor releases keep something of their own among the options of a column.
  CROSS JOIN LATERAL (SELECT string_agg(o, ', ') FROM unnest(a.attoptions) AS o WHERE o NOT LIKE 'pg\_attver=%') AS o(options)
  CROSS JOIN LATERAL (VALUES ('DEFAULT (' || pg_get_expr(d.adbin, d.adrelid) || ')::' || nae_internal.type_name(nae_internal.plain_type(a.atttypid))),
                             ('STATISTICS ' || nullif(a.attstattarget, -1)),
                             ('(' || o.options || ')')) AS s(setting)
  WHERE a.attrelid = change.relation AND a.attname = change.column_name AND setting IS NOT NULL
  UNION ALL
  SELECT format('COMMENT ON COLUMN %s.%I IS %L', change.relation, change.column_name,
                col_description(change.relation, nae_internal.attnum(change.relation, change.column_name)))
$$;

CREATE FUNCTION nae_internal.kept_privileges(change nae_internal.column_change) RETURNS SETOF text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('GRANT %s (%I) ON %s TO %s%s', acl.privilege_type, change.column_name, change.relation,
                CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END,
                CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_attribute AS a CROSS JOIN LATERAL aclexplode(a.attacl) AS acl
  WHERE a.attrelid = change.relation AND a.attname = change.column_name
$$;

-- The old column's CHECK constraints, but not our own.
CREATE FUNCTION nae_internal.old_checks(change nae_internal.column_change) RETURNS SETOF pg_constraint
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT con.*
  FROM nae_internal.attnum(change.relation, change.column_name) AS attnum
  JOIN pg_constraint AS con ON con.conrelid = change.relation AND con.contype = 'c' AND attnum = ANY (con.conkey)
  WHERE con.conname <> nae_internal.in_step_check(change)
    AND con.oid NOT IN (SELECT own.oid FROM nae_internal.ciphertext_checks(change.relation, attnum) AS own)
    AND NOT (change.kind = 'recode_search' AND nae_internal.calls_has_codes(con.oid))
$$;

-- Written anew, they mean the same of the new column. NOT VALID: they are validated when the table is
-- free again.
CREATE FUNCTION nae_internal.kept_checks(change nae_internal.column_change) RETURNS SETOF text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s%s', change.relation, con.conname, pg_get_constraintdef(con.oid),
                CASE WHEN con.convalidated THEN ' NOT VALID' ELSE '' END)
  FROM nae_internal.old_checks(change) AS con
$$;

-- The shadow's CHECK gets the name that the guard would have given it.
CREATE FUNCTION nae_internal.renamed_ciphertext_check(change nae_internal.column_change) RETURNS SETOF text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', change.relation, con.conname,
                nae_internal.derived_name(change.column_name, '_is_ciphertext'))
  FROM nae_internal.ciphertext_checks(change.relation, nae_internal.attnum(change.relation, change.shadow)) AS con
$$;

-- A validated CHECK spares SET NOT NULL a look at the rows. From PostgreSQL 18 on it is a constraint with a
-- name.
CREATE FUNCTION nae_internal.kept_not_null(change nae_internal.column_change) RETURNS SETOF text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format(statement, change.relation, change.column_name, nae_internal.not_null_check(change), con.conname)
  FROM pg_attribute AS a
  LEFT JOIN pg_constraint AS con
    ON con.conrelid = a.attrelid AND con.contype = 'n' AND con.conkey = ARRAY[a.attnum]
  CROSS JOIN LATERAL (VALUES
    (1, CASE WHEN con.oid IS NULL THEN 'ALTER TABLE %1$s ALTER COLUMN %2$I SET NOT NULL'
             ELSE 'ALTER TABLE %1$s ADD CONSTRAINT %4$I NOT NULL %2$I' END),
    (2, 'ALTER TABLE %1$s DROP CONSTRAINT %3$I')) AS s(place, statement)
  WHERE a.attrelid = change.relation AND a.attname = change.column_name AND a.attnotnull
  ORDER BY place
$$;

CREATE FUNCTION nae_internal.kept_indexes(change nae_internal.column_change) RETURNS SETOF text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT statement
  FROM nae_internal.column_indexes(change.relation, change.column_name) AS x
  JOIN pg_index AS i ON i.indexrelid = x.index
  JOIN pg_class AS c ON c.oid = x.index JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_constraint AS con
    ON con.conindid = x.index AND con.conrelid = change.relation AND con.contype IN ('p', 'u')
  CROSS JOIN LATERAL (VALUES
    (CASE WHEN con.oid IS NULL
          THEN format('ALTER INDEX %I.%I RENAME TO %I', n.nspname, nae_internal.shadow_index(x.index), c.relname)
          ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s USING INDEX %I%s', change.relation, con.conname,
                      CASE con.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, nae_internal.shadow_index(x.index),
                      CASE WHEN con.condeferred THEN ' DEFERRABLE INITIALLY DEFERRED'
                           WHEN con.condeferrable THEN ' DEFERRABLE' ELSE '' END) END),
    (CASE WHEN i.indisclustered THEN format('ALTER TABLE %s CLUSTER ON %I', change.relation, c.relname) END),
    (CASE WHEN i.indisreplident
          THEN format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %I', change.relation, c.relname) END),
    (format('COMMENT ON INDEX %I.%I IS %L', n.nspname, c.relname, obj_description(x.index, 'pg_class')))
  ) AS s(statement)
  WHERE statement IS NOT NULL
$$;

-- Of a column of codes it is not about the column that goes, and so does not go with it.
CREATE FUNCTION nae_internal.dropped_in_step_check(change nae_internal.column_change) RETURNS SETOF text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', change.relation, con.conname)
  FROM pg_constraint AS con
  WHERE con.conrelid = change.relation AND con.conname = nae_internal.in_step_check(change)
    AND NOT nae_internal.attnum(change.relation, change.column_name) = ANY (con.conkey)
$$;

CREATE FUNCTION nae_internal.replace_column(change nae_internal.column_change, afterwards text[]) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  statement text;
BEGIN
  PERFORM nae_internal.refuse_uncoded(change);
  PERFORM nae_internal.drop_old_codes_checks(change);
  PERFORM nae_internal.drop_sync_triggers(change);
  PERFORM nae_internal.drop_coding_triggers(change);
  -- No CASCADE: what came to depend on it since the beginning is an error here.
  EXECUTE format('ALTER TABLE %s DROP COLUMN %I', change.relation, change.column_name);
  EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', change.relation, change.shadow, change.column_name);
  FOREACH statement IN ARRAY afterwards LOOP
    EXECUTE statement;
  END LOOP;
END
$$;

-- All that does not need filled rows, made and undone: what PostgreSQL refuses at the swap (a CHECK or a
-- default that does not work with the new type, a forgotten dependent) it refuses before hours of filling.
CREATE FUNCTION nae_internal.rehearse_swap(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM nae_internal.replace_column(change, ARRAY(
    SELECT nae_internal.kept_settings(change) UNION ALL SELECT nae_internal.kept_privileges(change)
    UNION ALL SELECT nae_internal.kept_checks(change) UNION ALL SELECT nae_internal.renamed_ciphertext_check(change)
    UNION ALL SELECT nae_internal.kept_blind_indexes(change)));
  RAISE EXCEPTION USING ERRCODE = 'NE999';  -- nobody else's: takes everything back
EXCEPTION WHEN SQLSTATE 'NE999' THEN
  NULL;
END
$$;

CREATE FUNCTION nae_internal.remember_checks(change nae_internal.column_change) RETURNS void
  LANGUAGE sql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE nae_internal.column_change AS c
  SET unchecked = ARRAY(SELECT con.conname FROM nae_internal.old_checks(change) AS con WHERE con.convalidated)
  WHERE c.relation = change.relation AND c.column_name = change.column_name
$$;

CREATE FUNCTION nae_internal.swap_columns(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM nae_internal.remember_checks(change);
  PERFORM nae_internal.replace_column(change, ARRAY(
    SELECT nae_internal.kept_settings(change) UNION ALL SELECT nae_internal.kept_privileges(change)
    UNION ALL SELECT nae_internal.kept_not_null(change) UNION ALL SELECT nae_internal.kept_indexes(change)
    UNION ALL SELECT nae_internal.kept_checks(change) UNION ALL SELECT nae_internal.renamed_ciphertext_check(change)
    UNION ALL SELECT nae_internal.dropped_in_step_check(change) UNION ALL SELECT nae_internal.renamed_codes_check(change)
    UNION ALL SELECT nae_internal.kept_blind_indexes(change)));
END
$$;

-- By rewriting --------------------------------------------------------------------------------------

-- The one command that rewrites: the old column takes over the values of its shadow, which becomes empty.
-- Nothing is encrypted or decrypted by it; indexes, constraints and privileges are carried over by
-- PostgreSQL. CHECK constraints of the user's would decrypt row by row: they wait until the table is free.
CREATE FUNCTION nae_internal.rewriting_command(change nae_internal.column_change) RETURNS text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('ALTER TABLE %s ', change.relation) || string_agg(action, ', ' ORDER BY place)
  FROM (
    SELECT 1, format('DROP CONSTRAINT %I', con.conname)
    FROM pg_constraint AS con
    WHERE con.conrelid = change.relation AND con.contype = 'c'
      AND con.conkey && ARRAY[nae_internal.attnum(change.relation, change.column_name),
                              nae_internal.attnum(change.relation, change.shadow)]
    UNION ALL
    SELECT 2, format('ALTER COLUMN %I DROP DEFAULT', change.column_name)
    UNION ALL
    SELECT 3, format('ALTER COLUMN %I TYPE %s %s USING %I', change.column_name,
                     nae_internal.type_with_key(change.new_type, change.key, change.context, change.version),
                     nae_internal.collate_clause(a.attcollation), change.shadow)
    FROM pg_attribute AS a WHERE a.attrelid = change.relation AND a.attname = change.column_name
    UNION ALL
    SELECT 4, format('ALTER COLUMN %I TYPE boolean USING NULL', change.shadow)
    UNION ALL
    SELECT 5, format('ADD CONSTRAINT %I CHECK (nae.is_ciphertext(%I))',
                     nae_internal.derived_name(change.column_name, '_is_ciphertext'), change.column_name)
    WHERE change.key IS NOT NULL
  ) AS command(place, action)
$$;

CREATE FUNCTION nae_internal.swap_by_rewrite(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  afterwards text[] := ARRAY(SELECT nae_internal.kept_settings(change) UNION ALL SELECT nae_internal.kept_checks(change)
                             UNION ALL SELECT nae_internal.kept_blind_indexes(change));
  statement text;
BEGIN
  PERFORM nae_internal.remember_checks(change);
  PERFORM nae_internal.drop_sync_triggers(change);
  PERFORM nae_internal.drop_coding_triggers(change);
  EXECUTE nae_internal.rewriting_command(change);
  EXECUTE format('ALTER TABLE %s DROP COLUMN %I', change.relation, change.shadow);
  FOREACH statement IN ARRAY afterwards LOOP
    EXECUTE statement;
  END LOOP;
END
$$;
