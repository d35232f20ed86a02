-- The times at which the whole table was emptied.
SELECT v.id, v.ts
  FROM {{.Source}} AS v
 WHERE v.table_schema = $1::text AND v.table_name = $2::text AND v.op::text = 'TRUNCATE'
 ORDER BY v.id
