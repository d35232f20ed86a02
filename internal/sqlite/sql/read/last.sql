-- The newest change in the life of the key ?1 in the table ?2: one of its
-- record, or the one that gave its record another key.
SELECT {{template "change"}},
       {{template "stamp"}}
  FROM main.chrononaut_activity AS a
 WHERE a.id = (
    SELECT c.id
      FROM (SELECT * FROM (
              SELECT a.id, a.version FROM main.chrononaut_activity AS a
               WHERE a.table_name = ?2 AND a.key = ?1
{{- range .Where}}
                 AND {{.}}{{end}}
               ORDER BY a.version DESC LIMIT 1)
            UNION ALL
            SELECT * FROM (
              SELECT a.id, a.version FROM main.chrononaut_activity AS a
               WHERE a.table_name = ?2 AND a.previous_key = ?1 AND a.previous_key IS NOT NULL
{{- range .Where}}
                 AND {{.}}{{end}}
               ORDER BY a.version DESC LIMIT 1)) AS c
     ORDER BY c.version DESC, c.id DESC LIMIT 1)
