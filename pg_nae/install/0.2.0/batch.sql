-- Counters of batches: plans that were refused, too.
DROP VIEW nae_stat_batch;
DROP FUNCTION nae_batch_stats();
CREATE FUNCTION nae_batch_stats(
    OUT batches bigint, OUT rows bigint, OUT round_trips bigint, OUT requests bigint,
    OUT items bigint, OUT bytes_sent bigint, OUT bytes_received bigint,
    OUT wait_ms double precision, OUT refused_plans bigint) RETURNS record
  LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 1
  AS 'MODULE_PATHNAME', 'nae_batch_stats';
CREATE VIEW nae_stat_batch AS
  SELECT batches, rows, round_trips, requests, items, bytes_sent, bytes_received, wait_ms, refused_plans
  FROM nae_batch_stats();
REVOKE ALL ON FUNCTION nae_batch_stats() FROM PUBLIC;
REVOKE ALL ON nae_stat_batch FROM PUBLIC;
COMMENT ON FUNCTION nae_batch_stats() IS 'what batches of rows took in this session';
COMMENT ON VIEW nae_stat_batch IS 'what batches of rows took in this session';

