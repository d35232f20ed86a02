DELETE FROM main.{{ident .Table.Name}}
 WHERE {{.Table.KeyColumns}} IN (SELECT {{.Table.ReadKey "k.key"}} FROM {{template "items"}} AS k)
