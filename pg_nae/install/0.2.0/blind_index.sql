-- Blind indexes: a column is searched by the codes of its values, kept in a column beside it.
--
-- Which column, key, version, purpose and normalization belong together stands in the definition of the
-- trigger that keeps the codes, and so goes wherever the table goes: rename, dump, restore.

-- What a trigger's definition hands to its function: texts, each ended by a zero byte.
CREATE FUNCTION nae_internal.trigger_arguments(arguments bytea) RETURNS text[]
  LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  result text[] := '{}';
  rest bytea := arguments;
  past integer;
BEGIN
  LOOP
    past := position('\x00'::bytea IN rest);
    EXIT WHEN past = 0;
    result := result || convert_from(substring(rest FROM 1 FOR past - 1), getdatabaseencoding());
    rest := substring(rest FROM past + 1);
  END LOOP;
  RETURN result;
END
$$;

-- tgattr: the column and the index column. tgargs of format 2: key, normalization, version, context and
-- purpose; of format 1, whose codes name no version: key and normalization.
CREATE VIEW nae_internal.coded_column AS
  SELECT t.tgrelid::regclass AS relation, coded.attname AS column_name, code.attname AS index_column,
         a.argument[1] AS key, a.argument[2] AS normalization, t.oid AS trigger_oid,
         CASE t.tgnargs WHEN 2 THEN 1 ELSE 2 END AS format,
         CASE WHEN a.argument[3] ~ '^[1-9][0-9]{0,4}$' THEN a.argument[3]::integer END AS version,
         a.argument[4] AS context, a.argument[5] AS purpose,
         t.tgname LIKE '%\_search\_index' AS is_search
  FROM pg_trigger AS t
  JOIN pg_attribute AS coded ON coded.attrelid = t.tgrelid AND coded.attnum = t.tgattr[0]
  JOIN pg_attribute AS code ON code.attrelid = t.tgrelid AND code.attnum = t.tgattr[1]
  CROSS JOIN LATERAL nae_internal.trigger_arguments(t.tgargs) AS a(argument)
  WHERE t.tgname LIKE 'zzz\_nae\_%\_blind\_index' AND t.tgnargs IN (2, 5)
     OR t.tgname LIKE 'zzz\_nae\_%\_search\_index' AND t.tgnargs = 5;
COMMENT ON VIEW nae_internal.coded_column IS 'columns with codes of encrypted columns: blind indexes and search indexes';
GRANT SELECT ON nae_internal.coded_column TO PUBLIC;

CREATE VIEW nae.blind_index AS
  SELECT c.relation, c.column_name, c.index_column, c.key, c.normalization, c.trigger_oid, c.format, c.version,
         c.context, c.purpose
  FROM nae_internal.coded_column AS c WHERE NOT c.is_search;
COMMENT ON VIEW nae.blind_index IS 'columns with the codes by which encrypted columns are searched';
GRANT SELECT ON nae.blind_index TO PUBLIC;

-- Codes -------------------------------------------------------------------------------------------

-- Two forms of one code (docs/spec/envelope.md, "Blind indexes"): what is to be stored needs an active
-- version of the key, what is searched for at least a restricted one. The key is named with its version.
CREATE FUNCTION nae_internal.blind_index_code(key text, input bytea) RETURNS bytea
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_blind_index_code';
CREATE FUNCTION nae_internal.blind_index_search(key text, input bytea) RETURNS bytea
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_blind_index_search';

-- Purpose, context and the value's canonical form, each told from the next by its length.
CREATE FUNCTION nae_internal.blind_index_input(purpose text, context text, value anyelement) RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_blind_index_input';

-- Where many rows are written their codes are asked for together, ahead of the triggers that keep them. The one
-- before these writes such a code; then they have nothing to do. What is not known they ask for, each row by itself.
CREATE FUNCTION nae_internal.take_code() RETURNS trigger
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 1 AS 'MODULE_PATHNAME', 'nae_take_code';
CREATE FUNCTION nae_internal.is_uncoded(
    value_and_code record, key text, normalization text, version text, context text, purpose text) RETURNS boolean
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 1 AS 'MODULE_PATHNAME', 'nae_is_uncoded';

-- What of a plaintext is coded: the same for what is to be found equal. By the database's collation, for
-- the value that is searched for has no other.
CREATE FUNCTION nae_internal.normalized(expression text, normalization text) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format(CASE normalization WHEN 'lower' THEN 'lower((%s)::text COLLATE pg_catalog."default")'
                                   ELSE '%s' END, expression)
$$;

-- The same of format 1: equal texts. Numbers and times are brought to one form; the callers' settings must
-- be those of nae_internal.search_code().
CREATE FUNCTION nae_internal.coded_text(expression text, plain_type regtype, normalization text) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format(CASE WHEN normalization = 'lower' THEN 'lower((%s)::text)'
                     WHEN plain_type = 'numeric'::regtype THEN 'trim_scale(%s)::text' ELSE '(%s)::text' END, expression)
$$;

-- The column of codes and the arguments of the trigger, as they are for whoever reads the table now.
CREATE FUNCTION nae_internal.coding_of(relation regclass, column_name name) RETURNS text[]
  LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'nae_coding_of';

CREATE FUNCTION nae_internal.find_blind_index(relation regclass, column_name name) RETURNS nae.blind_index
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  coding text[] := nae_internal.coding_of(relation, column_name);
  found_index nae.blind_index;
BEGIN
  IF coding IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_object',
      MESSAGE = format('column "%s" of %s has no blind index', column_name, relation),
      HINT = 'CALL nae.add_blind_index() makes one.';
  END IF;
  found_index.relation := relation;
  found_index.column_name := column_name;
  found_index.index_column := coding[1];
  found_index.key := coding[2];
  found_index.normalization := coding[3];
  found_index.format := CASE cardinality(coding) WHEN 3 THEN 1 ELSE 2 END;
  found_index.version := coding[4];
  found_index.context := coding[5];
  found_index.purpose := coding[6];
  RETURN found_index;
END
$$;

-- The code of a value that a blind index may hold. Of format 1 without a version: by the newest.
CREATE FUNCTION nae_internal.search_code(searched nae.blind_index, value text) RETURNS bytea
  LANGUAGE plpgsql STABLE STRICT COST 100
  SET search_path = pg_catalog, pg_temp
  SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET bytea_output = 'hex' SET extra_float_digits = 1
AS $$
DECLARE
  plain_type regtype := (SELECT e.plain_type FROM nae.encrypted_column AS e
                         WHERE e.relation = searched.relation AND e.column_name = searched.column_name);
  key text := concat_ws(':', searched.key, searched.version);
  code bytea;
BEGIN
  IF searched.format = 1 THEN
    EXECUTE format('SELECT @extschema@.nae_blind_index($1, %s)',
                   nae_internal.coded_text(format('$2::%s', nae_internal.type_name(plain_type)), plain_type, searched.normalization))
      INTO code USING key, value;
  ELSE
    EXECUTE format('SELECT nae_internal.blind_index_search($1, nae_internal.blind_index_input($3, $4, %s))',
                   nae_internal.normalized(format('$2::%s', nae_internal.type_name(plain_type)), searched.normalization))
      INTO code USING key, value, searched.purpose, searched.context;
  END IF;
  RETURN code;
END
$$;

-- The code of a value to search for: WHERE email_index = nae.blind_index_of('customers', 'email', $1)
CREATE FUNCTION nae.blind_index_of(relation regclass, column_name name, value text) RETURNS bytea
  LANGUAGE plpgsql STABLE STRICT COST 100
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN nae_internal.search_code(nae_internal.find_blind_index(relation, column_name), value);
END
$$;
COMMENT ON FUNCTION nae.blind_index_of(regclass, name, text) IS 'the code of a value in the blind index of a column';

-- All codes under which a value may stand: that of the column's version and, while it is coded anew, that
-- of the next one; of format 1, which names none, those of every version that still serves. For codes that
-- are asked for in one statement and searched for in a later one.
CREATE FUNCTION nae.blind_index_codes(relation regclass, column_name name, value text) RETURNS bytea[]
  LANGUAGE plpgsql STABLE STRICT COST 1000
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  searched nae.blind_index := nae_internal.find_blind_index(relation, column_name);
  codes bytea[] := '{}';
  newest integer;
BEGIN
  IF searched.format = 2 THEN
    codes := ARRAY[nae_internal.search_code(searched, value)];
  ELSE
    SELECT k.primary_version INTO newest FROM @extschema@.nae_keys() AS k WHERE k.name = searched.key;
    FOR version IN REVERSE coalesce(newest, 1) .. 1 LOOP
      searched.version := version;
      BEGIN
        codes := codes || nae_internal.search_code(searched, value);
      EXCEPTION WHEN SQLSTATE 'NE011' THEN
        NULL;  -- retired or destroyed: nothing of this version can be found
      END;
    END LOOP;
  END IF;
  SELECT 2, c.version, c.context, c.purpose
    INTO searched.format, searched.version, searched.context, searched.purpose
    FROM nae_internal.stat_recoding AS c WHERE c.relation = searched.relation AND c.column_name = searched.index_column;
  IF FOUND THEN
    codes := codes || nae_internal.search_code(searched, value);
  END IF;
  RETURN codes;
END
$$;
COMMENT ON FUNCTION nae.blind_index_codes(regclass, name, text)
  IS 'the codes under which a value may stand in the blind index of a column';

-- Keeping them ------------------------------------------------------------------------------------

-- What a change is writing now. A view, for the table has policies, and batches run with row_security off, under which
-- such a table is refused. Not by process id alone: that of an interrupted change may be anybody's today.
CREATE VIEW nae_internal.stat_writing AS
  SELECT c.relation, c.column_name, c.kind, c.phase, c.shadow, c.coded_column, c.index_column,
         c.pid = pg_backend_pid() AND c.updated_at >= greatest(now(), statement_timestamp()) AS is_own
  FROM nae_internal.column_change AS c;
COMMENT ON VIEW nae_internal.stat_writing IS 'changes of columns, and whether this statement makes them';
GRANT SELECT ON nae_internal.stat_writing TO PUBLIC;

-- true in the transactions in which nae_internal.run_change() writes rows: then nothing is coded ahead.
CREATE FUNCTION nae_internal.is_changing() RETURNS boolean
  LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM nae_internal.stat_writing AS c WHERE c.is_own);
END
$$;

-- Whether the codes of an updated row, if its value stays what it was, are those that a change of this very column brings
-- along, and compares with all values afterwards; or, while values are rewrapped, those that it had. Asked for each row: in
-- PL/pgSQL, which keeps its plan.
CREATE FUNCTION nae_internal.keeps_codes(
    relation oid, column_name name, index_column name, are_other_codes boolean) RETURNS boolean
  LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM nae_internal.stat_writing AS c
    WHERE c.is_own AND (c.relation = $1 OR c.relation IN (SELECT a.relid FROM pg_partition_ancestors($1) AS a))
      AND (c.kind IN ('index', 'search') AND c.phase = 'filling' AND (c.coded_column, c.index_column) = ($2, $3)
           OR c.kind = 'rotate' AND c.column_name = $2 AND NOT $4));
END
$$;

-- A search index is declared in words with a bracket (search.sql), a normalization is one word.
CREATE FUNCTION nae_internal.is_search(change nae_internal.column_change) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(change.normalization LIKE '%(%', false) $$;

-- The code of a row's value under the key, version, context, purpose and normalization of the change. A
-- row of format 1 has no purpose.
CREATE FUNCTION nae_internal.blind_index_expression(change nae_internal.column_change, record text) RETURNS text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN nae_internal.is_search(change)
    THEN format('nae_internal.search_codes(%L, nae_internal.search_input(%L, %L, %L, %s))', change.key || ':' || change.version,
                change.purpose, change.context, change.normalization, plain.expression)
    WHEN change.purpose IS NULL
    THEN format('@extschema@.nae_blind_index(%L, %s)', change.key,
                nae_internal.coded_text(plain.expression, e.plain_type, change.normalization))
    ELSE format('nae_internal.blind_index_code(%L, nae_internal.blind_index_input(%L, %L, %s))', change.key || ':' || change.version,
                change.purpose, change.context, nae_internal.normalized(plain.expression, change.normalization)) END
  FROM nae.encrypted_column AS e
  CROSS JOIN LATERAL nae_internal.plain_expression(e.relation, e.column_name, record) AS plain(expression)
  WHERE e.relation = change.relation AND e.column_name = change.coded_column
$$;

-- What the functions of those do that keep codes: they assign nothing else. The second form is that of format 1.
CREATE FUNCTION nae_internal.is_coding_text(text text) RETURNS boolean
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10
AS $$
  SELECT ($1 LIKE 'BEGIN IF % THEN NEW.% := %; END IF; RETURN NEW; END' OR $1 LIKE 'BEGIN NEW.% := %nae\_blind\_index(%); RETURN NEW; END')
     AND ($1 LIKE '%:= nae\_internal.search\_codes(%' OR $1 LIKE '%:= nae\_internal.blind\_index\_code(%' OR $1 LIKE '%nae\_blind\_index(%')
$$;

-- A change writes each row with the value that it has; but a trigger before ours may assign another one, and statements of
-- triggers may update other rows of the table.
CREATE FUNCTION nae_internal.may_assign(relation oid) RETURNS boolean
  LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN pg_trigger_depth() > 1 OR EXISTS (
    SELECT FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
    WHERE t.tgrelid = relation AND t.tgtype::integer & 19 = 19
      AND NOT (t.tgfoid = 'nae_internal.take_code()'::regprocedure OR nae_internal.is_coding_text(p.prosrc)));
END
$$;

-- Of format 2 there are two triggers that keep codes. The one that says what belongs together codes new rows; the
-- other one, which has no arguments, those whose value is another one: UPDATE OF does not see what other triggers assign.
-- Where a change keeps codes values are compared as what they say.
CREATE FUNCTION nae_internal.blind_index_body(change nae_internal.column_change) RETURNS text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('BEGIN IF %1$s(TG_OP = ''INSERT'' OR NOT nae_internal.keeps_codes(TG_RELID, %2$L, %3$L,'
                ' nae_internal.rows_differ(ROW(NEW.%3$I), ROW(OLD.%3$I))) OR nae_internal.may_assign(TG_RELID)'
                ' AND (%4$s)::text IS DISTINCT FROM (%5$s)::text)'
                ' THEN NEW.%3$I := %6$s; END IF; RETURN NEW; END',
                CASE WHEN change.purpose IS NOT NULL THEN '(TG_OP = ''INSERT'' OR TG_NARGS = 0) AND ' END,
                change.coded_column, change.index_column,
                nae_internal.plain_expression(change.relation, change.coded_column, 'NEW.'),
                nae_internal.plain_expression(change.relation, change.coded_column, 'OLD.'),
                nae_internal.blind_index_expression(change, 'NEW.'))
$$;

-- SECURITY DEFINER: who writes a value may often not decrypt it. The settings are those of format 1.
CREATE FUNCTION nae_internal.blind_index_function(change nae_internal.column_change, function text) RETURNS text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER'
                ' SET search_path = pg_catalog, pg_temp'
                ' SET timezone = ''UTC'' SET datestyle = ''ISO, YMD'' SET bytea_output = ''hex'' SET extra_float_digits = 1 AS %L', function,
                nae_internal.blind_index_body(change))
$$;

-- By its name it is the one before the trigger that keeps the codes.
CREATE FUNCTION nae_internal.taking_trigger(trigger_name name) RETURNS name
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT regexp_replace(trigger_name, '_(blind|search)_index$', '_\1_code') $$;

-- Of a search index alone, where session_replication_role is replica and in apply workers: an update that brings another
-- value and other codes keeps them. One of the two alone comes from where codes were not kept for a while: it is coded.
CREATE FUNCTION nae_internal.replica_triggers(change nae_internal.column_change, trigger_name name, function text) RETURNS SETOF text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format(s.statement, nae_internal.derived_name(trigger_name, '_replica'), change.relation, change.coded_column,
                change.index_column, function)
  FROM (VALUES ('CREATE TRIGGER %1$I BEFORE UPDATE ON %2$s FOR EACH ROW WHEN ('
                'nae_internal.rows_differ(ROW(NEW.%3$I), ROW(OLD.%3$I))'
                ' <> nae_internal.rows_differ(ROW(NEW.%4$I), ROW(OLD.%4$I))) EXECUTE FUNCTION %5$s()'),
               ('ALTER TABLE %2$s ENABLE REPLICA TRIGGER %1$I')) AS s(statement)
  WHERE nae_internal.is_search(change)
$$;

-- Nobody else may put the function on a table of his own. When codes change too: nobody sets them by hand.
CREATE FUNCTION nae_internal.blind_index_triggers(change nae_internal.column_change, trigger_name name, function text) RETURNS SETOF text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  WITH told AS (
    SELECT change.purpose IS NOT NULL AS is_of_format_2,
           concat_ws(', ', quote_literal(change.key), quote_literal(change.normalization),
                     CASE WHEN change.purpose IS NOT NULL THEN quote_literal(change.version) END,
                     CASE WHEN change.purpose IS NOT NULL THEN quote_literal(change.context) END,
                     quote_literal(change.purpose)) AS arguments),
  coding AS (
    SELECT t.*, format('nae_internal.is_uncoded(ROW(NEW.%I, NEW.%I), %s)', change.coded_column, change.index_column,
                       t.arguments) AS is_uncoded FROM told AS t)
  SELECT format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OF %I, %I ON %s FOR EACH ROW EXECUTE FUNCTION nae_internal.take_code()',
                nae_internal.taking_trigger(trigger_name), change.coded_column, change.index_column, change.relation)
  FROM coding AS c WHERE c.is_of_format_2
  UNION ALL
  SELECT format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OF %I, %I ON %s FOR EACH ROW %s EXECUTE FUNCTION %s(%s)',
                trigger_name, change.coded_column, change.index_column, change.relation,
                CASE WHEN c.is_of_format_2 THEN format('WHEN (%s)', c.is_uncoded) END, function, c.arguments)
  FROM coding AS c
  UNION ALL
  SELECT format('CREATE TRIGGER %1$I BEFORE UPDATE ON %2$s FOR EACH ROW WHEN ('
                'nae_internal.rows_differ(ROW(NEW.%3$I, NEW.%4$I), ROW(OLD.%3$I, OLD.%4$I)) AND %6$s) EXECUTE FUNCTION %5$s()',
                nae_internal.derived_name(trigger_name, '_update'), change.relation, change.coded_column, change.index_column, function,
                c.is_uncoded)
  FROM coding AS c WHERE c.is_of_format_2
  UNION ALL SELECT nae_internal.replica_triggers(change, trigger_name, function)
$$;

-- Whether a trigger is the one before another.
CREATE FUNCTION nae_internal.takes_code_of(taking pg_trigger, coding pg_trigger) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT taking.tgrelid = coding.tgrelid AND taking.tgattr::text = coding.tgattr::text
     AND taking.tgfoid = 'nae_internal.take_code()'::regprocedure
$$;

-- One of the three.
CREATE FUNCTION nae_internal.is_coding_trigger(trigger_oid oid) RETURNS boolean
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 100
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (
    SELECT FROM pg_trigger AS t
    JOIN nae_internal.coded_column AS b ON b.relation = t.tgrelid
    JOIN pg_trigger AS coding ON coding.oid = b.trigger_oid
      AND (coding.tgfoid = t.tgfoid OR nae_internal.takes_code_of(t, coding))
    WHERE t.oid = $1)
$$;

CREATE FUNCTION nae_internal.create_blind_index(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  called text := CASE WHEN nae_internal.is_search(change) THEN 'search_index' ELSE 'blind_index' END;
  function text := nae_internal.function_beside(change, 'nae_' || called);
  trigger_name name := nae_internal.derived_name('zzz_nae_' || change.column_name, '_' || called);
  statement text;
BEGIN
  IF nae_internal.is_search(change) THEN
    PERFORM nae_internal.refuse_late_triggers(change.relation);  -- locked now
  END IF;
  EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', change.relation, change.index_column, change.new_type);
  EXECUTE nae_internal.blind_index_function(change, function);
  EXECUTE format('REVOKE ALL ON FUNCTION %s() FROM PUBLIC', function);
  FOR statement IN SELECT nae_internal.blind_index_triggers(change, trigger_name, function) LOOP
    EXECUTE statement;
  END LOOP;
END
$$;

-- What keeps codes, as the change that would have made it.
CREATE FUNCTION nae_internal.as_change(kept nae_internal.coded_column) RETURNS nae_internal.column_change
  LANGUAGE plpgsql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  change nae_internal.column_change;
BEGIN
  change.relation := kept.relation;
  change.column_name := kept.column_name;
  change.coded_column := kept.column_name;
  change.index_column := kept.index_column;
  change.key := kept.key;
  change.normalization := kept.normalization;
  change.version := kept.version;
  change.context := kept.context;
  change.purpose := kept.purpose;
  RETURN change;
END
$$;

-- After a rename, or a change of the column's key or version: PL/pgSQL has columns by name, and the code
-- its typmod. Asked by the guard, which executes it in the name of whoever alters the table; only a function of the
-- table's owner is touched, whatever the triggers of the table call.
CREATE FUNCTION nae_internal.renewed_blind_indexes(target regclass) RETURNS SETOF text
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nae_internal.blind_index_function(nae_internal.as_change(b), p.oid::regproc::text)
  FROM nae_internal.coded_column AS b
  JOIN pg_trigger AS t ON t.oid = b.trigger_oid AND t.tgparentid = 0
  JOIN pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_proc AS p ON p.oid = t.tgfoid AND p.proowner = c.relowner AND p.prosecdef
  WHERE b.relation = target AND p.prosrc <> nae_internal.blind_index_body(nae_internal.as_change(b))
$$;

-- By a change of the column.
CREATE FUNCTION nae_internal.renew_blind_indexes(target regclass) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  statement text;
BEGIN
  FOR statement IN SELECT nae_internal.renewed_blind_indexes(target) LOOP
    EXECUTE statement;
  END LOOP;
END
$$;

-- Making and dropping them ------------------------------------------------------------------------

-- The normalization is checked where a deterministic column needs one: as it is, it has an index of its own.
CREATE FUNCTION nae_internal.refuse_blind_index(encrypted nae.encrypted_column, normalization text) RETURNS void
  LANGUAGE plpgsql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF normalization NOT IN ('none', 'lower')
     OR (normalization = 'lower' AND encrypted.plain_type <> 'text'::regtype) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s values cannot be normalized by "%s"', encrypted.plain_type, normalization),
      HINT = 'Use none or, for text, lower.';
  ELSIF encrypted.deterministic AND normalization = 'none' THEN
    RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
      MESSAGE = format('column "%s" of %s is deterministic', encrypted.column_name, encrypted.relation),
      HINT = 'It is searched by an index of its own; without regard to case, with normalization => ''lower''.';
  END IF;
END
$$;

-- Codes of a value beside codes of its parts tell which parts make which value: whoever knows how often values
-- are names many more of both (docs/search.md).
CREATE FUNCTION nae_internal.refuse_nesting(relation regclass, column_name name, wanted text) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  present nae_internal.coded_column;
BEGIN
  SELECT c.* INTO present FROM nae_internal.coded_column AS c
    WHERE c.relation = refuse_nesting.relation AND c.column_name = refuse_nesting.column_name
      AND (c.is_search OR wanted <> 'a blind index') LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('column "%s" of %s has %s already: %s', column_name, relation,
                       CASE WHEN present.is_search THEN 'a search index' ELSE 'a blind index' END, present.normalization),
      DETAIL = format('With %s beside it, its codes would tell far more than either.', wanted),
      HINT = CASE WHEN present.is_search THEN 'nae.drop_search() drops it.' ELSE 'nae.drop_blind_index() drops it.' END;
  END IF;
END
$$;

-- A purpose of its own for each, unless one is named: equal values of two columns have different codes,
-- also when one is renamed and another takes its name.
CREATE FUNCTION nae_internal.begin_blind_index(
    relation regclass, column_name name, key text, index_column name, normalization text, batch_size integer,
    purpose text DEFAULT NULL)
  RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted nae_internal.column_change := nae_internal.wanted_change(relation, column_name, 'index', batch_size, true, false);
  encrypted nae.encrypted_column;
BEGIN
  SELECT e.* INTO encrypted FROM nae.encrypted_column AS e
    WHERE e.relation = begin_blind_index.relation AND e.column_name = begin_blind_index.column_name;
  wanted.shadow := NULL;
  wanted.new_type := 'bytea'::regtype;
  wanted.key := key;
  wanted.context := coalesce(encrypted.context, '');
  wanted.normalization := normalization;
  wanted.purpose := purpose;
  wanted.coded_column := column_name;
  wanted.index_column := coalesce(index_column, nae_internal.derived_name(column_name, '_index'));
  IF nae_internal.resumes(wanted) THEN
    RETURN;
  END IF;
  PERFORM nae_internal.check_table(relation, column_name);
  IF encrypted.type IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
      MESSAGE = format('column "%s" of %s is not encrypted', column_name, relation),
      HINT = 'A plain column is searched by an index of its own.';
  END IF;
  PERFORM nae_internal.refuse_blind_index(encrypted, normalization);
  PERFORM nae_internal.refuse_nesting(relation, column_name, 'a blind index');
  PERFORM nae_internal.check_key(encrypted.key, NULL, ARRAY['decrypt']);
  wanted.version := nae_internal.check_key(key, 'hmac-sha-256', ARRAY['mac']);
  wanted.purpose := coalesce(purpose, gen_random_uuid()::text);
  PERFORM nae_internal.begin_change(wanted);
END
$$;

CREATE PROCEDURE nae.add_blind_index(
    relation regclass, column_name name, key text, index_column name DEFAULT NULL,
    normalization text DEFAULT 'none', batch_size integer DEFAULT 20000, purpose text DEFAULT NULL)
  LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM nae_internal.refuse_transaction_block('nae.add_blind_index');
  PERFORM nae_internal.begin_blind_index(relation, column_name, key, index_column, normalization, batch_size, purpose);
  COMMIT;
  CALL nae_internal.run_change(relation, column_name);
END
$$;
COMMENT ON PROCEDURE nae.add_blind_index(regclass, name, text, name, text, integer, text)
  IS 'makes an encrypted column searchable by codes while it is in use';

CREATE FUNCTION nae_internal.drop_triggers(relation regclass, function regprocedure) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  dropped name;
BEGIN
  FOR dropped IN
    SELECT t.tgname FROM pg_trigger AS t
    WHERE t.tgrelid = relation AND (t.tgfoid = function OR EXISTS (
      SELECT FROM pg_trigger AS coding WHERE coding.tgfoid = function AND nae_internal.takes_code_of(t, coding)))
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', dropped, relation);
  END LOOP;
END
$$;

CREATE FUNCTION nae_internal.drop_codes(relation regclass, column_name name, is_search boolean) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  dropped record;
  check_name name;
BEGIN
  FOR dropped IN
    SELECT t.tgfoid::regprocedure AS function, b.index_column
    FROM nae_internal.coded_column AS b JOIN pg_trigger AS t ON t.oid = b.trigger_oid
    WHERE b.relation = drop_codes.relation AND b.column_name = drop_codes.column_name AND b.is_search = drop_codes.is_search
  LOOP
    -- First: without its triggers the guard would drop it, with a warning.
    FOR check_name IN
      SELECT con.conname FROM nae_internal.codes_checks(relation) AS con
      WHERE nae_internal.attnum(relation, dropped.index_column) = ANY (con.conkey)
    LOOP
      EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', relation, check_name);
    END LOOP;
    PERFORM nae_internal.drop_triggers(relation, dropped.function);
    EXECUTE format('DROP FUNCTION %s', dropped.function);
    EXECUTE format('ALTER TABLE %s DROP COLUMN %I', relation, dropped.index_column);
  END LOOP;
END
$$;

CREATE FUNCTION nae.drop_blind_index(relation regclass, column_name name) RETURNS void
  LANGUAGE sql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT nae_internal.drop_codes(relation, column_name, false) $$;
COMMENT ON FUNCTION nae.drop_blind_index(regclass, name) IS 'drops the blind index of a column, and its codes';
