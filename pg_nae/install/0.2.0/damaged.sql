-- Which values of a column cannot be opened, and where they are.

-- nae_internal.fault(enc, typmod): what is wrong with a value of a column so declared, or NULL. Of many rows the batch
-- node asks at once, and a bad value has its answer beside those of its neighbours.
DO $do$
DECLARE
  encrypted regtype;
BEGIN
  FOR encrypted IN SELECT t.type FROM nae.encrypted_type AS t LOOP
    EXECUTE format(
      $$CREATE FUNCTION nae_internal.fault(%s, integer) RETURNS text
          LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_column_fault'$$, encrypted);
  END LOOP;
END
$do$;

-- The primary key of a row of `heap` as an expression, "id = 7"; NULL where there is none. What is encrypted of it
-- is left out.
CREATE FUNCTION nae_internal.key_expression(heap regclass) RETURNS text
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('concat_ws('', '', %s)', string_agg(format('%L || a.%I', a.attname || ' = ', a.attname), ', ' ORDER BY k.place))
  FROM pg_index AS i
  CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
  WHERE i.indrelid = heap AND i.indisprimary AND k.place <= i.indnkeyatts AND NOT nae_internal.contains_encrypted(a.atttypid)
$$;

CREATE FUNCTION nae.damaged_rows(
    relation regclass, column_name name,
    OUT stored_in regclass,    -- the table itself, or the partition
    OUT row_address tid,       -- ctid
    OUT primary_key text, OUT reason text)
  RETURNS SETOF record
  LANGUAGE plpgsql STABLE STRICT COST 100 ROWS 10
  SET search_path = pg_catalog, pg_temp
  SET nae.batch = on
AS $$
DECLARE
  encrypted record;
BEGIN
  SELECT e.typmod INTO encrypted FROM nae.encrypted_column AS e
  WHERE e.relation = damaged_rows.relation AND e.column_name = damaged_rows.column_name;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_column',
      MESSAGE = format('table %s has no encrypted column "%s"', relation, column_name),
      HINT = 'nae.encrypted_column lists the encrypted columns.';
  END IF;
  FOR stored_in IN SELECT nae_internal.heaps(relation) LOOP
    FOR row_address, primary_key, reason IN EXECUTE format(
      'SELECT r.ctid, r.key, r.fault FROM'
      ' (SELECT a.ctid, %s AS key, nae_internal.fault(a.%I, $1) AS fault FROM ONLY %s AS a OFFSET 0) AS r WHERE r.fault IS NOT NULL',
      coalesce(nae_internal.key_expression(stored_in), 'NULL::text'), column_name, stored_in) USING encrypted.typmod
    LOOP
      RETURN NEXT;
    END LOOP;
  END LOOP;
END
$$;
COMMENT ON FUNCTION nae.damaged_rows(regclass, name) IS 'values of an encrypted column that cannot be opened, and why';
