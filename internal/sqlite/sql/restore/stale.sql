-- Which items of ?1 are at another version than theirs, in their order: whether there
-- is a row, its version, and what has happened since theirs to the first ?2 of them.
SELECT s.n, s.found, s.present, CASE WHEN s.place <= ?2 THEN (
{{template "changes" since .Table "s.key" "s.version"}}) END
  FROM (SELECT k.n, k.key, k.version, k.present IS NOT NULL AS found, coalesce(k.present, 0) AS present, row_number() OVER (ORDER BY k.n) AS place
          FROM (SELECT i.value ->> '$.n' AS n, i.value ->> '$.key' AS key, i.value ->> '$.version' AS version,
                       (SELECT {{.Table.RowVersion "r"}} FROM main.{{ident .Table.Name}} AS r
                         WHERE {{.Table.KeyColumns}} IN (SELECT {{.Table.ReadKey "(i.value ->> '$.key')"}}) AND {{.Table.KeyObject "r"}} = i.value ->> '$.key') AS present
                  FROM json_each(?1) AS i LIMIT -1) AS k
         WHERE k.present IS NOT k.version) AS s
 ORDER BY s.n
