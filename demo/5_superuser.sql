\echo '-- The superuser sees the table, and ciphertext:'
SELECT id, name, left(ssn::text, 60) || '...' AS ssn FROM customers WHERE id <= 2 ORDER BY id;
\echo '-- Being superuser is no right to a key:'
SELECT nae_decrypt_text(ssn) FROM customers WHERE id = 1;
