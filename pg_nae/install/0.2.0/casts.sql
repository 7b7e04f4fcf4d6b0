-- What PostgreSQL may do by itself with an encrypted type: what it does with the plaintext type. Statements
-- over encrypted columns are resolved over plaintexts by the extension, but PostgreSQL resolves them first,
-- and must come through (pg_nae/columns/resolution.hpp). What it has found in a CHECK, a policy or a trigger's
-- condition stays.
--
-- All of it is read off the catalogs: a type more is a row more in types.sql.

CREATE FUNCTION nae_internal.define_cast(source regtype, target regtype, function text, context text) RETURNS void
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

-- PostgreSQL knows (a, b) <> (c, d) by the equality that <> negates.
CREATE FUNCTION nae_internal.negation(operator text) RETURNS text
  LANGUAGE sql AS $define$
  SELECT CASE operator WHEN '=' THEN ', NEGATOR = OPERATOR(pg_catalog.<>)'
                       WHEN '<>' THEN ', NEGATOR = OPERATOR(pg_catalog.=)' ELSE '' END
$define$;

CREATE FUNCTION nae_internal.define_function(name text, argument regtype, result regtype, symbol text) RETURNS text
  LANGUAGE plpgsql AS $define$
BEGIN
  IF to_regprocedure(format('%s(%s)', name, argument)) IS NULL THEN
    EXECUTE format('CREATE FUNCTION %s(%s) RETURNS %s LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100'
                   ' AS ''MODULE_PATHNAME'', %L', name, argument, result, symbol);
  END IF;
  RETURN name;
END
$define$;

CREATE FUNCTION nae_internal.define_window_range(enc regtype, span regtype) RETURNS void
  LANGUAGE plpgsql AS $define$
BEGIN
  EXECUTE format('CREATE FUNCTION nae_internal.in_range(%1$s, %1$s, %2$s, boolean, boolean) RETURNS boolean'
                 ' LANGUAGE c STABLE STRICT PARALLEL SAFE AS ''MODULE_PATHNAME'', ''nae_in_range''', enc, span);
  EXECUTE format('ALTER OPERATOR FAMILY nae.%I USING btree ADD FUNCTION 3 (%2$s, %3$s)'
                 ' nae_internal.in_range(%2$s, %2$s, %3$s, boolean, boolean)',
                 (SELECT t.typname || '_ops' FROM pg_catalog.pg_type AS t WHERE t.oid = enc), enc, span);
END
$define$;

-- To other types, as the plaintext type by itself.
SELECT nae_internal.define_cast(e.type, c.casttarget,
                       nae_internal.define_function('nae_internal.plain_as_' || t.typname, e.type, t.oid, 'nae_column_decrypt_as'),
                       'AS IMPLICIT')
FROM nae.encrypted_type AS e
JOIN pg_catalog.pg_cast AS c ON c.castsource = e.plain_type AND c.castcontext = 'i' AND c.casttarget <> e.plain_type
JOIN pg_catalog.pg_type AS t ON t.oid = c.casttarget AND t.typnamespace = 'pg_catalog'::regnamespace
-- Numbers are no objects: oid is preferred among them, and stands beside float8. Nor is a time widened to an
-- interval or timetz, of which PostgreSQL prefers neither.
WHERE t.typname !~ '^(reg|pg_)|^oid$' AND e.plain_type <> 'time'::regtype;

-- From what becomes the plaintext type by itself, as an integer beside a numeric, so that COALESCE(pay, 0) has
-- a type. Not where the two types have operators in common, between which PostgreSQL could not choose; those of
-- integers follow below. Nor a float4, beside which PostgreSQL takes other numbers for float8: f = 0.1 is not
-- f = 0.1::float4.
SELECT nae_internal.define_cast(c.castsource, e.type,
                       nae_internal.define_function('nae_internal.' || t.typname, c.castsource, e.type, 'nae_column_pend_other'), 'AS IMPLICIT')
FROM nae.encrypted_type AS e
JOIN pg_catalog.pg_type AS t ON t.oid = e.type
JOIN pg_catalog.pg_type AS plain ON plain.oid = e.plain_type
  AND (plain.typispreferred OR plain.typname IN ('int4', 'int8', 'numeric'))
JOIN pg_catalog.pg_cast AS c ON c.casttarget = e.plain_type AND c.castcontext = 'i' AND c.castsource <> e.plain_type
JOIN pg_catalog.pg_type AS s ON s.oid = c.castsource AND s.typnamespace = 'pg_catalog'::regnamespace
WHERE s.typname !~ '^(reg|pg_)|^oid$' AND e.plain_type <> 'real'::regtype;

-- The CHECK of a column that is encrypted no longer is asked about plaintexts, which could become several
-- encrypted types.
DO $define$
DECLARE
  plain regtype;
BEGIN
  FOR plain IN
    SELECT DISTINCT c.castsource FROM pg_catalog.pg_cast AS c
    WHERE c.castcontext = 'i' AND EXISTS (SELECT FROM nae.encrypted_type AS e WHERE e.type = c.casttarget)
      AND NOT EXISTS (SELECT FROM nae.encrypted_type AS e WHERE e.type = c.castsource)
    UNION SELECT e.plain_type FROM nae.encrypted_type AS e
  LOOP
    EXECUTE format('CREATE FUNCTION nae.is_ciphertext(%s) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE'
                   ' AS ''SELECT NULL::boolean''', plain);
  END LOOP;
END
$define$;

-- From one encrypted type to another: implicitly where the plaintexts have a common type, and never from a
-- randomized one to a deterministic one.
SELECT nae_internal.define_cast(a.type, b.type,
                       nae_internal.define_function('nae_internal.' || t.typname, a.type, b.type, 'nae_column_convert'),
                       CASE WHEN (a.deterministic OR NOT b.deterministic)
                              AND (a.plain_type = b.plain_type OR (c.castcontext = 'i' AND b.plain_type <> 'real'::regtype))
                            THEN 'AS IMPLICIT' ELSE 'AS ASSIGNMENT' END)
FROM nae.encrypted_type AS a
JOIN nae.encrypted_type AS b ON a.type <> b.type
JOIN pg_catalog.pg_type AS t ON t.oid = b.type
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
      AND op.oprnamespace = 'pg_catalog'::regnamespace AND op.oprname !~ '^\*.|^~[<>]'
    JOIN pg_catalog.pg_proc AS p ON p.oid = op.oprcode
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_operator AS made
                      WHERE made.oprname = op.oprname AND made.oprright = e.type
                        AND made.oprleft IN (e.type, 0) AND (made.oprleft <> 0) = (op.oprleft <> 0))
    ORDER BY t.typname, op.oprname
  LOOP
    name := format('nae_internal.%I', o.typname || '_' || o.proname);
    EXECUTE format('CREATE FUNCTION %s(%s) RETURNS %s LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED COST 100 RETURN %s',
                   name, CASE WHEN o.binary THEN format('%s, %s', o.type, o.type) ELSE o.type::text END, o.result,
                   format(CASE WHEN o.binary THEN '$1::%1$s OPERATOR(pg_catalog.%2$s) $2::%1$s'
                               ELSE 'OPERATOR(pg_catalog.%2$s) $1::%1$s' END, nae_internal.type_name(o.plain_type), o.oprname));
    EXECUTE format('CREATE OPERATOR pg_catalog.%s (%s RIGHTARG = %s, FUNCTION = %s %s)', o.oprname,
                   CASE WHEN o.binary THEN format('LEFTARG = %s,', o.type) END, o.type, name,
                   nae_internal.negation(o.oprname));
  END LOOP;
END
$define$;

-- Integers of three sizes have operators for each two of them, and an encrypted one could become several of
-- these: its own operators settle it. Only such as PostgreSQL has for all sizes: between plaintexts its own must
-- go on to fit better than ours. Nothing becomes an encrypted smallint by itself, so that its remainder and bits
-- beside other sizes are never in question there.
CREATE FUNCTION nae_internal.define_integer_operators() RETURNS void
  LANGUAGE plpgsql AS $define$
DECLARE
  o record;
  name text;
BEGIN
  FOR o IN
    WITH operand AS (
      SELECT e.type, e.plain_type, t.typname, true AS encrypted
      FROM nae.encrypted_type AS e JOIN pg_catalog.pg_type AS t ON t.oid = e.type
      WHERE e.plain_type IN ('smallint'::regtype, 'integer', 'bigint')
      UNION ALL
      SELECT t.oid, t.oid, t.typname, false
      FROM pg_catalog.pg_type AS t WHERE t.oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype))
    SELECT l.type AS ltype, l.plain_type AS lplain, l.typname AS lname, r.type AS rtype, r.plain_type AS rplain,
           r.typname AS rname, op.sign, op.name,
           (CASE WHEN op.compares THEN 'boolean'::regtype
                 WHEN lp.typlen > rp.typlen OR op.sign IN ('<<', '>>') THEN l.plain_type
                 ELSE r.plain_type END)::regtype AS result
    FROM operand AS l JOIN operand AS r ON l.type <> r.type AND (l.encrypted OR r.encrypted)
    JOIN pg_catalog.pg_type AS lp ON lp.oid = l.plain_type
    JOIN pg_catalog.pg_type AS rp ON rp.oid = r.plain_type
    CROSS JOIN (VALUES ('+', 'pl', false), ('-', 'mi', false), ('*', 'mul', false), ('/', 'div', false),
                       ('=', 'eq', true), ('<>', 'ne', true), ('<', 'lt', true), ('<=', 'le', true),
                       ('>', 'gt', true), ('>=', 'ge', true), ('%', 'mod', false), ('&', 'and', false),
                       ('|', 'or', false), ('#', 'xor', false), ('<<', 'shl', false), ('>>', 'shr', false))
                 AS op(sign, name, compares)
    WHERE op.sign NOT IN ('%', '&', '|', '#', '<<', '>>')
       OR (op.sign IN ('<<', '>>') AND l.encrypted AND l.plain_type <> 'int8'::regtype
           AND r.plain_type = 'int4'::regtype)
       OR (op.sign NOT IN ('<<', '>>')
           AND ((l.encrypted AND l.plain_type = 'int2'::regtype AND NOT r.encrypted AND r.plain_type <> 'int2'::regtype)
             OR (r.encrypted AND r.plain_type = 'int2'::regtype AND NOT l.encrypted AND l.plain_type <> 'int2'::regtype)))
  LOOP
    name := format('nae_internal.%I', format('%s_%s_%s', o.lname, o.name, o.rname));
    EXECUTE format('CREATE FUNCTION %s(%s, %s) RETURNS %s LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED COST 100'
                   ' RETURN $1::%s OPERATOR(pg_catalog.%s) $2::%s', name, o.ltype::regtype, o.rtype::regtype,
                   o.result, o.lplain::regtype, o.sign, o.rplain::regtype);
    EXECUTE format('CREATE OPERATOR pg_catalog.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %s %s)',
                   o.sign, o.ltype::regtype, o.rtype::regtype, name, nae_internal.negation(o.sign));
  END LOOP;
END
$define$;
SELECT nae_internal.define_integer_operators();
DROP FUNCTION nae_internal.define_integer_operators();

-- What (a, b) < (c, d) compares is said by a family of operators. Nothing is ever sorted by this one.
CREATE OPERATOR FAMILY nae.as_plaintexts USING btree;
DO $define$
DECLARE
  o record;
BEGIN
  FOR o IN
    SELECT op.oid::regoperator AS operator, op.oprleft, op.oprright,
           array_position(ARRAY['<', '<=', '=', '>=', '>'], op.oprname::text) AS strategy
    FROM pg_catalog.pg_operator AS op
    WHERE op.oprname IN ('<', '<=', '=', '>=', '>') AND op.oprnamespace = 'pg_catalog'::regnamespace
      AND EXISTS (SELECT FROM nae.encrypted_type AS e WHERE e.type IN (op.oprleft, op.oprright))
  LOOP
    EXECUTE format('ALTER OPERATOR FAMILY nae.as_plaintexts USING btree ADD OPERATOR %s %s', o.strategy, o.operator);
  END LOOP;
END
$define$;

-- RANGE with an offset, in windows: over plaintexts, when it comes to it.
SELECT nae_internal.define_window_range(e.type, p.amprocrighttype)
FROM nae.encrypted_type AS e
JOIN pg_catalog.pg_opclass AS c ON c.opcintype = e.plain_type AND c.opcdefault
JOIN pg_catalog.pg_am AS am ON am.oid = c.opcmethod AND am.amname = 'btree'
JOIN pg_catalog.pg_amproc AS p ON p.amprocfamily = c.opcfamily AND p.amprocnum = 3 AND p.amproclefttype = e.plain_type;

-- doc['key'] and tags[1], as of the plaintext.
CREATE FUNCTION nae_internal.subscript(internal) RETURNS internal
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_subscript';
DO $define$
DECLARE
  enc regtype;
BEGIN
  FOR enc IN
    SELECT e.type FROM nae.encrypted_type AS e JOIN pg_catalog.pg_type AS t ON t.oid = e.plain_type
    WHERE t.typsubscript <> 0
  LOOP
    EXECUTE format('ALTER TYPE %s SET (SUBSCRIPT = nae_internal.subscript)', enc);
  END LOOP;
END
$define$;

DROP FUNCTION nae_internal.define_window_range(regtype, regtype);
DROP FUNCTION nae_internal.negation(text);
DROP FUNCTION nae_internal.define_function(text, regtype, regtype, text);
DROP FUNCTION nae_internal.define_cast(regtype, regtype, text, text);
