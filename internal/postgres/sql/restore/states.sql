-- What the keys of $1 were at a point: the change that made the state of the record
-- that had the key then. There is no row for a key that had no record.
SELECT l.n, {{template "change" .}}
  FROM (SELECT i.n, i.key, NULL::integer AS upper, NULL::integer AS lower, NULL::bigint AS before
          FROM {{template "restore_items" .}}
        OFFSET 0) AS l
 CROSS JOIN LATERAL (
       {{if .Mapped}}SELECT {{template "python_columns" .}} FROM ({{template "life_rows" .}}) AS a{{else}}SELECT a.* FROM (SELECT a.* FROM ({{template "life_rows" .}}) AS a OFFSET 0) AS a{{end}}
        WHERE {{.Until}}
        ORDER BY a.version DESC, a.id DESC LIMIT 1) AS a
  LEFT JOIN LATERAL (
       SELECT a.id, a.version FROM (
           SELECT a.* FROM {{schema}}.chrononaut_activity AS a
            WHERE {{template "is" (.Is "previous_key" "l.key")}} AND a.previous_key IS NOT NULL
{{- range .Renamed}}
            UNION ALL
           SELECT a.* FROM {{schema}}.chrononaut_activity AS a
            WHERE {{template "renamed_is" (($.Is "previous_key" "l.key").Of .)}} AND a.previous_key IS NOT NULL
{{- end}}
           OFFSET 0) AS a
        WHERE {{.Until}}
        ORDER BY a.version DESC, a.id DESC LIMIT 1) AS parted ON true
 WHERE coalesce(a.operation, 'update') NOT IN ('delete', 'truncate')
   AND (parted.id IS NULL OR a.version >= parted.version OR a.id > parted.id)
