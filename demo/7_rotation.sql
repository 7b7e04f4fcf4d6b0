\echo '-- Old rows decrypt as before; analyst moves some to the new version.'
SELECT id, nae.key_version(card), card FROM customers WHERE id <= 3 ORDER BY id;
UPDATE customers SET card = nae.rewrap(card) WHERE id <= 2;
SELECT id, nae.key_version(card), card FROM customers WHERE id <= 3 ORDER BY id;
