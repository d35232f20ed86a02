{{- /* The columns of a change, and what is hidden now. */ -}}
{{define "change" -}}
a.id, coalesce(a.table_schema, ''), a.table_name, a.changed, a.version, a.key, a.previous_key,
       a.data, a.user_info, a.extra_info, coalesce(a.operation, ''), coalesce(a.transaction_id, 0), coalesce(a.database_user, ''),
       coalesce((SELECT r.options -> '$.hidden' FROM main.chrononaut_table AS r WHERE r.table_name = a.table_name), '[]')
{{- end}}
{{- /* Says the table's columns and how it is tracked. */ -}}
{{define "definition" -}}
r.options || r.key_columns || r.tracked || (SELECT count(*) FROM main.chrononaut_activity AS u
         WHERE u.operation = 'untrack' AND u.operation NOT IN ('insert', 'update') AND u.table_name = r.table_name)
       || coalesce((SELECT s.sql FROM main.sqlite_schema AS s WHERE s.type = 'table' AND s.name = r.table_name COLLATE NOCASE), '')
{{- end}}
{{- /* Whether the reader knows the table as it is. */ -}}
{{define "stamp" -}}
(SELECT CASE WHEN ({{template "definition"}}) = ?3 THEN 'known' ELSE 'changed' END FROM main.chrononaut_table AS r WHERE r.table_name = ?2)
{{- end}}
{{- /* The state before a change of the log; what is inserted again had none. */ -}}
{{define "before" -}}
(SELECT p.data FROM main.chrononaut_activity AS p
          WHERE a.operation IS NOT 'insert' AND NOT (a.operation IS 'restore' AND json_extract(a.extra_info, '$.restore.operation') IS 'insert') AND p.table_name = a.table_name AND p.key = coalesce(a.previous_key, a.key) AND p.version < a.version
          ORDER BY p.version DESC LIMIT 1)
{{- end}}
