CREATE TRIGGER main.{{ident .Trigger}} AFTER INSERT ON {{ident .Table.Name}}
WHEN EXISTS (SELECT 1 FROM chrononaut_replaced WHERE table_name = {{literal .Table.HistoryName}})
 AND {{template "captured"}}
BEGIN
{{- template "replaced" (row .Table "")}}
END
