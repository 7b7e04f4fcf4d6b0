-- Settings: ranges, contexts, the reserved prefix.
SELECT name, unit, context, vartype, min_val, max_val, enumvals
FROM pg_settings WHERE name LIKE 'nae.%' ORDER BY name COLLATE "C";
SHOW nae.request_timeout;
SHOW nae.connect_timeout;
SHOW nae.max_value_size;
SET nae.request_timeout = -1;
SET nae.request_timeout = '5s';
SHOW nae.request_timeout;
RESET nae.request_timeout;
SET nae.max_value_size = '1GB';
SET nae.agent_socket = '/tmp/elsewhere';
SET nae.agent = 'external';
SET nae.requets_timeout = 1;
ALTER SYSTEM SET nae.agent_socket = 'relative/path';
SELECT format('ALTER SYSTEM SET nae.agent_socket = %L', '/' || repeat('x', 107)) \gexec
SET ROLE nae_auditor;
SHOW nae.agent_socket;
RESET ROLE;
