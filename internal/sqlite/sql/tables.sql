-- The registry.
SELECT table_schema, table_name, tracked, tracked_since, key_columns, options
  FROM main.chrononaut_table
 ORDER BY table_name
