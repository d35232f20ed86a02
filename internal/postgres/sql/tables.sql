-- The registry, and tables that it lost because a dump of the schema alone was
-- restored: the comment of the trigger function says how they are tracked.
SELECT table_schema, table_name, tracked, tracked_since, pg_catalog.to_jsonb(key_columns)::text, options::text, false
  FROM {{schema}}.chrononaut_table
 UNION ALL
SELECT n.nspname, c.relname, true, pg_catalog.now(),
       (SELECT coalesce(pg_catalog.jsonb_agg(a.attname ORDER BY k.position), '[]')
          FROM pg_catalog.pg_index AS i,
               LATERAL pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
          JOIN pg_catalog.pg_attribute AS a ON a.attnum = k.attnum
         WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND k.position <= i.indnkeyatts)::text,
       pg_catalog.substring(pg_catalog.obj_description(f.oid, 'pg_proc'), ', options (.*)$'), true
  FROM pg_catalog.pg_trigger AS g
  JOIN pg_catalog.pg_proc AS f ON f.oid = g.tgfoid
  JOIN pg_catalog.pg_namespace AS s ON s.oid = f.pronamespace
  JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE g.tgname = 'zzzz_chrononaut_version' AND s.nspname = {{literal rawSchema}} AND NOT c.relispartition
   AND pg_catalog.obj_description(f.oid, 'pg_proc') LIKE '%, options {%'
   -- The function is this table's own: see FunctionName.
   AND pg_catalog.strpos(f.proname, '_' || pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(
           pg_catalog.convert_to(n.nspname, 'UTF8') || pg_catalog.decode('00', 'hex') || pg_catalog.convert_to(c.relname, 'UTF8')), 'hex'), 8) || '_') > 0
   AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_table AS t WHERE t.table_schema = n.nspname AND t.table_name = c.relname)
 ORDER BY 1, 2
