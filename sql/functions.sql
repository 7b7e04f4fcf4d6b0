-- What CREATE EXTENSION makes beside the encrypted types of schema nae, and what stands in for functions of
-- PostgreSQL over them (tests/pgtap/columns_functions.sql).
\pset format unaligned
SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS function,
       pg_get_function_result(p.oid) AS result, p.provolatile AS v, p.proparallel AS p,
       p.proisstrict AS strict
FROM pg_proc p
JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid
WHERE e.extname = 'pg_nae' AND p.pronamespace NOT IN ('nae'::regnamespace, 'nae_internal'::regnamespace, 'pg_catalog'::regnamespace)
ORDER BY p.proname, p.pronargs, pg_get_function_identity_arguments(p.oid) COLLATE "C";
SELECT default_version, comment FROM pg_available_extensions WHERE name = 'pg_nae';
