-- Stand-ins for PostgreSQL's functions and aggregates of one value. Of several for the types that an encrypted
-- value could become, PostgreSQL would take the one for the type that it prefers: max(born) + 1 would be a
-- timestamp and a number, round(avg(age), 2) of a double. Statements are resolved over plaintexts in the end;
-- before that PostgreSQL must come through.

DO $define$
DECLARE
  f record;
BEGIN
  FOR f IN
    SELECT e.type, nae_internal.type_name(e.plain_type) AS plain, p.proname, p.prorettype::regtype AS result, p.pronargs
    FROM nae.encrypted_type AS e
    JOIN pg_catalog.pg_proc AS p ON p.proargtypes[p.pronargs - 1] = e.plain_type AND p.prokind = 'f'
      AND (p.pronargs = 1 OR (p.pronargs = 2 AND p.proargtypes[0] = 'text'::regtype))
      AND p.pronamespace = 'pg_catalog'::regnamespace AND NOT p.proretset AND p.prorettype <> 'cstring'::regtype
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_cast AS c WHERE c.castfunc = p.oid)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS t WHERE p.oid IN (t.typoutput, t.typsend))
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_operator AS o WHERE o.oprcode = p.oid)
      AND EXISTS (SELECT FROM pg_catalog.pg_proc AS q
                  JOIN pg_catalog.pg_cast AS c ON c.casttarget = q.proargtypes[q.pronargs - 1] AND c.castcontext = 'i'
                  WHERE q.proname = p.proname AND q.pronamespace = p.pronamespace AND q.pronargs = p.pronargs
                    AND q.oid <> p.oid AND c.castsource = e.type
                    -- Of those PostgreSQL has several for an untyped literal anyway, and goes on to prefer one.
                    AND (p.pronargs = 1 OR q.proargtypes[0] = p.proargtypes[0]))
  LOOP
    EXECUTE format('CREATE FUNCTION pg_catalog.%1$I(%5$s %2$s) RETURNS %3$s LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED'
                   ' COST 100 RETURN pg_catalog.%1$I(%6$s $%7$s::%4$s)', f.proname, f.type, f.result, f.plain,
                   CASE f.pronargs WHEN 2 THEN 'text,' ELSE '' END, CASE f.pronargs WHEN 2 THEN '$1,' ELSE '' END, f.pronargs);
  END LOOP;
END
$define$;

-- Of arrays: cardinality(tags), unnest(tags). An encrypted array is no array to PostgreSQL, so a function of any array
-- does not know it. Functions of an array and of any element beside it have no stand-in: array_append('{1}', 2) could
-- mean several then.
DO $define$
DECLARE
  f record;
BEGIN
  FOR f IN
    SELECT p.proname, e.type, nae_internal.type_name(e.plain_type) AS plain,
           concat(CASE WHEN p.proretset THEN 'SETOF ' END,
                  CASE p.prorettype WHEN 'anyarray'::regtype THEN nae_internal.type_name(e.plain_type)
                                    WHEN 'anyelement'::regtype THEN nae_internal.type_name(plain.typelem::regtype)
                                    ELSE p.prorettype::regtype::text END) AS result,
           concat_ws(', ', format('$1::%s', nae_internal.type_name(e.plain_type)), rest.passed) AS passed,
           concat_ws(', ', e.type::text, rest.types) AS arguments
    FROM nae.encrypted_type AS e
    JOIN pg_catalog.pg_type AS plain ON plain.oid = e.plain_type AND plain.typcategory = 'A'
    JOIN pg_catalog.pg_proc AS p ON p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
      AND p.proargtypes[0] = 'anyarray'::regtype
    CROSS JOIN LATERAL
      (SELECT string_agg(t::regtype::text, ', ' ORDER BY at) AS types, string_agg(format('$%s', at), ', ' ORDER BY at) AS passed,
              coalesce(bool_or(y.typtype = 'p'), false) AS polymorphic
       FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, at) JOIN pg_catalog.pg_type AS y ON y.oid = t WHERE at > 1) AS rest
    WHERE NOT rest.polymorphic AND p.prorettype <> 'cstring'::regtype AND p.proname !~ '^hash_|_send$'
  LOOP
    EXECUTE format('CREATE FUNCTION pg_catalog.%1$I(%2$s) RETURNS %3$s LANGUAGE sql STABLE PARALLEL RESTRICTED COST 100'
                   ' BEGIN ATOMIC SELECT pg_catalog.%1$I(%4$s); END', f.proname, f.arguments, f.result, f.passed);
  END LOOP;
END
$define$;

-- Aggregates stand in for the analysis alone: one that is executed is an error.
CREATE FUNCTION nae_internal.define_aggregate(name name, arguments text, result regtype) RETURNS void
  LANGUAGE plpgsql AS $define$
BEGIN
  IF to_regprocedure(format('nae_internal.aggregated(%s, %s)', result, arguments)) IS NULL THEN
    EXECUTE format('CREATE FUNCTION nae_internal.aggregated(%s, %s) RETURNS %1$s LANGUAGE c STABLE PARALLEL RESTRICTED'
                   ' AS ''MODULE_PATHNAME'', ''nae_aggregated''', result, arguments);
  END IF;
  EXECUTE format('CREATE AGGREGATE pg_catalog.%I(%s) (SFUNC = nae_internal.aggregated, STYPE = %s)', name, arguments, result);
END
$define$;

-- array_agg, which takes any type, comes through without.
SELECT nae_internal.define_aggregate(p.proname, concat_ws(', ', e.type::text, format_type(p.proargtypes[1], NULL)),
                            CASE p.prorettype WHEN 'anyarray'::regtype THEN e.plain_type ELSE p.prorettype END)
FROM nae.encrypted_type AS e
JOIN pg_catalog.pg_type AS plain ON plain.oid = e.plain_type
JOIN pg_catalog.pg_proc AS p ON p.prokind = 'a' AND p.pronamespace = 'pg_catalog'::regnamespace
  AND p.pronargs BETWEEN 1 AND 2
  AND (p.proargtypes[0] = e.plain_type
       OR (p.proargtypes[0] = 'anyarray'::regtype AND plain.typcategory = 'A' AND p.proname <> 'array_agg'))
JOIN pg_catalog.pg_aggregate AS a ON a.aggfnoid = p.oid AND a.aggkind = 'n'
WHERE p.proname = 'string_agg' OR (p.pronargs = 1 AND NOT plain.typispreferred);

DROP FUNCTION nae_internal.define_aggregate(name, text, regtype);
