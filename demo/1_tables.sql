\echo '-- A superuser makes the table and the roles. Two columns are encrypted: that is all there is to declare.'
CREATE EXTENSION pg_nae;
CREATE ROLE importer LOGIN;
CREATE ROLE analyst LOGIN;
CREATE ROLE support LOGIN;
CREATE ROLE desk LOGIN;
CREATE ROLE migrator LOGIN;
CREATE ROLE shop_web LOGIN;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO importer, analyst, support, desk;
CREATE TABLE customers (
  id   int PRIMARY KEY,
  name text,
  city text,
  ssn  nae.enc_det_text('customer-ssn'),  -- deterministic: can be looked up
  card nae.enc_text('customer-pii'));     -- randomized
CREATE INDEX ON customers (ssn);
GRANT SELECT, INSERT ON customers TO importer;
GRANT SELECT, UPDATE ON customers TO analyst;
GRANT SELECT ON customers TO support, desk;
\echo '-- A grant on the table is not the right to use a key: that is for the key server to say.'
