-- Search indexes by buckets: dates and numbers are searched by ranges (docs/search.md). Made, kept and rotated as those
-- of texts (search.sql); a row has one code, and a search is for any of many.

-- What the code of a date or a number is computed of: docs/spec/envelope.md, "Buckets".
CREATE FUNCTION nae_internal.search_input(purpose text, context text, declaration text, value anyelement) RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'nae_bucket_input';
-- Codes of which every row has one whose value is within the bounds, NULL::boolean for none: what the planner hook puts
-- beside comparisons. NULL where a bound is NULL: no row is within it. No code for who may not search, and where there were too many: then all rows are looked at.
CREATE FUNCTION nae_internal.search_range(
    key text, purpose text, context text, declaration text, low "any", high "any") RETURNS integer[]
  LANGUAGE c STABLE PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'nae_search_range';

CREATE FUNCTION nae_internal.has_any_code(codes integer[], wanted integer[]) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_has_any_code';
-- As that of arrays, but all rows where none is wanted. Codes that are wanted are in order.
CREATE OPERATOR nae_internal.&& (LEFTARG = integer[], RIGHTARG = integer[], FUNCTION = nae_internal.has_any_code,
  RESTRICT = matchingsel, JOIN = matchingjoinsel);

CREATE FUNCTION nae_internal.bucket_query(integer[], internal, smallint, internal, internal, internal, internal) RETURNS internal
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_bucket_query';
CREATE FUNCTION nae_internal.bucket_consistent(internal, smallint, integer[], integer, internal, internal, internal, internal)
  RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_bucket_consistent';
CREATE FUNCTION nae_internal.bucket_compare(integer, integer, smallint, internal) RETURNS integer
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_bucket_compare';
CREATE OPERATOR CLASS nae_internal.bucket_ops FOR TYPE integer[] USING gin AS
  OPERATOR 1 nae_internal.&&,
  FUNCTION 1 btint4cmp(integer, integer),
  FUNCTION 2 ginarrayextract(anyarray, internal, internal),
  FUNCTION 3 nae_internal.bucket_query(integer[], internal, smallint, internal, internal, internal, internal),
  FUNCTION 4 nae_internal.bucket_consistent(internal, smallint, integer[], integer, internal, internal, internal, internal),
  FUNCTION 5 nae_internal.bucket_compare(integer, integer, smallint, internal),
  STORAGE integer;

-- Whether values of a type have buckets of that declaration.
CREATE FUNCTION nae_internal.is_bucket_declaration(declaration text, plain_type regtype) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nae_is_bucket_declaration';

-- Months and two percent unless said otherwise.
CREATE FUNCTION nae_internal.bucket_declaration(plain_type regtype, unit text, ratio numeric, bits integer) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('bucket(%s, bits=%s)',
                CASE WHEN unit IS NOT NULL THEN 'unit=' || unit
                     WHEN ratio IS NOT NULL THEN 'ratio=' || trim_scale(ratio)
                     WHEN plain_type IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) THEN 'unit=month'
                     ELSE 'ratio=1.02' END, bits)
$$;

CREATE FUNCTION nae_internal.refuse_bucket(plain_type regtype, unit text, ratio numeric, bits integer) RETURNS void
  LANGUAGE plpgsql STABLE
  SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted text := nae_internal.bucket_declaration(plain_type, unit, ratio, bits);
  is_date boolean := nae_internal.is_bucket_declaration('bucket(unit=day, bits=16)', plain_type);
BEGIN
  IF NOT is_date AND NOT nae_internal.is_bucket_declaration('bucket(ratio=1.02, bits=16)', plain_type) THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = format('values of type %s are not searched by ranges', plain_type),
      HINT = 'Dates, timestamps and numbers are.';
  ELSIF is_date AND ratio IS NOT NULL OR NOT is_date AND unit IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('buckets of type %s have %s', plain_type, CASE WHEN is_date THEN 'no ratio' ELSE 'no unit' END),
      HINT = 'Dates and timestamps have a unit, numbers a ratio.';
  ELSIF NOT nae_internal.is_bucket_declaration(wanted, plain_type) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('there is no search by %s', wanted),
      HINT = 'Units are day, week, month, quarter and year, ratios from 1.001 to 1.049, and codes have 12 to 32 bits. Wider ratios tell nearly all of what people earn.';
  END IF;
END
$$;
