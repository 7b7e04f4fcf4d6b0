\echo '-- support is told what it lacks, and nothing else.'
\set VERBOSITY verbose
\set ON_ERROR_STOP off
SELECT name, ssn FROM customers WHERE id = 1;
\set ON_ERROR_STOP on
\i must_be_refused.sql
\set VERBOSITY default
\echo '-- nae_whoami() says who the key server takes it for:'
SELECT * FROM nae_whoami() WHERE property IN ('device', 'program', 'database', 'role', 'policy_revision');
