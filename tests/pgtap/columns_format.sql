-- What stands in a column, read as docs/spec/column.md says: by a client that knows that page and may
-- decrypt. The values are those of tests/vectors/columns.txt, which another implementation made.
BEGIN;
SELECT plan(109);
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
  ('text', '''col-det'', ''context=people.ssn''', 135924430, '123-45-6789', '\x3132332d34352d36373839', '\xe10119a35197'),
  ('timestamp', '''col-det''', 1744118966, '2026-01-31 08:00:00.5', '\x0002eca93eca6120', '\xe10b51d53c1f'),
  ('timestamp', '''col-det''', 1744118966, '1999-12-31 23:59:59.999999', '\xffffffffffffffff', '\xe10b51d53c1f'),
  ('time', '''col-det''', 1744118966, '00:00:00', '\x0000000000000000', '\xe10c51d53c1f'),
  ('time', '''col-det''', 1744118966, '24:00:00', '\x000000141dd76000', '\xe10c51d53c1f'),
  ('time', '''col-det''', 1744118966, '12:34:56.789012', '\x0000000a8be62614', '\xe10c51d53c1f'),
  ('inet', '''col-det''', 1744118966, '192.0.2.5/24', '\x0418c0000205', '\xe11151d53c1f'),
  ('inet', '''col-det''', 1744118966, '192.0.2.5', '\x0420c0000205', '\xe11151d53c1f'),
  ('inet', '''col-det''', 1744118966, '2001:db8::1/64', '\x064020010db8000000000000000000000001', '\xe11151d53c1f'),
  ('bpchar', '''col-det''', 1744118966, 'Grüße  ', '\x4772c3bcc39f65', '\xe11251d53c1f'),
  ('bpchar', '''col-det''', 1744118966, '   ', '\x', '\xe11251d53c1f'),
  ('int2', '''col-det''', 1744118966, '-32768', '\x8000', '\xe11351d53c1f'),
  ('numeric', '''col-det''', 1744118966, 'Infinity', '\x00000000d0000020', '\xe10551d53c1f'),
  ('numeric', '''col-det''', 1744118966, '-Infinity', '\x00000000f0000020', '\xe10551d53c1f'),
  ('numeric', '''col-det''', 1744118966, 'NaN', '\x00000000c0000000', '\xe10551d53c1f');

-- Stores the value in a column and answers what stands there.
CREATE FUNCTION pg_temp.stored(type text, modifiers text, value text, OUT stored bytea, OUT typmod int)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TEMP TABLE column_of_one (c nae.%I(%s))', type, modifiers);
  EXECUTE format('INSERT INTO column_of_one VALUES (%L)', value);
  EXECUTE format('SELECT nae_internal.%I(c) FROM column_of_one', type || '_send') INTO stored;
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

-- What the vectors have of types without a deterministic one.
SELECT is(pg_temp.canonical(type, value), canonical, format('%s %L has the canonical form', type, value)) FROM (VALUES
  ('enc_bool', 'true', '\x01'::bytea),
  ('enc_jsonb', '{"a": "x", "b": [1, 2]}', '\x7b2261223a202278222c202262223a205b312c20325d7d'::bytea),
  ('enc_interval', '1 year 2 mons -3 days 04:05:06.789', '\x000000036c97ca88fffffffd0000000e'::bytea),
  ('enc_interval', '24 hours', '\x000000141dd760000000000000000000'::bytea),
  ('enc_interval', '1 day', '\x00000000000000000000000100000000'::bytea),
  ('enc_float4', '0.1', '\x3dcccccd'::bytea),
  ('enc_float4', '-Infinity', '\xff800000'::bytea),
  ('enc_float8', '0.1', '\x3fb999999999999a'::bytea),
  ('enc_float8', '-0', '\x8000000000000000'::bytea),
  ('enc_float8', 'NaN', '\x7ff8000000000000'::bytea),
  ('enc_json', '{ "b" :1,"b":  2 }', '\x7b20226222203a312c2262223a202032207d'::bytea),
  ('enc_text_array', '{Grüße,NULL,"",""}', '\x010000000400000001000000074772c3bcc39f65ffffffff0000000000000000'::bytea),
  ('enc_int4_array', '[0:1][-1:0]={{1,-2},{NULL,4}}', '\x02000000020000000000000002ffffffff000000040000000100000004fffffffeffffffff0000000400000004'::bytea),
  ('enc_numeric_array', '{}', '\x00'::bytea),
  ('enc_bool_array', '{t,f}', '\x01000000020000000100000001010000000100'::bytea),
  ('enc_date_array', '{1999-12-31}', '\x01000000010000000100000004ffffffff'::bytea),
  ('enc_inet_array', '{2001:db8::1/64}', '\x01000000010000000100000012064020010db8000000000000000000000001'::bytea)) v (type, value, canonical);
SELECT is(pg_temp.canonical('enc_bpchar', 'ab  '), '\x61622020', 'a randomized bpchar keeps its blanks');
SELECT is(pg_temp.canonical('enc_timestamp', 'infinity'), '\x7fffffffffffffff', 'timestamp: infinity is the greatest');

SELECT * FROM finish();
ROLLBACK;
