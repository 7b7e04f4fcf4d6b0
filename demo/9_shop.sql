\echo '-- A web shop of its own. Its role stores ciphertexts, and has no right to any key.'
SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS sales (
  id    int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  buyer text,
  card  nae.enc_text('customer-pii'));
GRANT SELECT, INSERT ON sales TO shop_web;
GRANT SELECT ON sales TO desk, analyst;
ALTER ROLE shop_web SET nae.accept_ciphertext = on;
ALTER ROLE shop_web SET nae.transparent = off;
