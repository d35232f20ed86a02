{{- /* The values of the given columns, of one side. */ -}}
{{- define "same_side" -}}
SELECT g.n{{range $i, $v := .}}, {{$v}} AS v{{$i}}{{end}}
      FROM given AS g
{{- end -}}
-- For each value of $1 that its columns take, the least number of one that is equal
-- to it: of a foreign key those of the parent's side and of the child's, where they
-- are of the same types, else those of the parent's side alone.
WITH given AS MATERIALIZED (
    SELECT g.n, g.child, g.data
      FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS g (n integer, child boolean, data jsonb)
), own AS MATERIALIZED (
    {{template "same_side" .ParentValues}}
     WHERE NOT g.child
{{- if and .Child .SameTypes}}
    UNION ALL
    {{template "same_side" .ChildValues}}
     WHERE g.child
{{- end}}
), classes AS MATERIALIZED (
    SELECT o.n, pg_catalog.min(o.n) OVER (PARTITION BY {{range $i, $c := .To}}{{if $i}}, {{end}}o.v{{$i}}{{end}}) AS first{{range $i, $c := .To}}, o.v{{$i}}{{end}}
      FROM own AS o
     WHERE {{range $i, $c := .To}}{{if $i}} AND {{end}}o.v{{$i}} IS NOT NULL{{end}}
)
SELECT c.n, c.first FROM classes AS c
{{- if and .Child (not .SameTypes)}}
 UNION ALL
SELECT c.n, pg_catalog.min(p.first)
  FROM ({{template "same_side" .ChildValues}}
         WHERE g.child
        OFFSET 0) AS c
  JOIN classes AS p ON {{range $i, $c := .To}}{{if $i}} AND {{end}}p.v{{$i}} = c.v{{$i}}{{end}}
 GROUP BY c.n
{{- end}}
