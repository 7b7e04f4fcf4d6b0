\echo '-- importer loads the CSV by COPY, as into any table.'
\timing on
\copy customers FROM pstdin CSV HEADER
\timing off
\echo '-- What it wrote it cannot read:'
\set ON_ERROR_STOP off
SELECT ssn FROM customers WHERE id = 1;
\set ON_ERROR_STOP on
\i must_be_refused.sql
