-- The first change after an id that took the key $1 from its record.
SELECT {{template "change" .}},
       {{template "record" .}}
  FROM {{schema}}.chrononaut_activity AS a
{{- template "values" .}}
 WHERE {{template "is" (.Is "previous_key" "$1::jsonb")}}
   AND a.previous_key IS NOT NULL
{{- range .Where}}
   AND {{.}}{{end}}
 ORDER BY a.id
 LIMIT 1
