{{- /*
The query of a view of chrononaut_past: the rows that a table had at the point
that travel() has set.
*/ -}}
{{- /* Whether the point sees a row of history. */ -}}
{{- define "visible" -}}
{{if .Point}}a.changed <= {{literal .Point.At}}::timestamptz
               AND (a.id < {{.Point.From}}
                    OR {{with .Point.To}}a.id < {{.}} AND {{end}}{{if .Point.Snapshot -}}
                       pg_catalog.pg_visible_in_snapshot(a.transaction_id, {{literal .Point.Snapshot}}::pg_snapshot) IS NOT FALSE
                       {{- else}}(a.transaction_id <> ALL ({{literal (or .Point.Except "{}")}}::xid8[])) IS NOT FALSE{{end}})
{{- else -}}
(a.changed <= (SELECT {{schema}}.as_of_whole())
                    OR a.changed <= (SELECT {{schema}}.as_of()) AND {{schema}}.as_of_sees(a.id, a.transaction_id))
{{- end}}
{{- end -}}
{{- /* The same for rows of keys that have departed, which are few: to set the
parts of a query up for them would cost every query more. */ -}}
{{- define "visible_departed" -}}
{{if .Point}}{{template "visible" .}}{{else -}}
(a.changed <= {{schema}}.as_of_whole()
                        OR a.changed <= pg_catalog.current_setting('chrononaut.as_of')::timestamptz AND {{schema}}.as_of_sees(a.id, a.transaction_id))
{{- end}}
{{- end -}}
{{- /* The table's own rows about the key of the alias k: a condition of the index,
and one that tells them from others with the same hash. That one is put into a
CASE together with all else, because the planner takes the first row of the index
for a likely one then, and does not sort all versions of the record. */ -}}
{{- define "own" -}}
pg_catalog.jsonb_hash_extended(a.{{.Column}}, pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0)) = k.record
{{- end -}}
{{- define "own_row" -}}
a.table_name = {{literal .Name}} AND a.table_schema = {{literal .Schema}} AND a.{{.Column}} = k.key
                        {{- with .Bounds}} AND ({{.}}){{end}}
{{- end -}}
{{- /* Whether history knows the table at the point: asked once in a transaction. */ -}}
{{- define "recorded" -}}
(pg_catalog.strpos(pg_catalog.current_setting('chrononaut.as_of_recorded', true), {{literal (printf ";%s;" .Qualified)}}) > 0
        OR {{schema}}.past_recorded({{literal .Schema}}, {{literal .Name}}))
{{- end -}}
{{- /* All rows about it, in the order given by the caller: of any name, and Python's. */ -}}
{{- define "any" -}}
SELECT a.*, {{schema}}.python_readable(a.data) AS readable
              FROM (SELECT {{template "python_columns" .Past.ReadArgs}}
                      FROM ((SELECT a.* FROM {{schema}}.chrononaut_activity AS a
                              WHERE {{if not .Visible}}l.id IS NULL AND {{end}}{{template "own" (.Past.Is "key" "k.key")}}
                                AND CASE WHEN {{if .Visible}}{{template "visible" .Past}}
                                          AND {{end}}{{template "own_row" (.Past.Is "key" "k.key")}} THEN true END
                              ORDER BY a.version{{.Direction}}, a.id{{.Direction}} LIMIT 1)
{{- range .Past.ReadArgs.Python}}
                            UNION ALL
                            (SELECT a.* FROM {{schema}}.chrononaut_activity AS a
                              WHERE {{if not $.Visible}}l.id IS NULL AND {{end}}{{template "python_is" ($.Past.PythonIs . "k.key")}}{{if $.Visible}}
                                AND {{template "visible" $.Past}}{{end}}
                              ORDER BY a.version{{$.Direction}}, a.id{{$.Direction}} LIMIT 1)
{{- end}}
{{- range .Past.Renamed}}
                            UNION ALL
                            (SELECT a.* FROM {{schema}}.chrononaut_activity AS a
                              WHERE {{if not $.Visible}}l.id IS NULL AND {{end}}{{template "renamed_is" (($.Past.Is "key" "k.key").Of .)}}{{if $.Visible}}
                                AND {{template "visible" $.Past}}{{end}}
                              ORDER BY a.version{{$.Direction}}, a.id{{$.Direction}} LIMIT 1)
{{- end}}) AS a
                     ORDER BY a.version{{.Direction}}, a.id{{.Direction}} LIMIT 1) AS a
{{- end -}}
{{if .Policy}}SELECT * FROM (
{{end}}{{if .Virtual}}SELECT {{range $i, $c := .Table.Columns}}{{if $i}},
       {{end}}{{if $.IsVirtual $c}}({{$c.Expression}})::{{$c.FullType}} AS {{end}}{{ident $c.Name}}{{end}} FROM (
{{end}}SELECT {{range $i, $c := .Table.Columns}}{{if $i}},
       {{end}}{{if $.IsVirtual $c}}NULL::{{$c.FullType}}{{else}}{{$.Value $c}}{{end}} AS {{ident $c.Name}}{{end}}
{{if .Table.Periods}}{{template "periods" .}}
   AND {{template "recorded" .Table}}{{else}}  -- Every key that history has; a condition on the key finds it here.
  FROM {{.Table.KeysTable}} AS k
 CROSS JOIN LATERAL (
       -- Its newest change that the point sees. OFFSET 0: once for all columns.
       SELECT CASE WHEN l.id IS NULL THEN f.version = 0 ELSE l.operation = 'baseline' AND l.version = 0 END AS unversioned,
              CASE WHEN l.id IS NULL THEN f.{{if .Mapped}}readable{{else}}data{{end}} ELSE l.{{if .Mapped}}readable{{else}}data{{end}} END AS data
         FROM (VALUES (1)) AS one (x)
         LEFT JOIN LATERAL (
            {{if .Mapped}}{{template "any" (.Branches true " DESC")}}{{else -}}
            SELECT a.id, a.version, a.operation, a.data
              FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "own" (.Is "key" "k.key")}}
               AND CASE WHEN {{template "visible" .}}
                         AND {{template "own_row" (.Is "key" "k.key")}} THEN true END
             ORDER BY a.version DESC LIMIT 1{{end}}) AS l ON true
         -- A change that took the key away from its record.
         LEFT JOIN LATERAL (
            {{if .Renamed}}SELECT a.id, a.version FROM (({{end}}SELECT a.id, a.version
              FROM {{schema}}.chrononaut_activity AS a
             WHERE k.departed AND {{template "own" (.Is "previous_key" "k.key")}}
               AND a.previous_key IS NOT NULL
               AND CASE WHEN {{template "own_row" (.Is "previous_key" "k.key")}}
                         AND {{template "visible_departed" .}} THEN true END
             ORDER BY a.version DESC, a.id DESC LIMIT 1
{{- range .Renamed}})
             UNION ALL
             (SELECT a.id, a.version
                FROM {{schema}}.chrononaut_activity AS a
               WHERE k.departed AND {{template "renamed_is" (($.Is "previous_key" "k.key").Of .)}}
                 AND a.previous_key IS NOT NULL
                 AND {{template "visible" $}}
               ORDER BY a.version DESC, a.id DESC LIMIT 1
{{- end}}{{if .Renamed}})) AS a ORDER BY a.version DESC, a.id DESC LIMIT 1{{end}}) AS d ON true
         -- What a baseline found was there before it.
         LEFT JOIN LATERAL (
            {{if .Mapped}}{{template "any" (.Branches false "")}}{{else -}}
            SELECT a.version, a.operation, a.data
              FROM {{schema}}.chrononaut_activity AS a
             WHERE l.id IS NULL AND {{template "own" (.Is "key" "k.key")}}
               AND CASE WHEN {{template "own_row" (.Is "key" "k.key")}} THEN true END
             ORDER BY a.version LIMIT 1{{end}}) AS f ON true
        WHERE CASE WHEN l.id IS NULL THEN d.id IS NULL AND f.operation = 'baseline'
                        AND (SELECT {{if .Point}}NOT {{schema}}.past_complete({{literal .Table.Schema}}, {{literal .Table.Name}}, {{literal .Point.Clock}}::timestamptz)
                                    {{- else}}{{schema}}.past_found({{literal .Table.Schema}}, {{literal .Table.Name}}){{end}})
                   ELSE (l.operation NOT IN ('delete', 'truncate')) IS NOT FALSE
                        AND (d.id IS NULL OR l.version >= d.version OR l.id > d.id) END
       OFFSET 0) AS s
{{- if not .Point}}
 WHERE {{template "recorded" .Table}}
{{- end}}{{end}}
{{- if .Virtual}}
) AS {{ident .Table.Name}}{{end}}
{{- if .Policy}}
) AS {{ident .Table.Name}}
 -- The table's row security, for past rows.
 WHERE NOT coalesce(pg_catalog.row_security_active(pg_catalog.to_regclass({{literal .Table.Qualified}})::pg_catalog.oid), false)
    OR ({{.Policy}})
{{- end}}
