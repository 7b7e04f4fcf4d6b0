-- What stands in the way of changing a column: refused before anything begins.

CREATE FUNCTION nae_internal.check_table(relation regclass, column_name name) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  told record;
BEGIN
  SELECT c.relkind IN ('r', 'p') AS is_table, nae_internal.owns(relation) AS is_owner,
         a.attnum, a.attinhcount > 0 AS inherited,
         a.attidentity <> '' AS is_identity, a.attgenerated <> '' AS is_generated,
         EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhparent = c.oid) AND c.relkind = 'r' AS has_children,
         EXISTS (SELECT FROM nae_internal.heaps(relation) AS h JOIN pg_partitioned_table AS p
                   ON p.partrelid IN (c.oid, (SELECT i.inhparent FROM pg_inherits AS i WHERE i.inhrelid = h))
                 WHERE nae_internal.attnum(p.partrelid, a.attname) = ANY (p.partattrs)) AS is_partition_key
    INTO told
    FROM pg_class AS c LEFT JOIN pg_attribute AS a
      ON a.attrelid = c.oid AND a.attname = check_table.column_name AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.oid = relation;
  IF NOT told.is_table THEN
    RAISE EXCEPTION USING ERRCODE = 'wrong_object_type', MESSAGE = format('%s is not a table', relation);
  ELSIF NOT told.is_owner THEN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('must be owner of table %s', relation);
  ELSIF told.attnum IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_column',
      MESSAGE = format('column "%s" of %s does not exist', column_name, relation);
  ELSIF told.inherited OR told.has_children THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = format('column "%s" of %s is inherited', column_name, relation),
      HINT = 'Call for the partitioned table as a whole; of classical inheritance, ALTER TABLE ... NO INHERIT first.';
  ELSIF told.is_partition_key OR told.is_identity OR told.is_generated THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = format('column "%s" of %s is %s', column_name, relation,
                       CASE WHEN told.is_partition_key THEN 'part of a partition key'
                            WHEN told.is_identity THEN 'an identity column' ELSE 'a generated column' END),
      HINT = 'Such a column cannot be replaced while the table is in use.';
  END IF;
END
$$;

-- The relation and, when it is partitioned, all below it: with the number that the column has in each.
CREATE FUNCTION nae_internal.column_places(relation regclass, column_name name, OUT member regclass, OUT attnum smallint)
  RETURNS SETOF record
  LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10 ROWS 10
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT m.oid::regclass, nae_internal.attnum(m.oid, $2)
  FROM (SELECT $1 UNION SELECT t.relid FROM pg_partition_tree($1) AS t) AS m(oid)
$$;

-- What depends on the column and is not carried over to its successor: views, rules, policies, triggers,
-- foreign keys, generated columns, statistics, owned sequences, publications, routines with SQL bodies;
-- and what only a single partition has.
-- Blind indexes are carried over while the column keeps its type.
CREATE FUNCTION nae_internal.dependents(relation regclass, column_name name, new_type regtype) RETURNS SETOF text
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid)
  FROM nae_internal.column_places($1, $2) AS place
  JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = place.member
                     AND d.refobjsubid = place.attnum
  LEFT JOIN pg_attrdef AS def ON d.classid = 'pg_attrdef'::regclass AND def.oid = d.objid
  LEFT JOIN pg_constraint AS con ON d.classid = 'pg_constraint'::regclass AND con.oid = d.objid
  LEFT JOIN pg_class AS index
    ON d.classid = 'pg_class'::regclass AND index.oid = d.objid AND index.relkind IN ('i', 'I')
  WHERE NOT coalesce(
    CASE WHEN def.oid IS NOT NULL THEN def.adnum = place.attnum
         WHEN con.oid IS NOT NULL THEN con.contype IN ('c', 'u', 'p', 'n') AND (place.member = $1 OR con.coninhcount > 0)
         WHEN index.oid IS NOT NULL THEN place.member = $1 OR index.relispartition
         WHEN d.classid = 'pg_trigger'::regclass AND nae_internal.is_coding_trigger(d.objid) THEN nae_internal.declared_type($1, $2) = $3
    END, false)
$$;

-- Indexes of the table in which the column is; key: by which they search, not only INCLUDEd.
CREATE FUNCTION nae_internal.column_indexes(
    relation regclass, column_name name, OUT index regclass, OUT is_key boolean, OUT in_expression boolean,
    OUT other_opclass boolean)
  RETURNS SETOF record
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT i.indexrelid::regclass, c.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]),
         -- Of an expression tree only this is looked at: does it hold the column?
         concat(i.indexprs::text, i.indpred::text) ~ format(':varattno %s ', c.attnum),
         EXISTS (SELECT FROM unnest(i.indkey[0:i.indnkeyatts - 1], i.indclass::oid[]) AS k(attnum, class)
                 JOIN pg_opclass AS o ON o.oid = k.class WHERE k.attnum = c.attnum AND NOT o.opcdefault)
  FROM (SELECT nae_internal.attnum($1, $2) AS attnum) AS c
  JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND d.refobjsubid = c.attnum
                     AND d.classid IN ('pg_class'::regclass, 'pg_constraint'::regclass)
  LEFT JOIN pg_constraint AS con
    ON d.classid = 'pg_constraint'::regclass AND con.oid = d.objid AND con.contype IN ('u', 'p')
  JOIN pg_index AS i ON i.indrelid = $1 AND i.indexrelid = coalesce(con.conindid, d.objid)
  GROUP BY i.indexrelid, c.attnum
$$;

-- A rewrite keeps operator classes, which only columns of their own type have, and constraints of
-- partitioned tables.
CREATE FUNCTION nae_internal.lost_indexes(
    relation regclass, column_name name, randomized boolean, rewrite boolean, is_same_type boolean) RETURNS SETOF text
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('index %s%s', x.index,
                CASE WHEN x.in_expression THEN ', which computes with the column'
                     WHEN x.is_key AND randomized THEN ', which cannot search randomized values'
                     WHEN con.oid IS NOT NULL AND NOT rewrite THEN ', the constraint of a partitioned table'
                     WHEN x.other_opclass AND rewrite THEN ', of an operator class that is not the default'
                     ELSE ', of method ' || am.amname END)
  FROM nae_internal.column_indexes($1, $2) AS x
  JOIN pg_class AS c ON c.oid = x.index JOIN pg_am AS am ON am.oid = c.relam
  LEFT JOIN pg_constraint AS con ON con.conindid = x.index AND con.conrelid = $1 AND con.contype IN ('u', 'p')
                                AND c.relkind = 'I'
  WHERE x.in_expression OR (x.is_key AND randomized) OR (con.oid IS NOT NULL AND NOT rewrite)
     OR (x.other_opclass AND rewrite) OR am.amname NOT IN ('btree', 'hash') AND NOT is_same_type
     OR EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = x.index AND a.attoptions IS NOT NULL)
$$;

CREATE FUNCTION nae_internal.refuse_losses(
    relation regclass, column_name name, new_type regtype, rewrite boolean) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  randomized boolean := EXISTS (
    SELECT FROM nae.encrypted_type AS e WHERE e.type = new_type AND NOT e.deterministic);
  losses text;
BEGIN
  SELECT string_agg(d, E'\n' ORDER BY d) INTO losses FROM nae_internal.dependents(relation, column_name, new_type) AS d;
  IF losses IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'dependent_objects_still_exist',
      MESSAGE = format('column "%s" of %s cannot be replaced: other objects depend on it', column_name, relation),
      DETAIL = losses,
      HINT = 'Drop them, call again, and create them anew; of a foreign key change both columns between.';
  END IF;
  SELECT string_agg(l, E'\n' ORDER BY l) INTO losses FROM nae_internal.lost_indexes(
    relation, column_name, randomized, rewrite, nae_internal.declared_type(relation, column_name) = new_type) AS l;
  IF losses IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'dependent_objects_still_exist',
      MESSAGE = format('indexes of column "%s" of %s cannot be kept', column_name, relation), DETAIL = losses,
      HINT = 'Call with deterministic => true; or drop them, and CALL nae.add_blind_index() afterwards.';
  END IF;
END
$$;

-- What an encrypted column does not know of the type that it had: a length, a scale, the checks of a domain, the
-- narrower type. Answers the command that keeps it, by a cast there and back, which fails where a value would
-- be cut, rounded or out of range; NULL when nothing is lost. Not done unasked: such a CHECK decrypts each
-- row that is written, by a right that writers may lack.
CREATE FUNCTION nae_internal.lost_limits(relation regclass, column_name name, plain regtype) RETURNS text
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('ALTER TABLE %s ADD CHECK ((%I::%s)::%s = %2$I::%3$s)', relation, column_name, plain,
                format_type(a.atttypid, a.atttypmod))
  FROM pg_attribute AS a
  WHERE a.attrelid = relation AND a.attname = column_name
    AND (a.atttypmod >= 0 OR a.atttypid NOT IN (plain, 'varchar'::regtype))
    AND NOT nae_internal.contains_encrypted(a.atttypid)  -- whose modifier names a key
$$;

-- Not refused, but said.
CREATE FUNCTION nae_internal.warn_of_changes(relation regclass, column_name name, new_type regtype) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  plain regtype := nae_internal.plain_type(new_type);
  keeping text := nae_internal.lost_limits(relation, column_name, plain);
  firing text;
BEGIN
  IF keeping IS NOT NULL AND nae_internal.contains_encrypted(new_type) THEN
    RAISE WARNING 'column "%" of % will be encrypted as %: the limits of the type that it has are not kept',
                  column_name, relation, plain
      USING HINT = format('To keep them, afterwards, at the price of decrypting each row that is written: %s;', keeping);
  END IF;
  SELECT string_agg(quote_ident(t.tgname), ', ') INTO firing FROM pg_trigger AS t
    WHERE t.tgrelid = relation AND NOT t.tgisinternal AND t.tgtype & 1 = 1 AND t.tgtype & 16 = 16
      AND t.tgattr = '' AND t.tgenabled NOT IN ('D', 'R') AND NOT nae_internal.is_coding_trigger(t.oid);
  IF firing IS NOT NULL THEN
    RAISE WARNING 'triggers of % fire for each row that is filled: %', relation, firing
      USING HINT = 'A superuser may call with session_replication_role = replica, under which they do not.';
  END IF;
END
$$;

-- The key -----------------------------------------------------------------------------------------

-- Before anything begins: may the caller do all of it? Refused in the middle is worse than refused now.
-- A masked value that is decrypted for good would be lost.
CREATE FUNCTION nae_internal.check_key(key text, key_type text, actions text[]) RETURNS integer
  LANGUAGE plpgsql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  known record;
  lacking text;
BEGIN
  SELECT k.type, k.primary_version, k.actions, k.results INTO known
    FROM @extschema@.nae_keys() AS k WHERE k.name = check_key.key;
  SELECT string_agg(needed, ', ') INTO lacking FROM unnest(check_key.actions) AS needed
    WHERE NOT EXISTS (SELECT FROM unnest(known.actions, known.results) AS granted(action, result)
                      WHERE granted.action = needed AND granted.result = 'value');
  IF lacking IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'NE001',
      MESSAGE = format('key "%s" is not there, or role %s may not: %s', key, current_user, lacking),
      HINT = 'SELECT * FROM nae_keys() shows the keys and what this role may do with them.';
  ELSIF known.type <> key_type THEN
    RAISE EXCEPTION USING ERRCODE = 'NE012',
      MESSAGE = format('key "%s" is of type %s, needed is %s', key, known.type, key_type),
      HINT = 'Deterministic columns need a key of type aes-256-siv, randomized ones of aes-256-gcm.';
  END IF;
  RETURN known.primary_version;
END
$$;

-- To what type a column without an encrypted twin can be brought: to one of its own kind that PostgreSQL assigns
-- it to and that has room for all values, as money to numeric; or to text, which everything can be.
CREATE FUNCTION nae_internal.substitute_type(type oid, deterministic boolean) RETURNS regtype
  LANGUAGE sql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(
    (SELECT e.plain_type
     FROM nae.encrypted_type AS e
     JOIN pg_cast AS c ON c.castsource = $1 AND c.casttarget = e.plain_type AND c.castcontext IN ('i', 'a')
     JOIN pg_type AS s ON s.oid = c.castsource JOIN pg_type AS t ON t.oid = c.casttarget
     WHERE e.deterministic = $2 AND s.typcategory = t.typcategory AND t.typlen < 0
     ORDER BY c.castcontext DESC LIMIT 1),
    'text')
$$;

CREATE FUNCTION nae_internal.refuse_plain_type(
    relation regclass, column_name name, type regtype, deterministic boolean) RETURNS void
  LANGUAGE plpgsql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  substitute regtype := nae_internal.substitute_type(type, deterministic);
BEGIN
  IF nae_internal.contains_encrypted(type) THEN
    RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
      MESSAGE = format('column "%s" of %s is encrypted already', column_name, relation),
      HINT = 'CALL nae.rotate_column() brings it to the newest version of its key, decrypt_column() makes it plain.';
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
    MESSAGE = format('column "%s" of %s is of type %s, which cannot be encrypted %s', column_name, relation, type,
                     CASE WHEN deterministic THEN 'deterministically' ELSE 'as it is' END),
    HINT = CASE WHEN deterministic AND nae_internal.plain_type(type) IS NOT NULL
                THEN 'Call with deterministic => false.'
                ELSE format('Change its type first: ALTER TABLE %s ALTER COLUMN %I TYPE %s USING %2$I::%3$s; then call again. '
                            'SELECT plain_type FROM nae.encrypted_type lists the types that can be encrypted.',
                            relation, column_name, substitute) END;
END
$$;

CREATE FUNCTION nae_internal.refuse_unencrypted(relation regclass, column_name name) RETURNS void
  LANGUAGE plpgsql STABLE STRICT
  SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM nae.encrypted_column AS e WHERE e.relation = refuse_unencrypted.relation
                   AND e.column_name = refuse_unencrypted.column_name AND e.key IS NOT NULL) THEN
    RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
      MESSAGE = format('column "%s" of %s is not encrypted', column_name, relation);
  END IF;
END
$$;
