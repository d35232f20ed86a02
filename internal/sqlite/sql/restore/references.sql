-- How many rows of another table refer to the rows of the items of ?1.
SELECT k.n, count(*)
  FROM {{template "items"}} AS k
 CROSS JOIN main.{{ident .Table.Name}} AS t ON {{template "match" .}}
 CROSS JOIN main.{{ident .Other}} AS c ON {{range $i, $c := .From}}{{if $i}} AND {{end}}c.{{ident $c}} = t.{{ident (index $.To $i)}}{{end}}
 GROUP BY k.n
