{{- /* Which rows of a part of the record's life are asked for. */ -}}
{{- define "in_part"}}          AND (l.upper IS NULL OR a.version < l.upper)
          AND (l.lower IS NULL OR a.version >= l.lower)
{{- range .Where}}
          AND {{.}}{{end}}
        ORDER BY a.version{{if .NewestFirst}} DESC{{end}}, a.id{{if .NewestFirst}} DESC{{end}}
       {{if .Limit}}LIMIT {{.Limit}}{{else}}OFFSET 0{{end}}{{end -}}
{{- define "part" -}}
SELECT a.*
         FROM {{schema}}.chrononaut_activity AS a
        WHERE {{template "is" (.Is "key" "l.key")}}
{{template "in_part" .}}
{{- end}}
{{- define "arrival" -}}
{{if .Renamed}}SELECT a.version, a.previous_key FROM (({{end}}SELECT a.version, a.previous_key
              FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "is" .}}
               AND a.previous_key IS NOT NULL
               {{- if ne .Key "$1::jsonb"}} AND a.version < l.lower{{else if .Upper}} AND a.version <= {{.Upper}}{{end}}
             ORDER BY a.version DESC LIMIT 1
{{- range .Renamed}})
            UNION ALL
            (SELECT a.version, {{schema}}.renamed_data(a.previous_key, {{literal .Now}}::jsonb)
              FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "renamed_is" ($.Of .)}}
               AND a.previous_key IS NOT NULL
               {{- if ne $.Key "$1::jsonb"}} AND a.version < l.lower{{else if $.Upper}} AND a.version <= {{$.Upper}}{{end}}
             ORDER BY a.version DESC LIMIT 1
{{- end}}
{{- if .Renamed}})) AS a ORDER BY a.version DESC LIMIT 1{{end}}
{{- end -}}
-- The changes of the record that has the key $1, back across changes of its
-- primary key: each part of its life is a key and a range of versions, from
-- the change that gave the record this key up to the one that took it away.
WITH RECURSIVE life (key, upper, lower, previous_key) AS (
    SELECT $1::jsonb, NULL::integer, arrival.version, arrival.previous_key
      FROM (VALUES (1)) AS one (x)
      LEFT JOIN LATERAL ({{template "arrival" (.Is "key" "$1::jsonb")}}) AS arrival ON true
    UNION ALL
    SELECT l.previous_key, l.lower, arrival.version, arrival.previous_key
      FROM life AS l
      LEFT JOIN LATERAL ({{template "arrival" (.Is "key" "l.previous_key")}}) AS arrival ON true
     WHERE l.previous_key IS NOT NULL
)
SELECT {{template "change" .}},
       {{template "record" .}}
  FROM life AS l
 -- OFFSET 0 and LIMIT keep this a look-up in the index for each part of the
 -- life, whatever the planner knows of the table.
 CROSS JOIN LATERAL (
       {{if not .Mapped}}{{template "part" .}}{{else}}SELECT a.*, {{schema}}.python_readable(a.data) AS readable
         FROM (SELECT {{template "python_columns" .}}
                 FROM (({{template "part" .}})
{{- range .Python}}
                       UNION ALL
                       (SELECT a.*
                          FROM {{schema}}.chrononaut_activity AS a
                         WHERE {{template "python_is" ($.PythonIs . "l.key")}}
{{template "in_part" $}})
{{- end}}
{{- range .Renamed}}
                       UNION ALL
                       (SELECT a.*
                          FROM {{schema}}.chrononaut_activity AS a
                         WHERE {{template "renamed_is" (($.Is "key" "l.key").Of .)}}
{{template "in_part" $}})
{{- end}}) AS a
                ORDER BY a.version{{if .NewestFirst}} DESC{{end}}, a.id{{if .NewestFirst}} DESC{{end}}
               {{if .Limit}}LIMIT {{.Limit}}{{else}}OFFSET 0{{end}}) AS a
       OFFSET 0{{end}}) AS a
{{- template "values" .}}
 ORDER BY a.version{{if .NewestFirst}} DESC{{end}}, a.id{{if .NewestFirst}} DESC{{end}}
{{- if .Limit}}
 LIMIT {{.Limit}}{{end}}
