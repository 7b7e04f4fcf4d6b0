\echo '-- importer loads the CSV. One nae_encrypt of an array is one round trip for all rows.'
CREATE TEMP TABLE csv (id int, name text, city text, ssn text, card text);
\copy csv FROM pstdin CSV HEADER
\timing on
INSERT INTO customers
SELECT row.id, row.name, row.city, row.ssn, row.card
FROM (SELECT array_agg(id ORDER BY id) ids, array_agg(name ORDER BY id) names, array_agg(city ORDER BY id) cities,
             nae_encrypt('customer-pii', array_agg(ssn ORDER BY id)) ssns,
             nae_encrypt('customer-pii', array_agg(card ORDER BY id)) cards FROM csv) batch,
     unnest(ids, names, cities, ssns, cards) AS row(id, name, city, ssn, card);
\timing off
\echo '-- What it wrote it cannot read:'
SELECT nae_decrypt_text(ssn) FROM customers WHERE id = 1;
