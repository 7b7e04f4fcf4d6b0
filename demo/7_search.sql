\set ECHO none
WITH RECURSIVE file(name, directory, size) AS (
  SELECT '.', true, 0::bigint
  UNION ALL
  SELECT inside.path, state.isdir, state.size
  FROM file, pg_ls_dir(file.name) AS entry, LATERAL (SELECT file.name || '/' || entry AS path) AS inside, pg_stat_file(inside.path, true) AS state
  WHERE file.directory)
SELECT name AS "files of the data directory that hold the number" FROM file
WHERE NOT directory AND position('5212345678901234'::bytea IN pg_read_binary_file(name, 0, size, true)) > 0 ORDER BY name;
