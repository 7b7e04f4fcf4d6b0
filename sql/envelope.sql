-- Reading values without the key server. Malformed ones first.
SELECT nae_envelope('');
SELECT nae_envelope('\xa1');
SELECT nae_envelope('\xff01020304050600010011');
SELECT nae_envelope(decode('a1010203040506' || '0001' || repeat('00', 12) || '00000001' || repeat('ee', 15), 'hex'));
SELECT nae_envelope(decode('a2010203040506' || '0001' || repeat('ee', 15), 'hex'));
SELECT nae_envelope(decode('c0010203040506' || '0001' || repeat('ee', 64), 'hex'));
\x on
SELECT * FROM nae_envelope(decode('a1010203040506' || '0001' || repeat('00', 12) || '00000001' || repeat('ee', 16), 'hex'));
SELECT * FROM nae_envelope(decode('a2010203040506' || 'ffff' || repeat('ee', 17), 'hex'));
SELECT * FROM nae_envelope(decode('b1010203040506' || '0002' || repeat('ee', 32), 'hex'));
SELECT * FROM nae_envelope(decode('d3010203040506' || '0003' || repeat('ee', 64), 'hex'));
\x off
SELECT nae_envelope(NULL) IS NULL AS null_in_null_out;
