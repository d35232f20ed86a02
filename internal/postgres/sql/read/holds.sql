SELECT {{schema}}.hold_document(h)::text
  FROM {{schema}}.chrononaut_hold AS h
{{- range $i, $w := .Where}}
 {{if $i}}  AND{{else}}WHERE{{end}} {{$w}}
{{- end}}
 ORDER BY h.id DESC
{{- if .Limit}} LIMIT {{.Limit}}{{end}}
