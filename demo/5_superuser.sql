\echo '-- Being superuser is no right to a key:'
SELECT id, name, ssn FROM customers WHERE id <= 2 ORDER BY id;
\echo '-- The table as it is stored:'
SET nae.transparent = off;
SELECT id, ssn FROM customers WHERE id <= 2 ORDER BY id;
