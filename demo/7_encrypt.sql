\echo '-- One statement, while the table is in use:'
\connect - migrator
CALL nae.encrypt_column('orders', 'card', key => 'customer-pii');
SELECT id, card FROM orders WHERE id = 77;
\echo '-- Then what is left over in clear goes: old rows and WAL.'
\connect - postgres
VACUUM FULL orders;
CHECKPOINT;
SELECT pg_switch_wal() IS NOT NULL AS switched;
CHECKPOINT;
ALTER SYSTEM RESET wal_recycle;
SELECT pg_reload_conf();
