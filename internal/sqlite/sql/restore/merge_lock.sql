-- The version of the record ?1. The transaction is the one that writes.
SELECT {{.Table.RowVersion "r"}} FROM main.{{ident .Table.Name}} AS r
 WHERE {{.Table.KeyColumns}} IN (SELECT {{.Table.ReadKey "?1"}}) AND {{.Table.KeyObject "r"}} = ?1
