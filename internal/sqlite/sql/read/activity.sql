-- The log, in the order of ids. That is the order of time, but for where the clock
-- was set back: a time gives bounds for ids, so that nothing has to be sorted.
SELECT {{template "change"}}{{if .Before}},
       {{template "before"}}{{end}}
  FROM main.chrononaut_activity AS a
 WHERE true
{{- range .Where}}
   AND {{.}}{{end}}
{{- with .From}}
   AND +a.changed >= {{.}}
   -- Its first entry, or the beginning of the first part of the log that was later
   -- before the clock was set back.
   AND a.id >= min(coalesce((SELECT f.id FROM main.chrononaut_activity AS f WHERE f.changed >= {{.}} ORDER BY f.changed, f.id LIMIT 1), 9223372036854775807),
                   coalesce((SELECT 1 + coalesce((SELECT max(d.id) FROM main.chrononaut_clock AS d WHERE d.id < c.id), 0)
                               FROM main.chrononaut_clock AS c WHERE c.changed >= {{.}} ORDER BY c.id LIMIT 1), 9223372036854775807))
{{- end}}
{{- with .To}}
   AND +a.changed <= {{.}}
   -- Its last entry, unless the clock was set back behind that.
   AND a.id <= (SELECT iif(EXISTS (SELECT 1 FROM main.chrononaut_clock AS c WHERE c.id >= u.id), 9223372036854775807, u.id)
                  FROM (SELECT coalesce((SELECT f.id FROM main.chrononaut_activity AS f WHERE f.changed <= {{.}} ORDER BY f.changed DESC, f.id DESC LIMIT 1), 0) AS id) AS u)
{{- end}}
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
