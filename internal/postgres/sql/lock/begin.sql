-- A savepoint, in which no statement takes longer than the time that is left.
SAVEPOINT chrononaut_lock;
SELECT pg_catalog.set_config('chrononaut.lock_before', pg_catalog.current_setting('statement_timeout'), true);
{{- if .Milliseconds}}
SELECT pg_catalog.set_config('statement_timeout', '{{.Milliseconds}}', true)
 WHERE pg_catalog.current_setting('statement_timeout') = '0'
    OR pg_catalog.current_setting('statement_timeout')::interval > interval '{{.Milliseconds}} ms';
{{- end}}
