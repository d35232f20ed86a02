CREATE TRIGGER main.{{ident .Trigger}} AFTER UPDATE ON {{ident .Table.Name}}
WHEN {{template "captured"}}
 AND {{.Table.Changed}}
BEGIN
{{- template "number" .Table}}
END
