UPDATE {{.Table.Qualified}} AS t
   SET {{range $i, $c := .Columns}}{{if $i}},
       {{end}}{{ident $c.Name}} = {{if $c.Always}}k.v{{$i}}{{else}}CASE WHEN k.set ? {{literal $c.Name}} THEN k.v{{$i}} ELSE t.{{ident $c.Name}} END{{end}}{{end}}
  FROM (SELECT k.*{{range $i, $c := .Columns}},
               {{if not $c.Always}}CASE WHEN k.set ? {{literal $c.Name}} THEN {{end}}{{$.Table.ValueIn $c.Name "k.data"}}{{if not $c.Always}} END{{end}} AS v{{$i}}{{end}}
          FROM {{template "restore_states" .}}
        OFFSET 0) AS k
 WHERE {{template "restore_match" .}}
