-- Entries of history that no trigger writes, by their table: the first, how many, and
-- what they are. All of history is read.
SELECT a.table_name, 'malformed', min(a.id), count(*)
  FROM main.chrononaut_activity AS a
 WHERE CASE WHEN json_valid(a.data) THEN json_type(a.data) <> 'object' ELSE 1 END
 GROUP BY a.table_name
 UNION ALL
-- A version that a key has twice.
SELECT d.table_name, 'doubled', min(d.id), count(*)
  FROM (SELECT a.table_name, max(a.id) AS id
          FROM main.chrononaut_activity AS a
         WHERE a.key <> '{}'
         GROUP BY a.table_name, a.key, a.version
        HAVING count(*) > 1) AS d
 GROUP BY d.table_name
 ORDER BY 1, 2
