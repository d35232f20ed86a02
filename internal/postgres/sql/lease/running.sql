-- The leases that run.
SELECT l.id, '', {{template "lease"}}
  FROM {{schema}}.chrononaut_lease AS l
 WHERE {{schema}}.lease_runs(l.released, l.expires, l.ttl, pg_catalog.clock_timestamp())
{{- range .Where}}
   AND {{.}}
{{- end}}
 ORDER BY l.id DESC
{{- if .Limit}}
 LIMIT {{.Limit}}
{{- end}}
