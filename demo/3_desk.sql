\echo '-- The front desk checks who is calling. The rest never leaves the key server.'
SELECT id, name, nae_decrypt_text(ssn) AS ssn, nae_decrypt_text(card) AS card FROM customers WHERE id <= 3 ORDER BY id;
\echo '-- nae_keys() says what it gets:'
SELECT name, actions, results FROM nae_keys();
