-- The types that p of the twins lacks, scalar ones and arrays: what each gives back, compares and sorts as, and what is
-- refused as a value.
BEGIN;
\ir ../fixtures/twins.sql
\ir ../fixtures/twins_types.sql
SELECT plan(842);

-- every encrypted type has all that a type has
SET LOCAL search_path = pg_catalog, tap, public;
SELECT is((SELECT count(*) FROM nae.encrypted_type WHERE plain_type IS NULL), 0::bigint, 'each type is known by its plaintext type');
SELECT is((SELECT count(*) FROM nae.encrypted_type), 51::bigint, 'how many there are');
SELECT is((SELECT array_agg(e.type::text) FROM nae.encrypted_type e
           WHERE NOT EXISTS (SELECT FROM pg_cast c WHERE c.castsource = e.type AND c.casttarget = e.plain_type AND c.castcontext = 'i')
              OR NOT EXISTS (SELECT FROM pg_cast c WHERE c.castsource = e.plain_type AND c.casttarget = e.type AND c.castcontext = 'a')
              OR EXISTS (SELECT FROM unnest('{text,varchar,bpchar}'::regtype[]) s (oid) WHERE s.oid <> e.plain_type
                           AND NOT EXISTS (SELECT FROM pg_cast c WHERE c.castsource = e.type AND c.casttarget = s.oid))),
          NULL, 'each has its casts');
SELECT is((SELECT array_agg(e.type::text || ' ' || x.casttarget::regtype) FROM nae.encrypted_type e JOIN pg_cast x ON x.castsource = e.plain_type
           LEFT JOIN pg_proc p ON p.oid = x.castfunc WHERE x.casttarget <> e.plain_type AND coalesce(p.pronargs, 1) = 1 AND x.casttarget::regtype::text !~ '^reg'
             AND x.oid < 16384 AND NOT EXISTS (SELECT FROM pg_cast c WHERE c.castsource = e.type AND c.casttarget = x.casttarget)),
          NULL, 'whatever a plaintext type can be cast to, its encrypted types can');
SELECT is((SELECT array_agg(e.type::text || ' ' || x.castsource::regtype) FROM nae.encrypted_type e JOIN pg_cast x ON x.casttarget = e.plain_type AND x.castcontext IN ('i', 'a')
           LEFT JOIN pg_proc p ON p.oid = x.castfunc WHERE x.castsource <> e.plain_type AND coalesce(p.pronargs, 1) = 1 AND x.castsource::regtype::text !~ '^(reg|pg_)'
             AND x.oid < 16384 AND NOT EXISTS (SELECT FROM pg_cast c WHERE c.casttarget = e.type AND c.castsource = x.castsource)),
          NULL, 'whatever can be assigned to a plaintext type can be to its encrypted types');
SET LOCAL search_path = tap, public;

-- values
SELECT twin($$CREATE TABLE r (ts {timestamp}, tm {time}, iv {interval}, f4 {float4}, f8 {float8}, js {json}, ip {inet}, ch {bpchar}, s {int2},
  ta {text_array}, ia {int4_array}, na {numeric_array}, ba {bool_array}, xa {bytea_array}, za {timestamptz_array}, fa {float8_array}, ja {json_array}, pa {inet_array}, ca {bpchar_array})$$);
SELECT twin($$CREATE TABLE d (ts {det_timestamp}, tm {det_time}, ip {det_inet}, s {det_int2})$$);
CREATE FUNCTION tap.kept(col text, literal text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN NEXT same_after(format('INSERT INTO r (%I) VALUES (%s)', col, literal), format('SELECT %1$I, %1$I::text, %1$I::varchar, to_json(%1$I), %1$I IS NULL FROM r', col), 'randomized ' || col || ' ' || left(literal, 60));
  IF col IN ('ts', 'tm', 'ip', 's') THEN
    RETURN NEXT same_after(format('INSERT INTO d (%I) VALUES (%s)', col, literal), format('SELECT %1$I, %1$I::text, %1$I = %2$s FROM d WHERE %1$I = %2$s', col, literal), 'deterministic ' || col || ' ' || left(literal, 60));
  END IF;
END $$;
SELECT kept(c, l) FROM (VALUES ('ts', '''2000-01-01'''), ('ts', '''1999-12-31 23:59:59.999999'''), ('ts', '''infinity'''), ('ts', '''-infinity'''), ('ts', '''4713-01-01 BC'''), ('ts', '''294276-12-31 23:59:59.999999'''), ('ts', '''294277-01-01'' /* 22008 */'),
  ('ts', '''2023-02-30'' /* 22008 */'), ('ts', ''''' /* 22007 */'), ('ts', 'NULL'), ('ts', 'DATE ''2024-06-01'''), ('ts', 'TIMESTAMPTZ ''2024-06-01 12:00+00'''), ('ts', '''2024-06-01 12:00+05'''),
  ('tm', '''00:00'''), ('tm', '''24:00'''), ('tm', '''23:59:59.9999999'''), ('tm', '''24:00:00.000001'' /* 22008 */'), ('tm', '''04:05 PM'''), ('tm', ''''' /* 22007 */'), ('tm', 'INTERVAL ''25 hours''::time'), ('tm', 'NULL'),
  ('iv', '''1 day'''), ('iv', '''24 hours'''), ('iv', '''-1 year 2 mons -3 days 04:05:06.789'''), ('iv', '''P1Y2M3DT4H5M6S'''), ('iv', '''178000000 years'''), ('iv', '''200000000 years'' /* 22008 */'), ('iv', '''0'''), ('iv', ''''' /* 22007 */'), ('iv', 'TIME ''12:34'''), ('iv', 'NULL'),
  ('f4', '0.1'), ('f4', '''-0'''), ('f4', '''NaN'''), ('f4', '''-Infinity'''), ('f4', '''1e39'' /* 22003 */'), ('f4', '''1e-45'''), ('f4', '16777217'), ('f4', '0.1::float8'), ('f4', '''x'' /* 22P02 */'), ('f4', ''''' /* 22P02 */'), ('f4', 'NULL'),
  ('f8', '0.1'), ('f8', '''-0'''), ('f8', '''NaN'''), ('f8', '''Infinity'''), ('f8', '''1e309'' /* 22003 */'), ('f8', '''4.9e-324'''), ('f8', '9007199254740993'), ('f8', '0.1::float4'), ('f8', '1::int2'), ('f8', ''''' /* 22P02 */'),
  ('js', '''{ "b" :1,"b":  2 }'''), ('js', '''"s"'''), ('js', '''null'''), ('js', '''{'' /* 22P02 */'), ('js', ''''' /* 22P02 */'), ('js', '''"\u0000"'''), ('js', '''"Grüße \ud83d\ude00"'''), ('js', 'jsonb ''{"b":1,"a":2}'''), ('js', '(''['' || repeat(''1,'', 50000) || ''1]'')::json'), ('js', 'NULL'),
  ('ip', '''192.0.2.5'''), ('ip', '''192.0.2.5/24'''), ('ip', '''0.0.0.0/0'''), ('ip', '''2001:db8::1/64'''), ('ip', '''::ffff:192.0.2.5'''), ('ip', '''192.0.2.5/33'' /* 22P02 */'), ('ip', '''192.0.2'' /* 22P02 */'), ('ip', ''''' /* 22P02 */'), ('ip', 'cidr ''10.0.0.0/8'''), ('ip', 'NULL'),
  ('ch', '''a'''), ('ch', '''a  '''), ('ch', ''''''), ('ch', '''   '''), ('ch', '''ab''::char(5)'), ('ch', '''Grüße, 東京'''), ('ch', 'repeat(''x'', 8000)::bpchar'), ('ch', 'true'), ('ch', '5'), ('ch', 'NULL'),
  ('s', '0'), ('s', '-32768'), ('s', '32767'), ('s', '32768 /* 22003 */'), ('s', '70000 /* 22003 */'), ('s', '1.5'), ('s', '2.5::float8'), ('s', '''17'''), ('s', '''1.5'' /* 22P02 */'), ('s', ''''' /* 22P02 */'), ('s', 'NULL'),
  ('ta', '''{}'''), ('ta', '''{a,NULL,"",nae1:x}'''), ('ta', '''{{a,b},{c,d}}'''), ('ta', '''[-1:0]={a,b}'''), ('ta', '''{Grüße,"a b","\"","NULL"}'''), ('ta', '''{'' /* 22P02 */'), ('ta', ''''' /* 22P02 */'), ('ta', '''{{ a},{b,c}}'' /* 22P02 */'), ('ta', 'ARRAY[''a'', NULL]'), ('ta', 'array_fill(''x''::text, ARRAY[1000])'), ('ta', 'ARRAY[repeat(''y'', 100000)]'), ('ta', 'NULL'),
  ('ia', '''{1,-2147483648,NULL}'''), ('ia', '''{ 2147483648}'' /* 22003 */'), ('ia', '''[0:1][-1:0]={{1,2},{NULL,4}}'''), ('ia', 'ARRAY[1,2]'), ('ia', 'ARRAY[[1],[2]]'), ('ia', '''{}'''), ('ia', '''{{{{{{1,2}}}}}}'''), ('ia', '''{{{{{{{1,2}}}}}}}'' /* 54000 */'), ('ia', '''{ x}'' /* 22P02 */'),
  ('na', '''{1.50,NaN,Infinity,1e20}'''), ('ba', '''{t,f,NULL}'''), ('ba', '''{ maybe}'' /* 22P02 */'), ('xa', 'ARRAY[''\x00ff'', '''']::bytea[]'), ('za', '''{infinity,"2024-06-01 12:00+00"}'''), ('fa', '''{-0,NaN,0.1}'''), ('ja', 'ARRAY[''{ "a":1}'', ''null'']::json[]'),
  ('ja', '''{"{ "}'' /* 22P02 */'), ('pa', '''{10.0.0.1/8,::1}'''), ('ca', '''{"a  ",b}''')) v (c, l);
SELECT same_after(format('INSERT INTO %s (tm) VALUES (TIMESTAMP ''2024-06-01 12:34'')', t), format('SELECT tm FROM %s', t)) FROM unnest(ARRAY['r', 'd']) t;
-- what a deterministic char has of its blanks: none; equal values are found by each other
SELECT is(answer('enc', ', tap, public', true, 'SELECT dch::text || ''|'' AS v, dch = ''x '' AS same FROM q WHERE id IN (98, 99)', false, 'INSERT INTO q (id, dch) VALUES (98, ''x''), (99, ''x   '')'),
  E'{"v":"x|","same":true}\n{"v":"x|","same":true}', 'a deterministic bpchar has no blanks at its end');
SELECT same_after('INSERT INTO q (id, dch) VALUES (98, ''x''), (99, ''x   ''), (100, ''''), (101, ''  '')', 'SELECT id FROM q WHERE dch = ' || l) FROM unnest(ARRAY['''x''', '''x   ''', '''x''::char(9)', '''x''::bpchar', '''''']) l;
SELECT same_after('CREATE UNIQUE INDEX ON q (dch)', 'SELECT id FROM q', 'bpchar: unique, with values that repeat', '23505');
SELECT same_after('TRUNCATE q; CREATE UNIQUE INDEX ON q (dch); INSERT INTO q (id, dch) VALUES (98, ''x''), (99, ''x   '')', 'SELECT id FROM q', 'bpchar: unique, with values that differ by blanks', '23505');
-- no setting changes what is stored
SELECT same_after($$SET LOCAL IntervalStyle = sql_standard; SET LOCAL DateStyle = 'German'; SET LOCAL extra_float_digits = -15; SET LOCAL TimeZone = 'Asia/Kolkata'; INSERT INTO r (iv, ts, f8, tm, za)
  VALUES ('1 2:03:04', '31.01.2024 12:00', 0.1234567890123456789, '12:00', ARRAY['2024-01-31 12:00']::timestamptz[]); SET LOCAL IntervalStyle = iso_8601; SET LOCAL DateStyle = 'ISO'; SET LOCAL extra_float_digits = 3; SET LOCAL TimeZone = 'UTC'$$, 'SELECT iv, ts, f8, tm, za FROM r');

-- in expressions
SELECT same('SELECT id, ' || e || ' FROM q') FROM unnest(ARRAY['ts', 'dts', 'tm', 'dtm', 'iv', 'f4', 'f8', 'js', 'ip', 'dip', 'ch', 's', 'ds', 'ta', 'ia', 'na', 'da', 'ba', 'ua', 'za', 'la', 'ja',
  'ts + INTERVAL ''1 day''', 'ts - pts', 'ts - dts', 'ts::date', 'ts::time', 'ts::timestamptz', 'date_trunc(''month'', ts)', 'extract(hour FROM tm)', 'to_char(ts, ''YYYY-MM-DD'')', 'age(ts)', 'tm + iv', 'iv * 2', 'iv::time', 'justify_interval(iv)',
  'f4 * 2', 'f4 + f8', 'round(f8::numeric, 2)', 'f8 > 0.1', 's + 1', 's + ds', 's * 1.5', 's % 3', 's::text', '-s', 'js -> ''n''', 'js ->> ''t''', 'js::jsonb', 'json_typeof(js)', 'host(ip)', 'masklen(ip)', 'ip + 1', 'ip << ''10.0.0.0/16''', 'ip <<= inet ''10.0.1.0/24''', 'network(ip)', 'text(ip)',
  'ch || ''x''', 'upper(ch)', 'length(ch)', 'ch LIKE ''c1%''', 'ch = ''c1''', 'ch::text', 'ch::char(2)', 'ch::char', 'ch::varchar(2)', 'ch::name', 'dch::char(4)',
  'ta::text[]', '(ta::text[])[1]', 'array_length(ta::text[], 1)', 'ta::text[] @> ARRAY[''t1'']', '''t1'' = ANY(ta::text[])', 'ia::int4[] || 5', 'cardinality(ia::int4[])', 'array_to_string(na::numeric[], '','')', 'da::date[] = ARRAY[DATE ''2020-01-01'']', 'to_json(ta)', 'ta IS NULL', 'COALESCE(ia, ''{}'')']) e;
SELECT same('SELECT id FROM q WHERE ' || c) FROM unnest(ARRAY['ts = ''2020-03-01 06:59:59.5''', 'ts > ''2020-03-01''', 'ts > DATE ''2020-03-01''', 'ts BETWEEN ''2020-03-01'' AND ''2020-03-04''', 'dts = ''2020-02-28 12:00''', 'dts = TIMESTAMP ''2020-02-28 12:00''', 'dts IN (''2020-02-28'', ''2020-02-29'')', 'dts = DATE ''2020-02-29''', 'dts = pts', 'dts <> ''2020-02-28''',
  'tm < ''12:00''', 'dtm = ''12:00:01''', 'dtm = ANY (ARRAY[TIME ''12:00:00'', ''12:00:02''])', 'iv > ''1 day''', 'iv = ''24 hours''', 'f4 = ''0.1''', 'f4 = 0.1::float4', 'f4 = 0.1', 'f4 = pf', 'f8 < 0', 'f8 = 0.1', 'dip = ''192.0.2.1''', 'dip <> inet ''2001:db8::''', 'ip = ''10.0.1.1/25''', 'ip > ''10.0.2.0''',
  'ch = ''c1''', 'ch IN (''c1'', ''c2   '')', 'ch < ''c3''', 's = 5', 's > 1.5', 'ds = 1', 'ds = ''1''', 'ds = 1::int2', 'ds = 1::int8', 'ds = ps', 'ds IN (0, 1)', 's < ds', 'dts IS NOT DISTINCT FROM pts', 'js ->> ''t'' = ''x5''']) c;
SELECT same('SELECT id FROM q WHERE ' || c) FROM unnest(ARRAY['ta @> ''{t1,""}''', '''{t1,""}'' <@ ta', 'ta && ''{t1,t2}''', 'ia = ''{1,1}''', '''{1,1}'' <> ia', 'ia = ia', 'ia < ''{1,1}''', 'ia >= ''{1,0}'' AND ia < ''{2,0}''', 'da @> ''{2020-01-02,2020-01-02}''', 'na = ''{1.500,0}''', 'ua && ua', 'ba = ''{t,NULL}''', 'la <> ''{1,2}''', 'ta::text[] @> ARRAY[''t1'']', 'ARRAY[1] <@ ia::int4[]', 'ta = (SELECT ta FROM q WHERE id = 1)', 'ia = ANY (SELECT ia FROM q WHERE id < 4)']) c;
SELECT same('SELECT a.id, b.id FROM q a JOIN q b ON a.ia = b.ia WHERE a.id < 5');
-- order, groups, sets
SELECT same_order(format('SELECT id, %1$I FROM q ORDER BY %1$I %2$s, id', c, o)) FROM unnest(ARRAY['ts', 'dts', 'tm', 'dtm', 'iv', 'f4', 'f8', 'ip', 'dip', 'ch', 's', 'ds', 'ta', 'ia', 'na', 'da', 'ba', 'ua', 'za', 'la', 'ja']) c, unnest(ARRAY['', 'DESC NULLS LAST']) o;
SELECT same(format('SELECT %1$I, count(*) FROM q GROUP BY %1$I', c)) FROM unnest(ARRAY['ts', 'dts', 'tm', 'dtm', 'iv', 'f4', 'f8', 'ip', 'dip', 'ch', 's', 'ds', 'ta', 'ia', 'na', 'da', 'ba', 'ua', 'za', 'la', 'ja']) c;
SELECT same(format('SELECT DISTINCT %1$I FROM q', c)) FROM unnest(ARRAY['ts', 'dts', 'tm', 'dtm', 'f4', 'f8', 'ip', 'dip', 's', 'ds', 'ta', 'ia', 'da', 'ba', 'ua', 'za', 'la', 'ja']) c;
SELECT same(format('SELECT count(%1$I), count(DISTINCT %1$I), min(%1$I), max(%1$I) FROM q', c)) FROM unnest(ARRAY['ts', 'dts', 'tm', 'dtm', 'iv', 'f4', 'f8', 'ip', 'dip', 'ch', 's', 'ds']) c;
SELECT same(q) FROM unnest(ARRAY['SELECT sum(s), avg(s), sum(ds) FROM q', 'SELECT avg(iv), sum(iv) FROM q', 'SELECT round(sum(f8)::numeric, 4), max(f4) FROM q', 'SELECT a.id, b.id FROM q a JOIN q b ON a.dts = b.dts AND a.ds = b.ds', 'SELECT a.id, b.id FROM q a JOIN q b ON a.ts = b.dts', 'SELECT a.id, b.id FROM q a JOIN q b USING (dip) WHERE a.id < b.id',
  'SELECT dts FROM q UNION SELECT pts FROM q', 'SELECT s FROM q UNION SELECT ds FROM q', 'SELECT COALESCE(ts, dts) FROM q', 'SELECT GREATEST(s, ds) FROM q', 'SELECT array_agg(s ORDER BY id) FROM q', 'SELECT json_agg(ip ORDER BY id) FROM q', 'SELECT json_agg(ta ORDER BY id) FROM q', 'SELECT row_to_json(q) FROM q', 'SELECT q FROM q', 'SELECT unnest(ta::text[]) FROM q', 'SELECT array_agg(ia::int4[]) FROM q WHERE ia IS NOT NULL', 'SELECT array_agg(ta) FROM q /* 22004 */', 'SELECT array_agg(da) FROM q', 'SELECT ta || ''x'' FROM q /* 22P02 */', 'SELECT ta || ''x''::text FROM q', 'SELECT ARRAY[ta, ta] FROM q', 'SELECT ARRAY[[ta], [ta]] FROM q', 'SELECT (ARRAY[ia, ia])[1][1] FROM q', 'SELECT ia || ia FROM q', 'SELECT concat(ta, ia) FROM q', 'SELECT ROW(ta, ts) FROM q', 'SELECT iv + tm, ts + iv FROM q']) q;
SELECT same_after(s, 'SELECT * FROM q WHERE id < 4') FROM unnest(ARRAY['UPDATE q SET na = ARRAY[1, NULL, 3], la = ARRAY[[1],[2]]', 'UPDATE q SET ia = ARRAY[1.5, 2.5]', 'UPDATE q SET ia = ARRAY[3000000000] /* 22003 */', 'UPDATE q SET ta = ARRAY[''a'', NULL]::varchar[]', 'UPDATE q SET ta = ARRAY[true, false]', 'UPDATE q SET za = ARRAY[DATE ''2020-01-01'']', 'UPDATE q SET da = ARRAY[TIMESTAMP ''2020-01-01 12:00'']', 'UPDATE q SET na = ''[2:3]={1,2}''::int[]', 'UPDATE q SET na = ia::int4[], ta = ARRAY[ch::text, dch]', 'UPDATE q SET ja = ARRAY[json ''[1]'']', 'UPDATE q SET ia = ''{}''::text[] /* 42804 */', 'UPDATE q SET tm = INTERVAL ''25 hours'', dtm = INTERVAL ''26 hours''', 'UPDATE q SET ts = pts, f4 = pf, s = ps', 'UPDATE q SET ts = dts, s = ds, ip = dip', 'UPDATE q SET dts = ts, ds = s, dip = ip, dch = ch, dtm = tm WHERE dch IS NULL', 'UPDATE q SET ts = ts + iv, s = s + 1, f8 = f8 * 2', 'UPDATE q SET ta = ta::text[] || ''z''::text, ia = ia::int4[] || 7', 'UPDATE q SET ia = ARRAY[id, NULL], ta = ''{x,y}''', 'INSERT INTO q (id, ts, dts, f4, s, ip, ch, ta) VALUES (0, now(), current_date, 1, 2::int4, ''::1'', ''x'', ARRAY[''a''])']) s;

-- Who holds the key may write what no canonical form is: by another program, under the right header. It is refused and
-- never shown, with and without batches.
SELECT twin('CREATE TABLE f (b {bool}, i {int4}, l {int8}, n {numeric}, d {date}, z {timestamptz}, u {uuid}, j {jsonb}, ts {timestamp}, tm {time}, iv {interval}, f4 {float4}, f8 {float8}, js {json}, ip {inet}, ch {bpchar}, s {int2}, t {text}, ta {text_array}, ia {int4_array}, ba {bool_array}, ja {json_array})');
CREATE FUNCTION tap.forged(type int, canonical bytea) RETURNS text LANGUAGE sql AS $$
  SELECT 'nae1:' || translate(encode(header || nae_encrypt('col-rnd', canonical, convert_to('nae-column', 'UTF8') || header), 'base64'), E'\n', '')
  FROM (SELECT '\xe1'::bytea || set_byte('\x00', 0, type) || substr(sha256(convert_to('col-rnd', 'UTF8') || '\x00'), 1, 4) AS header) h $$;
CREATE FUNCTION tap.forgery(col text, type int, canonical bytea) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE batch bool; path text; got text;
BEGIN
  FOREACH batch IN ARRAY ARRAY[true, false] LOOP
    got := answer('enc', ', tap, public', batch, format('SELECT %I FROM f', col), true, format('INSERT INTO f (%I) VALUES (%L)', col, forged(type, canonical)));
    RETURN NEXT matches(got, '^(NE020|22P03|22P02|22008|08P01|54000|22021|NE023)$', format('%s %s, batch %s', col, left(canonical::text, 60), batch));
    RETURN NEXT unalike(coalesce(current_setting('tap.message', true), ''), '%canary%', 'and the message shows none of it');
  END LOOP;
END $$;
SELECT is(answer('enc', ', tap, public', true, format('SELECT %I FROM f', c), true, format('INSERT INTO f (%I) VALUES (%L)', c, forged(n, b))), format('{"%s":%s}', c, w), 'by another program: ' || c) FROM (VALUES
  ('i', 3, '\x00000011'::bytea, '17'), ('b', 6, '\x01', 'true'), ('tm', 12, '\x0000000000000001', '"00:00:00.000001"'), ('ip', 17, '\x0418c0000205', '"192.0.2.5/24"'), ('s', 19, '\xffff', '-1'), ('ia', 67, '\x01000000010000000100000004ffffffff', '[-1]'), ('ta', 65, '\x00', '[]')) v (c, n, b, w);
SELECT forgery(c, n, b) FROM (VALUES
  ('b', 6, '\x'::bytea), ('b', 6, '\x02'), ('b', 6, '\x0100'), ('i', 3, '\x'), ('i', 3, '\x000000'), ('i', 3, '\x0000000000'), ('l', 4, '\x00000000'), ('l', 4, '\x000000000000000000'),
  ('n', 5, '\x'), ('n', 5, '\x00'), ('n', 5, '\x7fff000000000000'), ('n', 5, '\x0001000000000000ffff'), ('n', 5, '\x000000000000000000'), ('n', 5, '\x0000000012340000'),
  ('d', 7, '\x'), ('d', 7, '\x7ffffffe'), ('d', 7, '\x80000001'), ('z', 8, '\x7ffffffffffffffe'), ('z', 8, '\x00'), ('u', 9, '\x'), ('u', 9, '\x00112233445566778899aabbccddee'), ('u', 9, '\x00112233445566778899aabbccddeeff00'),
  ('j', 10, '\x'), ('j', 10, convert_to('{"canary"', 'UTF8')), ('j', 10, '\x22ff22'), ('j', 10, '\x22610022'),
  ('ts', 11, '\x'), ('ts', 11, '\x7ffffffffffffffe'), ('ts', 11, '\x000000000000000000'), ('tm', 12, '\x'), ('tm', 12, '\xffffffffffffffff'), ('tm', 12, '\x000000141dd76001'), ('tm', 12, '\x00000000'),
  ('iv', 13, '\x'), ('iv', 13, '\x000000141dd7600000000000'), ('iv', 13, '\x000000141dd760000000000000000000ff'),
  ('f4', 14, '\x'), ('f4', 14, '\x000000'), ('f4', 14, '\x0000000000000000'), ('f8', 15, '\x00000000'), ('f8', 15, '\x'),
  ('js', 16, '\x'), ('js', 16, convert_to('{"canary"', 'UTF8')), ('js', 16, '\x22ff22'), ('js', 16, '\x22610022'),
  ('ip', 17, '\x'), ('ip', 17, '\x04'), ('ip', 17, '\x0421c0000205'), ('ip', 17, '\x0618c0000205'), ('ip', 17, '\x0418c00002'), ('ip', 17, '\x0581c0000205'), ('ip', 17, '\x068120010db8000000000000000000000001'), ('ip', 17, '\x04ffc0000205'),
  ('ch', 18, '\xff'), ('ch', 18, '\x6100'), ('t', 1, '\x6100'), ('t', 1, '\xc3'), ('s', 19, '\x'), ('s', 19, '\x00'), ('s', 19, '\x000000'),
  ('ta', 65, '\x'), ('ta', 65, '\x07'), ('ta', 65, '\x01'), ('ta', 65, '\x010000000100000001'), ('ta', 65, '\x01000000010000000100000005'), ('ta', 65, '\x017fffffff00000001'), ('ta', 65, '\x010000000000000001'), ('ta', 65, '\x01ffffffff00000001'), ('ta', 65, '\x01000000017fffffffffffffff'),
  ('ta', 65, '\x027fffffff000000017fffffff00000001'), ('ta', 65, '\x0100000001000000010000000161ff'), ('ta', 65, '\x01000000010000000100000001ff'), ('ta', 65, '\x0000'), ('ta', 65, '\xff'), ('ta', 65, '\x010000000100000001fffffffe'), ('ta', 65, '\x0100000001000000018000000061'),
  ('ia', 67, '\x0100000001000000010000000300000000'), ('ia', 67, '\x01000000010000000100000000'), ('ba', 70, '\x0100000001000000010000000102'), ('ja', 80, '\x010000000100000001000000017b')) v (c, n, b);
-- a value of one type is not taken for one of another
SELECT matches(answer('enc', ', tap, public', true, format('SELECT %I FROM f', c), true, format('INSERT INTO f (%I) VALUES (%L)', c, forged(n, b))), '^NE020$', format('type %s in %s', n, c)) FROM (VALUES
  ('i', 4, '\x0000000000000000'::bytea), ('l', 8, '\x0000000000000000'), ('ts', 8, '\x0000000000000000'), ('tm', 4, '\x0000000000000000'), ('t', 18, '\x61'), ('ch', 1, '\x61'), ('ta', 1, '\x00'), ('t', 65, '\x00'), ('ia', 68, '\x00'), ('i', 20, '\x00000000'), ('i', 83, '\x00'), ('i', 64, '\x00'), ('i', 84, '\x00'), ('i', 131, '\x00000000')) v (c, n, b);

-- what the catalogs keep of an expression compares whole values
SELECT same_after('ALTER TABLE q ADD CHECK (' || c || ')', 'SELECT id FROM q') FROM unnest(ARRAY['ia @> ''{9,0}'' OR id > 0', 'NOT ta @> ''{z,y}''','ch <> ''c9''', 'dch <> ''d9''', 'ch < ''d''', 'ts > ''2000-01-01''', 'f4 <> ''0.15''', 's < 100', 'tm < ''23:00''', 'ip <> ''10.9.9.9''', 'iv < ''1 year''', 'ta::text[] <> ''{z,y}''']) c;
SELECT same_after('ALTER TABLE q ALTER ch SET DEFAULT ''ab'', ALTER ts SET DEFAULT ''2020-01-01'', ALTER ta SET DEFAULT ''{x,NULL}'', ALTER iv SET DEFAULT ''1 day'', ALTER f4 SET DEFAULT 0.1; INSERT INTO q (id) VALUES (99)', 'SELECT ch, ts, ta, iv, f4 FROM q WHERE id = 99');

-- COPY in every format: out of the plaintext twin into the encrypted one, and what a query shows of either is alike
RESET ROLE;
GRANT pg_read_server_files, pg_write_server_files, pg_execute_server_program TO nae_all;
SELECT set_config('tap.file', current_setting('data_directory') || '/columns_more_types.copy', true) \g /dev/null
SET LOCAL ROLE nae_all;
CREATE FUNCTION tap.copied(form text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE file text := current_setting('tap.file'); same bool; digests bytea[] := '{}';
BEGIN
  EXECUTE format('COPY pln.q TO %L (FORMAT %s)', file, form);
  DELETE FROM enc.q;
  EXECUTE format('COPY enc.q FROM %L (FORMAT %s)', file, form);
  EXECUTE format('COPY (SELECT * FROM pln.q ORDER BY id) TO %L (FORMAT %s)', file, form);
  digests := digests || sha256(pg_read_binary_file(file));
  EXECUTE format('COPY (SELECT * FROM enc.q ORDER BY id) TO %L (FORMAT %s)', file, form);
  digests := digests || sha256(pg_read_binary_file(file));
  -- as a dump: ciphertexts go out and in
  EXECUTE format('COPY enc.q TO %L (FORMAT %s)', file, form);
  DELETE FROM enc.q;
  EXECUTE format('COPY enc.q FROM %L (FORMAT %s)', file, form);
  EXECUTE format('COPY (SELECT * FROM enc.q ORDER BY id) TO %L (FORMAT %s)', file, form);
  digests := digests || sha256(pg_read_binary_file(file));
  EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'rm ' || quote_literal(file));
  RETURN CASE WHEN digests[1] = digests[2] AND digests[2] = digests[3] THEN 'alike' ELSE digests::text END || ' ' || misplaced();
END $$;
RESET ROLE;
GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO nae_all;
SET LOCAL ROLE nae_all;
SELECT is(copied(form), 'alike ', 'COPY: ' || form) FROM unnest(ARRAY['text', 'csv', 'binary']) form;

-- not the type's
SELECT throws_ok(format('CREATE TABLE enc.z (a nae.enc_det_%s(''col-det''))', t), '42704', NULL, 'no deterministic ' || t) FROM unnest(ARRAY['interval', 'float4', 'float8', 'json', 'text_array', 'bool']) t;
SELECT matches(answer('enc', ', tap, public', true, q, false), '^(42|NE|0A)', 'refused: ' || q) FROM unnest(ARRAY['SELECT ta @> ARRAY[''t1''] FROM q', 'SELECT ia || 5 FROM q', 'SELECT ''t1'' = ANY(ta) FROM q']) q;

-- what has nothing to do with encrypted columns means what it did
SELECT is(answer('pln', ', tap, public', true, 'SELECT ' || e, false), w, 'a plain statement: ' || e) FROM (VALUES ('''s-'' || 5 AS v', '{"v":"s-5"}'), ('''{1,2}'' @> ARRAY[1] AS v', '{"v":true}'), ('ARRAY[1] <@ ''{1,2}'' AS v', '{"v":true}'), ('ARRAY[1] || ''{2,3}'' AS v', '{"v":[1,2,3]}'), ('''{2,3}'' || ARRAY[1] AS v', '{"v":[2,3,1]}'), ('ARRAY[1] || 2 AS v', '{"v":[1,2]}'),
  ('1 || ARRAY[2] AS v', '{"v":[1,2]}'), ('ARRAY[''a'', ''b''] = ''{a,b}'' AS v', '{"v":true}'), ('''{a,b}'' = ARRAY[''a'', ''b''] AS v', '{"v":true}'), ('5 || ''x'' AS v', '{"v":"5x"}'), ('DATE ''2020-01-02'' - ''2020-01-01'' AS v', '{"v":1}'), ('''24:00'' > TIME ''12:00'' AS v', '{"v":true}'), ('''0.1'' = 0.1::float4 AS v', '{"v":true}'), ('''1'' + 1::int2 AS v', '{"v":2}'), ('''10.0.0.1'' << inet ''10.0.0.0/8'' AS v', '{"v":true}'), ('''a'' = ''a ''::bpchar AS v', '{"v":true}'), ('''1 day'' > INTERVAL ''1 h'' AS v', '{"v":true}')) v (e, w);

SELECT * FROM finish();
ROLLBACK;
