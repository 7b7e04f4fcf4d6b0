\echo '-- The desk''s rule shows it the end of a card, whoever wrote it:'
SELECT buyer, card FROM sales;
