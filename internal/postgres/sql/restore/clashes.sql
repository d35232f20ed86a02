-- The rows, other than its own, that have the unique values of an item's recorded
-- state.
SELECT k.n, ({{.Table.KeyObject "t"}})::text
  FROM {{template "restore_states" .}}
  JOIN {{.Table.Qualified}} AS t ON {{range $i, $c := .From}}{{if $i}} AND {{end}}t.{{ident $c}} = {{$.Table.ValueIn $c "k.data"}}{{end}}
 WHERE NOT ({{template "restore_match" .}})
