\echo '-- analyst reads the same rows in clear.'
SELECT id, name, nae_decrypt_text(ssn) AS ssn, nae_decrypt_text(card) AS card FROM customers WHERE id <= 3 ORDER BY id;
\echo '-- All of them, in one round trip a column:'
\timing on
SELECT count(DISTINCT plain) AS different_numbers
FROM (SELECT unnest(nae_decrypt_text(array_agg(ssn))) AS plain FROM customers) everything;
\timing off
