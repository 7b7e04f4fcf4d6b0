-- What may be declared: an event trigger refuses the rest when it is made, and gives each encrypted column
-- a CHECK that lets only ciphertext in.

-- The CHECK --------------------------------------------------------------------------------------

-- Not named after the table: a table attached as a partition needs its parent's constraints by name.
CREATE FUNCTION nae.ciphertext_check_name(target regclass, column_name name) RETURNS name
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  suffix text := '_is_ciphertext';
  candidate name := nae.derived_name(column_name, suffix);
  taken integer := 0;
BEGIN
  -- By a constraint whose column was renamed, say.
  WHILE EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = target AND c.conname = candidate) LOOP
    taken := taken + 1;
    candidate := nae.derived_name(column_name, suffix || taken);
  END LOOP;
  RETURN candidate;
END
$$;

-- All in one command: the rows that are there already are read once. Partitions and children of
-- inheritance get it from their parent. A CHECK that is there, as in what pg_restore creates, is enough.
CREATE FUNCTION nae.add_ciphertext_checks(target regclass) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  additions text;
BEGIN
  SELECT string_agg(format('ADD CONSTRAINT %I CHECK (nae.is_ciphertext(%I))',
                           nae.ciphertext_check_name(target, e.column_name), e.column_name), ', ')
    INTO additions
    FROM nae.encrypted_column AS e JOIN pg_class AS c ON c.oid = e.relation
    WHERE e.relation = target AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT FROM nae.ciphertext_checks(target, e.attnum));
  IF additions IS NOT NULL THEN
    EXECUTE format('ALTER TABLE %s %s', target, additions);
  END IF;
END
$$;

-- Ours only, by name and content. What depends on the function for plain columns is next to nothing,
-- whatever the table: a look that each ALTER TABLE can afford. Partitions lose it with their parent.
CREATE FUNCTION nae.drop_idle_checks(target regclass) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  drops text;
BEGIN
  SELECT string_agg(format('DROP CONSTRAINT %I', con.conname), ', ') INTO drops
    FROM pg_depend AS d
    JOIN pg_constraint AS con ON con.oid = d.objid AND con.conrelid = target AND con.coninhcount = 0
    JOIN pg_attribute AS a ON a.attrelid = target AND a.attnum = con.conkey[1]
    WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = 'nae.is_ciphertext(anyelement)'::regprocedure
      AND d.classid = 'pg_constraint'::regclass AND con.conname ~ '_is_ciphertext\d*$'
      AND pg_get_expr(con.conbin, target) = format('nae.is_ciphertext(%I)', a.attname);
  IF drops IS NOT NULL THEN
    EXECUTE format('ALTER TABLE %s %s', target, drops);
  END IF;
END
$$;

-- The event trigger ------------------------------------------------------------------------------

-- One object at a time, by its OID: joined, these lookups would read whole catalogs for each command.
CREATE FUNCTION nae.guard_relation(relation regclass) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  target regclass := coalesce((SELECT i.indrelid FROM pg_index AS i WHERE i.indexrelid = relation), relation);
  kind "char" := (SELECT c.relkind FROM pg_class AS c WHERE c.oid = target);
BEGIN
  PERFORM nae.drop_idle_checks(target);
  IF NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = target AND a.attnum > 0
                   AND a.atttypid >= 16384 AND NOT a.attisdropped) THEN
    RETURN;
  ELSIF kind = 'c' THEN  -- how ALTER TYPE reports a composite type
    PERFORM nae.guard_type((SELECT c.reltype FROM pg_class AS c WHERE c.oid = target));
  ELSIF kind IN ('r', 'p', 'm', 'f') THEN
    PERFORM nae.refuse_columns(target);
    PERFORM nae.keep_column_key(c.typmod) FROM nae.encrypted_column AS c WHERE c.relation = target;
    PERFORM nae.refuse_indexes(target);
    PERFORM nae.refuse_partition_key(target);
    PERFORM nae.refuse_foreign_keys(target);
    PERFORM nae.refuse_checks(target);
    PERFORM nae.add_ciphertext_checks(target);
    PERFORM nae.refuse_renames(target);
    PERFORM nae.renew_blind_indexes(target);
  END IF;
END
$$;

-- Runs in the name of whoever changes the schema, after the command and in its transaction. The ALTER
-- TABLE that it makes calls it once more, and then finds nothing left to do.
CREATE FUNCTION nae.guard() RETURNS event_trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  object record;
BEGIN
  FOR object IN SELECT DISTINCT c.classid, c.objid FROM pg_event_trigger_ddl_commands() AS c LOOP
    CASE object.classid
      WHEN 'pg_class'::regclass THEN PERFORM nae.guard_relation(object.objid);
      WHEN 'pg_type'::regclass THEN PERFORM nae.guard_type(object.objid);
      WHEN 'pg_trigger'::regclass THEN PERFORM nae.guard_trigger(object.objid);
      WHEN 'pg_statistic_ext'::regclass THEN PERFORM nae.guard_statistics(object.objid);
      ELSE NULL;
    END CASE;
  END LOOP;
END
$$;

-- The tags of what CREATE SCHEMA and IMPORT FOREIGN SCHEMA make are not their own.
CREATE EVENT TRIGGER nae_guard ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE MATERIALIZED VIEW',
               'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE TYPE', 'ALTER TYPE', 'CREATE DOMAIN', 'ALTER DOMAIN',
               'CREATE INDEX', 'CREATE TRIGGER', 'CREATE STATISTICS', 'CREATE SCHEMA', 'IMPORT FOREIGN SCHEMA')
  EXECUTE FUNCTION nae.guard();
