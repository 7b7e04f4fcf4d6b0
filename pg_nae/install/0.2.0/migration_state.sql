-- Changes of a column while it is in use: encrypt_column, decrypt_column, rotate_column; add_blind_index,
-- rotate_blind_index, add_search, rotate_search.
--
-- A shadow column of the new type is filled batch by batch, each in its own transaction, while a trigger
-- keeps it in step with what others write; then it takes the place of the old column. The state of a
-- change is a row of nae_internal.column_change that is committed with each batch: after whatever interruption
-- the same CALL goes on where it was. Randomized columns are rotated in place.
--
-- A procedure that commits may not have a SET clause, and so no safe search_path. The procedures here
-- therefore do nothing but call functions that have one.

CREATE TABLE nae_internal.column_change (
  relation regclass NOT NULL,
  column_name name NOT NULL,
  kind text NOT NULL CHECK (kind IN ('encrypt', 'decrypt', 'rotate', 'index', 'recode', 'search', 'recode_search')),
  phase text NOT NULL CHECK (phase IN ('preparing', 'filling', 'constraining', 'validating', 'verifying',
                                       'indexing', 'swapping', 'checking')),
  shadow name,                 -- NULL: in place
  -- Of a blind index or a search index: where the values and where the codes are, what is coded, apart from which others.
  coded_column name, index_column name, normalization text, purpose text,
  new_type regtype NOT NULL,
  key text, version integer,   -- of the new type, NULL when it is not encrypted; or the blind index's key
  context text,                -- of the new type; or of the column that is coded
  verify boolean NOT NULL,
  rewrite boolean NOT NULL,    -- swap by rewriting the table
  batch_size integer NOT NULL CHECK (batch_size BETWEEN 1 AND 1000000),
  heap regclass,               -- where the walk over the table is: NULL before its start
  heap_blocks bigint NOT NULL DEFAULT 0,
  next_block bigint NOT NULL DEFAULT 0,
  passes integer NOT NULL DEFAULT 0,
  blocks_total bigint NOT NULL DEFAULT 0,
  blocks_done bigint NOT NULL DEFAULT 0,
  rows_done bigint NOT NULL DEFAULT 0,
  unchecked name[] NOT NULL DEFAULT '{}',   -- CHECK constraints to be validated after the swap
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  pid integer NOT NULL DEFAULT pg_backend_pid(),
  PRIMARY KEY (relation, column_name)
);
COMMENT ON TABLE nae_internal.column_change IS 'changes of columns that are under way; see nae.stat_progress_column';

-- Procedures run in the name of their caller: each role writes the state of its own tables. Nothing in
-- a row is ever executed as SQL: who owns a table could else leave something for a superuser to run.
CREATE FUNCTION nae_internal.owns(relation regclass) RETURNS boolean
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class AS c WHERE c.oid = $1 $$;

ALTER TABLE nae_internal.column_change ENABLE ROW LEVEL SECURITY;
-- Whose codes are taken as they are goes by the process and by when: nobody writes those of another, or ahead of time.
CREATE POLICY own_tables ON nae_internal.column_change USING (nae_internal.owns(relation))
  WITH CHECK (nae_internal.owns(relation) AND pid = pg_backend_pid() AND updated_at <= clock_timestamp());

CREATE VIEW nae.stat_progress_column AS
  SELECT (SELECT a.pid FROM pg_stat_activity AS a WHERE a.pid = c.pid) AS pid,  -- NULL: interrupted
         c.relation, c.column_name, c.kind AS command, c.phase, c.blocks_total, c.blocks_done,
         round(100.0 * c.blocks_done / nullif(c.blocks_total, 0), 1) AS percent, c.rows_done,
         c.started_at, c.updated_at, c.pid AS last_pid
  FROM nae_internal.column_change AS c JOIN pg_class AS r ON r.oid = c.relation;
COMMENT ON VIEW nae.stat_progress_column IS 'changes of columns that are under way, and those that were interrupted';
CREATE VIEW @extschema@.nae_stat_progress_column AS SELECT * FROM nae.stat_progress_column;
COMMENT ON VIEW @extschema@.nae_stat_progress_column IS 'nae.stat_progress_column';
GRANT SELECT ON nae.stat_progress_column, @extschema@.nae_stat_progress_column TO PUBLIC;

-- Columns and types ------------------------------------------------------------------------------

-- The type that values have in plaintext: of an encrypted column, or of one to be encrypted. Of domains that is
-- what they are over; and what has no encrypted twin of its own is encrypted as the type that PostgreSQL
-- itself takes it for without a loss.
CREATE FUNCTION nae_internal.plain_type(type oid) RETURNS regtype
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT e.plain_type
  FROM nae_internal.base_type($1, -1) AS base CROSS JOIN nae.encrypted_type AS e
  LEFT JOIN pg_cast AS c ON c.castsource = base.type AND c.casttarget = e.plain_type AND c.castcontext = 'i'
  WHERE base.type IN (e.type, e.plain_type)
     OR c.castmethod = 'b' AND base.type < 16384
     OR c.oid IS NOT NULL AND (base.type::regtype, e.plain_type) IN
        (VALUES ('smallint'::regtype, 'integer'::regtype), ('real', 'double precision'), ('bpchar', 'text'))
     OR base.type = 'varchar[]'::regtype AND e.plain_type = 'text[]'::regtype
  -- A varchar becomes a bpchar by itself too, which does not count blanks.
  ORDER BY base.type IN (e.type, e.plain_type) DESC, e.plain_type = 'text'::regtype DESC LIMIT 1
$$;

CREATE FUNCTION nae_internal.type_with_key(type regtype, key text, context text, version integer) RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nae_internal.type_name(type) || CASE WHEN key IS NULL THEN '' ELSE
    '(' || concat_ws(', ', quote_literal(key), quote_literal('context=' || nullif(context, '')),
                     quote_literal('version=' || nullif(version, 0))) || ')' END
$$;

CREATE FUNCTION nae_internal.declared_type(relation regclass, column_name name) RETURNS regtype
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT a.atttypid::regtype FROM pg_attribute AS a
  WHERE a.attrelid = $1 AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped
$$;

-- An expression for a column's plaintext. A ciphertext of another key or context is refused here, and so is
-- (true) a value that the policy shows masked, as NULL or as ciphertext: what is stored from it would be lost.
CREATE FUNCTION nae_internal.plain_expression(relation regclass, column_name name, record text DEFAULT '') RETURNS text
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN e.typmod IS NULL THEN format('(%s%I)::%s', record, $2, nae_internal.type_name(nae_internal.plain_type(a.atttypid)))
              ELSE format('nae_internal.plain(%s%I, %s, true)', record, $2, e.typmod) END
  FROM pg_attribute AS a LEFT JOIN nae.encrypted_column AS e ON e.relation = a.attrelid AND e.attnum = a.attnum
  WHERE a.attrelid = $1 AND a.attname = $2
$$;

CREATE FUNCTION nae_internal.attnum(relation regclass, column_name name) RETURNS smallint
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$ SELECT a.attnum FROM pg_attribute AS a WHERE a.attrelid = $1 AND a.attname = $2 AND NOT a.attisdropped $$;

-- Whether a CHECK is that of a search index (search.sql).
CREATE FUNCTION nae_internal.calls_has_codes(constraint_oid oid) RETURNS boolean
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (
    SELECT FROM pg_depend AS d
    WHERE d.classid = 'pg_constraint'::regclass AND d.objid = $1 AND d.refclassid = 'pg_proc'::regclass
      AND d.refobjid = to_regprocedure('nae.has_codes(boolean, integer[], integer)'))
$$;

-- Called first by what commits.
CREATE FUNCTION nae_internal.refuse_transaction_block(called text) RETURNS void
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'nae_refuse_transaction_block';

-- The state ---------------------------------------------------------------------------------------

-- What the user called.
CREATE FUNCTION nae_internal.called(kind text) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE kind WHEN 'index' THEN 'nae.add_blind_index' WHEN 'recode' THEN 'nae.rotate_blind_index'
                   WHEN 'search' THEN 'nae.add_search' WHEN 'recode_search' THEN 'nae.rotate_search'
                   ELSE format('nae.%s_column', kind) END
$$;

-- Makes a change this session's, until its transaction ends. The lock is not the session's: it would
-- outlive a CALL that fails. A second CALL may slip in between two batches, and then the first one ends
-- here, with nothing lost.
CREATE FUNCTION nae_internal.take_change(relation regclass, column_name name) RETURNS nae_internal.column_change
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  taken nae_internal.column_change;
BEGIN
  IF NOT pg_try_advisory_xact_lock('nae_internal.column_change'::regclass::oid::integer,
                                   hashtext(relation::oid || ' ' || column_name)) THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use',
      MESSAGE = format('column "%s" of %s is being changed by another session', column_name, relation),
      HINT = 'SELECT * FROM nae.stat_progress_column shows how far it is.';
  END IF;
  UPDATE nae_internal.column_change AS c SET pid = pg_backend_pid(), updated_at = clock_timestamp()
    WHERE c.relation = take_change.relation AND c.column_name = take_change.column_name
    RETURNING * INTO taken;
  RETURN taken;
END
$$;

CREATE FUNCTION nae_internal.enter_phase(change nae_internal.column_change, phase text) RETURNS void
  LANGUAGE sql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE nae_internal.column_change AS c
  SET phase = $2, heap = NULL, heap_blocks = 0, next_block = 0, blocks_done = 0,
      blocks_total = (SELECT coalesce(sum(nae_internal.heap_blocks(h)), 0) FROM nae_internal.heaps(change.relation) AS h)
  WHERE c.relation = change.relation AND c.column_name = change.column_name
$$;

CREATE FUNCTION nae_internal.forget_change(change nae_internal.column_change) RETURNS void
  LANGUAGE sql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$ DELETE FROM nae_internal.column_change AS c WHERE c.relation = change.relation AND c.column_name = change.column_name $$;

CREATE FUNCTION nae_internal.wait_for_older_snapshots() RETURNS void
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'nae_wait_for_older_snapshots';

-- Two changes may wait for each other, and one of them then tries again.
CREATE FUNCTION nae_internal.is_seen_by_all() RETURNS boolean
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM nae_internal.wait_for_older_snapshots();
  RETURN true;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  RETURN false;
END
$$;

-- Whoever waits for a lock on a table makes all others wait behind himself: not for long, and again after a
-- pause. But longer than deadlock_timeout, for only then does autovacuum give way.
CREATE FUNCTION nae_internal.try_lock(relation regclass, mode text) RETURNS boolean
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
  SET lock_timeout = '1s'
AS $$
BEGIN
  PERFORM set_config('lock_timeout', s.setting::bigint + 500 || 'ms', true)
    FROM pg_settings AS s WHERE s.name = 'deadlock_timeout';
  EXECUTE format('LOCK TABLE %s IN %s MODE', relation, mode);
  RETURN true;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  PERFORM pg_sleep(1);
  RETURN false;
END
$$;
