-- How a table is tracked.
SELECT r.table_name, r.tracked, r.tracked_since, r.key_columns, r.options, {{template "definition"}}
  FROM main.chrononaut_table AS r
 WHERE r.table_name = ?1 COLLATE NOCASE
 ORDER BY r.tracked DESC, r.table_name = ?1 DESC
 LIMIT 1
