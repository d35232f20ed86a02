-- What the keys of ?1 were at a point: the change that made the state of the record
-- that had the key then. There is no row for a key that had no record.
SELECT l.n, {{template "change"}}
  FROM {{template "items"}} AS l
 CROSS JOIN main.chrononaut_activity AS a ON a.id = (
       SELECT a.id FROM main.chrononaut_activity AS a
        WHERE a.table_name = ?2 AND a.key = l.key AND {{.Until}}
        ORDER BY a.version DESC LIMIT 1)
  LEFT JOIN main.chrononaut_activity AS parted ON parted.id = (
       SELECT a.id FROM main.chrononaut_activity AS a
        WHERE a.table_name = ?2 AND a.previous_key = l.key AND a.previous_key IS NOT NULL AND {{.Until}}
        ORDER BY a.version DESC LIMIT 1)
 WHERE a.operation IS NOT 'delete'
   AND (parted.id IS NULL OR a.version >= parted.version OR a.id > parted.id)
