-- The log, in the order of ids.
SELECT {{template "change"}}{{if .Before}},
       {{template "before"}}{{end}}
  FROM main.chrononaut_activity AS a
 WHERE true
{{- range .Where}}
   AND {{.}}{{end}}
{{- with .Column}}
   AND (EXISTS (SELECT 1 FROM json_each(a.extra_info, '$.hidden_cols_changed') AS h WHERE h.value = {{.}})
        OR coalesce(a.operation, 'update') IN ('insert', 'update', 'restore', 'baseline')
           AND (a.version > 0 OR a.operation IS NOT 'baseline')
           AND EXISTS (SELECT 1 FROM json_each(a.data) AS x WHERE x.key = {{.}})
           AND NOT EXISTS (SELECT 1 FROM json_each(a.data) AS x, json_each(coalesce({{template "before"}}, '{}')) AS y
                            WHERE x.key = {{.}} AND y.key = {{.}} AND x.type = y.type AND x.value IS y.value))
{{- end}}
 ORDER BY a.id{{if not .OldestFirst}} DESC{{end}}
{{- if .Limit}}
 LIMIT {{.Limit}}{{end}}
