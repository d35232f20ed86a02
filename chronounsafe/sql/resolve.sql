-- The name in history of the table $2 in the schema $1, and the key $3 in the
-- form that history has. Without a schema the search path decides, and for a
-- table that is gone the only one of that name that was tracked.
WITH target AS (
    SELECT coalesce(
               nullif($1::text, ''),
               (SELECT n.nspname::text
                  FROM pg_catalog.pg_class AS c
                  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                 WHERE c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident($2::text))),
               (SELECT pg_catalog.min(t.table_schema)
                  FROM {{schema}}.chrononaut_table AS t
                 WHERE t.table_name = $2::text
                HAVING pg_catalog.count(*) = 1)) AS table_schema
)
SELECT t.table_schema, {{schema}}.normalize_key(t.table_schema, t.table_name, $3::jsonb)::text
  FROM {{schema}}.chrononaut_table AS t
  JOIN target USING (table_schema)
 WHERE t.table_name = $2::text
