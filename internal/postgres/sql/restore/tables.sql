-- The tracked tables that have changes of a transaction, or of an actor in a time.
SELECT DISTINCT r.table_schema, r.table_name
  FROM (SELECT DISTINCT a.table_schema, a.table_name
          FROM {{schema}}.chrononaut_activity AS a
         WHERE {{if .Transaction}}a.transaction_id = {{.Transaction}}{{else}}true{{end}}
{{- range .Where}}
           AND {{.}}{{end}}
        OFFSET 0) AS a
  JOIN {{schema}}.chrononaut_table AS r
    ON r.table_schema = a.table_schema AND r.table_name = a.table_name
    OR EXISTS (SELECT FROM pg_catalog.jsonb_array_elements(r.options -> 'renames') AS n
                WHERE n ->> 'schema' = a.table_schema AND n ->> 'name' = a.table_name)
    OR a.table_schema IS NULL AND EXISTS (SELECT FROM pg_catalog.jsonb_array_elements(r.options -> 'python') AS p
                WHERE p ->> 'name' = a.table_name)
 WHERE r.tracked OR NOT coalesce((r.options ->> 'moved')::boolean, false)
 ORDER BY r.table_schema, r.table_name
