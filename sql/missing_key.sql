-- A column is declared whether its key is there or not, and a role that is told of keys hears of one that is not.
SET ROLE nae_all;
CREATE TEMP TABLE t (a nae.enc_text('missing-key'), b nae.enc_text('customer-pii'), c nae.enc_det_int4('missing-too', 'context=c'));
-- Once a declaration and session.
CREATE TEMP TABLE again (a nae.enc_text('missing-key'));
ALTER TABLE again ADD b nae.enc_text('missing-key', 'context=b'), ADD c nae.enc_text('customer-pii', 'context=c');
CREATE TEMP TABLE alike (LIKE t);
-- Writing is what fails.
INSERT INTO t (a) VALUES ('x');
INSERT INTO t (b) VALUES ('x');
RESET ROLE;
-- Who is nobody to the policy is told of no key, and hears nothing.
CREATE TEMP TABLE u (a nae.enc_text('missing-three'));
SET ROLE nae_stranger;
CREATE TEMP TABLE v (a nae.enc_text('missing-four'));
RESET ROLE;
