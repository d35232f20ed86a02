-- How a table is tracked. Without a schema ($1 is empty) it is the table that the
-- search path finds, or, when it finds none, one of that name in any schema.
SELECT r.table_schema, r.table_name, r.tracked, r.tracked_since, pg_catalog.to_jsonb(r.key_columns)::text, r.options::text,
       {{template "stamp"}},
       -- When tracking began and ended, as microseconds.
       coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(e.operation, (extract(epoch FROM e.changed) * 1000000)::bigint) ORDER BY e.id)
                   FROM {{schema}}.chrononaut_activity AS e
                  WHERE e.operation IN ('track', 'untrack') AND e.operation NOT IN ('insert', 'update')
                    AND (e.table_schema || '' = r.table_schema AND e.table_name || '' = r.table_name AND e.id > coalesce((r.options ->> 'after')::bigint, 0)
                         OR EXISTS (SELECT FROM pg_catalog.jsonb_array_elements(r.options -> 'renames') AS n
                                     WHERE n ->> 'schema' = e.table_schema AND n ->> 'name' = e.table_name
                                       AND e.id > (n ->> 'after')::bigint AND e.id <= (n ->> 'up_to')::bigint))), '[]')::text,
       -- Rows of Python chrononaut that are about it, and how they are read.
       coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('rows', p.rows,
                            'data', {{schema}}.python_data_sql(r.table_schema, r.table_name, p.rows, 'a.data')) ORDER BY p.place)
                   FROM pg_catalog.jsonb_array_elements(r.options -> 'python') WITH ORDINALITY AS p (rows, place))::text, '')
  FROM {{schema}}.chrononaut_table AS r
 WHERE r.table_name = $2::text
   -- The history of a table that was renamed is that of its new name.
   AND (r.tracked OR NOT coalesce((r.options ->> 'moved')::boolean, false))
   AND r.table_schema = CASE WHEN $1::text <> '' THEN $1::text ELSE coalesce((
           SELECT n.nspname::text
             FROM pg_catalog.unnest(pg_catalog.current_schemas(true)) WITH ORDINALITY AS path (name, place)
             JOIN pg_catalog.pg_namespace AS n ON n.nspname = path.name
             JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = $2::text
            -- In a transaction that reads the past, views come first.
            WHERE NOT (c.relkind = 'v' AND pg_catalog.starts_with(n.nspname::text, {{literal (print rawSchema "_past")}}))
            ORDER BY path.place LIMIT 1), r.table_schema) END
 ORDER BY r.tracked DESC, r.table_schema
 LIMIT 2
