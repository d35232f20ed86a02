INSERT INTO {{.Table.Qualified}} ({{range $i, $c := .Columns}}{{if $i}}, {{end}}{{ident $c.Name}}{{end}})
OVERRIDING SYSTEM VALUE
SELECT {{range $i, $c := .Columns}}{{if $i}},
       {{end}}{{if $c.Null}}NULL{{else if $c.Always}}{{$.Table.ValueIn $c.Name "k.data"}}{{else}}CASE WHEN k.set ? {{literal $c.Name}} THEN {{$.Table.ValueIn $c.Name "k.data"}}{{with $c.Default}} ELSE {{.}}{{end}} END{{end}}{{end}}
  FROM {{template "restore_states" .}}
 ORDER BY k.n
