-- The rows of the items of ?1 as they are now.
SELECT k.n, CAST(t.{{ident .Table.VersionColumn}} AS INTEGER){{if not .Lock}}, {{.Table.PresentImage "t"}}{{end}}
  FROM {{template "items"}} AS k
 CROSS JOIN main.{{ident .Table.Name}} AS t ON {{template "match" .}}
