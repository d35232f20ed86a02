-- The rows of an event table of pghistory, with their context.
SELECT e.pgh_created_at, pg_catalog.to_json(e)::text, {{if .Context}}pg_catalog.to_json(c.metadata)::text{{else}}NULL::text{{end}}
  FROM {{.Source}} AS e
{{- if .Context}}
  LEFT JOIN {{.Context}} AS c ON c.id = e.pgh_context_id
{{- end}}
 ORDER BY {{range $k := .Key}}e.{{ident $k}}, {{end}}e.pgh_created_at, e.pgh_id
