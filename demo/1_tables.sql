\echo '-- A superuser makes the table and four roles. The encrypted columns are plain bytea.'
CREATE EXTENSION pg_nae;
CREATE ROLE importer LOGIN;
CREATE ROLE analyst LOGIN;
CREATE ROLE support LOGIN;
CREATE ROLE desk LOGIN;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO importer, analyst, support, desk;
CREATE TABLE customers (id int PRIMARY KEY, name text, city text, ssn bytea, card bytea);
GRANT SELECT, INSERT ON customers TO importer;
GRANT SELECT, UPDATE ON customers TO analyst;
GRANT SELECT ON customers TO support, desk;
\echo '-- The right to call a function is not the right to use a key: that is for the key server to say.'
