-- The state that each record of ?1 had at a point, and its changes since, in
-- order: the record that has, or had last, the key, back across changes of its
-- primary key.
WITH RECURSIVE asked AS MATERIALIZED (
    SELECT i.n, i.key, i.before FROM {{template "items"}} AS i
), life (n, key, before, upper, arrival) AS (
    SELECT k.n, k.key, k.before, NULL,
           (SELECT a.id FROM main.chrononaut_activity AS a
             WHERE a.table_name = ?2 AND a.key = k.key AND a.previous_key IS NOT NULL
             ORDER BY a.version DESC LIMIT 1)
      FROM asked AS k
    UNION ALL
    SELECT l.n, b.previous_key, l.before, b.version,
           (SELECT a.id FROM main.chrononaut_activity AS a
             WHERE a.table_name = ?2 AND a.key = b.previous_key AND a.previous_key IS NOT NULL AND a.version < b.version
             ORDER BY a.version DESC LIMIT 1)
      FROM life AS l
      JOIN main.chrononaut_activity AS b ON b.id = l.arrival
), parts AS MATERIALIZED (
    SELECT l.n, l.key, l.before, l.upper, (SELECT b.version FROM main.chrononaut_activity AS b WHERE b.id = l.arrival) AS lower
      FROM life AS l
), targets AS MATERIALIZED (
    SELECT l.n, max(a.version) AS version
      FROM parts AS l
     CROSS JOIN main.chrononaut_activity AS a
     WHERE a.table_name = ?2 AND a.key = l.key
       AND (l.upper IS NULL OR a.version < l.upper) AND (l.lower IS NULL OR a.version >= l.lower)
       AND {{.Until}}
     GROUP BY l.n
)
SELECT l.n, a.version IS g.version,
       {{template "change"}}
  FROM parts AS l
  LEFT JOIN targets AS g ON g.n = l.n
 CROSS JOIN main.chrononaut_activity AS a
 WHERE a.table_name = ?2 AND a.key = l.key
   AND (l.upper IS NULL OR a.version < l.upper) AND (l.lower IS NULL OR a.version >= l.lower)
   AND (g.version IS NULL OR a.version >= g.version)
 ORDER BY l.n, a.version
