-- Encrypted columns in the catalogs: which there are, of which types and keys.

-- Types made after initdb have OIDs from 16384 on (FirstNormalObjectId): `>= 16384` spares the
-- guard a look at the columns of built-in types, that is, nearly all columns of nearly all tables.

CREATE VIEW nae.encrypted_type AS
  SELECT t.oid::regtype AS type,
         t.typname LIKE 'enc\_det\_%' AS deterministic,
         -- An array type is named with an underscore in front.
         to_regtype('pg_catalog.' || regexp_replace(regexp_replace(t.typname, '^enc_(det_)?', ''),
                                                    '^(.*)_array$', '_\1')) AS plain_type
  FROM pg_type AS t
  WHERE t.typnamespace = 'nae'::regnamespace AND t.typtype = 'b' AND t.typelem = 0
    AND t.typname LIKE 'enc\_%';
COMMENT ON VIEW nae.encrypted_type IS 'encrypted types, and the types of their plaintexts';

-- What SQL text calls a type: a regtype is written "character" where the type is bpchar, and that is read
-- back as character(1), to which a cast cuts values.
CREATE FUNCTION nae_internal.type_name(type regtype) RETURNS text
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE type WHEN 'bpchar'::regtype THEN 'bpchar' WHEN '_bpchar'::regtype THEN 'bpchar[]' ELSE type::text END
$$;

-- Domains stripped off: what values are stored as, and with which typmod.
CREATE FUNCTION nae_internal.base_type(INOUT type oid, INOUT typmod integer) RETURNS record
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_base_type';

CREATE VIEW nae.encrypted_column AS
  SELECT a.attrelid::regclass AS relation, a.attnum, a.attname AS column_name, t.type, t.deterministic,
         t.plain_type, b.typmod, k.key, k.context, k.version
  FROM pg_attribute AS a
  CROSS JOIN LATERAL nae_internal.base_type(a.atttypid, a.atttypmod) AS b
  JOIN nae.encrypted_type AS t ON t.type = b.type
  LEFT JOIN nae_internal.column_key AS k ON k.typmod = b.typmod
  WHERE a.atttypid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped;
COMMENT ON VIEW nae.encrypted_column IS 'columns of encrypted types, of tables, indexes and views, and their keys';

-- Is an encrypted type anywhere within this one: element, attribute, base or bound?
CREATE FUNCTION nae_internal.contains_encrypted(type oid) RETURNS boolean
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_contains_column_type';

-- Under what settings a function of ours plans and reads its queries, until it returns, whatever the session
-- has. Called first in each that others call and that has a SET clause.
CREATE FUNCTION nae_internal.use_own_settings() RETURNS void
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'nae_use_own_settings';

-- base || suffix, cut to what PostgreSQL takes as a name (63 bytes) without two long bases becoming one.
-- The suffix is ASCII and short; a character has at most four bytes.
CREATE FUNCTION nae_internal.derived_name(base text, suffix text) RETURNS name
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN octet_length(base || suffix) < 64 THEN base || suffix
              ELSE left(base, 8) || '_' || left(md5(base), 8) || suffix END
$$;

-- Of a column that is encrypted no longer: ALTER TABLE ... ALTER COLUMN ... TYPE makes the CHECK anew for
-- the new type, and the guard then drops it. NULL: a plain column has nothing to check.
CREATE FUNCTION nae.is_ciphertext(anyelement) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT NULL::boolean';

-- CHECK constraints that call nae.is_ciphertext(), ours or brought along by a dump.
CREATE FUNCTION nae_internal.ciphertext_checks(relation regclass, attnum smallint) RETURNS SETOF pg_constraint
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10 ROWS 1
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT con.* FROM pg_constraint AS con
  WHERE con.conrelid = $1 AND con.contype = 'c' AND $2 = ANY (con.conkey) AND EXISTS (
    SELECT FROM pg_depend AS d JOIN pg_proc AS p ON p.oid = d.refobjid
    WHERE d.classid = 'pg_constraint'::regclass AND d.objid = con.oid AND d.refclassid = 'pg_proc'::regclass
      AND p.proname = 'is_ciphertext' AND p.pronamespace = 'nae'::regnamespace)
$$;

GRANT SELECT ON nae.encrypted_type, nae.encrypted_column TO PUBLIC;
