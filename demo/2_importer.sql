\echo '-- importer loads the CSV by COPY, as into any table.'
\timing on
\copy customers FROM pstdin CSV HEADER
\timing off
\echo '-- What it wrote it cannot read:'
SELECT ssn FROM customers WHERE id = 1;
