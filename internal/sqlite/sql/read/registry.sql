-- How a table is tracked.
SELECT r.table_name, r.tracked, r.tracked_since, r.key_columns, r.options, {{template "definition"}},
       -- When tracking began and ended.
       (SELECT json_group_array(json_array(e.operation, e.changed))
          FROM (SELECT e.operation, e.changed FROM main.chrononaut_activity AS e
                 WHERE e.operation IN ('track', 'untrack') AND e.operation NOT IN ('insert', 'update') AND e.table_name = r.table_name
                 ORDER BY e.id) AS e)
  FROM main.chrononaut_table AS r
 WHERE r.table_name = ?1 COLLATE NOCASE
 ORDER BY r.tracked DESC, r.table_name = ?1 DESC
 LIMIT 1
