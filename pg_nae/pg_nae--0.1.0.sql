-- Installed by CREATE EXTENSION pg_nae.
\echo Use "CREATE EXTENSION pg_nae" to load this file. \quit

-- STRICT: NULL in, NULL out, without a round trip. That includes aad.
-- Never IMMUTABLE (but nae_envelope): the answer depends on the role, the policy and the key's
-- versions, and a plan that had folded it would serve it to the next role.
-- RESTRICTED: the leader alone has a connection. COST 100: late among quals, after a sort.


-- Encryption
CREATE FUNCTION nae_encrypt(key text, plaintext bytea) RETURNS bytea
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_encrypt_bytea';
CREATE FUNCTION nae_encrypt(key text, plaintext bytea, aad bytea) RETURNS bytea
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_encrypt_bytea';
CREATE FUNCTION nae_encrypt(key text, plaintext text) RETURNS bytea
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_encrypt_text';
CREATE FUNCTION nae_encrypt(key text, plaintext text, aad bytea) RETURNS bytea
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_encrypt_text';
CREATE FUNCTION nae_encrypt(key text, plaintexts bytea[]) RETURNS bytea[]
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_encrypt_array';
CREATE FUNCTION nae_encrypt(key text, plaintexts bytea[], aad bytea) RETURNS bytea[]
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_encrypt_array';
CREATE FUNCTION nae_encrypt(key text, plaintexts text[]) RETURNS bytea[]
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_encrypt_array';
CREATE FUNCTION nae_encrypt(key text, plaintexts text[], aad bytea) RETURNS bytea[]
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_encrypt_array';
CREATE FUNCTION nae_decrypt(ciphertext bytea) RETURNS bytea
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_decrypt_bytea';
CREATE FUNCTION nae_decrypt(ciphertext bytea, aad bytea) RETURNS bytea
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_decrypt_bytea';
CREATE FUNCTION nae_decrypt(ciphertexts bytea[]) RETURNS bytea[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_decrypt_bytea_array';
CREATE FUNCTION nae_decrypt(ciphertexts bytea[], aad bytea) RETURNS bytea[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_decrypt_bytea_array';
CREATE FUNCTION nae_decrypt_text(ciphertext bytea) RETURNS text
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_decrypt_text';
CREATE FUNCTION nae_decrypt_text(ciphertext bytea, aad bytea) RETURNS text
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_decrypt_text';
CREATE FUNCTION nae_decrypt_text(ciphertexts bytea[]) RETURNS text[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_decrypt_text_array';
CREATE FUNCTION nae_decrypt_text(ciphertexts bytea[], aad bytea) RETURNS text[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_decrypt_text_array';
CREATE FUNCTION nae_rewrap(ciphertext bytea) RETURNS bytea
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_rewrap_bytea';
CREATE FUNCTION nae_rewrap(ciphertext bytea, aad bytea) RETURNS bytea
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_rewrap_bytea';
CREATE FUNCTION nae_rewrap(ciphertexts bytea[]) RETURNS bytea[]
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_rewrap_array';
CREATE FUNCTION nae_rewrap(ciphertexts bytea[], aad bytea) RETURNS bytea[]
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_rewrap_array';

-- Signatures
CREATE FUNCTION nae_sign(key text, message bytea) RETURNS bytea
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_sign_bytea';
CREATE FUNCTION nae_sign(key text, message bytea, scheme text) RETURNS bytea
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_sign_bytea';
CREATE FUNCTION nae_sign(key text, message text) RETURNS bytea
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_sign_text';
CREATE FUNCTION nae_sign(key text, message text, scheme text) RETURNS bytea
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_sign_text';
CREATE FUNCTION nae_sign(key text, messages bytea[]) RETURNS bytea[]
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_sign_array';
CREATE FUNCTION nae_sign(key text, messages bytea[], scheme text) RETURNS bytea[]
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_sign_array';
CREATE FUNCTION nae_sign(key text, messages text[]) RETURNS bytea[]
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_sign_array';
CREATE FUNCTION nae_sign(key text, messages text[], scheme text) RETURNS bytea[]
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_sign_array';
CREATE FUNCTION nae_verify(key text, message bytea, signature bytea) RETURNS boolean
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_verify_bytea';
CREATE FUNCTION nae_verify(key text, message bytea, signature bytea, scheme text) RETURNS boolean
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_verify_bytea';
CREATE FUNCTION nae_verify(key text, message text, signature bytea) RETURNS boolean
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_verify_text';
CREATE FUNCTION nae_verify(key text, message text, signature bytea, scheme text) RETURNS boolean
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_verify_text';
CREATE FUNCTION nae_verify(key text, messages bytea[], signatures bytea[]) RETURNS boolean[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_verify_array';
CREATE FUNCTION nae_verify(key text, messages bytea[], signatures bytea[], scheme text) RETURNS boolean[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_verify_array';
CREATE FUNCTION nae_verify(key text, messages text[], signatures bytea[]) RETURNS boolean[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_verify_array';
CREATE FUNCTION nae_verify(key text, messages text[], signatures bytea[], scheme text) RETURNS boolean[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_verify_array';

-- Message authentication codes and blind indexes
CREATE FUNCTION nae_mac(key text, message bytea) RETURNS bytea
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_mac_bytea';
CREATE FUNCTION nae_mac(key text, message text) RETURNS bytea
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_mac_text';
CREATE FUNCTION nae_mac(key text, messages bytea[]) RETURNS bytea[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_mac_array';
CREATE FUNCTION nae_mac(key text, messages text[]) RETURNS bytea[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_mac_array';
CREATE FUNCTION nae_blind_index(key text, plaintext bytea) RETURNS bytea
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_blind_index_bytea';
CREATE FUNCTION nae_blind_index(key text, plaintext text) RETURNS bytea
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_blind_index_text';
CREATE FUNCTION nae_blind_index(key text, plaintexts bytea[]) RETURNS bytea[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_blind_index_array';
CREATE FUNCTION nae_blind_index(key text, plaintexts text[]) RETURNS bytea[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_blind_index_array';
CREATE FUNCTION nae_mac_verify(key text, message bytea, mac bytea) RETURNS boolean
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_mac_verify_bytea';
CREATE FUNCTION nae_mac_verify(key text, message text, mac bytea) RETURNS boolean
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_mac_verify_text';
CREATE FUNCTION nae_mac_verify(key text, messages bytea[], macs bytea[]) RETURNS boolean[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_mac_verify_array';
CREATE FUNCTION nae_mac_verify(key text, messages text[], macs bytea[]) RETURNS boolean[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_mac_verify_array';

-- Hashes and random bytes
CREATE FUNCTION nae_hash(algorithm text, data bytea) RETURNS bytea
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_hash_bytea';
CREATE FUNCTION nae_hash(algorithm text, data text) RETURNS bytea
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_hash_text';
CREATE FUNCTION nae_hash(algorithm text, data bytea[]) RETURNS bytea[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_hash_array';
CREATE FUNCTION nae_hash(algorithm text, data text[]) RETURNS bytea[]
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_hash_array';
CREATE FUNCTION nae_random(bytes integer) RETURNS bytea
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'nae_random';

-- What is it, who am I, what may I use
CREATE FUNCTION nae_envelope(
    value bytea,
    OUT format text, OUT algorithm text, OUT key_id bytea, OUT key_version integer,
    OUT salt bytea, OUT counter bigint, OUT payload bytea) RETURNS record
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
  AS 'MODULE_PATHNAME', 'nae_envelope';
-- Which key versions made the values of a column: counted here, no key server is asked. Reading the
-- column takes the caller's right to do so.
CREATE FUNCTION nae_key_versions(relation regclass, column_name name)
  RETURNS TABLE (key_id bytea, key_version integer, count bigint)
  LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED COST 100 ROWS 10
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  own_schema name;
BEGIN
  SELECT n.nspname INTO STRICT own_schema
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_nae';
  -- OFFSET 0: each value is parsed once, not once a field.
  RETURN QUERY EXECUTE format(
    'SELECT (v.e).key_id, (v.e).key_version, count(*)'
    ' FROM (SELECT %I.nae_envelope(%I) AS e FROM %s WHERE %2$I IS NOT NULL OFFSET 0) AS v'
    ' GROUP BY 1, 2 ORDER BY 1, 2', own_schema, column_name, relation);
END
$$;
CREATE FUNCTION nae_whoami() RETURNS TABLE (property text, value text)
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 ROWS 10
  AS 'MODULE_PATHNAME', 'nae_whoami';
CREATE FUNCTION nae_keys()
  RETURNS TABLE (name text, type text, state text, primary_version integer, actions text[], results text[], rules text[])
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 ROWS 100
  AS 'MODULE_PATHNAME', 'nae_keys';
CREATE FUNCTION nae_agent_stats() RETURNS TABLE (name text, value text)
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100 ROWS 20
  AS 'MODULE_PATHNAME', 'nae_agent_stats';

CREATE FUNCTION nae_batch_stats(
    OUT batches bigint, OUT rows bigint, OUT round_trips bigint, OUT requests bigint,
    OUT items bigint, OUT bytes_sent bigint, OUT bytes_received bigint,
    OUT wait_ms double precision) RETURNS record
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 1
  AS 'MODULE_PATHNAME', 'nae_batch_stats';

CREATE VIEW nae_stat_batch AS
  SELECT batches, rows, round_trips, requests, items, bytes_sent, bytes_received, wait_ms
  FROM nae_batch_stats();
COMMENT ON VIEW nae_stat_batch IS 'what batches of rows took in this session';
CREATE VIEW nae_stat_agent AS SELECT name, value FROM nae_agent_stats();
COMMENT ON VIEW nae_stat_agent IS 'counters of nae-agent';

-- Nobody gets these by default: GRANT EXECUTE to the roles that need them. The policy of the key
-- server decides all the same.
REVOKE ALL ON FUNCTION nae_encrypt(text, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_encrypt(text, bytea, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_encrypt(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_encrypt(text, text, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_encrypt(text, bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_encrypt(text, bytea[], bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_encrypt(text, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_encrypt(text, text[], bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_decrypt(bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_decrypt(bytea, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_decrypt(bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_decrypt(bytea[], bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_decrypt_text(bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_decrypt_text(bytea, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_decrypt_text(bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_decrypt_text(bytea[], bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_rewrap(bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_rewrap(bytea, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_rewrap(bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_rewrap(bytea[], bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_sign(text, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_sign(text, bytea, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_sign(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_sign(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_sign(text, bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_sign(text, bytea[], text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_sign(text, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_sign(text, text[], text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_verify(text, bytea, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_verify(text, bytea, bytea, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_verify(text, text, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_verify(text, text, bytea, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_verify(text, bytea[], bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_verify(text, bytea[], bytea[], text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_verify(text, text[], bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_verify(text, text[], bytea[], text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_mac(text, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_mac(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_mac(text, bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_mac(text, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_blind_index(text, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_blind_index(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_blind_index(text, bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_blind_index(text, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_mac_verify(text, bytea, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_mac_verify(text, text, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_mac_verify(text, bytea[], bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_mac_verify(text, text[], bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_hash(text, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_hash(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_hash(text, bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_hash(text, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_random(integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_envelope(bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_key_versions(regclass, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_whoami() FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_keys() FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_agent_stats() FROM PUBLIC;
REVOKE ALL ON nae_stat_agent FROM PUBLIC;
REVOKE ALL ON FUNCTION nae_batch_stats() FROM PUBLIC;
REVOKE ALL ON nae_stat_batch FROM PUBLIC;

COMMENT ON FUNCTION nae_encrypt(text, bytea) IS 'encrypts under the newest version of the key';
COMMENT ON FUNCTION nae_encrypt(text, bytea, bytea) IS 'encrypts under the newest version of the key; opens only with the same aad';
COMMENT ON FUNCTION nae_encrypt(text, text) IS 'encrypts under the newest version of the key';
COMMENT ON FUNCTION nae_encrypt(text, text, bytea) IS 'encrypts under the newest version of the key; opens only with the same aad';
COMMENT ON FUNCTION nae_encrypt(text, bytea[]) IS 'encrypts under the newest version of the key';
COMMENT ON FUNCTION nae_encrypt(text, bytea[], bytea) IS 'encrypts under the newest version of the key; opens only with the same aad';
COMMENT ON FUNCTION nae_encrypt(text, text[]) IS 'encrypts under the newest version of the key';
COMMENT ON FUNCTION nae_encrypt(text, text[], bytea) IS 'encrypts under the newest version of the key; opens only with the same aad';
COMMENT ON FUNCTION nae_decrypt(bytea) IS 'decrypts; the ciphertext names its key';
COMMENT ON FUNCTION nae_decrypt(bytea, bytea) IS 'decrypts; the ciphertext names its key';
COMMENT ON FUNCTION nae_decrypt(bytea[]) IS 'decrypts; the ciphertext names its key';
COMMENT ON FUNCTION nae_decrypt(bytea[], bytea) IS 'decrypts; the ciphertext names its key';
COMMENT ON FUNCTION nae_decrypt_text(bytea) IS 'decrypts to text in the encoding of the database';
COMMENT ON FUNCTION nae_decrypt_text(bytea, bytea) IS 'decrypts to text in the encoding of the database';
COMMENT ON FUNCTION nae_decrypt_text(bytea[]) IS 'decrypts to text in the encoding of the database';
COMMENT ON FUNCTION nae_decrypt_text(bytea[], bytea) IS 'decrypts to text in the encoding of the database';
COMMENT ON FUNCTION nae_rewrap(bytea) IS 'encrypts anew under the newest version of the same key';
COMMENT ON FUNCTION nae_rewrap(bytea, bytea) IS 'encrypts anew under the newest version of the same key';
COMMENT ON FUNCTION nae_rewrap(bytea[]) IS 'encrypts anew under the newest version of the same key';
COMMENT ON FUNCTION nae_rewrap(bytea[], bytea) IS 'encrypts anew under the newest version of the same key';
COMMENT ON FUNCTION nae_sign(text, bytea) IS 'signs with the key''s default scheme';
COMMENT ON FUNCTION nae_sign(text, bytea, text) IS 'signs with the scheme named';
COMMENT ON FUNCTION nae_sign(text, text) IS 'signs with the key''s default scheme';
COMMENT ON FUNCTION nae_sign(text, text, text) IS 'signs with the scheme named';
COMMENT ON FUNCTION nae_sign(text, bytea[]) IS 'signs with the key''s default scheme';
COMMENT ON FUNCTION nae_sign(text, bytea[], text) IS 'signs with the scheme named';
COMMENT ON FUNCTION nae_sign(text, text[]) IS 'signs with the key''s default scheme';
COMMENT ON FUNCTION nae_sign(text, text[], text) IS 'signs with the scheme named';
COMMENT ON FUNCTION nae_verify(text, bytea, bytea) IS 'verifies a signature that nae_sign made';
COMMENT ON FUNCTION nae_verify(text, bytea, bytea, text) IS 'verifies a bare signature of the scheme named, whoever made it';
COMMENT ON FUNCTION nae_verify(text, text, bytea) IS 'verifies a signature that nae_sign made';
COMMENT ON FUNCTION nae_verify(text, text, bytea, text) IS 'verifies a bare signature of the scheme named, whoever made it';
COMMENT ON FUNCTION nae_verify(text, bytea[], bytea[]) IS 'verifies a signature that nae_sign made';
COMMENT ON FUNCTION nae_verify(text, bytea[], bytea[], text) IS 'verifies a bare signature of the scheme named, whoever made it';
COMMENT ON FUNCTION nae_verify(text, text[], bytea[]) IS 'verifies a signature that nae_sign made';
COMMENT ON FUNCTION nae_verify(text, text[], bytea[], text) IS 'verifies a bare signature of the scheme named, whoever made it';
COMMENT ON FUNCTION nae_mac(text, bytea) IS 'message authentication code';
COMMENT ON FUNCTION nae_mac(text, text) IS 'message authentication code';
COMMENT ON FUNCTION nae_mac(text, bytea[]) IS 'message authentication code';
COMMENT ON FUNCTION nae_mac(text, text[]) IS 'message authentication code';
COMMENT ON FUNCTION nae_blind_index(text, bytea) IS '16 bytes that are equal for equal values: to index and to join encrypted values';
COMMENT ON FUNCTION nae_blind_index(text, text) IS '16 bytes that are equal for equal values: to index and to join encrypted values';
COMMENT ON FUNCTION nae_blind_index(text, bytea[]) IS '16 bytes that are equal for equal values: to index and to join encrypted values';
COMMENT ON FUNCTION nae_blind_index(text, text[]) IS '16 bytes that are equal for equal values: to index and to join encrypted values';
COMMENT ON FUNCTION nae_mac_verify(text, bytea, bytea) IS 'verifies a code that nae_mac made';
COMMENT ON FUNCTION nae_mac_verify(text, text, bytea) IS 'verifies a code that nae_mac made';
COMMENT ON FUNCTION nae_mac_verify(text, bytea[], bytea[]) IS 'verifies a code that nae_mac made';
COMMENT ON FUNCTION nae_mac_verify(text, text[], bytea[]) IS 'verifies a code that nae_mac made';
COMMENT ON FUNCTION nae_hash(text, bytea) IS 'digest: sha224, sha256, sha384, sha512, sha1';
COMMENT ON FUNCTION nae_hash(text, text) IS 'digest: sha224, sha256, sha384, sha512, sha1';
COMMENT ON FUNCTION nae_hash(text, bytea[]) IS 'digest: sha224, sha256, sha384, sha512, sha1';
COMMENT ON FUNCTION nae_hash(text, text[]) IS 'digest: sha224, sha256, sha384, sha512, sha1';
COMMENT ON FUNCTION nae_random(integer) IS 'random bytes of the hardware security module, 1 to 1024';
COMMENT ON FUNCTION nae_key_versions(regclass, name) IS 'how many values of a column each key version made';
COMMENT ON FUNCTION nae_envelope(bytea) IS 'what a ciphertext, signature or code says about itself';
COMMENT ON FUNCTION nae_whoami() IS 'who the key server takes the caller for';
COMMENT ON FUNCTION nae_keys() IS 'the keys that the caller may use, and for what';
COMMENT ON FUNCTION nae_agent_stats() IS 'counters of nae-agent';
COMMENT ON FUNCTION nae_batch_stats() IS 'what batches of rows took in this session';
