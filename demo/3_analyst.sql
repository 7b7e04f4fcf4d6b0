\echo '-- analyst reads the same rows in clear.'
SELECT id, name, ssn, card FROM customers WHERE id <= 3 ORDER BY id;
\echo '-- By number, through the index:'
SELECT ssn FROM customers WHERE id = 2 \gset
SELECT id, name, card FROM customers WHERE ssn = :'ssn';
EXPLAIN (COSTS OFF) SELECT id, name, card FROM customers WHERE ssn = :'ssn';
\echo '-- All of them, two thousand rows a round trip:'
\timing on
SELECT count(DISTINCT card) AS cards, min(card), max(card) FROM customers;
\timing off
