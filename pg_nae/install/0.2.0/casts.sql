-- What PostgreSQL may do by itself with an encrypted type: what it does with the plaintext type. Statements
-- over encrypted columns are resolved over plaintexts by the extension, but PostgreSQL resolves them first,
-- and must come through (pg_nae/columns/resolution.hpp). What it has found in a CHECK, a policy or a trigger's
-- condition stays.
--
-- All of it is read off the catalogs: a type more is a row more in types.sql.

CREATE FUNCTION nae.define_cast(source regtype, target regtype, function text, context text) RETURNS void
  LANGUAGE plpgsql AS $define$
DECLARE
  made "char" := (SELECT c.castcontext FROM pg_catalog.pg_cast AS c
                  WHERE c.castsource = source AND c.casttarget = target);
BEGIN
  IF made = 'i' OR (made = 'a' AND context = '') THEN
    RETURN;
  ELSIF made IS NOT NULL THEN
    EXECUTE format('DROP CAST (%s AS %s)', source, target);
  END IF;
  EXECUTE format('CREATE CAST (%s AS %s) WITH FUNCTION %s(%s) %s', source, target, function, source, context);
END
$define$;

CREATE FUNCTION nae.define_function(name text, argument regtype, result regtype, symbol text) RETURNS text
  LANGUAGE plpgsql AS $define$
BEGIN
  IF to_regprocedure(format('%s(%s)', name, argument)) IS NULL THEN
    EXECUTE format('CREATE FUNCTION %s(%s) RETURNS %s LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100'
                   ' AS ''MODULE_PATHNAME'', %L', name, argument, result, symbol);
  END IF;
  RETURN name;
END
$define$;

-- To other types, as the plaintext type by itself.
SELECT nae.define_cast(e.type, c.casttarget,
                       nae.define_function('nae.plain_as_' || t.typname, e.type, t.oid, 'nae_column_decrypt_as'),
                       'AS IMPLICIT')
FROM nae.encrypted_type AS e
JOIN pg_catalog.pg_cast AS c ON c.castsource = e.plain_type AND c.castcontext = 'i' AND c.casttarget <> e.plain_type
JOIN pg_catalog.pg_type AS t ON t.oid = c.casttarget AND t.typnamespace = 'pg_catalog'::regnamespace
-- Of numbers to the two that everything else can become. With bigint among them `age > 5` could mean two
-- operators, that of (integer, integer) and that of (bigint, integer).
-- Nor from time, which could become two that PostgreSQL prefers neither of.
WHERE CASE WHEN e.plain_type IN ('smallint'::regtype, 'integer', 'bigint') THEN t.typname IN ('numeric', 'float8')
           ELSE e.plain_type <> 'time'::regtype END;

-- From one encrypted type to another: implicitly where the plaintexts have a common type, and never to a
-- deterministic one, whose key is of another kind.
SELECT nae.define_cast(a.type, b.type,
                       nae.define_function(b.type::text, a.type, b.type, 'nae_column_convert'),
                       CASE WHEN NOT b.deterministic AND (a.plain_type = b.plain_type OR c.castcontext = 'i')
                            THEN 'AS IMPLICIT' ELSE 'AS ASSIGNMENT' END)
FROM nae.encrypted_type AS a
JOIN nae.encrypted_type AS b ON a.type <> b.type
LEFT JOIN pg_catalog.pg_cast AS c ON c.castsource = a.plain_type AND c.casttarget = b.plain_type
WHERE a.plain_type = b.plain_type OR c.castcontext IN ('i', 'a');

-- An untyped literal or parameter is of the type beside it. So each operator of one type has its like of the
-- encrypted type, which stands for it; but where PostgreSQL prefers the plaintext type of all of its kind,
-- it is taken anyway.
DO $define$
DECLARE
  o record;
  name text;
BEGIN
  FOR o IN
    SELECT e.type, e.plain_type, t.typname, op.oprname, op.oprleft <> 0 AS binary, op.oprresult::regtype AS result,
           p.proname
    FROM nae.encrypted_type AS e
    JOIN pg_catalog.pg_type AS t ON t.oid = e.type
    JOIN pg_catalog.pg_type AS plain ON plain.oid = e.plain_type AND NOT plain.typispreferred
    JOIN pg_catalog.pg_operator AS op ON op.oprright = e.plain_type AND op.oprleft IN (e.plain_type, 0)
      AND op.oprnamespace = 'pg_catalog'::regnamespace AND op.oprname !~ '^\*|^~[<>]'
    JOIN pg_catalog.pg_proc AS p ON p.oid = op.oprcode
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_operator AS made
                      WHERE made.oprname = op.oprname AND made.oprright = e.type
                        AND made.oprleft IN (e.type, 0) AND (made.oprleft <> 0) = (op.oprleft <> 0))
    ORDER BY t.typname, op.oprname
  LOOP
    name := format('nae.%I', o.typname || '_' || o.proname);
    EXECUTE format('CREATE FUNCTION %s(%s) RETURNS %s LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED COST 100 RETURN %s',
                   name, CASE WHEN o.binary THEN format('%s, %s', o.type, o.type) ELSE o.type::text END, o.result,
                   format(CASE WHEN o.binary THEN '$1::%1$s OPERATOR(pg_catalog.%2$s) $2::%1$s'
                               ELSE 'OPERATOR(pg_catalog.%2$s) $1::%1$s' END, nae.type_name(o.plain_type), o.oprname));
    EXECUTE format('CREATE OPERATOR pg_catalog.%s (%s RIGHTARG = %s, FUNCTION = %s)', o.oprname,
                   CASE WHEN o.binary THEN format('LEFTARG = %s,', o.type) END, o.type, name);
  END LOOP;
END
$define$;

-- Remainder and bits of integers of two sizes have no operator of their own: the smaller one is widened.
-- Beside an encrypted one it could become a numeric as well, and PostgreSQL would not choose.
DO $define$
DECLARE
  o record;
BEGIN
  FOR o IN
    SELECT e.type, e.plain_type, t.typname, other.type AS other, op.sign, op.name,
           (CASE WHEN p.typlen > q.typlen THEN e.plain_type ELSE other.type END)::regtype AS result
    FROM nae.encrypted_type AS e
    JOIN pg_catalog.pg_type AS t ON t.oid = e.type
    CROSS JOIN unnest(ARRAY['smallint', 'integer', 'bigint']::regtype[]) AS other(type)
    CROSS JOIN (VALUES ('%', 'mod'), ('&', 'and'), ('|', 'or'), ('#', 'xor')) AS op(sign, name)
    JOIN pg_catalog.pg_type AS p ON p.oid = e.plain_type
    JOIN pg_catalog.pg_type AS q ON q.oid = other.type
    WHERE e.plain_type IN ('smallint'::regtype, 'integer', 'bigint') AND other.type <> e.plain_type
  LOOP
    EXECUTE format('CREATE FUNCTION nae.%I(%s, %s) RETURNS %s LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED COST 100'
                   ' RETURN $1::%s OPERATOR(pg_catalog.%s) $2', o.typname || '_' || o.name, o.type, o.other, o.result,
                   o.plain_type, o.sign);
    EXECUTE format('CREATE FUNCTION nae.%I(%s, %s) RETURNS %s LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED COST 100'
                   ' RETURN $1 OPERATOR(pg_catalog.%s) $2::%s', o.typname || '_' || o.name, o.other, o.type, o.result,
                   o.sign, o.plain_type);
    EXECUTE format('CREATE OPERATOR pg_catalog.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = nae.%I)',
                   o.sign, o.type, o.other, o.typname || '_' || o.name);
    EXECUTE format('CREATE OPERATOR pg_catalog.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = nae.%I)',
                   o.sign, o.other, o.type, o.typname || '_' || o.name);
  END LOOP;
END
$define$;

DROP FUNCTION nae.define_function(text, regtype, regtype, text);
DROP FUNCTION nae.define_cast(regtype, regtype, text, text);
