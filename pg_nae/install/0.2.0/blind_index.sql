-- Blind indexes: a randomized column is searched by the codes of its values, kept in a column beside it.
--
-- Which column, key and normalization belong together stands in the definition of the trigger that keeps
-- the codes, and so goes wherever the table goes: rename, dump, restore.

-- tgattr: the column and the index column. tgargs: key and normalization, each ended by a zero byte.
CREATE VIEW nae.blind_index AS
  SELECT t.tgrelid::regclass AS relation, coded.attname AS column_name, code.attname AS index_column,
         split_part(encode(t.tgargs, 'escape'), '\000', 1) AS key,
         split_part(encode(t.tgargs, 'escape'), '\000', 2) AS normalization, t.oid AS trigger_oid
  FROM pg_trigger AS t
  JOIN pg_attribute AS coded ON coded.attrelid = t.tgrelid AND coded.attnum = t.tgattr[0]
  JOIN pg_attribute AS code ON code.attrelid = t.tgrelid AND code.attnum = t.tgattr[1]
  WHERE t.tgname LIKE 'zzz\_nae\_%\_blind\_index' AND t.tgnargs = 2;
COMMENT ON VIEW nae.blind_index IS 'columns with the codes by which encrypted columns are searched';
GRANT SELECT ON nae.blind_index TO PUBLIC;

-- What is coded of a plaintext: equal texts for what is to be found equal. Numbers and times are brought
-- to one form; the callers' settings must be those of nae.blind_index_of().
CREATE FUNCTION nae.coded_text(expression text, plain_type regtype, normalization text) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format(CASE WHEN normalization = 'lower' THEN 'lower((%s)::text)'
                     WHEN plain_type = 'numeric'::regtype THEN 'trim_scale(%s)::text' ELSE '(%s)::text' END, expression)
$$;

-- The code of a value to search for: WHERE email_index = nae.blind_index_of('customers', 'email', $1)
CREATE FUNCTION nae.blind_index_of(relation regclass, column_name name, value text) RETURNS bytea
  LANGUAGE plpgsql STABLE STRICT COST 100
  SET search_path = pg_catalog, pg_temp
  SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET bytea_output = 'hex'
AS $$
DECLARE
  coded record;
  code bytea;
BEGIN
  SELECT b.key, b.normalization, e.plain_type INTO coded
    FROM nae.blind_index AS b
    JOIN nae.encrypted_column AS e ON e.relation = b.relation AND e.column_name = b.column_name
    WHERE b.relation = blind_index_of.relation AND b.column_name = blind_index_of.column_name;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_object',
      MESSAGE = format('column "%s" of %s has no blind index', column_name, relation),
      HINT = 'CALL nae.add_blind_index() makes one.';
  END IF;
  EXECUTE format('SELECT @extschema@.nae_blind_index($1, %s)',
                 nae.coded_text(format('$2::%s', nae.type_name(coded.plain_type)), coded.plain_type, coded.normalization))
    INTO code USING coded.key, value;
  RETURN code;
END
$$;
COMMENT ON FUNCTION nae.blind_index_of(regclass, name, text) IS 'the code of a value in the blind index of a column';

-- true in the transactions in which nae.run_change() writes rows: values are the same, or the codes come
-- along. Not by process id alone: that of an interrupted change may be anybody's today.
-- Asked for each row: in PL/pgSQL, which keeps its plan. By the view, for the table has policies, and batches
-- run with row_security off, under which such a table is refused; not by its pid, which has to look for it.
CREATE FUNCTION nae.is_changing() RETURNS boolean
  LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM nae.stat_progress_column AS c
                 WHERE c.last_pid = pg_backend_pid() AND c.updated_at >= now());
END
$$;

CREATE FUNCTION nae.blind_index_expression(change nae.column_change, record text) RETURNS text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('@extschema@.nae_blind_index(%L, %s)', change.key,
                nae.coded_text(nae.plain_expression(e.relation, e.column_name, record), e.plain_type, change.context))
  FROM nae.encrypted_column AS e WHERE e.relation = change.relation AND e.column_name = change.column_name
$$;

-- SECURITY DEFINER: who writes a value may often not decrypt it.
CREATE FUNCTION nae.blind_index_function(change nae.column_change, function text) RETURNS text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER'
                ' SET search_path = pg_catalog, pg_temp'
                ' SET timezone = ''UTC'' SET datestyle = ''ISO, YMD'' SET bytea_output = ''hex'' AS %L', function,
                format('BEGIN IF NOT nae.is_changing() THEN NEW.%I := %s; END IF; RETURN NEW; END',
                       change.index_column, nae.blind_index_expression(change, 'NEW.')))
$$;

-- Nobody else may put the function on a table of his own. OF the codes too: nobody sets them by hand.
CREATE FUNCTION nae.create_blind_index(change nae.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  function text := nae.function_beside(change, 'nae_blind_index');
BEGIN
  EXECUTE format('ALTER TABLE %s ADD COLUMN %I bytea', change.relation, change.index_column);
  EXECUTE nae.blind_index_function(change, function);
  EXECUTE format('REVOKE ALL ON FUNCTION %s() FROM PUBLIC', function);
  EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OF %I, %I ON %s FOR EACH ROW EXECUTE FUNCTION %s(%L, %L)',
                 nae.derived_name('zzz_nae_' || change.column_name, '_blind_index'), change.column_name,
                 change.index_column, change.relation, function, change.key, change.context);
END
$$;

-- After a rename: PL/pgSQL has columns by name. Called by the guard, in the name of whoever renames; only a
-- function of the table's owner is touched, whatever the triggers of the table call.
CREATE FUNCTION nae.renew_blind_indexes(target regclass) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  coded record;
  change nae.column_change;
BEGIN
  FOR coded IN
    SELECT b.*, p.oid::regproc AS function
    FROM nae.blind_index AS b
    JOIN pg_trigger AS t ON t.oid = b.trigger_oid AND t.tgparentid = 0
    JOIN pg_class AS c ON c.oid = t.tgrelid
    JOIN pg_proc AS p ON p.oid = t.tgfoid AND p.proowner = c.relowner AND p.prosecdef
    WHERE b.relation = target AND NOT (strpos(p.prosrc, format('NEW.%I := ', b.index_column)) > 0
                                       AND strpos(p.prosrc, format('(NEW.%I, ', b.column_name)) > 0)
  LOOP
    change.relation := target;
    change.column_name := coded.column_name;
    change.index_column := coded.index_column;
    change.key := coded.key;
    change.context := coded.normalization;
    EXECUTE nae.blind_index_function(change, coded.function::text);
  END LOOP;
END
$$;

CREATE FUNCTION nae.begin_blind_index(
    relation regclass, column_name name, key text, index_column name, normalization text, batch_size integer)
  RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted nae.column_change := nae.wanted_change(relation, column_name, 'index', batch_size, true, false);
  encrypted nae.encrypted_column;
BEGIN
  wanted.shadow := NULL;
  wanted.new_type := 'bytea'::regtype;
  wanted.key := key;
  wanted.context := normalization;
  wanted.index_column := coalesce(index_column, nae.derived_name(column_name, '_index'));
  IF nae.resumes(wanted) THEN
    RETURN;
  END IF;
  PERFORM nae.check_table(relation, column_name);
  SELECT e.* INTO encrypted FROM nae.encrypted_column AS e
    WHERE e.relation = begin_blind_index.relation AND e.column_name = begin_blind_index.column_name;
  IF encrypted.deterministic IS NOT FALSE THEN
    RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
      MESSAGE = format('column "%s" of %s is not randomized', column_name, relation),
      HINT = 'A deterministic column is searched by an index of its own, any other one too.';
  ELSIF normalization NOT IN ('none', 'lower')
        OR (normalization = 'lower' AND encrypted.plain_type <> 'text'::regtype) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s values cannot be normalized by "%s"', encrypted.plain_type, normalization),
      HINT = 'Use none or, for text, lower.';
  END IF;
  PERFORM nae.check_key(encrypted.key, NULL, ARRAY['decrypt']);
  PERFORM nae.check_key(key, 'hmac-sha-256', ARRAY['mac']);
  PERFORM nae.begin_change(wanted);
END
$$;

CREATE PROCEDURE nae.add_blind_index(
    relation regclass, column_name name, key text, index_column name DEFAULT NULL,
    normalization text DEFAULT 'none', batch_size integer DEFAULT 20000)
  LANGUAGE plpgsql
AS $$
BEGIN
  COMMIT;  -- fails within a transaction block, when nothing has begun
  PERFORM nae.begin_blind_index(relation, column_name, key, index_column, normalization, batch_size);
  COMMIT;
  CALL nae.run_change(relation, column_name);
END
$$;
COMMENT ON PROCEDURE nae.add_blind_index(regclass, name, text, name, text, integer)
  IS 'makes a randomized column searchable while it is in use';

CREATE FUNCTION nae.drop_blind_index(relation regclass, column_name name) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  dropped record;
BEGIN
  FOR dropped IN
    SELECT t.tgname, t.tgfoid::regprocedure AS function, b.index_column
    FROM nae.blind_index AS b JOIN pg_trigger AS t ON t.oid = b.trigger_oid
    WHERE b.relation = drop_blind_index.relation AND b.column_name = drop_blind_index.column_name
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', dropped.tgname, relation);
    EXECUTE format('DROP FUNCTION %s', dropped.function);
    EXECUTE format('ALTER TABLE %s DROP COLUMN %I', relation, dropped.index_column);
  END LOOP;
END
$$;
COMMENT ON FUNCTION nae.drop_blind_index(regclass, name) IS 'drops the blind index of a column, and its codes';

REVOKE ALL ON PROCEDURE nae.add_blind_index(regclass, name, text, name, text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae.drop_blind_index(regclass, name), nae.blind_index_of(regclass, name, text) FROM PUBLIC;
