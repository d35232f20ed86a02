-- How many rows of another table refer to the rows of the items of $1.
SELECT k.n, pg_catalog.count(*)
  FROM {{template "restore_keys" .}}
  JOIN {{.Table.Qualified}} AS t ON {{template "restore_match" .}}
  JOIN {{.Other}} AS c ON {{range $i, $c := .From}}{{if $i}} AND {{end}}c.{{ident $c}} = t.{{ident (index $.To $i)}}{{end}}
 GROUP BY k.n
