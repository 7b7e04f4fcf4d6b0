-- The encrypted types: for each plaintext type one whose ciphertexts are randomized and, where
-- equality means something, one whose ciphertexts are deterministic.
CREATE SCHEMA nae;
COMMENT ON SCHEMA nae IS 'encrypted column types and what belongs to them';
GRANT USAGE ON SCHEMA nae TO PUBLIC;

-- What PostgreSQL and this extension call by themselves, and nobody names: support functions of the types, their
-- operators and casts, the guard, steps of a migration. USAGE: views and functions of nae call them in the name
-- of whoever calls those.
CREATE SCHEMA nae_internal;
COMMENT ON SCHEMA nae_internal IS 'internals of pg_nae, which change from release to release';
GRANT USAGE ON SCHEMA nae_internal TO PUBLIC;

-- What type modifiers stand for. Filled by the types' modifier input, never changed. Not dumped: in the
-- restored database the column definitions fill it again, before there is data.
CREATE TABLE nae_internal.column_key (
  typmod integer PRIMARY KEY,
  key text NOT NULL,
  context text NOT NULL,
  version integer NOT NULL  -- 0: randomized, under the newest
);
GRANT SELECT ON nae_internal.column_key TO PUBLIC;

CREATE FUNCTION nae_internal.randomized_typmod_in(cstring[]) RETURNS integer
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'nae_randomized_typmod_in';
CREATE FUNCTION nae_internal.deterministic_typmod_in(cstring[]) RETURNS integer
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'nae_deterministic_typmod_in';
CREATE FUNCTION nae_internal.typmod_out(integer) RETURNS cstring
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_typmod_out';
-- A statement that was prepared may outlive the transaction that registered its modifiers: who makes a column
-- of it registers them again.
CREATE FUNCTION nae_internal.keep_column_key(integer) RETURNS void
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'nae_keep_column_key';
CREATE FUNCTION nae_internal.randomized_analyze(internal) RETURNS boolean
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_randomized_analyze';

-- Executes each statement for one type: %1$s its name, %2$s another type, %3$s and on the rest.
CREATE FUNCTION nae_internal.define(statements text[], VARIADIC words text[]) RETURNS void
  LANGUAGE plpgsql AS $define$
DECLARE
  statement text;
BEGIN
  FOREACH statement IN ARRAY statements LOOP
    EXECUTE format(statement, VARIADIC words);
  END LOOP;
END
$define$;

-- The plaintext types: the one list of them in SQL. plain_type.hpp has the same, and a form for each. Each has
-- its array type, randomized only.
CREATE FUNCTION nae_internal.plain_types(OUT name text, OUT type regtype, OUT deterministic boolean) RETURNS SETOF record
  LANGUAGE sql AS $define$
  WITH base(name, deterministic) AS (
    VALUES ('text', true), ('bytea', true), ('int4', true), ('int8', true), ('numeric', true), ('date', true),
           ('timestamptz', true), ('uuid', true), ('timestamp', true), ('time', true), ('inet', true),
           ('bpchar', true), ('int2', true),
           ('bool', false),                         -- its two ciphertexts would tell all there is
           ('jsonb', false), ('json', false),       -- which nobody compares as a whole
           ('interval', false),                     -- 1 day is 24 hours
           ('float4', false), ('float8', false))    -- 0 is -0
  SELECT name, name::regtype, deterministic FROM base
  UNION ALL
  SELECT name || '_array', t.typarray::regtype, false
  FROM base JOIN pg_catalog.pg_type AS t ON t.oid = name::regtype
$define$;
CREATE FUNCTION nae_internal.encrypted_types(OUT enc text, OUT plain text, OUT type regtype, OUT kind text)
  RETURNS SETOF record LANGUAGE sql AS $define$
  SELECT 'enc_' || name, name, type, 'randomized' FROM nae_internal.plain_types()
  UNION ALL
  SELECT 'enc_det_' || name, name, type, 'deterministic' FROM nae_internal.plain_types() WHERE deterministic
$define$;

CREATE FUNCTION nae_internal.define_type(enc text, plain text, type regtype, kind text) RETURNS void
  LANGUAGE sql AS $define$
SELECT nae_internal.define(ARRAY[
  $$CREATE TYPE nae.%1$s$$,
  -- Input and output never decrypt. STABLE: input with a modifier encrypts.
  $$CREATE FUNCTION nae_internal.%1$s_in(cstring, oid, integer) RETURNS nae.%1$s
      LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'nae_column_in'$$,
  $$CREATE FUNCTION nae_internal.%1$s_out(nae.%1$s) RETURNS cstring
      LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_out'$$,
  $$CREATE FUNCTION nae_internal.%1$s_recv(internal, oid, integer) RETURNS nae.%1$s
      LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'nae_column_recv'$$,
  $$CREATE FUNCTION nae_internal.%1$s_send(nae.%1$s) RETURNS bytea
      LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_send'$$,
  -- The category of the plaintext type: functions and operators resolve as they do for it. Ciphertext
  -- does not compress.
  $$CREATE TYPE nae.%1$s (
      INPUT = nae_internal.%1$s_in, OUTPUT = nae_internal.%1$s_out, RECEIVE = nae_internal.%1$s_recv, SEND = nae_internal.%1$s_send,
      TYPMOD_IN = nae_internal.%4$s_typmod_in, TYPMOD_OUT = nae_internal.typmod_out, %5$s
      STORAGE = external, CATEGORY = '%6$s', COLLATABLE = %7$s)$$,
  $$COMMENT ON TYPE nae.%1$s IS 'encrypted %2$s, %4$s'$$,

  -- Assignment makes a pending value, and the length coercion encrypts it: one function for every way
  -- into a column.
  $$CREATE FUNCTION nae_internal.%1$s(nae.%1$s, integer, boolean) RETURNS nae.%1$s
      LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_column_encrypt'$$,
  $$CREATE CAST (nae.%1$s AS nae.%1$s) WITH FUNCTION nae_internal.%1$s(nae.%1$s, integer, boolean) AS IMPLICIT$$,
  $$CREATE FUNCTION nae_internal.%1$s(%2$s) RETURNS nae.%1$s
      LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_pend'$$,
  $$CREATE CAST (%2$s AS nae.%1$s) WITH FUNCTION nae_internal.%1$s(%2$s) AS ASSIGNMENT$$,

  -- Never leakproof, never immutable: what it answers is the policy's to say, for each role anew.
  $$CREATE FUNCTION nae_internal.plain(nae.%1$s) RETURNS %2$s
      LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_column_decrypt_%3$s'$$,
  $$CREATE CAST (nae.%1$s AS %2$s) WITH FUNCTION nae_internal.plain(nae.%1$s) AS IMPLICIT$$,
  $$CREATE FUNCTION nae_internal.plain(nae.%1$s, integer) RETURNS %2$s
      LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_column_decrypt_%3$s'$$,
  -- true: the whole value, or an error where the policy shows less.
  $$CREATE FUNCTION nae_internal.plain(nae.%1$s, integer, boolean) RETURNS %2$s
      LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_column_decrypt_%3$s'$$,
  $$CREATE FUNCTION nae_internal.plain(nae.%1$s[]) RETURNS %2$s[]
      LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_column_decrypt_array'$$,

  $$CREATE FUNCTION nae.rewrap(nae.%1$s) RETURNS nae.%1$s
      LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_column_rewrap'$$,
  $$CREATE FUNCTION nae.is_ciphertext(nae.%1$s) RETURNS boolean
      LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_is_ciphertext'$$,
  $$CREATE FUNCTION nae_internal.belongs(nae.%1$s, integer) RETURNS boolean
      LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'nae_column_belongs'$$,
  $$CREATE FUNCTION nae.key_version(nae.%1$s) RETURNS integer
      LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_key_version'$$
], enc, type::text, plain, kind, CASE kind WHEN 'randomized' THEN 'ANALYZE = nae_internal.randomized_analyze,' END,
   t.typcategory::text, (t.typcollation <> 0)::text)
FROM pg_catalog.pg_type AS t WHERE t.oid = type
$define$;

-- An order that no plaintext has, under names that nobody types: a column is compared by < as its
-- plaintext, after decryption. It makes ORDER BY, GROUP BY and DISTINCT resolve, which the planner hook
-- then answers by plaintexts; of randomized values it compares nothing itself.
CREATE FUNCTION nae_internal.define_randomized_order(enc text) RETURNS void
  LANGUAGE sql AS $define$
SELECT nae_internal.define(ARRAY[
  $$CREATE FUNCTION nae_internal.%1$s_is(nae.%1$s, nae.%1$s) RETURNS boolean
      LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_randomized_compare'$$,
  $$CREATE FUNCTION nae_internal.%1$s_eq(nae.%1$s, nae.%1$s) RETURNS boolean
      LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_randomized_eq'$$,
  $$CREATE FUNCTION nae_internal.%1$s_cmp(nae.%1$s, nae.%1$s) RETURNS integer
      LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_randomized_compare'$$,
  $$CREATE OPERATOR nae.<~ (LEFTARG = nae.%1$s, RIGHTARG = nae.%1$s, FUNCTION = nae_internal.%1$s_is,
      COMMUTATOR = OPERATOR(nae.>~), NEGATOR = OPERATOR(nae.>=~))$$,
  $$CREATE OPERATOR nae.<=~ (LEFTARG = nae.%1$s, RIGHTARG = nae.%1$s, FUNCTION = nae_internal.%1$s_is,
      COMMUTATOR = OPERATOR(nae.>=~), NEGATOR = OPERATOR(nae.>~))$$,
  $$CREATE OPERATOR nae.=~ (LEFTARG = nae.%1$s, RIGHTARG = nae.%1$s, FUNCTION = nae_internal.%1$s_eq,
      COMMUTATOR = OPERATOR(nae.=~))$$,
  $$CREATE OPERATOR nae.>=~ (LEFTARG = nae.%1$s, RIGHTARG = nae.%1$s, FUNCTION = nae_internal.%1$s_is,
      COMMUTATOR = OPERATOR(nae.<=~), NEGATOR = OPERATOR(nae.<~))$$,
  $$CREATE OPERATOR nae.>~ (LEFTARG = nae.%1$s, RIGHTARG = nae.%1$s, FUNCTION = nae_internal.%1$s_is,
      COMMUTATOR = OPERATOR(nae.<~), NEGATOR = OPERATOR(nae.<=~))$$,
  $$CREATE OPERATOR CLASS nae.%1$s_ops DEFAULT FOR TYPE nae.%1$s USING btree AS
      OPERATOR 1 nae.<~, OPERATOR 2 nae.<=~, OPERATOR 3 nae.=~, OPERATOR 4 nae.>=~, OPERATOR 5 nae.>~,
      FUNCTION 1 nae_internal.%1$s_cmp(nae.%1$s, nae.%1$s)$$
], enc)
$define$;

-- The same names, and no = either: what is written ssn = $1 is a comparison of plaintexts, which the
-- planner hook brings to this equality where it can. LEAKPROOF: ciphertexts are compared byte by byte,
-- so that an index serves under row level security.
CREATE FUNCTION nae_internal.define_deterministic_order(enc text, plain text) RETURNS void
  LANGUAGE sql AS $define$
SELECT nae_internal.define(ARRAY[
  $$CREATE FUNCTION nae_internal.%1$s_eq(nae.%1$s, nae.%1$s) RETURNS boolean
      LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_eq'$$,
  $$CREATE FUNCTION nae_internal.%1$s_ne(nae.%1$s, nae.%1$s) RETURNS boolean
      LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_ne'$$,
  $$CREATE FUNCTION nae_internal.%1$s_lt(nae.%1$s, nae.%1$s) RETURNS boolean
      LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_lt'$$,
  $$CREATE FUNCTION nae_internal.%1$s_le(nae.%1$s, nae.%1$s) RETURNS boolean
      LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_le'$$,
  $$CREATE FUNCTION nae_internal.%1$s_ge(nae.%1$s, nae.%1$s) RETURNS boolean
      LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_ge'$$,
  $$CREATE FUNCTION nae_internal.%1$s_gt(nae.%1$s, nae.%1$s) RETURNS boolean
      LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_gt'$$,
  $$CREATE FUNCTION nae_internal.%1$s_cmp(nae.%1$s, nae.%1$s) RETURNS integer
      LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_cmp'$$,
  $$CREATE FUNCTION nae_internal.%1$s_hash(nae.%1$s) RETURNS integer
      LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_hash'$$,
  $$CREATE FUNCTION nae_internal.%1$s_hash_extended(nae.%1$s, bigint) RETURNS bigint
      LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_hash_extended'$$,
  $$CREATE OPERATOR nae.=~ (LEFTARG = nae.%1$s, RIGHTARG = nae.%1$s, FUNCTION = nae_internal.%1$s_eq,
      COMMUTATOR = OPERATOR(nae.=~), NEGATOR = OPERATOR(nae.<>~), RESTRICT = eqsel, JOIN = eqjoinsel,
      HASHES, MERGES)$$,
  $$CREATE OPERATOR nae.<>~ (LEFTARG = nae.%1$s, RIGHTARG = nae.%1$s, FUNCTION = nae_internal.%1$s_ne,
      COMMUTATOR = OPERATOR(nae.<>~), NEGATOR = OPERATOR(nae.=~), RESTRICT = neqsel, JOIN = neqjoinsel)$$,
  $$CREATE OPERATOR nae.<~ (LEFTARG = nae.%1$s, RIGHTARG = nae.%1$s, FUNCTION = nae_internal.%1$s_lt,
      COMMUTATOR = OPERATOR(nae.>~), NEGATOR = OPERATOR(nae.>=~), RESTRICT = scalarltsel, JOIN = scalarltjoinsel)$$,
  $$CREATE OPERATOR nae.<=~ (LEFTARG = nae.%1$s, RIGHTARG = nae.%1$s, FUNCTION = nae_internal.%1$s_le,
      COMMUTATOR = OPERATOR(nae.>=~), NEGATOR = OPERATOR(nae.>~), RESTRICT = scalarlesel, JOIN = scalarlejoinsel)$$,
  $$CREATE OPERATOR nae.>=~ (LEFTARG = nae.%1$s, RIGHTARG = nae.%1$s, FUNCTION = nae_internal.%1$s_ge,
      COMMUTATOR = OPERATOR(nae.<=~), NEGATOR = OPERATOR(nae.<~), RESTRICT = scalargesel, JOIN = scalargejoinsel)$$,
  $$CREATE OPERATOR nae.>~ (LEFTARG = nae.%1$s, RIGHTARG = nae.%1$s, FUNCTION = nae_internal.%1$s_gt,
      COMMUTATOR = OPERATOR(nae.<~), NEGATOR = OPERATOR(nae.<=~), RESTRICT = scalargtsel, JOIN = scalargtjoinsel)$$,
  $$CREATE OPERATOR CLASS nae.%1$s_ops DEFAULT FOR TYPE nae.%1$s USING btree AS
      OPERATOR 1 nae.<~, OPERATOR 2 nae.<=~, OPERATOR 3 nae.=~, OPERATOR 4 nae.>=~, OPERATOR 5 nae.>~,
      FUNCTION 1 nae_internal.%1$s_cmp(nae.%1$s, nae.%1$s),
      FUNCTION 4 btequalimage(oid)$$,
  $$CREATE OPERATOR CLASS nae.%1$s_hash_ops DEFAULT FOR TYPE nae.%1$s USING hash AS
      OPERATOR 1 nae.=~, FUNCTION 1 nae_internal.%1$s_hash(nae.%1$s),
      FUNCTION 2 nae_internal.%1$s_hash_extended(nae.%1$s, bigint)$$,

  -- What the planner hook looks for in the place of a plaintext.
  $$CREATE FUNCTION nae_internal.%1$s(%2$s[]) RETURNS nae.%1$s[]
      LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_pend_array'$$,
  $$CREATE FUNCTION nae_internal.search_token(nae.%1$s, integer) RETURNS nae.%1$s
      LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_column_search_token'$$,
  $$CREATE FUNCTION nae_internal.search_token(nae.%1$s[], integer) RETURNS nae.%1$s[]
      LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_column_search_token_array'$$
], enc, plain)
$define$;

SELECT nae_internal.define_type(enc, plain, type, kind) FROM nae_internal.encrypted_types();
SELECT nae_internal.define_randomized_order(enc) FROM nae_internal.encrypted_types() WHERE kind = 'randomized';
SELECT nae_internal.define_deterministic_order(enc, type::text) FROM nae_internal.encrypted_types() WHERE kind = 'deterministic';

-- PostgreSQL's own casts to and from the plaintext types are those of the encrypted ones too. No casts of
-- another extension, which may go; none to and from names of objects and what only catalogs hold; none that
-- need a type modifier.
CREATE FUNCTION nae_internal.plain_casts(OUT source oid, OUT target oid, OUT context "char") RETURNS SETOF record
  LANGUAGE sql AS $define$
  SELECT c.castsource, c.casttarget, c.castcontext
  FROM pg_catalog.pg_cast AS c
  JOIN pg_catalog.pg_type AS s ON s.oid = c.castsource
  JOIN pg_catalog.pg_type AS t ON t.oid = c.casttarget
  LEFT JOIN pg_catalog.pg_proc AS p ON p.oid = c.castfunc
  WHERE s.oid <> t.oid AND coalesce(p.pronargs, 1) = 1
    AND s.typname !~ '^(reg|pg_)' AND t.typname !~ '^(reg|pg_)'
    AND s.typnamespace = 'pg_catalog'::regnamespace AND t.typnamespace = 'pg_catalog'::regnamespace
$define$;

-- What may be assigned to the plaintext type may be assigned to the encrypted one. Arrays are cast by their
-- elements: ARRAY[1, 2] into an encrypted numeric[].
SELECT nae_internal.define(ARRAY[
  $$CREATE FUNCTION nae_internal.%1$s(pg_catalog.%2$I) RETURNS nae.%1$s
      LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_column_pend_other'$$,
  $$CREATE CAST (pg_catalog.%2$I AS nae.%1$s) WITH FUNCTION nae_internal.%1$s(pg_catalog.%2$I) AS ASSIGNMENT$$],
  e.enc, source.typname::text)
FROM nae_internal.encrypted_types() AS e
JOIN pg_catalog.pg_type AS t ON t.oid = e.type
JOIN nae_internal.plain_casts() AS c ON c.target = CASE t.typcategory WHEN 'A' THEN t.typelem ELSE e.type END
  AND c.context IN ('i', 'a')
JOIN pg_catalog.pg_type AS s ON s.oid = c.source
JOIN pg_catalog.pg_type AS source ON source.oid = CASE t.typcategory WHEN 'A' THEN s.typarray ELSE s.oid END;

-- And what the plaintext type can be cast to, the encrypted one can be too; to texts because PostgreSQL's own
-- conversion goes by the output function, which shows ciphertext. AS ASSIGNMENT and not implicit: expressions
-- have one way to a plaintext, or PostgreSQL could not choose.
SELECT nae_internal.define(ARRAY[
  $$CREATE FUNCTION nae_internal.plain_as_%2$s(nae.%1$s) RETURNS pg_catalog.%2$I
      LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_column_decrypt_as'$$,
  $$CREATE CAST (nae.%1$s AS pg_catalog.%2$I) WITH FUNCTION nae_internal.plain_as_%2$s(nae.%1$s) %3$s$$],
  way.enc, t.typname::text, CASE WHEN bool_or(way.context <> 'e') THEN 'AS ASSIGNMENT' ELSE '' END)
FROM (
  SELECT e.enc, c.target, c.context
  FROM nae_internal.encrypted_types() AS e JOIN nae_internal.plain_casts() AS c ON c.source = e.type
  UNION ALL
  SELECT e.enc, s.oid, 'a'
  FROM nae_internal.encrypted_types() AS e, unnest('{text,varchar,bpchar}'::regtype[]) AS s (oid)
  WHERE s.oid <> e.type
) AS way
JOIN pg_catalog.pg_type AS t ON t.oid = way.target
GROUP BY way.enc, t.typname;

-- A row of any type, its encrypted columns decrypted.
CREATE FUNCTION nae_internal.plain_row(record) RETURNS record
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_plain_row';

-- Of values that are equal as plaintexts, one as it is stored. For the planner hook, which groups by plaintexts.
CREATE FUNCTION nae_internal.first(anyelement, anyelement) RETURNS anyelement
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_first';
CREATE AGGREGATE nae_internal.one_of(anyelement) (SFUNC = nae_internal.first, STYPE = anyelement, COMBINEFUNC = nae_internal.first,
                                         PARALLEL = SAFE);

DROP FUNCTION nae_internal.plain_casts();
DROP FUNCTION nae_internal.define_deterministic_order(text, text);
DROP FUNCTION nae_internal.define_randomized_order(text);
DROP FUNCTION nae_internal.define_type(text, text, regtype, text);
DROP FUNCTION nae_internal.encrypted_types();
DROP FUNCTION nae_internal.plain_types();
DROP FUNCTION nae_internal.define(text[], text[]);
