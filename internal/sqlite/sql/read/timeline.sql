-- The changes of the record that has the key ?1 in the table ?2, back across
-- changes of its primary key: each part of its life is a key and a range of
-- versions, from the change that gave the record this key (arrival) up to the
-- one that took it away.
WITH RECURSIVE life (key, upper, arrival) AS (
    SELECT ?1, NULL,
           (SELECT a.id FROM main.chrononaut_activity AS a
             WHERE a.table_name = ?2 AND a.key = ?1 AND a.previous_key IS NOT NULL{{with .Upper}} AND a.version <= {{.}}{{end}}
             ORDER BY a.version DESC LIMIT 1)
    UNION ALL
    SELECT b.previous_key, b.version,
           (SELECT a.id FROM main.chrononaut_activity AS a
             WHERE a.table_name = ?2 AND a.key = b.previous_key AND a.previous_key IS NOT NULL AND a.version < b.version
             ORDER BY a.version DESC LIMIT 1)
      FROM life AS l
      JOIN main.chrononaut_activity AS b ON b.id = l.arrival
)
-- CROSS JOIN keeps the order of the tables: a look-up for each part of the life.
SELECT {{template "change"}},
       {{template "stamp"}}
  FROM life AS l
 CROSS JOIN main.chrononaut_activity AS a
 WHERE a.table_name = ?2 AND a.key = l.key
   AND (l.upper IS NULL OR a.version < l.upper)
   AND a.version >= coalesce((SELECT b.version FROM main.chrononaut_activity AS b WHERE b.id = l.arrival), a.version)
{{- range .Where}}
   AND {{.}}{{end}}
 ORDER BY a.version{{if .NewestFirst}} DESC{{end}}, a.id{{if .NewestFirst}} DESC{{end}}
{{- if .Limit}}
 LIMIT {{.Limit}}{{end}}
