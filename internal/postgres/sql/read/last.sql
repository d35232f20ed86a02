-- The newest change in the life of the key $1, up to a time: one of its record,
-- or the one that gave its record another key. Where records exchanged keys both
-- have one version, and the key was taken away before it was given.
SELECT {{template "change" .}},
       {{template "record" .}}
  FROM {{schema}}.chrononaut_activity AS a
{{- template "values" .}}
 WHERE a.id = (
    SELECT c.id
      FROM ((SELECT a.id, a.version, true AS arrives
              FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "is" (.Is "key" "$1::jsonb")}}
{{- range .Where}}
               AND {{.}}{{end}}
             ORDER BY a.version DESC, a.id DESC LIMIT 1)
            UNION ALL
            (SELECT a.id, a.version, false
              FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "is" (.Is "previous_key" "$1::jsonb")}}
               AND a.previous_key IS NOT NULL
{{- range .Where}}
               AND {{.}}{{end}}
             ORDER BY a.version DESC, a.id DESC LIMIT 1)) AS c
     ORDER BY c.version DESC, c.arrives DESC, c.id DESC LIMIT 1)
