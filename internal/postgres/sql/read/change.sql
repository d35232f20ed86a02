{{- /* The columns of a change, and what finds a record in the index. */ -}}
{{define "change" -}}
a.id, coalesce(a.table_schema, ''), a.table_name, a.changed, a.version, a.key::text, a.previous_key::text,
       {{if .WithoutHidden}}{{template "shown" "a.data"}}{{else}}a.data{{end}}::text, coalesce(a.user_info, '{}')::text, coalesce(a.extra_info, '{}')::text, coalesce(a.operation, ''),
       coalesce(a.transaction_id::text, '0'), coalesce(a.database_user, '')
{{- end}}
{{define "is" -}}
pg_catalog.jsonb_hash_extended(a.{{.Column}}, pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
               = pg_catalog.jsonb_hash_extended({{.Key}}, pg_catalog.hashtextextended({{literal .Schema}} || '.' || {{literal .Name}}, 0))
           AND a.{{.Column}} = {{.Key}}
           AND a.table_name || '' = {{literal .Name}} AND a.table_schema || '' = {{literal .Schema}}
           {{- with .Bounds}} AND ({{.}}){{end}}
{{- end}}
{{- /* The same under an older name of the table or of its key's columns. */ -}}
{{define "renamed_is" -}}
pg_catalog.jsonb_hash_extended(a.{{.Column}}, pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
               = pg_catalog.jsonb_hash_extended({{schema}}.renamed_data({{.Key}}, {{literal .Then}}::jsonb), pg_catalog.hashtextextended({{literal .Schema}} || '.' || {{literal .Name}}, 0))
           AND a.{{.Column}} = {{schema}}.renamed_data({{.Key}}, {{literal .Then}}::jsonb)
           AND a.table_name || '' = {{literal .Name}} AND a.table_schema || '' = {{literal .Schema}}
           {{- with .Bounds}} AND ({{.}}){{end}}
{{- end}}
{{- /* Says the table's columns and how it is tracked: a reader compares it with what it remembers. */ -}}
{{define "stamp" -}}
pg_catalog.hashtextextended(r.options::text || r.key_columns::text || r.tracked::text || {{template "untracked"}} || coalesce((
               SELECT pg_catalog.string_agg(c.attnum || ' ' || c.attname || ' ' || c.atttypid, ',' ORDER BY c.attnum)
                 FROM pg_catalog.pg_attribute AS c
                WHERE c.attrelid = pg_catalog.to_regclass(pg_catalog.quote_ident(r.table_schema) || '.' || pg_catalog.quote_ident(r.table_name))
                  AND c.attnum > 0 AND NOT c.attisdropped), ''), 0)::text
{{- end}}
{{- /* How often tracking of the table has ended. */ -}}
{{define "untracked" -}}
(SELECT pg_catalog.count(*) FROM {{schema}}.chrononaut_activity AS u
         WHERE u.operation = 'untrack' AND u.operation NOT IN ('insert', 'update')
           AND u.table_schema || '' = r.table_schema AND u.table_name || '' = r.table_name)
{{- end}}
{{define "record" -}}
(SELECT {{template "stamp"}}
          FROM {{schema}}.chrononaut_table AS r
         WHERE r.table_schema = {{literal .Schema}} AND r.table_name = {{literal .Name}})
       {{- with .Record}},
       {{.Misfits $.DataColumn "v"}}{{if $.Python}} || {{.PythonMisfits "a.data"}}{{end}}
       {{- range .RecordColumns}},
       v.{{ident .Name}}
       {{- end}}{{end}}
{{- end}}
{{- /* The typed values. OFFSET 0: each is computed once. */ -}}
{{define "values" -}}
{{- with .Record}}
 CROSS JOIN LATERAL (
       SELECT {{range $i, $e := .RecordRead $.DataColumn}}{{if $i}},
              {{end}}{{$e}}{{end}}
       OFFSET 0) AS v
{{- end}}
{{- end}}
{{- /* A state without the columns that the registry says are hidden now. */ -}}
{{define "shown" -}}
({{.}} - coalesce((SELECT ARRAY(SELECT pg_catalog.jsonb_array_elements_text(r.options -> 'hidden')
                                  UNION ALL
                                  -- What hidden columns were called before.
                                  SELECT c ->> 'name' FROM pg_catalog.jsonb_array_elements(r.options -> 'concealed') AS c WHERE a.id <= (c ->> 'up_to')::bigint)
                     FROM {{schema}}.chrononaut_table AS r
                    WHERE r.table_schema = a.table_schema AND r.table_name = a.table_name), '{}'))
{{- end}}
{{- /* The same for rows of Python chrononaut, which have no schema. */ -}}
{{define "python_is" -}}
pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
               = pg_catalog.jsonb_hash_extended({{schema}}.python_key({{.Key}}, {{literal .Rows}}::jsonb), pg_catalog.hashtextextended('.' || {{literal .Name}}, 0))
           AND a.key = {{schema}}.python_key({{.Key}}, {{literal .Rows}}::jsonb)
           AND a.table_name || '' = {{literal .Name}} AND a.table_schema || '' IS NULL
{{- end}}
{{- /* The columns of rows of which some may be Python's, or older than a rename, as if they were the table's own. */ -}}
{{define "python_key" -}}
{{if not .Python}}{{.MappedKey "a.key"}}{{else}}CASE WHEN a.table_schema IS NULL THEN CASE a.table_name
       {{- range .Python}} WHEN {{literal .Name}} THEN {{schema}}.python_native_key(a.key, {{literal .Rows}}::jsonb){{end}} END ELSE {{.MappedKey "a.key"}} END{{end}}
{{- end}}
{{define "python_data" -}}
{{if not .Python}}{{.MappedKey "a.data"}}{{else}}CASE WHEN a.table_schema IS NULL THEN CASE a.table_name
       {{- range .Python}} WHEN {{literal .Name}} THEN {{.Data}}{{end}} END ELSE {{.MappedKey "a.data"}} END{{end}}
{{- end}}
{{define "python_columns" -}}
a.id, {{literal .Schema}}::text AS table_schema, {{literal .Name}}::text AS table_name, a.changed, a.version,
       {{template "python_key" .}} AS key, {{.MappedKey "a.previous_key"}} AS previous_key,
       {{template "python_data" .}} AS data, a.user_info, {{.MappedInfo "a.extra_info"}} AS extra_info, a.operation, a.transaction_id, a.database_user
{{- end}}
