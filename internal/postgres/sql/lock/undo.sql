-- As if nothing had been tried. The savepoint stays, for the question who was in the
-- way: that must not wait for long itself.
ROLLBACK TO SAVEPOINT chrononaut_lock;
{{- if .Ask}}
SELECT pg_catalog.set_config('lock_timeout', '20', true);
{{- else}}
RELEASE SAVEPOINT chrononaut_lock;
{{- end}}
