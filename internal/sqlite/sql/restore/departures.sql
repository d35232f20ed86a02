-- The first change after one that took the key of each item of ?1 from its
-- record, and the key that it gave it.
SELECT i.n, d.id, d.version, d.key
  FROM {{template "items"}} AS i
 CROSS JOIN main.chrononaut_activity AS d ON d.id = (
       SELECT a.id FROM main.chrononaut_activity AS a
        WHERE a.table_name = ?2 AND a.previous_key = i.key AND a.previous_key IS NOT NULL
          AND a.id > i.after AND a.version > i.version
        ORDER BY a.id LIMIT 1)
