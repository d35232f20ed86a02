-- Who has the whole table locked. The table itself is not touched.
SELECT {{schema}}.lock_holders(c.oid, NULL, {{literal .Strength}})::text
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
 WHERE s.nspname = {{literal .Table.Schema}} AND c.relname = {{literal .Table.Name}}
