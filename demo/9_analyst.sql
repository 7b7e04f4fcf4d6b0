\echo '-- And the analyst the whole:'
SELECT buyer, card FROM sales;
