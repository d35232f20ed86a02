-- The newest applied migration.
SELECT coalesce(pg_catalog.max(version), 0) FROM {{schema}}.chrononaut_migration
