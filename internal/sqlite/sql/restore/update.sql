UPDATE main.{{ident .Table.Name}} AS t
   SET {{range $i, $c := .Columns}}{{if $i}},
       {{end}}{{ident $c.Name}} = {{if $c.Always}}{{value "k.data" $c.Name}}{{else}}CASE WHEN {{template "chosen" $c}} THEN {{value "k.data" $c.Name}} ELSE t.{{ident $c.Name}} END{{end}}{{end}}
  FROM {{template "states" .}} AS k
 WHERE {{template "match" .}}
