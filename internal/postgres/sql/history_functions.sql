-- The functions of the history schema that migrations made. The source of one
-- whose body is parsed at its creation is empty.
SELECT f.proname, f.prosrc
  FROM pg_catalog.pg_proc AS f
  JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
 WHERE n.nspname = {{literal rawSchema}}
