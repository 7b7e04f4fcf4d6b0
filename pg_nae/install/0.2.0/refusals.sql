-- Refusals: DDL that would store plaintext, or ciphertext that no query could use. Called by the guard.

-- Does an expression, as catalogs keep it, hand ciphertext to code that takes any type?
CREATE FUNCTION nae_internal.reads_ciphertext(pg_node_tree) RETURNS boolean
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'nae_reads_ciphertext';

CREATE FUNCTION nae_internal.guard_type(made regtype) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  base record;
BEGIN
  IF NOT nae_internal.contains_encrypted(made) THEN
    RETURN;
  END IF;
  base := nae_internal.base_type(made, -1);
  IF NOT EXISTS (SELECT FROM nae.encrypted_type AS e WHERE e.type = base.type) THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = format('type %s would hold encrypted values inside other values', made),
      HINT = 'Only columns of encrypted types are encrypted and decrypted: give each value a column of its own.';
  ELSIF base.type <> made AND base.typmod < 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_column_definition',
      MESSAGE = format('domain %s is over an encrypted type without a key', made),
      HINT = format('Name the key, as in CREATE DOMAIN ... AS %s(''key'').', base.type::regtype);
  END IF;
  PERFORM nae_internal.refuse_expression(con.conbin, format('constraint "%s" of domain %s', con.conname, made))
    FROM pg_constraint AS con WHERE con.contypid = made AND con.contype = 'c';
END
$$;

CREATE FUNCTION nae_internal.refuse_partition_key(target regclass) RETURNS void
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
CREATE FUNCTION nae_internal.refuse_foreign_keys(target regclass) RETURNS void
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

-- Such expressions are run without being planned: what takes any type, as concat(), reads what is stored.
CREATE FUNCTION nae_internal.refuse_expression(expression pg_node_tree, subject text) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF nae_internal.reads_ciphertext(expression) THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = subject || ' would look at ciphertext',
      HINT = 'Cast each encrypted column in it to its plaintext type, as in concat(name::text).';
  END IF;
END
$$;

CREATE FUNCTION nae_internal.refuse_checks(target regclass) RETURNS void
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nae_internal.refuse_expression(con.conbin, format('constraint "%s" of %s', con.conname, target))
  FROM pg_constraint AS con WHERE con.conrelid = target AND con.contype = 'c'
$$;

CREATE FUNCTION nae_internal.guard_trigger(made oid) RETURNS void
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nae_internal.refuse_expression(t.tgqual, format('the condition of trigger "%s" of %s', t.tgname, t.tgrelid::regclass))
  FROM pg_trigger AS t WHERE t.oid = made
$$;

-- Statistics of an expression are samples of its values, in a catalog.
CREATE FUNCTION nae_internal.guard_statistics(made oid) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (
      SELECT FROM pg_statistic_ext AS s JOIN nae.encrypted_column AS e ON e.relation = s.stxrelid
      -- A reference to the column, or to the whole row.
      WHERE s.oid = made AND s.stxexprs::text ~ format(':varattno (%s|0)\M', e.attnum)) THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = 'the statistics would keep what was computed from encrypted columns in clear',
      HINT = 'Name the columns themselves: statistics of those are of ciphertexts.';
  END IF;
END
$$;
