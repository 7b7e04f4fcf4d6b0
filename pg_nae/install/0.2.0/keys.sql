-- Where keys were made first, too.
DROP FUNCTION nae_keys();
CREATE FUNCTION nae_keys()
  RETURNS TABLE (name text, type text, state text, primary_version integer, actions text[], results text[], rules text[],
                 origin text)
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 ROWS 100
  AS 'MODULE_PATHNAME', 'nae_keys';
REVOKE ALL ON FUNCTION nae_keys() FROM PUBLIC;
COMMENT ON FUNCTION nae_keys() IS 'the keys that the caller may use, for what, and where they were made';

