-- What may be declared. DDL that would store plaintext, or ciphertext that no query could use, is
-- refused when it is made; and each encrypted column gets a CHECK that lets only ciphertext in.

-- Types made after initdb have OIDs from 16384 on (FirstNormalObjectId): `>= 16384` spares the
-- guard a look at the columns of built-in types, that is, nearly all columns of nearly all tables.

CREATE VIEW nae.encrypted_type AS
  SELECT t.oid::regtype AS type,
         t.typname LIKE 'enc\_det\_%' AS deterministic,
         to_regtype('pg_catalog.' || regexp_replace(t.typname, '^enc_(det_)?', '')) AS plain_type
  FROM pg_type AS t
  WHERE t.typnamespace = 'nae'::regnamespace AND t.typtype = 'b' AND t.typelem = 0
    AND t.typname LIKE 'enc\_%';
COMMENT ON VIEW nae.encrypted_type IS 'encrypted types, and the types of their plaintexts';

-- Domains stripped off: what values are stored as, and with which typmod.
CREATE FUNCTION nae.base_type(INOUT type oid, INOUT typmod integer) RETURNS record
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE layer(type, typmod, domain) AS (
    SELECT t.oid, $2, t.typtype = 'd' FROM pg_type AS t WHERE t.oid = $1
    UNION ALL
    SELECT b.oid, d.typtypmod, b.typtype = 'd'
    FROM layer AS l JOIN pg_type AS d ON d.oid = l.type JOIN pg_type AS b ON b.oid = d.typbasetype
    WHERE l.domain)
  SELECT l.type, l.typmod FROM layer AS l WHERE NOT l.domain
$$;

CREATE VIEW nae.encrypted_column AS
  SELECT a.attrelid::regclass AS relation, a.attnum, a.attname AS column_name, t.type, t.deterministic,
         t.plain_type, b.typmod, k.key, k.context, k.version
  FROM pg_attribute AS a
  CROSS JOIN LATERAL nae.base_type(a.atttypid, a.atttypmod) AS b
  JOIN nae.encrypted_type AS t ON t.type = b.type
  LEFT JOIN nae.column_key AS k ON k.typmod = b.typmod
  WHERE a.atttypid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped;
COMMENT ON VIEW nae.encrypted_column IS 'columns of encrypted types, of tables, indexes and views, and their keys';

-- Is an encrypted type anywhere within this one: element, attribute, base or bound?
CREATE FUNCTION nae.contains_encrypted(type oid) RETURNS boolean
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE part(type) AS (
    SELECT $1 WHERE $1 >= 16384
    UNION
    SELECT inner_type.oid
    FROM part AS p JOIN pg_type AS t ON t.oid = p.type
    CROSS JOIN LATERAL (
      SELECT t.typelem UNION ALL SELECT t.typbasetype
      UNION ALL SELECT a.atttypid FROM pg_attribute AS a
        WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
      UNION ALL SELECT r.rngsubtype FROM pg_range AS r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
    ) AS inner_type(oid)
    WHERE inner_type.oid >= 16384)
  SELECT EXISTS (SELECT FROM part AS p JOIN nae.encrypted_type AS e ON e.type = p.type)
$$;

-- base || suffix, cut to what PostgreSQL takes as a name (63 bytes) without two long bases becoming one.
-- The suffix is ASCII and short; a character has at most four bytes.
CREATE FUNCTION nae.derived_name(base text, suffix text) RETURNS name
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
CREATE FUNCTION nae.ciphertext_checks(relation regclass, attnum smallint) RETURNS SETOF pg_constraint
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10 ROWS 1
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT con.* FROM pg_constraint AS con
  WHERE con.conrelid = $1 AND con.contype = 'c' AND $2 = ANY (con.conkey) AND EXISTS (
    SELECT FROM pg_depend AS d JOIN pg_proc AS p ON p.oid = d.refobjid
    WHERE d.classid = 'pg_constraint'::regclass AND d.objid = con.oid AND d.refclassid = 'pg_proc'::regclass
      AND p.proname = 'is_ciphertext' AND p.pronamespace = 'nae'::regnamespace)
$$;

-- The refusals -----------------------------------------------------------------------------------

CREATE FUNCTION nae.guard_type(made regtype) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  base record;
BEGIN
  IF NOT nae.contains_encrypted(made) THEN
    RETURN;
  END IF;
  base := nae.base_type(made, -1);
  IF NOT EXISTS (SELECT FROM nae.encrypted_type AS e WHERE e.type = base.type) THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = format('type %s would hold encrypted values inside other values', made),
      HINT = 'Only columns of encrypted types are encrypted and decrypted: give each value a column of its own.';
  ELSIF base.type <> made AND base.typmod < 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_column_definition',
      MESSAGE = format('domain %s is over an encrypted type without a key', made),
      HINT = format('Name the key, as in CREATE DOMAIN ... AS %s(''key'').', base.type::regtype);
  END IF;
END
$$;

CREATE FUNCTION nae.refuse_columns(target regclass) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  refused record;
BEGIN
  SELECT e.column_name, e.type INTO refused
    FROM nae.encrypted_column AS e WHERE e.relation = target AND e.typmod < 0 ORDER BY e.attnum LIMIT 1;
  IF FOUND THEN
    -- Values of such a column would stay what they were before encryption.
    RAISE EXCEPTION USING ERRCODE = 'invalid_column_definition',
      MESSAGE = format('encrypted column "%s" of %s has no key', refused.column_name, target),
      HINT = format('Name the key, as in %I %s(''key'').', refused.column_name, refused.type);
  END IF;

  SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type INTO refused
    FROM pg_attribute AS a
    WHERE a.attrelid = target AND a.atttypid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
      AND nae.contains_encrypted(a.atttypid)
      AND NOT EXISTS (SELECT FROM nae.encrypted_column AS e WHERE e.relation = target AND e.attnum = a.attnum)
    ORDER BY a.attnum LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = format('column "%s" of type %s would hold encrypted values inside other values',
                       refused.attname, refused.type),
      HINT = 'Only columns of encrypted types are encrypted and decrypted: give each value a row of its own.';
  END IF;
END
$$;

-- Randomized types have a b-tree operator class for PostgreSQL's own needs, so that it would accept an
-- index on them, in which nothing can ever be found. UNIQUE, PRIMARY KEY and EXCLUDE are indexes too.
CREATE FUNCTION nae.refuse_indexes(target regclass) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  refused record;
BEGIN
  SELECT i.indexrelid::regclass AS index, e.column_name INTO refused
    FROM pg_index AS i
    JOIN nae.encrypted_column AS e ON e.relation = i.indexrelid AND e.attnum <= i.indnkeyatts
    WHERE i.indrelid = target AND NOT e.deterministic LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = format('index %s is on the randomized column "%s"', refused.index, refused.column_name),
      DETAIL = 'Equal values of such a column have different ciphertexts: no index, no constraint finds them equal.',
      HINT = 'Use a deterministic type, as nae.enc_det_text, or search by a blind index: CALL nae.add_blind_index().';
  END IF;
END
$$;

CREATE FUNCTION nae.refuse_partition_key(target regclass) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  refused record;
BEGIN
  SELECT e.column_name, e.deterministic INTO refused
    FROM pg_partitioned_table AS p
    JOIN nae.encrypted_column AS e ON e.relation = p.partrelid AND e.attnum = ANY (p.partattrs)
    WHERE p.partrelid = target AND (p.partstrat = 'r' OR NOT e.deterministic) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = format('%s cannot be partitioned %sby the encrypted column "%s"', target,
                       CASE WHEN refused.deterministic THEN 'by range ' ELSE '' END, refused.column_name),
      DETAIL = 'Ciphertexts are not in the order of their values; randomized ones differ even for equal values.',
      HINT = 'Partition by another column, or by hash or list of a deterministic one.';
  END IF;
END
$$;

-- Ciphertexts of different keys, contexts or versions are never equal: such a reference finds nothing.
CREATE FUNCTION nae.refuse_foreign_keys(target regclass) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  refused record;
BEGIN
  SELECT con.conname, con.conrelid::regclass AS referencing INTO refused
    FROM pg_constraint AS con
    CROSS JOIN LATERAL unnest(con.conkey, con.confkey) AS pair(near, far)
    LEFT JOIN nae.encrypted_column AS a ON a.relation = con.conrelid AND a.attnum = pair.near
    LEFT JOIN nae.encrypted_column AS b ON b.relation = con.confrelid AND b.attnum = pair.far
    WHERE con.contype = 'f' AND target IN (con.conrelid, con.confrelid)
      AND (a.type, a.typmod) IS DISTINCT FROM (b.type, b.typmod)
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_foreign_key',
      MESSAGE = format('foreign key "%s" of %s is between columns that are not encrypted alike',
                       refused.conname, refused.referencing),
      HINT = 'Declare both columns with the same type, key, context and version.';
  END IF;
END
$$;

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
    PERFORM nae.refuse_indexes(target);
    PERFORM nae.refuse_partition_key(target);
    PERFORM nae.refuse_foreign_keys(target);
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
      ELSE NULL;
    END CASE;
  END LOOP;
END
$$;

-- The tags of what CREATE SCHEMA and IMPORT FOREIGN SCHEMA make are not their own.
CREATE EVENT TRIGGER nae_guard ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE MATERIALIZED VIEW',
               'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE TYPE', 'ALTER TYPE', 'CREATE DOMAIN',
               'CREATE INDEX', 'CREATE SCHEMA', 'IMPORT FOREIGN SCHEMA')
  EXECUTE FUNCTION nae.guard();

GRANT SELECT ON nae.encrypted_type, nae.encrypted_column TO PUBLIC;
