-- The first change after an id that took the key ?1 from its record.
SELECT {{template "change"}},
       {{template "stamp"}}
  FROM main.chrononaut_activity AS a
 WHERE a.table_name = ?2 AND a.previous_key = ?1 AND a.previous_key IS NOT NULL
{{- range .Where}}
   AND {{.}}{{end}}
 ORDER BY a.id
 LIMIT 1
