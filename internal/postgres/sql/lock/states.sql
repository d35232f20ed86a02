-- Which items of $1 have a row, and who has it locked.
SELECT k.n, pg_catalog.row_security_active(t.tableoid),
       {{schema}}.lock_holders(t.tableoid, t.xmax, {{literal .Strength}})::text
  FROM {{template "restore_keys" .}}
  JOIN {{.Table.Qualified}} AS t ON {{template "restore_match" .}}
 ORDER BY k.n
