-- How many rows there are to read.
SELECT pg_catalog.count(*) FROM {{.Source}} AS s{{range $i, $c := .Conditions}}
 {{if $i}}  AND{{else}}WHERE{{end}} s.{{ident $c}}::text = ${{$.Number $i}}::text{{end}}
