-- The newest change in the life of the key $1, up to a time: one of its record,
-- or the one that gave its record another key. See last_change in the migrations.
SELECT {{template "change" .}},
       {{template "record" .}}
  FROM {{schema}}.chrononaut_activity AS a
{{- template "values" .}}
 WHERE a.id = (
    SELECT CASE WHEN parted.id IS NULL OR latest.version >= parted.version OR latest.id > parted.id THEN latest.id ELSE parted.id END
      FROM (VALUES (1)) AS one (x)
      LEFT JOIN LATERAL
           (SELECT a.id, a.version
              FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "is" (.Is "key" "$1::jsonb")}}
{{- range .Where}}
               AND {{.}}{{end}}
             ORDER BY a.version DESC, a.id DESC LIMIT 1) AS latest ON true
      LEFT JOIN LATERAL
           (SELECT a.id, a.version
              FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "is" (.Is "previous_key" "$1::jsonb")}}
               AND a.previous_key IS NOT NULL
{{- range .Where}}
               AND {{.}}{{end}}
             ORDER BY a.version DESC, a.id DESC LIMIT 1) AS parted ON true)
