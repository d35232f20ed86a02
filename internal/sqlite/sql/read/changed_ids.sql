-- The smallest and the greatest id of a table's changes in a time.
SELECT coalesce(min(w.id), 0), coalesce(max(w.id), 0),
       {{template "stamp"}}
  FROM main.chrononaut_activity AS w
 WHERE w.table_name = ?2 AND w.changed > {{.From}} AND w.changed <= {{.To}}
