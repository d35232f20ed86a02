{{- /* A lease, of the alias l, as Go reads it. */ -}}
{{define "lease" -}}
l.table_schema, l.table_name, l.key::text, {{schema}}.lease_holder(l.user_info, l.database_user), l.version,
       l.granted, l.renewed, l.expires, l.enforced, coalesce(l.rationale, '')
{{- end}}
