-- Is everything in a table's encrypted columns what it should be?

-- The tables that store the rows of this one: itself, its partitions, its children.
CREATE FUNCTION nae_internal.heaps(relation regclass) RETURNS SETOF regclass
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10 ROWS 10
  SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE member(oid) AS (
    SELECT $1::oid
    UNION
    SELECT i.inhrelid FROM member AS m JOIN pg_inherits AS i ON i.inhparent = m.oid)
  SELECT c.oid::regclass FROM member AS m JOIN pg_class AS c USING (oid)
  WHERE c.relkind IN ('r', 'm') ORDER BY c.oid
$$;

CREATE FUNCTION nae_internal.heap_blocks(heap regclass) RETURNS bigint
  LANGUAGE sql VOLATILE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_relation_size(heap) / current_setting('block_size')::bigint $$;

-- Rows in the order in which they are stored, counted as if each block held 4096: more than fit
-- into the largest block that PostgreSQL can be built for.
CREATE FUNCTION nae_internal.row_address(place bigint) RETURNS tid
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('(%s,%s)', place >> 12, place & 4095)::tid $$;

-- How many values of a stretch of a table open. One that does not fails the whole statement; then
-- each half is asked alone, down to the single row: a few bad values cost a few dozen statements.
CREATE FUNCTION nae_internal.count_authentic(
    heap regclass, column_name name, typmod integer, first bigint, past_last bigint) RETURNS bigint
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  opened bigint;
  middle bigint := (first + past_last) / 2;
BEGIN
  BEGIN
    EXECUTE format('SELECT count(nae_internal.plain(%I, $1, true)) FROM ONLY %s WHERE ctid >= $2 AND ctid < $3', column_name, heap)
      INTO opened USING typmod, nae_internal.row_address(first), nae_internal.row_address(past_last);
    RETURN opened;
  EXCEPTION
    -- No ciphertext, of another key, not authentic. Whatever else fails, fails for all values.
    WHEN SQLSTATE 'NE020' OR SQLSTATE 'NE021' OR SQLSTATE 'NE022' THEN
      IF past_last - first = 1 THEN
        RETURN 0;
      END IF;
  END;
  RETURN nae_internal.count_authentic(heap, column_name, typmod, first, middle)
       + nae_internal.count_authentic(heap, column_name, typmod, middle, past_last);
END
$$;

-- Counts the values of each encrypted column. Without `authenticate` nothing leaves the database, and
-- what is counted is what values say about themselves; with it each value is decrypted.
CREATE FUNCTION nae.verify_table(
    relation regclass, authenticate boolean DEFAULT false,
    OUT column_name name,
    OUT stored bigint,             -- not NULL
    OUT ciphertexts bigint,        -- of the key, context and version of the column
    OUT foreign_values bigint,     -- ciphertexts of another one
    OUT pending bigint,            -- not encrypted: plaintext
    OUT oldest_version integer, OUT newest_version integer,
    OUT authentic bigint)          -- opened; NULL unless asked for
  RETURNS SETOF record
  LANGUAGE plpgsql STABLE STRICT COST 100 ROWS 10
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  encrypted record;
BEGIN
  PERFORM nae_internal.use_own_settings();
  FOR encrypted IN
    SELECT e.column_name, e.typmod FROM nae.encrypted_column AS e
    WHERE e.relation = verify_table.relation ORDER BY e.attnum
  LOOP
    column_name := encrypted.column_name;
    EXECUTE format(
      'SELECT count(*) FILTER (WHERE %1$I IS NOT NULL),'
      ' count(*) FILTER (WHERE nae_internal.belongs(%1$I, $1)),'
      ' count(*) FILTER (WHERE nae.is_ciphertext(%1$I) AND NOT nae_internal.belongs(%1$I, $1)),'
      ' count(*) FILTER (WHERE NOT nae.is_ciphertext(%1$I)),'
      ' min(nae.key_version(%1$I)) FILTER (WHERE nae.is_ciphertext(%1$I)),'
      ' max(nae.key_version(%1$I)) FILTER (WHERE nae.is_ciphertext(%1$I)) FROM %2$s', column_name, relation)
      INTO stored, ciphertexts, foreign_values, pending, oldest_version, newest_version USING encrypted.typmod;
    IF authenticate THEN
      SELECT coalesce(sum(nae_internal.count_authentic(h, column_name, encrypted.typmod, 0, nae_internal.heap_blocks(h) << 12)), 0)
        INTO authentic FROM nae_internal.heaps(relation) AS h;
    END IF;
    RETURN NEXT;
  END LOOP;
  RETURN QUERY SELECT * FROM nae_internal.verify_blind_indexes(relation, authenticate);
END
$$;
COMMENT ON FUNCTION nae.verify_table(regclass, boolean) IS 'counts what is stored in the encrypted columns of a table';
