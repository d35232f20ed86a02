-- The newest applied migration. A dump of the schema alone has no rows; the
-- table's comment says it too.
SELECT coalesce(pg_catalog.max(version),
                pg_catalog.substring(pg_catalog.obj_description({{literal (print schema ".chrononaut_migration")}}::pg_catalog.regclass, 'pg_class'), 'version ([0-9]+)')::integer,
                0)
  FROM {{schema}}.chrononaut_migration
