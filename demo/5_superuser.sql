\echo '-- Being superuser is no right to a key:'
\set ON_ERROR_STOP off
SELECT id, name, ssn FROM customers WHERE id <= 2 ORDER BY id;
\set ON_ERROR_STOP on
\i must_be_refused.sql
\echo '-- The table as it is stored:'
SET nae.transparent = off;
SELECT id, ssn FROM customers WHERE id <= 2 ORDER BY id;
