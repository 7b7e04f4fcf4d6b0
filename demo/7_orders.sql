\echo '-- A table that nobody encrypted. Order 77 was paid with this card:'
SET client_min_messages = warning;
-- Segments of WAL that are done with are to be removed, not written over some day.
ALTER SYSTEM SET wal_recycle = off;
SELECT pg_reload_conf();
DROP TABLE IF EXISTS orders;
CREATE TABLE orders (id int PRIMARY KEY, card text NOT NULL) WITH (autovacuum_enabled = off);  -- no samples in pg_statistic meanwhile
INSERT INTO orders SELECT id, 5200000000000000 + id * 7919::bigint FROM generate_series(1, 2000) AS id;
UPDATE orders SET card = '5212345678901234' WHERE id = 77;
SELECT id, card FROM orders WHERE id = 77;
\echo '-- A role for the migration; the policy has a rule for it.'
ALTER TABLE orders OWNER TO migrator;
GRANT CREATE ON SCHEMA public TO migrator;
SELECT nae.grant_migration('migrator');
CHECKPOINT;
