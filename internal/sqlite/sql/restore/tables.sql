-- The tracked tables that have changes of a transaction, or of an actor in a time.
SELECT DISTINCT 'main', r.table_name
  FROM main.chrononaut_activity AS a
  JOIN main.chrononaut_table AS r ON r.table_name = a.table_name
 WHERE true
{{- range .Where}}
   AND {{.}}{{end}}
 ORDER BY r.table_name
