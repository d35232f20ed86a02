-- The indexes that the history table has.
SELECT c.relname, i.indisvalid
  FROM pg_catalog.pg_index AS i
  JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
 WHERE i.indrelid = pg_catalog.to_regclass({{literal (print schema ".chrononaut_activity")}})
