-- The main job: a table with encrypted columns, written by one role and read by another.
CREATE TABLE customer (
  id    integer PRIMARY KEY,
  note  bytea,   -- randomized
  ssn   bytea,   -- deterministic
  email bytea,   -- randomized, found by its blind index
  email_index bytea
);
CREATE UNIQUE INDEX ON customer (ssn);
CREATE INDEX ON customer (email_index);
GRANT ALL ON customer TO nae_clerk, nae_analyst, nae_all;

SET ROLE nae_clerk;
INSERT INTO customer
SELECT i, nae_encrypt('customer-pii', 'note ' || i), nae_encrypt('customer-ssn', '078-05-' || 1000 + i),
       nae_encrypt('customer-pii', 'c' || i || '@example.com', int4send(i)),
       nae_blind_index('index-key', 'c' || i || '@example.com')
FROM generate_series(1, 100) i;
\set VERBOSITY terse
INSERT INTO customer SELECT 101, NULL, nae_encrypt('customer-ssn', '078-05-1007'), NULL, NULL;
\set VERBOSITY default
INSERT INTO customer VALUES (101, NULL, NULL, NULL, NULL);
SELECT id, nae_decrypt_text(note) FROM customer WHERE id = 7;
SELECT id FROM customer WHERE email_index = nae_blind_index('index-key', 'c7@example.com');
SELECT id FROM customer WHERE ssn = nae_encrypt('customer-ssn', '078-05-1007');

SET ROLE nae_analyst;
SELECT id, nae_decrypt_text(note) AS note, nae_decrypt_text(ssn) AS ssn,
       nae_decrypt_text(email, int4send(id)) AS email
FROM customer WHERE id IN (7, 101) ORDER BY id;
-- an email moved to another row does not open
SELECT nae_decrypt_text(a.email, int4send(b.id)) FROM customer a, customer b WHERE a.id = 7 AND b.id = 8;
-- one round trip for all rows
SELECT count(*), count(DISTINCT note)
FROM unnest(nae_decrypt_text((SELECT array_agg(note ORDER BY id) FROM customer))) note;
INSERT INTO customer SELECT 102, nae_encrypt('customer-pii', 'x'), NULL, NULL, NULL;
UPDATE customer SET note = nae_rewrap(note);
SELECT nae_decrypt_text(note) AS note FROM customer WHERE id = 9;
RESET ROLE;
DROP TABLE customer;
