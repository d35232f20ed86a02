{{- /* The columns of a change, and what finds a record in the index. */ -}}
{{define "change" -}}
a.id, coalesce(a.table_schema, ''), a.table_name, a.changed, a.version, a.key::text, a.previous_key::text,
       a.data::text, a.user_info::text, a.extra_info::text, coalesce(a.operation, ''),
       coalesce(a.transaction_id::text, '0'), coalesce(a.database_user, '')
{{- end}}
{{define "is" -}}
pg_catalog.jsonb_hash_extended(a.{{.Column}}, pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
               = pg_catalog.jsonb_hash_extended({{.Key}}, pg_catalog.hashtextextended({{literal .Schema}} || '.' || {{literal .Name}}, 0))
           AND a.{{.Column}} = {{.Key}}
           AND a.table_name || '' = {{literal .Name}} AND a.table_schema || '' = {{literal .Schema}}
{{- end}}
