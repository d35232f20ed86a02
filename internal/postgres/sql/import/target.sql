-- What an import needs to know of the table $1.$2: its columns, its primary key,
-- how it is tracked, and the SQL that writes a row as history has it. $3 are more
-- columns that stay out of history.
SELECT pg_catalog.jsonb_build_object(
    'columns', (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', a.attname, 'type', pg_catalog.format_type(a.atttypid, NULL)) ORDER BY a.attnum)
                  FROM pg_catalog.pg_attribute AS a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'key', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.position)
              FROM pg_catalog.pg_index AS i,
                   LATERAL pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
              JOIN pg_catalog.pg_attribute AS a ON a.attnum = k.attnum
             WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND k.position <= i.indnkeyatts),
    'options', r.options,
    'registered', r.options IS NOT NULL,
    'key_sql', {{schema}}.key_sql(c.oid, 'r'),
    'image_sql', {{schema}}.image_sql(c.oid, e.excluded || coalesce(r.options ->> 'version_column', 'version'), 'r'),
    'excluded', pg_catalog.to_jsonb(e.excluded))::text
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN {{schema}}.chrononaut_table AS r ON r.table_schema = n.nspname AND r.table_name = c.relname
 CROSS JOIN LATERAL (SELECT ARRAY(SELECT pg_catalog.jsonb_array_elements_text(coalesce(r.options -> 'hidden', '[]') || coalesce(r.options -> 'untracked', '[]') || $3::jsonb)) AS excluded) AS e
 WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p')
