-- What has happened to the record ?1 since the version ?2, and which of the columns, by
-- their places, had the values at the version, and are what they were.
SELECT f.report,
       json_array({{range $i, $c := .Columns}}{{if $i}}, {{end}}iif({{template "has" $c.Name}} AND {{value "f.base" $c.Name}} IS {{stored $i $c.Name $.Table}}, {{$i}}, NULL){{end}}),
       json_array({{range $i, $c := .Columns}}{{if $i}}, {{end}}iif({{template "has" $c.Name}} AND {{value "f.base" $c.Name}} IS r.{{ident $c.Name}} COLLATE BINARY, {{$i}}, NULL){{end}})
  FROM (SELECT g.report, json_extract(g.report, '$.base') AS base FROM (SELECT ({{template "changes" since .Table "?1" "?2"}}) AS report LIMIT -1) AS g LIMIT -1) AS f
 CROSS JOIN main.{{ident .Table.Name}} AS r
 WHERE {{.Table.KeyColumns}} IN (SELECT {{.Table.ReadKey "?1"}}) AND {{.Table.KeyObject "r"}} = ?1
{{- define "has"}}EXISTS (SELECT 1 FROM json_each(f.base) AS j WHERE j.key = {{literal .}}){{end}}
