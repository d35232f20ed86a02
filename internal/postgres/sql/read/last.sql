{{- define "newest" -}}
SELECT a.id, a.version
              FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "is" (.Is "key" "$1::jsonb")}}
{{- range .Where}}
               AND {{.}}{{end}}
             ORDER BY a.version DESC, a.id DESC LIMIT 1
{{- end}}
{{- define "last_id" -}}
(
    SELECT CASE WHEN parted.id IS NULL OR latest.version >= parted.version OR latest.id > parted.id THEN latest.id ELSE parted.id END
      FROM (VALUES (1)) AS one (x)
      LEFT JOIN LATERAL
           ({{if not .Mapped}}{{template "newest" .}}{{else}}SELECT a.id, a.version FROM (
            ({{template "newest" .}})
{{- range .Python}}
            UNION ALL
            (SELECT a.id, a.version
               FROM {{schema}}.chrononaut_activity AS a
              WHERE {{template "python_is" ($.PythonIs . "$1::jsonb")}}
{{- range $.Where}}
                AND {{.}}{{end}}
              ORDER BY a.version DESC, a.id DESC LIMIT 1)
{{- end}}
{{- range .Renamed}}
            UNION ALL
            (SELECT a.id, a.version
               FROM {{schema}}.chrononaut_activity AS a
              WHERE {{template "renamed_is" (($.Is "key" "$1::jsonb").Of .)}}
{{- range $.Where}}
                AND {{.}}{{end}}
              ORDER BY a.version DESC, a.id DESC LIMIT 1)
{{- end}}) AS a ORDER BY a.version DESC, a.id DESC LIMIT 1{{end}}) AS latest ON true
      LEFT JOIN LATERAL
           ({{if .Renamed}}SELECT a.id, a.version FROM (({{end}}SELECT a.id, a.version
              FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "is" (.Is "previous_key" "$1::jsonb")}}
               AND a.previous_key IS NOT NULL
{{- range .Where}}
               AND {{.}}{{end}}
             ORDER BY a.version DESC, a.id DESC LIMIT 1
{{- range .Renamed}})
            UNION ALL
            (SELECT a.id, a.version
               FROM {{schema}}.chrononaut_activity AS a
              WHERE {{template "renamed_is" (($.Is "previous_key" "$1::jsonb").Of .)}}
                AND a.previous_key IS NOT NULL
{{- range $.Where}}
                AND {{.}}{{end}}
              ORDER BY a.version DESC, a.id DESC LIMIT 1
{{- end}}
{{- if .Renamed}})) AS a ORDER BY a.version DESC, a.id DESC LIMIT 1{{end}}) AS parted ON true)
{{- end -}}
-- The newest change in the life of the key $1, up to a time: one of its record,
-- or the one that gave its record another key. See last_change in the migrations.
SELECT {{template "change" .}},
       {{template "record" .}}
{{- if .Mapped}}
  FROM (SELECT a.*, {{schema}}.python_readable(a.data) AS readable
          FROM (SELECT {{template "python_columns" .}}
                  FROM {{schema}}.chrononaut_activity AS a
                 WHERE a.id = {{template "last_id" .}}
                OFFSET 0) AS a
        OFFSET 0) AS a
{{- template "values" .}}
{{- else}}
  FROM {{schema}}.chrononaut_activity AS a
{{- template "values" .}}
 WHERE a.id = {{template "last_id" .}}
{{- end}}
