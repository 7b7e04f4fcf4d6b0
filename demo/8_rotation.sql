\echo '-- Old rows decrypt as before, under the version that they have.'
SELECT id, nae.key_version(card), card FROM orders WHERE id <= 3 ORDER BY id;
\echo '-- The column moves to the new version, while it is in use:'
CALL nae.rotate_column('orders', 'card');
SELECT id, nae.key_version(card), card FROM orders WHERE id <= 3 ORDER BY id;
