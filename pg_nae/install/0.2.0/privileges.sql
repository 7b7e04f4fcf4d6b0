-- Who may execute what, when everything is there.

-- Of nae: what shows or says nothing that a role may not see anyway is for everybody.
REVOKE ALL ON ALL ROUTINES IN SCHEMA nae FROM PUBLIC;
DO $do$
DECLARE
  made record;
BEGIN
  FOR made IN
    SELECT p.oid::regprocedure AS signature, c.comment
    FROM (VALUES ('lint', NULL),
                 ('search', 'whether each word of a query is in a text; before a * the beginning of one'),
                 ('has_codes', 'whether a row has codes of a search index: of the CHECK that each table with one has'),
                 ('is_ciphertext', 'whether a value is ciphertext: of the CHECK that each encrypted column has'),
                 ('key_version', 'the key version under which a value was encrypted'),
                 ('rewrap', 'the value under the newest version of its key, which no role sees for that')) AS c(name, comment)
    JOIN pg_catalog.pg_proc AS p ON p.proname = c.name AND p.pronamespace = 'nae'::regnamespace
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', made.signature);
    IF made.comment IS NOT NULL THEN
      EXECUTE format('COMMENT ON FUNCTION %s IS %L', made.signature, made.comment);
    END IF;
  END LOOP;
END
$do$;

-- Of nae_internal: PostgreSQL asks for the right of whoever runs a statement where it has an operator, a cast or an
-- aggregate, and where an expression calls a function. It asks nobody for support functions of types and
-- operator classes, and the guard calls its own as the extension's owner.
REVOKE ALL ON ALL ROUTINES IN SCHEMA nae_internal FROM PUBLIC;
DO $do$
DECLARE
  granted text;
BEGIN
  SELECT string_agg(p.oid::regprocedure::text, ', ') INTO granted
  FROM pg_catalog.pg_proc AS p
  WHERE p.pronamespace = 'nae_internal'::regnamespace AND (
    p.prokind = 'a'
    OR EXISTS (SELECT FROM pg_catalog.pg_operator AS o WHERE o.oprcode = p.oid)
    OR EXISTS (SELECT FROM pg_catalog.pg_cast AS c WHERE c.castfunc = p.oid)
    -- What the planner hook puts in the place of a cast.
    OR p.proname IN ('plain', 'plain_row', 'search_token', 'search_for', 'search_range') OR p.prosrc = 'nae_column_pend_array'
    -- What the views of nae call.
    OR p.proname IN ('base_type', 'trigger_arguments', 'complete_check', 'is_complete', 'search_mark')
    -- What triggers call that keep columns of users' tables.
    OR p.proname IN ('rows_differ', 'is_changing', 'keeps_codes', 'may_assign', 'is_coding_text', 'is_sync_text', 'blind_index_input', 'search_input', 'take_code', 'is_uncoded')
    -- Parts of nae.lint().
    OR p.proname ~ '^lint_' OR p.proname IN ('newest_versions', 'ciphertext_checks', 'called', 'search_declaration', 'unkept_parts', 'late_triggers', 'assigns_no_value')
    -- Parts of nae.blind_index_of(), for which a role needs EXECUTE on that and on blind_index_search().
    OR p.proname IN ('find_blind_index', 'search_code', 'coding_of', 'type_name', 'coded_text', 'normalized'));
  EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO PUBLIC', granted);
END
$do$;

-- What encrypt_column and its like need besides. Nothing of it reads or writes another one's table, and what keys
-- do is the policy's to say.
CREATE FUNCTION nae_internal.migration_routines() RETURNS text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(p.oid::regprocedure::text, ', ' ORDER BY p.oid)
  FROM pg_proc AS p
  WHERE (p.pronamespace = 'nae'::regnamespace AND p.proname NOT IN ('grant_migration', 'revoke_migration')
      OR p.pronamespace = 'nae_internal'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_depend AS d  -- support functions
        WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid
          AND (d.classid IN ('pg_type'::regclass, 'pg_amproc'::regclass, 'pg_opclass'::regclass, 'pg_event_trigger'::regclass)
            OR d.classid = 'pg_proc'::regclass AND d.objid IN (SELECT a.aggfnoid FROM pg_aggregate AS a))))
    AND NOT EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a WHERE a.grantee = 0)
    AND p.proname <> 'migration_routines'
$$;
REVOKE ALL ON FUNCTION nae_internal.migration_routines() FROM PUBLIC;

CREATE FUNCTION nae.grant_migration(role regrole) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format('GRANT EXECUTE ON ROUTINE %s, @extschema@.nae_keys() TO %s', nae_internal.migration_routines(), role);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON nae_internal.column_change TO %s', role);
END
$$;
COMMENT ON FUNCTION nae.grant_migration(regrole)
  IS 'lets a role encrypt, decrypt, rotate, verify and search columns of tables that it owns';

CREATE FUNCTION nae.revoke_migration(role regrole) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format('REVOKE EXECUTE ON ROUTINE %s, @extschema@.nae_keys() FROM %s', nae_internal.migration_routines(), role);
  EXECUTE format('REVOKE SELECT, INSERT, UPDATE, DELETE ON nae_internal.column_change FROM %s', role);
END
$$;
COMMENT ON FUNCTION nae.revoke_migration(regrole) IS 'takes back what nae.grant_migration gave';
REVOKE ALL ON FUNCTION nae.grant_migration(regrole), nae.revoke_migration(regrole) FROM PUBLIC;
