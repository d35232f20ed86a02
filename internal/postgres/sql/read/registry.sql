-- How a table is tracked; $1 may be empty for any schema.
SELECT table_schema, table_name, tracked, tracked_since, pg_catalog.to_jsonb(key_columns)::text, options::text
  FROM {{schema}}.chrononaut_table
 WHERE table_name = $2::text AND ($1::text = '' OR table_schema = $1::text)
 ORDER BY tracked DESC, table_schema
 LIMIT 2
