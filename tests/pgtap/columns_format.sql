-- What stands in a column, read as docs/spec/column.md says: by a client that knows that page and may
-- decrypt. The values are those of tests/vectors/columns.txt, which another implementation made.
BEGIN;
SELECT plan(48);
SET LOCAL client_min_messages = warning;
SET LOCAL ROLE nae_all;

CREATE TEMP TABLE vector (id int GENERATED ALWAYS AS IDENTITY, type text, modifiers text, typmod int, value text,
                          canonical bytea, header bytea, stored bytea);
INSERT INTO vector (type, modifiers, typmod, value, canonical, header) VALUES
  ('text', '''col-det''', 1744118966, '', '\x', '\xe10151d53c1f'),
  ('text', '''col-det''', 1744118966, '123-45-6789', '\x3132332d34352d36373839', '\xe10151d53c1f'),
  ('text', '''col-det''', 1744118966, 'Grüße', '\x4772c3bcc39f65', '\xe10151d53c1f'),
  ('bytea', '''col-det''', 1744118966, '\x00ff', '\x00ff', '\xe10251d53c1f'),
  ('int4', '''col-det''', 1744118966, '-2', '\xfffffffe', '\xe10351d53c1f'),
  ('int4', '''col-det''', 1744118966, '2147483647', '\x7fffffff', '\xe10351d53c1f'),
  ('int8', '''col-det''', 1744118966, '4294967296', '\x0000000100000000', '\xe10451d53c1f'),
  ('numeric', '''col-det''', 1744118966, '0.00', '\x0000000000000000', '\xe10551d53c1f'),
  ('numeric', '''col-det''', 1744118966, '1.50', '\x000200000000000100011388', '\xe10551d53c1f'),
  ('numeric', '''col-det''', 1744118966, '-12345678.000900', '\x000300014000000404d2162e0009', '\xe10551d53c1f'),
  ('date', '''col-det''', 1744118966, '1999-12-31', '\xffffffff', '\xe10751d53c1f'),
  ('timestamptz', '''col-det''', 1744118966, '2026-01-31 08:00:00.5+00', '\x0002eca93eca6120', '\xe10851d53c1f'),
  ('uuid', '''col-det''', 1744118966, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\xa0eebc999c0b4ef8bb6d6bb9bd380a11', '\xe10951d53c1f'),
  ('text', '''col-det'', ''context=people.ssn''', 135924430, '123-45-6789', '\x3132332d34352d36373839', '\xe10119a35197');

-- Stores the value in a column and answers what stands there.
CREATE FUNCTION pg_temp.stored(type text, modifiers text, value text, OUT stored bytea, OUT typmod int)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TEMP TABLE column_of_one (c nae.%I(%s))', type, modifiers);
  EXECUTE format('INSERT INTO column_of_one VALUES (%L)', value);
  EXECUTE format('SELECT nae.%I(c) FROM column_of_one', type || '_send') INTO stored;
  SELECT a.atttypmod INTO typmod FROM pg_attribute a
    WHERE a.attrelid = 'pg_temp.column_of_one'::regclass AND a.attnum = 1;
  DROP TABLE column_of_one;
END $$;
CREATE FUNCTION pg_temp.opened(stored bytea) RETURNS bytea LANGUAGE sql AS
  $$SELECT nae_decrypt(substr(stored, 7), convert_to('nae-column', 'UTF8') || substr(stored, 1, 6))$$;
CREATE FUNCTION pg_temp.canonical(type text, value text) RETURNS bytea LANGUAGE sql AS
  $$SELECT pg_temp.opened((pg_temp.stored(type, quote_literal('col-rnd'), value)).stored)$$;

DO $$
DECLARE v vector;
BEGIN
  FOR v IN SELECT * FROM vector LOOP
    UPDATE vector SET stored = (SELECT s.stored FROM pg_temp.stored('enc_det_' || v.type, v.modifiers, v.value) s)
      WHERE id = v.id;
  END LOOP;
END $$;
SELECT is(substr(stored, 1, 6), header, format('%s %L has the header', type, value)) FROM vector ORDER BY id;
SELECT is(pg_temp.opened(stored), canonical, format('%s %L has the canonical form', type, value)) FROM vector ORDER BY id;
SELECT is((SELECT s.typmod FROM pg_temp.stored('enc_det_' || type, modifiers, value) s), typmod,
          format('%s %s has the type modifier', type, modifiers)) FROM vector ORDER BY id;

-- What is randomized only, and what ends of ranges are.
SELECT is(pg_temp.canonical('enc_bool', 'yes'), '\x01', 'bool: 01');
SELECT is(pg_temp.canonical('enc_bool', 'off'), '\x00', 'bool: 00');
SELECT is(convert_from(pg_temp.canonical('enc_jsonb', '{"b": [1,2], "a": "x"}'), 'UTF8'), '{"a": "x", "b": [1, 2]}',
          'jsonb: JSON text');
SELECT is(pg_temp.canonical('enc_date', 'infinity'), '\x7fffffff', 'date: infinity is the greatest');
SELECT is(pg_temp.canonical('enc_timestamptz', '-infinity'), '\x8000000000000000', 'timestamptz: -infinity is the least');
SELECT is(pg_temp.canonical('enc_numeric', '1.50'), numeric_send(1.50), 'a randomized numeric keeps its scale');

SELECT * FROM finish();
ROLLBACK;
