-- Operators of encrypted arrays: tags @> '{x}', tags = others. PostgreSQL's take any array, and an encrypted one is
-- none. Statements are resolved over plaintexts afterwards (casts.sql); what has been found in a CHECK, a policy or a
-- trigger's condition stays.
--
-- Both sides are encrypted types, and none is a plaintext type: an operator that took text[] beside an encrypted
-- array would be PostgreSQL's choice for '{x}' @> ARRAY['x'] in whatever statement, before its own for any array.
DO $define$
DECLARE
  o record;
  name text;
  strategy int;
BEGIN
  FOR o IN
    SELECT e.type, t.typname, op.oprname, p.proname, nae_internal.type_name(e.plain_type) AS plain,
           CASE op.oprresult WHEN 'boolean'::regtype THEN 'boolean' ELSE nae_internal.type_name(e.plain_type) END AS result
    FROM nae.encrypted_type AS e
    JOIN pg_catalog.pg_type AS t ON t.oid = e.type
    JOIN pg_catalog.pg_type AS plain ON plain.oid = e.plain_type AND plain.typcategory = 'A'
    JOIN pg_catalog.pg_operator AS op ON op.oprnamespace = 'pg_catalog'::regnamespace AND op.oprleft = op.oprright
      AND op.oprright IN ('anyarray'::regtype::oid, 'anycompatiblearray'::regtype::oid)
    JOIN pg_catalog.pg_proc AS p ON p.oid = op.oprcode
    ORDER BY t.typname, op.oprname
  LOOP
    name := format('nae_internal.%I', o.typname || '_' || o.proname);
    EXECUTE format('CREATE FUNCTION %s(%s, %s) RETURNS %s LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED COST 100'
                   ' RETURN $1::%s OPERATOR(pg_catalog.%s) $2::%s', name, o.type, o.type, o.result, o.plain, o.oprname,
                   o.plain);
    EXECUTE format('CREATE OPERATOR pg_catalog.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %s %s)',
                   o.oprname, o.type, o.type, name,
                   CASE o.oprname WHEN '=' THEN ', NEGATOR = OPERATOR(pg_catalog.<>)'
                                  WHEN '<>' THEN ', NEGATOR = OPERATOR(pg_catalog.=)' END);
    strategy := array_position(ARRAY['<', '<=', '=', '>=', '>'], o.oprname::text);
    IF strategy IS NOT NULL THEN  -- (a, b) < (c, d), as in casts.sql
      EXECUTE format('ALTER OPERATOR FAMILY nae.as_plaintexts USING btree ADD OPERATOR %s pg_catalog.%s (%s, %s)',
                     strategy, o.oprname, o.type, o.type);
    END IF;
  END LOOP;
END
$define$;
