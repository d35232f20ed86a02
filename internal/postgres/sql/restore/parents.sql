-- The items of $1 whose recorded state refers to a row that is not there.
SELECT k.n
  FROM {{template "restore_states" .}}
 WHERE {{range $i, $c := .From}}k.data ->> {{literal $c}} IS NOT NULL AND {{end}}NOT EXISTS (
       SELECT FROM {{.Other}} AS p
        WHERE {{range $i, $c := .From}}{{if $i}} AND {{end}}p.{{ident (index $.To $i)}} = {{$.Table.ValueIn $c "k.data"}}{{end}})
