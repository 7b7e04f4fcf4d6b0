-- Volatility, strictness, parallel mark, leaks and privileges of the functions of schemas nae and nae_internal.
BEGIN;
SELECT plan(32);
CREATE TEMP VIEW types AS SELECT * FROM pg_catalog.pg_type WHERE typnamespace = 'nae'::regnamespace AND typname LIKE 'enc%' AND typtype = 'b';
CREATE TEMP VIEW ours AS
  SELECT p.oid::regprocedure AS signature, p.*, l.lanname,
    regexp_replace(p.proname, types.pattern, 'enc') AS form,
    regexp_replace(pg_get_function_identity_arguments(p.oid), 'nae\.enc_\w+', 'enc', 'g') AS arguments
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang,
    (SELECT '^(' || string_agg(typname, '|' ORDER BY length(typname) DESC) || ')' FROM types) AS types (pattern)
  WHERE p.pronamespace IN ('nae'::regnamespace, 'nae_internal'::regnamespace);
CREATE TEMP VIEW decrypting AS SELECT * FROM ours WHERE proname = 'plain' OR proname LIKE 'plain\_as\_%' OR proname = 'plain_row' OR prosrc IN ('nae_column_convert', 'nae_column_rewrap') OR form ~ '^enc_(same|other|before|not_after|after|not_before|joined)$';
CREATE TEMP VIEW encrypting AS SELECT * FROM ours WHERE prosrc IN ('nae_column_encrypt', 'nae_column_search_token', 'nae_column_search_token_array', 'nae_column_in', 'nae_column_recv');

SELECT is((SELECT count(*)::int FROM types), 19 + 13 + 19, 'the types: randomized, deterministic, arrays');
SELECT cmp_ok((SELECT count(*) FROM decrypting), '>', 150::bigint, 'what decrypts');
SELECT is((SELECT count(*) FROM encrypting), (SELECT 3 * count(*) + 2 * count(*) FILTER (WHERE typname LIKE 'enc\_det\_%') FROM types), 'what encrypts');
SELECT is_empty('SELECT signature FROM decrypting WHERE proleakproof', 'what decrypts is not leakproof');
SELECT is_empty('SELECT signature FROM decrypting WHERE provolatile = ''i''', 'nor immutable');
SELECT is_empty('SELECT signature FROM decrypting WHERE proparallel <> ''r''', 'and runs in the leader');
SELECT is_empty('SELECT signature FROM decrypting WHERE procost < 100', 'what asks costs 100');
SELECT is_empty('SELECT signature FROM encrypting WHERE proleakproof OR provolatile = ''i'' OR proparallel <> ''r''', 'what encrypts is neither leakproof nor immutable, and runs in the leader');
SELECT is_empty('SELECT signature FROM encrypting WHERE procost < 100 AND prosrc !~ ''_(in|recv)$''', 'it costs 100, too');
SELECT is_empty('SELECT signature FROM ours WHERE lanname = ''c'' AND NOT proisstrict AND proname <> ALL (''{aggregated,has_codes,search_range}'')', 'every function in C is strict, but what no statement runs, a CHECK that asks for NULL, and a range that may be open');
SELECT is_empty('SELECT signature FROM ours WHERE prosecdef', 'no function is SECURITY DEFINER');
SELECT bag_eq('SELECT DISTINCT form FROM ours WHERE proleakproof', $$VALUES ('enc_eq'), ('enc_ne'), ('enc_lt'), ('enc_le'), ('enc_ge'), ('enc_gt'), ('enc_cmp')$$, 'LEAKPROOF: comparisons of ciphertexts alone');
SELECT bag_eq('SELECT DISTINCT form || ''('' || arguments || '')'' FROM ours WHERE provolatile = ''i'' AND lanname = ''c''',
  $$VALUES ('enc_eq(enc, enc)'), ('enc_ne(enc, enc)'), ('enc_lt(enc, enc)'), ('enc_le(enc, enc)'), ('enc_ge(enc, enc)'), ('enc_gt(enc, enc)'), ('enc_cmp(enc, enc)'), ('enc_hash(enc)'), ('enc_hash_extended(enc, bigint)'), ('is_ciphertext(enc)'), ('key_version(enc)'), ('first(anyelement, anyelement)'), ('subscript(internal)'), ('blind_index_input(purpose text, context text, value anyelement)'),
    ('search_input(purpose text, context text, declaration text, value text)'), ('search_declaration(kind text, letters integer, bits integer)'), ('search(value text, query text)'),
    ('search_mark(key text, purpose text, context text, declaration text)'), ('has_codes(has_no_value boolean, codes integer[], mark integer)'),
    ('search_input(purpose text, context text, declaration text, value anyelement)'), ('is_bucket_declaration(declaration text, plain_type regtype)'), ('has_any_code(codes integer[], wanted integer[])'),
    ('bucket_query(integer[], internal, smallint, internal, internal, internal, internal)'), ('bucket_compare(integer, integer, smallint, internal)'),
    ('bucket_consistent(internal, smallint, integer[], integer, internal, internal, internal, internal)')$$,
  'IMMUTABLE: what is said of ciphertexts, and what codes are computed of');
SELECT is_empty($$SELECT signature FROM ours WHERE form IN ('enc_eq', 'enc_ne', 'enc_cmp', 'enc_hash') AND signature::text !~ 'enc_det_|_(cmp)' AND provolatile = 'i'$$, 'of deterministic ones');
SELECT is_empty($$SELECT signature FROM ours WHERE lanname = 'c' AND proparallel = 'u'$$, 'no function in C is PARALLEL UNSAFE');
SELECT is_empty($$SELECT signature FROM ours WHERE lanname = 'c' AND proparallel = 's' AND prosrc ~ 'decrypt|encrypt|token|rewrap|convert|plain_row|typmod_in|_in$|_recv$'$$, 'PARALLEL SAFE: nothing that may ask');

-- casts
CREATE TEMP VIEW casts AS SELECT c.*, s.typname AS source, s.typnamespace = 'nae'::regnamespace AS from_encrypted, t.typname AS target, t.typnamespace = 'nae'::regnamespace AS to_encrypted
  FROM pg_cast c JOIN pg_type s ON s.oid = castsource JOIN pg_type t ON t.oid = casttarget WHERE 'nae'::regnamespace IN (s.typnamespace, t.typnamespace);
SELECT is_empty('SELECT source, target FROM casts WHERE castmethod <> ''f''', 'no cast is without a function');
SELECT is_empty($$SELECT e.type FROM nae.encrypted_type e WHERE NOT EXISTS (SELECT FROM pg_cast c WHERE c.castsource = e.type AND c.casttarget = e.plain_type AND c.castcontext = 'i')$$, 'each type is its plaintext by itself');
SELECT is_empty($$SELECT c.castsource::regtype, c.casttarget::regtype FROM pg_cast c JOIN nae.encrypted_type e ON e.type = c.castsource WHERE c.castcontext = 'i' AND c.casttarget NOT IN (SELECT type FROM nae.encrypted_type)
  AND c.casttarget <> e.plain_type AND NOT EXISTS (SELECT FROM pg_cast p WHERE p.castsource = e.plain_type AND p.casttarget = c.casttarget AND p.castcontext = 'i')$$, 'and nothing else that the plaintext is not');
SELECT is_empty($$SELECT c.castsource::regtype, c.casttarget::regtype FROM pg_cast c JOIN nae.encrypted_type e ON e.type = c.casttarget WHERE c.castcontext = 'i' AND c.castsource NOT IN (SELECT type FROM nae.encrypted_type)
  AND NOT EXISTS (SELECT FROM pg_cast p WHERE p.castsource = c.castsource AND p.casttarget = e.plain_type AND p.castcontext = 'i')$$, 'what becomes an encrypted type by itself becomes its plaintext type by itself');
SELECT is_empty($$SELECT c.castsource::regtype, c.casttarget::regtype FROM pg_cast c JOIN nae.encrypted_type a ON a.type = c.castsource JOIN nae.encrypted_type b ON b.type = c.casttarget
  WHERE c.castcontext = 'i' AND a.type <> b.type AND b.deterministic AND NOT a.deterministic$$, 'no randomized type becomes a deterministic one by itself');
SELECT is((SELECT count(*) FROM casts WHERE source = target), (SELECT count(*) FROM nae.encrypted_type), 'each is encrypted by its length coercion');

-- the operators that nobody types, and those with plaintexts' names
SELECT is_empty($$SELECT oid::regoperator FROM pg_operator WHERE oprnamespace = 'nae'::regnamespace AND oprname NOT IN ('<~', '<=~', '=~', '>=~', '>~', '<>~')$$, 'no operator of schema nae has an ordinary name');
SELECT is_empty($$SELECT o.oid::regoperator FROM pg_operator o JOIN ours f ON f.oid = o.oprcode WHERE o.oprnamespace <> 'nae'::regnamespace AND f.provolatile <> 's' AND f.proname <> 'has_any_code'$$, 'operators outside of it decrypt, but what compares codes');
SELECT is((SELECT count(*)::int FROM pg_opclass c JOIN pg_type t ON t.oid = c.opcintype WHERE t.typnamespace = 'nae'::regnamespace AND c.opcdefault AND t.typname LIKE 'enc%'), 51 + 13, 'operator classes: btree for each type, hash for deterministic ones');
SELECT is_empty($$SELECT typname FROM pg_type WHERE typnamespace = 'nae'::regnamespace AND typname LIKE 'enc%' AND typtype = 'b' AND (typstorage <> 'e' OR typlen <> -1 OR typispreferred)$$, 'types do not compress, and are preferred nowhere');

-- privileges
SELECT is(has_schema_privilege('nae_stranger', s, 'USAGE'), true, 'everybody may use the schema ' || s) FROM unnest('{nae,nae_internal}'::text[]) AS s;
SELECT is(has_schema_privilege('nae_stranger', s, 'CREATE'), false, 'and nobody may create in it') FROM unnest('{nae,nae_internal}'::text[]) AS s;
SELECT bag_eq($$SELECT relname::text, privilege_type FROM pg_class, aclexplode(relacl) WHERE relnamespace IN ('nae'::regnamespace, 'nae_internal'::regnamespace) AND grantee = 0 AND relkind IN ('r', 'v')$$,
  $$VALUES ('column_key', 'SELECT'), ('blind_index', 'SELECT'), ('search_index', 'SELECT'), ('coded_column', 'SELECT'), ('encrypted_type', 'SELECT'), ('encrypted_column', 'SELECT'), ('stat_progress_column', 'SELECT'), ('stat_recoding', 'SELECT'), ('stat_writing', 'SELECT')$$,
  'what PUBLIC may do with tables and views');
SELECT is((SELECT relrowsecurity FROM pg_class WHERE oid = 'nae_internal.column_change'::regclass), true, 'of column_change row level security shows everybody their own');

SELECT * FROM finish();
ROLLBACK;
