-- The keys that the transactions $1 changed up to the time $2.
SELECT DISTINCT k.key::text
  FROM {{schema}}.chrononaut_activity AS a
 CROSS JOIN LATERAL (VALUES ({{if .Mapped}}{{.MappedKey "a.key"}}{{else}}a.key{{end}}), ({{if .Mapped}}{{.MappedKey "a.previous_key"}}{{else}}a.previous_key{{end}})) AS k (key)
 WHERE a.transaction_id = ANY (ARRAY(SELECT e.id::xid8 FROM pg_catalog.jsonb_array_elements_text($1::jsonb) AS e (id)))
   AND a.changed <= $2::timestamptz AND k.key <> '{}'
   AND (a.table_schema = {{literal .Schema}} AND a.table_name = {{literal .Name}}{{with .LogOwn}} AND ({{.}}){{end}}
{{- range .LogNames}}
        OR a.table_schema = {{literal .Schema}} AND a.table_name = {{literal .Name}}{{with .Bounds}} AND ({{.}}){{end}}{{end}})
