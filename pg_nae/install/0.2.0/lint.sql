-- nae.lint(): what weakens the encryption of columns, as far as the caller can see it. Nothing is changed,
-- and values are not read.

CREATE TYPE nae_internal.lint_finding AS (severity text, object text, finding text, hint text);

CREATE FUNCTION nae_internal.lint_columns() RETURNS SETOF nae_internal.lint_finding
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  WITH stored AS (
    SELECT e.*, c.relkind, format('column %s.%I', e.relation, e.column_name) AS object,
           EXISTS (SELECT FROM pg_index AS i
                   WHERE i.indrelid = e.relation AND i.indkey[0] = e.attnum) AS searchable,
           EXISTS (SELECT FROM nae_internal.coded_column AS b
                   WHERE b.relation = e.relation AND b.column_name = e.column_name) AS is_coded
    FROM nae.encrypted_column AS e JOIN pg_class AS c ON c.oid = e.relation
    WHERE c.relkind IN ('r', 'p', 'm', 'f') AND NOT c.relispartition)
  SELECT 'error', s.object, 'has no key: its values are not encrypted',
         format('Name the key: ALTER TABLE ... ALTER COLUMN ... TYPE %s(''key'').', s.type)
  FROM stored AS s WHERE s.typmod < 0
  UNION ALL
  SELECT 'warning', s.object, 'has no CHECK (nae.is_ciphertext(...))',
         format('ALTER TABLE %s ADD CHECK (nae.is_ciphertext(%I)).', s.relation, s.column_name)
  FROM stored AS s
  WHERE s.relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT FROM nae_internal.ciphertext_checks(s.relation, s.attnum))
  UNION ALL
  SELECT 'warning', s.object, 'is deterministic, and no index begins with it',
         'Create an index; or use a randomized type, which does not show which values are equal.'
  FROM stored AS s WHERE s.deterministic AND NOT s.searchable
  UNION ALL
  SELECT 'info', s.object, 'is randomized: a condition on it decrypts every row',
         'If it is searched: CALL nae.add_search(), or nae.add_blind_index().'
  FROM stored AS s WHERE NOT s.deterministic AND NOT s.is_coded
$$;

-- Without the guard columns without a key, without a CHECK and with useless indexes come to be.
CREATE FUNCTION nae_internal.lint_guard() RETURNS SETOF nae_internal.lint_finding
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'error', format('event trigger %s', t.evtname),
         CASE t.evtenabled WHEN 'D' THEN 'is disabled: nobody looks at how encrypted columns are declared'
                           ELSE 'does not run under each session_replication_role' END,
         format('ALTER EVENT TRIGGER %s ENABLE ALWAYS; then look for what else is found here.', t.evtname)
  FROM pg_event_trigger AS t WHERE t.evtname IN ('nae_guard', 'nae_guard_drops') AND t.evtenabled <> 'A'
$$;

-- Names that people give to what is left over.
CREATE FUNCTION nae_internal.lint_twins() RETURNS SETOF nae_internal.lint_finding
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'warning', format('column %s.%I', e.relation, a.attname),
         format('may hold the plaintext of %I', e.column_name),
         'Drop it when it is no longer needed, and VACUUM FULL the table.'
  FROM nae.encrypted_column AS e
  JOIN pg_class AS c ON c.oid = e.relation AND c.relkind IN ('r', 'p', 'm')
  JOIN pg_attribute AS a ON a.attrelid = e.relation AND a.attnum > 0 AND NOT a.attisdropped
  WHERE (a.attname = regexp_replace(e.column_name, '_+(enc|encrypted|cipher|nae)$', '') AND a.attname <> e.column_name
         OR a.attname ~ '_+(plain|plaintext|clear|old|orig|original|backup|bak)$'
            AND regexp_replace(a.attname, '_+[a-z]+$', '') = e.column_name)
    AND NOT EXISTS (SELECT FROM nae.encrypted_column AS twin
                    WHERE twin.relation = e.relation AND twin.attnum = a.attnum)
    AND NOT EXISTS (SELECT FROM nae.stat_progress_column AS p
                    WHERE p.relation = e.relation AND p.column_name = a.attname)
  UNION ALL
  SELECT 'warning', format('column %s.%I', p.relation, p.column_name),
         format('%s was interrupted while %s, at %s %%', nae_internal.called(p.command), p.phase, coalesce(p.percent, 0)),
         'Call it again, and it goes on; or give it up: SELECT nae.cancel_column_change().'
  FROM nae.stat_progress_column AS p WHERE p.pid IS NULL
$$;

-- Constants of encrypted types that were never encrypted, in what the catalogs keep: they are dumped, and
-- every role may read them. In a stored tree their bytes follow four bytes of length; 0xEF, which is -17
-- where char is signed, begins a pending value.
CREATE FUNCTION nae_internal.lint_literals() RETURNS SETOF nae_internal.lint_finding
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  WITH stored(class, object, tree) AS (
    SELECT 'pg_attrdef'::regclass, oid, adbin::text FROM pg_attrdef
    UNION ALL SELECT 'pg_rewrite'::regclass, oid, concat(ev_qual::text, ev_action::text) FROM pg_rewrite
    UNION ALL SELECT 'pg_policy'::regclass, oid, concat(polqual::text, polwithcheck::text) FROM pg_policy
    UNION ALL SELECT 'pg_constraint'::regclass, oid, conbin::text FROM pg_constraint WHERE conbin IS NOT NULL
    UNION ALL SELECT 'pg_trigger'::regclass, oid, tgqual::text FROM pg_trigger WHERE tgqual IS NOT NULL
    UNION ALL SELECT 'pg_class'::regclass, indexrelid, concat(indpred::text, indexprs::text) FROM pg_index
      WHERE indpred IS NOT NULL OR indexprs IS NOT NULL
    UNION ALL SELECT 'pg_proc'::regclass, oid, prosqlbody::text FROM pg_proc WHERE prosqlbody IS NOT NULL)
  SELECT 'warning', pg_describe_object(s.class, s.object, 0), 'holds a plaintext that is never encrypted',
         'Catalogs and dumps show it; take the value from a table or a parameter instead.'
  FROM stored AS s
  WHERE s.object >= 16384
    AND s.tree ~ (SELECT format(':consttype (%s) [^{}]*:constvalue \d+ \[ -?\d+ -?\d+ -?\d+ -?\d+ (-17|239) ',
                                string_agg(e.type::oid::text, '|')) FROM nae.encrypted_type AS e)
$$;

-- What takes rows apart that were read decrypted, and puts them where nothing is encrypted. A trigger's function may
-- serve many tables; found is what its text says.
CREATE FUNCTION nae_internal.lint_copies() RETURNS SETOF nae_internal.lint_finding
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  WITH stored AS (
    SELECT DISTINCT e.relation, c.relname FROM nae.encrypted_column AS e JOIN pg_class AS c ON c.oid = e.relation
    WHERE c.relkind IN ('r', 'p')),
  writer AS (
    SELECT p.oid, p.prosrc, p.prorettype FROM pg_proc AS p
    WHERE p.oid >= 16384 AND p.pronamespace <> 'nae'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend AS d JOIN pg_extension AS x ON x.oid = d.refobjid AND x.extname = 'pg_nae'
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))
  SELECT 'warning', format('trigger %I on %s', t.tgname, s.relation),
         format('its function %s puts decrypted rows in clear where it writes or sends them', p.oid::regprocedure),
         'Leave encrypted columns out, or let it write to columns that are encrypted.'
  FROM stored AS s JOIN pg_trigger AS t ON t.tgrelid = s.relation AND NOT t.tgisinternal
  JOIN pg_proc AS p ON p.oid = t.tgfoid
  LEFT JOIN writer AS w ON w.oid = p.oid
  -- A whole row as an argument, cast, spread, or handed to dynamic SQL; but not where two are compared.
  WHERE w.prosrc ~* '\m(to_jsonb?|row_to_json|hstore|jsonb?_agg|jsonb?_build_(object|array)|concat(_ws)?|format)\s*\([^;]*\m(new|old)\M(?!\s*\.\s*[[:alpha:]_"])'
     OR w.prosrc ~* '\m(new|old)\M(\s*\.\s*\*)?\s*\)*\s*::'
     OR w.prosrc ~* '(?<!distinct\s+from\s+)\m(new|old)\M\s*\)*\s*\.\s*\*(?!\s*is\s)'
     OR w.prosrc ~* '\musing\M[^;]*\m(new|old)\M(?!\s*\.\s*[[:alpha:]_"])'
     OR w.prosrc ~* '\m(pg_notify|notify)\M' OR p.proname LIKE 'tsvector\_update\_trigger%' AND p.oid < 16384
  UNION ALL
  SELECT 'warning', format('function %s', w.oid::regprocedure),
         format('notifies of rows of %s, which has encrypted columns', min(s.relation::text)),
         'A notification is in clear, for every role: send a key, and let the receiver read the row.'
  FROM writer AS w JOIN stored AS s ON w.prosrc ~* format('\m%s\M', regexp_replace(s.relname, '\W', '.', 'g'))
  WHERE w.prosrc ~* '\m(pg_notify|notify)\M' AND w.prorettype <> 'trigger'::regtype
  GROUP BY w.oid
$$;

-- What asks the key server for each row by itself: a statement over many rows takes long. A condition over written
-- rows is batched but for COPY; what a trigger's function does with a value is found by its text.
CREATE FUNCTION nae_internal.lint_rows() RETURNS SETOF nae_internal.lint_finding
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  WITH encrypted AS MATERIALIZED (SELECT type::oid AS type FROM nae.encrypted_type),
  opening AS MATERIALIZED (  -- functions and operators over plaintexts of encrypted types
    SELECT 'pg_proc'::regclass AS class, p.oid AS object FROM pg_proc AS p JOIN encrypted AS e ON e.type = ANY (p.proargtypes)
    WHERE p.proname <> 'is_ciphertext'
    UNION SELECT 'pg_operator'::regclass, o.oid FROM pg_operator AS o JOIN encrypted AS e ON e.type IN (o.oprleft, o.oprright)
    WHERE o.oprnamespace = 'pg_catalog'::regnamespace),
  kept AS (SELECT DISTINCT e.relation FROM nae.encrypted_column AS e)
  SELECT 'info', format('constraint %I on %s', con.conname, k.relation),
         'decrypts: COPY into the table asks the key server for each row',
         'Add it after a large COPY, or write by INSERT ... SELECT, which asks for many rows at once.'
  FROM kept AS k JOIN pg_constraint AS con ON con.conrelid = k.relation AND con.contype = 'c' AND con.coninhcount = 0
  WHERE EXISTS (SELECT FROM pg_depend AS d JOIN opening AS o ON o.class = d.refclassid AND o.object = d.refobjid
                WHERE d.classid = 'pg_constraint'::regclass AND d.objid = con.oid)
  UNION ALL
  SELECT DISTINCT 'info', format('trigger %I on %s', t.tgname, e.relation),
         format('its function %s decrypts %I: each row asks the key server', p.oid::regprocedure, e.column_name),
         'A trigger FOR EACH STATEMENT with a transition table (REFERENCING NEW TABLE) decrypts many rows at once.'
  FROM nae.encrypted_column AS e
  JOIN pg_trigger AS t ON t.tgrelid = e.relation AND NOT t.tgisinternal AND t.tgname !~ '^(zzz_nae_|nae_sync_)'
  JOIN pg_proc AS p ON p.oid = t.tgfoid
  CROSS JOIN LATERAL (SELECT format('\m(new|old)\s*\.\s*"?%s"?', regexp_replace(e.column_name, '\W', '.', 'g')) AS value) AS v
  -- Compared, joined to a text, or handed to a function; not where it is assigned as it is. Of notifications
  -- lint_copies() tells.
  WHERE (p.prosrc ~* (v.value || '\s*(::|<|>|~|\|\||\mi?like\M)') OR p.prosrc ~* ('\w\s*\([^;]*' || v.value || '(?!\w)'))
    AND p.prosrc !~* '\m(pg_notify|notify)\M'
  UNION ALL
  SELECT 'info', format('foreign table %s', e.relation),
         'has encrypted columns: conditions on them are evaluated here, over all of its rows',
         'State conditions on its other columns too: those the other side evaluates.'
  FROM nae.encrypted_column AS e JOIN pg_class AS c ON c.oid = e.relation AND c.relkind = 'f'
  GROUP BY e.relation
$$;

-- Settings under which plaintext that stands in a statement, or in its parameters, reaches the log.
CREATE FUNCTION nae_internal.lint_settings() RETURNS SETOF nae_internal.lint_finding
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT subject.severity, format('setting %s = %s', s.name, s.setting), subject.finding,
         format('Set it to %s%s.', risk.safe, subject.advice)
  FROM (VALUES
    ('literals', 'warning', 'statements are logged with the literals in them', ', or pass values as parameters'),
    ('failures', 'info', 'statements that fail are logged with the literals in them', ', or pass values as parameters'),
    ('parameters', 'warning', 'the parameters of logged statements are logged', ''),
    ('trees', 'warning', 'parsed statements are logged with the constants in them', ''),
    ('statistics', 'info', 'utility statements are kept with the literals in them', ''),
    ('ciphertext', 'info', 'this session sees ciphertext of encrypted columns', ''),
    ('errors', 'warning', 'errors of PostgreSQL quote decrypted values, to clients and in the log', ''),
    ('given', 'info', 'roles that may not encrypt can store ciphertexts of their own', ' when no dump is restored'),
    ('guard', 'warning', 'event triggers do not fire: encrypted columns are declared without CHECK', '')
  ) AS subject(name, severity, finding, advice)
  JOIN (VALUES
    ('log_statement', '^(mod|all)$', 'literals', 'ddl or none'),
    ('log_min_duration_statement', '^\d', 'literals', '-1'),
    ('log_min_duration_sample', '^\d', 'literals', '-1'),
    ('log_transaction_sample_rate', '[1-9]', 'literals', '0'),
    ('auto_explain.log_min_duration', '^\d', 'literals', '-1'),
    ('auto_explain.log_nested_statements', '^on$', 'literals', 'off'),
    ('log_min_error_statement', '^(debug\d?|info|notice|warning|error)$', 'failures', 'fatal'),
    ('log_parameter_max_length', '^(-1|[1-9]\d*)$', 'parameters', '0'),
    ('log_parameter_max_length_on_error', '^(-1|[1-9]\d*)$', 'parameters', '0'),
    ('auto_explain.log_parameter_max_length', '^(-1|[1-9]\d*)$', 'parameters', '0'),
    ('debug_print_parse', '^on$', 'trees', 'off'),
    ('debug_print_rewritten', '^on$', 'trees', 'off'),
    ('debug_print_plan', '^on$', 'trees', 'off'),
    ('pg_stat_statements.track_utility', '^on$', 'statistics', 'off'),
    ('nae.transparent', '^off$', 'ciphertext', 'on'),
    ('nae.hide_values', '^off$', 'errors', 'on'),
    ('nae.accept_ciphertext', '^on$', 'given', 'off'),
    ('event_triggers', '^off$', 'guard', 'on')
  ) AS risk(setting, pattern, subject, safe) ON risk.subject = subject.name
  JOIN pg_settings AS s ON s.name = risk.setting AND s.setting ~ risk.pattern
  UNION ALL
  SELECT 'warning', format('setting %s = %s', s.name, s.setting),
         'pg_nae is not preloaded: sessions see ciphertext until they call one of its functions',
         'Add pg_nae, and restart.'
  FROM pg_settings AS s WHERE s.name = 'shared_preload_libraries' AND s.setting !~ '\mpg_nae\M'
  UNION ALL
  SELECT 'info', concat_ws(' ', 'role ' || r.rolname, 'database ' || d.datname),
         'nae.transparent is off: sessions see ciphertext of encrypted columns',
         'ALTER ROLE or ALTER DATABASE ... RESET nae.transparent.'
  FROM pg_db_role_setting AS s
  LEFT JOIN pg_roles AS r ON r.oid = s.setrole LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
  WHERE EXISTS (SELECT FROM unnest(s.setconfig) AS c WHERE c ~* '^nae\.transparent=(off|false|no|0)$')
$$;

-- A key server that does not answer is a finding, not a failure.
CREATE FUNCTION nae_internal.lint_keys() RETURNS SETOF nae_internal.lint_finding
  LANGUAGE plpgsql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY
    WITH known AS MATERIALIZED (SELECT k.name, k.primary_version FROM @extschema@.nae_keys() AS k),
    used AS (
      SELECT format('column %s.%I', e.relation, e.column_name) AS object, e.deterministic, e.key, e.version
      FROM nae.encrypted_column AS e JOIN pg_class AS c ON c.oid = e.relation
      WHERE c.relkind IN ('r', 'p', 'm', 'f') AND NOT c.relispartition AND e.key IS NOT NULL)
    SELECT 'warning', u.object,
           format('key "%s" is not there, or role %s may do nothing with it', u.key, current_user),
           'SELECT * FROM nae_keys() shows what this role may use.'
    FROM used AS u WHERE NOT EXISTS (SELECT FROM known AS k WHERE k.name = u.key)
    UNION ALL
    SELECT 'warning', u.object,
           format('is of version %s of key "%s", whose newest is %s', u.version, u.key, k.primary_version),
           'CALL nae.rotate_column().'
    FROM used AS u JOIN known AS k ON k.name = u.key WHERE u.deterministic AND u.version < k.primary_version;
EXCEPTION WHEN OTHERS THEN
  RETURN QUERY SELECT 'info', 'key server', 'could not be asked for the keys: ' || SQLERRM,
                      'Call again as a role that may, when it answers.';
END
$$;

-- Its queries are large, its tables are catalogs: to compile them costs seconds, to run them milliseconds.
CREATE FUNCTION nae.lint() RETURNS TABLE (severity text, object text, finding text, hint text)
  LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
  SELECT f.severity, f.object, f.finding, f.hint
  FROM (SELECT * FROM nae_internal.lint_columns() UNION ALL SELECT * FROM nae_internal.lint_guard() UNION ALL SELECT * FROM nae_internal.lint_twins()
        UNION ALL SELECT * FROM nae_internal.lint_literals() UNION ALL SELECT * FROM nae_internal.lint_copies()
        UNION ALL SELECT * FROM nae_internal.lint_rows()
        UNION ALL SELECT * FROM nae_internal.lint_settings()
        UNION ALL SELECT * FROM nae_internal.lint_keys() UNION ALL SELECT * FROM nae_internal.lint_blind_indexes()
        UNION ALL SELECT * FROM nae_internal.lint_searches()) AS f
  ORDER BY array_position(ARRAY['error', 'warning', 'info'], f.severity), f.object, f.finding
$$;
COMMENT ON FUNCTION nae.lint() IS 'what weakens the encryption of columns';
