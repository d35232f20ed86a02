-- The items of ?1 whose recorded state refers to a row that is not there.
SELECT k.n
  FROM {{template "states" .}} AS k
 WHERE {{range $i, $c := .From}}{{value "k.data" $c}} IS NOT NULL AND {{end}}NOT EXISTS (
       SELECT 1 FROM main.{{ident .Other}} AS p
        WHERE {{range $i, $c := .From}}{{if $i}} AND {{end}}p.{{ident (index $.To $i)}} = {{value "k.data" $c}}{{end}})
