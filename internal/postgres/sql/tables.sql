-- The registry.
SELECT table_schema, table_name, tracked, tracked_since, pg_catalog.to_jsonb(key_columns)::text, options::text
  FROM {{schema}}.chrononaut_table
 ORDER BY table_schema, table_name
