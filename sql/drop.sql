-- What takes encrypted columns along says which, before it happens. In a database of its own.
SET client_min_messages = warning;
DROP DATABASE IF EXISTS nae_drop;
CREATE DATABASE nae_drop;
\c nae_drop
SET client_min_messages = warning;
CREATE EXTENSION pg_nae;
-- Nothing is encrypted.
BEGIN;
DROP EXTENSION pg_nae;
ROLLBACK;
CREATE SCHEMA types;
CREATE DOMAIN types.code AS nae.enc_det_text('customer-ssn');
CREATE DOMAIN types.short_code AS types.code CHECK (VALUE <> 'x');
CREATE TABLE customers (id int, ssn nae.enc_det_text('customer-ssn'), "the note" nae.enc_text('customer-pii'), code types.short_code);
CREATE TABLE parts (id int, c types.code) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF parts FOR VALUES IN (1);
CREATE VIEW seen AS SELECT ssn FROM customers;
CREATE TABLE types.inside (c types.code);
-- PostgreSQL would advise CASCADE.
DROP EXTENSION pg_nae;
DROP EXTENSION IF EXISTS no_such_extension, pg_nae RESTRICT;
BEGIN;
DROP EXTENSION pg_nae CASCADE;
ROLLBACK;
BEGIN;
DROP DOMAIN types.code CASCADE;
ROLLBACK;
BEGIN;
DROP DOMAIN types.short_code CASCADE;
ROLLBACK;
-- A table that goes itself is what the command names; columns elsewhere are not.
BEGIN;
DROP SCHEMA types CASCADE;
ROLLBACK;
-- Silent: nothing encrypted, nothing there, nothing that PostgreSQL does not refuse by itself.
CREATE DOMAIN plain AS text;
CREATE TABLE plains (p plain);
DROP DOMAIN plain CASCADE;
DROP DOMAIN IF EXISTS no_such_domain CASCADE;
DROP DOMAIN types.code;
DROP TYPE nae.enc_text CASCADE;
DROP SCHEMA nae CASCADE;
-- The owner is told; others are no owners.
CREATE ROLE nae_passer;
SET ROLE nae_passer;
DROP EXTENSION pg_nae;
RESET ROLE;
DROP ROLE nae_passer;
-- A role that goes with what it owns: a domain that others use, or the extension itself.
CREATE ROLE nae_leaver;
GRANT CREATE ON SCHEMA types TO nae_leaver;
GRANT USAGE ON SCHEMA nae TO nae_leaver;
CREATE DOMAIN types.leaves AS nae.enc_text('customer-pii');
ALTER DOMAIN types.leaves OWNER TO nae_leaver;
CREATE TABLE of_others (l types.leaves);
CREATE TABLE of_leaver (l types.leaves);
ALTER TABLE of_leaver OWNER TO nae_leaver;
BEGIN;
DROP OWNED BY nae_leaver CASCADE;
ROLLBACK;
DROP OWNED BY nae_leaver RESTRICT;
BEGIN;
DROP OWNED BY CURRENT_USER CASCADE;
ROLLBACK;
CREATE ROLE nae_extender SUPERUSER;
CREATE DATABASE nae_drop_owned;
\c nae_drop_owned
SET client_min_messages = warning;
SET ROLE nae_extender;
CREATE EXTENSION pg_nae;
RESET ROLE;
CREATE TABLE kept (ssn nae.enc_text('customer-pii'));
DROP OWNED BY nae_extender;
BEGIN;
DROP OWNED BY nae_extender CASCADE;
SELECT to_regclass('kept'), count(*) FROM pg_attribute WHERE attrelid = 'kept'::regclass AND attname = 'ssn';
ROLLBACK;
\c nae_drop
SET client_min_messages = warning;
DROP DATABASE nae_drop_owned;
DROP TABLE of_others, of_leaver;
DROP DOMAIN types.leaves;
REVOKE ALL ON SCHEMA types, nae FROM nae_leaver;
DROP ROLE nae_leaver, nae_extender;
-- At most twenty names.
DO $$ BEGIN
  EXECUTE (SELECT format('CREATE TABLE many (%s)', string_agg(format('c%s nae.enc_text(''customer-pii'')', to_char(n, 'FM00')), ', ')) FROM generate_series(1, 25) AS n);
END $$;
BEGIN;
DROP EXTENSION pg_nae CASCADE;
ROLLBACK;
-- No way back to a release that cannot read what this one writes.
ALTER EXTENSION pg_nae UPDATE TO '0.1.0';
ALTER EXTENSION pg_nae UPDATE TO '0.2.0';
ALTER EXTENSION pg_nae UPDATE TO '9.9.9';
\c postgres
DROP DATABASE nae_drop;
