\set ECHO none
\echo '-- importer signs a contract; the private key never leaves the HSM.'
\connect - importer
\echo 'SELECT nae_sign(''contracts'', ''Delivery of 5000 widgets on 2026-12-01.'') AS signature;'
SELECT nae_sign('contracts', 'Delivery of 5000 widgets on 2026-12-01.') AS signature \gset
SELECT algorithm, key_version, length(payload) AS signature_bytes FROM nae_envelope(:'signature');
\echo '-- support verifies it, and a forgery:'
\connect - support
\echo 'SELECT nae_verify(''contracts'', ''Delivery of 5000 widgets on 2026-12-01.'', signature) AS genuine,'
\echo '       nae_verify(''contracts'', ''Delivery of 9000 widgets on 2026-12-01.'', signature) AS forged;'
SELECT nae_verify('contracts', 'Delivery of 5000 widgets on 2026-12-01.', :'signature'::bytea) AS genuine,
       nae_verify('contracts', 'Delivery of 9000 widgets on 2026-12-01.', :'signature'::bytea) AS forged;
