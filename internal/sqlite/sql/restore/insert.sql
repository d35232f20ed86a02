INSERT INTO main.{{ident .Table.Name}} ({{range $i, $c := .Columns}}{{if $i}}, {{end}}{{ident $c.Name}}{{end}})
SELECT {{range $i, $c := .Columns}}{{if $i}},
       {{end}}{{if $c.Always}}{{value "k.data" $c.Name}}{{else}}CASE WHEN {{template "chosen" $c}} THEN {{value "k.data" $c.Name}}{{with $c.Default}} ELSE ({{.}}){{end}} END{{end}}{{end}}
  FROM {{template "states" .}} AS k
 ORDER BY k.n
