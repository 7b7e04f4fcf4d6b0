\echo '-- Old rows decrypt as before; analyst moves one to the new version.'
SELECT id, (nae_envelope(ssn)).key_version, nae_decrypt_text(ssn) AS ssn FROM customers WHERE id = 1;
UPDATE customers SET ssn = nae_rewrap(ssn) WHERE id = 1;
SELECT id, (nae_envelope(ssn)).key_version, nae_decrypt_text(ssn) AS ssn FROM customers WHERE id = 1;
