-- The rows of the items of $1 as they are now{{if .Lock}}, locked{{end}}.
SELECT k.n, t.{{ident .Table.VersionColumn}}{{if not .Lock}}, ({{.Table.PresentImage "t"}})::text{{end}}
  FROM {{template "restore_keys" .}}
  JOIN {{.Table.Qualified}} AS t ON {{template "restore_match" .}}
 ORDER BY k.n
{{- if .Lock}}
   FOR UPDATE OF t{{end}}
