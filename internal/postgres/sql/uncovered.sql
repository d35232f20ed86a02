-- Tables of the application that are not tracked; partitions count with their
-- parent, and tables of extensions not at all.
SELECT n.nspname, c.relname
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
   AND NOT pg_catalog.starts_with(n.nspname, 'pg_') AND n.nspname NOT IN ('information_schema', {{literal rawSchema}})
   AND NOT pg_catalog.starts_with(c.relname, 'chrononaut_')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
   AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_table AS t
                    WHERE t.table_schema = n.nspname AND t.table_name = c.relname AND t.tracked)
 ORDER BY n.nspname, c.relname
