-- Where the last state that history has of each key of a table is not, to the
-- letter, that of the table. ?1 is the table's name in history.
WITH last AS (
    SELECT a.key, a.data, a.operation, max(a.version) AS version
      FROM main.chrononaut_activity AS a
     WHERE a.table_name = ?1 AND a.key <> '{}'
     GROUP BY a.key
), replayed AS (
    SELECT l.key, l.data, l.version
      FROM last AS l
     WHERE l.operation <> 'delete'
       -- A change of the primary key takes its old value from the record.
       AND NOT EXISTS (SELECT 1 FROM main.chrononaut_activity AS b
                        WHERE b.table_name = ?1 AND b.previous_key = l.key AND b.version > l.version)
), live AS (
    SELECT {{.Table.KeyObject "t"}} AS key, coalesce(t.{{.VersionColumn}}, 0) AS version, {{.Table.Image "t"}} AS image
      FROM main.{{.Name}} AS t
)
SELECT coalesce(h.key, l.key), h.data, l.image || {{.Table.VersionSuffix "l.version"}}
  FROM replayed AS h
  FULL JOIN live AS l ON l.key = h.key
 WHERE h.data IS NOT l.image || {{.Table.VersionSuffix "l.version"}}
 ORDER BY 1
