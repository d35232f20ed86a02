-- The rows, other than its own, that have the unique values of an item's recorded
-- state.
SELECT k.n, {{.Table.KeyObject "t"}}
  FROM {{template "states" .}} AS k
 CROSS JOIN main.{{ident .Table.Name}} AS t ON {{range $i, $c := .From}}{{if $i}} AND {{end}}t.{{ident $c}} = {{value "k.data" $c}}{{end}}
 WHERE NOT ({{template "match" .}})
