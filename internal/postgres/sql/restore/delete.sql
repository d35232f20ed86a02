DELETE FROM {{.Table.Qualified}} AS t
 USING {{template "restore_keys" .}}
 WHERE {{template "restore_match" .}}
