-- What may be declared: an event trigger refuses the rest when it is made, and gives each encrypted column
-- a CHECK that lets only ciphertext in.

-- The CHECK --------------------------------------------------------------------------------------

-- Not named after the table: a table attached as a partition needs its parent's constraints by name.
CREATE FUNCTION nae_internal.ciphertext_check_name(target regclass, column_name name) RETURNS name
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  suffix text := '_is_ciphertext';
  candidate name := nae_internal.derived_name(column_name, suffix);
  taken integer := 0;
BEGIN
  -- By a constraint whose column was renamed, say.
  WHILE EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = target AND c.conname = candidate) LOOP
    taken := taken + 1;
    candidate := nae_internal.derived_name(column_name, suffix || taken);
  END LOOP;
  RETURN candidate;
END
$$;

-- Ours only, by name and content. Partitions lose it with their parent.
CREATE FUNCTION nae_internal.drop_idle_checks(target regclass) RETURNS text
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  drops text;
BEGIN
  SELECT string_agg(format('DROP CONSTRAINT %I', con.conname), ', ') INTO drops
    FROM pg_depend AS d
    JOIN pg_constraint AS con ON con.oid = d.objid AND con.conrelid = target AND con.coninhcount = 0
    JOIN pg_proc AS p ON p.oid = d.refobjid AND p.proname = 'is_ciphertext' AND p.pronamespace = 'nae'::regnamespace
    WHERE d.refclassid = 'pg_proc'::regclass
      AND NOT EXISTS (SELECT FROM nae.encrypted_type AS e WHERE e.type = p.proargtypes[0])
      AND d.classid = 'pg_constraint'::regclass AND con.conname ~ '_is_ciphertext\d*$'
      AND cardinality(con.conkey) = 1 AND pg_get_expr(con.conbin, target) ~ '^nae\.is_ciphertext\(.*\)$';
  RETURN format('ALTER TABLE %s ', target) || drops;
END
$$;

-- The event trigger ------------------------------------------------------------------------------

-- The functions here read catalogs, in the name of the extension's owner, so that nobody else may call them. What
-- they answer are statements, which the guard executes in the name of whoever changes the schema.

-- What takes queries of a table that has encrypted columns and triggers, or is partitioned.
CREATE FUNCTION nae_internal.guard_table(target regclass) RETURNS SETOF text
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM nae_internal.refuse_partition_key(target);
  PERFORM nae_internal.refuse_foreign_keys(target);
  PERFORM nae_internal.refuse_renames(target);
  RETURN QUERY SELECT nae_internal.renewed_blind_indexes(target);
  RETURN QUERY SELECT nae_internal.refuse_unkept_rotation(target, false);
  RETURN QUERY SELECT nae_internal.unkept_searches(target);
END
$$;

-- Runs after the command and in its transaction: guard.cpp. The
-- ALTER TABLE that it makes calls it once more, and then finds nothing left to do.
CREATE FUNCTION nae_internal.guard() RETURNS event_trigger
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
  SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'nae_guard';

-- The tags of what CREATE SCHEMA and IMPORT FOREIGN SCHEMA make are not their own.
CREATE EVENT TRIGGER nae_guard ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE MATERIALIZED VIEW',
               'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE TYPE', 'ALTER TYPE', 'CREATE DOMAIN', 'ALTER DOMAIN',
               'CREATE INDEX', 'CREATE TRIGGER', 'ALTER TRIGGER', 'CREATE FUNCTION', 'CREATE STATISTICS', 'CREATE SCHEMA', 'IMPORT FOREIGN SCHEMA')
  EXECUTE FUNCTION nae_internal.guard();
-- In sessions that replay what others did, too: columns are declared there as anywhere.
ALTER EVENT TRIGGER nae_guard ENABLE ALWAYS;

-- What drops a trigger and leaves its table.
CREATE FUNCTION nae_internal.guard_drops() RETURNS event_trigger
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
  SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'nae_guard_drops';
CREATE EVENT TRIGGER nae_guard_drops ON sql_drop
  WHEN TAG IN ('DROP TRIGGER', 'DROP FUNCTION', 'DROP ROUTINE', 'DROP SCHEMA', 'DROP OWNED', 'ALTER TABLE')
  EXECUTE FUNCTION nae_internal.guard_drops();
ALTER EVENT TRIGGER nae_guard_drops ENABLE ALWAYS;
