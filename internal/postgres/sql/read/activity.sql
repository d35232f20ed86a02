{{- /* The log of a table that has rows under older names, or that rows of Python
chrononaut are about: one branch for the table's own rows, one for each name.
Ordered branches that end early keep a page of it cheap; without a limit the
branches are merged as they are read. */ -}}
{{- define "in_transaction" -}}
{{- if .Transaction}}
   AND a.transaction_id = {{.Transaction}}
   -- Not of a transaction that had the id in another cluster before.
   AND a.id >= {{schema}}.cluster_start((
           SELECT max(t.id) FROM {{schema}}.chrononaut_activity AS t
            WHERE t.transaction_id = {{.Transaction}}{{if .Until}} AND t.changed <= {{.Until}}{{end}}))
{{- end}}
{{- end}}
{{- define "branch_end" -}}
{{- range .Where}}
               AND {{.}}{{end}}
{{- template "in_transaction" .}}
{{- if and .Limit (not .Column)}}
             ORDER BY a.id{{if not .OldestFirst}} DESC{{end}} LIMIT {{.Limit}}{{end}}
{{- end}}
{{- define "mapped_log" -}}
(SELECT {{template "python_columns" .}}
          FROM ((SELECT a.* FROM {{schema}}.chrononaut_activity AS a
             WHERE a.table_schema = {{literal .Schema}} AND a.table_name = {{literal .Name}}{{with .LogOwn}} AND ({{.}}){{end}}
{{- template "branch_end" .}})
{{- range .LogNames}}
            UNION ALL
            (SELECT a.* FROM {{schema}}.chrononaut_activity AS a
             WHERE a.table_schema = {{literal .Schema}} AND a.table_name = {{literal .Name}}{{with .Bounds}} AND ({{.}}){{end}}
{{- template "branch_end" $}})
{{- end}}
{{- range .Python}}
            UNION ALL
            (SELECT a.* FROM {{schema}}.chrononaut_activity AS a
             WHERE a.table_schema IS NULL AND a.table_name = {{literal .Name}}
{{- template "branch_end" $}})
{{- end}}) AS a
         ORDER BY a.id{{if not .OldestFirst}} DESC{{end}}
        {{if and .Limit (not .Column)}}LIMIT {{.Limit}}{{else}}OFFSET 0{{end}})
{{- end}}
{{- /* The state before a change of such a table: a is the change. */ -}}
{{- define "mapped_before" -}}
SELECT p.data
         FROM (SELECT a.*
                 FROM (SELECT a.version, coalesce(a.previous_key, a.key) AS key
                        WHERE {{template "went_on" .}}) AS later
                CROSS JOIN LATERAL (
                      SELECT {{template "python_columns" .}}
                        FROM (({{template "previous" (.Is "key" "later.key")}})
{{- range .Renamed}}
                              UNION ALL
                              (SELECT a.* FROM {{schema}}.chrononaut_activity AS a
                                WHERE {{template "renamed_is" (($.Is "key" "later.key").Of .)}}
                                  AND a.version < later.version
                                ORDER BY a.version DESC LIMIT 1)
{{- end}}
{{- range .Python}}
                              UNION ALL
                              (SELECT a.* FROM {{schema}}.chrononaut_activity AS a
                                WHERE {{template "python_is" ($.PythonIs . "later.key")}}
                                  AND a.version < later.version
                                ORDER BY a.version DESC, a.id DESC LIMIT 1)
{{- end}}) AS a ORDER BY a.version DESC, a.id DESC LIMIT 1) AS a) AS p
{{- end}}
{{- /* Whether there was a record before the change. */ -}}
{{- define "went_on" -}}
(a.operation IS NULL OR a.operation NOT IN ('insert', 'restore') OR a.operation = 'restore' AND a.extra_info #>> '{restore,operation}' IS DISTINCT FROM 'insert')
{{- end}}
{{- define "previous" -}}
SELECT a.* FROM {{schema}}.chrononaut_activity AS a
                                WHERE {{template "is" .}}
                                  AND a.version < later.version
                                ORDER BY a.version DESC LIMIT 1
{{- end -}}
-- The log. Its order is that of ids; every condition has an index.
SELECT {{template "change" .}}{{if .Before}},
       {{template "shown" "previous.data"}}::text{{end}}
  FROM {{if .Mapped}}{{template "mapped_log" .}}{{else}}{{schema}}.chrononaut_activity{{end}} AS a
{{- if or .Column .Before}}
  LEFT JOIN LATERAL (
       -- The state before this one; what is inserted again had none.
       {{if .Mapped}}{{template "mapped_before" .}}{{else}}SELECT p.data
         FROM {{schema}}.chrononaut_activity AS p
        WHERE {{template "went_on" .}}
          AND pg_catalog.jsonb_hash_extended(p.key, pg_catalog.hashtextextended(coalesce(p.table_schema, '') || '.' || p.table_name, 0))
              = pg_catalog.jsonb_hash_extended(coalesce(a.previous_key, a.key), pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
          AND p.key = coalesce(a.previous_key, a.key)
          AND p.table_name || '' = a.table_name AND p.table_schema IS NOT DISTINCT FROM a.table_schema
          AND p.version < a.version
        ORDER BY p.version DESC LIMIT 1{{end}}) AS previous ON true
{{- end}}
 WHERE true
{{- if not .Mapped}}
{{- range .Where}}
   AND {{.}}{{end}}
{{- template "in_transaction" .}}
{{- end}}
{{- if .Column}}
   AND (a.extra_info -> 'hidden_cols_changed' ? {{.Column}}
        OR coalesce(a.operation, 'update') IN ('insert', 'update', 'restore', 'baseline')
           AND (a.version > 0 OR a.operation IS DISTINCT FROM 'baseline')
           AND a.data ? {{.Column}} AND a.data -> {{.Column}} IS DISTINCT FROM previous.data -> {{.Column}})
{{- end}}
 ORDER BY a.id{{if not .OldestFirst}} DESC{{end}}
{{- if .Limit}}
 LIMIT {{.Limit}}{{end}}
