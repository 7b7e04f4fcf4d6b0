-- The calls: encrypt_column, decrypt_column, rotate_column, cancel_column_change; and what they do step
-- by step.

-- true: this very change is under way already and goes on.
CREATE FUNCTION nae_internal.resumes(wanted nae_internal.column_change) RETURNS boolean
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  present nae_internal.column_change := nae_internal.take_change(wanted.relation, wanted.column_name);
BEGIN
  IF present.kind IS NULL OR present.phase = 'preparing' THEN
    PERFORM nae_internal.forget_change(present);  -- whatever it was to be, nothing has been made for it yet
    RETURN false;
  ELSIF (present.kind, present.new_type, present.key, present.context, present.normalization, present.rewrite)
        IS DISTINCT FROM (wanted.kind, wanted.new_type, wanted.key, wanted.context, wanted.normalization, wanted.rewrite)
        OR present.purpose <> wanted.purpose THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('another change of column "%s" of %s is under way: %s to %s, rewrite %s',
                       present.column_name, present.relation, present.kind,
                       nae_internal.type_with_key(present.new_type, present.key, present.context, present.version),
                       present.rewrite),
      HINT = 'Call that one to its end, or give it up by nae.cancel_column_change().';
  END IF;
  UPDATE nae_internal.column_change AS c SET batch_size = wanted.batch_size, verify = wanted.verify
    WHERE c.relation = wanted.relation AND c.column_name = wanted.column_name;
  RETURN true;
END
$$;

CREATE FUNCTION nae_internal.wanted_change(
    relation regclass, column_name name, kind text, batch_size integer, verify boolean, rewrite boolean)
  RETURNS nae_internal.column_change
  LANGUAGE plpgsql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted nae_internal.column_change;
BEGIN
  wanted.relation := relation;
  wanted.column_name := column_name;
  wanted.kind := kind;
  wanted.batch_size := batch_size;
  wanted.verify := verify;
  wanted.rewrite := rewrite;
  wanted.shadow := nae_internal.derived_name(column_name, '__nae');
  RETURN wanted;
END
$$;

CREATE FUNCTION nae_internal.begin_change(wanted nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF wanted.shadow IS NOT NULL THEN
    PERFORM nae_internal.refuse_losses(wanted.relation, wanted.column_name, wanted.new_type, wanted.rewrite);
  END IF;
  PERFORM nae_internal.warn_of_changes(wanted.relation, wanted.column_name, wanted.new_type);
  INSERT INTO nae_internal.column_change (relation, column_name, kind, phase, shadow, coded_column, index_column,
                                 normalization, purpose, new_type, key, context, version, verify, rewrite, batch_size)
    VALUES (wanted.relation, wanted.column_name, wanted.kind, 'preparing', wanted.shadow, wanted.coded_column,
            wanted.index_column, wanted.normalization, wanted.purpose, wanted.new_type, wanted.key, wanted.context,
            wanted.version, wanted.verify, wanted.rewrite,
            wanted.batch_size);
END
$$;

CREATE FUNCTION nae_internal.begin_encryption(
    relation regclass, column_name name, key text, deterministic boolean, context text, batch_size integer,
    verify boolean, rewrite boolean)
  RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  declared regtype := nae_internal.declared_type(relation, column_name);
  wanted nae_internal.column_change := nae_internal.wanted_change(relation, column_name, 'encrypt', batch_size, verify, rewrite);
BEGIN
  PERFORM nae_internal.use_own_settings();
  wanted.key := key;
  wanted.context := coalesce(context, '');
  SELECT e.type INTO wanted.new_type FROM nae.encrypted_type AS e
    WHERE e.plain_type = nae_internal.plain_type(declared) AND e.deterministic = begin_encryption.deterministic;
  IF nae_internal.resumes(wanted) THEN
    RETURN;
  END IF;
  PERFORM nae_internal.check_table(relation, column_name);
  IF wanted.new_type IS NULL OR nae_internal.contains_encrypted(declared) THEN
    PERFORM nae_internal.refuse_plain_type(relation, column_name, declared, deterministic);
  END IF;
  wanted.version := nae_internal.check_key(key, CASE WHEN deterministic THEN 'aes-256-siv' ELSE 'aes-256-gcm' END,
                                  CASE WHEN verify THEN ARRAY['encrypt', 'decrypt'] ELSE ARRAY['encrypt'] END);
  IF NOT deterministic THEN
    wanted.version := 0;  -- always the newest
  END IF;
  PERFORM nae_internal.begin_change(wanted);
END
$$;

CREATE FUNCTION nae_internal.begin_decryption(
    relation regclass, column_name name, batch_size integer, verify boolean, rewrite boolean)
  RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted nae_internal.column_change := nae_internal.wanted_change(relation, column_name, 'decrypt', batch_size, verify, rewrite);
  encrypted record;
BEGIN
  PERFORM nae_internal.use_own_settings();
  SELECT e.plain_type, e.key INTO encrypted FROM nae.encrypted_column AS e
    WHERE e.relation = begin_decryption.relation AND e.column_name = begin_decryption.column_name;
  -- Decrypted already when a CALL goes on that was interrupted after the swap.
  wanted.new_type := coalesce(encrypted.plain_type, nae_internal.declared_type(relation, column_name));
  IF nae_internal.resumes(wanted) THEN
    RETURN;
  END IF;
  PERFORM nae_internal.check_table(relation, column_name);
  PERFORM nae_internal.refuse_unencrypted(relation, column_name);
  PERFORM nae_internal.refuse_searched(relation, column_name);
  PERFORM nae_internal.check_key(encrypted.key, NULL, ARRAY['decrypt']);
  PERFORM nae_internal.begin_change(wanted);
END
$$;

-- A deterministic column gets a shadow of the new version: comparing needs one token, so all values of
-- a column are of one version at each moment. The values of a randomized one may be mixed.
CREATE FUNCTION nae_internal.begin_rotation(
    relation regclass, column_name name, version integer, batch_size integer, verify boolean, rewrite boolean)
  RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted nae_internal.column_change := nae_internal.wanted_change(relation, column_name, 'rotate', batch_size, verify, rewrite);
  encrypted nae.encrypted_column;
  newest integer;
BEGIN
  PERFORM nae_internal.use_own_settings();
  SELECT e.* INTO encrypted FROM nae.encrypted_column AS e
    WHERE e.relation = begin_rotation.relation AND e.column_name = begin_rotation.column_name;
  wanted.new_type := encrypted.type; wanted.key := encrypted.key; wanted.context := encrypted.context;
  IF nae_internal.resumes(wanted) THEN
    RETURN;
  END IF;
  PERFORM nae_internal.check_table(relation, column_name);
  PERFORM nae_internal.refuse_unencrypted(relation, column_name);
  newest := nae_internal.check_key(encrypted.key, NULL, CASE WHEN encrypted.deterministic THEN ARRAY['encrypt', 'decrypt']
                                                    ELSE ARRAY['rewrap'] END);
  wanted.version := coalesce(version, newest);
  IF encrypted.deterministic AND wanted.version = encrypted.version THEN
    RAISE NOTICE 'column "%" of % is of version % already', column_name, relation, encrypted.version;
    RETURN;
  ELSIF NOT encrypted.deterministic AND wanted.version <> newest THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'randomized values are rotated to the newest version of their key', HINT = 'Leave out version.';
  ELSIF NOT encrypted.deterministic AND rewrite THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'randomized values are rotated where they stand', HINT = 'Leave out rewrite.';
  END IF;
  IF NOT encrypted.deterministic THEN
    wanted.shadow := NULL;
  END IF;
  PERFORM nae_internal.begin_change(wanted);
END
$$;

-- Step by step --------------------------------------------------------------------------------------

CREATE FUNCTION nae_internal.prepare_step(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT nae_internal.try_lock(change.relation, 'ACCESS EXCLUSIVE') THEN
    RETURN;
  ELSIF change.kind IN ('index', 'search') THEN
    PERFORM nae_internal.create_blind_index(change);
  ELSIF change.shadow IS NOT NULL THEN
    PERFORM nae_internal.create_shadow(change);
    PERFORM nae_internal.rehearse_swap(change);
  END IF;
  PERFORM nae_internal.enter_phase(change, 'filling');
END
$$;

-- Rows on which there is something to do. Codes that were written past the triggers are those of another value, or of
-- none: when all rows have codes each is computed anew and compared.
CREATE FUNCTION nae_internal.unfilled(change nae_internal.column_change) RETURNS text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN change.kind = 'rotate' AND change.shadow IS NULL
              THEN format('nae.key_version(%I) < %s', change.column_name, change.version)
              WHEN change.kind IN ('index', 'search') AND (change.phase = 'verifying' OR change.passes > 0)
              THEN format('%I IS DISTINCT FROM %s', change.index_column, nae_internal.source_expression(change))
              ELSE format('(%I IS NULL) <> (%I IS NULL)', nae_internal.source_column(change),
                          coalesce(change.shadow, change.index_column)) END
$$;

CREATE FUNCTION nae_internal.filling(change nae_internal.column_change) RETURNS text
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN change.kind IN ('index', 'search')
              THEN format('%I = %s', change.index_column, nae_internal.source_expression(change))
              WHEN change.shadow IS NULL THEN format('%1$I = nae.rewrap(%1$I)', change.column_name)
              ELSE format('%I = %s', change.shadow, nae_internal.source_expression(change)) END
$$;

CREATE FUNCTION nae_internal.fill_step(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF nae_internal.walk(change, nae_internal.unfilled(change), nae_internal.filling(change)) IS NULL THEN
    PERFORM nae_internal.enter_phase(change, CASE WHEN change.shadow IS NULL THEN 'verifying' ELSE 'constraining' END);
  END IF;
END
$$;

CREATE FUNCTION nae_internal.constrain_step(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF nae_internal.try_lock(change.relation, 'ACCESS EXCLUSIVE') THEN
    IF change.kind = 'search' THEN
      PERFORM nae_internal.add_complete_check(change);
    ELSE
      PERFORM nae_internal.add_shadow_checks(change);
      IF change.kind = 'recode_search' THEN
        PERFORM nae_internal.add_shadow_codes_check(change);
      END IF;
    END IF;
    PERFORM nae_internal.enter_phase(change, 'validating');
  END IF;
END
$$;

-- Rows that were written past the triggers, or moved while they were rewrapped, are met in the next pass.
CREATE FUNCTION nae_internal.fill_again(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF change.passes >= 10 THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('rows of %s stay as they were after %s passes', change.relation, change.passes),
      HINT = 'Look for a trigger that suppresses or changes updates.';
  END IF;
  UPDATE nae_internal.column_change AS c SET passes = passes + 1
    WHERE c.relation = change.relation AND c.column_name = change.column_name;
  PERFORM nae_internal.enter_phase(change, 'filling');
END
$$;

CREATE FUNCTION nae_internal.validate_step(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF change.kind = 'search' THEN
    -- Who began before the last row was filled sees rows without codes, and would go by the CHECK all the same.
    IF NOT nae_internal.is_seen_by_all() THEN
      RETURN;
    ELSIF nae_internal.validate_complete_check(change) THEN
      PERFORM nae_internal.forget_change(change);
    ELSE
      PERFORM nae_internal.fill_again(change);
    END IF;
  ELSIF nae_internal.validate_shadow_checks(change) THEN
    PERFORM nae_internal.enter_phase(change, CASE WHEN change.verify THEN 'verifying' ELSE 'indexing' END);
  ELSE
    PERFORM nae_internal.fill_again(change);
  END IF;
END
$$;

-- In place: is anything left to do? Rows that others update meanwhile may move behind the walk.
CREATE FUNCTION nae_internal.verify_in_place(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  met bigint := nae_internal.walk(change, nae_internal.unfilled(change));
BEGIN
  IF met > 0 THEN
    PERFORM nae_internal.fill_again(change);
  ELSIF met IS NULL AND change.kind IN ('index', 'search') THEN
    PERFORM nae_internal.enter_phase(change, 'indexing');
  ELSIF met IS NULL THEN
    PERFORM nae_internal.forget_change(change);
  END IF;
END
$$;

-- Does the shadow say what the column says?
CREATE FUNCTION nae_internal.verify_shadow(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  met bigint := nae_internal.walk(change, format(
    -- json has no equality, but each value is kept as it was written.
    CASE WHEN nae_internal.plain_type(change.new_type) IN ('json'::regtype, '_json'::regtype)
         THEN '(%s)::text IS DISTINCT FROM (%s)::text' ELSE '%s IS DISTINCT FROM %s' END, nae_internal.plain_expression(change.relation, change.shadow),
    nae_internal.source_expression(change)));
BEGIN
  IF met > 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'data_exception',
      MESSAGE = format('column "%s" of %s and its shadow differ', change.column_name, change.relation),
      DETAIL = 'Nothing was replaced.',
      HINT = 'Look for a trigger that changes them; nae.cancel_column_change() gives up.';
  ELSIF met IS NULL THEN
    PERFORM nae_internal.enter_phase(change, 'indexing');
  END IF;
END
$$;

CREATE FUNCTION nae_internal.index_step(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF change.kind NOT IN ('index', 'search') THEN
    -- A table that is rewritten gets its indexes anew.
    IF change.rewrite OR nae_internal.build_shadow_index(change) THEN
      PERFORM nae_internal.enter_phase(change, 'swapping');
    END IF;
  ELSIF nae_internal.try_lock(change.relation, 'SHARE') THEN
    IF change.kind = 'search' THEN
      PERFORM nae_internal.create_search_index(change);
      PERFORM nae_internal.enter_phase(change, 'constraining');
    ELSE
      EXECUTE format('CREATE INDEX ON %s (%I)', change.relation, change.index_column);
      PERFORM nae_internal.forget_change(change);
    END IF;
  END IF;
END
$$;

CREATE FUNCTION nae_internal.tell_what_remains(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  kept constant text := 'Archived WAL and backups end with their retention.';
BEGIN
  IF change.rewrite THEN
    RAISE NOTICE '% was rewritten: column "%" is in its old place', change.relation, change.column_name;
  ELSE
    RAISE NOTICE 'column "%" of % is the last column of the table now', change.column_name, change.relation
      USING DETAIL = 'SELECT * and INSERT without a list of columns have it there.',
            HINT = 'With rewrite => true a column keeps its place: the table is then locked while it is rewritten.';
  END IF;
  IF change.kind = 'encrypt' AND change.rewrite THEN
    RAISE NOTICE 'its plaintext remains in WAL and in backups' USING HINT = kept;
  ELSIF change.kind = 'encrypt' THEN
    -- In live rows too: DROP COLUMN leaves the bytes where they are until a row is rewritten.
    RAISE NOTICE 'its plaintext remains in rows of % until VACUUM FULL, in WAL and in backups', change.relation
      USING HINT = 'VACUUM FULL locks the table. ' || kept;
  END IF;
END
$$;

CREATE FUNCTION nae_internal.swap_step(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Filled in transactions before this one; who began before them must have ended.
  IF NOT nae_internal.is_seen_by_all() OR NOT nae_internal.try_lock(change.relation, 'ACCESS EXCLUSIVE') THEN
    RETURN;
  END IF;
  IF change.rewrite THEN
    PERFORM nae_internal.swap_by_rewrite(change);
  ELSE
    PERFORM nae_internal.swap_columns(change);
  END IF;
  PERFORM nae_internal.enter_phase(change, 'checking');
  PERFORM nae_internal.tell_what_remains(change);
END
$$;

-- CHECK constraints of the user's, one in a transaction: on an encrypted column each row is decrypted
-- for them, one by one.
CREATE FUNCTION nae_internal.check_step(change nae_internal.column_change) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF change.unchecked = '{}' THEN
    PERFORM nae_internal.forget_change(change);
    RETURN;
  END IF;
  EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', change.relation, change.unchecked[1]);
  UPDATE nae_internal.column_change AS c SET unchecked = c.unchecked[2:]
    WHERE c.relation = change.relation AND c.column_name = change.column_name;
END
$$;

-- One short transaction; true: nothing is left to do.
CREATE FUNCTION nae_internal.change_step(relation regclass, column_name name) RETURNS boolean
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  change nae_internal.column_change;
BEGIN
  PERFORM nae_internal.use_own_settings();
  change := nae_internal.take_change(relation, column_name);
  CASE change.phase
    WHEN 'preparing' THEN PERFORM nae_internal.prepare_step(change);
    WHEN 'filling' THEN PERFORM nae_internal.fill_step(change);
    WHEN 'constraining' THEN PERFORM nae_internal.constrain_step(change);
    WHEN 'validating' THEN PERFORM nae_internal.validate_step(change);
    WHEN 'verifying' THEN
      IF change.shadow IS NULL THEN
        PERFORM nae_internal.verify_in_place(change);
      ELSE
        PERFORM nae_internal.verify_shadow(change);
      END IF;
    WHEN 'indexing' THEN PERFORM nae_internal.index_step(change);
    WHEN 'swapping' THEN PERFORM nae_internal.swap_step(change);
    WHEN 'checking' THEN PERFORM nae_internal.check_step(change);
    ELSE RETURN true;  -- there is no such change
  END CASE;
  RETURN false;
END
$$;

CREATE PROCEDURE nae_internal.run_change(relation regclass, column_name name)
  LANGUAGE plpgsql
AS $$
BEGIN
  LOOP
    EXIT WHEN nae_internal.change_step(relation, column_name);
    COMMIT;
  END LOOP;
END
$$;

-- The calls ----------------------------------------------------------------------------------------

CREATE PROCEDURE nae.encrypt_column(
    relation regclass, column_name name, key text, deterministic boolean DEFAULT false,
    context text DEFAULT NULL, batch_size integer DEFAULT 20000, verify boolean DEFAULT true,
    rewrite boolean DEFAULT false)
  LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM nae_internal.refuse_transaction_block('nae.encrypt_column');
  PERFORM nae_internal.begin_encryption(relation, column_name, key, deterministic, context, batch_size, verify, rewrite);
  COMMIT;
  CALL nae_internal.run_change(relation, column_name);
END
$$;
COMMENT ON PROCEDURE nae.encrypt_column(regclass, name, text, boolean, text, integer, boolean, boolean)
  IS 'encrypts a column while it is in use';

CREATE PROCEDURE nae.decrypt_column(
    relation regclass, column_name name, batch_size integer DEFAULT 20000, verify boolean DEFAULT true,
    rewrite boolean DEFAULT false)
  LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM nae_internal.refuse_transaction_block('nae.decrypt_column');
  PERFORM nae_internal.begin_decryption(relation, column_name, batch_size, verify, rewrite);
  COMMIT;
  CALL nae_internal.run_change(relation, column_name);
END
$$;
COMMENT ON PROCEDURE nae.decrypt_column(regclass, name, integer, boolean, boolean)
  IS 'decrypts a column for good while it is in use';

CREATE PROCEDURE nae.rotate_column(
    relation regclass, column_name name, version integer DEFAULT NULL, batch_size integer DEFAULT 20000,
    verify boolean DEFAULT true, rewrite boolean DEFAULT false)
  LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM nae_internal.refuse_transaction_block('nae.rotate_column');
  PERFORM nae_internal.begin_rotation(relation, column_name, version, batch_size, verify, rewrite);
  COMMIT;
  CALL nae_internal.run_change(relation, column_name);
END
$$;
COMMENT ON PROCEDURE nae.rotate_column(regclass, name, integer, integer, boolean, boolean)
  IS 'brings the values of a column to one version of its key while it is in use';

-- Before the swap: the column stays what it was. Afterwards only the validation of constraints is given up.
CREATE FUNCTION nae.cancel_column_change(relation regclass, column_name name) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  change nae_internal.column_change;
BEGIN
  PERFORM nae_internal.use_own_settings();
  change := nae_internal.take_change(relation, column_name);
  IF change.phase IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('no change of column "%s" of %s is under way', column_name, relation);
  ELSIF change.shadow IS NOT NULL AND change.phase NOT IN ('preparing', 'checking') THEN
    PERFORM nae_internal.drop_sync_triggers(change);
    EXECUTE format('ALTER TABLE %s DROP COLUMN %I', relation, change.shadow);
  ELSIF change.kind = 'index' THEN
    PERFORM nae.drop_blind_index(relation, column_name);
  ELSIF change.kind = 'search' THEN
    PERFORM nae_internal.forget_change(change);  -- its triggers are guarded until then
    PERFORM nae_internal.drop_codes(relation, column_name, true);
  END IF;
  PERFORM nae_internal.forget_change(change);
END
$$;
COMMENT ON FUNCTION nae.cancel_column_change(regclass, name) IS 'gives up a change of a column that was interrupted';
