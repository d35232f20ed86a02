{{- /* What the statements of plans have in common. Items are objects with the
members n, key (as text), id, before, after and set, in the array $1. */ -}}
{{- define "restore_items" -}}
(SELECT e.item, (e.item ->> 'n')::bigint AS n, (e.item ->> 'key')::jsonb AS key, (e.item ->> 'id')::bigint AS id
          FROM pg_catalog.jsonb_array_elements($1::jsonb) AS e (item)
        OFFSET 0) AS i
{{- end}}
{{- /* The same with the values of the key. */ -}}
{{- define "restore_keys" -}}
(SELECT i.n, i.id{{range $i, $c := .Table.KeyColumns}}, {{$.Table.ValueIn $c "i.key"}} AS k{{$i}}{{end}}
          FROM {{template "restore_items" .}}
        OFFSET 0) AS k
{{- end}}
{{- define "restore_match" -}}
{{range $i, $c := .Table.KeyColumns}}{{if $i}} AND {{end}}t.{{ident $c}} = k.k{{$i}}{{end}}
{{- end}}
{{- /* The recorded states of the items: data is what values are read from. */ -}}
{{- define "restore_states" -}}
(SELECT i.n, i.key, i.item -> 'set' AS set{{range $i, $c := .Table.KeyColumns}}, {{$.Table.ValueIn $c "i.key"}} AS k{{$i}}{{end}}, a.data
          FROM {{template "restore_items" .}}
          {{if .Mapped}}CROSS JOIN LATERAL (
               SELECT {{schema}}.python_readable(a.data) AS data
                 FROM (SELECT {{template "python_columns" .}}
                         FROM {{schema}}.chrononaut_activity AS a
                        WHERE a.id = i.id
                       OFFSET 0) AS a) AS a
          {{- else}}JOIN {{schema}}.chrononaut_activity AS a ON a.id = i.id{{end}}
        OFFSET 0) AS k
{{- end}}
{{- define "life_bounds" -}}
               AND (l.upper IS NULL OR a.version < l.upper) AND (l.lower IS NULL OR a.version >= l.lower)
{{- end}}
{{- /* The rows of one part of a life, l. */ -}}
{{- define "life_rows" -}}
SELECT a.* FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "is" (.Is "key" "l.key")}}
{{template "life_bounds" .}}
{{- range .Python}}
            UNION ALL
            SELECT a.* FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "python_is" ($.PythonIs . "l.key")}}
{{template "life_bounds" $}}
{{- end}}
{{- range .Renamed}}
            UNION ALL
            SELECT a.* FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "renamed_is" (($.Is "key" "l.key").Of .)}}
{{template "life_bounds" $}}
{{- end}}
{{- end}}
