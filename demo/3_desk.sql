\echo '-- The front desk checks who is calling. The rest never leaves the key server.'
SELECT id, name, ssn, card FROM customers WHERE id <= 3 ORDER BY id;
\echo '-- nae_keys() says what it gets:'
SELECT name, actions, results FROM nae_keys();
