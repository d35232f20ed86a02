-- Tables of the application that are not tracked.
SELECT l.name
  FROM pragma_table_list AS l
 WHERE l.schema = 'main' AND l.type = 'table'
   AND substr(l.name, 1, 7) <> 'sqlite_' COLLATE NOCASE
   AND substr(l.name, 1, 11) <> 'chrononaut_' COLLATE NOCASE
   AND NOT EXISTS (SELECT 1 FROM main.chrononaut_table AS t
                    WHERE t.table_name = l.name COLLATE NOCASE AND t.tracked)
 ORDER BY l.name
